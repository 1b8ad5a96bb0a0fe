"""Segments as a data set: what is cut from them, and batches of their waveforms.

Every random choice depends on a seed, an epoch and a segment only: a resumed run, or one with
another number of workers, sees the same batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.prepared import read_segment
from sdd.data.rawboost import rawboost
from sdd.data.segments import Segments
from sdd.errors import InputError

Item = tuple[npt.NDArray[np.float32], int, int]
"""Waveform ``float32 [T]``, label, index of the segment."""
Key = tuple[int, int]
"""Epoch and index of the segment."""


@dataclass(frozen=True)
class CropRule:
    """Which segments are cut, and to what length; all in seconds.

    Attributes
    ----------
    longer_than
        Segments up to this duration are left whole.
    shortest, longest
        Range of the uniformly random duration of a cut.
    """

    longer_than: float
    shortest: float
    longest: float

    def __post_init__(self) -> None:
        """Refuse durations that contradict each other."""
        if not (0 < self.shortest <= self.longest and self.longer_than > 0):
            raise InputError(
                f"crop must have 0 < shortest <= longest and longer_than > 0, not {self}"
            )


def crop_window(
    n_samples: int, rule: CropRule, generator: np.random.Generator, sample_rate: int = SAMPLE_RATE
) -> tuple[int, int]:
    """Choose what is kept of a waveform of so many samples.

    Parameters
    ----------
    generator
        Source of randomness; not used for what stays whole.

    Returns
    -------
    start, length
        In samples. The length is uniform over the whole numbers from `rule.shortest` to
        `rule.longest`, at most `n_samples`; the start is uniform over all that fit.
    """
    if n_samples <= rule.longer_than * sample_rate:
        return 0, n_samples
    shortest, longest = round(rule.shortest * sample_rate), round(rule.longest * sample_rate)
    length = min(n_samples, int(generator.integers(shortest, longest, endpoint=True)))
    start = int(generator.integers(0, n_samples - length, endpoint=True))
    return start, length


class SegmentDataset(Dataset[Item]):
    """Segments, cut and augmented when they are read.

    Item (epoch, index) is waveform, label and index. Its random choices come from a generator of
    (seed, epoch, index) alone. The crop comes first, on the stored 16 kHz audio, so that only what
    is kept is read (the released code crops at the file's own rate before resampling: the same
    but for the rounding of the window to samples and the resampler's edges), then RawBoost. The
    waveform is not normalised here; the detector does that.

    Parameters
    ----------
    files
        One for each segment, relative to `audio_folder`; 16 kHz mono.
    starts, ends
        ``int64 [N]``, the segment's samples in its file.
    labels
        ``int64 [N]``, 0 fake, 1 real.
    crop
        None keeps every segment whole.
    rawboost
        Algorithm, 0 to 5; 0 is none.

    Raises
    ------
    ValueError
        If the arrays differ in length.
    """

    def __init__(
        self,
        files: Sequence[str],
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
        labels: npt.NDArray[np.int64],
        audio_folder: Path,
        *,
        crop: CropRule | None = None,
        rawboost: int = 0,
        seed: int = 0,
    ) -> None:
        counts = {len(files), len(starts), len(ends), len(labels)}
        if len(counts) > 1:
            raise ValueError(f"files, starts, ends and labels differ in length: {sorted(counts)}")
        # An array of text is one object: a list's reference counts would make every worker copy
        # the memory it shares with the main process.
        self.files = np.asarray(files, dtype=np.str_)
        self.starts = np.asarray(starts, dtype=np.int64)
        self.ends = np.asarray(ends, dtype=np.int64)
        self.labels = np.asarray(labels, dtype=np.int64)
        self.audio_folder = audio_folder
        self.crop = crop
        self.rawboost = rawboost
        self.seed = seed

    @classmethod
    def of(
        cls,
        table: Segments,
        audio_folder: Path,
        *,
        crop: CropRule | None = None,
        rawboost: int = 0,
        seed: int = 0,
    ) -> "SegmentDataset":
        """Make the data set of a segment table."""
        return cls(
            files=table.file,
            starts=table.start,
            ends=table.end,
            labels=table.is_real.astype(np.int64),
            audio_folder=audio_folder,
            crop=crop,
            rawboost=rawboost,
            seed=seed,
        )

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self.files)

    def __getitem__(self, key: Key) -> Item:
        """Read segment `index` as of an epoch."""
        epoch, index = key
        generator = np.random.default_rng([self.seed, epoch, index])
        start, end = int(self.starts[index]), int(self.ends[index])
        if self.crop is not None:
            offset, length = crop_window(end - start, self.crop, generator)
            start, end = start + offset, start + offset + length
        waveform = read_segment(self.audio_folder / str(self.files[index]), start, end)
        waveform = rawboost(waveform, self.rawboost, generator)
        return waveform, int(self.labels[index]), index


@dataclass(frozen=True)
class Batch:
    """Segments of one step.

    Attributes
    ----------
    waveforms
        ``float32 [B, T]``, zeros behind the shorter ones.
    lengths
        ``int64 [B]``, in samples.
    labels
        ``int64 [B]``, 0 fake, 1 real.
    indices
        ``int64 [B]``, places in the segment table.
    """

    waveforms: Tensor
    lengths: Tensor
    labels: Tensor
    indices: Tensor


def collate(items: Sequence[Item]) -> Batch:
    """Put items, one at least, into one batch, padded with zeros to the longest."""
    waveforms, labels, indices = zip(*items, strict=True)
    lengths = [len(waveform) for waveform in waveforms]
    padded = torch.zeros(len(items), max(lengths))
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = torch.from_numpy(waveform)
    return Batch(padded, torch.tensor(lengths), torch.tensor(labels), torch.tensor(indices))

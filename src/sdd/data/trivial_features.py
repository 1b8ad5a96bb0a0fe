"""Trivial features of segments: what says real or fake without any listening to speech.

Where such features tell real from fake, error rates of a detector say little about it: it may have
learned how the corpus was made, such as another level, codec or way of cutting for its fakes.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.door import died
from sdd.data.audio.prepared import read_segment
from sdd.data.segments import Segments
from sdd.errors import InputError
from sdd.runtime.expendable_workers import WorkerDiedError, run_expendable
from sdd.runtime.parquet import write_parquet

FloatArray = npt.NDArray[np.float64]
Waveform = npt.NDArray[np.float32]

FRAME = 512
"""Samples of a frame, 32 ms; frames follow each other every half of it."""
PIECE = 1024
"""Frames that are transformed at a time."""
BANDS = 32
SILENCE_DB = -40.0
"""A frame this far below the loud frames of its segment belongs to a pause."""
SILENT_DB = -90.0
"""As does any frame below half a step of 16 bits, in dB of full scale."""
LOUD, QUIET = 95.0, 10.0
"""Percentiles of the levels of frames: that of the loud ones, and that of the background."""
LEAST_POWER = 1e-12
"""Of a silent frame; -120 dB of full scale squared, below the noise of 16 bits."""
LEAST_SHARE = 1e-6
FULL_SCALE = 32767 / 32768
"""The largest sample of 16 bits."""
FLAT = 0.999
"""Samples this near to the segment's own peak are on it: a flat top, if there are many."""


def spectrum(samples: Waveform) -> dict[str, float]:
    """Compute the long-term spectrum, whatever the level.

    ``10 log10 (P_b / sum of P)``, P_b the power of band b in the sum of the frames' periodograms
    (Hann window). Bands are equally wide in mel [1]_ from 0 to 8 kHz.

    Returns
    -------
    dict
        `band_01` to `band_32`, in dB of the whole power, at least -120.

    References
    ----------
    .. [1] D. O'Shaughnessy, "Speech communication", 1987: 2595 log10(1 + f / 700).
    """
    window = np.hanning(FRAME)
    frames, periodogram = _frames(samples), np.zeros(FRAME // 2 + 1)
    # In pieces: an hour of frames would be a gigabyte.
    for first in range(0, len(frames), PIECE):
        transform = np.fft.rfft(frames[first : first + PIECE] * window)
        periodogram += np.sum(np.abs(transform) ** 2, axis=0)
    bands = np.add.reduceat(periodogram, _first_bins())
    shares = bands / max(float(bands.sum()), LEAST_POWER)
    decibels = 10 * np.log10(np.maximum(shares, LEAST_POWER))
    return {f"band_{band:02d}": float(value) for band, value in enumerate(decibels, start=1)}


def level(samples: Waveform) -> dict[str, float]:
    """Compute how loud it is.

    Returns
    -------
    dict
        `rms_db`, `peak_db` and `background_db` (tenth percentile of the frames' levels), in dB of
        full scale, at least -120; `offset_db`, the same of the mean, which no microphone has.
    """
    values = samples.astype(np.float64)
    return {
        "rms_db": _decibels(float(np.mean(values**2))),
        "peak_db": _decibels(float(np.max(values**2))),
        "background_db": float(np.percentile(_frame_levels(samples), QUIET)),
        "offset_db": _decibels(float(np.mean(values)) ** 2),
    }


def duration(samples: Waveform) -> dict[str, float]:
    """Compute `log_seconds`, the natural logarithm of the duration in seconds."""
    return {"log_seconds": float(np.log(len(samples) / SAMPLE_RATE))}


def pauses(samples: Waveform) -> dict[str, float]:
    """Compute where nothing is said: frames 40 dB below the loud ones (95th percentile), or silent.

    Returns
    -------
    dict
        `pause_share` of the frames; `leading_pause`, `trailing_pause` and `longest_pause` between
        them, in seconds; `pauses_a_second`, also of those between.
    """
    levels = _frame_levels(samples)
    silent = levels < max(float(np.percentile(levels, LOUD)) + SILENCE_DB, SILENT_DB)
    lengths: dict[int, int] = {start: stop - start for start, stop in _runs(silent)}
    leading = lengths.pop(0, 0)
    # Of a segment that is one pause, it is the leading one.
    last = [start for start, length in lengths.items() if start + length == len(silent)]
    trailing = sum(lengths.pop(start) for start in last)
    seconds = FRAME / 2 / SAMPLE_RATE
    return {
        "pause_share": float(np.mean(silent)),
        "leading_pause": seconds * leading,
        "trailing_pause": seconds * trailing,
        "longest_pause": seconds * max([0, *lengths.values()]),
        "pauses_a_second": len(lengths) / (len(samples) / SAMPLE_RATE),
    }


def clipping(samples: Waveform) -> dict[str, float]:
    """Compute how much is clipped, here or before the level was changed.

    Returns
    -------
    dict
        `full_scale_share` of the samples that are the largest of 16 bits, and `peak_share` of those
        within 0.1 % of the segment's own peak; as log10, at least -6.
    """
    size = np.abs(samples)
    peak = max(float(size.max()), float(np.finfo(np.float32).tiny))
    on_peak = size >= FLAT * peak
    shares = {"full_scale_share": size >= FULL_SCALE, "peak_share": on_peak}
    return {
        name: float(np.log10(max(float(np.mean(found)), LEAST_SHARE)))
        for name, found in shares.items()
    }


GROUPS: Mapping[str, Callable[[Waveform], dict[str, float]]] = MappingProxyType(
    {
        "spectrum": spectrum,
        "level": level,
        "duration": duration,
        "pauses": pauses,
        "clipping": clipping,
    }
)


def features(samples: Waveform) -> dict[str, float]:
    """Compute all features of a segment, ``float32 [T]`` at 16 kHz; names begin with their group's.

    Returns
    -------
    dict
        Such as `level.rms_db`: 44 finite numbers.
    """
    return {
        f"{group}.{name}": value
        for group, measure in GROUPS.items()
        for name, value in measure(samples).items()
    }


def features_of_segments(
    table: Segments, audio_folder: Path, *, workers: int = 1
) -> dict[str, FloatArray]:
    """Compute the features of all segments of a table, a file at a time in worker processes.

    Returns
    -------
    dict
        ``float64 [N]`` by feature, in the table's order.

    Raises
    ------
    InputError
        If a prepared file is missing, damaged or shorter than its segments, or ends the process
        that reads it.
    """
    rows: dict[str, list[int]] = {}
    for row, file in enumerate(table.file):
        rows.setdefault(file, []).append(row)
    items = [
        (audio_folder / file, tuple((int(table.start[r]), int(table.end[r])) for r in of_file))
        for file, of_file in rows.items()
    ]
    of_path = {audio_folder / file: of_file for file, of_file in rows.items()}
    found: dict[int, dict[str, float]] = {}
    for (path, _), outcome in run_expendable(
        _features_of_file, items, workers=workers, imports=("numpy.fft", "soundfile")
    ):
        try:
            values = outcome.value()
        except WorkerDiedError as error:
            raise InputError(died(path, error)) from error
        found |= zip(of_path[path], values, strict=True)
    return {name: np.array([found[row][name] for row in range(len(table))]) for name in found[0]}


def write_features(path: Path, table: Segments, values: Mapping[str, FloatArray]) -> None:
    """Write features as Parquet, a column each beside the segments' names; atomically."""
    write_parquet(path, {"segment_id": table.segment_id, **values})


def _features_of_file(
    item: tuple[Path, tuple[tuple[int, int], ...]],
) -> list[dict[str, float]]:
    path, bounds = item
    return [features(read_segment(path, start, end)) for start, end in bounds]


@cache
def _first_bins() -> npt.NDArray[np.intp]:
    """Return the first bin of the periodogram of each band; every band has one at least."""
    highest = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.arange(BANDS) * highest / BANDS / 2595) - 1)
    bins: npt.NDArray[np.intp] = np.ceil(edges * FRAME / SAMPLE_RATE).astype(np.intp)
    return bins


def _frames(samples: Waveform) -> FloatArray:
    """Cut frames ``float64 [F, FRAME]``; what is shorter than one is filled up with zeros."""
    padded = np.pad(samples.astype(np.float64), (0, max(0, FRAME - len(samples))))
    return np.lib.stride_tricks.sliding_window_view(padded, FRAME)[:: FRAME // 2]


def _frame_levels(samples: Waveform) -> FloatArray:
    """Return the power of each frame, in dB of full scale squared."""
    frames = _frames(samples)
    power = np.einsum("ft,ft->f", frames, frames) / FRAME
    levels: FloatArray = 10 * np.log10(np.maximum(power, LEAST_POWER))
    return levels


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, LEAST_POWER)))


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where runs of true values begin, and where they have ended."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))

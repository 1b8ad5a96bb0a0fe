"""A user's own recordings: cut into windows where they are long, and scored.

They go the way of the corpora: decoded to 16 kHz mono FLAC, in a temporary folder, and read from
there, so that a recording gets the score that the workflow would give it.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.door import DECODING_IMPORTS, died
from sdd.data.audio.preparing import PreparedSource, prepare_source
from sdd.data.audio.remarks import Remark
from sdd.data.segments import Segments
from sdd.errors import InputError, one_line
from sdd.experiment.scoring_batches import scoring_batch_seconds
from sdd.runtime.expendable_workers import Worker, WorkerDiedError

if TYPE_CHECKING:
    from sdd.detector.detector import Detector
    from sdd.runtime.devices import Precision

# Recordings that are decoded before they are scored: enough to sort by length, little disk.
_CHUNK_FILES = 64
_CHUNK_SECONDS = 1200.0


@dataclass(frozen=True)
class RecordingScore:
    """What a detector says of a recording of W windows."""

    path: Path
    seconds: float
    bounds: np.ndarray
    """``float64 [W, 2]``: where each window begins and ends, in seconds."""
    logits: np.ndarray
    """``float32 [W, 2]``: index 0 FAKE, 1 REAL."""
    notes: tuple[str, ...] = ()
    """What a user should know of it, such as that it is cut short."""

    @property
    def mean_logits(self) -> np.ndarray:
        """Mean over the windows, which are of one length: ``float64 [2]``."""
        mean: np.ndarray = self.logits.astype(np.float64).mean(axis=0)
        return mean

    @property
    def window_probabilities(self) -> np.ndarray:
        """Probability of fake of each window, ``float64 [W]``."""
        return probability_of_fake(self.logits)


@dataclass(frozen=True)
class _Prepared:
    """A recording, its FLAC, its windows (``int64 [W, 2]``) and what to say of it."""

    path: Path
    file: str
    bounds: np.ndarray
    notes: tuple[str, ...]


def probability_of_fake(logits: np.ndarray) -> np.ndarray:
    """Return the softmax probability of FAKE: ``float64 [...]`` of logits ``float [..., 2]``.

    It is what the detector says, and not calibrated.
    """
    difference = logits[..., 1].astype(np.float64) - logits[..., 0].astype(np.float64)
    # exp of a positive number could overflow.
    small = np.exp(-np.abs(difference))
    probability: np.ndarray = np.where(difference > 0, small, 1.0) / (1.0 + small)
    return probability


def cut_windows(samples: int, longest_seconds: float) -> np.ndarray:
    """Cut a recording into the fewest windows of one length, none longer than asked for.

    Consecutive windows with what is left at the end would leave a last one of any length, and
    short ones are scored badly.

    Parameters
    ----------
    samples
        Its length at 16 kHz.
    longest_seconds
        The longest window; infinite to keep all whole.

    Returns
    -------
    ndarray
        ``int64 [W, 2]``, first sample and the one past the last; lengths differ by at most one.
    """
    longest = samples if np.isinf(longest_seconds) else max(1, round(longest_seconds * SAMPLE_RATE))
    count = max(1, -(-samples // longest))
    edges = np.arange(count + 1, dtype=np.int64) * samples // count
    return np.stack([edges[:-1], edges[1:]], axis=1)


def score_recordings(
    detector: "Detector",
    recordings: Sequence[Path],
    unreadable: dict[Path, str],
    *,
    window_seconds: float,
    batch_seconds: float,
    precision: "Precision" = "fp32",
) -> Iterator[RecordingScore]:
    """Score recordings.

    Parameters
    ----------
    detector
        On the device to compute on.
    unreadable
        Takes those that cannot be scored, and why.
    window_seconds
        Longer recordings are cut (`cut_windows`).
    batch_seconds
        Audio seconds of a forward pass.
    precision
        Of a GPU; a CPU computes in fp32.

    Yields
    ------
    RecordingScore
        Of each that can be scored, in their order, a chunk of them at a time.
    """
    pending = iter(recordings)
    needed = detector.architecture.receptive_field
    # A chunk lies on disk as FLAC until it is scored: enough windows for batches of like lengths.
    with closing(Worker(_prepare, imports=DECODING_IMPORTS)) as worker:
        while True:
            with tempfile.TemporaryDirectory(prefix="sdd-") as name:
                folder = Path(name)
                chunk = _prepare_chunk(worker, needed, pending, folder, unreadable, window_seconds)
                if not chunk:
                    return
                logits = _score_windows(detector, chunk, folder, batch_seconds, precision)
            yield from _scores_of(chunk, logits, unreadable)


def score_recording(
    detector: "Detector", recording: Path, *, window_seconds: float = 15.0
) -> RecordingScore:
    """Score one recording, as `sdd score` does unless told otherwise.

    Parameters
    ----------
    detector
        On the device to compute on.
    window_seconds
        A longer recording is cut (`cut_windows`).

    Raises
    ------
    InputError
        If it cannot be scored: why.
    """
    unreadable: dict[Path, str] = {}
    device = next(detector.parameters()).device.type
    scores = score_recordings(
        detector,
        [recording],
        unreadable,
        window_seconds=window_seconds,
        batch_seconds=scoring_batch_seconds("auto", device),
    )
    for score in scores:
        return score
    raise InputError(unreadable[recording])


def _scores_of(
    chunk: Sequence[_Prepared], logits: np.ndarray, unreadable: dict[Path, str]
) -> Iterator[RecordingScore]:
    """Divide the logits of a chunk's windows among its recordings."""
    first = 0
    for recording in chunk:
        path, bounds = recording.path, recording.bounds
        own = logits[first : first + len(bounds)]
        first += len(bounds)
        # One such recording must not end the run; it is told with the unreadable ones.
        if not np.isfinite(own).all():
            unreadable[path] = f"{path}: the detector gives no finite score"
            continue
        seconds = bounds[-1, 1] / SAMPLE_RATE
        yield RecordingScore(path, seconds, bounds / SAMPLE_RATE, own, recording.notes)


def _prepare_chunk(
    worker: Worker[tuple[Path, Path], PreparedSource],
    needed: int,
    pending: Iterator[Path],
    folder: Path,
    unreadable: dict[Path, str],
    window_seconds: float,
) -> list[_Prepared]:
    """Decode the next recordings, each of at least `needed` samples; none at the end."""
    chunk: list[_Prepared] = []
    seconds = 0.0
    for path in pending:
        name = f"{len(chunk)}.flac"
        try:
            prepared = worker.call((path, folder / name)).value()
            samples = prepared.samples
            if samples < needed:
                raise InputError(
                    f"{path} lasts {1000 * samples / SAMPLE_RATE:.0f} ms: this detector needs at "
                    f"least {1000 * needed / SAMPLE_RATE:g} ms."
                )
        except InputError as error:
            unreadable[path] = str(error)
            continue
        except WorkerDiedError as error:
            unreadable[path] = died(path, error)
            continue
        notes = tuple(str(Remark(*remark)) for remark in prepared.remarks)
        chunk.append(_Prepared(path, name, cut_windows(samples, window_seconds), notes))
        seconds += samples / SAMPLE_RATE
        if len(chunk) == _CHUNK_FILES or seconds >= _CHUNK_SECONDS:
            break
    return chunk


def _prepare(job: tuple[Path, Path]) -> PreparedSource:
    """Decode a recording in a process of its own, which a broken one may end."""
    return prepare_source(*job)


def _score_windows(
    detector: "Detector",
    chunk: Sequence[_Prepared],
    folder: Path,
    batch_seconds: float,
    precision: "Precision",
) -> np.ndarray:
    """Score all windows of a chunk, in order: ``float32 [W, 2]``."""
    from sdd.data.batch_loading import load_batches
    from sdd.data.batching import length_sorted_batches
    from sdd.data.dataset import SegmentDataset
    from sdd.detector.inference import predict

    bounds = np.concatenate([recording.bounds for recording in chunk])
    files = [recording.file for recording in chunk for _ in recording.bounds]
    none = ["-"] * len(files)
    table = Segments(files, files, none, none, none, none, files, bounds[:, 0], bounds[:, 1])
    batches = length_sorted_batches(table.durations, batch_seconds)
    loader = load_batches(SegmentDataset.of(table, folder), batches, epoch=0)
    return predict(detector, loader, count=len(table), precision=precision)


# -------------------------------------------------------------------------------- what is shown
def row_of_recording(score: RecordingScore) -> dict[str, Any]:
    """Return the row of a recording, all windows taken together."""
    fake, real = score.mean_logits.tolist()
    windows = score.window_probabilities
    highest = int(np.argmax(windows))
    return {
        "file": str(score.path),
        "seconds": round(score.seconds, 3),
        "probability_fake": float(probability_of_fake(score.mean_logits)),
        "logit_fake": fake,
        "logit_real": real,
        "windows": len(windows),
        "highest_probability_fake": float(windows[highest]),
        "highest_at": round(float(score.bounds[highest, 0]), 3),
        "notes": "; ".join(score.notes),
    }


def rows_of_windows(score: RecordingScore) -> list[dict[str, Any]]:
    """Return a row for each window of a recording."""
    rows = zip(score.bounds, score.logits, score.window_probabilities, strict=True)
    return [
        {
            "file": str(score.path),
            "start": round(float(start), 3),
            "end": round(float(end), 3),
            "probability_fake": float(probability),
            "logit_fake": float(fake),
            "logit_real": float(real),
            "notes": "; ".join(score.notes),
        }
        for (start, end), (fake, real), probability in rows
    ]


def format_rows(rows: Sequence[dict[str, Any]]) -> str:
    """Lay rows out for a terminal: probabilities in percent, the file last.

    Notes stand behind it, where there are any.
    """
    noted = any(row.get("notes") for row in rows)
    lines = [
        [
            *_shown(row),
            ("file", one_line(row["file"])),
            *([("notes", row["notes"])] if noted else []),
        ]
        for row in rows
    ]
    table = [[head for head, _ in lines[0]], *([cell for _, cell in line] for line in lines)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    # Numbers end, and names begin, below each other.
    numbers = len(widths) - (2 if noted else 1)
    shown = [
        [
            cell.rjust(width) if column < numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in table
    ]
    return "".join("  ".join(line).rstrip() + "\n" for line in shown)


def _shown(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return head and cell of each column but the file."""
    fake = [("fake", f"{100 * row['probability_fake']:.1f} %"), *_judged(row)]
    if "windows" not in row:
        return [*fake, ("from", f"{row['start']:.1f} s"), ("to", f"{row['end']:.1f} s")]
    highest = f"{100 * row['highest_probability_fake']:.1f} % at {row['highest_at']:.1f} s"
    return [
        *fake,
        ("seconds", f"{row['seconds']:.1f}"),
        ("windows", str(row["windows"])),
        ("highest", highest if row["windows"] > 1 else ""),
    ]


def _judged(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what `sdd.scoring.judging` adds, where there is a calibration."""
    if "decision" not in row:
        return []
    return [
        ("log LR", f"{row['log_likelihood_ratio']:.2f}"),
        ("calibrated", f"{100 * row['calibrated_probability_fake']:.1f} %"),
        ("decision", row["decision"]),
    ]

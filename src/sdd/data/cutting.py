"""Cutting a protocol into segments.

A test set is a corpus at one maximum duration, so five durations of one corpus cost five small
tables and no audio.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.remarks import LENGTH_TOLERANCE
from sdd.data.audio.table import read_failures
from sdd.data.corpora.protocol import SOURCE_COLUMN, UNKNOWN
from sdd.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.int64]

log = logging.getLogger(__name__)


def cut_segments(
    protocol: "pd.DataFrame",
    audio_table: "pd.DataFrame",
    *,
    partition: str | None,
    label: str | None,
    max_seconds: float | None,
    min_seconds: float = 0.025,
    failed: Collection[str] = (),
) -> "pd.DataFrame":
    """Cut the rows of a protocol into segments.

    Parameters
    ----------
    protocol
        The corpus. A row is its whole file, or the window from Start to End (samples of the
        source) where it has them.
    audio_table
        What was prepared of the corpus.
    partition
        Proportion to keep (train, valid, test); None keeps all.
    label
        Label to keep (real, fake); None keeps both.
    max_seconds
        Duration d: each row becomes consecutive windows of d seconds from its beginning, the last
        one whatever is left. None leaves rows whole.
    min_seconds
        Segments shorter than this are dropped, and counted in the log.
    failed
        Paths that could not be prepared and whose rows are left out.

    Returns
    -------
    DataFrame
        segment_id (`<ID>_seg<n>` from 1, or the ID where rows are left whole), source, label,
        attack, speaker, path, file, start, end. The source is the row's Source where it has one,
        else the ID, or the stem of the file where the row is a window: windows of one recording are
        not independent.

    Raises
    ------
    InputError
        If no segment is left, a Path is neither prepared nor among the failed, or a window begins
        beyond the end of its file.
    """
    import pandas as pd

    if max_seconds is not None and not max_seconds >= min_seconds:
        raise InputError(
            f"max_seconds is {max_seconds} and min_seconds {min_seconds}: "
            "the longest segment must not be shorter than the shortest."
        )
    rows = _selected(protocol, partition, label)
    # A file that could not be prepared is known and allowed for; any other must be there.
    rows = rows[~rows["Path"].isin(list(failed))]
    audio = _audio_of(rows, audio_table)
    row, number, start, end = _windows(*_bounds(rows, audio), max_seconds)
    names = rows["ID"].to_numpy()[row].tolist()
    if max_seconds is not None:
        names = [f"{name}_seg{n + 1}" for name, n in zip(names, number, strict=True)]
    table = pd.DataFrame(
        {
            "segment_id": names,
            "source": _sources(rows)[row],
            "label": rows["Label"].to_numpy()[row],
            "attack": rows["Attack"].to_numpy()[row],
            "speaker": rows["Speaker"].to_numpy()[row],
            "path": rows["Path"].to_numpy()[row],
            "file": audio["file"].to_numpy()[row],
            "start": start,
            "end": end,
        }
    ).astype({"start": "int64", "end": "int64"})
    return _long_enough(table, min_seconds, len(rows))


def cut_set(
    part: Mapping[str, Any],
    protocol: "pd.DataFrame",
    audio_table: "pd.DataFrame",
    *,
    min_seconds: float,
    audio_folder: Path,
) -> "pd.DataFrame":
    """Cut a set, as the config describes it, out of its corpus.

    Parameters
    ----------
    part
        The set: corpus, and partition, label and max_seconds where it has them.
    audio_folder
        Where prepared audio lies, with the list of the sources that failed.
    """
    # An attempt that failed leaves its list beside the table of the one before.
    failed = set(read_failures(audio_folder, part["corpus"])) - set(audio_table["path"])
    return cut_segments(
        protocol,
        audio_table,
        partition=part.get("partition"),
        label=part.get("label"),
        max_seconds=part.get("max_seconds"),
        min_seconds=min_seconds,
        failed=failed,
    )


def _windows(
    start: IntArray, end: IntArray, max_seconds: float | None
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], IntArray, IntArray]:
    """Cut rows from `start` to `end`, ``int64 [n_rows]``, into consecutive windows.

    Returns
    -------
    row, number
        ``int64 [N]``: the row of each window, and its number within the row, from 0.
    start, end
        ``int64 [N]``, in samples at 16 kHz.
    """
    longest = int(max(end - start, default=0))
    step = max(1, longest if max_seconds is None else round(max_seconds * SAMPLE_RATE))
    # At least one: a row without a sample has to be counted among the segments that are too short.
    counts = np.maximum(-(-(end - start) // step), 1)
    row = np.repeat(np.arange(len(start)), counts)
    # Place among all windows, less that of the first window of the row.
    number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = start[row] + number * step
    return row, number, first, np.minimum(first + step, end[row])


def _long_enough(table: "pd.DataFrame", min_seconds: float, utterances: int) -> "pd.DataFrame":
    """Drop the segments that are too short, and say in the log how many."""
    long_enough = (table["end"] - table["start"]) >= round(min_seconds * SAMPLE_RATE)
    if not long_enough.all():
        log.info(
            "%d of %d segments are shorter than %g s and are dropped",
            int((~long_enough).sum()),
            len(table),
            min_seconds,
        )
    if not long_enough.any():
        raise InputError(
            f"No segment is left: none of the {utterances} utterances that can be read lasts "
            f"{min_seconds} s (min_seconds)."
        )
    return table[long_enough].reset_index(drop=True)


def _selected(protocol: "pd.DataFrame", partition: str | None, label: str | None) -> "pd.DataFrame":
    keep = np.ones(len(protocol), dtype=bool)
    if partition is not None:
        keep &= (protocol["Proportion"] == partition).to_numpy()
    if label is not None:
        keep &= (protocol["Label"] == label).to_numpy()
    if not keep.any():
        pairs = Counter(zip(protocol["Proportion"], protocol["Label"], strict=True))
        there = ", ".join(
            f"{part} {kind}: {count}" for (part, kind), count in sorted(pairs.items())
        )
        raise InputError(
            f"No utterance has partition {partition or 'any'} and label {label or 'any'}; "
            f"the protocol has {there or 'no rows'} (partition label: utterances)."
        )
    return protocol[keep]


def _audio_of(rows: "pd.DataFrame", audio_table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the audio-table row of each protocol row."""
    prepared = audio_table.set_index("path")
    absent = ~rows["Path"].isin(prepared.index)
    if absent.any():
        raise InputError(
            f"{rows.loc[absent, 'Path'].nunique()} files of the protocol are not prepared, the "
            f"first is {rows.loc[absent, 'Path'].iloc[0]!r}: prepare the corpus again, or name "
            "them as failed."
        )
    return prepared.loc[rows["Path"]]


def _bounds(rows: "pd.DataFrame", audio: "pd.DataFrame") -> tuple[IntArray, IntArray]:
    """Return the first sample of each row and the one past its last, at 16 kHz."""
    samples = audio["samples"].to_numpy(dtype=np.int64)
    start, end = np.zeros_like(samples), samples.copy()
    window = _is_window(rows)
    if window.any():
        rate = audio["source_rate"].to_numpy(dtype=np.int64)[window]
        start[window] = _at_16_khz(rows["Start"][window].to_numpy(dtype=np.int64), rate)
        end[window] = _at_16_khz(rows["End"][window].to_numpy(dtype=np.int64), rate)
        # The authors cut a window that ends beyond its file at the file's end.
        _warn_of_ends(rows, end - samples)
        end = np.minimum(end, samples)
    beyond = np.flatnonzero(start >= samples)
    if beyond.size:
        row = rows.iloc[beyond[0]]
        raise InputError(
            f"{row['ID']!r} begins at sample {row['Start']}, but {row['Path']} has only "
            f"{audio['source_samples'].iloc[beyond[0]]} ({beyond.size} such rows): "
            "the audio is not the release that the protocol was made for."
        )
    return start, end


def _warn_of_ends(rows: "pd.DataFrame", beyond: IntArray) -> None:
    """Tell of windows that end beyond their file, by samples at 16 kHz."""
    # Rates that are converted, and lossy files, are off by less.
    far = np.flatnonzero(beyond > LENGTH_TOLERANCE * SAMPLE_RATE)
    if far.size:
        most = far[np.argmax(beyond[far])]
        log.warning(
            "%d of %d windows end beyond the end of their file and are cut there; by most, %.2f s, "
            "%s of %s",
            far.size,
            len(rows),
            beyond[most] / SAMPLE_RATE,
            rows["ID"].iloc[most],
            rows["Path"].iloc[most],
        )


def _at_16_khz(samples: IntArray, rate: IntArray) -> IntArray:
    """Return the nearest position at 16 kHz, in whole numbers: floats are not exact for hours."""
    return (2 * samples * SAMPLE_RATE + rate) // (2 * rate)


def _is_window(rows: "pd.DataFrame") -> npt.NDArray[np.bool_]:
    if "Start" not in rows.columns:
        return np.zeros(len(rows), dtype=np.bool_)
    return rows["Start"].notna().to_numpy(dtype=np.bool_)


def _sources(rows: "pd.DataFrame") -> npt.NDArray[np.object_]:
    """Name what rows were cut from: rows with the same name are not independent."""
    sources = rows["ID"].to_numpy(dtype=object).copy()
    window = _is_window(rows)
    paths = rows["Path"].to_numpy(dtype=object)[window]
    stems = {path: Path(path).stem for path in paths}
    # Two folders may hold recordings of one name: all are then called by their whole Path.
    ambiguous = len(set(stems.values())) < len(stems)
    sources[window] = [path if ambiguous else stems[path] for path in paths]
    if SOURCE_COLUMN in rows.columns:
        given = rows[SOURCE_COLUMN].to_numpy(dtype=object)
        sources = np.where(given == UNKNOWN, sources, given)
    return sources

"""`sdd score`: a user's own recordings to a table or CSV."""

import csv
import io
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from sdd.data.audio import SAMPLE_RATE
from sdd.detector.checkpoints.loading import load_named_detector
from sdd.detector.checkpoints.places import find_detector, is_on_hub
from sdd.detector.detector import Detector
from sdd.errors import InputError, one_line
from sdd.experiment.scoring_batches import scoring_batch_seconds
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.devices import Precision, choose_device, used_precision
from sdd.runtime.outputs import STANDARD_OUTPUT, check_output, check_scratch
from sdd.runtime.progress import progress_bar
from sdd.runtime.standard_streams import require_output, tell, write_out
from sdd.scoring.judging import Judge
from sdd.scoring.places import FoundRecordings, find_recordings
from sdd.scoring.recordings import (
    format_rows,
    row_of_recording,
    rows_of_windows,
    score_recordings,
)

SOME_UNREADABLE = 1

logger = logging.getLogger(__name__)


def score_command(
    places: Sequence[Path],
    model: Path | str,
    *,
    architecture: str | None,
    output: Path | None,
    window_seconds: float,
    each_window: bool,
    device: str,
    threads: int | None,
    batch_seconds: float | None,
    precision: Precision,
    judge: Judge | None = None,
) -> int:
    """Score recordings and show or write the result.

    Parameters
    ----------
    places
        Recordings, and folders of them.
    model
        As `find_detector` takes it.
    architecture
        Its name, or fairseq's keys as JSON; None if the file says.
    output
        CSV to write, `STANDARD_OUTPUT` to print it; None to show a table.
    each_window
        Whether each window has a row.
    device, threads, batch_seconds
        How to compute; None for what suits the device.
    precision
        Other than fp32 of a GPU alone.
    judge
        Of a calibration; None to show what the detector says alone.

    Returns
    -------
    int
        Exit status: 1 if a recording could not be scored or a folder not be read; all others are in
        the result.

    Raises
    ------
    InputError
        If the output cannot be written, the detector cannot be loaded, the device cannot compute
        so, or there is no recording at all.
    """
    _check_output(output, [*places, *([] if is_on_hub(model) else [Path(model)])])
    found = _find(places)
    recordings = found.files
    where = _device(device, precision)
    if threads is not None:
        torch.set_num_threads(_usable_threads(threads))
    detector = load_named_detector(find_detector(model), architecture, dtype=torch.float32)
    _check_window(window_seconds, detector)
    unreadable: dict[Path, str] = {}
    scores = score_recordings(
        detector.to(where),
        recordings,
        unreadable,
        window_seconds=window_seconds,
        batch_seconds=scoring_batch_seconds(batch_seconds or "auto", where.type),
        precision=precision,
    )
    # What could not be scored is told at the end: one bad file must not cost hours of the others.
    rows: list[dict[str, Any]] = []
    with progress_bar(total=len(recordings), unit=" recordings") as bar:
        for score in scores:
            own = rows_of_windows(score) if each_window else [row_of_recording(score)]
            rows += own if judge is None else map(judge.judged, own)
            bar.update()
    failure: InputError | BrokenPipeError | None = None
    try:
        _show(rows, output)
    except (InputError, BrokenPipeError) as error:
        failure = error  # after what could not be scored, which is told in any case
    status = _report(found.problems, unreadable, len(recordings))
    # That some could not be scored says more than that the reader of the others has gone.
    if isinstance(failure, InputError) or (failure is not None and status == 0):
        raise failure
    return status


def _check_output(output: Path | None, inputs: Sequence[Path]) -> None:
    """Find out before hours of work whether its result, and the audio meanwhile, has a place."""
    if output is None or output == STANDARD_OUTPUT:
        require_output()
    else:
        check_output(output, suffixes=[".csv"], inputs=inputs)
    check_scratch()


def _find(places: Sequence[Path]) -> FoundRecordings:
    """Find the recordings and tell what is left out; at least one."""
    found = find_recordings(places)
    if not found.files:
        raise InputError(_nothing_found(places, found))
    for folder, words in found.left_out:
        logger.info("%s: left out: %s", one_line(str(folder)), words)
    return found


def _nothing_found(places: Sequence[Path], found: FoundRecordings) -> str:
    left_out = "; ".join(words for _, words in found.left_out)
    where = f"There is no recording in {', '.join(map(str, places))}" + (
        f" (left out: {left_out})" if left_out else ""
    )
    if found.problems:
        return f"{where}: {' '.join(found.problems.values())}"
    return f"{where}: name the files, or give them the suffix of an audio file, such as .wav."


def _usable_threads(asked: int) -> int:
    """Return how many threads to use: no more than there are processors, which only cost time."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if there is not None and asked > there:
        logger.info("%d threads are used, as many as there are processors", there)
        return there
    return asked


def _check_window(window_seconds: float, detector: Detector) -> None:
    """Refuse windows that are too short for a detector."""
    needed = detector.architecture.receptive_field / SAMPLE_RATE
    # Those of a recording are of one length: they may be down to half as long as asked for.
    if window_seconds < 2 * needed:
        raise InputError(
            f"--window {window_seconds:g} is too short: this detector needs at least "
            f"{2 * needed:g} s."
        )


def _show(rows: Sequence[dict[str, Any]], output: Path | None) -> None:
    """Write rows to a file, or lay them out on the screen; without rows there is no file."""
    if not rows:
        return
    # csv leaves a lone carriage return unquoted, and readers would split the row.
    quote_all = any("\r" in row["file"] for row in rows)
    if output is None:
        write_out(format_rows(rows))
    elif output == STANDARD_OUTPUT:
        write_out(_csv(rows, quote_all=quote_all), as_utf8=True)
    else:
        try:
            write_rows(output, rows, quote_all=quote_all)
        except InputError as error:
            # The disk filled up meanwhile, say: what took hours is not lost for it.
            write_out(_csv(rows, quote_all=quote_all), as_utf8=True)
            raise InputError(f"{error} The CSV was printed instead.") from error


def _csv(rows: Sequence[dict[str, Any]], *, quote_all: bool) -> str:
    """Return what the file would hold, without any disk: it may be full."""
    text = io.StringIO(newline="")
    quoting: Any = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.DictWriter(text, list(rows[0]), quoting=quoting, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _device(name: str, precision: Precision) -> torch.device:
    try:
        device = choose_device(name)
        torch.empty(1, device=device).tolist()  # of the device "meta" there are no values
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].split(". ")[0]  # torch goes on for a page
        raise InputError(f"Device {name!r} cannot be used ({reason}): try --device cpu.") from error
    if used_precision(device, precision) != precision:
        raise InputError(
            f"--precision {precision} is for GPUs, and the device is {device}: leave it out, or "
            "name a GPU (--device cuda)."
        )
    return device


def _report(problems: dict[Path, str], unreadable: dict[Path, str], count: int) -> int:
    """Tell what could not be looked into and what not be scored; return the exit status."""
    if problems:
        tell(f"error: {len(problems)} could not be looked into:\n{_lines(problems)}")
    if unreadable:
        tell(
            f"error: could not score {len(unreadable)} of {count} recordings:\n{_lines(unreadable)}"
        )
    return SOME_UNREADABLE if problems or unreadable else 0


def _lines(reasons: dict[Path, str]) -> str:
    return "".join(f"  {one_line(reason)}\n" for reason in reasons.values())

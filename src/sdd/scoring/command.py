"""`sdd score`: a user's own recordings to a table or CSV."""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from sdd.detector.architectures import ARCHITECTURES
from sdd.detector.checkpoints.file_formats import checkpoint_format
from sdd.detector.checkpoints.loading import load_detector
from sdd.detector.detector import Detector
from sdd.errors import InputError
from sdd.experiment.scoring_batches import scoring_batch_seconds
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.devices import choose_device
from sdd.scoring.recordings import (
    SUFFIXES,
    find_recordings,
    format_rows,
    row_of_recording,
    rows_of_windows,
    score_recordings,
)

SOME_UNREADABLE = 1

logger = logging.getLogger(__name__)


def score_command(
    places: Sequence[Path],
    model: Path,
    *,
    architecture: str | None,
    output: Path | None,
    window_seconds: float,
    each_window: bool,
    device: str,
    threads: int | None,
    batch_seconds: float | None,
) -> int:
    """Score recordings and show or write the result.

    Parameters
    ----------
    places
        Recordings, and folders of them.
    architecture
        Its name, or fairseq's keys as JSON; None if the file says.
    output
        CSV to write; None to show a table.
    each_window
        Whether each window has a row.
    device, threads, batch_seconds
        How to compute; None for what suits the device.

    Returns
    -------
    int
        Exit status: 1 if a recording could not be scored; the others are in the result.

    Raises
    ------
    InputError
        If the detector cannot be loaded, or there is no recording at all.
    """
    recordings, left_out = find_recordings(places)
    if not recordings:
        raise InputError(
            f"There is no recording in {', '.join(map(str, places))} ({left_out} files without an "
            f"audio suffix): name the files, or give them one of {' '.join(SUFFIXES)}."
        )
    if left_out:
        logger.info("%d files in folders have no audio suffix and are left out", left_out)
    where = _device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    unreadable: dict[Path, str] = {}
    scores = score_recordings(
        _load(model, architecture).to(where),
        recordings,
        unreadable,
        window_seconds=window_seconds,
        batch_seconds=scoring_batch_seconds(batch_seconds or "auto", where.type),
    )
    # What could not be scored is told at the end: one bad file must not cost hours of the others.
    rows: list[dict[str, Any]] = []
    with tqdm(total=len(recordings), unit=" recordings", disable=None) as bar:
        for score in scores:
            rows += rows_of_windows(score) if each_window else [row_of_recording(score)]
            bar.update()
    _show(rows, output)
    return _report(unreadable, len(recordings))


def _show(rows: Sequence[dict[str, Any]], output: Path | None) -> None:
    """Write rows to a file, or lay them out on the screen; without rows there is no file."""
    if output is not None and rows:
        write_rows(output, rows)
    elif rows:
        sys.stdout.write(format_rows(rows))
        sys.stdout.flush()


def _device(name: str) -> torch.device:
    try:
        device = choose_device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"Device {name!r} cannot be used ({reason}): try --device cpu.") from error
    return device


def _load(model: Path, architecture: str | None) -> Detector:
    chosen: str | dict[str, object] | None = architecture
    if architecture is not None and architecture.lstrip().startswith("{"):
        try:
            chosen = json.loads(architecture)
        except json.JSONDecodeError as error:
            raise InputError(f"--architecture is no JSON ({error}).") from error
    if architecture is None and checkpoint_format(model) != "safetensors":
        raise InputError(
            f"{model} does not say what architecture it has: give --architecture, one of "
            f"{', '.join(ARCHITECTURES)}."
        )
    return load_detector(model, chosen, dtype=torch.float32)


def _report(unreadable: dict[Path, str], count: int) -> int:
    """Tell what could not be scored; return the exit status."""
    if not unreadable:
        return 0
    reasons = "".join(f"  {reason}\n" for reason in unreadable.values())
    sys.stderr.write(f"error: could not score {len(unreadable)} of {count} recordings:\n{reasons}")
    return SOME_UNREADABLE

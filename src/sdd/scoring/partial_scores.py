"""The scores of an unfinished set: parts beside the cell, from which a killed job goes on.

Snakemake deletes the declared outputs of a job that fails; it does not know of these files. Each
part is written at once or not at all, and holds the batches that followed the part before it.
"""

import json
import logging
import shutil
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sdd.detector.inference import BatchPredictions, Predictions
from sdd.runtime.atomic_files import atomic_path

MADE_FROM = "made_from.json"
logger = logging.getLogger(__name__)


class PartialScores:
    """The parts of one set.

    Parameters
    ----------
    folder
        Where they lie; made when the first is saved.
    made_from
        What the scores depend on, as JSON can hold it. Parts that were made from anything else are
        deleted.
    save_minutes
        How much time a kill may cost.
    """

    def __init__(self, folder: Path, made_from: Mapping[str, Any], save_minutes: float) -> None:
        self.folder = folder
        self.made_from = json.dumps(dict(made_from), sort_keys=True, indent=1)
        self.save_seconds = 60 * save_minutes
        self.saved: list[BatchPredictions] = []
        self.batches = 0
        """Batches that are saved."""
        self._unsaved: list[BatchPredictions] = []
        self._last = time.monotonic()
        self._read()

    def add(self, predictions: BatchPredictions) -> bool:
        """Take a batch, the next in order; save when it is time, and tell whether it was."""
        self._unsaved.append(predictions)
        if time.monotonic() - self._last < self.save_seconds:
            return False
        self.save()
        return True

    def save(self) -> None:
        """Save the batches since the last part as a part."""
        if not self._unsaved:
            return
        if not self.batches:
            with atomic_path(self.folder / MADE_FROM) as temporary:
                temporary.write_text(self.made_from, encoding="utf-8")
        joined = _joined(self._unsaved)
        arrays = {"rows": joined.rows, "logits": joined.logits}
        if joined.embeddings is not None:
            arrays["embeddings"] = joined.embeddings
        after = self.batches + len(self._unsaved)
        with atomic_path(self.folder / f"part-{self.batches:08d}-{after:08d}.npz") as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]  # numpy's stub has allow_pickle
        self.saved.append(joined)
        self.batches, self._unsaved, self._last = after, [], time.monotonic()

    def complete(self, count: int) -> Predictions:
        """Return the predictions of all `count` segments in their own order.

        Raises
        ------
        ValueError
            If a segment was not among the batches, or more than once.
        """
        joined = _joined([*self.saved, *self._unsaved])
        if not np.array_equal(np.sort(joined.rows), np.arange(count)):
            raise ValueError(f"the batches are not those of {count} segments")
        order = np.argsort(joined.rows)
        embeddings = None if joined.embeddings is None else joined.embeddings[order]
        return Predictions(joined.logits[order], embeddings)

    def remove(self) -> None:
        """Delete the parts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self) -> None:
        if not self.folder.exists():
            return
        note = self.folder / MADE_FROM
        if not note.is_file() or note.read_text(encoding="utf-8") != self.made_from:
            logger.info("%s: what is there was made from something else; beginning anew", note)
            self.remove()
            return
        for path in self.folder.glob(".*"):  # of a process that was killed while it wrote
            path.unlink()
        for path in sorted(self.folder.glob("part-*.npz")):
            first, after = (int(number) for number in path.stem.split("-")[1:])
            part = _read_part(path) if first == self.batches else None
            if part is None:  # damaged, or behind a damaged one: scored again
                path.unlink()
                continue
            self.saved.append(part)
            self.batches = after


def _read_part(path: Path) -> BatchPredictions | None:
    try:
        with np.load(path) as arrays:
            return BatchPredictions(arrays["rows"], arrays["logits"], arrays.get("embeddings"))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        logger.warning("%s is damaged: its segments are scored again", path)
        return None


def _joined(parts: list[BatchPredictions]) -> BatchPredictions:
    embeddings = [part.embeddings for part in parts if part.embeddings is not None]
    return BatchPredictions(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.logits for part in parts]),
        np.concatenate(embeddings) if embeddings else None,
    )

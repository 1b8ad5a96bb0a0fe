"""The record of a run: what is kept of it to count again, or to go on with on another machine.

A folder with the run's own tree: segment tables, scores, what was chosen and how, what training
measured, drift. Audio, embeddings, the weights of cells and the steps of candidates stay behind;
weights that cells start from are kept where they were trained here. Of a cell all scores are in one
file, `scores.parquet`, half the size of the tables that they are of. `record.yaml` says by which
config and code.
"""

import io
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sdd.analysis.exported_cell import merged_configs
from sdd.analysis.tuning import read_yaml, write_yaml
from sdd.data.segments import read_segments
from sdd.errors import InputError
from sdd.experiment import tree
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.digests import file_digest
from sdd.runtime.parquet import read_parquet
from sdd.scoring.score_tables import Scores, read_scores, write_score_columns

COPIED = (
    tree.SEGMENTS,
    tree.MP3_SEGMENTS,
    tree.SHORTCUTS,
    tree.CHOICE,
    tree.TUNED,
    tree.HISTORY,
    tree.SCORING_TIME,
    tree.DRIFT,
    tree.DRIFT_REPLICATES,
    tree.TRADE_OFF,
    tree.TRADE_OFF_CORRELATIONS,
)
"""Files that are kept as they are; besides, those of checkpoints that were trained."""

CONTENTS = "record.yaml"
_CONTENTS_REMARK = "What this record is of. Written by `snakemake keep_record`."
_COLUMNS = ("set", "segment_id", "label", "logit_fake", "logit_real")
_COMPRESSION_LEVEL = 15

logger = logging.getLogger(__name__)


def keep_record(
    results: Path,
    record: Path,
    *,
    checkpoints: Sequence[str],
    config: Mapping[str, Any],
    made_by: Mapping[str, Any],
) -> None:
    """Put what a run has reached into its record; what the record has besides stays.

    Parameters
    ----------
    results
        The experiment's folder; its run need not be finished.
    checkpoints
        Those that are trained in the run, as ``model/init``.
    config
        What of it results depend on.
    made_by
        `code`, digests of what training and scoring run, and what else is known of the environment:
        added to those that the record names.

    Raises
    ------
    InputError
        If the record is of another config, or a file cannot be read or written.
    """
    contents = _read_contents(record)
    _check_config(contents["config"], config, record)
    for pattern in (*COPIED, *_trained(checkpoints)):
        for path in tree.find(results, pattern):
            _copy(path, record / path.relative_to(results))
    for folder in sorted({path.parent for path in tree.find(results, tree.SCORES)}):
        _pack(folder, record / folder.parent.relative_to(results) / Path(tree.RECORDED_SCORES).name)
    known = contents["made_by"]
    write_yaml(
        record / CONTENTS,
        {
            "config": merged_configs(contents["config"], config),
            "made_by": known if made_by in known else [*known, dict(made_by)],
        },
        _CONTENTS_REMARK,
    )


def restore_record(
    record: Path, results: Path, *, config: Mapping[str, Any], code: Mapping[str, str]
) -> list[Path]:
    """Put a record's files where a run has them, so that Snakemake makes what is missing alone.

    All get one time, that of the newest segment table that is there already: a file that is made of
    others must not be older than they are. What is there stays as it is.

    Parameters
    ----------
    config, code
        Of this run, as for `keep_record`.

    Returns
    -------
    list of Path
        What was put there.

    Raises
    ------
    InputError
        If there is no record, it is of another config, or of other segments than those here.
    """
    if not (record / CONTENTS).is_file():
        raise InputError(f"{record} has no {CONTENTS}: it is no record of a run.")
    contents = _read_contents(record)
    _check_config(contents["config"], config, record)
    if code not in [made["code"] for made in contents["made_by"]]:
        logger.warning("%s was made by other code of training or scoring than this.", record)
    _check_segments(record, results)
    moment = _time_of_segments(results)
    restored = []
    for path in tree.find(record, tree.RECORDED_SCORES):
        folder = results / path.relative_to(record).parent / Path(tree.SCORES).parent.name
        restored += _unpack(path, folder, moment)
    # Of a trained checkpoint or not: the record has none that was fetched.
    for pattern in (*COPIED, tree.CHECKPOINT, tree.CHECKPOINT_HISTORY):
        for path in tree.find(record, pattern):
            target = results / path.relative_to(record)
            if not target.exists():
                _copy(path, target, moment)
                restored.append(target)
    return restored


def read_recorded_scores(path: Path) -> dict[str, Scores]:
    """Read the scores of a cell from a record, by test set.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    columns = read_parquet(path, list(_COLUMNS)).to_pydict()
    sets = np.array(columns["set"])
    logits = np.array([columns["logit_fake"], columns["logit_real"]], dtype=np.float32).T
    names, labels = np.array(columns["segment_id"]), np.array(columns["label"])
    scores = {}
    for name in dict.fromkeys(columns["set"]):
        rows = sets == name
        scores[str(name)] = Scores(names[rows].tolist(), labels[rows] == "real", logits[rows])
    return scores


def _trained(checkpoints: Sequence[str]) -> Iterator[str]:
    for name in checkpoints:
        yield tree.fill(tree.CHECKPOINT, checkpoint=name)
        yield tree.fill(tree.CHECKPOINT_HISTORY, checkpoint=name)


def _copy(source: Path, target: Path, moment: int | None = None) -> None:
    """Copy a file whole, unless the same bytes are there; with a time of change in nanoseconds."""
    if target.is_file() and file_digest(source) == file_digest(target):
        return
    with _in_place(target, moment) as temporary:
        shutil.copyfile(source, temporary)


@contextmanager
def _in_place(target: Path, moment: int | None) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(target) as temporary:
        yield temporary
        if moment is not None:
            os.utime(temporary, ns=(moment, moment))


def _pack(folder: Path, target: Path) -> None:
    """Put the score tables of a cell into one file, in the order of their sets' names."""
    found = {path.stem: read_scores(path) for path in folder.glob("*.parquet")}
    kept = read_recorded_scores(target) if target.exists() else {}
    data = _packed({**kept, **found})
    if not target.exists() or target.read_bytes() != data:
        with _in_place(target, None) as temporary:
            temporary.write_bytes(data)


def _packed(tables: Mapping[str, Scores]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [(name, tables[name]) for name in sorted(tables)]
    labels = [np.where(table.real, "real", "fake") for _, table in rows]
    logits = np.concatenate([table.logits for _, table in rows])
    columns: dict[str, Any] = {
        "set": [name for name, table in rows for _ in table.segment_id],
        "segment_id": [name for _, table in rows for name in table.segment_id],
        "label": np.concatenate(labels).tolist(),
        "logit_fake": logits[:, 0],
        "logit_real": logits[:, 1],
    }
    data = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        data,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=["set", "label"],
        use_byte_stream_split=["logit_fake", "logit_real"],
        column_encoding={"segment_id": "DELTA_BYTE_ARRAY"},
    )
    return data.getvalue()


def _unpack(path: Path, folder: Path, moment: int) -> list[Path]:
    written = []
    for name, scores in read_recorded_scores(path).items():
        target = folder / f"{name}.parquet"
        if target.exists():
            continue
        labels = np.where(scores.real, "real", "fake").tolist()
        target.parent.mkdir(parents=True, exist_ok=True)
        write_score_columns(target, scores.segment_id, labels, scores.logits)
        os.utime(target, ns=(moment, moment))
        written.append(target)
    return written


def _read_contents(record: Path) -> dict[str, Any]:
    path = record / CONTENTS
    return read_yaml(path) if path.exists() else {"config": {}, "made_by": []}


def _check_config(recorded: Mapping[str, Any], config: Mapping[str, Any], record: Path) -> None:
    """Refuse a config that says otherwise where the record says something."""
    for key, ours, theirs in _differences(config, recorded):
        raise InputError(
            f"{record} was made with {key}: {theirs}, and this config has {ours}. Take the config "
            "of the record, or another folder (record) for this run."
        )


def _differences(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], above: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """List what two mappings say differently, of the keys that both have."""
    for key in sorted(ours.keys() & theirs.keys()):
        if isinstance(ours[key], Mapping) and isinstance(theirs[key], Mapping):
            yield from _differences(ours[key], theirs[key], f"{above}{key}.")
        elif ours[key] != theirs[key]:
            yield f"{above}{key}", ours[key], theirs[key]


def _check_segments(record: Path, results: Path) -> None:
    """Refuse scores of other segments than those that this machine has made."""
    for path in tree.find(record, tree.SEGMENTS):
        here = results / path.relative_to(record)
        if not here.is_file():
            continue
        ours, theirs = read_segments(here), read_segments(path)
        for name in ("segment_id", "label", "source", "start", "end"):
            if list(getattr(ours, name)) != list(getattr(theirs, name)):
                raise InputError(
                    f"{here} has other segments than {path} (column {name}): the record is of "
                    "other audio. Make the corpora by the code and the packages of the record, or "
                    "restore it into an empty folder of results."
                )
        if ours.audio != theirs.audio:
            logger.warning(
                "%s: not the same samples as the record's, which another machine may round "
                "otherwise; scores that are put here are of the record's.",
                here,
            )


def _time_of_segments(results: Path) -> int:
    times = [path.stat().st_mtime_ns for path in tree.find(results, tree.SEGMENTS)]
    return max(times, default=time.time_ns())

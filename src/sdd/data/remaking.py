"""Segments whose audio is made anew: under a condition, or encoded as mp3 once more.

What is made lies beside the prepared audio of the corpus: a FLAC for each prepared file that the
segments are windows of, with these segments one after the other. Their table is one as any other,
so that whoever reads segments need not know.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sdd.data.audio import remade
from sdd.data.audio.codecs import CODECS, MP3_FILE, Codec
from sdd.data.audio.coding import check_encoders
from sdd.data.audio.conditions import Condition
from sdd.data.audio.door import died
from sdd.data.audio.mp3_segments import MP3_RATES, MP3_SUFFIX
from sdd.data.audio.remade import REMAKING_IMPORTS, remake_file
from sdd.data.audio.table import digest_of_audio
from sdd.data.paths import resolve_path
from sdd.errors import InputError
from sdd.runtime.code_digest import module_digest
from sdd.runtime.digests import file_digest, text_digest
from sdd.runtime.expendable_workers import WorkerDiedError, run_expendable
from sdd.runtime.journal import Journal
from sdd.runtime.progress import with_progress

if TYPE_CHECKING:
    import pandas as pd

JOURNAL = "remade.jsonl"

Entry = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remaking:
    """How the audio of segments is made anew.

    Attributes
    ----------
    condition
        What is done to each segment; None does nothing.
    as_mp3
        Whether segments of mp3 sources are encoded as mp3 again, at the source's own rate; this
        comes before the condition.
    root
        The data root that `$ROOT` stands for.
    audio_folder
        Where prepared audio lies.
    place
        Where to write, relative to `audio_folder`.
    """

    condition: Condition | None
    as_mp3: bool
    root: Path
    audio_folder: Path
    place: str


@dataclass(frozen=True)
class _Job:
    """The segments of one prepared file, and the FLAC to make of them.

    `rows` are places in the table, in the order of time; `source` is the mp3 to make them of, None
    for the prepared file; `made_of` says what the result depends on, `known` is of the journal.
    """

    rows: tuple[int, ...]
    names: tuple[str, ...]
    bounds: tuple[tuple[int, int], ...]
    prepared: Path
    source: Path | None
    target: Path
    condition: Condition | None
    made_of: str
    known: Entry | None


def remake_segments(
    table: "pd.DataFrame", audio_table: "pd.DataFrame", remaking: Remaking, *, workers: int = 1
) -> tuple["pd.DataFrame", str]:
    """Make the audio of segments anew, a prepared file at a time in worker processes.

    What is done is entered in a journal, so that a killed run goes on where it was. FLAC files of
    segments that the table does not have are removed.

    Parameters
    ----------
    table
        As `sdd.data.cutting.cut_segments` returns it.
    audio_table
        What was prepared of the corpus.

    Returns
    -------
    table
        The same segments in the same order, as windows of what was made. Those that stay as they
        are, of sources that are no mp3, are windows of prepared files as before.
    audio
        Digest of all their audio.

    Raises
    ------
    InputError
        If an encoder is not installed, or a file cannot be read.
    """
    check_encoders(_codecs(remaking))
    folder = remaking.audio_folder / remaking.place
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / JOURNAL)
    known = journal.read()
    jobs = _jobs(table, audio_table, remaking, known)
    # Whole lines only: a killed run may have left half of one, which the next would continue.
    journal.write(known)
    done = _run(jobs, journal, workers, remaking.place)
    journal.write(done)
    for stale in set(folder.glob("*.flac")) - {job.target for job in jobs}:
        stale.unlink()
    clipped = sum(entry["clipped"] for entry in done.values())
    log.info("%s: %d segments made, %d samples limited", remaking.place, len(table), clipped)
    result = _windows_of_made(table, jobs, remaking.place)
    return result, _digest(result, audio_table, done, remaking.place)


def _codecs(remaking: Remaking) -> list[Codec]:
    """List what is encoded."""
    named = None if remaking.condition is None else remaking.condition.codec
    return [*([MP3_FILE] if remaking.as_mp3 else []), *([] if named is None else [CODECS[named]])]


def _jobs(
    table: "pd.DataFrame",
    audio_table: "pd.DataFrame",
    remaking: Remaking,
    known: Mapping[str, Entry],
) -> list[_Job]:
    """List a job for each prepared file with segments that are made anew."""
    as_mp3 = _become_mp3(table, audio_table) if remaking.as_mp3 else np.zeros(len(table), bool)
    rows_of: dict[str, list[int]] = {}
    for row, file in enumerate(table["file"]):
        if remaking.condition is not None or as_mp3[row]:
            rows_of.setdefault(file, []).append(row)
    sha256 = dict(zip(audio_table["file"], audio_table["sha256"], strict=True))
    code = module_digest(remade.__name__)
    names, paths = table["segment_id"].tolist(), table["path"].tolist()
    start, end = table["start"].tolist(), table["end"].tolist()
    jobs = []
    for file, of_file in rows_of.items():
        rows = tuple(sorted(of_file, key=start.__getitem__))
        source = resolve_path(paths[rows[0]], remaking.root) if as_mp3[rows[0]] else None
        bounds = tuple((start[row], end[row]) for row in rows)
        named = tuple(names[row] for row in rows)
        target = remaking.audio_folder / remaking.place / Path(file).name
        condition = None if remaking.condition is None else asdict(remaking.condition)
        made_of = text_digest(
            json.dumps([code, sha256[file], condition, named, bounds, _state(source)])
        )
        jobs.append(
            _Job(
                rows,
                named,
                bounds,
                remaking.audio_folder / file,
                source,
                target,
                remaking.condition,
                made_of,
                known.get(target.name),
            )
        )
    return jobs


def _state(source: Path | None) -> list[int] | None:
    """Return size and time of a source, by which another file of its name shows."""
    if source is None:
        return None
    if not source.is_file():
        raise InputError(f"{source} is missing, and segments of it are to be made: put it back.")
    status = source.stat()
    return [status.st_size, status.st_mtime_ns]


def _become_mp3(table: "pd.DataFrame", audio_table: "pd.DataFrame") -> npt.NDArray[np.bool_]:
    """Tell which segments are of mp3 sources, ``bool [N]``, and of which no mp3 can be made."""
    is_mp3 = table["path"].str.lower().str.endswith(MP3_SUFFIX).to_numpy(dtype=bool)
    rate_of = dict(zip(audio_table["file"], audio_table["source_rate"], strict=True))
    rates = table["file"].map(rate_of).to_numpy()
    impossible = is_mp3 & ~np.isin(rates, MP3_RATES)
    if impossible.any():
        log.warning(
            "%d segments of sources named .mp3 have rates that mp3 does not have, and stay as they "
            "are (segments by rate in Hz: %s)",
            int(impossible.sum()),
            dict(Counter(rates[impossible].tolist())),
        )
    become: npt.NDArray[np.bool_] = is_mp3 & ~impossible
    return become


def _run(jobs: Sequence[_Job], journal: Journal, workers: int, title: str) -> dict[str, Entry]:
    """Do all jobs; return their entries by the name of the FLAC."""
    done: dict[str, Entry] = {}
    results = run_expendable(_done, jobs, workers=workers, imports=REMAKING_IMPORTS)
    finished = with_progress(results, total=len(jobs), desc=title, unit="file")
    with journal.appending() as entries, closing(results):
        for job, outcome in finished:
            try:
                done[job.target.name] = outcome.value()
            except WorkerDiedError as error:
                raise InputError(died(job.source or job.prepared, error)) from error
            entries.add(job.target.name, done[job.target.name])
    return {job.target.name: done[job.target.name] for job in jobs}


def _done(job: _Job) -> Entry:
    if (
        job.known is not None
        and job.known["made_of"] == job.made_of
        and job.target.is_file()
        and file_digest(job.target) == job.known["sha256"]
    ):
        return job.known
    sha256, clipped = remake_file(
        job.prepared,
        job.names,
        job.bounds,
        job.target,
        source=job.source,
        condition=job.condition,
    )
    return {"made_of": job.made_of, "sha256": sha256, "clipped": clipped}


def _windows_of_made(table: "pd.DataFrame", jobs: Sequence[_Job], place: str) -> "pd.DataFrame":
    """Return the table with the places of what was made: as long, one after the other."""
    files = table["file"].tolist()
    start, end = (table[name].to_numpy(copy=True) for name in ("start", "end"))
    for job in jobs:
        position = 0
        for row, (first, last) in zip(job.rows, job.bounds, strict=True):
            files[row] = f"{place}/{job.target.name}"
            start[row], end[row] = position, position + last - first
            position = int(end[row])
    return table.assign(file=files, start=start, end=end)


def _digest(
    result: "pd.DataFrame", audio_table: "pd.DataFrame", done: Mapping[str, Entry], place: str
) -> str:
    """Digest what was made, and of prepared files those that are still used."""
    import pandas as pd

    made = pd.DataFrame(
        [(f"{place}/{name}", entry["sha256"]) for name, entry in done.items()],
        columns=["file", "sha256"],
    )
    both = pd.concat([audio_table[["file", "sha256"]], made])
    return digest_of_audio(both, result["file"])

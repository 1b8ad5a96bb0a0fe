"""Preparing a corpus: one 16 kHz FLAC for each of its source files, and the table of them."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sdd.data.audio import preparing
from sdd.data.audio.door import died
from sdd.data.audio.preparing import PREPARING_IMPORTS, prepare_source
from sdd.data.audio.remarks import Remark
from sdd.data.audio.table import COLUMNS, FAILURES
from sdd.data.paths import resolve_path
from sdd.errors import InputError
from sdd.runtime.code_digest import module_digest
from sdd.runtime.csv_rows import write_rows
from sdd.runtime.digests import file_digest, text_digest
from sdd.runtime.expendable_workers import WorkerDiedError, run_expendable
from sdd.runtime.journal import Journal
from sdd.runtime.progress import with_progress

JOURNAL = "prepared.jsonl"

Entry = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """One source file: its Path in the protocol, where it lies, and the FLAC to make.

    `code` is a digest of what makes samples, `known` what the journal has of the file.
    """

    path: str
    source: Path
    file: str
    target: Path
    code: str
    known: Entry | None


def prepare_corpus(
    paths: Iterable[str],
    root: Path,
    folder: Path,
    corpus: str,
    *,
    workers: int,
    allowed_failures: int = 0,
) -> list[Entry]:
    """Prepare every source file of a protocol, in parallel processes.

    What is done is entered in a journal, so a killed run goes on where it was; a FLAC is kept if
    its digest is that of the journal, its source has the size and time it had, and the code that
    makes samples is the same. The result is the same, byte for byte, however often it was
    interrupted and however many workers there are. A file that ends the process that decodes it
    fails alone.

    Parameters
    ----------
    paths
        The column Path of the corpus' protocol; each distinct one is prepared once.
    root
        The data root that `$ROOT` stands for.
    folder
        Where prepared audio of all corpora lies.
    corpus
        Its FLAC files are written below `folder/corpus/`.
    allowed_failures
        How many sources may fail; `sdd.data.audio.table.read_failures` tells which did.

    Returns
    -------
    list of dict
        The rows of the audio table, one for each distinct Path that succeeded, in the protocol's
        order: path, file (relative to `folder`), samples (at 16 kHz), source_rate, source_samples,
        clipped, sha256.

    Raises
    ------
    InputError
        If more sources than allowed fail, naming all of them with their errors, or none succeeds.
    """
    place = folder / corpus
    place.mkdir(parents=True, exist_ok=True)
    for leftover in place.glob(".*.flac"):  # a killed run's unfinished files
        leftover.unlink()
    journal = Journal(place / JOURNAL)
    known = journal.read()
    jobs = _jobs(paths, root, folder, corpus, known)
    # Whole lines only: a killed run may have left half of one, which the next would continue.
    journal.write(known)
    done, errors = _run(jobs, journal, workers, corpus)
    journal.write(known | done)
    # In the protocol's order, whichever thread was first.
    errors = {job.path: errors[job.path] for job in jobs if job.path in errors}
    # Before anything raises: who sees the error can look the failures up.
    failures = [{"path": path, "error": error} for path, error in errors.items()]
    write_rows(place / FAILURES, failures, ("path", "error"), quote_all=True)
    if len(errors) > allowed_failures or not done:
        listed = "".join(f"\n  {path}: {error}" for path, error in errors.items())
        raise InputError(
            f"Corpus {corpus}: {len(errors)} of {len(jobs)} source files could not be prepared "
            f"({allowed_failures} may fail).{listed}"
        )
    rows = [{c: done[job.path][c] for c in COLUMNS} for job in jobs if job.path in done]
    for job in jobs:
        for remark in done.get(job.path, {}).get("remarks", ()):
            log.warning("%s: %s", job.source, Remark(*remark))
    _log_outcome(corpus, rows, errors)
    return rows


def _log_outcome(corpus: str, rows: Sequence[Entry], errors: Mapping[str, str]) -> None:
    if errors:
        log.warning(
            "%s: %d source files could not be prepared: %s", corpus, len(errors), list(errors)
        )
    clipped = [row for row in rows if row["clipped"]]
    log.info(
        "%s: %d sources prepared, %d samples of %d of them were beyond 16 bits and are limited",
        corpus,
        len(rows),
        sum(row["clipped"] for row in clipped),
        len(clipped),
    )


def flac_name(path: str) -> str:
    """Name the FLAC of a source: its stem as far as it is safe, and a digest of its Path.

    The name has ASCII letters, digits, `.`, `_` and `-`, and is another for another Path.
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(path).stem).lstrip(".-")[:60]
    return f"{stem}-{text_digest(path)[:12]}.flac"


def _jobs(
    paths: Iterable[str], root: Path, folder: Path, corpus: str, known: Mapping[str, Entry]
) -> list[_Job]:
    code = module_digest(preparing.__name__)
    jobs = []
    for path in dict.fromkeys(paths):
        file = f"{corpus}/{flac_name(path)}"
        source = resolve_path(path, root)
        jobs.append(_Job(path, source, file, folder / file, code, known.get(path)))
    return jobs


def _run(
    jobs: list[_Job], journal: Journal, workers: int, corpus: str
) -> tuple[dict[str, Entry], dict[str, str]]:
    """Prepare all; return entries of what succeeded and errors of what failed, by Path."""
    done: dict[str, Entry] = {}
    errors: dict[str, str] = {}
    results = run_expendable(_prepared, jobs, workers=workers, imports=PREPARING_IMPORTS)
    finished = with_progress(results, total=len(jobs), desc=corpus, unit="file")
    with journal.appending() as entries, closing(results):
        for job, outcome in finished:
            try:
                entry = outcome.value()
            except (InputError, OSError) as error:
                errors[job.path] = str(error)
                continue
            except WorkerDiedError as error:
                errors[job.path] = died(job.source, error)
                continue
            done[job.path] = entry
            if entry != job.known:
                entries.add(job.path, entry)
    return done, errors


def _prepared(job: _Job) -> Entry:
    if not job.source.is_file():
        raise InputError(f"{job.source} is missing.")
    status = job.source.stat()
    key = {
        "code": job.code,
        "path": job.path,
        "file": job.file,
        "source_size": status.st_size,
        "source_mtime_ns": status.st_mtime_ns,
    }
    if (
        job.known is not None
        and key.items() <= job.known.items()
        and job.target.is_file()
        and file_digest(job.target) == job.known["sha256"]
    ):
        return job.known
    prepared = asdict(prepare_source(job.source, job.target))
    # As JSON gives it back: the journal is the same however often it was written.
    return key | prepared | {"remarks": [list(remark) for remark in prepared["remarks"]]}

"""Preparing a corpus: one 16 kHz FLAC for each of its source files, and the table of them."""

import csv
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from sdd.data.audio.decoding import file_digest, prepare_source
from sdd.data.paths import resolve_path
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = ("path", "file", "sha256")
COLUMNS = ("path", "file", "samples", "source_rate", "source_samples", "clipped", "sha256")
JOURNAL = "prepared.jsonl"
FAILURES = "failed.csv"

# Raise it when the samples that preparation writes change: all is then prepared again.
_VERSION = 2

Entry = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """One source file: its Path in the protocol, where it lies, and the FLAC to make."""

    path: str
    source: Path
    file: str
    target: Path


def prepare_corpus(
    paths: Iterable[str],
    root: Path,
    folder: Path,
    corpus: str,
    *,
    workers: int,
    allowed_failures: int = 0,
) -> list[Entry]:
    """Prepare every source file of a protocol, in parallel threads.

    What is done is entered in a journal, so a killed run goes on where it was; a FLAC is kept if
    its digest is that of the journal and its source has the size and time it had. The result is
    the same, byte for byte, however often it was interrupted and however many workers there are.

    Parameters
    ----------
    paths
        The column Path of the corpus' protocol; each distinct one is prepared once.
    root
        The data root that `$ROOT` stands for.
    folder
        Where prepared audio of all corpora lies.
    corpus
        Name of the corpus: its FLAC files are written below `folder/corpus/`.
    workers
        Threads.
    allowed_failures
        How many sources may fail. `read_failures` tells which did.

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
    jobs = [
        _Job(path, resolve_path(path, root), file := f"{corpus}/{flac_name(path)}", folder / file)
        for path in dict.fromkeys(paths)
    ]
    journal = place / JOURNAL
    known = _read_journal(journal)
    _write_journal(journal, known.values())
    done, errors = _run(jobs, known, journal, workers, corpus)
    _write_journal(journal, (known | done).values())
    errors = {job.path: errors[job.path] for job in jobs if job.path in errors}
    _write_failures(place / FAILURES, errors)
    if len(errors) > allowed_failures or not done:
        listed = "".join(f"\n  {path}: {error}" for path, error in errors.items())
        raise InputError(
            f"Corpus {corpus}: {len(errors)} of {len(jobs)} source files could not be prepared "
            f"({allowed_failures} may fail).{listed}"
        )
    if errors:
        log.warning(
            "%s: %d source files could not be prepared: %s", corpus, len(errors), list(errors)
        )
    rows = [{c: done[job.path][c] for c in COLUMNS} for job in jobs if job.path in done]
    clipped = [row for row in rows if row["clipped"]]
    log.info(
        "%s: %d sources prepared, %d samples of %d of them were beyond 16 bits and are limited",
        corpus,
        len(rows),
        sum(row["clipped"] for row in clipped),
        len(clipped),
    )
    return rows


def flac_name(path: str) -> str:
    """Name the FLAC of a source: its stem as far as it is safe, and a digest of its Path.

    Parameters
    ----------
    path
        Path of the protocol.

    Returns
    -------
    str
        A file name of ASCII letters, digits, `.`, `_` and `-`, different for different paths.
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(path).stem).lstrip(".-")[:60]
    return f"{stem}-{hashlib.sha256(path.encode()).hexdigest()[:12]}.flac"


def _run(
    jobs: list[_Job], known: Mapping[str, Entry], journal: Path, workers: int, corpus: str
) -> tuple[dict[str, Entry], dict[str, str]]:
    """Prepare all; entries of what succeeded and errors of what failed, by Path."""
    done: dict[str, Entry] = {}
    errors: dict[str, str] = {}
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        futures = {pool.submit(_prepared, job, known.get(job.path)): job for job in jobs}
        finished = tqdm(
            as_completed(futures), total=len(futures), desc=corpus, unit="file", disable=None
        )
        with journal.open("a", encoding="utf-8") as file:
            for future in finished:
                path = futures[future].path
                try:
                    done[path] = future.result()
                except (InputError, OSError) as error:
                    errors[path] = str(error)
                    continue
                if done[path] is not known.get(path):
                    file.write(json.dumps(done[path]) + "\n")
                    file.flush()
    finally:
        pool.shutdown(cancel_futures=True)
    return done, errors


def _prepared(job: _Job, known: Entry | None) -> Entry:
    if not job.source.is_file():
        raise InputError(f"{job.source} is missing.")
    status = job.source.stat()
    key = {
        "version": _VERSION,
        "path": job.path,
        "file": job.file,
        "source_size": status.st_size,
        "source_mtime_ns": status.st_mtime_ns,
    }
    if (
        known is not None
        and key.items() <= known.items()
        and job.target.is_file()
        and file_digest(job.target) == known["sha256"]
    ):
        return known
    return key | asdict(prepare_source(job.source, job.target))


def _read_journal(journal: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    if journal.is_file():
        for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                entries[entry["path"]] = entry
            except (json.JSONDecodeError, KeyError, TypeError):
                continue  # the line that was being written when the run was killed
    return entries


def _write_journal(journal: Path, entries: Iterable[Entry]) -> None:
    with atomic_path(journal) as temporary, temporary.open("w", encoding="utf-8") as file:
        for entry in sorted(entries, key=lambda entry: str(entry["path"])):
            file.write(json.dumps(entry) + "\n")


def _write_failures(path: Path, errors: Mapping[str, str]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(("path", "error"))
        writer.writerows(errors.items())


def read_failures(folder: Path, corpus: str) -> list[str]:
    """List the sources that failed when a corpus was last prepared.

    Parameters
    ----------
    folder
        Where prepared audio of all corpora lies.
    corpus
        Name of the corpus.

    Returns
    -------
    list of str
        Their Path in the protocol; empty if none failed.
    """
    path = folder / corpus / FAILURES
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row[0] for row in csv.reader(file)][1:]


def write_audio_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write an audio table as CSV, all at once or not at all.

    Neither pandas nor pyarrow is needed: with torch, they would be half a gigabyte in the process
    that prepares.

    Parameters
    ----------
    rows
        What `prepare_corpus` returned.
    path
        The file to write.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_audio_table(path: Path) -> "pd.DataFrame":
    """Read an audio table.

    Parameters
    ----------
    path
        A file that `write_audio_table` wrote.

    Returns
    -------
    DataFrame
        Its columns are `COLUMNS`.

    Raises
    ------
    InputError
        If the file is missing or is not an audio table.
    """
    import pandas as pd

    if not path.is_file():
        raise InputError(f"{path} is missing: prepare the corpus first.")
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if tuple(header) != COLUMNS:
        raise InputError(f"{path} is not an audio table: it has {', '.join(header)}.")
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")
    return frame.astype({c: "str" if c in TEXT_COLUMNS else "int64" for c in COLUMNS})


def read_paths(protocol: Path) -> list[str]:
    """Read the column Path of a protocol that the workflow wrote, without pandas.

    Parameters
    ----------
    protocol
        The CSV file.

    Returns
    -------
    list of str
        A Path for each row.
    """
    with protocol.open(encoding="utf-8", newline="") as file:
        return [row["Path"] for row in csv.DictReader(file)]

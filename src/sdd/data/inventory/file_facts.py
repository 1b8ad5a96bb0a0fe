"""Facts of audio files: each is decoded from beginning to end, once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sdd.data.audio import decoding
from sdd.data.audio.decoding import Source, mix
from sdd.data.audio.door import DECODING_IMPORTS, died
from sdd.errors import InputError
from sdd.runtime.code_digest import module_digest
from sdd.runtime.expendable_workers import WorkerDiedError, run_expendable
from sdd.runtime.journal import Journal
from sdd.runtime.progress import with_progress

# Raise it when other facts are noted: all files are then decoded again, as after a change of the
# decoders.
_VERSION = 2


@dataclass(frozen=True)
class FileFacts:
    """Facts of an audio file.

    Attributes
    ----------
    error
        Why it cannot be decoded, empty if it can; the other facts are then 0.
    size
        Bytes of the file.
    rate, channels
        Samples per second, and channels.
    samples
        Samples per channel, as decoded.
    promised
        Samples per channel that the header promises; more than `samples` if the file was cut.
    peak
        Largest absolute sample; full scale is 1.
    at_full_scale
        Samples of all channels at full scale or beyond.
    remarks
        What a user should know of it: kind and text of each (`sdd.data.audio.remarks.TITLES`).
    """

    error: str = ""
    size: int = 0
    rate: int = 0
    channels: int = 0
    samples: int = 0
    promised: int = 0
    peak: float = 0.0
    at_full_scale: int = 0
    remarks: list[list[str]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.samples / self.rate if self.rate else 0.0


def examine_file(path: Path) -> FileFacts:
    """Decode an audio file that exists and note its facts, or as `error` why it cannot be."""
    facts = FileFacts(size=path.stat().st_size)
    if facts.size == 0:
        return replace(facts, error=f"{path} is empty: replace the file or leave it out.")
    try:
        source = Source(path)
        channels = 0
        for block in source.blocks():
            channels = block.shape[1]
            source.levels.add_mixed(mix(block))
    except InputError as error:
        return replace(facts, error=str(error))
    levels = source.levels
    return replace(
        facts,
        rate=source.rate,
        channels=channels,
        samples=source.samples,
        promised=max(source.stated or 0, source.samples),
        peak=levels.peak,
        at_full_scale=levels.at_full_scale,
        remarks=[[r.kind, r.text] for r in (*source.remarks, *levels.remarks())],
    )


def examine_files(
    paths: Iterable[Path], journal: Path, *, workers: int, title: str
) -> dict[Path, FileFacts]:
    """Examine many files in `workers` processes, but for those that did not change.

    Parameters
    ----------
    paths
        Files that exist; each distinct one is examined once.
    journal
        Keeps the facts: a line for each file, with its size and time.
    title
        Of the progress bar.
    """
    distinct = list(dict.fromkeys(paths))
    keys = {path: _key(path) for path in distinct}
    log = Journal(journal)
    known = log.read()
    facts = {path: FileFacts(**known[key]) for path, key in keys.items() if key in known}
    remaining = [path for path in distinct if path not in facts]
    log.write(_entries(keys, facts))
    lost: dict[Path, FileFacts] = {}
    results = run_expendable(examine_file, remaining, workers=workers, imports=DECODING_IMPORTS)
    with log.appending() as entries:
        for path, outcome in with_progress(results, total=len(remaining), desc=title, unit="file"):
            try:
                facts[path] = outcome.value()
            except WorkerDiedError as error:
                # Not entered in the journal: memory may suffice another time.
                lost[path] = FileFacts(error=died(path, error), size=path.stat().st_size)
                continue
            entries.add(keys[path], asdict(facts[path]))
    log.write(_entries(keys, facts))
    return {path: lost.get(path) or facts[path] for path in distinct}


def _key(path: Path) -> str:
    """Name a file as it is now, examined by the code of now."""
    status = path.stat()
    code = module_digest(decoding.__name__)
    return json.dumps([_VERSION, code, str(path), status.st_size, status.st_mtime_ns])


def _entries(
    keys: Mapping[Path, str], facts: Mapping[Path, FileFacts]
) -> dict[str, dict[str, Any]]:
    return {keys[path]: asdict(found) for path, found in facts.items()}

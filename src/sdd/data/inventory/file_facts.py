"""Facts of audio files: each is decoded from beginning to end, once."""

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from tqdm import tqdm

from sdd.data.audio import decoding
from sdd.data.audio.decoding import decode_blocks
from sdd.data.corpora.headers import read_header
from sdd.errors import InputError
from sdd.runtime.code_digest import module_digest
from sdd.runtime.journal import Journal

# Raise it when other facts are noted: all files are then decoded again, as after a change of the
# decoders.
_VERSION = 1

# libsndfile's remark on a RIFF chunk that promises more than the file holds, in bytes.
_CUT_CHUNK = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
# What programs write there that do not know the length beforehand.
_UNKNOWN_LENGTH = 0x7FFF0000


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
    """

    error: str = ""
    size: int = 0
    rate: int = 0
    channels: int = 0
    samples: int = 0
    promised: int = 0
    peak: float = 0.0
    at_full_scale: int = 0

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.samples / self.rate if self.rate else 0.0


def examine_file(path: Path) -> FileFacts:
    """Decode an audio file that exists and note its facts, or as `error` why it cannot be."""
    facts = FileFacts(size=path.stat().st_size)
    if facts.size == 0:
        return replace(facts, error=f"{path} is empty: replace or remove the file.")
    try:
        header = read_header(path)
        rate, blocks = decode_blocks(path)
        full_scale = _full_scale(header.encoding, header.bits)
        samples = at_full_scale = channels = 0
        peak = 0.0
        for block in blocks:
            level = np.abs(block)
            samples += len(block)
            channels = block.shape[1]
            peak = max(peak, float(level.max()))
            at_full_scale += int(np.count_nonzero(level >= full_scale))
    except InputError as error:
        return replace(facts, error=str(error))
    promised = max(header.samples, _promised_by_chunk(path, samples))
    return replace(
        facts,
        rate=rate,
        channels=channels,
        samples=samples,
        promised=promised,
        peak=peak,
        at_full_scale=at_full_scale,
    )


def _full_scale(encoding: str, bits: int) -> float:
    """Return the largest positive value of whole-number samples; nearly 1 for the others."""
    if encoding in ("PCM_S", "PCM_U", "FLAC") and bits:
        return float(1 - 2.0 ** (1 - min(bits, 24)))
    return 0.999


def _promised_by_chunk(path: Path, samples: int) -> int:
    """Read how many samples the header of a wav promises; libsndfile tells how many there are."""
    if path.suffix.lower() != ".wav":
        return 0
    try:
        remarks = soundfile.info(str(path), verbose=True).extra_info
    except soundfile.LibsndfileError:
        return 0
    match = _CUT_CHUNK.search(remarks)
    if match is None:
        return 0
    promised, there = (int(text) for text in match.groups())
    if promised >= _UNKNOWN_LENGTH or not there:
        return 0
    return round(samples * promised / there)


def examine_files(
    paths: Iterable[Path], journal: Path, *, workers: int, title: str
) -> dict[Path, FileFacts]:
    """Examine many files in `workers` threads; those that did not change are not examined again.

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
    with ThreadPoolExecutor(max(1, workers)) as pool, log.appending() as entries:
        futures = {pool.submit(examine_file, path): path for path in remaining}
        for future in tqdm(
            as_completed(futures), total=len(futures), desc=title, unit="file", disable=None
        ):
            path = futures[future]
            facts[path] = future.result()
            entries.add(keys[path], asdict(facts[path]))
    log.write(_entries(keys, facts))
    return {path: facts[path] for path in distinct}


def _key(path: Path) -> str:
    """Name a file as it is now, examined by the code of now."""
    status = path.stat()
    code = module_digest(decoding.__name__)
    return json.dumps([_VERSION, code, str(path), status.st_size, status.st_mtime_ns])


def _entries(
    keys: Mapping[Path, str], facts: Mapping[Path, FileFacts]
) -> dict[str, dict[str, Any]]:
    return {keys[path]: asdict(found) for path, found in facts.items()}

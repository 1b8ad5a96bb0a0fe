"""Headers of many audio files, read in a process that may die of one of them."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sdd.data.audio.door import DECODING_IMPORTS, died
from sdd.data.audio.headers import Header, read_header
from sdd.errors import InputError
from sdd.runtime.expendable_workers import WorkerDiedError, run_expendable

logger = logging.getLogger(__name__)

# So many that handing them over costs little, so few that not much is read again after a death.
_CHUNK = 256
_THREADS = 8

Headers = dict[Path, Header | None]


def read_headers(paths: Iterable[Path]) -> Headers:
    """Read many headers.

    Parameters
    ----------
    paths
        Audio files; each distinct one is read once.

    Returns
    -------
    dict
        Header by path; None where the file cannot be read, so that one bad file does not hide the
        others: preparing the audio reports it.
    """
    distinct = list(dict.fromkeys(paths))
    found: Headers = {}
    suspects: list[list[Path]] = []
    chunks = [distinct[first : first + _CHUNK] for first in range(0, len(distinct), _CHUNK)]
    for chunk, headers in _read(chunks):
        if isinstance(headers, WorkerDiedError):
            suspects += [[path] for path in chunk]
        else:
            found |= headers
    for [path], headers in _read(suspects):
        if isinstance(headers, WorkerDiedError):
            logger.warning("%s", died(path, headers))
            headers = {path: None}
        found |= headers
    return {path: found[path] for path in distinct}


def _read(
    chunks: Sequence[list[Path]],
) -> Iterator[tuple[list[Path], Headers | WorkerDiedError]]:
    """Read chunks of files, each in a process that may die."""
    results = run_expendable(_read_chunk, chunks, workers=1, imports=DECODING_IMPORTS)
    for chunk, outcome in results:
        try:
            yield chunk, outcome.value()
        except WorkerDiedError as error:
            yield chunk, error


def _read_chunk(chunk: Sequence[Path]) -> Headers:
    """Read headers in threads: most of the time is the disk's."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(chunk, pool.map(_header_or_none, chunk), strict=True))


def _header_or_none(path: Path) -> Header | None:
    try:
        return read_header(path)
    except (InputError, MemoryError):
        return None

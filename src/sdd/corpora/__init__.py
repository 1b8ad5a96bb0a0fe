"""The corpora of the experiment: each release tree as a protocol."""

import inspect
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from sdd.corpora import (
    add2023,
    asvspoof2019_la,
    deep_voice,
    deepfake_eval_2024,
    fake_or_real,
    in_the_wild,
    own,
)
from sdd.corpora.protocol import (
    format_protocol,
    read_protocol,
    resolve_path,
    write_protocol,
)
from sdd.errors import InputError

__all__ = [
    "READERS",
    "find_reader",
    "format_protocol",
    "read_corpus",
    "read_protocol",
    "resolve_path",
    "write_protocol",
]

READERS = MappingProxyType[str, Callable[..., pd.DataFrame]](
    {
        "deepfake_eval_2024": deepfake_eval_2024.read,
        "add2023": add2023.read,
        "fake_or_real": fake_or_real.read,
        "deep_voice": deep_voice.read,
        "in_the_wild": in_the_wild.read,
        "asvspoof2019_la": asvspoof2019_la.read,
        "csv": own.read_csv,
        "folders": own.read_folders,
    }
)

# The names that the paper's test sets have in config.yaml.
SHORT_NAMES = MappingProxyType(
    {
        "dfe24": "deepfake_eval_2024",
        "add23": "add2023",
        "for": "fake_or_real",
        "dv": "deep_voice",
        "itw": "in_the_wild",
        "asv19": "asvspoof2019_la",
    }
)


def find_reader(name: str) -> str:
    """Find the reader that a name means.

    Parameters
    ----------
    name
        A key of `READERS` or of `SHORT_NAMES`, or a folder of a data root such as
        `Deepfake-Eval-2024`; capitals, dashes and underscores do not count.

    Returns
    -------
    str
        A key of `READERS`.

    Raises
    ------
    InputError
        If there is no such reader.
    """
    known = {_plain(reader): reader for reader in READERS} | SHORT_NAMES
    if _plain(name) not in known:
        raise InputError(f"There is no corpus reader {name!r}; there are {', '.join(READERS)}.")
    return known[_plain(name)]


def _plain(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")


def read_corpus(name: str, root: Path | str, /, **options: Any) -> pd.DataFrame:  # noqa: ANN401
    """Read a corpus as released.

    Parameters
    ----------
    name
        A reader, as `find_reader` finds it: `deepfake_eval_2024`, `dfe24`, ...
    root
        The data root that holds the corpora; `$ROOT` in the protocol's Path.
    **options
        Of the reader. All take `partitions`, the values of Proportion to keep (None keeps all),
        and `allowed_missing`, how many audio files may be missing; `csv` needs `path`, and
        `folders` needs `real` and `fake` and takes `corpus`, a name for the IDs.

    Returns
    -------
    DataFrame
        The protocol: a row for each utterance, with Start and End where rows are windows.

    Raises
    ------
    InputError
        If there is no such reader, it lacks an option or does not know it, or the corpus is
        missing, incomplete or malformed.
    """
    reader = find_reader(name)
    read = READERS[reader]
    try:
        inspect.signature(read).bind(Path(root), **options)
    except TypeError as error:
        raise InputError(f"Corpus reader {reader}: {error}.") from None
    return read(Path(root), **options)

"""Finding the reader of a corpus by its name, and reading the corpus with it."""

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from sdd.data.corpora import (
    add2023,
    asvspoof2019_la,
    deep_voice,
    deepfake_eval_2024,
    fake_or_real,
    in_the_wild,
    own,
)
from sdd.data.corpora.listing import Listing, make_protocol
from sdd.errors import InputError

READERS = MappingProxyType[str, Callable[..., Listing]](
    {
        "deepfake_eval_2024": deepfake_eval_2024.list_utterances,
        "add2023": add2023.list_utterances,
        "fake_or_real": fake_or_real.list_utterances,
        "deep_voice": deep_voice.list_utterances,
        "in_the_wild": in_the_wild.list_utterances,
        "asvspoof2019_la": asvspoof2019_la.list_utterances,
        "csv": own.list_csv,
        "folders": own.list_folders,
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
    """Find the key of `READERS` that a name means.

    Parameters
    ----------
    name
        A key of `READERS` or of `SHORT_NAMES`, or a folder of a data root such as
        `Deepfake-Eval-2024`; capitals, dashes and underscores do not count.

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


def list_corpus(
    name: str,
    root: Path | str,
    /,
    *,
    partitions: Collection[str] | None = None,
    **options: Any,  # noqa: ANN401
) -> Listing:
    """List the utterances of a corpus as released, without looking at their audio.

    Arguments are those of `read_corpus`.

    Raises
    ------
    InputError
        If there is no such reader, it lacks an option or does not know it, or a list of the corpus
        is missing.
    """
    reader = _reader_for(name, options)
    return READERS[reader](Path(root), partitions, **options)


def _reader_for(name: str, options: dict[str, Any]) -> str:
    """Find the reader that a name means, and check that it takes the options."""
    reader = find_reader(name)
    # The first two are the data root and the partitions, which every reader takes.
    parameters = list(inspect.signature(READERS[reader]).parameters.values())[2:]
    known = [parameter.name for parameter in parameters]
    needed = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    for option in options:
        if option not in known:
            raise InputError(f"Corpus reader {reader} has no option {option!r}: {takes}.")
    for option in needed:
        if option not in options:
            raise InputError(f"Corpus reader {reader} needs the option {option!r}.")
    return reader


def read_corpus(
    name: str,
    root: Path | str,
    /,
    *,
    partitions: Collection[str] | None = None,
    allowed_missing: int = 0,
    **options: Any,  # noqa: ANN401
) -> pd.DataFrame:
    """Read a corpus as released.

    Parameters
    ----------
    name
        A reader, as `find_reader` finds it: `deepfake_eval_2024`, `dfe24`, ...
    root
        The data root, the folder that holds the corpora; `$ROOT` in the protocol's Path.
    partitions
        The values of Proportion to keep; None keeps all.
    allowed_missing
        How many audio files may be missing; their rows are left out with a warning.
    **options
        Of the reader: `csv` needs `path`; `folders` needs `real` and `fake`, and takes `corpus`, a
        name for the IDs.

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
    # A user's table is a protocol already: its cells are kept, and headers tell the rest only.
    if _reader_for(name, options) == "csv":
        return own.read_csv(
            Path(root), partitions=partitions, allowed_missing=allowed_missing, **options
        )
    listing = list_corpus(name, root, partitions=partitions, **options)
    return make_protocol(listing, Path(root), allowed_missing)

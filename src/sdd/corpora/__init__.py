"""The corpora of the experiment: each release tree as a protocol."""

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
from sdd.corpora.protocol import read_protocol, resolve_path, write_protocol
from sdd.errors import InputError

__all__ = ["READERS", "read_corpus", "read_protocol", "resolve_path", "write_protocol"]

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


def read_corpus(name: str, root: Path | str, /, **options: Any) -> pd.DataFrame:  # noqa: ANN401
    """Read a corpus as released.

    Parameters
    ----------
    name
        A reader: one of `READERS`.
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
        If there is no such reader, or the corpus is missing, incomplete or malformed.
    """
    if name not in READERS:
        raise InputError(f"There is no corpus reader {name!r}; there are {', '.join(READERS)}.")
    return READERS[name](Path(root), **options)

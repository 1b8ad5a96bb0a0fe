"""Audio tables: what was prepared of a corpus, a row for each source file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdd.errors import InputError
from sdd.runtime.csv_rows import read_rows, write_rows
from sdd.runtime.digests import text_digest
from sdd.runtime.text_tables import read_own_table

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = ("path", "file", "sha256")
COLUMNS = ("path", "file", "samples", "source_rate", "source_samples", "clipped", "sha256")
FAILURES = "failed.csv"


def write_audio_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write an audio table as CSV, all at once or not at all.

    Neither pandas nor pyarrow is needed: with torch, they would be half a gigabyte in the process
    that prepares.

    Parameters
    ----------
    rows
        As `sdd.data.preparation.prepare_corpus` returns them.
    """
    write_rows(path, rows, COLUMNS, quote_all=True)


def read_audio_table(path: Path) -> "pd.DataFrame":
    """Read an audio table; its columns are `COLUMNS`.

    Raises
    ------
    InputError
        If the file is missing or is not an audio table.
    """
    import pandas as pd

    if not path.is_file():
        raise InputError(f"{path} is missing: prepare the corpus first.")
    table = read_own_table(path)
    if tuple(table.columns) != COLUMNS:
        raise InputError(f"{path} is not an audio table: it has {', '.join(table.columns)}.")
    frame = pd.DataFrame(table.rows, columns=list(COLUMNS), dtype="str")
    return frame.astype({c: "str" if c in TEXT_COLUMNS else "int64" for c in COLUMNS})


def digest_of_audio(audio_table: "pd.DataFrame", files: Iterable[str]) -> str:
    """Digest the samples of some of the prepared files: 64 hexadecimal digits.

    Parameters
    ----------
    files
        As in the table's column `file`; each counts once, in whatever order.
    """
    sha256 = dict(zip(audio_table["file"], audio_table["sha256"], strict=True))
    return text_digest("".join(f"{sha256[file]} {file}\n" for file in sorted(set(files))))


def read_failures(folder: Path, corpus: str) -> list[str]:
    """List the sources that failed when a corpus was last prepared.

    Parameters
    ----------
    folder
        Where prepared audio of all corpora lies.

    Returns
    -------
    list of str
        Their Path in the protocol.
    """
    path = folder / corpus / FAILURES
    return [row["path"] for row in read_rows(path)] if path.is_file() else []


def read_paths(protocol: Path) -> list[str]:
    """Read the column Path of a protocol that the workflow wrote, a Path a row, without pandas."""
    return read_own_table(protocol).column("Path")

"""The protocol of a corpus: its list of utterances, in the columns of AntiDeepfake's CSV files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sdd.data.paths import file_identity
from sdd.errors import InputError
from sdd.runtime import text_tables
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.number_text import decimal_comma_hint, parse_number, parse_whole

LABELS = ("real", "fake")
PROPORTIONS = ("train", "valid", "test", "-")
COLUMNS = (
    "ID",
    "Label",
    "Duration",
    "SampleRate",
    "Path",
    "Attack",
    "Speaker",
    "Proportion",
    "AudioChannel",
    "AudioEncoding",
    "AudioBitSample",
    "Language",
)
WINDOW_COLUMNS = ("Start", "End")
SOURCE_COLUMN = "Source"
"""The recording that a row was made of: its ID, or any name that rows of one recording share."""
OPTIONAL_COLUMNS = (*WINDOW_COLUMNS, SOURCE_COLUMN)
INTEGER_COLUMNS = ("SampleRate", "AudioChannel", "AudioBitSample")
TEXT_COLUMNS = (
    *(column for column in COLUMNS if column not in (*INTEGER_COLUMNS, "Duration")),
    SOURCE_COLUMN,
)

UNKNOWN = "-"
UNKNOWN_NUMBER = -1

# What the numbers of a table may be: beyond, they are a mistake or wrap around. Thirty years of
# seconds; no device counts more samples a second; as many samples as float64 tells apart.
RANGES = {
    "Duration": (0, 10**9),
    "SampleRate": (1, 10**8),
    "AudioChannel": (1, 10**5),
    "AudioBitSample": (0, 10**3),
    "Start": (-(2**53), 2**53),
    "End": (-(2**53), 2**53),
}
# The index of a table that was read from a file: the row of each line as an editor shows it.
LINE = "line"


def validate_protocol(frame: pd.DataFrame, where: object) -> None:
    """Check that a table is a protocol that experiments can use.

    Parameters
    ----------
    frame
        Row numbers in messages are those of its file (`read_table`); where it has none, they
        count its header as row 1.
    where
        The file or corpus it comes from, for messages.

    Raises
    ------
    InputError
        If a column is missing, a label is not real or fake, a partition is unknown, an ID is empty
        or stands twice, a whole file has two labels, or a window is empty.
    """
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise InputError(
            f"{where} has no column {', '.join(missing)}; it has {', '.join(frame.columns)}."
        )
    check_values(frame, "Label", LABELS, where)
    check_values(frame, "Proportion", PROPORTIONS, where)
    check_windows(frame, where)
    _check_one_label_a_file(frame, where)
    _check_names(frame, where)


def check_values(frame: pd.DataFrame, column: str, allowed: tuple[str, ...], where: object) -> None:
    """Refuse a table where a column holds anything but the allowed values.

    Raises
    ------
    InputError
        Naming the first row with another value, that value and the allowed ones.
    """
    wrong = (~frame[column].isin(allowed)).to_numpy().nonzero()[0]
    if wrong.size:
        row, value = row_number(frame, wrong[0]), frame[column].iloc[wrong[0]]
        raise InputError(
            f"{where}, row {row}: {column} is {value!r}; "
            f"write one of {', '.join(allowed)} ({wrong.size} rows are affected)."
        )


def row_number(frame: pd.DataFrame, position: int) -> int:
    """Return the number of a row, by its position, as an editor shows the table's file."""
    return int(frame.index[position]) if frame.index.name == LINE else int(position) + 2


def _check_names(frame: pd.DataFrame, where: object) -> None:
    empty = frame["ID"].isin(["", UNKNOWN]).to_numpy().nonzero()[0]
    if empty.size:
        raise InputError(
            f"{where}, row {row_number(frame, empty[0])}: the ID is empty; give every row its own."
        )
    repeated = frame["ID"].duplicated().to_numpy().nonzero()[0]
    if repeated.size:
        second = repeated[0]
        first = (frame["ID"] == frame["ID"].iloc[second]).to_numpy().argmax()
        raise InputError(
            f"{where}: ID {frame['ID'].iloc[second]!r} stands in row {row_number(frame, first)} "
            f"(Path {frame['Path'].iloc[first]!r}) and again in row {row_number(frame, second)} "
            f"(Path {frame['Path'].iloc[second]!r}); IDs must differ, so rename or remove one."
        )


def check_windows(frame: pd.DataFrame, where: object) -> None:
    """Refuse a table where a window has only a beginning, only an end, or no length.

    Raises
    ------
    InputError
        If only one of the columns Start and End is there, or a window is empty.
    """
    if not any(column in frame.columns for column in WINDOW_COLUMNS):
        return
    absent = [column for column in WINDOW_COLUMNS if column not in frame.columns]
    if absent:
        raise InputError(f"{where} has no column {absent[0]}; Start and End go together.")
    whole = frame["Start"].isna() & frame["End"].isna()
    good = (frame["Start"] >= 0) & (frame["End"] > frame["Start"])
    bad = (~whole & ~good.fillna(False).astype(bool)).to_numpy().nonzero()[0]
    if bad.size:
        row = frame.iloc[bad[0]]
        raise InputError(
            f"{where}, row {row_number(frame, bad[0])}: the window from {row['Start']} to "
            f"{row['End']} is not one; Start must be at least 0 and End beyond it, in samples of "
            "the source."
        )


def _check_one_label_a_file(frame: pd.DataFrame, where: object) -> None:
    whole = frame["Start"].isna() if "Start" in frame.columns else slice(None)
    labels = frame.loc[whole, ["Path", "Label"]].drop_duplicates()
    twice = labels["Path"][labels["Path"].duplicated()]
    if len(twice):
        positions = (frame["Path"] == twice.iloc[0]).to_numpy().nonzero()[0]
        rows = ", ".join(str(row_number(frame, position)) for position in positions)
        raise InputError(
            f"{where}: {twice.iloc[0]!r} is real in one row and fake in another "
            f"(rows {rows}); keep the right label only."
        )


def check_one_label_a_recording(frame: pd.DataFrame, files: Sequence[Path], where: object) -> None:
    """Refuse a recording that is real under one name and fake under another, a link to it.

    Windows of one recording may have different labels.

    Parameters
    ----------
    files
        Of each row.

    Raises
    ------
    InputError
        Naming both rows.
    """
    whole = frame["Start"].isna() if "Start" in frame.columns else [True] * len(frame)
    identities = {path: file_identity(path) for path in dict.fromkeys(files)}
    seen: dict[object, int] = {}
    for position, (path, label, is_whole) in enumerate(
        zip(files, frame["Label"], whole, strict=True)
    ):
        first = seen.setdefault(identities[path], position) if is_whole else position
        if label != frame["Label"].iloc[first]:
            names = [
                f"{files[place]} (row {row_number(frame, place)}, ID {frame['ID'].iloc[place]!r})"
                for place in (first, position)
            ]
            raise InputError(
                f"{where}: {names[0]} is {frame['Label'].iloc[first]}, and {names[1]}, which is "
                f"the same file by a link, is {label}; keep the right label only."
            )


def write_protocol(frame: pd.DataFrame, path: Path) -> None:
    """Write a protocol as AntiDeepfake's CSV, all at once or not at all.

    Start, End and Source are written where the table has them.

    Raises
    ------
    InputError
        If the table is not a valid protocol.
    """
    validate_protocol(frame, f"The protocol for {path}")
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(format_protocol(frame))


def format_protocol(frame: pd.DataFrame) -> str:
    """Format a valid protocol as the text of AntiDeepfake's CSV, lines ended by a line feed.

    Start, End and Source are written where the table has them.
    """
    columns = known_columns(frame)
    cells = {column: frame[column].astype(str) for column in columns}
    cells["Duration"] = frame["Duration"].map("{:.2f}".format)
    for column in WINDOW_COLUMNS:
        if column in cells:
            cells[column] = cells[column].where(frame[column].notna(), UNKNOWN)
    lines = [",".join(columns)]
    lines += [",".join(map(_quoted, row)) for row in zip(*cells.values(), strict=True)]
    return "".join(f"{line}\n" for line in lines)


def known_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a protocol that a table has, in their order."""
    return [column for column in (*COLUMNS, *OPTIONAL_COLUMNS) if column in frame.columns]


def _quoted(text: str) -> str:
    # csv.writer and pandas leave a lone carriage return unquoted, and readers then split the row.
    if any(letter in text for letter in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def read_protocol(path: Path) -> pd.DataFrame:
    """Read a protocol that `write_protocol` or AntiDeepfake's scripts wrote.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`, and Start and End (nullable integers) and Source where the file
        has them; numbers that are not known are -1.

    Raises
    ------
    InputError
        If the file is missing or is not a valid protocol.
    """
    frame = typed(read_table(path, COLUMNS), path)
    validate_protocol(frame, path)
    return frame[known_columns(frame)].reset_index(drop=True)


def read_table(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a CSV or TSV file as text, cell by cell as it stands there.

    Parameters
    ----------
    required
        Columns by which the separator is recognised.

    Returns
    -------
    DataFrame
        Text columns, named by the header; the index is the row in the file.

    Raises
    ------
    InputError
        As `sdd.runtime.text_tables.read_text_table`.
    """
    table = text_tables.read_text_table(path, required)
    index = pd.Index(table.lines, name=LINE, dtype="int64")
    return pd.DataFrame(table.rows, columns=table.columns, index=index, dtype="str")


def typed(frame: pd.DataFrame, where: object) -> pd.DataFrame:
    """Turn the number columns of a text table into numbers and empty cells into `-`.

    Returns
    -------
    DataFrame
        A new table; unknown numbers are -1, unknown Start and End missing.

    Raises
    ------
    InputError
        If a cell of a number column is not a number, or outside of `RANGES`.
    """
    frame = frame.copy()
    for column in frame.columns:
        if column == "Duration":
            numbers = _numbers(frame, column, where, parse_number)
            frame[column] = np.array(_or_unknown(numbers), dtype=np.float64)
        elif column in INTEGER_COLUMNS:
            numbers = _numbers(frame, column, where, parse_whole)
            frame[column] = np.array(_or_unknown(numbers), dtype=np.int64)
        elif column in WINDOW_COLUMNS:
            numbers = _numbers(frame, column, where, parse_whole)
            frame[column] = pd.array(numbers, dtype="Int64")
        elif column in TEXT_COLUMNS:
            frame[column] = frame[column].mask(frame[column] == "", UNKNOWN)
    return frame


def _or_unknown(numbers: Sequence[float | None]) -> list[float]:
    return [UNKNOWN_NUMBER if number is None else number for number in numbers]


def _numbers(
    frame: pd.DataFrame, column: str, where: object, parse: Callable[[str], float | None]
) -> list[float | None]:
    """Parse a column of text; None where the cell says unknown."""
    texts = frame[column].tolist()
    least, most = RANGES[column]
    # Each text once: a protocol of a million rows has few rates and channels.
    numbers = {text: parse(text) for text in set(texts)} | {"": None, UNKNOWN: None}
    unknown = {"", UNKNOWN}
    wrong = {
        text
        for text, number in numbers.items()
        if text not in unknown
        and (number is None or not least <= number <= most)
        and (number != UNKNOWN_NUMBER or column in WINDOW_COLUMNS)
    }
    if wrong:
        position = next(index for index, text in enumerate(texts) if text in wrong)
        text = texts[position]
        kind = "a number" if column == "Duration" else "a whole number"
        bounds = "" if numbers[text] is None else f" from {max(0, least)} to {most}"
        raise InputError(
            f"{where}, row {row_number(frame, position)}: {column} is {text!r}; write {kind}"
            f"{bounds}{decimal_comma_hint(text)}, or {UNKNOWN} where it is not known."
        )
    return [numbers[text] for text in texts]

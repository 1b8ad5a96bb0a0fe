"""The protocol of a corpus: its list of utterances, in the columns of AntiDeepfake's CSV files."""

import csv
from pathlib import Path

import pandas as pd

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path

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
INTEGER_COLUMNS = ("SampleRate", "AudioChannel", "AudioBitSample")
TEXT_COLUMNS = tuple(column for column in COLUMNS if column not in (*INTEGER_COLUMNS, "Duration"))

UNKNOWN = "-"
UNKNOWN_NUMBER = -1


def validate_protocol(frame: pd.DataFrame, where: object) -> None:
    """Check that a table is a protocol that experiments can use.

    Parameters
    ----------
    frame
        Row numbers in messages count its header as row 1.
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
        raise InputError(
            f"{where}, row {wrong[0] + 2}: {column} is {frame[column].iloc[wrong[0]]!r}; "
            f"write one of {', '.join(allowed)} ({wrong.size} rows are affected)."
        )


def _check_names(frame: pd.DataFrame, where: object) -> None:
    empty = frame["ID"].isin(["", UNKNOWN]).to_numpy().nonzero()[0]
    if empty.size:
        raise InputError(f"{where}, row {empty[0] + 2}: the ID is empty; give every row its own.")
    repeated = frame["ID"].duplicated().to_numpy().nonzero()[0]
    if repeated.size:
        second = repeated[0]
        first = (frame["ID"] == frame["ID"].iloc[second]).to_numpy().argmax()
        raise InputError(
            f"{where}: ID {frame['ID'].iloc[second]!r} stands in row {first + 2} "
            f"(Path {frame['Path'].iloc[first]!r}) and again in row {second + 2} "
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
            f"{where}, row {bad[0] + 2}: the window from {row['Start']} to {row['End']} is "
            "not one; Start must be at least 0 and End beyond it, in samples of the source."
        )


def _check_one_label_a_file(frame: pd.DataFrame, where: object) -> None:
    whole = frame["Start"].isna() if "Start" in frame.columns else slice(None)
    labels = frame.loc[whole, ["Path", "Label"]].drop_duplicates()
    twice = labels["Path"][labels["Path"].duplicated()]
    if len(twice):
        rows = (frame["Path"] == twice.iloc[0]).to_numpy().nonzero()[0]
        raise InputError(
            f"{where}: {twice.iloc[0]!r} is real in one row and fake in another "
            f"(rows {', '.join(str(row + 2) for row in rows)}); keep the right label only."
        )


def write_protocol(frame: pd.DataFrame, path: Path) -> None:
    """Write a protocol as AntiDeepfake's CSV, all at once or not at all.

    Start and End are written where the table has them.

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

    Start and End are written where the table has them.
    """
    columns = [column for column in (*COLUMNS, *WINDOW_COLUMNS) if column in frame.columns]
    cells = {column: frame[column].astype(str) for column in columns}
    cells["Duration"] = frame["Duration"].map("{:.2f}".format)
    for column in WINDOW_COLUMNS:
        if column in cells:
            cells[column] = cells[column].where(frame[column].notna(), UNKNOWN)
    lines = [",".join(columns)]
    lines += [",".join(map(_quoted, row)) for row in zip(*cells.values(), strict=True)]
    return "".join(f"{line}\n" for line in lines)


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
        The columns of `COLUMNS`, and Start and End (nullable integers) where the file has them;
        numbers that are not known are -1.

    Raises
    ------
    InputError
        If the file is missing or is not a valid protocol.
    """
    frame = typed(read_text_table(path), path)
    validate_protocol(frame, path)
    return frame[[column for column in (*COLUMNS, *WINDOW_COLUMNS) if column in frame.columns]]


def read_text_table(path: Path) -> pd.DataFrame:
    """Read a CSV file in UTF-8 as text, cell by cell as it stands there.

    Returns
    -------
    DataFrame
        Text columns, named by the header; blank lines are left out.

    Raises
    ------
    InputError
        If the file is missing or not UTF-8, or a row has more or fewer cells than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8: {error}.") from error
    if not rows:
        raise InputError(f"{path} is empty: it needs a header and a row for each utterance.")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise InputError(f"{path}: two columns have the same name among {', '.join(header)}.")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise InputError(
                f"{path}, row {number}: {len(row)} cells where the header has {len(header)}; "
                "put names that hold a comma in double quotes."
            )
    return pd.DataFrame(rows[1:], columns=header, dtype="str")


def typed(frame: pd.DataFrame, where: object) -> pd.DataFrame:
    """Turn the number columns of a text table into numbers and empty cells into `-`.

    Returns
    -------
    DataFrame
        A new table; unknown numbers are -1, unknown Start and End missing.

    Raises
    ------
    InputError
        If a cell of a number column is not a number.
    """
    frame = frame.copy()
    for column in frame.columns:
        if column == "Duration" or column in INTEGER_COLUMNS:
            numbers = _numbers(frame[column], column, where).fillna(UNKNOWN_NUMBER)
            frame[column] = numbers if column == "Duration" else numbers.astype("int64")
        elif column in WINDOW_COLUMNS:
            frame[column] = _numbers(frame[column], column, where).astype("Int64")
        elif column in TEXT_COLUMNS:
            frame[column] = frame[column].mask(frame[column] == "", UNKNOWN)
    return frame


def _numbers(cells: "pd.Series[str]", column: str, where: object) -> "pd.Series[float]":
    known = ~cells.isin(["", UNKNOWN])
    numbers = pd.to_numeric(cells.where(known), errors="coerce").astype("float64")
    whole = (numbers % 1 == 0) | (column == "Duration")
    wrong = (known & ~(numbers.notna() & whole)).to_numpy().nonzero()[0]
    if wrong.size:
        kind = "a number" if column == "Duration" else "a whole number"
        raise InputError(
            f"{where}, row {wrong[0] + 2}: {column} is {cells.iloc[wrong[0]]!r}; "
            f"write {kind}, or {UNKNOWN} where it is not known."
        )
    return numbers

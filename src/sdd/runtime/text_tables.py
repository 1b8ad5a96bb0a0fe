"""The one strict reader of tables that users hand in: CSV with commas, semicolons or tabs.

Nothing is guessed: a quote that is not closed, a row with more or fewer cells, two columns of one
name or another encoding is an error that names the row, as an editor counts rows.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from sdd.errors import InputError
from sdd.runtime.text_files import read_text, split_lines

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
# Seen in the wild, and not read: too many names hold them.
_OTHER_SEPARATORS = {"|": "'|'", ":": "colons", " ": "spaces"}
_STATED = re.compile(r'"?sep=(.)"?\s*')  # the first line of Excel's own files
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')


@dataclass(frozen=True)
class TextTable:
    """A table of text of N rows.

    Attributes
    ----------
    lines
        Row number of each row as an editor shows it: the line that it begins in, from 1.
    """

    path: Path
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column, which must be there."""
        index = self.columns.index(name)
        return [row[index] for row in self.rows]

    def records(self) -> list[dict[str, str]]:
        """Return the rows by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class _Record(NamedTuple):
    """A row, and the lines of the file that it is made of: indices, the last one excluded."""

    begin: int
    end: int
    cells: list[str]


def read_text_table(path: Path, required: Sequence[str] = ()) -> TextTable:
    """Read a table that a user wrote, cell by cell as it stands there.

    Parameters
    ----------
    required
        Columns by which the separator is recognised; a table that lacks some of them is returned
        all the same, so that its reader can say what it needs.

    Returns
    -------
    TextTable
        Blank lines are left out, and columns without a name if all their cells are empty.

    Raises
    ------
    InputError
        If the file cannot be read as `sdd.runtime.text_files.read_text` reads, is empty, is
        separated by something else, has a quote that is not closed or within a cell without quotes,
        two columns of one name, or a row with more or fewer cells than the header.
    """
    lines = split_lines(read_text(path))
    first = _first_line(path, lines)
    stated = _STATED.fullmatch(lines[first])
    if stated:
        first = _first_line(path, lines, first + 1)
    separator = stated[1] if stated else _separator(path, lines[first], required)
    records = _parse(path, lines, first, separator)
    _refuse_swallowed_rows(path, records, lines, separator)
    return _checked(path, records, separator)


def read_own_table(path: Path) -> TextTable:
    """Read a table that this software wrote: commas, as strictly as a user's.

    Raises
    ------
    InputError
        As `read_text_table`.
    """
    lines = split_lines(read_text(path))
    return _checked(path, _parse(path, lines, _first_line(path, lines), ","), ",")


def _first_line(path: Path, lines: Sequence[str], start: int = 0) -> int:
    """Find the index of the first line that is not blank."""
    for index in range(start, len(lines)):
        if lines[index].strip():
            return index
    raise InputError(f"{path} is empty: it needs a header and a row for each entry.")


def _separator(path: Path, header: str, required: Sequence[str]) -> str:
    """Recognise what separates the cells of a header: by the names wanted, then by their number."""
    preferred = ["\t", ",", ";"] if path.suffix.lower() in (".tsv", ".tab") else list(SEPARATORS)

    def fit(separator: str) -> tuple[int, int]:
        names = _names(header, separator)
        return sum(name in names for name in required), len(names)

    best = max(preferred, key=fit)  # of equals the first
    if required and fit(best)[0] < len(required):
        for other, words in _OTHER_SEPARATORS.items():
            if fit(other)[0] == len(required) > 1:
                raise InputError(
                    f"{path}: its cells are separated by {words}; separate them by commas, "
                    "semicolons or tabs."
                )
    return best


def _names(header: str, separator: str) -> list[str]:
    hidden = _QUOTED.sub(lambda match: match[0].replace(separator, "\0"), header)
    cells = (cell.replace("\0", separator).strip() for cell in hidden.split(separator))
    return [_name(cell.strip('"')) for cell in cells]


def _name(cell: str) -> str:
    return normalize("NFC", cell.strip())


def _parse(path: Path, lines: Sequence[str], first: int, separator: str) -> list[_Record]:
    """Split lines into rows, from the header at index `first` on; blank ones are left out."""
    reader = csv.reader(lines[first:], delimiter=separator, strict=True)
    strict_row = _strict_row(separator)
    records: list[_Record] = []
    while True:
        begin = first + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return records
        except csv.Error as error:
            end = first + reader.line_num
            raise InputError(_broken_quote(path, lines, begin, end, error)) from error
        end = first + reader.line_num
        # The csv module lets a quote pass within a cell that does not begin with one.
        if '"' in lines[begin] and strict_row.fullmatch("".join(lines[begin:end])) is None:
            raise InputError(
                f"{path}, row {begin + 1}: a cell without quotes around it holds a quote; put it "
                'in double quotes and double those within, as "5"" reel.wav", without spaces '
                "before or after."
            )
        if len(cells) > 1 or any(cell.strip() for cell in cells):
            records.append(_Record(begin, end, cells))


def _strict_row(separator: str) -> re.Pattern[str]:
    cell = rf'(?:"(?:[^"]|"")*+"|[^"{re.escape(separator)}\r\n]*+)'
    return re.compile(rf"{cell}(?:{re.escape(separator)}{cell})*+[\r\n]*")


def _broken_quote(path: Path, lines: Sequence[str], begin: int, end: int, error: csv.Error) -> str:
    """Say which quote of a record, lines `begin` to `end`, is not closed as it should be."""
    text = lines[begin].rstrip("\r\n")
    opened = text.rfind('"')
    shown = text[max(0, opened) :][:40]
    where = f"{path}, row {begin + 1}"
    if "field larger" in str(error) or end > begin + 1 or "end of data" in str(error):
        return (
            f"{where}: a double quote is opened and not closed in its row (near {shown!r}); rows "
            f"up to {end} would be swallowed. Close it, or double it where it belongs to a name."
        )
    return (
        f"{where}: a cell goes on after its closing quote (near {shown!r}); double the quotes "
        'that belong to a name, as "5"" reel.wav".'
    )


def _refuse_swallowed_rows(
    path: Path, records: Sequence[_Record], lines: Sequence[str], separator: str
) -> None:
    """Refuse a quoted cell over several lines each of which would be a row of its own.

    Two quotes that are each left open or closed by mistake pair up, and all between them is one
    cell. A line break that belongs to a cell leaves its lines with fewer separators.
    """
    width = len(records[0].cells)
    for record in records[1:]:
        if record.end == record.begin + 1 or width < 2:
            continue
        within = [line for line in lines[record.begin : record.end] if line.strip()]
        if all(line.count(separator) == width - 1 for line in within):
            raise InputError(
                f"{path}, row {record.begin + 1}: its quoted cell runs over {len(within)} lines, "
                "each of which looks like a row of its own; close the quote in its row, or write "
                "the name without a line break."
            )


def _checked(path: Path, records: Sequence[_Record], separator: str) -> TextTable:
    """Make the table: no ragged rows, no column twice, and no columns of nothing."""
    header, *body = records
    if header.end > header.begin + 1:
        raise InputError(
            f"{path}, row {header.begin + 1}: the name of a column has a line break; close the "
            "quotes of the header, or write its names in one line."
        )
    for record in body:
        if len(record.cells) != len(header.cells):
            raise InputError(_ragged(path, record, len(header.cells), separator))
    names = [_name(cell) for cell in header.cells]
    kept = [index for index, name in enumerate(names) if name or not _is_empty(path, body, index)]
    names = [names[index] for index in kept]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InputError(
            f"{path}: two columns have the same name, {repeated[0]!r}, among {', '.join(names)}; "
            "rename or leave out one."
        )
    rows = [record.cells for record in body]
    if len(kept) < len(header.cells):
        rows = [[cells[index] for index in kept] for cells in rows]
    return TextTable(path, names, rows, [record.begin + 1 for record in body])


def _is_empty(path: Path, body: Sequence[_Record], index: int) -> bool:
    """Tell whether a column without a name has no cells either; only the first one may have some.

    That one is the index of pandas. Any other with content would be a header that is cut short.
    """
    filled = next((record for record in body if record.cells[index].strip()), None)
    if filled is not None and index > 0:
        raise InputError(
            f"{path}, row {filled.begin + 1}: {filled.cells[index]!r} stands in column "
            f"{index + 1}, which has no name in the header; name it or leave it out."
        )
    return filled is None


def _ragged(path: Path, record: _Record, width: int, separator: str) -> str:
    cells, named = len(record.cells), SEPARATORS.get(separator, repr(separator))
    found = f"{path}, row {record.begin + 1}: {cells} cells where the header has {width}"
    if cells > width:
        return f"{found}; put names that hold a {named} in double quotes."
    return f"{found}; the row is cut short, or not separated by a {named}."

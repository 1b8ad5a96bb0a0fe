"""What score files say, line by line, as it stands there; their form is told by their content.

| form | |
|---|---|
| Parquet | the workflow's: segment_id, label, logit_fake, logit_real; or `score` for both logits |
| table | AntiDeepfake's `ID,Score,Label`: Score is the two logits "[fake, real]", or one number |
| table | `filename,cm-score`, tabs: what the evaluation package of ASVspoof 5 reads |
| text | `<speaker> <utterance> <score> <bonafide or spoof>`: ASVspoof 5 |
| text | `<utterance> <attack> <bonafide or spoof> <score>`: ASVspoof 2019 |
| text | `<name> <score>`: ASVspoof 2021 and both leaderboards |

A single score is higher where the detector takes a trial for real.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.runtime.foreign_files import read_head
from sdd.runtime.number_text import decimal_comma_hint, parse_number
from sdd.runtime.parquet import open_parquet, read_parquet
from sdd.runtime.text_files import read_text, split_lines
from sdd.runtime.text_tables import SEPARATORS, TextTable, read_text_table
from sdd.scoring.score_tables import check_scores, read_scores

PARQUET = ".parquet"
ANTIDEEPFAKE = ("ID", "Score", "Label")
PACKAGE = ("filename", "cm-score")
PROTOCOL = ("file_name", "label")
CLASSES = {"0": "fake", "1": "real"}
WORDS = {"bonafide": "real", "spoof": "fake"}
CORRECT = "correct the file"
FORMS = (
    "AntiDeepfake's table (ID, Score, Label), the table of ASVspoof 5's evaluation package "
    "(filename, cm-score), or lines `<name> <score>`, `<speaker> <utterance> <score> <bonafide or "
    "spoof>` (ASVspoof 5) or `<utterance> <attack> <bonafide or spoof> <score>` (ASVspoof 2019)"
)
_KNOWN = {*ANTIDEEPFAKE, *PACKAGE, *PROTOCOL, "cm-label"}
# With its brackets: "0,94" is a number with a decimal comma, not two logits.
_TWO = re.compile(r"\s*\[([^,\[\]]+),([^,\[\]]+)\]\s*")
_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class ScoreLines:
    """The N lines of a score file, repeated ones too; either logits or values are there.

    Attributes
    ----------
    rows
        Number of each line as an editor shows it.
    logits
        ``float32 [N, 2]``: index 0 FAKE, 1 REAL.
    values
        ``float64 [N]``: single scores.
    labels
        `real` or `fake`; None where the form has none.
    speakers
        None where the form has none.
    """

    path: Path
    names: list[str]
    rows: list[int]
    logits: NDArray[np.float32] | None = None
    values: NDArray[np.float64] | None = None
    labels: list[str] | None = None
    speakers: list[str] | None = None

    def select(self, positions: Sequence[int]) -> "ScoreLines":
        """Return some of the lines, in the order asked for."""

        def of(column: list[str] | None) -> list[str] | None:
            return None if column is None else [column[place] for place in positions]

        places = list(positions)
        return replace(
            self,
            names=[self.names[place] for place in places],
            rows=[self.rows[place] for place in places],
            logits=None if self.logits is None else self.logits[places],
            values=None if self.values is None else self.values[places],
            labels=of(self.labels),
            speakers=of(self.speakers),
        )


def read_score_lines(path: Path) -> ScoreLines:
    """Read a score file of any form.

    Raises
    ------
    InputError
        If the file cannot be read, is of no known form, or a line has no name, no finite score or
        no known label: the file, the line and what it must be.
    """
    if is_parquet(path):
        return _parquet_lines(path)
    lines = split_lines(read_text(path))
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise InputError(f"{path} is empty: it needs a line for each trial.")
    if is_table(first) or (path.suffix.lower() in (".csv", ".tsv") and not _is_plain(first)):
        return _table_lines(read_text_table(path, _wanted(first)))
    return _plain_lines(path, lines)


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet by its content, or should be by its name."""
    try:
        head = read_head(path)
    except OSError:  # what is wrong is told by who reads it
        head = b""
    return head.startswith(b"PAR1") or path.suffix.lower() == PARQUET


def is_table(header: str) -> bool:
    """Tell whether a first line is the header of a table that is known here."""
    return header.lstrip('"').startswith("sep=") or any(
        len(cells := _cells(header, separator)) > 1 and not _KNOWN.isdisjoint(cells)
        for separator in SEPARATORS
    )


def _cells(header: str, separator: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in header.split(separator)]


def _wanted(header: str) -> tuple[str, ...]:
    """Return the columns by which the separator is recognised."""
    return next((form for form in (PACKAGE, PROTOCOL) if form[0] in header), ANTIDEEPFAKE)


# ------------------------------------------------------------------------------------- Parquet
def _parquet_lines(path: Path) -> ScoreLines:
    if _has_single_scores(path):
        columns = read_parquet(path, ["segment_id", "label", "score"], CORRECT).to_pydict()
        values = _numbers(path, columns["score"])
        # Held as float64 above; two logits here make the checks of names and labels one.
        pair = np.zeros((len(values), 2), dtype=np.float32)
        scores = check_scores(path, columns["segment_id"], columns["label"], pair, CORRECT)
        return _of_parquet(path, scores.segment_id, scores.real, values=values)
    found = read_scores(path, CORRECT)
    return _of_parquet(path, found.segment_id, found.real, logits=found.logits)


def _of_parquet(
    path: Path,
    names: list[str],
    real: NDArray[np.bool_],
    *,
    logits: NDArray[np.float32] | None = None,
    values: NDArray[np.float64] | None = None,
) -> ScoreLines:
    labels = ["real" if one else "fake" for one in real.tolist()]
    return ScoreLines(path, names, list(range(1, len(names) + 1)), logits, values, labels)


def _has_single_scores(path: Path) -> bool:
    with open_parquet(path, CORRECT) as file:
        names = file.schema_arrow.names
    return "score" in names and "logit_real" not in names


def _numbers(path: Path, cells: Sequence[object]) -> NDArray[np.float64]:
    """Return a column of numbers, all of them finite."""
    for row, cell in enumerate(cells, start=1):
        if not isinstance(cell, float) or not np.isfinite(cell):
            raise InputError(
                f"{path}: row {row} has the score {cell!r}, no finite number; {CORRECT}"
            )
    return np.array(cells, dtype=np.float64)


# -------------------------------------------------------------------------------------- tables
def _table_lines(table: TextTable) -> ScoreLines:
    there = set(table.columns)
    if set(PACKAGE) <= there:
        name, score = PACKAGE
    elif {"ID", "Score"} <= there:
        name, score = "ID", "Score"
    elif set(PROTOCOL) <= there:
        raise InputError(f"{table.path} is a protocol, without scores: name it by --key.")
    else:
        raise InputError(
            f"{table.path} is no score file: it has the columns {', '.join(table.columns)}. Score "
            f"files are Parquet of the workflow, {FORMS}."
        )
    if not table.rows:
        raise InputError(f"{table.path} has no row: it needs one for each trial.")
    labels = classes_of(table) if {"Label", "Score"} <= there else None
    # As the first row is, so are all: a number, or a list of two.
    if score == "Score" and parse_number(table.column(score)[0]) is None:
        return _named(table, name, labels, logits=logits_of(table))
    cells = zip(table.lines, table.column(score), strict=True)
    values = [one_score(table.path, *cell) for cell in cells]
    return _named(table, name, labels, values=np.array(values, dtype=np.float64))


def _named(
    table: TextTable,
    column: str,
    labels: list[str] | None,
    *,
    logits: NDArray[np.float32] | None = None,
    values: NDArray[np.float64] | None = None,
) -> ScoreLines:
    names = [name.strip() for name in table.column(column)]
    if "" in names:
        raise InputError(f"{table.path}: row {table.lines[names.index('')]} has no ID; {CORRECT}")
    return ScoreLines(table.path, names, table.lines, logits, values, labels)


def classes_of(table: TextTable) -> list[str]:
    """Return the labels of AntiDeepfake's score CSV: 0 is fake, 1 real.

    Raises
    ------
    InputError
        If there is another: the file and the line.
    """
    labels = []
    for line, text in zip(table.lines, table.column("Label"), strict=True):
        label = CLASSES.get(text.strip())
        if label is None:
            raise InputError(
                f"{table.path}, line {line}: Label is {text!r}; it must be 0 (fake) or 1 (real)."
            )
        labels.append(label)
    return labels


def logits_of(table: TextTable) -> NDArray[np.float32]:
    """Return the column Score of two logits, ``float32 [N, 2]``.

    Raises
    ------
    InputError
        If a cell is no list of two finite numbers: the file and the line.
    """
    logits = np.empty((len(table.rows), 2), dtype=np.float32)
    for index, text in enumerate(table.column("Score")):
        logits[index] = _two_logits(table.path, table.lines[index], text)
    return logits


def _two_logits(path: Path, line: int, text: str) -> tuple[float, float]:
    found = _TWO.fullmatch(text)
    fake, real = map(parse_number, found.groups()) if found else (None, None)
    if fake is None or real is None or max(abs(fake), abs(real)) > _FLOAT32:
        raise InputError(
            f"{path}, line {line}: Score is {text!r}; it must be two finite logits, as "
            f"'[-3.75, 3.77]' (fake, real){decimal_comma_hint(text)}."
        )
    return fake, real


def one_score(path: Path, line: int, text: str) -> float:
    """Parse a single score.

    Raises
    ------
    InputError
        If it is no finite number: the file and the line.
    """
    value = parse_number(text)
    if value is None:
        raise InputError(
            f"{path}, line {line}: the score {text!r} is no finite number"
            f"{decimal_comma_hint(text)}; {CORRECT}"
        )
    return value


# ----------------------------------------------------------------------------------- plain text
@dataclass(frozen=True)
class _Plain:
    """Where a line has what; None where it has none."""

    words: str
    width: int
    name: int
    score: int
    label: int | None = None
    speaker: int | None = None


_ASVSPOOF5 = _Plain(
    "'<speaker> <utterance> <score> <bonafide or spoof>', as ASVspoof 5 has it", 4, 1, 2, 3, 0
)
_ASVSPOOF2019 = _Plain(
    "'<utterance> <attack> <bonafide or spoof> <score>', as ASVspoof 2019 has it", 4, 0, 3, 2
)
_PAIR = _Plain("'<name> <score>'", 2, 0, 1)


def _is_plain(line: str) -> bool:
    fields = line.split()
    if len(fields) == 2:
        return parse_number(fields[1]) is not None
    return len(fields) == 4 and not WORDS.keys().isdisjoint(fields[2:])


def _form_of(fields: Sequence[str]) -> _Plain | None:
    if len(fields) == 2:
        return _PAIR
    if len(fields) != 4:
        return None
    return _ASVSPOOF2019 if fields[2] in WORDS and fields[3] not in WORDS else _ASVSPOOF5


def _plain_lines(path: Path, lines: Sequence[str]) -> ScoreLines:
    rows = [(row, line.split()) for row, line in enumerate(lines, start=1) if line.strip()]
    form = _form_of(rows[0][1])
    if form is None:
        shown = " ".join(rows[0][1])[:80]
        raise InputError(f"{path}, line {rows[0][0]}: {shown!r} is of no score file: {FORMS}.")
    for row, fields in rows:
        if len(fields) != form.width or (
            form.label is not None and fields[form.label] not in WORDS
        ):
            raise InputError(
                f"{path}, line {row}: {' '.join(fields)[:80]!r} is not {form.words}; {CORRECT}"
            )
    values = [one_score(path, row, fields[form.score]) for row, fields in rows]
    return ScoreLines(
        path,
        [fields[form.name] for _, fields in rows],
        [row for row, _ in rows],
        values=np.array(values, dtype=np.float64),
        labels=None if form.label is None else [WORDS[fields[form.label]] for _, fields in rows],
        speakers=None if form.speaker is None else [fields[form.speaker] for _, fields in rows],
    )

"""Keys: which trials there are, and whether each is real or fake.

| form | |
|---|---|
| table | AntiDeepfake's protocol: ID, Label (real, fake), Speaker, ... |
| table | `file_name,label` (Speech DF Arena), `filename,cm-label` (ASVspoof 5's package) |
| text | ASVspoof 2019: `<speaker> <utterance> - <attack> <bonafide or spoof>` |
| text | ASVspoof 2021: 8 (LA) or 13 fields (DF), label in the sixth, subset in the eighth |
| text | ASVspoof 5: 10 fields, label in the ninth; 6, label in the sixth |
| text | `<name> <bonafide or spoof>` |
| Parquet | segments of the workflow: segment_id, label, speaker |

Labels are bonafide and spoof, or real and fake.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sdd.errors import InputError
from sdd.runtime.parquet import read_parquet
from sdd.runtime.text_files import read_text, split_lines
from sdd.runtime.text_tables import TextTable, read_text_table
from sdd.scoring.score_lines import CORRECT, PROTOCOL, WORDS, is_parquet, is_table

LABELS = WORDS | {"real": "real", "fake": "fake"}
UNKNOWN = "-"
KEYS = (
    "AntiDeepfake's protocol (ID, Label), `file_name,label`, `filename,cm-label`, a key of "
    "ASVspoof 2019, 2021 or 5, lines `<name> <bonafide or spoof>`, or segments of the workflow "
    "(Parquet)"
)
_TABLES = (("ID", "Label"), PROTOCOL, ("filename", "cm-label"))


@dataclass(frozen=True)
class TrialKey:
    """The trials of a key.

    Attributes
    ----------
    labels
        `real` or `fake`, by name, in the order of the key.
    speakers
        By name, where the key says.
    left_out
        Names of trials of other subsets than the one asked for.
    """

    path: Path
    labels: dict[str, str]
    speakers: dict[str, str]
    left_out: frozenset[str] = frozenset()


class _Entry(NamedTuple):
    row: int
    name: str
    label: str
    speaker: str
    subset: str


class _Fields(NamedTuple):
    """Which field of a line has what; None where it has none."""

    name: int
    label: int
    subset: int | None = None
    speaker: int | None = 0


# By the number of fields of a line.
_LINES = {
    2: _Fields(0, 1, speaker=None),
    5: _Fields(1, 4),  # ASVspoof 2019
    6: _Fields(1, 5),  # ASVspoof 5, first phase
    8: _Fields(1, 5, 7),  # ASVspoof 2021 LA
    10: _Fields(1, 8),  # ASVspoof 5
    13: _Fields(1, 5, 7),  # ASVspoof 2021 DF
}


def read_trial_key(path: Path, subset: str | None = None) -> TrialKey:
    """Read a key of any form.

    Parameters
    ----------
    subset
        Of ASVspoof 2021's keys: `eval`, `progress` or `hidden`; None takes all trials.

    Raises
    ------
    InputError
        If the file cannot be read or is of no known form, a label is another word, a trial stands
        there twice, or there is no such subset: the file and the line.
    """
    entries = list(_entries(path))
    labels: dict[str, str] = {}
    rows: dict[str, int] = {}
    left_out = set()
    for entry in entries:
        where = f"{path}, row {entry.row}"
        if not entry.name or entry.label not in LABELS:
            raise InputError(
                f"{where}: trial {entry.name!r} has label {entry.label!r}, none of "
                f"{', '.join(LABELS)}; {CORRECT}"
            )
        if entry.name in rows:
            raise InputError(
                f"{where}: trial {entry.name!r} stands there already in row {rows[entry.name]}; "
                f"{CORRECT}"
            )
        rows[entry.name] = entry.row
        if subset is not None and entry.subset != subset:
            left_out.add(entry.name)
        else:
            labels[entry.name] = LABELS[entry.label]
    if not labels:
        there = sorted({entry.subset for entry in entries} - {UNKNOWN})
        raise InputError(
            f"{path} has no trial" + (f" of subset {subset!r}; it has " if subset else "; it has ")
            + (", ".join(there) or "no subsets") + "."
        )  # fmt: skip
    speakers = {entry.name: entry.speaker for entry in entries if entry.speaker != UNKNOWN}
    return TrialKey(path, labels, speakers, frozenset(left_out))


def _entries(path: Path) -> Iterable[_Entry]:
    if is_parquet(path):
        columns = read_parquet(path, ["segment_id", "label", "speaker"], CORRECT).to_pydict()
        rows = zip(columns["segment_id"], columns["label"], columns["speaker"], strict=True)
        return [
            _Entry(row, str(name), str(label), str(speaker), UNKNOWN)
            for row, (name, label, speaker) in enumerate(rows, start=1)
        ]
    lines = split_lines(read_text(path))
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise InputError(f"{path} is empty: it needs a line for each trial.")
    if is_table(first):
        required = next((form for form in _TABLES if form[0] in first), _TABLES[0])
        return _of_table(read_text_table(path, required))
    return _of_lines(path, lines)


def _of_table(table: TextTable) -> list[_Entry]:
    form = next((form for form in _TABLES if set(form) <= set(table.columns)), None)
    if form is None:
        raise InputError(
            f"{table.path} is no key: it has the columns {', '.join(table.columns)}. Keys are "
            f"{KEYS}."
        )
    speaker = next((name for name in ("Speaker", "speaker") if name in table.columns), None)
    speakers = table.column(speaker) if speaker else [UNKNOWN] * len(table.rows)
    cells = zip(table.lines, *map(table.column, form), speakers, strict=True)
    return [
        _Entry(row, name.strip(), label.strip(), said.strip() or UNKNOWN, UNKNOWN)
        for row, name, label, said in cells
    ]


def _of_lines(path: Path, lines: Sequence[str]) -> list[_Entry]:
    rows = [(row, line.split()) for row, line in enumerate(lines, start=1) if line.strip()]
    width = len(rows[0][1])
    if width not in _LINES:
        raise InputError(
            f"{path}, row {rows[0][0]}: {width} fields are of no key. Keys are {KEYS}."
        )
    form, entries = _LINES[width], []
    for row, fields in rows:
        if len(fields) != width:
            raise InputError(
                f"{path}, row {row}: {len(fields)} fields, where the first line has {width}; "
                f"{CORRECT}"
            )
        subset = UNKNOWN if form.subset is None else fields[form.subset]
        speaker = UNKNOWN if form.speaker is None else fields[form.speaker]
        entries.append(_Entry(row, fields[form.name], fields[form.label], speaker, subset))
    return entries

"""Score files in every form of the field, for other tools and leaderboards.

| form | a line | needs |
|---|---|---|
| `antideepfake` | table ID, Score, Label | labels |
| `asvspoof5` | `<speaker> <utterance> <score> <bonafide or spoof>`; unknown speakers `-` | labels |
| `asvspoof5-package` | table filename, cm-score, by tabs | |
| `df-arena` | `<file name> <score>`, absolute paths as in its protocol | |
| `antispoofing-arena` | `<utterance> <score>` | |
| `parquet` | of the workflow; of single scores a column `score` for both logits | labels |
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.parquet import write_parquet
from sdd.scoring.calibrations import log_likelihood_ratios
from sdd.scoring.score_files import TABLES, labelled_scores, write_score_csv
from sdd.scoring.score_lines import ANTIDEEPFAKE, CLASSES, PACKAGE, PARQUET, WORDS, ScoreLines
from sdd.scoring.score_tables import Scores, ranked_scores, write_score_columns
from sdd.scoring.trial_keys import UNKNOWN
from sdd.scoring.trial_matching import require_labels

Single = Literal["difference", "logit", "probability"]
"""What stands for two logits where a form has one score: REAL less FAKE, REAL, or its softmax."""

_CODES = {label: code for code, label in CLASSES.items()}
_WORDS = {label: word for word, label in WORDS.items()}


@dataclass(frozen=True)
class _Form:
    write: Callable[[Path, ScoreLines, Single], None]
    suffixes: tuple[str, ...]


def write_scores_as(form: str, path: Path, lines: ScoreLines, single: Single) -> None:
    """Write scores in a form of the field; atomically, numbers in full.

    Parameters
    ----------
    form
        A key of `FORMS`.
    lines
        One line a trial (`sdd.scoring.trial_matching.match_trials`).
    single
        Of two logits, for forms with one score; single scores stay as they are.

    Raises
    ------
    InputError
        If the form needs labels and there are none, or names are none of the form: the first.
    """
    FORMS[form].write(path, lines, single)


def single_scores(lines: ScoreLines, single: Single) -> NDArray[np.float64]:
    """Return one score of each trial, ``float64 [N]``; higher is more likely real."""
    if lines.values is not None:
        return lines.values
    logits = np.asarray(lines.logits, dtype=np.float32)
    if single == "difference":
        return log_likelihood_ratios(logits)
    return ranked_scores(logits, single).astype(np.float64)


def _write_antideepfake(path: Path, lines: ScoreLines, single: Single) -> None:
    scores = labelled_scores(lines)
    if isinstance(scores, Scores):
        write_score_csv(path, scores)
        return
    labels = [_CODES[label] for label in require_labels(lines)]
    rows = zip(lines.names, map(repr, scores.values.tolist()), labels, strict=True)
    _write_table(path, TABLES.get(path.suffix.lower(), ","), ANTIDEEPFAKE, rows)


def _write_asvspoof5(path: Path, lines: ScoreLines, single: Single) -> None:
    labels = [_WORDS[label] for label in require_labels(lines)]
    speakers = lines.speakers or [UNKNOWN] * len(lines.names)
    _write_lines(path, lines, speakers, lines.names, _texts(lines, single), labels)


def _write_package(path: Path, lines: ScoreLines, single: Single) -> None:
    _refuse_spaces(path, lines.names)
    _write_table(path, "\t", PACKAGE, zip(lines.names, _texts(lines, single), strict=True))


def _write_df_arena(path: Path, lines: ScoreLines, single: Single) -> None:
    relative = next((name for name in lines.names if not name.startswith("/")), None)
    if relative is not None:
        raise InputError(
            f"{path}: {relative!r} is no absolute path, as file names of Speech DF Arena are: name "
            "its protocol by --key (and --match stem), whose names are then written."
        )
    _write_lines(path, lines, lines.names, _texts(lines, single))


def _write_antispoofing_arena(path: Path, lines: ScoreLines, single: Single) -> None:
    _write_lines(path, lines, lines.names, _texts(lines, single))


def _write_parquet(path: Path, lines: ScoreLines, single: Single) -> None:
    labels = require_labels(lines)
    if lines.logits is not None:
        write_score_columns(path, lines.names, labels, lines.logits)
    else:
        write_parquet(path, {"segment_id": lines.names, "label": labels, "score": lines.values})


FORMS = {
    "antideepfake": _Form(_write_antideepfake, tuple(TABLES)),
    "asvspoof5": _Form(_write_asvspoof5, (".txt",)),
    "asvspoof5-package": _Form(_write_package, (".tsv", ".txt")),
    "df-arena": _Form(_write_df_arena, (".txt",)),
    "antispoofing-arena": _Form(_write_antispoofing_arena, (".txt",)),
    "parquet": _Form(_write_parquet, (PARQUET,)),
}


def form_of(path: Path) -> str | None:
    """Return the form that a suffix stands for; None where it stands for several."""
    suffix = path.suffix.lower()
    return "antideepfake" if suffix in TABLES else "parquet" if suffix == PARQUET else None


def _texts(lines: ScoreLines, single: Single) -> list[str]:
    return [repr(value) for value in single_scores(lines, single).tolist()]


def _write_table(
    path: Path, separator: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_lines(path: Path, lines: ScoreLines, *columns: Sequence[str]) -> None:
    _refuse_spaces(path, lines.names)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"{' '.join(row)}\n" for row in zip(*columns, strict=True))


def _refuse_spaces(path: Path, names: Sequence[str]) -> None:
    """Refuse names that would be read as two fields."""
    odd = next((name for name in names if name.split() != [name]), None)
    if odd is not None:
        raise InputError(
            f"{path}: {odd!r} has a space in it, which separates the fields of this form: rename "
            "it, or write a table (--to antideepfake)."
        )

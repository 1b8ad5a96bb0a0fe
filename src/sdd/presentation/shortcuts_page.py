"""Shortcuts, what trivial features tell of real and fake, as a page, a part of one, and text."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from sdd.analysis.shortcuts import ALL, FLAGGED_BELOW, WITHIN
from sdd.presentation.html_page import TABLE_STYLE, markup, page, table
from sdd.presentation.numbers import decimals, interval
from sdd.runtime.atomic_files import atomic_path

Row = Mapping[str, str]
SHORTCUTS_STYLE = """
.flagged { color: var(--bad, #a3180f); font-weight: 600; }
.flagged::before { content: "! "; }
.number small { display: block; color: var(--quiet); }
"""
NAME_WIDTH, WIDTH = 17, 8
EXPLAINED = (
    f"EER in percent of a logistic regression of trivial features, real from fake. Below "
    f"{FLAGGED_BELOW:g} % it is flagged: a detector may do well there without having learned "
    "anything about speech. 50 % is chance; more means that the features point the other way than "
    "where they were trained, in small sets by chance alone. In brackets, 95 % by the draw of "
    "speakers or recordings."
)
REMEDY = (
    "What helps: the same preparation of both classes (cutting of pauses, filters, noise, codec, "
    "level), and fakes whose durations, levels and spectra are those of the real recordings."
)


def write_shortcuts_page(rows: Sequence[Row], path: Path, labels: Mapping[str, str]) -> None:
    """Write the rows of `shortcuts.csv` as a page, all at once or not at all.

    Parameters
    ----------
    labels
        Shown text of test sets.
    """
    body = shortcuts_fragment(rows, labels)
    text = page("Shortcuts: real from fake by trivial features", body, TABLE_STYLE, SHORTCUTS_STYLE)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def shortcuts_fragment(rows: Iterable[Row], labels: Mapping[str, str] | None = None) -> str:
    """Return the rows of `shortcuts.csv` as HTML: a table for each way of training."""
    lines = []
    for trained_on, of_way in _by_training(rows).items():
        features = list(dict.fromkeys(row["features"] for row in of_way))
        columns = ["set", *features, "clusters"]
        cells = [
            [
                markup(_shown(name, labels)),
                *map(_cell, of_set),
                f"{of_set[0]['clusters']} {escape(of_set[0]['drawn'])}",
            ]
            for name, of_set in _by_set(of_way).items()
        ]
        lines.append(f"<h3>{escape(_heading(trained_on))}</h3>")
        lines.append(table(columns, cells, range(1, len(columns))))
        notes = dict.fromkeys(row["note"] for row in of_way if row["note"])
        lines += [f"<p>{escape(note)}.</p>" for note in notes]
    lines += [f"<p>{escape(text)}</p>" for text in (EXPLAINED, REMEDY)]
    return "\n".join(lines)


def shortcuts_text(rows: Iterable[Row], csv: Path) -> str:
    """Return the rows of `shortcuts.csv` as text; what is flagged has an exclamation mark.

    Parameters
    ----------
    csv
        Where they are, for the last line.
    """
    lines = []
    for trained_on, of_way in _by_training(rows).items():
        features = list(dict.fromkeys(row["features"] for row in of_way))
        heads = "".join(f"{_short(name):>{WIDTH}} " for name in features).rstrip()
        lines += ["", f"{_heading(trained_on)}, EER %", " " * NAME_WIDTH + heads]
        for name, of_set in _by_set(of_way).items():
            cells = "".join(
                f"{decimals(float(row['eer_percent']), 1):>{WIDTH}}"
                f"{'!' if row['flagged'] == 'yes' else ' '}"
                for row in of_set
            )
            lines.append(f"{name:<{NAME_WIDTH}.{NAME_WIDTH}}{cells}".rstrip())
    lines += ["", *textwrap.wrap(f"!  {EXPLAINED.partition(' 50 %')[0]}", 80)]
    return "\n".join([*lines, f"Intervals, counts and notes: {csv}", ""])


def _by_training(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by what they were trained on; within each set comes last."""
    ways: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row["trained_on"] == WITHIN):
        ways.setdefault(row["trained_on"], []).append(row)
    return ways


def _by_set(rows: Iterable[Row]) -> dict[str, list[Row]]:
    sets: dict[str, list[Row]] = {}
    for row in rows:
        sets.setdefault(row["test_set"], []).append(row)
    return sets


def _short(features: str) -> str:
    """Return the name of one group as it is, of several their beginnings."""
    first, *more = features.split(", ")
    return "+".join(name[:3] for name in (first, *more)) if more else first


def _heading(trained_on: str) -> str:
    if trained_on == WITHIN:
        return "Within each set, by cross-validation"
    return f"Trained on {trained_on}"


def _shown(name: str, labels: Mapping[str, str] | None) -> str:
    label = (labels or {}).get(name)
    return f"{label} ({name})" if label and label != name else name


def _cell(row: Row) -> str:
    value = decimals(float(row["eer_percent"]), 1)
    if row["flagged"] == "yes":
        value = f'<span class="flagged">{value}</span>'
    ends = interval(float(row["low"]), float(row["high"]), 1) if row["features"] == ALL else ""
    return value + (f"<small>{ends}</small>" if ends else "")

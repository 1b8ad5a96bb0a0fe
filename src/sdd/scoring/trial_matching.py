"""Scores and the key of their trials, held against each other: nothing is dropped in silence."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal

from sdd.errors import InputError
from sdd.scoring.score_lines import ScoreLines
from sdd.scoring.trial_keys import UNKNOWN, TrialKey

Match = Literal["name", "stem"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Matching:
    """How scores find their trials, and what is left out instead of refused.

    Attributes
    ----------
    by
        `name`: the names are the same; `stem`: without folders and the ending, as `a/x.flac` and
        `x`.
    unknown
        Whether scores that match no trial are left out.
    unscored
        Whether trials without a score are left out.
    repeated
        Whether the first of several scores of a trial counts.
    """

    by: Match = "name"
    unknown: bool = False
    unscored: bool = False
    repeated: bool = False


@dataclass
class _Problems:
    """What does not fit, each in words, with the option that allows it."""

    refused: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, words: str, allowed: bool, option: str) -> None:
        if allowed:
            self.left_out.append(words)
        else:
            self.refused.append(f"{words} (left out with {option})")

    def settle(self, path: object) -> None:
        if self.refused:
            raise InputError(f"{path}: {'; '.join(self.refused)}")
        if self.left_out:
            logger.info("%s: left out: %s", path, "; ".join(self.left_out))


def match_trials(
    lines: ScoreLines, key: TrialKey | None = None, how: Matching | None = None
) -> ScoreLines:
    """Find the trial of each score.

    Parameters
    ----------
    key
        Whose names and labels the scores get, and its speakers; None where the file has its own.

    Returns
    -------
    ScoreLines
        One line a trial, in the order of the file.

    Raises
    ------
    InputError
        If scores match no trial, trials have no score, or a trial has several, unless these may be
        left out: how many, and the first; or if labels differ, or stems are ambiguous.
    """
    how = how or Matching()
    problems = _Problems()
    named = lines if key is None else _named_as(lines, key, how, problems)
    positions = _first_of_each(named, how, problems)
    problems.settle(lines.path)
    found = named.select(positions)
    return found if key is None else _labelled(found, key)


def _named_as(lines: ScoreLines, key: TrialKey, how: Matching, problems: _Problems) -> ScoreLines:
    """Give scores the names of the key; those of no trial and of other subsets are left out."""
    names = _names(key, how.by)
    own = [_form(name, how.by) for name in lines.names]
    left_out = {_form(name, how.by) for name in key.left_out}
    unknown = [place for place, name in enumerate(own) if name not in names.keys() | left_out]
    if unknown:
        first = f"{lines.names[unknown[0]]!r} in row {lines.rows[unknown[0]]}"
        words = (
            f"{len(unknown)} of its {len(own)} scores match no trial of {key.path}, first {first}"
        )
        problems.add(words, how.unknown, "--allow-unknown")
    scored = set(own)
    unscored = [name for form, name in names.items() if form not in scored]
    if unscored:
        words = (
            f"{len(unscored)} of the {len(names)} trials of {key.path} have no score, first "
            f"{unscored[0]!r}"
        )
        problems.add(words, how.unscored, "--allow-unscored")
    kept = [place for place, name in enumerate(own) if name in names]
    return replace(lines.select(kept), names=[names[own[place]] for place in kept])


def _names(key: TrialKey, by: Match) -> dict[str, str]:
    """Map what names are compared by to the names of the key."""
    names: dict[str, str] = {}
    for name in key.labels:
        form = _form(name, by)
        if form in names:
            raise InputError(
                f"{key.path}: {names[form]!r} and {name!r} are the same without folder and ending: "
                "leave out --match stem, and give the scores the names of the key."
            )
        names[form] = name
    return names


def _form(name: str, by: Match) -> str:
    return PurePosixPath(name).stem if by == "stem" else name


def _first_of_each(lines: ScoreLines, how: Matching, problems: _Problems) -> list[int]:
    """Return the position of the first score of each trial."""
    first: dict[str, int] = {}
    for place, name in enumerate(lines.names):
        first.setdefault(name, place)
    repeated = [name for name, count in Counter(lines.names).items() if count > 1]
    if repeated:
        rows = [
            row for row, name in zip(lines.rows, lines.names, strict=True) if name == repeated[0]
        ]
        words = (
            f"segment {repeated[0]!r} stands in row {rows[0]} and again in row {rows[1]} "
            f"({len(repeated)} segments are repeated)"
        )
        problems.add(words, how.repeated, "--allow-repeated but for its first")
    return list(first.values())


def _labelled(lines: ScoreLines, key: TrialKey) -> ScoreLines:
    """Give trials the labels of the key, which those of the file may not contradict."""
    labels = [key.labels[name] for name in lines.names]
    said: Sequence[str] = labels if lines.labels is None else lines.labels
    wrong = [place for place, label in enumerate(labels) if said[place] != label]
    if wrong:
        place = wrong[0]
        raise InputError(
            f"{lines.path}: {len(wrong)} of its trials have another label in {key.path}: "
            f"{lines.names[place]!r} is {said[place]} here and {labels[place]} there; correct one."
        )
    return replace(lines, labels=labels, speakers=_speakers(lines, key))


def _speakers(lines: ScoreLines, key: TrialKey) -> list[str] | None:
    if not key.speakers:
        return lines.speakers
    return [key.speakers.get(name, UNKNOWN) for name in lines.names]


def require_labels(lines: ScoreLines) -> list[str]:
    """Return the labels of scores.

    Raises
    ------
    InputError
        If the file has none: with the remedy.
    """
    if lines.labels is None:
        raise InputError(
            f"{lines.path} does not say which trials are real: name their protocol or key (--key)."
        )
    return lines.labels


def pair_keys(count: int, keys: Sequence[TrialKey]) -> Iterable[TrialKey | None]:
    """Return a key for each of several files: its own, the one for all, or none.

    Raises
    ------
    InputError
        If there are several, but not one a file.
    """
    if len(keys) > 1 and len(keys) != count:
        raise InputError(
            f"{len(keys)} keys for {count} score files: give one for all, or one a file (--key)."
        )
    return keys if len(keys) > 1 else [next(iter(keys), None)] * count

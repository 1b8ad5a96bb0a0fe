"""The choice of an algorithm's settings, of the validation results in histories alone."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdd.errors import InputError
from sdd.metrics.rounds import mean_and_spread, t_interval
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.csv_rows import read_rows

MEASURES = {
    "eer": ("validation_eer", 100.0, "EER (%)"),
    "der": ("validation_der", 1.0, "(FP+FN)/(TP+TN)"),
}
"""Of a recipe's `selection`: the column of history.csv, a factor, and words."""
_DIGITS = 6


def choose(
    candidates: Sequence[Mapping[str, Any]],
    histories: Sequence[Path],
    *,
    selection: str,
    validation_set: str,
) -> dict[str, Any]:
    """Choose the settings with the best weights on the validation set.

    A run's value is the lowest of its validations, those of the weights that training would keep;
    a candidate's is the mean over its rounds. Of equal candidates the first of the grid is taken.

    Parameters
    ----------
    candidates
        Of each run: `settings`, its switches, and `round`.
    histories
        history.csv of each run, in the same order.
    selection
        What a recipe selects weights by: `eer` or `der`.
    validation_set
        Its name, for the words.

    Returns
    -------
    dict
        For YAML: `chosen`, `value`, `low` and `high` (95 % interval over rounds, None for one),
        `measured`, `remarks`, and the `candidates` with the same.
    """
    column, factor, words = MEASURES[selection]
    runs: dict[tuple[tuple[str, Any], ...], list[dict[str, float]]] = {}
    for candidate, path in zip(candidates, histories, strict=True):
        key = tuple(candidate["settings"].items())
        runs.setdefault(key, []).append(_best(path, column, factor))
    judged = [_judged(dict(key), of_rounds) for key, of_rounds in runs.items()]
    best = min(judged, key=lambda row: float(row["value"]))
    return {
        "chosen": dict(best["settings"]),  # YAML refers to what is one object
        **{name: best[name] for name in ("value", "low", "high")},
        "measured": f"{words} on {validation_set}, the lowest of a run; mean over rounds",
        "remarks": _remarks(judged, best),
        "candidates": judged,
    }


def write_yaml(path: Path, content: Mapping[str, Any], remark: str) -> None:
    """Write a mapping as YAML under a remark of one line; atomically."""
    import yaml

    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=100)
    with atomic_path(path) as temporary:
        temporary.write_text(f"# {remark}\n{text}", encoding="utf-8")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping that `write_yaml` wrote.

    Raises
    ------
    InputError
        If it is none.
    """
    import yaml

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise InputError(f"{path} is no mapping any more; delete it to have it made again")
    return content


def _best(path: Path, column: str, factor: float) -> dict[str, float]:
    """Return the lowest validation of a run, and its step."""
    rows = read_rows(path)
    validations = [
        (factor * float(row[column]), int(float(row["step"]))) for row in rows if row[column]
    ]
    if not validations:
        raise InputError(f"{path} has no {column}; delete it to have the run made again")
    value, step = min(validations)
    return {"value": value, "step": step}


def _judged(settings: dict[str, Any], runs: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    values = [run["value"] for run in runs]
    low, high = t_interval(values)
    return {
        "settings": settings,
        "value": _rounded(mean_and_spread(values)[0]),
        "low": _rounded(low if math.isnan(low) else max(0.0, low)),  # both measures are shares
        "high": _rounded(high),
        "rounds": [_rounded(value) for value in values],
        "best_steps": [run["step"] for run in runs],
    }


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.{_DIGITS}g}")


def _remarks(judged: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> list[str]:
    """Say what a reader should know before relying on the choice."""
    remarks = _edges([row["settings"] for row in judged], best["settings"])
    equal = sum(row["value"] == best["value"] for row in judged)
    if equal > 1:
        remarks.append(f"{equal} candidates are equally good; the first of the grid is taken")
    others = [row["rounds"] for row in judged if row is not best]
    if len(best["rounds"]) > 1 and others:
        unsure = sum(not _is_told(best["rounds"], rounds) for rounds in others)
        remarks.append(
            f"{unsure} of the {len(others)} other candidates are not told from it (95 % interval "
            "of the differences of rounds)"
        )
    elif others:
        remarks.append("one round of each candidate: nothing is known of how much rounds differ")
    return remarks


def _is_told(best: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether a candidate is worse for sure, by differences between runs of one seed."""
    low, _ = t_interval([b - a for a, b in zip(best, other, strict=True)])
    return low > 0


def _edges(tried: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> list[str]:
    remarks = []
    for switch, value in chosen.items():
        values = {settings[switch] for settings in tried}
        if len(values) > 1 and not isinstance(value, bool):
            for edge, word in ((min(values), "lowest"), (max(values), "highest")):
                if value == edge:
                    remarks.append(
                        f"{switch}: {value} is the {word} of its grid; what lies beyond was not "
                        "tried and may be better"
                    )
    return remarks

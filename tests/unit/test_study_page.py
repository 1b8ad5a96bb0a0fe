"""docs/study.md says what study/record says: its tables of results are counted again."""

import functools

import numpy as np
import pytest

from sdd.analysis.claims.assessment import assess_results, claim_rows
from sdd.analysis.claims.eer_statements import pairs_of_claims
from sdd.analysis.columns import AVERAGES, OUT_OF_DOMAIN_AVERAGE
from sdd.analysis.run_record import restore_record
from sdd.analysis.trade_off import correlation_rows
from sdd.analysis.uncertainty import (
    COMPARISON_COLUMNS,
    comparison_rows,
    interval_rows,
    measure_table1,
)
from sdd.experiment import contents, settings, tree
from sdd.experiment.experiment import Experiment
from sdd.runtime.csv_rows import read_rows, write_rows
from tests.helpers.experiments import laid_over_paper, merge
from tests.helpers.paths import CHECKOUT

PAGE = (CHECKOUT / "docs/study.md").read_text(encoding="utf-8")
RECORD = CHECKOUT / "study/record/study"
RECIPES = {
    "as_written": Experiment(laid_over_paper("study/config.yaml", "study/controls.yaml")),
    "as_released": Experiment(
        merge(laid_over_paper("study/config.yaml"), {"recipe": "as_released"})
    ),
}
CONTROLS = ("sft_kl1", "sft-half", "sft_back_end", "grpo_exact")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The record put back, as `make study-recount` does."""
    folder = tmp_path_factory.mktemp("study")
    for subject in RECIPES.values():
        restore_record(RECORD, folder, config=settings.recorded(subject), code={})
    return folder


@functools.cache
def measured(results, recipe):
    what = settings.uncertainty(RECIPES[recipe], recipe)
    tables = [tree.path(tree.SEGMENTS, results, set=name) for name in what["corpora"]]
    return measure_table1(results, recipe, tables, what)


def compared(results, recipe):
    rows = measured(results, recipe)
    pairs = pairs_of_claims(rows) + settings.uncertainty(RECIPES[recipe], recipe)["compared"]
    return comparison_rows(rows, dict.fromkeys(pairs))


def judged(results, recipe):
    comparisons = results / recipe / "comparisons.csv"
    write_rows(comparisons, compared(results, recipe), COMPARISON_COLUMNS)
    drifts = tree.find(results, tree.DRIFT.replace("{recipe}", recipe))
    paper = CHECKOUT / "resources/table1.csv"
    return claim_rows(assess_results(comparisons, drifts, paper, contents.claims(RECIPES[recipe])))


def spread(part):
    values = part.rounds.values
    return f"{np.std(values, ddof=1):.1f}" if len(values) > 1 else ""


def averages_table(results, recipe):
    """Mean EER of both domains, its interval, and the standard deviation over rounds."""
    intervals = {
        (row["model"], row["init"], row["algorithm"], row["test_set"]): row
        for row in interval_rows(measured(results, recipe))
    }
    for row, sets in measured(results, recipe).items():
        line = f"| {row[2]} | {row[1]} |"
        for name in AVERAGES:
            one = intervals[*row, name]
            line += f" {one['eer_percent']:.1f} [{one['low']:.1f}, {one['high']:.1f}] |"
            line += f" {spread(sets[name])} |"
        yield line


def sets_table(results, recipe):
    """Mean EER of every test set, and its standard deviation over rounds."""
    for row, sets in measured(results, recipe).items():
        figures = [
            f" {np.mean(sets[name].rounds.values):.1f} ± {spread(sets[name])} |"
            for name in RECIPES[recipe].test_sets
        ]
        yield f"| {row[2]} | {row[1]} |" + "".join(figures).replace(" ±  |", " |")


def differences_table(results, recipe, pairs):
    """The difference of two rows out of domain, its interval, and its p value."""
    found = {
        (row["algorithm_a"], row["algorithm_b"]): row
        for row in compared(results, recipe)
        if row["test_set"] == OUT_OF_DOMAIN_AVERAGE and row["init_a"] == row["init_b"] == "post"
    }
    for a, b in pairs:
        row = found[a, b]
        p_value = f"{row['p_value']:.3f}" if row["p_value"] >= 0.001 else "< 0.001"
        yield (
            f"| {a} | {b} | {row['difference']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}] |"
            f" {p_value} |"
        )


def claims_table(results, recipe):
    for row in judged(results, recipe):
        yield f"| `{row['claim']}` | {row['verdict']} | {row['details']} |"


def correlations_table(results, recipe):
    points = read_rows(tree.path(tree.TRADE_OFF, results, recipe=recipe))
    numbers = [
        {name: value if name in ("algorithm", "model", "init") else float(value)
         for name, value in point.items()}
        for point in points
    ]  # fmt: skip
    for row in correlation_rows(numbers):
        interval = f" [{row['spearman_low']:+.2f}, {row['spearman_high']:+.2f}]"
        yield (
            f"| {row['algorithms']} | {row['x']} | {row['y']} | {row['spearman']:+.2f}"
            f"{'' if row['note'] else interval} |"
        )


@pytest.mark.parametrize("recipe", RECIPES)
def test_error_rates_are_those_of_the_scores(results, recipe):
    check(averages_table(results, recipe))
    check(sets_table(results, recipe))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_answer_is_that_of_the_scores(results, recipe):
    check(differences_table(results, recipe, [("grpo", "sft")]))


def test_controls_are_those_of_the_scores(results):
    pairs = [*(("grpo", name) for name in CONTROLS), ("grpo-half", "sft-half")]
    check(differences_table(results, "as_written", pairs))


def test_verdicts_are_those_of_the_scores(results):
    check(claims_table(results, "as_written"))


def test_correlations_are_those_of_the_trade_off(results):
    check(correlations_table(results, "as_written"))


def check(lines):
    """Each line stands in the page."""
    missing = [line for line in lines if f"\n{line}\n" not in PAGE]
    assert not missing, "\n".join(missing)

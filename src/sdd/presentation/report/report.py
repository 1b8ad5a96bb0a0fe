"""The report of one recipe, from the files of its experiment."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from sdd.analysis.cell_tables import read_cells
from sdd.analysis.claims.assessment import Assessed, assess_results
from sdd.analysis.other_figures import beside_table, read_other_figures
from sdd.analysis.partial_table1 import measured_tables
from sdd.analysis.table1 import paper_values, read_table, value_columns
from sdd.analysis.table1_differences import read_intervals, subtract_paper
from sdd.experiment import tree
from sdd.presentation.claims_page import claims_fragment, how_claims_are_judged
from sdd.presentation.figures.figure2 import figure2_caption
from sdd.presentation.html_page import markup, notes
from sdd.presentation.report.answer import answer_fragment
from sdd.presentation.report.breakdown import breakdown_tables
from sdd.presentation.report.others import others_table
from sdd.presentation.report.page import facts_fragment, figure_fragment, write_page
from sdd.presentation.report.provenance import (
    FactTable,
    digests,
    run_times,
    seeds,
    switches,
    versions,
)
from sdd.presentation.report.trade_off import trade_off_section, tuned_section
from sdd.presentation.tables.comparison_arrangement import arrange_comparisons
from sdd.presentation.tables.details import arrange_measured
from sdd.presentation.tables.difference_arrangement import arrange_differences, arrange_recipes
from sdd.presentation.tables.measure_arrangement import MEASURES, arrange_measure
from sdd.presentation.tables.render_html import table_fragment
from sdd.runtime.csv_rows import read_rows

_NO_VALIDATION = (
    "Not measured: the validation set is not scored (scoring.validation in the configuration)."
)
FIGURES = {
    "figure2": "Drift of each test set, a profile for each algorithm (the paper's Figure 2)",
    "eer_against_drift": "EER of each test set against its drift",
    "spread": "Average EERs of every round, with the interval of their mean",
    "scores": "Histograms of the scores of each test set",
    "reliability": "Stated and found probabilities of fake of each test set, calibrated on the "
    "validation set",
    "det": "Detection error trade-off curves of each test set",
    "learning_curves": "Validation EER over steps",
    "reward_and_kl": "Mean reward and divergence from the reference policy over steps",
}


def write_report(
    target: Path,
    *,
    results: Path,
    recipe: str,
    paper: Path,
    others: Path,
    repository: Path,
    contents: Mapping[str, Any],
) -> None:
    """Write one page with everything that an experiment found under a recipe.

    Parameters
    ----------
    results, recipe
        results/{name}, and the recipe, of which all is made.
    paper, others
        Tables that results are held against: the paper's Table 1, and figures of others.
    repository
        The checkout, for its commit.
    contents
        As `sdd.experiment.contents.report` returns it.
    """
    place = partial(tree.path, results=results, recipe=recipe)
    cells = read_cells([place(tree.EER, cell=cell) for cell in contents["table1"]["cells"]])
    assessed = _assess(place, paper, contents)
    # A section is a heading and its HTML, and one without any is left out.
    sections = {
        contents["table1"]["title"]: [
            *_table1(place, cells, paper, contents["table1"]),
            *_others(place, paper, others, contents["table1"]["labels"]),
        ],
        "The paper's claims": _claims(assessed, contents["claims"]),
        "Figures": _figures(place, contents),
        "Measured minus paper": _differences(place, paper, contents["table1"]),
        "Rows compared": _comparisons(place, contents["table1"]),
        "Further measures": _measures(cells, contents["table1"]),
        "By attack and speaker": _breakdown(place, contents),
        "Recipes side by side": _recipes(results, paper, contents["table1"]),
        "Trade-off": _trade_off(place, contents),
        "Settings": _tuned(place, contents),
        **_facts(switches(contents["recipes"], recipe)),
        **_facts(run_times(results, recipe, contents["table1"]["cells"])),
        "Made with": _made_with(repository, contents),
    }
    title = f"Experiment {contents['name']}, {recipe.replace('_', ' ')}"
    first = [
        *contents["table1"]["notes"],
        "The experiment of arXiv 2603.02914 (Wang, Ge, Yamagishi), re-made: GRPO or SFT for "
        "detectors of fake speech.",
    ]
    opening = answer_fragment(assessed, read_rows(place(tree.COMPARISONS)), contents["claims"])
    write_page(target, title, sections, opening=opening, first=first)


def _words(contents: Mapping[str, Any]) -> dict[str, Any]:
    return {key: contents[key] for key in ("labels", "group_titles")}


def _table1(
    place: Callable[..., Path],
    cells: Sequence[Mapping[str, Any]],
    paper: Path,
    contents: Mapping[str, Any],
) -> list[str]:
    intervals = read_rows(place(tree.INTERVALS))
    arranged = arrange_measured(cells, intervals, read_table(paper), contents)
    return [table_fragment(arranged)]


def _others(
    place: Callable[..., Path], paper: Path, others: Path, labels: Mapping[str, str]
) -> list[str]:
    """Return what others found in cells of the table; nothing where they have none of them."""
    table = read_table(f"{place(tree.TABLE1)}.csv")
    found = beside_table(read_other_figures(others), table, read_table(paper))
    return [facts_fragment(others_table(found, labels))] if found else []


def _comparisons(place: Callable[..., Path], contents: Mapping[str, Any]) -> list[str]:
    """Return the rows that the claims compare; nothing where there are no two of them."""
    rows = read_rows(place(tree.COMPARISONS))
    return [table_fragment(arrange_comparisons(rows, contents))] if rows else []


def _measures(cells: Sequence[Mapping[str, Any]], contents: Mapping[str, Any]) -> list[str]:
    parts = []
    for measure in MEASURES:
        arranged = arrange_measure(measure, cells, contents)
        # Of what eer.csv may lack, this alone and what follows from it can be.
        shown = table_fragment(arranged) if arranged else notes([_NO_VALIDATION])
        parts.append(
            f'<details class="part"><summary>{markup(measure.heading)}</summary>{shown}</details>'
        )
    return parts


def _breakdown(place: Callable[..., Path], contents: Mapping[str, Any]) -> list[str]:
    rows = read_cells([place(tree.BREAKDOWN, cell=cell) for cell in contents["main_cells"]])
    tables = breakdown_tables(rows, contents["table1"]["labels"])
    return [
        f'<details class="part"><summary>{escape(table.heading)}</summary>'
        f"{facts_fragment(table, headed=True)}</details>"
        for table in tables
    ]


def _differences(place: Callable[..., Path], paper: Path, contents: Mapping[str, Any]) -> list[str]:
    """Return measured minus paper; nothing where no figure of one is in the other."""
    table, printed = read_table(f"{place(tree.TABLE1)}.csv"), read_table(paper)
    if paper_values(table, printed)[value_columns(table)].isna().all(axis=None):
        return []
    rows = subtract_paper(table, printed, read_intervals(place(tree.INTERVALS)))
    return [table_fragment(arrange_differences(table, rows, **_words(contents)))]


def _recipes(results: Path, paper: Path, contents: Mapping[str, Any]) -> list[str]:
    """Return the tables of all recipes of which something was measured; nothing if it is one."""
    measured, counts = measured_tables(results, contents)
    if len(measured) == 1:
        return []
    arranged = arrange_recipes(measured, read_table(paper), **_words(contents))
    said = [f"{name.replace('_', ' ')}: {count}." for name, count in counts.items()]
    return [table_fragment(arranged), notes(said)]


def _assess(place: Callable[..., Path], paper: Path, contents: Mapping[str, Any]) -> list[Assessed]:
    """Hold the results against the claims; none where no two rows can be compared."""
    if not read_rows(place(tree.COMPARISONS)) and not contents["drift_cells"]:
        return []
    drifts = [place(tree.DRIFT, cell=cell) for cell in contents["drift_cells"]]
    return assess_results(place(tree.COMPARISONS), drifts, paper, contents["claims"])


def _claims(assessed: Sequence[Assessed], contents: Mapping[str, Any]) -> list[str]:
    if not assessed:
        return []
    fragment = claims_fragment(assessed, labels=contents["labels"])
    return [fragment, notes(how_claims_are_judged())]


def _facts(table: FactTable) -> dict[str, list[str]]:
    """Return a table of facts as a section of its own."""
    return {table.heading: [facts_fragment(table, headed=True)]}


def _figures(place: Callable[..., Path], contents: Mapping[str, Any]) -> list[str]:
    folder, captions = place(tree.FIGURES), {}
    if contents["drift_cells"]:
        drifts = pd.DataFrame(
            read_cells([place(tree.DRIFT, cell=cell) for cell in contents["drift_cells"]])
        )
        drifts["drift"] = drifts["drift"].astype(float)
        captions["figure2"] = figure2_caption(drifts, contents["figure2"])
    return [
        figure_fragment(folder, name, description, captions.get(name, ""))
        for name, description in FIGURES.items()
        if (folder / f"{name}.png").is_file()
    ]


def _trade_off(place: Callable[..., Path], contents: Mapping[str, Any]) -> list[str]:
    """Return the trade-off; nothing where the config has none."""
    if contents["trade_off"] is None:
        return []
    files = place(tree.TRADE_OFF_FIGURES), place(tree.TRADE_OFF_CORRELATIONS)
    return trade_off_section(*files, contents["trade_off"])


def _tuned(place: Callable[..., Path], contents: Mapping[str, Any]) -> list[str]:
    """Return what was chosen on the validation set; nothing where the config says not to."""
    if not contents["tuned"]:
        return []
    return tuned_section(place(tree.TUNED), contents["table1"]["labels"])


def _made_with(repository: Path, contents: Mapping[str, Any]) -> list[str]:
    facts = [
        versions(repository),
        seeds(contents["seeds"], contents["other_seeds"]),
        digests((what, Path(path), source) for what, path, source in contents["files"]),
    ]
    return [
        *map(facts_fragment, facts),
        "<details><summary>the whole configuration</summary>"
        f"{_preformatted(contents['config'])}</details>",
    ]


def _preformatted(config: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    return f"<pre>{escape(text)}</pre>"

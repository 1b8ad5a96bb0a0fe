"""The report of one recipe, from the files of its experiment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sdd.analysis.claims.files import assess_results
from sdd.analysis.partial_table1 import measured_tables
from sdd.analysis.uncertainty import read_intervals
from sdd.presentation.claims_page import claims_fragment, how_claims_are_judged
from sdd.presentation.html_page import notes
from sdd.presentation.report.page import facts_fragment, figure_fragment, write_page
from sdd.presentation.report.provenance import digests, run_times, seeds, switches, versions
from sdd.presentation.tables import (
    arrange,
    arrange_differences,
    arrange_recipes,
    read_table,
    subtract_paper,
    table_fragment,
)

FIGURES = {
    "figure2": "Drift of each test set, a profile for each algorithm (the paper's Figure 2)",
    "eer_against_drift": "EER of each test set against its drift",
    "spread": "Average EERs of every round, with the interval of their mean",
    "det": "Detection error trade-off curves of each test set",
    "learning_curves": "Validation EER over steps",
    "reward_and_kl": "Mean reward and divergence from the reference policy over steps",
}


def write_report(
    folder: Path,
    target: Path,
    *,
    figures: Path,
    paper: Path,
    repository: Path,
    layout: Mapping[str, Any],
) -> None:
    """Write one page with everything that an experiment found under a recipe.

    Parameters
    ----------
    folder
        results/{name}/{recipe}, complete.
    target
        The .html file.
    figures
        Folder of `sdd.presentation.figures.all_figures.draw_figures`.
    paper
        The paper's Table 1.
    repository
        The checkout, for its commit.
    layout
        As `sdd.experiment.contents.report_layout` gives it.
    """
    words = {key: layout["table"][key] for key in ("labels", "group_titles")}
    printed, table = read_table(paper), read_table(folder / "table1.csv")
    differences = subtract_paper(table, printed, read_intervals(folder / "intervals.csv"))
    measured, counts = measured_tables(folder.parent, layout["table"])
    drifts = [folder / cell / "drift.csv" for cell in layout["drift_cells"]]
    assessed = assess_results(folder / "comparisons.csv", drifts, paper, layout["claims"])
    comparable = any(row["difference"] == row["difference"] for row in differences)
    tables = [table_fragment(arrange(table, paper=printed, **words), layout["table"]["notes"])]
    recipes = []
    if len(measured) > 1:
        recipes = [
            table_fragment(arrange_recipes(measured, printed, **words)),
            notes([f"{name.replace('_', ' ')}: {count}." for name, count in counts.items()]),
        ]
    facts = [
        versions(repository),
        seeds(layout["seeds"], layout["other_seeds"]),
        digests((what, Path(path), source) for what, path, source in layout["files"]),
    ]
    sections = {
        layout["table"]["title"]: tables,
        "Measured minus paper": [
            table_fragment(arrange_differences(table, differences, **words))
        ] if comparable else [],
        "Recipes side by side": recipes,
        "The paper's claims": [
            claims_fragment(assessed, labels=layout["claims"]["labels"]),
            notes(how_claims_are_judged()),
        ],
        "Figures": [
            figure_fragment(figures, name, description)
            for name, description in FIGURES.items()
            if (figures / f"{name}.png").is_file()
        ],
        "Deviations": [facts_fragment(switches(layout["recipes"], folder.name))],
        "Run times": [facts_fragment(run_times(folder, layout["table"]["cells"]))],
        "Made with": [
            *map(facts_fragment, facts),
            "<details><summary>the whole configuration</summary>"
            f"{_preformatted(layout['config'])}</details>",
        ],
    }  # fmt: skip
    title = f"Experiment {layout['name']}, {folder.name.replace('_', ' ')}"
    first = [
        "GRPO or SFT for detectors of fake speech: the experiment of arXiv 2603.02914 (Wang, Ge, "
        "Yamagishi), re-made.",
        *layout["table"]["notes"],
    ]
    write_page(target, title, sections, first=first)


def _preformatted(config: Mapping[str, Any]) -> str:
    from html import escape

    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    return f"<pre>{escape(text)}</pre>"

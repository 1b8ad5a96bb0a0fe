"""A browser, and every kind of page that the project makes."""

import os
from pathlib import Path

import pytest

from sdd.analysis.claims.assessment import assess_table
from sdd.analysis.table1 import read_table
from sdd.analysis.table1_differences import read_intervals, subtract_paper
from sdd.data.inventory.corpus import take_inventory
from sdd.experiment import contents, tree
from sdd.presentation.claims_page import write_claims_page
from sdd.presentation.inventory_page import write_page
from sdd.presentation.tables.arrangement import arrange
from sdd.presentation.tables.difference_arrangement import arrange_differences, arrange_recipes
from sdd.presentation.tables.render_html import write_html
from tests.helpers.browser import find_browser, running_browser
from tests.helpers.experiments import experiment
from tests.helpers.made_up_results import PAPER, write_made_up_report
from tests.helpers.releases import write_audio, write_in_the_wild


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium or Chrome on the PATH (on Debian: apt-get install chromium)")
    with running_browser(executable, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Pages of each kind, of the paper's size, and those below the folder PAGES."""
    folder = tmp_path_factory.mktemp("pages")
    for rounds in (1, 3):
        write_made_up_report(folder / f"{rounds}_rounds", rounds=rounds)
    shown = contents.table1(experiment())
    table, words = read_table(PAPER), {key: shown[key] for key in ("labels", "group_titles")}
    write_claims_page(assess_table(table), folder / "claims.html", title="Claims", remarks=["One."])
    write_html(arrange(table, paper=table, **words), folder / "table1.html", title="Table 1")
    intervals = read_intervals(tree.path(tree.INTERVALS, folder / "3_rounds", recipe="as_written"))
    arranged = arrange_differences(table, subtract_paper(table, table, intervals), **words)
    write_html(arranged, folder / "table1_minus_paper.html", title="Table 1 minus the paper's")
    recipes = arrange_recipes({"as_written": table, "as_released": table}, table, **words)
    write_html(recipes, folder / "recipes.html", title="Recipes side by side", notes=["One."])
    _write_inventory(folder)
    own = Path(os.environ["PAGES"]).rglob("*.html") if os.environ.get("PAGES") else []
    return [*sorted(folder.rglob("*.html")), *sorted(own)]


def _write_inventory(folder):
    root = folder / "release"
    release = write_in_the_wild(root)
    for number in range(3):
        write_audio(release / f"{'a_name_without_any_blank' * 5}{number}.wav", 0.05)
    found = take_inventory("mine", root, folder / "journal.jsonl", reader="in_the_wild")
    write_page([found], folder / "inventory.html", experiment="paper")

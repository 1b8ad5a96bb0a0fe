"""What trivial features tell, as HTML and as text."""

from pathlib import Path

from sdd.data.inventory.corpus import Inventory
from sdd.presentation.inventory_page import write_page
from sdd.presentation.shortcuts_page import (
    shortcuts_text,
    write_shortcuts_page,
)

ROW = {
    "corpus": "calls",
    "test_set": "calls_4s",
    "trained_on": "itself",
    "features": "all",
    "eer_percent": "12.34",
    "low": "8.1",
    "high": "17.9",
    "flagged": "yes",
    "n_real": "100",
    "n_fake": "90",
    "clusters": "45",
    "drawn": "speakers <&>",
    "note": "",
}
ROWS = [
    ROW,
    {**ROW, "features": "duration, level", "eer_percent": "49.9", "flagged": "no"},
    {**ROW, "trained_on": "studio", "eer_percent": "61", "flagged": "no"},
    {**ROW, "trained_on": "studio", "features": "duration, level", "eer_percent": "nan",
     "flagged": "no", "note": "few"},
]  # fmt: skip


def test_the_page_flags_what_is_a_shortcut(tmp_path: Path) -> None:
    write_shortcuts_page(ROWS, tmp_path / "page.html", {"calls_4s": "Calls, 4 s"})
    page = (tmp_path / "page.html").read_text()
    assert '<span class="flagged">12.3</span><small>[8.1, 17.9]</small>' in page
    assert page.count('class="flagged"') == 1
    assert "Calls, 4 s (calls_4s)" in page
    assert "45 speakers &lt;&amp;&gt;" in page
    assert "<td" in page
    assert ">49.9</td>" in page
    assert ">–</td>" in page
    assert "<p>few.</p>" in page
    # Cross-validation comes last, whatever the order of the rows.
    assert page.index("Trained on studio") < page.index("Within each set")


def test_the_text_fits_a_terminal() -> None:
    text = shortcuts_text(ROWS, Path("results/x/shortcuts.csv"))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "                      all  dur+lev" in lines
    assert "calls_4s             12.3!    49.9" in lines
    assert "calls_4s             61.0        –" in lines
    assert lines[-1] == "Intervals, counts and notes: results/x/shortcuts.csv"


def test_the_inventory_shows_the_shortcuts_of_its_corpora(tmp_path: Path) -> None:
    calls, other = (Inventory(name, None, 0, 0) for name in ("calls", "other"))
    for inventories, shown in (([calls, other], True), ([other], False)):
        write_page(inventories, tmp_path / "page.html", experiment="x", shortcuts=ROWS)
        page = (tmp_path / "page.html").read_text()
        assert ("<h2>Shortcuts</h2>" in page) == shown
        assert ('<span class="flagged">12.3</span>' in page) == shown

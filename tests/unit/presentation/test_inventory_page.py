"""The page of an inventory: what it shows, and that names from disk are text on it."""

from pathlib import Path

from sdd.data.inventory.corpus import take_inventory
from sdd.presentation.inventory_page import write_page
from tests.helpers.releases import write_audio, write_in_the_wild


def test_page(tmp_path: Path) -> None:
    folder = write_in_the_wild(tmp_path)
    for number in range(60):
        write_audio(folder / f"<b>{number:02d}\n.wav", 0.05)
    inventory = take_inventory("mine", tmp_path, tmp_path / "journal.jsonl", reader="in_the_wild")
    write_page([inventory], tmp_path / "out/page.html", experiment="a & b")
    page = (tmp_path / "out/page.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;49\\n.wav" in page
    assert "&lt;b&gt;50" not in page
    assert "and 10 more, which the table lists" in page
    assert "a &amp; b" in page
    assert "The experiment can run: all 1 corpora" in page
    assert "20.7 h" in page
    assert page.count("<script") == 0

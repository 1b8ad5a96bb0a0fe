"""What the HTML, LaTeX and picture of a table really show."""

import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdd.analysis.table1 import assemble_table, read_table, write_csv
from sdd.errors import InputError
from sdd.presentation.tables.arrangement import grey
from sdd.presentation.tables.render_html import write_html
from sdd.presentation.tables.render_image import write_image
from sdd.presentation.tables.render_latex import write_latex
from tests.helpers.html_pages import TableReader
from tests.helpers.paths import RESOURCES


@pytest.fixture(scope="module")
def paper():
    return read_table(RESOURCES / "table1.csv")


@pytest.fixture
def table():
    """Two rows; the second has a true zero, and lacks the test set b."""
    values = {
        ("tiny", "post", "none"): {"a": 40.0, "b": 20.0, "c": 7.0},
        ("tiny", "pre", "my_way"): {"a": 0.0, "c": 50.0},
    }
    cells = [(*row, 1, name, eer) for row, sets in values.items() for name, eer in sets.items()]
    return assemble_table(cells, list(values), ["a", "b"], ["c"])


# HTML


def read_html(path):
    return TableReader(path.read_text(encoding="utf-8"))


def eer_cells(row):
    return [cell for cell in row if "eer" in (cell.get("class") or "").split()]


def test_html_shows_every_value_of_the_paper(paper, tmp_path):
    write_html(paper, tmp_path / "table.html", title="Title & more", notes=["First <note>."])
    page = read_html(tmp_path / "table.html")
    assert len(page.rows) == 2 + 20
    assert [int(cell.get("colspan", 1)) for cell in page.rows[0]] == [1, 1, 1, 1, 6, 5, 1]
    assert len(page.rows[1]) == 11
    for row, (_, line) in zip(page.rows[2:], paper.iterrows(), strict=True):
        cells = eer_cells(row)
        assert [cell["text"] for cell in cells] == [f"{value:.2f}" for value in line.iloc[4:]]
        assert row[-1]["text"] == str(line["row"])
        for cell, value in zip(cells, line.iloc[4:], strict=True):
            level = int(re.search("#(..)", cell["style"])[1], 16) / 255
            assert level == pytest.approx(grey(value), abs=0.003)
    # A merged cell stands for all rows that it spans.
    widths = np.zeros(20, int)
    for index, row in enumerate(page.rows[2:]):
        for cell in row:
            widths[index : index + int(cell.get("rowspan", 1))] += 1
    assert (widths == 4 + 11 + 1).all()
    assert "Title & more" in page.text
    assert "First <note>." in page.text


def test_html_loads_nothing(paper, tmp_path):
    write_html(paper, tmp_path / "table.html", title="Title")
    page = read_html(tmp_path / "table.html")
    assert page.loads == ["data:,"]
    assert not {"script", "img", "iframe"} & set(page.tags)
    text = (tmp_path / "table.html").read_text()
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_html_shows_missing_as_a_dash(table, tmp_path):
    write_html(table, tmp_path / "table.html", title="Title")
    last = read_html(tmp_path / "table.html").rows[-1]
    assert [cell["text"] for cell in eer_cells(last)] == ["0.00", "–", "–", "50.00", "50.00"]
    missing = eer_cells(last)[1]
    assert "missing" in missing["class"]
    assert "#ffffff" in missing["style"]


def test_html_shows_the_papers_values_beneath_where_they_match(paper, tmp_path):
    measured = paper.copy()
    measured["itw"] += 1
    measured.loc[19, "model"] = "own"
    write_html(measured, tmp_path / "table.html", title="Title", paper=paper)
    rows = read_html(tmp_path / "table.html").rows
    first = eer_cells(rows[2])
    assert [cell["small"] for cell in first] == [f"{value:.2f}" for value in paper.iloc[0, 4:]]
    assert first[9]["text"] == "2.24"
    assert {cell["small"] for cell in eer_cells(rows[-1])} == {""}


def test_html_without_matches_does_not_mention_the_paper(table, paper, tmp_path):
    write_html(table, tmp_path / "table.html", title="Toy", paper=paper)
    page = read_html(tmp_path / "table.html")
    assert "small" not in page.tags
    assert "paper" not in page.text.split("</style>")[-1]


def test_html_escapes_names(tmp_path):
    rows = [('<b>&"', "post", "<i>")]
    write_html(
        assemble_table([], rows, ["a<x>"], ['"b"']), tmp_path / "table.html", title="<script>"
    )
    page = read_html(tmp_path / "table.html")
    assert not {"b", "i", "script", "x"} & set(page.tags)
    assert [cell["text"] for cell in page.rows[2]][:4] == ['<b>&"', "✓", "✓", "<i>"]


# LaTeX


def latex_rows(text):
    body = text.split("%% BEGIN TABLE")[1].split("%% END TABLE")[0]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    return [re.split(r"(?<!\\)&", line[:-2]) for line in lines]


def test_latex_has_every_value_and_shade_of_the_paper(paper, tmp_path):
    write_latex(paper, tmp_path / "table.tex", title="Title", notes=["A note."])
    text = (tmp_path / "table.tex").read_text()
    for package in ("booktabs", "multirow", "colortbl"):
        assert rf"\usepackage{{{package}}}" in text
    rows = latex_rows(text)
    assert len(rows) == 2 + 20
    assert {len(row) for row in rows[1:]} == {16}
    for row, (_, line) in zip(rows[2:], paper.iterrows(), strict=True):
        for cell, value in zip(row[4:-1], line.iloc[4:], strict=True):
            shade, shown = re.fullmatch(r" \\cellcolor\[gray\]{(.*)}(.*) ", cell).groups()
            assert float(shown) == value
            assert float(shade) == pytest.approx(grey(value), abs=0.006)
    assert rows[4][3].strip() == r"GRPO\textsubscript{s}"
    assert rows[6][3].strip() == r"SFT$\rightarrow$GRPO\textsubscript{s}"
    assert rows[8][3].strip() == r"GRPO ($\beta$=0)"
    for rule, count in ((r"\toprule", 1), (r"\midrule", 3), (r"\bottomrule", 1)):
        assert text.count(rule) == count
    assert text.count(r"\cmidrule{2-16}") == 4
    assert "A note." in text


def test_latex_is_balanced_and_escaped(tmp_path):
    rows = [("a_b & {c}", "post", "50%#$^~\\"), ("NOTES", "pre", "TITLE")]
    table = assemble_table([], rows, ["x|y"], ["<z>"])
    write_latex(table, tmp_path / "table.tex", title='"100 %" title_1')
    text = (tmp_path / "table.tex").read_text()
    assert r"a\_b \& \{c\}" in text
    assert r"50\%\#\$\textasciicircum{}\textasciitilde{}\textbackslash{}" in text
    assert latex_rows(text)[3][3].strip() == "TITLE"
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", text) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    assert r"\cellcolor[gray]{1.00}–" in text


@pytest.mark.skipif(
    shutil.which("pdflatex") is None,
    reason="LaTeX is compiled where there is pdflatex: apt-get install texlive-latex-extra",
)
def test_latex_compiles_alone(paper, tmp_path):
    write_latex(paper, tmp_path / "paper.tex", title="Ours, as_written", notes=["100 % β → ×"])
    rows = [("a_b & {c}", "post", "50%#$^~\\"), ("é", "pre", "TITLE")]
    table = assemble_table([(*rows[0], 1, "x|y", 60.0)], rows, ["x|y"], ["<z>"])
    write_latex(table, tmp_path / "own.tex", title='"Own" title')
    for name in ("paper", "own"):
        subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        assert (tmp_path / f"{name}.pdf").stat().st_size > 10_000


# Picture


def test_picture_is_written_and_repeatable(table, paper, tmp_path):
    for name in ("one.png", "two.png", "one.pdf", "two.pdf"):
        write_image(table, tmp_path / name, title="Toy $5", notes=["note"], paper=paper, dpi=60)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")


def test_picture_shows_every_value(paper, tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(
        "sdd.presentation.tables.render_image.save_figure",
        lambda figure, *_, **__: figures.append(figure),
    )
    measured = paper.copy()
    measured["itw"] += 1
    measured.loc[0, "dv"] = math.nan
    write_image(measured, tmp_path / "table.png", title="Title", paper=paper)
    [axes] = figures[0].axes
    texts = [text.get_text() for text in axes.texts]
    for value in measured.iloc[:, 4:].to_numpy(float).ravel():
        assert ("–" if math.isnan(value) else f"{value:.2f}") in texts
    numbers = [text for text in texts if re.fullmatch(r"\d+\.\d\d", text)]
    assert len(numbers) == 2 * 20 * 11 - 1
    # One shaded cell for each value that there is.
    assert len(axes.patches) == 20 * 11 - 1
    assert "Title" in texts
    # All of it is on the page.
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    for text in axes.texts:
        x, y = text.get_position()
        assert left < x < right
        assert top < y < bottom


def test_other_formats_are_refused(table, tmp_path):
    with pytest.raises(InputError, match=r"table\.jpg: a figure is written as \.png or \.pdf"):
        write_image(table, tmp_path / "table.jpg", title="Title")
    assert list(tmp_path.iterdir()) == []


# All writers


@pytest.mark.parametrize(
    ("writer", "name"),
    [(write_html, "t.html"), (write_latex, "t.tex"), (write_image, "t.png"), (write_csv, "t.csv")],
)
def test_failed_write_leaves_the_old_file(writer, name, table, tmp_path, monkeypatch):
    (tmp_path / name).write_text("old")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", fail)
    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        writer(table, tmp_path / name, **({} if writer is write_csv else {"title": "T"}))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"old"

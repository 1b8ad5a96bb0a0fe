"""Pages need nothing but themselves, and fit: a wide screen, a narrow one and a sheet of paper."""

import pytest

from tests.browser.faults import NARROW, WIDE, faults_in_print, faults_on_screen

pytestmark = pytest.mark.browser


def faulty(pages, faults):
    found = {str(page): faults(page) for page in pages}
    return {page: those for page, those in found.items() if those}


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_message_no_request_no_link_outside_and_no_sideways_scrolling(browser, pages, width):
    assert len(pages) >= 7
    assert faulty(pages, lambda page: faults_on_screen(browser, page, width)) == {}


def test_nothing_is_cut_in_print(browser, pages):
    assert faulty(pages, lambda page: faults_in_print(browser, page)) == {}


OUTSIDE = "https://outside.invalid"
WIDE_TABLE = '<table style="width: 1300px"><tr><td>wide</td></tr></table>'


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("<script>document.title = 'planted'</script>", {"script", "console"}),
        ('<p onclick="x()">planted</p>', {"script", "console"}),
        (f'<a href="{OUTSIDE}">planted</a>', {"outside"}),
        (f'<img src="{OUTSIDE}/a.png">', {"outside", "request", "console"}),
        (WIDE_TABLE, {"sideways"}),
        (f'<div style="overflow-x: auto">{WIDE_TABLE}</div>', {"sideways"}),
        (f"<details><summary>more</summary>{WIDE_TABLE}</details>", {"sideways"}),
        ("<h2>Claims</h2>", {"twice"}),
    ],
)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_what_is_planted_is_found(browser, pages, tmp_path, planted, found, width):
    page = plant(pages, planted, tmp_path)
    kinds = {fault.partition(":")[0] for fault in faults_on_screen(browser, page, width)}
    assert kinds == found


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("<script>console.log('planted')</script>", {"script", "console"}),
        ("<script>planted()</script>", {"script", "console"}),
        (f'<img src="{OUTSIDE}/a.png">', {"outside", "request", "console"}),
        (f"<p style=\"background: url('{OUTSIDE}/a.png')\">planted</p>", {"request", "console"}),
    ],
)
def test_what_the_policy_would_forbid_is_found_without_it(browser, pages, tmp_path, planted, found):
    page = plant(pages, planted, tmp_path)
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("Content-Security-Policy", "no-policy"), encoding="utf-8")
    kinds = {fault.partition(":")[0] for fault in faults_on_screen(browser, page, WIDE)}
    assert kinds == found


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (WIDE_TABLE, {"sideways"}),
        ('<details style="content-visibility: hidden"><p>planted</p></details>', {"folded"}),
    ],
)
def test_what_paper_would_cut_is_found(browser, pages, tmp_path, planted, found):
    page = plant(pages, planted, tmp_path)
    assert {fault.partition(":")[0] for fault in faults_in_print(browser, page)} == found


def plant(pages, planted, folder):
    """Return a copy of the page of claims with something more in it."""
    page = next(page for page in pages if page.name == "claims.html")
    text = page.read_text(encoding="utf-8")
    copy = folder / "planted.html"
    copy.write_text(text.replace("</body>", f"{planted}</body>"), encoding="utf-8")
    return copy

"""What is wrong with a page, as a browser sees it."""

from pathlib import Path

from tests.helpers.browser import Browser

WIDE, NARROW = 1200, 400
# What A4 upright and Letter across leave between the margins of the pages, in CSS pixels.
UPRIGHT, ACROSS = 703, 979

# A box that scrolls by itself, or cuts, is no way out: what it holds has to fit, too. One pixel
# and less is text for screen readers.
_TOO_WIDE = """(() => {
  const page = document.scrollingElement, found = [];
  if (page.scrollWidth > page.clientWidth)
    found.push(`sideways: the page takes ${page.scrollWidth} of ${page.clientWidth} px`);
  for (const box of document.body.querySelectorAll('*'))
    if (box.clientWidth > 1 && box.scrollWidth > box.clientWidth
        && getComputedStyle(box).overflowX !== 'visible')
      found.push(`sideways: ${box.tagName} takes ${box.scrollWidth} of ${box.clientWidth} px`);
  return found;
})()"""
_UNFOLD = "document.querySelectorAll('details').forEach(details => { details.open = true; })"
_OUTSIDE = """(() => {
  const found = [];
  for (const element of document.querySelectorAll('*')) {
    if (element.tagName === 'SCRIPT') found.push('script: an element');
    for (const {name, value} of element.attributes) {
      if (name.startsWith('on')) found.push(`script: ${name}`);
      if (['href', 'xlink:href', 'src', 'srcset', 'action', 'poster', 'data'].includes(name)
          && !value.startsWith('#') && !value.startsWith('data:'))
        found.push(`outside: ${element.tagName} ${name} ${value}`);
    }
  }
  return found;
})()"""
_TWICE = """(() => {
  const texts = [...document.querySelectorAll('h1, h2, caption')].map(each => each.textContent);
  return texts.filter((text, i) => texts.indexOf(text) < i).map(text => `twice: ${text}`);
})()"""
# The switch before a table is for the screen alone.
_FOLDED = """[...document.querySelectorAll('details:not(.on-demand)')]
  .filter(details => ![...details.children].some(
    each => each.tagName !== 'SUMMARY' && each.checkVisibility()))
  .map(details => `folded: ${details.textContent.slice(0, 60)}`)"""


def faults_on_screen(browser: Browser, page: Path, width: int) -> list[str]:
    """List what a page does or asks for, where it leads, and what does not fit, unfolded or not."""
    browser.show(width)
    heard = browser.open(page)
    found = [*browser.evaluate(_OUTSIDE), *browser.evaluate(_TWICE), *browser.evaluate(_TOO_WIDE)]
    browser.evaluate(_UNFOLD)
    found += browser.evaluate(_TOO_WIDE)
    found += [f"console: {message}" for message in heard.console]
    return found + [f"request: {address}" for address in heard.requests]


def faults_in_print(browser: Browser, page: Path) -> list[str]:
    """List what a sheet of paper would cut: at its sides, or because it is folded."""
    across = "size: landscape" in page.read_text(encoding="utf-8")
    browser.show(ACROSS if across else UPRIGHT, media="print")
    browser.open(page)
    return [*browser.evaluate(_TOO_WIDE), *browser.evaluate(_FOLDED)]

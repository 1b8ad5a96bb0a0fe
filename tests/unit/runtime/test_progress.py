"""Bars of jobs: on a terminal, and not on one that another screen draws on."""

import io

import pytest

from sdd.runtime.progress import HIDDEN, progress_bar, with_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("file", "said", "shown"),
    [
        (Terminal(), None, True),
        (Terminal(), "0", True),
        (Terminal(), "", True),
        (Terminal(), "1", False),
        (io.StringIO(), None, False),
        (io.StringIO(), "0", False),
    ],
)
def test_a_bar_is_for_terminals_without_another_screen(file, said, shown, monkeypatch):
    monkeypatch.delenv(HIDDEN, raising=False)
    if said is not None:
        monkeypatch.setenv(HIDDEN, said)
    assert list(with_progress("abc", total=3, desc="letters", file=file)) == ["a", "b", "c"]
    assert ("letters: 100%" in file.getvalue()) == shown


def test_a_bar_without_a_terminal_still_counts_from_where_it_began():
    with progress_bar(total=10, initial=4, file=io.StringIO()) as bar:
        assert bar.n == 4

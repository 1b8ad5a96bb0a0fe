"""Attempts that failed are told apart from those that succeeded."""

import pytest

from sdd.runtime.attempts import attempt, read_attempt


def test_success_leaves_what_was_there(tmp_path):
    path = tmp_path / "audio/itw.attempt"
    with attempt(path, read_attempt(path)):
        assert read_attempt(path) != ""
    assert not path.exists()
    path.write_text("before", encoding="utf-8")
    with attempt(path, read_attempt(path)):
        assert read_attempt(path) != "before"
    assert read_attempt(path) == "before"


def test_each_failure_leaves_another_text_until_one_succeeds(tmp_path):
    path = tmp_path / "itw.attempt"
    texts = [read_attempt(path)]
    for _ in range(3):
        with pytest.raises(RuntimeError), attempt(path, texts[-1]):
            raise RuntimeError
        texts.append(read_attempt(path))
    assert len(set(texts)) == 4
    with attempt(path, texts[-1]):
        pass
    assert read_attempt(path) == texts[-1]

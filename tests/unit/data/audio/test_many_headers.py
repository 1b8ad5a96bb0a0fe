"""Headers of many files: a file that cannot be read, or that ends the process, costs itself."""

import logging

import pytest

from sdd.data.audio import many_headers
from sdd.data.audio.headers import read_header
from sdd.data.audio.many_headers import read_headers
from tests.helpers import deadly
from tests.helpers.releases import write_audio


@pytest.fixture
def good(tmp_path):
    paths = [tmp_path / f"good{number}.wav" for number in range(5)]
    for number, path in enumerate(paths):
        write_audio(path, 0.1 * (number + 1))
    return paths


def test_headers_are_those_of_the_files_in_their_order(good, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    asked = [good[3], bad, good[0], good[3], tmp_path / "missing.wav"]
    found = read_headers(asked)
    assert list(found) == [good[3], bad, good[0], tmp_path / "missing.wav"]
    assert found[bad] is None
    assert found[tmp_path / "missing.wav"] is None
    for path in (good[0], good[3]):
        assert found[path] == read_header(path)
        assert found[path].samples / found[path].rate == pytest.approx(
            0.1 * (good.index(path) + 1), abs=1e-3
        )
    assert read_headers([]) == {}


@pytest.mark.parametrize("chunk", [2, 256])
def test_files_that_end_the_process_are_named(good, tmp_path, monkeypatch, caplog, chunk):
    deadly_files = [tmp_path / f"{name}.wav" for name in deadly.SIGNALS]
    for path in deadly_files:
        write_audio(path, 0.1)
    monkeypatch.setattr(many_headers, "_read_chunk", deadly.headers)
    monkeypatch.setattr(many_headers, "_CHUNK", chunk)
    with caplog.at_level(logging.WARNING):
        found = read_headers([good[0], deadly_files[0], *good[1:], deadly_files[1]])
    assert {path for path, header in found.items() if header is None} == set(deadly_files)
    assert all(found[path] == read_header(path) for path in good)
    for path in deadly_files:
        assert f"{path} cannot be decoded (the process that read it" in caplog.text

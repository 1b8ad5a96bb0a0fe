"""A file appears under its final name whole, or not at all."""

import errno
import os
from pathlib import Path

import pytest

from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def test_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "new" / "folders" / "table.csv"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent  # so that the rename is atomic
        assert temporary != target
        temporary.write_text("whole", encoding="utf-8")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "whole"
    assert names_in(target.parent) == ["table.csv"]


@pytest.mark.parametrize("name", ["scores.parquet", "archive.tar.gz", "figure.png"])
def test_temporary_name_keeps_the_suffix_and_is_hidden(tmp_path, name):
    with atomic_path(tmp_path / name) as temporary:
        assert temporary.suffix == Path(name).suffix
        assert temporary.name.startswith(".")


def test_target_may_be_text(tmp_path):
    with atomic_path(str(tmp_path / "a.txt")) as temporary:
        temporary.write_bytes(b"1")
    assert (tmp_path / "a.txt").read_bytes() == b"1"


def test_existing_file_is_replaced(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with atomic_path(target) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert target.read_text(encoding="utf-8") == "old"
    assert target.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_error_leaves_what_was_there(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(error), atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_text("half", encoding="utf-8")
        raise error
    assert target.read_text(encoding="utf-8") == "old"
    assert names_in(tmp_path) == ["a.txt"]


def test_error_leaves_nothing_where_nothing_was(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a.txt") as temporary:  # noqa: PT012
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert names_in(tmp_path) == []


def test_writer_may_replace_or_remove_the_temporary_file(tmp_path):
    with atomic_path(tmp_path / "a.txt") as temporary:
        other = tmp_path / "other"
        other.write_text("replaced", encoding="utf-8")
        other.replace(temporary)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "replaced"
    with pytest.raises(ValueError, match="own error"), atomic_path(tmp_path / "b") as temporary:  # noqa: PT012
        temporary.unlink()
        raise ValueError("own error")
    assert names_in(tmp_path) == ["a.txt"]


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    target = tmp_path / "a.txt"
    with atomic_path(target) as first, atomic_path(target) as second:
        assert first != second
        first.write_text("first", encoding="utf-8")
        second.write_text("second", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "first"  # its block ends last
    assert names_in(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_file_is_as_open_as_the_umask_allows(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("x", encoding="utf-8")
        assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode
        with atomic_path(tmp_path / "b.safetensors") as temporary:
            temporary.unlink()
            temporary.touch(mode=0o600)  # as safetensors does
        assert (tmp_path / "b.safetensors").stat().st_mode & 0o777 == mode
        assert os.umask(mask) == mask  # as it was
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("PytorchStreamWriter failed writing file data/1: file write failed"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 318464 vs 318352"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_is_named_with_its_remedy(tmp_path, error, there):
    target = tmp_path / "state.pt"
    if there:
        target.write_text("old", encoding="utf-8")
    with pytest.raises(InputError) as caught, atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_text("half", encoding="utf-8")
        raise error
    assert str(target) in str(caught.value)
    assert "no space left" in str(caught.value)
    assert "free some space" in str(caught.value)
    assert ("what stood there before is kept" in str(caught.value)) == there
    assert names_in(tmp_path) == (["state.pt"] if there else [])


@pytest.mark.parametrize("durable", [True, False])
def test_content_is_flushed_ahead_of_the_rename_where_that_is_asked_for(
    tmp_path, durable, monkeypatch
):
    flushed = []

    def fsync(number):
        path = Path(f"/proc/self/fd/{number}").readlink()
        flushed.append(path.read_text(encoding="utf-8"))
        assert not (tmp_path / "state.pt").exists()

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_path(tmp_path / "state.pt", durable=durable) as temporary:
        temporary.write_text("whole", encoding="utf-8")
    assert flushed == ["whole"] * durable

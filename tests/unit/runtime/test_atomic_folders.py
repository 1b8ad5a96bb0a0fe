"""Folders appear whole or not at all, and what else is in one that is overwritten stays."""

import pytest

from sdd.errors import InputError
from sdd.runtime.atomic_folders import atomic_folder, check_new_folder

NAMES = ("a", "b", "c")


def write(target, files, error=None, **options):
    with atomic_folder(target, NAMES, **options) as folder:
        for name, text in files.items():
            (folder / name).write_text(text)
        if error is not None:
            raise error


def content(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def only(tmp_path, *names):
    return sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_new_folder(tmp_path):
    target = tmp_path / "deep/new"
    write(target, {"a": "1", "b": "2"})
    assert content(target) == {"a": "1", "b": "2"}
    assert only(target.parent, "new")


def test_an_empty_folder_is_taken(tmp_path):
    target = tmp_path / "empty"
    target.mkdir()
    write(target, {"a": "1"})
    assert content(target) == {"a": "1"}


def test_it_is_not_there_before_it_is_whole(tmp_path):
    with atomic_folder(tmp_path / "new", NAMES) as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "new").exists()
        assert folder.parent == tmp_path


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_of_a_failure(tmp_path, error):
    with pytest.raises(error):
        write(tmp_path / "new", {"a": "1"}, error=error)
    assert only(tmp_path)


def test_what_is_there_is_not_overwritten(tmp_path):
    target = tmp_path / "old"
    write(target, {"a": "1"})
    with pytest.raises(InputError, match=r"old is there and not empty: name a new folder, or"):
        write(target, {"a": "2"})
    assert content(target) == {"a": "1"}
    assert only(tmp_path, "old")


def test_overwriting_replaces_its_own_files_alone(tmp_path):
    target = tmp_path / "old"
    write(target, {"a": "1", "b": "1"})
    (target / "mine").write_text("kept")
    (target / ".git").mkdir()
    (target / ".git/config").write_text("kept")
    write(target, {"a": "2", "c": "2"}, overwrite=True)
    assert content(target) == {"a": "2", "c": "2", "mine": "kept"}
    assert (target / ".git/config").read_text() == "kept"
    assert only(tmp_path, "old")


def test_a_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "old"
    write(target, {"a": "1", "b": "1"})
    with pytest.raises(OSError, match="full"):
        write(target, {"a": "2"}, error=OSError("full"), overwrite=True)
    assert content(target) == {"a": "1", "b": "1"}
    assert only(tmp_path, "old")


def test_a_name_that_was_not_announced(tmp_path):
    with pytest.raises(AssertionError, match=r"\['d'\] are not among the names"):
        write(tmp_path / "new", {"d": "1"})
    assert only(tmp_path)


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_file_in_its_place(tmp_path, overwrite):
    (tmp_path / "file").write_text("1")
    for target in (tmp_path / "file", tmp_path / "file/new"):
        with pytest.raises(InputError, match="is no folder, so"):
            check_new_folder(target, overwrite=overwrite)

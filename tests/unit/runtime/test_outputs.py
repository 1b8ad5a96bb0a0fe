"""Outputs are tried before the work: by writing, so that it holds for root and any disk."""

import errno
import os

import pytest

from sdd.errors import InputError
from sdd.runtime.outputs import check_folder, check_output, check_scratch
from tests.helpers.closed_folders import closed, folder_for_others


def test_what_can_be_written_leaves_nothing_behind(tmp_path):
    check_output(tmp_path / "a.csv")
    check_output(tmp_path / "new/folder/a.CSV", suffixes=[".csv"], inputs=[tmp_path / "b.csv"])
    (tmp_path / "a.csv").write_text("old")
    check_output(tmp_path / "a.csv", suffixes=[".parquet", ".csv"])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_folders_that_may_not_be_written():
    with folder_for_others() as top:
        (top / "mine").mkdir()
        (top / "mine/in").mkdir()
        with closed({top / "mine": 0o555}):
            with pytest.raises(InputError, match=r"x\.csv cannot be written .*Permission denied"):
                check_output(top / "mine/x.csv")
            with pytest.raises(InputError, match=r"x\.csv cannot be written .*Permission denied"):
                check_output(top / "mine/new/x.csv")
        with (
            closed({top / "mine": 0}),
            pytest.raises(InputError, match=r"x\.csv cannot be written .*Permission denied"),
        ):
            check_output(top / "mine/in/x.csv")


def test_names_that_no_file_can_have(tmp_path):
    for name in (f"{300 * 'x'}.csv", f"{2100 * 'x/'}a.csv"):
        with pytest.raises(InputError, match=r"\(File name too long\): choose a shorter one"):
            check_output(tmp_path / name)


def test_inputs_under_other_names(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").touch()
    (tmp_path / "link.csv").symlink_to("in/a.csv")
    (tmp_path / "folder").symlink_to("in")
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.csv", "in/../in/a.csv", "link.csv", "folder/a.csv", tmp_path / "in/a.csv"):
        with pytest.raises(InputError, match="would be written over"):
            check_output(tmp_path / name, inputs=[tmp_path / "x", (tmp_path / "in/a.csv")])
    # An input that is not there is one in any case; what is wrong with it is told elsewhere.
    with pytest.raises(InputError, match="would be written over"):
        check_output(tmp_path / "new.csv", inputs=[tmp_path / "in/../new.csv"])


def test_no_space(tmp_path, monkeypatch):
    """An empty file finds room on a full disk: the trial writes some."""
    written = []

    class Full:
        def __init__(self, **_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, content):
            written.append(len(content))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.NamedTemporaryFile", Full)
    with pytest.raises(InputError, match=r"a\.csv cannot be written .*No space left on device"):
        check_output(tmp_path / "a.csv")
    assert written[0] >= 4096


def test_folders_of_results(tmp_path):
    check_folder(tmp_path)
    check_folder(tmp_path / "results/mine")
    (tmp_path / "results").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    for name in ("results", "results/mine", "gone/mine"):
        with pytest.raises(InputError, match=r"/(results|gone) is no folder, so .*cannot be writ"):
            check_folder(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gone", "results"]


def test_folders_of_results_that_may_not_be_written():
    with folder_for_others() as top:
        (top / "mine").mkdir()
        with closed({top / "mine": 0o555}):
            for name in ("mine", "mine/results"):
                with pytest.raises(InputError, match=r"Folder .*/mine cannot be written: correct"):
                    check_folder(top / name)


def test_scratch(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    check_scratch()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"\(Not a directory\): set TMPDIR"):
        check_scratch()

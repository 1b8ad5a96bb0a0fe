"""Unpacking Debian packages."""

import shutil
import subprocess

import pytest

from sdd.data.study.debian_archive import members, unpack
from sdd.errors import InputError
from tests.helpers.study_packages import write_package

FILES = {"usr/share/a/odd.ogg": b"sound", "usr/lib/x/libb.so.1.2": b"\x7fELF"}


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "a_1_all.deb"
    write_package(path, FILES, {"usr/lib/x/libb.so.1": "libb.so.1.2", "usr/lib/y": "/etc/passwd"})
    return path


def test_files_and_links_beside_them_are_unpacked(package, tmp_path):
    folder = unpack(package, tmp_path / "out" / "a")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    assert found == {*FILES, "usr/lib/x/libb.so.1"}  # no link to elsewhere
    assert (folder / "usr/share/a/odd.ogg").read_bytes() == b"sound"
    assert (folder / "usr/lib/x/libb.so.1").read_bytes() == b"\x7fELF"


def test_as_dpkg_does(package, tmp_path):
    if shutil.which("dpkg-deb") is None:
        pytest.skip("packages are made by dpkg-deb, which Debian has: apt-get install dpkg")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path / "theirs"], check=True)
    ours = unpack(package, tmp_path / "ours")
    for name, content in FILES.items():
        assert (tmp_path / "theirs" / name).read_bytes() == content == (ours / name).read_bytes()


def test_what_is_unpacked_is_taken_as_it_is(package, tmp_path):
    folder = unpack(package, tmp_path / "a")
    (folder / "usr/share/a/odd.ogg").unlink()
    package.unlink()
    assert unpack(package, folder) == folder


def test_members_of_an_archive(package):
    names = [name for name, _ in members(package)]
    assert names == ["debian-binary", "control.tar.xz", "data.tar.xz"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: b"<!doctype html>" + data, "is no Debian package"),
        (lambda data: data[:-8], "is cut short"),
        (lambda data: data[:70] + b"x" * 60 + data[130:], "is damaged"),
        (lambda data: data[:240] + b"\0" * 40 + data[280:], "cannot be unpacked|is not read here"),
        (lambda data: data.replace(b"data.tar.xz", b"date.tar.xz"), "holds no data.tar"),
    ],
)
def test_damaged_packages_leave_nothing(package, tmp_path, change, problem):
    package.write_bytes(change(package.read_bytes()))
    with pytest.raises(InputError, match=problem):
        unpack(package, tmp_path / "out" / "a")
    assert not list((tmp_path / "out").iterdir())


def test_nothing_is_written_outside(tmp_path):
    path = tmp_path / "bad.deb"
    write_package(path, {"../../evil": b"x"})
    with pytest.raises(InputError, match="would lie outside"):
        unpack(path, tmp_path / "out" / "bad")
    assert not (tmp_path / "evil").exists()

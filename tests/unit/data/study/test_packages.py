"""Fetching packages: a stand-in of apt's helper takes them from a folder."""

import hashlib
import os
import tomllib

import numpy as np
import pytest
import yaml

from sdd.data.study import packages
from sdd.data.study.packages import fetch_packages, read_packages, write_licences
from sdd.errors import InputError
from tests.helpers.paths import CHECKOUT
from tests.helpers.study_packages import write_package

ENGINES = {"numpy": "BSD", "no-such": "MIT"}

# Takes `download-file URL PATH SHA256:...`, as apt does: another digest leaves .FAILED beside it.
HELPER = """#!/bin/sh
file="{archive}/${{2#http://archive/}}"
[ -f "$file" ] || {{ echo "E: Failed to fetch $2  404  Not Found" >&2; exit 100; }}
cp "$file" "$3"; echo "$2" >> {archive}/asked
[ "$(sha256sum < "$3")" = "${{4#SHA256:}}  -" ] && exit 0
mv "$3" "$3.FAILED"; echo "E: Failed to fetch $2  Hash Sum mismatch" >&2; exit 100
"""


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An archive of two packages, the list of them, and the stand-in of apt's helper."""
    folder = tmp_path / "archive"
    listed = {}
    for name in ("cats", "dogs"):
        place = f"pool/{name[0]}/{name}_1_all.deb"
        copyright_file = f"usr/share/doc/{name}/copyright"
        write_package(folder / place, {copyright_file: b"Free.\n", f"usr/{name}": b"sound"})
        digest = hashlib.sha256((folder / place).read_bytes()).hexdigest()
        listed[name] = {"version": "1", "path": place, "sha256": digest, "licence": "GPL-2"}
    file = tmp_path / "packages.yaml"
    file.write_text(
        yaml.safe_dump({"archives": ["http://archive"], "packages": listed, "engines": ENGINES})
    )
    helper = tmp_path / "apt-helper"
    helper.write_text(HELPER.format(archive=folder))
    helper.chmod(0o755)
    monkeypatch.setattr(packages, "APT_HELPER", helper)
    # apt's own sources: a mirror, which is asked first and has nothing, and one of other packages.
    apt = tmp_path / "bin/apt-get"
    apt.parent.mkdir()
    apt.write_text("#!/bin/sh\necho http://mirror/debian/\necho http://mirror/others/\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt.parent), prepend=os.pathsep)
    return folder


def fetch(tmp_path):
    listed = read_packages(tmp_path / "packages.yaml")
    return listed, fetch_packages(listed, tmp_path / "debs", tmp_path / "unpacked")


def test_packages_are_fetched_once_and_unpacked(archive, tmp_path):
    _, folders = fetch(tmp_path)
    assert (folders["cats"] / "usr/cats").read_bytes() == b"sound"
    assert sorted(path.name for path in (tmp_path / "debs").iterdir()) == [
        "cats_1_all.deb",
        "dogs_1_all.deb",
    ]
    fetch(tmp_path)
    assert len((archive / "asked").read_text().split()) == 2


def test_a_package_that_lies_there_needs_no_apt(archive, tmp_path, monkeypatch):
    fetch(tmp_path)
    monkeypatch.setattr(packages, "APT_HELPER", tmp_path / "nothing")
    fetch(tmp_path)
    (tmp_path / "debs/dogs_1_all.deb").unlink()
    with pytest.raises(InputError) as caught:
        fetch(tmp_path)
    message = str(caught.value)
    assert "There is no apt on this machine" in message
    assert "http://archive/pool/d/dogs_1_all.deb" in message
    assert "cats" not in message
    assert str(tmp_path / "debs") in message


def test_what_a_killed_run_left_is_removed(archive, tmp_path):
    for place in ("debs/.apt.1/a.deb", "unpacked/.cats.2/usr/cats"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).touch()
    fetch(tmp_path)
    assert not [*tmp_path.glob("debs/.*"), *tmp_path.glob("unpacked/.*")]


def test_a_version_that_the_archive_lacks(archive, tmp_path):
    (archive / "pool/c/cats_1_all.deb").unlink()
    with pytest.raises(InputError, match=r"cats 1 could not be fetched \(.*404.*by hand") as caught:
        fetch(tmp_path)
    places = ["(http://mirror/debian: Failed", "; http://archive: Failed", " or http://archive"]
    assert all(place in str(caught.value) for place in places)
    assert "mirror/others" not in str(caught.value)
    assert "pool/d/dogs_1_all.deb" in str(caught.value)
    assert not list((tmp_path / "debs").iterdir())


def test_another_digest_is_not_taken(archive, tmp_path):
    (archive / "pool/c/cats_1_all.deb").write_bytes(b"<html>")
    with pytest.raises(InputError, match="Hash Sum mismatch"):
        fetch(tmp_path)
    assert not list((tmp_path / "debs").iterdir())
    (tmp_path / "debs/cats_1_all.deb").write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"cats_1_all\.deb has the SHA-256 .* delete it"):
        fetch(tmp_path)


def test_a_downloader_that_checks_nothing_is_not_trusted(archive, tmp_path):
    helper = tmp_path / "apt-helper"
    helper.write_text(helper.read_text().replace('mv "$3" "$3.FAILED"; ', "exit 0; "))
    (archive / "pool/c/cats_1_all.deb").write_bytes(b"<html>")
    with pytest.raises(InputError, match="cats 1 could not be fetched"):
        fetch(tmp_path)
    assert not list((tmp_path / "debs").iterdir())


def test_programs_of_another_machine(archive, tmp_path, monkeypatch):
    listed = yaml.safe_load((tmp_path / "packages.yaml").read_text())
    listed["packages"]["dogs"]["architecture"] = "amd64"
    (tmp_path / "packages.yaml").write_text(yaml.safe_dump(listed))
    monkeypatch.setattr(packages.platform, "machine", lambda: "x86_64")
    fetch(tmp_path)
    monkeypatch.setattr(packages.platform, "machine", lambda: "aarch64")
    with pytest.raises(InputError, match="dogs is built for amd64, and this machine is arm64"):
        fetch(tmp_path)


def test_licences_are_written_whole(archive, tmp_path, caplog):
    caplog.set_level("INFO")
    write_licences(tmp_path / "licences.txt", *fetch(tmp_path))
    text = (tmp_path / "licences.txt").read_text()
    packages = [f"{name} 1: GPL-2\n=============\n\nFree.\n" for name in ("cats", "dogs")]
    assert text.endswith("\n\n\n" + "\n\n".join(packages))
    assert f"\nno-such (not installed): MIT\nnumpy {np.__version__}: BSD\n" in text
    assert "cats 1: GPL-2" in caplog.text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 1.0}, "version is 1.0; give a text"),
        ({"sha256": "12"}, "sha256 is '12', not 64 digits"),
        ({"licence": None}, "licence is None"),
        ({"odd": "x"}, r"\['odd'\] are no keys"),
    ],
)
def test_lists_that_cannot_be_used(archive, tmp_path, change, problem):
    listed = yaml.safe_load((tmp_path / "packages.yaml").read_text())
    listed["packages"]["dogs"] |= change
    (tmp_path / "packages.yaml").write_text(yaml.safe_dump(listed))
    with pytest.raises(InputError, match=f"packages.yaml, dogs: {problem}"):
        read_packages(tmp_path / "packages.yaml")


def test_the_list_of_the_study_can_be_read():
    listed = read_packages(CHECKOUT / "study/packages.yaml")
    assert all(one.path.startswith("pool/main/") for one in listed.packages)
    assert all(one.name in one.path and one.licence for one in listed.packages)
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    group = {text.partition(">")[0] for text in project["dependency-groups"]["study"]}
    assert set(listed.engines) == group
    programs = {one.name for one in listed.packages if one.architecture}
    assert programs == {"flite", "libflite1", "libasound2"}

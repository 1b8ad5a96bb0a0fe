"""Reading Debian packages: an `ar` archive of a control and a data archive (deb(5))."""

import io
import lzma
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sdd.errors import InputError

_MAGIC = b"!<arch>\n"
_HEADER = 60
_DATA = "data.tar"


def unpack(package: Path, folder: Path) -> Path:
    """Unpack the files of a package into a folder that is made, whole or not at all.

    A folder of that name is taken for unpacked.

    Raises
    ------
    InputError
        If it is no package, is damaged, or holds a file that would lie outside.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with _data_archive(package) as archive:
            for member in archive:
                _extract(archive, member, temporary, package)
        temporary.chmod(0o755)
        temporary.replace(folder)
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError) as error:
        raise InputError(
            f"{package} cannot be unpacked ({error}): delete it and fetch it again."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def members(package: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the members of an `ar` archive.

    Raises
    ------
    InputError
        If it is no such archive, or is cut short.
    """
    with package.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise InputError(f"{package} is no Debian package: delete it and fetch it again.")
        while header := file.read(_HEADER):
            size = header[48:58].strip()
            if len(header) < _HEADER or header[58:] != b"`\n" or not size.isdigit():
                raise InputError(f"{package} is damaged: delete it and fetch it again.")
            content = file.read(int(size))
            if len(content) < int(size):
                raise InputError(f"{package} is cut short: delete it and fetch it again.")
            file.read(int(size) % 2)  # members begin at even places
            yield header[:16].decode("ascii", "replace").strip().rstrip("/"), content


def _data_archive(package: Path) -> tarfile.TarFile:
    for name, content in members(package):
        if not name.startswith(_DATA):
            continue
        try:
            return tarfile.open(fileobj=io.BytesIO(content), mode="r:*")
        except tarfile.ReadError as error:
            raise InputError(
                f"{package} holds {name}, and {name.removeprefix(_DATA)} is not read here "
                f"({error}): take the package from Debian's own archive, which compresses by xz."
            ) from error
    raise InputError(f"{package} holds no {_DATA}: delete it and fetch it again.")


def _extract(
    archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, package: Path
) -> None:
    """Write a file, or a link to one beside it; folders come with their files, all else is left."""
    place = PurePosixPath(member.name)
    if place.is_absolute() or ".." in place.parts:
        raise InputError(f"{package} holds {member.name!r}, which would lie outside: replace it.")
    target = folder / place
    if member.isfile():
        source = archive.extractfile(member)
        assert source is not None
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read())
        target.chmod(0o755 if member.mode & 0o100 else 0o644)
    elif member.issym() and "/" not in member.linkname:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(member.linkname)

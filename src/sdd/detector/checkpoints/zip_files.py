"""The zip that torch.save writes: its parts are whole before anything in it is believed.

archive/data.pkl    the pickle: names, shapes, and which storage each tensor lies in
archive/data/N      the bytes of storage N, as they are
archive/byteorder, version, .data/serialization_id ...

torch maps the file and takes as many bytes of a storage as the pickle says, whatever its part has:
of a part that is too short it would take the beginning of the next. So the sizes are compared here.
"""

import io
import logging
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from sdd.detector.checkpoints.file_formats import check_count
from sdd.detector.checkpoints.pickles import Claims, claims_of
from sdd.errors import InputError

UNCHECKED = (
    "%s has no checksum of its weights, so a flipped byte would not be noticed: hold its SHA-256 "
    "against the one of where you got it"
)
_PICKLE = "/data.pkl"
_CHUNK = 1 << 20
# Of a storage, by its name without "Storage". Types that torch has had since are stored untyped.
_ELEMENT_BYTES = {
    f"{kind}Storage": size
    for size, kinds in {
        1: ("Untyped", "Bool", "Byte", "Char", "QInt8", "QUInt8", "QUInt4x2", "QUInt2x4"),
        2: ("BFloat16", "Half", "Short"),
        4: ("Float", "Int", "QInt32"),
        8: ("ComplexFloat", "Double", "Long"),
        16: ("ComplexDouble",),
    }.items()
    for kind in kinds
}

logger = logging.getLogger(__name__)


def claims_of_zip(path: Path) -> Claims:
    """List what the pickle within a zip claims, once all of the zip is known to be whole.

    Raises
    ------
    InputError
        If it is another kind of zip, a part is not as it was written, or one is smaller than the
        pickle says.
    zipfile.BadZipFile
        If it is no zip at all.
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        pickles = [entry for entry in entries if entry.filename.endswith(_PICKLE)]
        if len(pickles) != 1:
            held = ", ".join(entry.filename for entry in entries[:4])
            raise InputError(
                f"{path} is a zip archive, but none of torch.save: it holds {held}. Unpack it, and "
                "name the checkpoint."
            )
        check_count(path, sum("/data/" in entry.filename for entry in entries))
        _check_places(path, entries)
        _check_sums(path, archive, entries)
    pickled = _stored_bytes(path, pickles[0])
    claims = claims_of(io.BytesIO(pickled), len(pickled), pickles=1)
    folder = pickles[0].filename.removesuffix(_PICKLE)
    # Of two parts of one name either may be the one that is read.
    sizes: dict[str, int] = {}
    for entry in entries:
        sizes[entry.filename] = min(entry.file_size, sizes.get(entry.filename, entry.file_size))
    _check_sizes(path, claims, folder, sizes)
    return claims


def _stored_bytes(path: Path, entry: zipfile.ZipInfo) -> bytes:
    """Read a part of a zip as it is stored, also one whose checksum was not written."""
    with path.open("rb") as file:
        file.seek(_begin(file, entry))
        # What the zip says of its size may be anything.
        return file.read(min(entry.file_size, path.stat().st_size))


def _begin(file: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Return the place of a part's first byte."""
    # The part's own header: 30 bytes, the last four the lengths of its name and extra field.
    file.seek(entry.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    return entry.header_offset + 30 + int(name) + int(extra)


def _check_places(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse parts that reach into the next one."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = [*(entry.header_offset for entry in ordered[1:]), path.stat().st_size]
    with path.open("rb") as file:
        for entry, end in zip(ordered, ends, strict=True):
            there = end - _begin(file, entry)
            if there < entry.compress_size:
                raise _damaged(
                    path,
                    f"{entry.filename} has {entry.compress_size:,} bytes by the zip's list, and "
                    f"the next part begins after {max(there, 0):,}",
                )


def _check_sums(path: Path, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Hold each part of a zip against the checksum that the zip states; a flipped byte shows."""
    unknown = 0
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED:
            raise InputError(
                f"{path} is compressed, as torch.save never does: unpack it, or save it anew."
            )
        if entry.compress_size != entry.file_size:
            raise _damaged(
                path,
                f"{entry.filename} has {entry.file_size:,} bytes in one place of the zip's list, "
                f"and {entry.compress_size:,} in another",
            )
        if entry.CRC == 0:
            unknown += entry.file_size > 0
            continue
        with archive.open(entry) as file:
            try:
                while file.read(_CHUNK):
                    pass
            except zipfile.BadZipFile as error:
                what = f"the bytes of {entry.filename} are not those that were written"
                raise _damaged(path, f"{what} (their CRC-32 differs)") from error
    if unknown > 1:
        logger.info(UNCHECKED, path)


def _check_sizes(path: Path, claims: Claims, folder: str, sizes: Mapping[str, int]) -> None:
    """Hold each storage that the pickle asks for against the part that has its bytes."""
    for storage in claims.storages:
        found = _storage_bytes(storage)
        if found is None:
            claims.whole = False
            continue
        key, wanted = found
        name = f"{folder}/data/{key}"
        if name not in sizes:
            raise _damaged(path, f"it has no {name}, which should have {wanted:,} bytes")
        if sizes[name] < wanted:
            raise _damaged(
                path, f"{name} has {sizes[name]:,} bytes, and {wanted:,} are wanted of it"
            )


def _storage_bytes(storage: object) -> tuple[str, int] | None:
    """Return the key and the bytes of what a pickle asks for; None if torch.save never wrote it."""
    match storage:
        case (_, str(kind), str(key), _, int(elements)):
            size = _ELEMENT_BYTES.get(kind.rpartition(" ")[2])
            return None if size is None else (key, elements * size)
    return None


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} cannot be read as a checkpoint: {what}: it is damaged, and nothing of it was "
        "executed. Get it anew."
    )

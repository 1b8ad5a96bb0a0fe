"""What a checkpoint file is, told by its content and not by its name."""

import json
import os
from pathlib import Path
from typing import Literal

from sdd.errors import InputError
from sdd.runtime.foreign_files import foreign_kind, is_zip, read_head, why_unopened

Format = Literal["safetensors", "zip", "pickle"]

_PICKLE_PROTOCOLS = range(6)
# The header's size in 8 bytes, then JSON. The format allows a header of 100 MB.
_SAFETENSORS_PREFIX = 8
_LARGEST_HEADER = 100_000_000
WEIGHT_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
# XLS-R-2B has 819, and an optimiser two or three for each. Each takes 20 us to read.
MOST_TENSORS = 20_000


def checkpoint_format(path: Path) -> Format:
    """Tell the format of a checkpoint file.

    Returns
    -------
    str
        `zip` is torch.save's since 1.6, `pickle` its older one.

    Raises
    ------
    InputError
        If there is no such file, it may not be read, or it is something else: what, and the remedy.
    """
    # Not Path's own, which raise where a name is too long or a folder closed.
    if os.path.isdir(path):  # noqa: PTH112
        raise InputError(f"{path} is a folder, not a checkpoint file: {_files_within(path)}.")
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
        raise InputError(
            f"{path} is no ordinary file, but a pipe, a socket or a device: write it to a file."
        )
    try:
        head = read_head(path)
    except FileNotFoundError as error:
        raise InputError(f"There is no checkpoint file {path}.") from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read as a checkpoint: {why_unopened(path, error)}."
        ) from error
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head[:1] == b"\x80" and head[1:2] and head[1] in _PICKLE_PROTOCOLS:
        return "pickle"
    if head[_SAFETENSORS_PREFIX : _SAFETENSORS_PREFIX + 1] == b"{" and _header_size(head) > 1:
        return "safetensors"
    raise InputError(f"{path} cannot be read as a checkpoint: {_other_kind(path, head)}.")


def check_count(path: Path, tensors: int) -> None:
    """Refuse a file of more tensors than any detector has, before they are read.

    Raises
    ------
    InputError
        With both numbers.
    """
    if tensors > MOST_TENSORS:
        raise InputError(
            f"{path} has {tensors:,} tensors, and no detector has more than {MOST_TENSORS:,}: it "
            "is another model, or damaged. Name the file of the detector's weights."
        )


def _header_size(head: bytes) -> int:
    size = int.from_bytes(head[:_SAFETENSORS_PREFIX], "little")
    return size if size <= _LARGEST_HEADER else 0


def _files_within(folder: Path) -> str:
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        return why_unopened(folder, error)
    if any(name.endswith(".distcp") for name in names):
        return (
            "it holds a sharded checkpoint of torch.distributed; join it by `python -m "
            "torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE`"
        )
    found = [name for name in names if name.endswith(WEIGHT_SUFFIXES)]
    return f"name one of {', '.join(found[:8])}" if found else "name a file"


def _other_kind(path: Path, head: bytes) -> str:
    """Say what a file is instead, and what to do about it."""
    if not head:
        return "it is empty. Get it anew"
    if is_zip(head):
        return "it is a zip archive of nothing. Get it anew"
    found = foreign_kind(head)
    if found is not None:
        what, remedy = found
        again = "" if "archive" in what or "LFS" in what else ". Get it anew"
        return f"it is {what}: {remedy}{again}"
    if head.lstrip()[:1] in (b"{", b"["):
        return _kind_of_json(path)
    return (
        "it is neither of torch.save nor safetensors: damaged at its beginning, or of another "
        "program. Get it anew"
    )


def _kind_of_json(path: Path) -> str:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return "it begins as JSON, and is no checkpoint. Get it anew"
    shards = content.get("weight_map") if isinstance(content, dict) else None
    if isinstance(shards, dict):
        names = sorted({str(name) for name in shards.values()})
        return (
            f"it is the index of a checkpoint in {len(names)} shards ({', '.join(names[:4])}): "
            f"{JOIN_SHARDS}"
        )
    return "it is JSON, a configuration perhaps, and holds no weights: name the file of the weights"


JOIN_SHARDS = (
    "join the shards in one file, by loading each and saving all tensors together "
    "(safetensors.torch.load_file, save_file), and name that"
)

"""The zip of torch.save: each part has the bytes that the pickle wants of it."""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sdd.detector.checkpoints import reading
from sdd.detector.checkpoints.pickles import Claims, claims_of
from sdd.detector.checkpoints.reading import read_checkpoint
from sdd.errors import InputError

NUMBERS = torch.arange(50, dtype=torch.float32)


def rewritten(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """Write a zip again, with parts changed and their checksums right."""
    with zipfile.ZipFile(path) as old:
        parts = [(entry.filename, old.read(entry)) for entry in old.infolist()]
    with zipfile.ZipFile(path, "w") as new:
        for name, data in parts:
            new.writestr(name, change(name.partition("/")[2], data))
    return path


def saved(path: Path, **tensors: torch.Tensor) -> Path:
    torch.save({"a": torch.ones(10), "b": NUMBERS, "c": torch.full((100,), 7.0), **tensors}, path)
    return path


def refused(path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_checkpoint(path)
    text = str(caught.value)
    assert text.startswith(f"{path} cannot be read as a checkpoint: ")
    assert text.endswith("it is damaged, and nothing of it was executed. Get it anew.")


@pytest.mark.parametrize("name", ["a.ckpt", "a.safetensors"])
@pytest.mark.parametrize("kept", [0, 80, 196])
def test_a_part_that_is_shorter_than_its_pickle_says(tmp_path: Path, name: str, kept: int) -> None:
    path = rewritten(
        saved(tmp_path / name), lambda part, data: data[:kept] if part == "data/1" else data
    )
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None  # no checksum tells
    refused(path, rf"/data/1 has {kept} bytes, and 200 are wanted of it: ")


def test_a_pickle_that_wants_more_than_there_is(tmp_path: Path) -> None:
    def change(part: str, data: bytes) -> bytes:
        return data.replace(b"K\x32", b"K\x33") if part == "data.pkl" else data

    path = rewritten(saved(tmp_path / "a.ckpt"), lambda _, data: data)
    torch.testing.assert_close(read_checkpoint(path).tensors["b"], NUMBERS)
    refused(rewritten(path, change), r"a/data/1 has 200 bytes, and 204 are wanted of it: ")


def test_parts_that_are_missing_or_of_two_sizes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ckpt")
    data = path.read_bytes()
    # In the list at the end of the zip: 46 bytes before the name, its size at 24.
    size = data.rindex(b"a/data/1") - 46 + 24
    path.write_bytes(data[:size] + struct.pack("<I", 208) + data[size + 4 :])
    refused(path, r"a/data/1 has 208 bytes in one place of the zip's list, and 200 in another: ")
    with zipfile.ZipFile(saved(path)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if "data/1" not in name}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    refused(path, r"it has no a/data/1, which should have 200 bytes: ")


def test_a_part_that_reaches_into_the_next(tmp_path: Path) -> None:
    """Without a checksum its size alone tells, which the zip's list may overstate."""
    torch.serialization.set_crc32_options(False)
    try:
        path = saved(tmp_path / "a.ckpt")
    finally:
        torch.serialization.set_crc32_options(True)
    data = bytearray(path.read_bytes())
    place = data.rindex(b"a/data/1") - 46
    data[place + 20 : place + 28] = 2 * struct.pack("<I", 400)
    path.write_bytes(data.replace(b"K\x32", b"K\x64"))
    refused(path, r"a/data/1 has 400 bytes by the zip's list, and the next part begins after 216: ")


def test_of_two_parts_of_one_name_the_smaller_counts(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ckpt")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/data/1", bytes(8))
    refused(path, r"a/data/1 has 8 bytes, and 200 are wanted of it: ")


def test_storages_that_tensors_share(tmp_path: Path) -> None:
    whole = torch.arange(60.0).reshape(6, 10)
    path = saved(
        tmp_path / "a.ckpt",
        whole=whole,
        tied=whole,
        row=whole[4],
        column=whole[:, 3],
        turned=whole.T,
        none=torch.empty(0),
    )
    tensors = read_checkpoint(path).tensors
    for name, wanted in (("tied", whole), ("row", whole[4]), ("column", whole[:, 3])):
        assert torch.equal(tensors[name], wanted)
    assert torch.equal(tensors["turned"], whole.T)
    assert tensors["none"].numel() == 0
    assert tensors["tied"].data_ptr() == tensors["whole"].data_ptr()


KINDS = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32),
    *(torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64, torch.complex128),
    *(torch.uint16, torch.uint32, torch.float8_e4m3fn),  # these have no storage of their own
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_type_needs_just_its_bytes(tmp_path: Path, kind: torch.dtype) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"x": torch.ones(33).to(kind)}, path)
    assert read_checkpoint(path).tensors["x"].numel() == 33
    rewritten(path, lambda part, data: data[:-1] if part == "data/0" else data)
    wanted = 33 * kind.itemsize
    refused(path, rf"a/data/0 has {wanted - 1} bytes, and {wanted} are wanted of it: ")


def test_the_order_of_bytes_changes_no_size(tmp_path: Path) -> None:
    def turn(part: str, data: bytes) -> bytes:
        if part == "byteorder":
            return b"big"
        if part.startswith("data/"):
            return struct.pack(f">{len(data) // 4}f", *struct.unpack(f"<{len(data) // 4}f", data))
        return data

    path = rewritten(saved(tmp_path / "a.ckpt"), turn)
    assert torch.equal(read_checkpoint(path).tensors["b"], NUMBERS)
    rewritten(path, lambda part, data: data[:40] if part == "data/1" else data)
    refused(path, r"/data/1 has 40 bytes, and 200 are wanted of it: ")


def test_what_is_not_known_of_a_pickle_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were torch's reader to follow a pickle further than the scan."""
    path = saved(tmp_path / "a.ckpt")
    monkeypatch.setattr(reading, "claims_of_zip", lambda _: Claims(whole=False))
    with pytest.raises(InputError, match="not all of the storages it asks for are known"):
        read_checkpoint(path)


# ------------------------------------------------------------------------------------- the scan


class Noting(pickle.Unpickler):
    """Python's own reader, for pickles of this test alone."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.storages: list[tuple[object, ...]] = []

    def persistent_load(self, pid: tuple[object, ...]) -> object:
        self.storages.append(pid)
        return torch.storage.TypedStorage(dtype=torch.float32, device="meta")


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_storages_are_those_that_a_reader_is_asked_for(tmp_path: Path) -> None:
    tensors = {f"layer{number}": torch.ones(number + 1, 3) for number in range(300)}
    torch.save(
        {**tensors, "row": tensors["layer7"][1], "x": [(1, ((2,),)), None]}, tmp_path / "a.pt"
    )
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        pickled = archive.read("a/data.pkl")
    reader = Noting(pickled)
    reader.load()
    claims = claims_of(io.BytesIO(pickled), len(pickled), pickles=1)
    assert claims.whole
    assert claims.protocol == 2
    assert claims.names == {
        "torch._utils._rebuild_tensor_v2",
        "torch.FloatStorage",
        "collections.OrderedDict",
    }
    assert len(claims.storages) == 301
    found = [(key, count) for _, _, key, _, count in claims.storages]
    assert found == [(key, count) for _, _, key, _, count in reader.storages]
    assert found[7] == found[300] == ("7", 24)


@pytest.mark.parametrize("protocol", range(6))
def test_any_pickle_is_followed_to_its_end(protocol: int) -> None:
    content = {
        "numbers": [1, 2**40, -(2**70), 1.5, True, None, 1j],
        "texts": ["a", "ä" * 300, b"x", b"y" * 300, bytearray(b"z")],
        "nested": ((), (1,), (1, 2), (1, 2, 3), (1, (2, (3, (4, 5, 6, 7)))), {1: {2: []}}),
        "sets": [{1, 2}, frozenset((3,))],
        "class": [Path, complex, ValueError("x")],
    }
    content["itself"] = content
    pickled = pickle.dumps(content, protocol)
    claims = claims_of(io.BytesIO(pickled), len(pickled), pickles=1)
    assert claims.whole
    assert claims.protocol == (protocol if protocol > 1 else 0)
    assert {"builtins.complex", "builtins.ValueError"} <= claims.names
    assert claims.storages == []
    for cut in range(0, len(pickled), 7):
        assert not claims_of(io.BytesIO(pickled[:cut]), cut, pickles=1).whole


@pytest.mark.parametrize("end", [b"t.", b"u.", b"Q.", b"h\x07."])
def test_a_stack_that_has_nothing(end: bytes) -> None:
    assert not claims_of(io.BytesIO(b"\x80\x02" + end), 9).whole

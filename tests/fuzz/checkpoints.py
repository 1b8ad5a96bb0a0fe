"""Headers of checkpoints: zip, older pickles, safetensors, whole and in a sound container."""

import argparse
import io
import json
import pathlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fuzz.target import Target

# One layer of little width: the header is most of the file.
SMALL = {
    "encoder_layers": 1,
    "encoder_embed_dim": 8,
    "encoder_ffn_embed_dim": 8,
    "encoder_attention_heads": 2,
    "conv_feature_layers": "[(8, 10, 5)] + [(8, 8, 4)]",
    "conv_pos": 4,
    "conv_pos_groups": 2,
}
PICKLE_TOKENS = (
    *(b"cos\nsystem\n", b"c__builtin__\neval\n", b"cnumpy\ndtype\n", b"cfairseq.x\nY\n", b"."),
    *(b"R", b"b", b"\x81", b"}", b"]", b"(", b"t", b"\x85", b"\x86", b"u", b"s", b"e", b"a", b"Q"),
    *(b"q\x00", b"h\x00", b"N", b"K\x01", b"J\xff\xff\xff\xff", b"\x80\x04", b"X\x04\0\0\0spam"),
    b"ctorch._utils\n_rebuild_tensor_v2\n",
)
JSON_TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"F32", b"BF16", b"F8_E4M3", b"I64", b"Q9", b"-1"),
    *(
        b"0",
        b"99999999999999999999",
        b"1e400",
        b"null",
        b"__metadata__",
        b"data_offsets",
        b"\\u0000",
    ),
    *(b"architecture", b"encoder_layers", b"weights_sha256"),
)


def _state() -> Mapping[str, Any]:
    from sdd.detector import Detector, find_architecture

    detector = Detector(find_architecture(SMALL))
    detector.initialise(1)
    return detector.state_dict()


def _contents() -> list[dict[str, Any]]:
    import numpy as np

    state = _state()
    wrapped = {f"module.{name}": value for name, value in state.items()}
    beside = {"lr": np.float64(1), "path": pathlib.PurePosixPath("/a"), "curve": np.arange(3)}
    args = argparse.Namespace(**SMALL, encoder=beside)
    return [dict(state), {"model": state, "args": args}, {"state_dict": wrapped, **beside}]


def _saved(*, zipped: bool) -> list[bytes]:
    import torch

    contents = []
    for content in _contents():
        buffer = io.BytesIO()
        torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
        contents.append(buffer.getvalue())
    return contents


def _pickles(folder: Path) -> list[bytes]:
    contents = []
    for data in _saved(zipped=True):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            contents.append(archive.read("archive/data.pkl"))
    return contents


def _in_zip(pickled: bytes) -> bytes:
    """Put a changed pickle into a zip whose checksums hold; its storages are of zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
        for number in range(60):
            archive.writestr(f"archive/data/{number}", bytes(4 * 640))
    return buffer.getvalue()


def _safetensors(folder: Path) -> list[bytes]:
    from safetensors.torch import save

    state = dict(_state())
    metadata = {"format": "pt", "architecture": json.dumps(SMALL)}
    return [save(state, metadata), save(state)]


def _load(folder: Path, path: Path) -> None:
    from sdd.detector import load_detector

    load_detector(path, SMALL)


def _load_named(folder: Path, path: Path) -> None:
    from sdd.detector import load_detector

    load_detector(path)


TARGETS = (
    Target(
        "checkpoint-zip", "a.ckpt", lambda _: _saved(zipped=True), _load, PICKLE_TOKENS, inputs=100
    ),
    Target(
        "checkpoint-legacy",
        "a.pt",
        lambda _: _saved(zipped=False),
        _load,
        PICKLE_TOKENS,
        inputs=100,
    ),
    Target("checkpoint-pickle", "b.ckpt", _pickles, _load, PICKLE_TOKENS, _in_zip, inputs=100),
    Target("safetensors", "a.safetensors", _safetensors, _load, JSON_TOKENS, inputs=100),
    Target(
        "safetensors-named", "b.safetensors", _safetensors, _load_named, JSON_TOKENS, inputs=100
    ),
)

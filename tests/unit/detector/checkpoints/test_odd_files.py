"""Checkpoints as people have them: wrapped, spread, foreign, damaged, or no checkpoint."""

import argparse
import collections
import datetime
import enum
import json
import logging
import os
import pathlib
import pickle
import sys
import types
import uuid
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sdd.cli import main
from sdd.detector import load_detector, load_pretrained, save_detector
from sdd.detector.checkpoints import file_formats
from sdd.detector.checkpoints.loading import stored_architecture
from sdd.detector.checkpoints.reading import read_checkpoint
from sdd.detector.checkpoints.stand_ins import is_harmless
from sdd.detector.checkpoints.weight_names import without_wrappers
from sdd.errors import InputError
from tests.helpers.closed_folders import closed, folder_for_others
from tests.helpers.tiny_detectors import FC1, LARGE, PREFIX, assert_same, authors_state, make

LAYOUTS = {"zip": True, "legacy": False}


def save(content, path, layout="zip"):
    torch.save(content, path, _use_new_zipfile_serialization=LAYOUTS[layout])
    return path


def refused(path, message, architecture=LARGE):
    with pytest.raises(InputError, match=message) as caught:
        load_detector(path, architecture)
    text = str(caught.value)
    assert str(path) in text
    for wrong in ("weights_only", "add_safe_globals", "delete"):
        assert wrong not in text
    return text


# ----------------------------------------------------------------------------------- prefixes


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "model.",
        "net.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model._orig_mod.",
        "module.model.net.",
        "_fsdp_wrapped_module._checkpoint_wrapped_module.",
    ],
)
@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "module"])
def test_prefixes_of_wrappers(tmp_path, prefix, key):
    detector = make()
    state = {prefix + name: value for name, value in authors_state(detector).items()}
    content = state if key is None else {key: state, "epoch": 3, "hyper_parameters": {"lr": 1e-6}}
    assert_same(load_detector(save(content, tmp_path / "a.ckpt"), LARGE), detector)


def test_prefixes_of_an_encoder_and_of_safetensors(tmp_path):
    detector = make()
    encoder = {f"module.{name}": value for name, value in detector.encoder.state_dict().items()}
    save({"model": encoder}, tmp_path / "a.pt")
    assert_same(load_pretrained(tmp_path / "a.pt", LARGE, seed=1).encoder, detector.encoder)
    refused(tmp_path / "a.pt", "pre-trained encoder, not a detector")
    state = {f"_orig_mod.{name}": value for name, value in authors_state(detector).items()}
    save_file(state, tmp_path / "a.safetensors")
    assert_same(load_detector(tmp_path / "a.safetensors", LARGE), detector)


def test_a_part_that_was_wrapped_alone(tmp_path):
    detector = make()
    state = {
        name.replace("m_ssl.", "m_ssl._orig_mod.module."): value
        for name, value in authors_state(detector).items()
    }
    assert_same(load_detector(save(state, tmp_path / "a.ckpt"), LARGE), detector)


def test_many_names_are_each_looked_at_a_few_times():
    looked = []

    class Counted(str):
        __slots__ = ()

        def startswith(self, *prefix):
            looked.append(1)
            return super().startswith(*prefix)

    names = [Counted(f"x{number}.weight") for number in range(300)]
    assert list(without_wrappers(dict.fromkeys(names))) == names
    assert len(looked) < 20 * len(names)


def test_a_prefix_that_not_all_carry_stays(tmp_path):
    state = authors_state(make())
    state["module." + FC1] = state.pop(FC1)
    text = refused(save(state, tmp_path / "a.ckpt"), r"left over: module\.m_ssl\.model")
    assert "1 of 28 names" not in text
    assert "names begin with 'module.', which is taken off only where all do" in text


def test_still_strict_without_its_prefix(tmp_path):
    state = {f"module.{name}": value for name, value in authors_state(make()).items()}
    missing = {name: value for name, value in state.items() if FC1 not in name}
    refused(save(missing, tmp_path / "a.ckpt"), rf"missing: {FC1}")
    save({**state, "module.loss.weight": torch.ones(3)}, tmp_path / "a.ckpt")
    refused(tmp_path / "a.ckpt", r"left over: loss\.weight \[3\]")


# ------------------------------------------------------------------------- other programs' names


def renamed(rules):
    state = authors_state(make())
    for old, new in rules:
        state = {name.replace(old, new): value for name, value in state.items()}
    return state


HUGGING_FACE = [
    (PREFIX, "wav2vec2."),
    ("self_attn.", "attention."),
    ("conv_layers.0.0.", "conv_layers.0.conv."),
    ("post_extract_proj", "feature_projection.projection"),
    ("proj_fc", "classifier"),
]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (HUGGING_FACE, "a model of Hugging Face transformers.*take fairseq's file"),
        ([*HUGGING_FACE, ("classifier", "proj_fc")], "a model of Hugging Face transformers"),
        ([*HUGGING_FACE, ("wav2vec2.", "")], "a model of Hugging Face transformers"),
        ([("m_ssl.", "ssl_model."), ("proj_fc", "LL")], "SSL_Anti-spoofing"),
        ([("proj_fc", "base_model.model.x.lora_A")], "an adapter"),
        (
            [(PREFIX + "encoder.layers", "encoder.transformer.layers"), ("proj_fc", "aux")],
            "a model of torchaudio",
        ),
        ([("proj_fc", "head"), (PREFIX, "backbone.")], "no detector that is known here. Its names"),
    ],
)
def test_names_of_other_programs(tmp_path, rules, message):
    text = refused(save(renamed(rules), tmp_path / "a.ckpt"), message)
    assert "pre-trained encoder, not a detector" not in text


def test_shards_and_their_index(tmp_path):
    state = authors_state(make())
    path = tmp_path / "model-00001-of-00002.safetensors"
    save_file(dict(list(state.items())[:5]), path)
    refused(path, "one of 2 shards of a checkpoint: join the shards")
    path = tmp_path / "model-00002-of-00002.safetensors"
    save_file(dict(list(state.items())[5:]), path)
    refused(path, "one of 2 shards")
    # A file that holds all of it may be called so.
    save_file(state, tmp_path / "model-00001-of-00001.safetensors")
    load_detector(tmp_path / "model-00001-of-00001.safetensors", LARGE)
    index = tmp_path / "pytorch_model.bin.index.json"
    names = dict.fromkeys(state, "pytorch_model-00001-of-00002.bin")
    index.write_text(json.dumps({"metadata": {}, "weight_map": names}, indent=1))
    refused(index, r"index of a checkpoint in 1 shards \(pytorch_model-00001-of-00002\.bin\): join")
    index.write_text('{"model_type": "wav2vec2"}')
    refused(index, "it is JSON, a configuration perhaps")


# ------------------------------------------------------------------------- beside the weights


class Mode(enum.Enum):
    A = "a"


def module_of(name, **attributes):
    module = types.ModuleType(name)
    for key, value in attributes.items():
        value.__module__ = name
        setattr(module, key, value)
    return module


class AttributeDict(dict):
    __getattr__ = dict.__getitem__


class ListConfig(list):
    pass


BESIDE = {
    "numpy scalars": {"best": np.float64(0.5), "n": np.int64(3), "b": np.bool_(True)},
    "numpy arrays": {
        "curve": np.arange(3),
        "f": np.zeros((2, 2), np.float32),
        "s": np.array(["x"]),
    },
    "paths": argparse.Namespace(
        path=pathlib.PurePosixPath("/a/b"), win=pathlib.PureWindowsPath("c")
    ),
    "concrete path": {"path": pathlib.Path("/a/b")},
    "dates": {
        "when": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "took": datetime.timedelta(seconds=3),
        "day": datetime.date(2026, 1, 1),
    },
    "containers": {
        "d": collections.defaultdict(list, a=[1]),
        "q": collections.deque([1, 2], 5),
        "s": {1, 2},
        "f": frozenset({3}),
        "r": range(3),
        "n": types.SimpleNamespace(x=1),
        "u": uuid.UUID(int=5),
    },
    "generator": {"rng": np.random.default_rng(0), "state": np.random.RandomState(0).get_state()},
    "optimiser": {"schedule": torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", BESIDE)
def test_what_lies_beside_the_weights(tmp_path, kind, layout):
    detector = make()
    content = {"model": authors_state(detector), "extra": BESIDE[kind]}
    assert_same(load_detector(save(content, tmp_path / "a.ckpt", layout), LARGE), detector)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_settings_of_packages_are_never_imported(tmp_path, layout, monkeypatch):
    detector = make()
    mode = enum.Enum("Mode", {"A": "a"})
    modules = [
        module_of("fairseq"),
        module_of("fairseq.dataclass", Mode=mode),
        module_of("pytorch_lightning"),
        module_of("pytorch_lightning.parsing", AttributeDict=AttributeDict, ListConfig=ListConfig),
    ]
    mode.__qualname__ = "Mode"
    with monkeypatch.context() as patch:
        for module in modules:
            patch.setitem(sys.modules, module.__name__, module)
        hyper = AttributeDict(lr=1e-6, mode=mode.A, sizes=ListConfig([1, 2]))
        hyper.extra = 3
        content = {"state_dict": authors_state(detector), "hyper_parameters": hyper}
        save(content, tmp_path / "a.ckpt", layout)
    assert "fairseq.dataclass" not in sys.modules
    assert_same(load_detector(tmp_path / "a.ckpt", LARGE), detector)
    assert "fairseq.dataclass" not in sys.modules


@pytest.mark.parametrize("layout", LAYOUTS)
def test_classes_of_the_users_own_get_the_remedy(tmp_path, layout):
    content = {"model": authors_state(make()), "mode": Mode.A}
    text = refused(save(content, tmp_path / "a.ckpt", layout), "was refused and nothing of it was")
    assert "test_odd_files.Mode" in text
    assert "torch.save({'model': model.state_dict()}, FILE)" in text


def test_a_whole_model_gets_the_remedy(tmp_path):
    save(torch.nn.Linear(2, 2), tmp_path / "a.ckpt")
    message = (
        r"holds a torch\.nn\.modules\.linear\.Linear \(a whole model, .*save its weights alone"
    )
    refused(tmp_path / "a.ckpt", message)
    save({"epoch": 3, "optimizer": {}}, tmp_path / "a.ckpt")
    refused(tmp_path / "a.ckpt", "holds no weights where they are looked for: it has 'epoch', 'opt")
    state = {**authors_state(make()), FC1: np.ones(3)}
    refused(save(state, tmp_path / "a.ckpt"), rf"'{FC1}' is a numpy.*where a tensor should be")


class Command:
    def __init__(self, function, argument):
        self.call = function, (argument,)

    def __reduce__(self):
        return self.call


def touch(path):
    pathlib.Path(path).touch()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "function", [os.system, eval, exec, touch, pathlib.Path.touch, os.mkdir, __import__]
)
def test_calls_are_refused_and_leave_no_trace(tmp_path, layout, function):
    trace = tmp_path / "trace"
    argument = {
        os.system: f"touch {trace}",
        eval: f"__import__('pathlib').Path({str(trace)!r}).touch()",
        exec: f"import pathlib; pathlib.Path({str(trace)!r}).touch()",
        __import__: "antigravity",
        pathlib.Path.touch: trace,
    }.get(function, str(trace))
    bomb = Command(function, argument)
    save({"model": authors_state(make()), "x": np.float64(1), "y": bomb}, tmp_path / "a", layout)
    refused(tmp_path / "a", "was refused and nothing of it was executed: it names")
    assert not trace.exists()
    assert "antigravity" not in sys.modules
    if function is not __import__:
        pickle.loads(pickle.dumps(bomb))  # The payload is live: only the reader was careful.
        assert trace.exists()


def test_names_that_are_bound_to_nothing():
    for name in ("os.system", "posix.system", "subprocess.Popen", "builtins.eval", "numpy.load"):
        assert not is_harmless(name)
    for name in ("numpy.testing._private.utils.runstring", "torch.hub.load", "pip.main", "x.y"):
        assert not is_harmless(name)


def test_a_pickle_of_another_protocol_is_told(tmp_path):
    torch.save(authors_state(make()), tmp_path / "a.ckpt", pickle_protocol=4)
    refused(tmp_path / "a.ckpt", "a pickle of protocol 4.*whose protocol is 2")


# ------------------------------------------------------------------------------ kinds of tensors


@pytest.mark.filterwarnings("ignore:(torch.quantize|Sparse CSR)")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ones: ones.to(torch.float8_e4m3fn), "quantised to torch.float8_e4m3fn"),
        (lambda ones: ones.to(torch.float8_e5m2), "quantised to torch.float8_e5m2"),
        (
            lambda ones: torch.quantize_per_tensor(ones, 0.1, 0, torch.qint8),
            "quantised to torch.qint8",
        ),
        (lambda _: torch.ones(64, 32, device="meta"), "on the meta device"),
        (lambda ones: ones.to_sparse(), r"sparse or nested \(torch.sparse_coo\): .*to_dense"),
        (lambda ones: ones.to_sparse_csr(), r"sparse or nested \(torch.sparse_csr\)"),
        (
            lambda _: torch.ones(64, 32, dtype=torch.complex64),
            "of type torch.complex64, not floating",
        ),
        (lambda _: torch.ones(64, 32, dtype=torch.uint8), "of type torch.uint8, not floating"),
    ],
)
def test_tensors_that_are_no_plain_numbers(tmp_path, change, message):
    state = {**authors_state(make()), FC1: change(torch.ones(64, 32))}
    refused(save(state, tmp_path / "a.ckpt"), rf"weight {FC1} is {message}")


# --------------------------------------------------------------------------- files and their bytes


@pytest.mark.parametrize("made", ["a.safetensors", "a.ckpt", "a.pt"])
def test_content_counts_and_not_the_name(tmp_path, made):
    detector = make()
    if made == "a.safetensors":
        save_detector(detector, tmp_path / made)
    else:
        save(authors_state(detector), tmp_path / made, "zip" if made == "a.ckpt" else "legacy")
    for name in ("x.ckpt", "x.safetensors", "x.pth", "x.bin", "x"):
        (tmp_path / name).write_bytes((tmp_path / made).read_bytes())
        assert_same(load_detector(tmp_path / name, LARGE), detector)
    if made == "a.safetensors":
        assert stored_architecture(tmp_path / "x.ckpt") == detector.architecture
    else:
        with pytest.raises(InputError, match="does not say what architecture"):
            load_detector(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a checkpoint: it is empty. Get it anew"),
        (b"<!DOCTYPE html>\n<html>", "it is a web page, .*Get it anew"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer.*`git lfs pull`"),
        (b"\x1f\x8b\x08\0" + b"x" * 99, "a gzip archive: unpack it"),
        (b"x" * 257 + b"ustar\0" + b"x" * 99, "a tar archive: unpack it"),
        (b"\0" * 5000, "empty space .*a download that did not end"),
        (b"hello world, this is text", "neither of torch.save nor safetensors"),
        (b"\x89HDF\r\n\x1a\n" + b"x" * 99, "an HDF5 file"),
        (b"PK\x05\x06" + b"\0" * 18, "a zip archive of nothing"),
        (b"PK\x03\x04" + b"x" * 99, "cannot be read as a checkpoint .*Get it anew"),
    ],
)
@pytest.mark.parametrize("name", ["a.ckpt", "a.safetensors"])
def test_files_that_are_no_checkpoint(tmp_path, content, message, name):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, message)


def test_an_archive_of_a_checkpoint_and_a_folder(tmp_path):
    save(authors_state(make()), tmp_path / "model.ckpt")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "model.ckpt", "model.ckpt")
    refused(tmp_path / "a.zip", r"none of torch\.save: it holds model\.ckpt\. Unpack it")
    refused(tmp_path, r"is a folder, not a checkpoint file: name one of model\.ckpt")
    (tmp_path / "distributed").mkdir()
    (tmp_path / "distributed/__0_0.distcp").touch()
    refused(tmp_path / "distributed", "sharded checkpoint of torch.distributed; join it")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = save(authors_state(make()), tmp_path / "a.ckpt")

    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(pathlib.Path, "open", refuse)  # as root, every file may be read
    text = refused(path, r"you are not permitted to read it \(Permission denied\): correct its")
    assert "truncated" not in text


def test_a_name_too_long_and_a_closed_folder(tmp_path):
    refused(tmp_path / f"{300 * 'x'}.ckpt", "cannot be read as a checkpoint: File name too long")
    with folder_for_others() as top:
        (top / "mine").mkdir()
        with closed({top / "mine": 0}):
            refused(top / "mine/a.ckpt", r"you are not permitted to read it \(Permission denied\)")


@pytest.mark.parametrize("place", [0.3, 0.5, 0.9])
def test_a_flipped_byte_is_noticed_where_a_checksum_is_known(tmp_path, place, caplog):
    caplog.set_level(logging.INFO)
    save(authors_state(make()), tmp_path / "a.ckpt")
    save_detector(make(), tmp_path / "a.safetensors")
    for name, message in (("a.ckpt", "CRC-32 differs"), ("a.safetensors", "weights_sha256")):
        data = bytearray((tmp_path / name).read_bytes())
        # Within the weights, which are most of either file.
        position = int(place * len(data))
        data[position] ^= 1
        load_detector(tmp_path / name, LARGE)
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name, message)
    assert "would not be noticed" not in caplog.text


def test_where_no_checksum_is_known_it_is_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    state = authors_state(make())
    save_file(state, tmp_path / "a.safetensors")
    save(state, tmp_path / "a.pt", "legacy")
    torch.serialization.set_crc32_options(False)
    try:
        save(state, tmp_path / "a.ckpt")
    finally:
        torch.serialization.set_crc32_options(True)
    for name in ("a.safetensors", "a.pt", "a.ckpt"):
        caplog.clear()
        load_detector(tmp_path / name, LARGE)
        assert f"{name} has no checksum of its weights" in caplog.text


def test_a_compressed_zip_is_refused_before_it_is_unpacked(tmp_path):
    save(authors_state(make()), tmp_path / "a.ckpt")
    with (
        zipfile.ZipFile(tmp_path / "a.ckpt") as old,
        zipfile.ZipFile(tmp_path / "b.ckpt", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.namelist():
            new.writestr(entry, old.read(entry))
    refused(tmp_path / "b.ckpt", "is compressed, as torch.save never does")


def test_score_says_what_a_file_is_before_it_asks_for_an_architecture(tmp_path, capsys):
    (tmp_path / "a.ckpt").write_bytes(b"<html>")
    (tmp_path / "x.wav").touch()
    assert main(["score", "-m", str(tmp_path / "a.ckpt"), str(tmp_path / "x.wav")]) == 1
    assert "it is a web page" in capsys.readouterr().err


def test_the_weights_of_a_wrapped_file_are_found_once(tmp_path):
    state = {f"module.{name}": value for name, value in make().state_dict().items()}
    stored = read_checkpoint(save({"model": state, "ema": state}, tmp_path / "a.ckpt"))
    assert list(stored.tensors) == [name.removeprefix("module.") for name in state]


# --------------------------------------------------------------------------- found by fuzzing


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder_layer": 1}, "says it has cannot be used: Architecture key 'encoder_layer' is"),
        # Would be built for hours.
        (
            {"encoder_layers": 99_999},
            r"encoder_layers is 99999, and the file has \d+ weights in all",
        ),
        ({"encoder_ffn_embed_dim": 10**30}, "must be >= 1 and at most 1000000"),
        ({"conv_feature_layers": "[(8, 10, 5)] * 10**12"}, "says it has cannot be used"),
    ],
)
def test_an_architecture_that_cannot_be(tmp_path, change, message):
    metadata = {"architecture": json.dumps({**LARGE, **change})}
    save_file(make().state_dict(), tmp_path / "a.safetensors", metadata)
    refused(tmp_path / "a.safetensors", message, architecture=None)


def test_a_pickle_that_asks_for_exabytes(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"\x80\x02\x8e" + b"\xff" * 7 + b"\x7f" + b"x" * 99)
    refused(tmp_path / "a.pt", "cannot be read as a checkpoint")


@pytest.mark.parametrize("name", ["a.safetensors", "a.ckpt"])
def test_very_many_tensors_are_not_read(tmp_path, name, monkeypatch):
    """Only counted: their number is that of no detector."""
    tensors = {f"x{number}": torch.full((1,), float(number)) for number in range(30)}
    path = tmp_path / name
    if name == "a.ckpt":
        torch.save(tensors, path)
    else:
        save_file(tensors, path)
    monkeypatch.setattr(file_formats, "MOST_TENSORS", 30)
    assert len(read_checkpoint(path).tensors) == 30
    monkeypatch.setattr(file_formats, "MOST_TENSORS", 29)
    monkeypatch.setattr(torch, "load", None)
    refused(path, "has 30 tensors, and no detector has more than 29: it is another model")

"""Checkpoints in every layout: loaded strictly, or refused with what is wrong."""

import argparse
import json
import subprocess
import sys
import types

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdd.detector import (
    load_detector,
    load_encoder_weights,
    load_pretrained,
    save_detector,
)
from sdd.errors import InputError
from tests.helpers.tiny_detectors import (
    FC1,
    LARGE,
    PREFIX,
    TINY,
    assert_same,
    authors_state,
    encoder_state,
    make,
    pretraining,
)

# --- layouts ---


@pytest.mark.parametrize("under_model", [False, True])
@pytest.mark.parametrize("zipped", [True, False])
def test_antideepfake_checkpoint(tmp_path, detector, variant, under_model, zipped):
    path, state = tmp_path / "a.ckpt", authors_state(detector)
    content = {"model": state, "epoch": 3} if under_model else state
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    loaded = load_detector(path, architecture=variant)
    assert_same(loaded, detector)
    assert not loaded.training
    assert all(p.requires_grad and not p.is_meta for p in loaded.parameters())
    waveform = torch.randn(1, 2000)
    assert torch.equal(loaded(waveform), detector(waveform))


def test_safetensors_of_others(tmp_path, detector, variant):
    path = tmp_path / "model.safetensors"
    save_file(authors_state(detector), path)
    assert_same(load_detector(path, variant), detector)


def test_parametrised_weight_norm_names(tmp_path, detector, variant):
    state = authors_state(detector)
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        name = f"{PREFIX}encoder.pos_conv.0."
        state[f"{name}parametrizations.weight.{new}"] = state.pop(name + old)
    torch.save(state, tmp_path / "new.ckpt")
    assert_same(load_detector(tmp_path / "new.ckpt", variant), detector)


def omegaconf_like(values):
    """Build what omegaconf 2.0 pickles: nodes in containers with metadata, under its names."""
    modules = {"omegaconf": types.ModuleType("omegaconf")}
    classes = {
        "omegaconf.dictconfig.DictConfig": None,
        "omegaconf.listconfig.ListConfig": None,
        "omegaconf.nodes.AnyNode": None,
        "omegaconf.base.Metadata": None,
    }
    for full in classes:
        module, name = full.rsplit(".", 1)
        modules.setdefault(module, types.ModuleType(module))
        classes[full] = type(name, (), {"__module__": module})
        setattr(modules[module], name, classes[full])

    def build(value):
        if isinstance(value, dict):
            node = classes["omegaconf.dictconfig.DictConfig"]()
            node._content = {key: build(item) for key, item in value.items()}
        elif isinstance(value, list):
            node = classes["omegaconf.listconfig.ListConfig"]()
            node._content = [build(item) for item in value]
        else:
            node = classes["omegaconf.nodes.AnyNode"]()
            node._val = value
        node._metadata = classes["omegaconf.base.Metadata"]()
        node._metadata.object_type = dict
        node._parent = None
        return node

    return build(values), modules


def fairseq_content(kind, model, variant):
    """Return the content of a fairseq checkpoint and the modules that pickling it needs."""
    settings = {"_name": "wav2vec2", **variant, "latent_temp": [2.0, 0.5, 0.99], "mask_prob": 0.65}
    if kind == "args":
        return {"args": argparse.Namespace(**settings), "model": model}, {}
    content = {"args": None, "model": model, "last_optimizer_state": None}
    if kind == "omegaconf":
        cfg, modules = omegaconf_like({"_name": None, "model": settings, "task": {"data": "x"}})
        return {**content, "cfg": cfg}, modules
    return {**content, "cfg": {"model": settings}}, {}


@pytest.mark.parametrize("kind", ["args", "cfg", "omegaconf"])
def test_fairseq_checkpoint_as_front_end(tmp_path, detector, variant, kind, monkeypatch):
    path = tmp_path / "base.pt"
    model = encoder_state(detector) | pretraining()
    content, modules = fairseq_content(kind, model, variant)
    with monkeypatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        torch.save(content, path)
    loaded = load_pretrained(path, variant, seed=5)
    assert_same(loaded.encoder, detector.encoder)
    fresh = make(variant, seed=9)
    fresh.initialise_back_end(5)
    assert_same(loaded.proj_fc, fresh.proj_fc)
    load_encoder_weights(path, fresh)
    assert_same(fresh, loaded)
    loaded(torch.randn(2, 2000)).sum().backward()

    wrong = {**variant, "encoder_attention_heads": 8}
    with pytest.raises(InputError, match=r"encoder_attention_heads 4.*chosen for it has 8"):
        load_pretrained(path, wrong, seed=5)
    with pytest.raises(InputError, match="pre-trained encoder, not a detector"):
        load_detector(path, variant)


def test_another_stride_than_the_file_says_is_refused(tmp_path):
    content, _ = fairseq_content("args", encoder_state(make()), LARGE)
    torch.save(content, tmp_path / "base.pt")
    other = {**LARGE, "conv_feature_layers": "[(16, 10, 5)] + [(16, 8, 2)] * 2"}
    with pytest.raises(InputError, match="made with conv_feature_layers"):
        load_pretrained(tmp_path / "base.pt", other, seed=0)


def test_front_end_of_a_detector_file_keeps_type_and_back_end(tmp_path):
    save_detector(make(seed=1), tmp_path / "a.safetensors")
    target = make(seed=2).bfloat16()
    back_end = target.proj_fc.weight.clone()
    load_encoder_weights(tmp_path / "a.safetensors", target)
    assert torch.equal(target.proj_fc.weight, back_end)
    assert {p.dtype for p in target.parameters()} == {torch.bfloat16}
    expected = make(seed=1).encoder.bfloat16()
    assert_same(target.encoder, expected)


def test_types(tmp_path):
    half = make().bfloat16()
    save_detector(half, tmp_path / "half.safetensors")
    assert_same(load_detector(tmp_path / "half.safetensors"), half)
    whole = load_detector(tmp_path / "half.safetensors", dtype=torch.float32)
    assert_same(whole, make().bfloat16().float())
    state = make().state_dict()
    state["proj_fc.bias"] = state["proj_fc.bias"].half()
    torch.save(state, tmp_path / "mixed.ckpt")
    mixed = load_detector(tmp_path / "mixed.ckpt", LARGE)
    assert {p.dtype for p in mixed.parameters()} == {torch.float32}


# --- strictness ---


def changed(change):
    state = authors_state(make())
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(FC1), r"missing: m_ssl\.model\.encoder\.layers\.1\.fc1\.weight \[64, 32"),
        (lambda s: s.update({f"{PREFIX}x.weight": torch.ones(3)}), r"left over: .*x\.weight \[3\]"),
        (lambda s: s.update({"quantizer.y": torch.ones(3), "z": torch.ones(2)}), r"left over: z "),
        (lambda s: s.update({FC1: torch.ones(64, 31)}), r"shape: .*\[64, 31\] instead of \[64, 32"),
        (lambda s: s[FC1].view(-1)[5].fill_(float("nan")), r"layers\.1\.fc1\.weight .*not finite"),
        (lambda s: s[FC1].view(-1)[5].fill_(float("inf")), r"layers\.1\.fc1\.weight .*not finite"),
        (lambda s: s.update({FC1: torch.ones(64, 32, dtype=torch.int32)}), "int32, not floating"),
        (lambda s: s.update({FC1: 3}), "is a int where a tensor should be"),
        (lambda s: s.pop("proj_fc.bias"), r"missing: proj_fc\.bias \[2\]"),
    ],
)
def test_strict(tmp_path, change, message):
    torch.save(changed(change), tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=message) as caught:
        load_detector(tmp_path / "a.ckpt", LARGE)
    assert "a.ckpt" in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [TINY, {**LARGE, "encoder_layers": 3}, {**LARGE, "encoder_embed_dim": 48}]
)
def test_wrong_architecture_names_keys_and_shapes(tmp_path, wrong):
    save_detector(make(), tmp_path / "a.safetensors")
    state = load_file(tmp_path / "a.safetensors")
    save_file(state, tmp_path / "b.safetensors")
    with pytest.raises(InputError, match="does not fit the architecture") as caught:
        load_detector(tmp_path / "b.safetensors", wrong)
    assert len(str(caught.value)) < 3000


def test_architecture_that_fits_by_shape_only(tmp_path):
    save_detector(make(), tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"layer_norm_first True, .* has False"):
        load_detector(tmp_path / "a.safetensors", {**LARGE, "layer_norm_first": False})


def test_architecture_must_be_named_for_files_of_others(tmp_path):
    torch.save(authors_state(make()), tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="does not say what architecture"):
        load_detector(tmp_path / "a.ckpt")


def test_reading_leaves_no_global_allowed(tmp_path):
    # torch lists a set, in any order.
    before = set(torch.serialization.get_safe_globals())
    test_another_stride_than_the_file_says_is_refused(tmp_path)
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_peak_memory_of_loading_is_that_of_the_weights(tmp_path):
    # 50 million weights: 200 MB, well above the noise of the measurement.
    wide = {**LARGE, "encoder_embed_dim": 1024, "encoder_ffn_embed_dim": 4096, "encoder_layers": 4}
    path = tmp_path / "wide.ckpt"
    torch.save(make(wide).state_dict(), path)
    code = (
        "import json, re, sys, torch\n"
        "import sdd.detector.checkpoints.loading\n"
        "from sdd.detector import load_detector\n"
        # getrusage would start from the peak of this process.
        "status = lambda: open('/proc/self/status').read()\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', status())[1]) * 1024\n"
        "before = peak()\n"
        "load_detector(sys.argv[1], json.loads(sys.argv[2]))\n"
        "print(peak() - before)\n"
    )
    command = [sys.executable, "-c", code, str(path), json.dumps(wide)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    # Never less than the weights: the measure is alive.
    assert 0.9 <= int(result.stdout) / path.stat().st_size <= 1.15

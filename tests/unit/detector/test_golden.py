"""Ours against real fairseq: files that it wrote, and what it computed from them.

The golden files are made by tests/golden/make_golden.py, which says how.
"""

import json

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from sdd.detector import export_authors, load_detector, load_pretrained
from tests.helpers.paths import GOLDEN

VARIANTS = json.loads((GOLDEN / "variants.json").read_text())
LENGTHS = (400, 1234, 4000, 8017)
LABELS = torch.tensor([0, 1])


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


@pytest.fixture
def golden(variant):
    return load_file(GOLDEN / f"{variant}.safetensors")


@pytest.fixture
def detector(variant):
    return load_detector(GOLDEN / f"{variant}.ckpt", VARIANTS[variant])


@pytest.mark.parametrize("samples", LENGTHS)
def test_embeddings_and_logits_are_those_of_fairseq(variant, detector, golden, samples):
    embeddings, logits = detector.embed_and_logits(golden[f"waveforms.{samples}"])
    expected, scores = golden[f"embeddings.{samples}"], golden[f"logits.{samples}"]
    # What is compared is not near zero, and differs between the two waveforms.
    assert expected.abs().max() > 0.5
    assert (scores[0] - scores[1]).abs().max() > 1e-4
    torch.testing.assert_close(embeddings, expected, atol=5e-6, rtol=0)
    bound = 2e-6 if variant.startswith("hubert") else 1e-6
    torch.testing.assert_close(logits, scores, atol=bound, rtol=0)


def test_gradients_are_those_of_fairseq(detector, golden):
    for samples in LENGTHS:
        logits = detector(golden[f"waveforms.{samples}"])
        (F.cross_entropy(logits, LABELS) / len(LENGTHS)).backward()
    compared = {f"gradient.{name}" for name, _ in detector.named_parameters()}
    # fairseq gives no gradient to what only pre-training uses, and so has no others.
    assert compared == {name for name in golden if name.startswith("gradient.")}
    for name, parameter in detector.named_parameters():
        expected = golden[f"gradient.{name}"]
        torch.testing.assert_close(parameter.grad, expected, atol=1e-6, rtol=0, msg=name)


def test_fairseq_file_holds_the_same_encoder(variant, detector):
    """The `.pt` has a real omegaconf configuration, or a Namespace, around the same weights."""
    loaded = load_pretrained(GOLDEN / f"{variant}.pt", VARIANTS[variant], seed=3)
    for name, value in detector.encoder.state_dict().items():
        assert torch.equal(loaded.encoder.state_dict()[name], value), name


def test_export_holds_what_the_authors_file_held(variant, detector, tmp_path):
    export_authors(detector, tmp_path / "out.ckpt")
    theirs = torch.load(GOLDEN / f"{variant}.ckpt", weights_only=True)
    ours = torch.load(tmp_path / "out.ckpt", weights_only=True)
    pretraining = ("quantizer.", "project_q.", "final_proj.", "mask_emb", "label_embs_concat")
    kept = {
        name: value
        for name, value in theirs.items()
        if not name.removeprefix("m_ssl.model.").startswith(pretraining)
    }
    assert ours.keys() == kept.keys()
    for name, value in kept.items():
        assert torch.equal(ours[name], value), name

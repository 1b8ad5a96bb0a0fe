"""Tiny detectors of both kinds, and what checkpoints of them hold."""

import torch

from sdd.detector import Detector, find_architecture

TINY = {
    "encoder_layers": 2,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 64,
    "encoder_attention_heads": 4,
    "conv_feature_layers": "[(16, 10, 5)] + [(16, 8, 4)] * 2",
    "conv_pos": 16,
    "conv_pos_groups": 4,
}
LARGE = {**TINY, "extractor_mode": "layer_norm", "layer_norm_first": True, "conv_bias": True}
VARIANTS = {"group_norm_post": TINY, "layer_norm_pre": LARGE}
PREFIX = "m_ssl.model."
FC1 = f"{PREFIX}encoder.layers.1.fc1.weight"
# What fairseq's model holds for pre-training, under its names.
PRETRAINING = {
    "mask_emb": (32,),
    "quantizer.vars": (1, 16, 8),
    "quantizer.weight_proj.weight": (16, 16),
    "quantizer.weight_proj.bias": (16,),
    "project_q.weight": (16, 16),
    "project_q.bias": (16,),
    "final_proj.weight": (16, 32),
    "final_proj.bias": (16,),
}


def make(variant=LARGE, seed=1):
    detector = Detector(find_architecture(variant))
    detector.initialise(seed)
    return detector.eval()


def encoder_state(detector):
    return {name: value.clone() for name, value in detector.encoder.state_dict().items()}


def pretraining(prefix=""):
    return {prefix + name: torch.randn(shape) for name, shape in PRETRAINING.items()}


def authors_state(detector):
    return {name: value.clone() for name, value in detector.state_dict().items()} | pretraining(
        PREFIX
    )


def assert_same(one, other):
    first, second = one.state_dict(), other.state_dict()
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert value.dtype == second[name].dtype
        assert torch.equal(value, second[name]), name

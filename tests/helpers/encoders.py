"""Tiny detectors whose every parameter is off its initial value, and noise to put through them."""

import torch

from sdd.detector import Detector, find_architecture

TINY = {
    "encoder_layers": 3,
    "encoder_embed_dim": 48,
    "encoder_ffn_embed_dim": 96,
    "encoder_attention_heads": 4,
    "conv_feature_layers": "[(24, 10, 5)] + [(24, 3, 2)] * 4 + [(24,2,2)] * 2",
    "conv_pos": 16,
    "conv_pos_groups": 4,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}
VARIANTS = {
    "layer_norm_pre": {
        **TINY,
        "extractor_mode": "layer_norm",
        "layer_norm_first": True,
        "conv_bias": True,
    },
    "group_norm_post": {**TINY},
    "odd_kernel_equal_width": {
        **TINY,
        "extractor_mode": "layer_norm",
        "conv_pos": 15,
        "conv_feature_layers": "[(48, 10, 5), (48, 4, 4)]",
        "activation_fn": "relu",
    },
}
AUTHORS = ["layer_norm_pre", "group_norm_post"]


def make(variant, **changes):
    """Build a detector whose every parameter, norms and biases too, is off its initial value."""
    detector = Detector(find_architecture({**VARIANTS[variant], **changes}))
    detector.initialise(1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in detector.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return detector.eval()


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

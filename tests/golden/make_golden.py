# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = ["fairseq==0.12.2", "torch==2.14.1", "numpy==2.4.6", "safetensors", "tqdm"]
# ///
"""Make the golden files with real fairseq: tiny detectors, their files, scores and gradients.

`uv run --script tests/golden/make_golden.py [FOLDER]` writes into this folder, or another:

{variant}.ckpt         AntiDeepfake's layout: the state dict of their model, with what only
                       pre-training uses
{variant}.pt           fairseq's layout: its configuration (omegaconf, or a Namespace) and weights
{variant}.safetensors  inputs of four lengths; fairseq's embeddings, logits, and gradients of the
                       mean over lengths of the cross entropy
variants.json          fairseq's configuration of each
"""

import argparse
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "src"))

from sdd.detector.fairseq_reference import (
    HUBERT,
    FairseqDetector,
    label_dictionary,
    model_config,
)

LENGTHS = (400, 1234, 4000, 8017)
LABELS = torch.tensor([0, 1])
LABELS_OF_HUBERT = 12
ENCODER = {
    "encoder_layers": 2,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 64,
    "encoder_attention_heads": 4,
    "conv_feature_layers": "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16,2,2)] + [(16,2,2)]",
    "conv_pos": 16,
    "conv_pos_groups": 4,
    "final_dim": 16,
    "mask_prob": 0.65,
}
TINY = {**ENCODER, "quantize_targets": True, "latent_vars": 8}
# At 16 kHz the convolutions above make 50 frames a second.
TINY_HUBERT = {**ENCODER, "_name": HUBERT, "label_rate": 50.0, "untie_final_proj": True}
VARIANTS = {
    "layer_norm_pre": {
        **TINY,
        "extractor_mode": "layer_norm",
        "layer_norm_first": True,
        "conv_bias": True,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "dropout_input": 0.1,
    },
    "group_norm_post": {**TINY, "feature_grad_mult": 0.1, "encoder_layerdrop": 0.05},
    # HuBERT's large kinds (no bias in the convolutions) and its base.
    "hubert_layer_norm_pre": {
        **TINY_HUBERT,
        "extractor_mode": "layer_norm",
        "layer_norm_first": True,
        "dropout": 0.0,
        "attention_dropout": 0.0,
    },
    "hubert_group_norm_post": {**TINY_HUBERT, "feature_grad_mult": 0.1, "encoder_layerdrop": 0.05},
}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name, keys in VARIANTS.items():
        torch.manual_seed(0)
        detector = perturbed(FairseqDetector(keys, labels=LABELS_OF_HUBERT)).eval()
        torch.save(detector.state_dict(), folder / f"{name}.ckpt")
        torch.save(fairseq_checkpoint(detector.m_ssl.model, keys, name), folder / f"{name}.pt")
        save_file(scores(detector), folder / f"{name}.safetensors")
    text = json.dumps(VARIANTS, indent=1)
    (folder / "variants.json").write_text(f"{text}\n", encoding="utf-8")


@torch.no_grad()
def perturbed(detector: FairseqDetector) -> FairseqDetector:
    """Move every parameter off its initial value, norms and biases too."""
    for parameter in detector.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    return detector


def scores(detector: FairseqDetector) -> dict[str, torch.Tensor]:
    """Give inputs, embeddings and logits by length, and gradients by parameter."""
    result = {}
    for samples in LENGTHS:
        waveforms = 0.1 * torch.randn(len(LABELS), samples)
        embeddings, logits = detector.embed_and_logits(waveforms)
        (F.cross_entropy(logits, LABELS) / len(LENGTHS)).backward()
        result[f"waveforms.{samples}"] = waveforms
        result[f"embeddings.{samples}"] = embeddings.detach()
        result[f"logits.{samples}"] = logits.detach()
    gradients = {name: p.grad for name, p in detector.named_parameters() if p.grad is not None}
    return result | {f"gradient.{name}": gradient for name, gradient in gradients.items()}


def fairseq_checkpoint(
    model: torch.nn.Module, keys: dict[str, object], variant: str
) -> dict[str, object]:
    """Lay a model out as fairseq's trainer does; its configuration in one of the three forms."""
    from omegaconf import OmegaConf

    config = vars(model_config(keys))
    plain = {key: getattr(v, "value", v) for key, v in config.items()}
    plain["_name"] = name = keys.get("_name", "wav2vec2")
    hubert = name == HUBERT
    content = {
        "model": model.state_dict(),
        "criterion": None,
        "optimizer_history": [{"optimizer_name": "FairseqAdam", "num_updates": 3}],
        "task_state": {"dictionaries": [label_dictionary(LABELS_OF_HUBERT)]} if hubert else {},
        "extra_state": {"epoch": 1},
        "last_optimizer_state": None,
    }
    if variant.endswith("layer_norm_pre"):
        cfg = OmegaConf.create({"_name": None, "common": {"seed": 1}, "model": plain})
        return {"args": None, "cfg": cfg, **content}
    return {"args": argparse.Namespace(arch=name, **plain), **content}


if __name__ == "__main__":
    main()

"""A corpus of a few tones that a tiny detector can learn in seconds."""

import numpy as np
import pytest
import soundfile
import torch

from sdd.data.segments import Segments
from sdd.detector import Detector, find_architecture

RATE = 16_000

torch.set_num_threads(1)

TINY = {
    "extractor_mode": "layer_norm",
    "conv_feature_layers": "[(16, 400, 160)] + [(16, 2, 2)]",
    "conv_bias": True,
    "layer_norm_first": True,
    "encoder_layers": 1,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 32,
    "encoder_attention_heads": 2,
    "conv_pos": 8,
    "conv_pos_groups": 2,
    "dropout": 0.1,
    "attention_dropout": 0.0,
    "dropout_input": 0.1,
}

RECIPE = {
    "round_seeds": "differ",
    "advantage": "group",
    "labels_from": "old",
    "old_policy_every": 3,
    "without_negatives": "ratio",
    "reference": "stage_start",
    "crop": {"longer_than": 0.5, "shortest": 0.3, "longest": 0.5},
    "padding": "masked",
    "rawboost": 5,
    "learning_rate": 3e-3,
    "weight_decay": 0.01,
    "adam_epsilon": 1e-6,
    "warm_up_steps": 2,
    "schedule_steps": 12,
    "decay_factor": 0.5,
    "schedule": "before_step",
    "max_gradient_norm": 100.0,
    "epochs": 100,
    "max_steps": 12,
    "validate_every": 5,
    "early_stopping": None,
    "selection": "eer",
    "validation_as_training": False,
    "batch_seconds": 3.0,
    "buckets": 3,
    "batch_durations": "cropped",
    "batch_order": "each_epoch",
    "batch_seed": "round",
    "precision": "fp32",
    "dropout": True,
    "score": "logit",
    "skip_suffixes": [],
}

GRPO = {
    "kind": "grpo",
    "group_size": 16,
    "beta": 0.04,
    "epsilon": 0.2,
    "std_floor": 1e-5,
    "on_policy": False,
    "negatives": True,
    "kl": "k3",
    "rollouts": "sampled",
}


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    """24 sounds: tones are real, noise is fake. Gives (segments, audio folder)."""
    folder = tmp_path_factory.mktemp("audio")
    generator = np.random.default_rng(1)
    files, ends, labels = [], [], []
    for number in range(24):
        seconds = 0.3 + 0.02 * number
        time = np.arange(int(seconds * RATE)) / RATE
        wave = 0.3 * np.sin(2 * np.pi * generator.uniform(150, 300) * time)
        if number % 2:
            wave = 0.1 * generator.standard_normal(len(time))
        soundfile.write(folder / f"{number}.flac", wave, RATE, subtype="PCM_16")
        files.append(f"{number}.flac")
        ends.append(len(time))
        labels.append("fake" if number % 2 else "real")
    text = [str(number) for number in range(24)]
    segments = Segments(
        segment_id=[f"tone-{name}" for name in text],
        source=text,
        label=labels,
        attack=["-"] * 24,
        speaker=["-"] * 24,
        path=[f"$ROOT/{name}.wav" for name in text],
        file=files,
        start=np.zeros(24, dtype=np.int64),
        end=np.array(ends, dtype=np.int64),
    )
    return segments, folder


@pytest.fixture
def tiny_detector():
    detector = Detector(find_architecture(TINY))
    detector.initialise(7)
    return detector

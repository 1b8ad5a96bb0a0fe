"""A corpus of a few tones that a tiny detector can learn in seconds."""

import random

import numpy as np
import pytest
import soundfile
import torch
import yaml
from hypothesis import settings

from sdd.data.audio import SAMPLE_RATE
from sdd.data.segments import Segments
from sdd.detector import Detector, find_architecture
from tests.helpers.paths import CHECKOUT

torch.set_num_threads(1)

# No deadline: it would be a test of how busy the machine is. `make test` and CI run `repeatable`.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("random")

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

# Recipe and objective are those of config.yaml, made small enough to train in seconds.
CONFIG = yaml.safe_load((CHECKOUT / "config.yaml").read_text(encoding="utf-8"))

RECIPE = {
    **CONFIG["recipes"]["as_written"],
    "old_policy_every": 3,
    "crop": {"longer_than": 0.5, "shortest": 0.3, "longest": 0.5},
    "learning_rate": 3e-3,
    "warm_up_steps": 2,
    "schedule_steps": 12,
    "decay_factor": 0.5,
    "epochs": 100,
    "max_steps": 12,
    "validate_every": 5,
    "batch_seconds": 3.0,
    "buckets": 3,
    "precision": "fp32",
}

GRPO = {**CONFIG["objectives"]["grpo"], "group_size": 16}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Choose the seed of random examples here, so that it can be printed and given again."""
    repeatable = config.getoption("--hypothesis-profile") == "repeatable"
    if not repeatable and config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


def pytest_report_header(config):
    seed = config.getoption("--hypothesis-seed")
    return f"examples: --hypothesis-seed={seed}" if seed else "examples: repeatable"


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    """24 sounds, tones real and noise fake: their segments, and the folder of their audio."""
    folder = tmp_path_factory.mktemp("audio")
    generator = np.random.default_rng(1)
    files, ends, labels = [], [], []
    for number in range(24):
        seconds = 0.3 + 0.02 * number
        time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        wave = 0.3 * np.sin(2 * np.pi * generator.uniform(150, 300) * time)
        if number % 2:
            wave = 0.1 * generator.standard_normal(len(time))
        soundfile.write(folder / f"{number}.flac", wave, SAMPLE_RATE, subtype="PCM_16")
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

"""Detectors as files for others: safetensors, the authors' form, and what they are as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path

from sdd.data.audio import SAMPLE_RATE
from sdd.detector.checkpoints.hub import USUAL_FILE
from sdd.detector.checkpoints.saving import export_authors, save_detector
from sdd.detector.checkpoints.weight_names import ARCHITECTURE_KEY, DIGEST_KEY
from sdd.detector.detector import Detector
from sdd.runtime.atomic_files import atomic_path

AUTHORS_FILE = "model.ckpt"
CONFIGURATION = "config.json"
# What `save_detector` writes itself.
_OWN_ENTRIES = (ARCHITECTURE_KEY, DIGEST_KEY, "format")


def write_detector(detector: Detector, folder: Path, metadata: Mapping[str, str]) -> None:
    """Write a detector into a folder: `model.safetensors`, `model.ckpt` and `config.json`.

    Parameters
    ----------
    metadata
        Of the file that it comes from, to be passed on.
    """
    passed_on = {key: value for key, value in metadata.items() if key not in _OWN_ENTRIES}
    save_detector(detector, folder / USUAL_FILE, passed_on)
    export_authors(detector, folder / AUTHORS_FILE)
    described = {
        "model_type": "antideepfake",
        "architecture": detector.architecture.as_dict(),
        "pooling": "mean over frames",
        "id2label": {"0": "fake", "1": "real"},
        "sampling_rate": SAMPLE_RATE,
        "normalisation": "each waveform to mean 0 and variance 1 (layer norm over its length)",
        "parameters": count_weights(detector),
    }
    with atomic_path(folder / CONFIGURATION) as temporary:
        temporary.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def count_weights(detector: Detector) -> int:
    """Count the weights of a detector."""
    return sum(weight.numel() for weight in detector.state_dict().values())

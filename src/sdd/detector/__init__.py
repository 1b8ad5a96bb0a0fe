"""Detectors: a wav2vec 2.0 encoder, the mean over its frames, and a linear layer of two logits.

`sdd.detector.architectures` needs no torch, so that a config is checked without the seconds that
torch takes. The names below are imported when they are first used.
"""

from typing import TYPE_CHECKING

from sdd import lazy_names

if TYPE_CHECKING:
    from sdd.detector.architectures import ARCHITECTURES, Architecture, find_architecture
    from sdd.detector.checkpoints.loading import (
        load_detector,
        load_encoder_weights,
        load_pretrained,
        read_metadata,
    )
    from sdd.detector.checkpoints.saving import export_authors, save_detector
    from sdd.detector.detector import Detector, normalise_waveforms

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "Detector",
    "export_authors",
    "find_architecture",
    "load_detector",
    "load_encoder_weights",
    "load_pretrained",
    "normalise_waveforms",
    "read_metadata",
    "save_detector",
]

__getattr__ = lazy_names(
    __name__,
    {
        "ARCHITECTURES": "architectures",
        "Architecture": "architectures",
        "Detector": "detector",
        "export_authors": "checkpoints.saving",
        "find_architecture": "architectures",
        "load_detector": "checkpoints.loading",
        "load_encoder_weights": "checkpoints.loading",
        "load_pretrained": "checkpoints.loading",
        "normalise_waveforms": "detector",
        "read_metadata": "checkpoints.loading",
        "save_detector": "checkpoints.saving",
    },
)

"""Detectors: a wav2vec 2.0 encoder, the mean over its frames, and a linear layer of two logits.

`sdd.detector.architectures` does not need torch. The names below that do are imported when they
are first used, so that a config can be checked without the seconds that torch takes.
"""

from typing import TYPE_CHECKING

from sdd.detector.architectures import ARCHITECTURES, Architecture, architecture

if TYPE_CHECKING:
    from sdd.detector.checkpoints.loading import (
        export_authors,
        load_detector,
        load_encoder_weights,
        load_pretrained,
        read_metadata,
        save_detector,
    )
    from sdd.detector.detector import Detector, normalise_waveforms

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "Detector",
    "architecture",
    "export_authors",
    "load_detector",
    "load_encoder_weights",
    "load_pretrained",
    "normalise_waveforms",
    "read_metadata",
    "save_detector",
]

_MODULES = {
    "Detector": "sdd.detector.detector",
    "normalise_waveforms": "sdd.detector.detector",
    "export_authors": "sdd.detector.checkpoints.loading",
    "load_detector": "sdd.detector.checkpoints.loading",
    "load_encoder_weights": "sdd.detector.checkpoints.loading",
    "load_pretrained": "sdd.detector.checkpoints.loading",
    "read_metadata": "sdd.detector.checkpoints.loading",
    "save_detector": "sdd.detector.checkpoints.loading",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_MODULES[name]), name)

"""Checkpoints as the workflow keeps them: safetensors with the detector's names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from sdd.detector.checkpoints.loading import (
    ARCHITECTURE_KEY,
    ENCODER_PREFIX,
    load_detector,
    load_pretrained,
    save_detector,
    sort_metadata,
)
from sdd.detector.detector import Detector
from sdd.runtime.atomic_files import atomic_path


def save_encoder(detector: Detector, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the encoder of a detector without its back end, as a pre-trained checkpoint.

    Parameters
    ----------
    detector
        On any device.
    path
        The file, ending in `.safetensors`; written atomically.
    metadata
        Entries such as licence and origin; the architecture is added.
    """
    weights = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in detector.state_dict().items()
        if name.startswith(ENCODER_PREFIX)
    }
    described = json.dumps(detector.architecture.as_dict())
    with atomic_path(path) as temporary:
        save_file(weights, temporary, {**metadata, ARCHITECTURE_KEY: described})
        sort_metadata(temporary)


def convert_checkpoint(
    source: Path,
    target: Path,
    architecture: str | Mapping[str, Any],
    *,
    encoder_only: bool,
    metadata: Mapping[str, str],
) -> None:
    """Read a published checkpoint, check it strictly, and write it as safetensors.

    Parameters
    ----------
    source
        AntiDeepfake's `.ckpt`, fairseq's `.pt`, or safetensors.
    target
        The file to write, atomically.
    architecture
        By name or as a mapping.
    encoder_only
        Whether the encoder alone is wanted (init `pre`); a back end in the file is then left out.
    metadata
        Written into the file.

    Raises
    ------
    InputError
        If the file does not fit the architecture: keys and shapes.
    """
    if encoder_only:
        # The back end is drawn only to be left out; its seed does not matter.
        save_encoder(load_pretrained(source, architecture, seed=0), target, metadata)
    else:
        save_detector(load_detector(source, architecture), target, metadata)

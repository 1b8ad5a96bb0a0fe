"""Checkpoints as the workflow keeps them: safetensors with the detector's names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdd.detector.checkpoints.loading import load_detector, load_pretrained
from sdd.detector.checkpoints.saving import save_detector, save_encoder


def convert_checkpoint(
    source: Path,
    target: Path,
    architecture: str | Mapping[str, Any],
    *,
    encoder_only: bool,
    metadata: Mapping[str, str],
) -> None:
    """Read a published checkpoint, check it strictly, and write it as safetensors, atomically.

    Parameters
    ----------
    source
        AntiDeepfake's `.ckpt`, fairseq's `.pt`, or safetensors.
    architecture
        A name, or fairseq's configuration keys.
    encoder_only
        Whether the encoder alone is wanted (init `pre`); a back end in the file is then left out.
    metadata
        Entries of the file that is written, such as licence and origin.

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

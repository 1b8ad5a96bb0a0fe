"""Saving detectors: the whole file or none, and equal files, byte for byte, of equal detectors."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from sdd.detector.checkpoints.weight_names import (
    ARCHITECTURE_KEY,
    DIGEST_KEY,
    ENCODER_PREFIX,
    weights_digest,
)
from sdd.detector.detector import Detector
from sdd.detector.lora import merged_weights
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path


def save_detector(
    detector: Detector, path: Path | str, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a detector as safetensors, atomically; its metadata has architecture and digest.

    Parameters
    ----------
    path
        Must end in `.safetensors`.
    metadata
        Further entries, such as licence and origin.

    Raises
    ------
    InputError
        If the name ends otherwise, or the metadata is not text or uses a key that is written here.
    """
    path, metadata = Path(path), dict(metadata or {})
    if path.suffix != ".safetensors":
        raise InputError(f"A detector is saved as safetensors: {path} must end in .safetensors.")
    for key, value in metadata.items():
        own = (ARCHITECTURE_KEY, DIGEST_KEY)
        if not isinstance(key, str) or not isinstance(value, str) or key in own:
            raise InputError(
                f"Metadata entry {key!r}: {value!r} cannot be saved; keys and values are text, and "
                f"{' and '.join(map(repr, own))} are written by save_detector itself."
            )
    # "format" is what other readers of safetensors look for.
    entries = {
        "format": "pt",
        **metadata,
        ARCHITECTURE_KEY: json.dumps(detector.architecture.as_dict(), sort_keys=True),
    }
    _write(_weights(detector), path, entries)


def save_encoder(detector: Detector, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the encoder of a detector without its back end, as a pre-trained checkpoint.

    Parameters
    ----------
    path
        Should end in `.safetensors`; written atomically.
    metadata
        Entries such as licence and origin; the architecture is added.
    """
    weights = {
        name: tensor
        for name, tensor in _weights(detector).items()
        if name.startswith(ENCODER_PREFIX)
    }
    described = json.dumps(detector.architecture.as_dict())
    _write(weights, path, {**metadata, ARCHITECTURE_KEY: described})


def export_authors(detector: Detector, path: Path | str) -> None:
    """Write a detector as AntiDeepfake's code reads it: torch.save of a plain state dict.

    Names are theirs, with the positional convolution as weight_g and weight_v. Parts of
    pre-training are not written: their loader keeps its own for what a file does not hold.

    Parameters
    ----------
    path
        Theirs end in `.ckpt`; written atomically.
    """
    with atomic_path(path) as temporary:
        torch.save(_weights(detector), temporary)


def _weights(detector: Detector) -> dict[str, Tensor]:
    # What was added to layers is merged into them: a file holds an ordinary detector.
    return {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in merged_weights(detector).items()
    }


def _write(weights: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    described = {**metadata, DIGEST_KEY: weights_digest(weights)}
    with atomic_path(path, durable=True) as temporary:
        save_file(weights, temporary, described)
        _sort_metadata(temporary)


def _sort_metadata(path: Path) -> None:
    """Sort the metadata of a safetensors file, which its writer leaves in a random order."""
    with path.open("r+b") as file:
        # The format: the header's size in 8 bytes, the header as JSON, the tensors.
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        # Tensors are found by their offset from the header's end, so its size must stay.
        if len(text) <= size:
            file.seek(8)
            file.write(text.ljust(size))

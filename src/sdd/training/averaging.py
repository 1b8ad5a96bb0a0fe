"""Weights between the start and the end of a stage of fine-tuning.

Wortsman et al., *Robust fine-tuning of zero-shot models*, arXiv 2109.01903 (WiSE-FT).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdd.detector.checkpoints.loading import load_detector, read_metadata
from sdd.detector.checkpoints.saving import save_detector
from sdd.training.finetuning import starting_detector


def average_stage(
    start: Path,
    end: Path,
    model: Path,
    *,
    architecture: str | Mapping[str, Any],
    weight: float,
    new_back_end: bool,
    seed: int,
) -> None:
    """Average the weights that a stage started from and those it ended in.

    Parameters
    ----------
    start, end
        The checkpoint or model that the stage started from, and the model that it made.
    model
        Where the average goes (safetensors), atomically.
    weight
        Of the end; 0 is the start, 1 the end.
    new_back_end, seed
        As the stage had them: a pre-trained encoder's back end is drawn again, to the same numbers.
    """
    started = starting_detector(start, architecture, new_back_end=new_back_end, seed=seed)
    ended = load_detector(end, architecture, dtype=torch.float32)
    first, last = started.state_dict(), ended.state_dict()
    averaged = {name: interpolate(first[name], last[name], weight) for name in last}
    ended.load_state_dict(averaged, assign=True)
    inherited = read_metadata(end)
    metadata = {key: value for key, value in inherited.items() if key in ("licence", "source")}
    metadata["objective"] = json.dumps({"kind": "average", "weight": weight})
    save_detector(ended, model, metadata)


def interpolate(start: Tensor, end: Tensor, weight: float) -> Tensor:
    """Return (1 - weight) start + weight end, computed in float64, in the type of the end."""
    return ((1 - weight) * start.double() + weight * end.double()).to(end.dtype)

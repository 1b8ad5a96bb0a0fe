"""AdamW of a recipe, and its moments from a saved state."""

from collections.abc import Mapping
from typing import Any

import torch

from sdd.detector.detector import Detector
from sdd.training.recipe import Recipe


def has_fused_step(device: torch.device) -> bool:
    """Tell whether AdamW takes its step in one kernel: on a GPU, where it else makes copies."""
    return device.type == "cuda"


def adamw(policy: Detector, recipe: Recipe) -> torch.optim.AdamW:
    """Make the optimiser of a policy, by the recipe."""
    return torch.optim.AdamW(
        policy.parameters(),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        eps=recipe.adam_epsilon,
        fused=True if has_fused_step(policy.device) else None,
    )


def load_moments(optimiser: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Put a saved optimiser's state back, whatever device it was saved from.

    Parameters
    ----------
    saved
        Its `state_dict`, which may be mapped from a file: nothing of it is kept.
    """
    # Which kernel computes the step belongs to the device of now.
    groups = [
        {**group, "fused": ours["fused"]}
        for group, ours in zip(saved["param_groups"], optimiser.param_groups, strict=True)
    ]
    optimiser.load_state_dict({**saved, "param_groups": groups})
    for moments in optimiser.state.values():
        for name, value in moments.items():
            if value.device.type == "cpu":
                # torch took the mapped tensor itself, and the file will be replaced or deleted.
                moments[name] = value.clone()

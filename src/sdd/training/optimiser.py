"""AdamW of a recipe, and its moments from a saved state."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sdd.detector.detector import Detector
from sdd.training.recipe import Recipe
from sdd.training.trained_weights import trained_parameters

# Below this share of the largest norm the factor is 1 however it is rounded.
_SURELY_SHORT = 0.99


class AdamW(torch.optim.AdamW):
    """torch's AdamW, without what it wraps its methods in for torch.compile.

    The wrappers import a compiler, which nothing here uses: 1.5 s of a processor in each job.
    """

    add_param_group = inspect.unwrap(torch.optim.AdamW.add_param_group)
    load_state_dict = inspect.unwrap(torch.optim.AdamW.load_state_dict)
    state_dict = inspect.unwrap(torch.optim.AdamW.state_dict)
    zero_grad = inspect.unwrap(torch.optim.AdamW.zero_grad)
    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


def has_fused_step(device: torch.device) -> bool:
    """Tell whether AdamW takes its step in one kernel: on a GPU, where it else makes copies."""
    return device.type == "cuda"


def adamw(policy: Detector, recipe: Recipe) -> AdamW:
    """Make the optimiser of what is trained of a policy, by the recipe."""
    return AdamW(
        trained_parameters(policy).values(),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        eps=recipe.adam_epsilon,
        fused=True if has_fused_step(policy.device) else None,
    )


def gradient_norm(policy: nn.Module) -> Tensor:
    """Return the Euclidean norm of the whole gradient: ``float32 []``."""
    gradients = [it.grad for it in policy.parameters() if it.grad is not None]
    return nn.utils.get_total_norm(gradients)


def clip_gradient(policy: nn.Module, norm: Tensor, known_norm: float, largest: float) -> None:
    """Scale the gradient to a norm of at most `largest`.

    A gradient well below that would be multiplied by 1, which reads and writes all of it: it is
    left alone, to the same bits.

    Parameters
    ----------
    norm, known_norm
        Of the gradient: where it was computed, and as the number that it is.
    """
    if known_norm > _SURELY_SHORT * largest:
        nn.utils.clip_grads_with_norm_(policy.parameters(), largest, norm)


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

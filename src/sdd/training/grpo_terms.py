"""The parts of the GRPO loss on two labels; `sdd.training.objectives` puts them together.

With two labels and a reward of 1 for the correct one, all that the loss needs of the G labels
sampled for an utterance is k, how many of them are correct: nothing here is of size B x G.
Write q = k / G, p and p' for the probabilities of the correct and of the wrong label, a "hat" for
those of the old policy, A and A' for the two advantages. The bracket of Eq. 12, averaged over the
G labels of an utterance, is

    a min(p / p^, 1 + epsilon) + a' max(p' / p'^, 1 - epsilon) - beta L_p,
    a = q A >= 0,   a' = (1 - q) A' <= 0,

because the sign of an advantage decides which side of the clipping can be active. The loss is its
negative (the minus of Eq. 3, which Eq. 12 lacks), averaged over the utterances. Replacing q, a and
a' by their expectations over k ~ Binomial(G, p^) gives the expected loss in closed form.
"""

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from sdd.errors import InputError

Normalise = Literal["group", "batch", "none"]
Negatives = Literal["grpo", "none", "released_none"]
Divergence = Literal["k3", "exact"]

LogProbabilities = tuple[Tensor, Tensor]
"""log p of the correct and of the wrong label, ``float [B]``; finite even where p is 0."""
Diagnostics = dict[str, Tensor]
"""Detached scalars by their names, on the device of the loss."""


@dataclass(frozen=True)
class Grpo:
    """The options of the GRPO loss.

    Attributes
    ----------
    group_size
        G, the labels sampled for an utterance; at least 2 where `normalise` is "group".
    beta
        Weight of the regularisation L_p; the reference is not looked at where it is 0.
    epsilon
        Half-width of the clipping range; not used without an old policy.
    normalise
        What mean and std are taken over: "group", the G labels of one utterance (Eq. 4);
        "batch", all B x G labels (as released); "none" subtracts the mean of the group and does
        not divide. Used by ``negatives="grpo"`` only.
    negatives
        "grpo": the advantage of Eq. 4. "none": A = 1 for a correct label, 0 for a wrong one
        (section 2.4). "released_none": r A is replaced by R log p(y~ | x), without ratio and
        clipping (as released).
    std_floor
        rho of Eq. 13, > 0.
    kl
        "k3": exp(d) - d - 1 with d = log p_ref(y~ | x) - log p(y~ | x), at the sampled labels.
        "exact": KL(policy || reference) in closed form.
    """

    group_size: int
    beta: float = 0.04
    epsilon: float = 0.2
    normalise: Normalise = "group"
    negatives: Negatives = "grpo"
    std_floor: float = 1e-5
    kl: Divergence = "k3"

    def __post_init__(self) -> None:
        check_group_size(self.group_size)
        for name, kind in (("normalise", Normalise), ("negatives", Negatives), ("kl", Divergence)):
            value = getattr(self, name)
            if value not in get_args(kind):
                raise ValueError(f"{name} must be one of {get_args(kind)}, not {value!r}")
        if not self.std_floor > 0:
            raise ValueError(f"std_floor must be positive, not {self.std_floor}")


@dataclass(frozen=True)
class PolicyLogs:
    """What the policies say of the labels of a batch."""

    new: LogProbabilities
    old: LogProbabilities
    reference: LogProbabilities | None
    clips: bool
    """Whether the old policy is another one, so that ratios may leave the clipping range."""

    @classmethod
    def of(
        cls, logits: Tensor, labels: Tensor, reference: Tensor | None, old: Tensor | None
    ) -> "PolicyLogs":
        """Take logits ``float [B, 2]`` of policy, reference and old policy (itself if None)."""
        new = log_probabilities(logits, labels)
        return cls(
            new=new,
            old=log_probabilities((logits if old is None else old).detach(), labels, "old_logits"),
            reference=None
            if reference is None
            else log_probabilities(reference.detach(), labels, "reference_logits"),
            clips=old is not None,
        )


@dataclass(frozen=True)
class Weights:
    """What the G sampled labels of each utterance contribute: ``float [B]``, free of gradient.

    Attributes
    ----------
    share_correct, share_wrong
        q and 1 - q; both kept, since 1 - q from a rounded q is all rounding where q is near 1.
    correct, wrong
        a = q A and a' = (1 - q) A'.
    active_correct, active_wrong
        Shares of the labels that are correct with A > 0, and wrong with A' < 0.
    """

    share_correct: Tensor
    share_wrong: Tensor
    correct: Tensor
    wrong: Tensor
    active_correct: Tensor
    active_wrong: Tensor


def sampled_weights(n_correct: Tensor, logits: Tensor, options: Grpo) -> Weights:
    """Return the weights of the labels that were sampled."""
    if n_correct.shape != logits.shape[:1] or n_correct.is_floating_point():
        raise ValueError(
            f"n_correct must be integer [{len(logits)}], "
            f"not {n_correct.dtype} {list(n_correct.shape)}"
        )
    return _weights_of(n_correct.to(logits.dtype), options)


def expected_weights(old: LogProbabilities, options: Grpo) -> Weights:
    """Return the expectation of the weights over k ~ Binomial(G, p^), summed in float64."""
    if options.normalise == "batch":
        raise InputError(
            'normalise: "batch" has no exact expectation, since it couples the utterances of a '
            'batch; use normalise: "group" or "none", or sample the labels'
        )
    size = options.group_size
    k = torch.arange(size + 1, dtype=torch.float64, device=old[0].device)
    log_choose = math.lgamma(size + 1) - torch.lgamma(k + 1) - torch.lgamma(size - k + 1)
    log_binomial = log_choose + k * old[0].double()[:, None] + (size - k) * old[1].double()[:, None]
    binomial = log_binomial.exp()
    weights = _weights_of(k, options)
    expected = (binomial @ getattr(weights, field.name) for field in fields(weights))
    return Weights(*(value.to(old[0].dtype) for value in expected))


def _weights_of(k: Tensor, options: Grpo) -> Weights:
    """Return the weights where k, ``float [N]``, of the G labels are correct."""
    size = options.group_size
    q, wrong_share = k / size, (size - k) / size
    if options.negatives != "grpo":
        zero = torch.zeros_like(q)
        return Weights(q, wrong_share, q, zero, q, zero)
    hits, total = (k.sum(), k.numel() * size) if options.normalise == "batch" else (k, size)
    advantage, wrong_advantage = (total - hits) / total, -hits / total
    if options.normalise != "none":
        if total < 2:
            raise ValueError(f"an unbiased std needs 2 rewards at least, not {total}")
        std = (hits * ((total - hits) / total) / (total - 1)).sqrt()
        advantage = advantage / (std + options.std_floor)
        wrong_advantage = wrong_advantage / (std + options.std_floor)
    return Weights(
        share_correct=q,
        share_wrong=wrong_share,
        correct=q * advantage,
        wrong=wrong_share * wrong_advantage,
        active_correct=q * (advantage > 0),
        active_wrong=wrong_share * (wrong_advantage < 0),
    )


def negative_bracket(
    logs: PolicyLogs, weights: Weights, options: Grpo
) -> tuple[Tensor, Diagnostics]:
    """Return the negative of the bracket of Eq. 12, averaged over the utterances, and its parts."""
    gain, clipped = _gain(logs, weights, options)
    if options.beta == 0:
        return -gain.mean(), _diagnostics(logs, weights, clipped, None)
    if logs.reference is None:
        raise ValueError(f"beta is {options.beta}, so reference_logits must be given")
    shares = (weights.share_correct, weights.share_wrong)
    regularisation = divergence(logs.new, logs.reference, shares, options.kl)
    loss = (options.beta * regularisation - gain).mean()
    return loss, _diagnostics(logs, weights, clipped, regularisation)


def _gain(logs: PolicyLogs, weights: Weights, options: Grpo) -> tuple[Tensor, Tensor]:
    """Return the bracket less its regularisation and the share of clipped labels: ``float [B]``."""
    correct, wrong = logs.new
    unclipped = torch.zeros_like(weights.share_correct)
    if options.negatives == "released_none":
        return weights.correct * correct, unclipped
    ratio_correct = capped(correct - logs.old[0]).exp()
    ratio_wrong = capped(wrong - logs.old[1]).exp()
    if not logs.clips:
        return weights.correct * ratio_correct + weights.wrong * ratio_wrong, unclipped
    highest, lowest = 1 + options.epsilon, 1 - options.epsilon
    # A label gets no gradient where the clipped side is the smaller one, which its advantage's
    # sign decides; without an advantage there is nothing to clip.
    clipped = weights.active_correct * (ratio_correct > highest)
    clipped = clipped + weights.active_wrong * (ratio_wrong < lowest)
    gain = weights.correct * ratio_correct.clamp(max=highest)
    return gain + weights.wrong * ratio_wrong.clamp(min=lowest), clipped


def _diagnostics(
    logs: PolicyLogs, weights: Weights, clipped: Tensor, regularisation: Tensor | None
) -> Diagnostics:
    """Average what the loss was made of; entropy alone is computed for this."""
    with torch.no_grad():
        correct, wrong = logs.new
        entropy = -(correct.exp() * correct + wrong.exp() * wrong)
        if regularisation is None:
            regularisation = torch.full_like(entropy, math.nan)
        parts = [weights.share_correct, regularisation, clipped, entropy]
        means = torch.stack(parts).mean(dim=1)
    return dict(zip(("reward", "kl", "clipped_share", "entropy"), means, strict=True))


def divergence(
    new: LogProbabilities,
    reference: LogProbabilities,
    shares: tuple[Tensor, Tensor],
    kl: Divergence,
) -> Tensor:
    """Return L_p of each utterance, averaged over its labels: ``float [B]``.

    Parameters
    ----------
    shares
        ``float [B]`` each, how many of an utterance's labels are correct and wrong, by which k3
        is averaged; free of gradient.
    """
    d_correct, d_wrong = reference[0] - new[0], reference[1] - new[1]
    if kl == "exact":
        return -(new[0].exp() * d_correct + new[1].exp() * d_wrong)
    d_correct, d_wrong = capped(d_correct), capped(d_wrong)
    k3_correct, k3_wrong = d_correct.expm1() - d_correct, d_wrong.expm1() - d_wrong
    return shares[0] * k3_correct + shares[1] * k3_wrong


def capped(log_ratio: Tensor) -> Tensor:
    """Cap a logarithm so that its exponential stays finite and 0 labels of it count 0, not NaN."""
    return log_ratio.clamp(max=math.log(torch.finfo(log_ratio.dtype).max) / 2)


def log_probabilities(logits: Tensor, labels: Tensor, name: str = "logits") -> LogProbabilities:
    """Take logits ``float [B, 2]`` apart into log p of the correct and of the wrong label."""
    check_batch(logits, labels, name)
    margin = (logits[:, 1] - logits[:, 0]) * (2 * labels - 1)
    return F.logsigmoid(margin), F.logsigmoid(-margin)


def check_batch(logits: Tensor, labels: Tensor, name: str = "logits") -> None:
    """Refuse other shapes and types; values are not looked at, which would make a GPU wait."""
    if labels.ndim != 1 or len(labels) == 0 or labels.dtype != torch.int64:
        raise ValueError(
            f"labels must be int64 [B] with B >= 1, not {labels.dtype} {list(labels.shape)}"
        )
    if logits.shape != (len(labels), 2):
        raise ValueError(f"{name} must be [{len(labels)}, 2], not {list(logits.shape)}")
    if logits.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name} must be float32 or float64, not {logits.dtype}")


def check_group_size(group_size: int) -> None:
    """Refuse a group without labels."""
    if group_size < 1:
        raise ValueError(f"group_size must be at least 1, not {group_size}")

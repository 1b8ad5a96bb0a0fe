"""The objectives of fine-tuning: supervised (SFT) and reinforcement (GRPO) on two labels.

Pure functions of torch tensors, float32 or float64. Logits are [B, 2] with index 0 FAKE and
1 REAL; labels are int64 [B] with 0 fake and 1 real. "Paper" is arXiv 2603.02914.

With two labels and a reward of 1 for the correct one, all that the loss needs of the G labels
sampled for an utterance is k, how many of them are correct: nothing here is of size B x G
(`sdd.training.grpo_terms` has the algebra).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from sdd.training.grpo_terms import (
    Divergence,
    Negatives,
    Normalise,
    Options,
    Policies,
    capped,
    check_batch,
    check_group_size,
    divergence,
    expected_weights,
    log_probabilities,
    negative_bracket,
    sampled_weights,
)

__all__ = [
    "Divergence",
    "Negatives",
    "Normalise",
    "expected_grpo_loss",
    "grpo_diagnostics",
    "grpo_loss",
    "sample_correct",
    "sft_loss",
]


def sft_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of the labels.

    ``-(1 / B) sum_b log p(y_b | x_b)``: Eq. 1 and 2 of the paper.

    Parameters
    ----------
    logits
        [B, 2], float32 or float64.
    labels
        int64 [B].

    Returns
    -------
    Tensor
        Scalar, in nats.
    """
    check_batch(logits, labels)
    return F.cross_entropy(logits, labels)


def sample_correct(
    old_logits: Tensor, labels: Tensor, group_size: int, generator: torch.Generator
) -> Tensor:
    """Sample G labels of each utterance and return how many are correct.

    ``k_b ~ Binomial(G, p^(y_b | x_b))``: the count of y~ = y among G independent draws of
    y~ ~ p^ (Eq. 3 and 4 of the paper).

    Parameters
    ----------
    old_logits
        [B, 2], logits of the policy that the labels are drawn from.
    labels
        int64 [B].
    group_size
        G.
    generator
        Source of randomness; the draw is made on its device, in float64, so that a CPU generator
        gives the same counts whatever device the logits are on.

    Returns
    -------
    Tensor
        int64 [B] in 0..G, on the device of `labels`.
    """
    check_group_size(group_size)
    with torch.no_grad():
        log_correct, _ = log_probabilities(old_logits.double(), labels)
        correct = log_correct.exp().to(generator.device)
        trials = torch.full_like(correct, group_size)
        counts = torch.binomial(trials, correct, generator=generator)
    return counts.to(device=labels.device, dtype=torch.int64)


def grpo_loss(
    logits: Tensor,
    labels: Tensor,
    n_correct: Tensor,
    *,
    group_size: int,
    reference_logits: Tensor | None = None,
    old_logits: Tensor | None = None,
    beta: float = 0.04,
    epsilon: float = 0.2,
    normalise: Normalise = "group",
    negatives: Negatives = "grpo",
    std_floor: float = 1e-5,
    kl: Divergence = "k3",
) -> Tensor:
    """Return the GRPO loss of sampled labels.

    Eq. 12 of the paper with the minus of Eq. 3, over the B x G sampled labels y~::

        -mean[ min(r A, clip(r, 1 - epsilon, 1 + epsilon) A) - beta L_p ],
        r = p(y~ | x) / p^(y~ | x),
        A = (R - mean R) / (std R + std_floor),   R = 1 if y~ = y else 0      (Eq. 4, 13)

    The advantage is a constant to the gradient; std is the unbiased one. Without `old_logits` this
    is the simplified GRPO_s: r = p / stop_gradient(p), not clipped. Logarithms of r, and the d of
    `kl`, are capped where their exponential could no longer be squared (44 in float32, 354 in
    float64): such a sample, possible only if the labels come from another policy, contributes a
    finite loss and no gradient.

    Parameters
    ----------
    logits
        [B, 2], float32 or float64; the policy that is trained.
    labels
        int64 [B].
    n_correct
        int64 [B], how many of the G sampled labels are correct (`sample_correct`).
    group_size
        G; at least 2 where `normalise` is "group".
    reference_logits
        [B, 2], of the frozen reference; not needed, and not looked at, when `beta` is 0.
    old_logits
        [B, 2], of the old policy; None for the simplified GRPO.
    beta
        Weight of the regularisation L_p.
    epsilon
        Half-width of the clipping range; not used without `old_logits`.
    normalise
        What mean and std are taken over: "group", the G labels of one utterance (Eq. 4);
        "batch", all B x G labels (as released); "none" subtracts the mean of the group and does
        not divide. Used by ``negatives="grpo"`` only.
    negatives
        "grpo": the advantage above. "none": A = 1 for a correct label, 0 for a wrong one
        (section 2.4). "released_none": r A is replaced by R log p(y~ | x), without ratio and
        clipping (as released).
    std_floor
        rho of Eq. 13, > 0.
    kl
        "k3": exp(d) - d - 1 with d = log p_ref(y~ | x) - log p(y~ | x), at the sampled labels.
        "exact": KL(policy || reference) in closed form.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        If a shape, a dtype or an option does not fit.
    """
    options = Options(group_size, beta, epsilon, normalise, negatives, std_floor, kl)
    policies = Policies.of(logits, labels, reference_logits, old_logits)
    return negative_bracket(policies, sampled_weights(n_correct, logits, options), options)


def expected_grpo_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    group_size: int,
    reference_logits: Tensor | None = None,
    old_logits: Tensor | None = None,
    beta: float = 0.04,
    epsilon: float = 0.2,
    normalise: Normalise = "group",
    negatives: Negatives = "grpo",
    std_floor: float = 1e-5,
    kl: Divergence = "k3",
) -> Tensor:
    """Return the expectation of `grpo_loss` over the sampled labels, without sampling.

    ``sum_{k=0..G} Binomial(k; G, p^) grpo_loss(..., n_correct=k)`` for each utterance (the
    expectation over y~ in Eq. 3 and 12). p^ is the old policy's probability of the correct label,
    or the policy's own without `old_logits`; it is a constant to the gradient. Memory B x (G + 1)
    in float64.

    Parameters
    ----------
    logits, labels, group_size, reference_logits, old_logits, beta, epsilon, normalise, negatives
        As for `grpo_loss`.
    std_floor, kl
        As for `grpo_loss`.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    InputError
        If ``normalise="batch"`` would be used: the utterances are then coupled.
    ValueError
        If a shape, a dtype or an option does not fit.
    """
    options = Options(group_size, beta, epsilon, normalise, negatives, std_floor, kl)
    policies = Policies.of(logits, labels, reference_logits, old_logits)
    return negative_bracket(policies, expected_weights(policies.old, options), options)


def grpo_diagnostics(
    logits: Tensor,
    labels: Tensor,
    n_correct: Tensor | None,
    *,
    group_size: int,
    reference_logits: Tensor | None = None,
    old_logits: Tensor | None = None,
    beta: float = 0.04,
    epsilon: float = 0.2,
    normalise: Normalise = "group",
    negatives: Negatives = "grpo",
    std_floor: float = 1e-5,
    kl: Divergence = "k3",
) -> dict[str, float]:
    """Measure what `grpo_loss` (or, with `n_correct` None, `expected_grpo_loss`) works with.

    Parameters
    ----------
    logits, labels, n_correct, group_size, reference_logits, old_logits, beta, epsilon, normalise
        As for the loss, so that the same arguments serve both.
    negatives, std_floor, kl
        As for the loss.

    Returns
    -------
    dict
        reward: mean reward, the share of correct labels. kl: mean of L_p, in nats, not multiplied
        by beta; NaN without `reference_logits`. clipped_share: share of the sampled labels whose
        ratio gets no gradient because of clipping. entropy: mean entropy of the policy, in nats.
    """
    options = Options(group_size, beta, epsilon, normalise, negatives, std_floor, kl)
    with torch.no_grad():
        policies = Policies.of(logits, labels, reference_logits, old_logits)
        if n_correct is None:
            weights = expected_weights(policies.old, options)
        else:
            weights = sampled_weights(n_correct, logits, options)
        correct, wrong = policies.new
        entropy = -(correct.exp() * correct + wrong.exp() * wrong)
        kl_values = torch.full_like(entropy, math.nan)
        if policies.reference is not None:
            kl_values = divergence(policies.new, policies.reference, weights, options)
        clipped = torch.zeros_like(entropy)
        if policies.clips and negatives != "released_none":
            above = capped(correct - policies.old[0]).exp() > 1 + epsilon
            below = capped(wrong - policies.old[1]).exp() < 1 - epsilon
            clipped = weights.active_correct * above + weights.active_wrong * below
        values = torch.stack([weights.share_correct, kl_values, clipped, entropy]).mean(dim=1)
    names = ("reward", "kl", "clipped_share", "entropy")
    return dict(zip(names, values.tolist(), strict=True))

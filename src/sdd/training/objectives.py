"""The objectives of fine-tuning: supervised (SFT) and reinforcement (GRPO) on two labels.

Pure functions of torch tensors, float32 or float64. Logits are ``float [B, 2]`` with index 0 FAKE
and 1 REAL; labels are ``int64 [B]`` with 0 fake and 1 real. "Paper" is arXiv 2603.02914.

With two labels and a reward of 1 for the correct one, all that the loss needs of the G labels
sampled for an utterance is k, how many of them are correct: nothing here is of size B x G
(`sdd.training.grpo_terms` has the algebra).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from sdd.training.grpo_terms import (
    Diagnostics,
    Divergence,
    Grpo,
    PolicyLogs,
    check_batch,
    check_group_size,
    divergence,
    expected_weights,
    log_probabilities,
    negative_bracket,
    sampled_weights,
)

__all__ = [
    "Grpo",
    "expected_grpo_loss",
    "grpo_loss",
    "penalised_sft_loss",
    "sample_correct",
    "sft_loss",
]


def sft_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of the labels, in nats.

    ``-(1 / B) sum_b log p(y_b | x_b)``: Eq. 1 and 2 of the paper.

    Parameters
    ----------
    logits
        ``float [B, 2]``, 0 FAKE and 1 REAL.
    labels
        ``int64 [B]``, 0 FAKE and 1 REAL.
    """
    check_batch(logits, labels)
    return F.cross_entropy(logits, labels)


def penalised_sft_loss(
    logits: Tensor, labels: Tensor, reference_logits: Tensor, *, beta: float, kl: Divergence
) -> tuple[Tensor, Diagnostics]:
    """Return the SFT loss held near a reference by the penalty of GRPO, and the penalty.

    ``mean[ -log p(y | x) + beta L_p ]``: Eq. 1, with the L_p of Eq. 3. With two labels neither
    choice of `kl` needs samples. "exact" is KL(policy || reference). "k3" is averaged over the
    policy's own labels, ``sum_y p(y) (exp(d_y) - d_y - 1)`` with p(y) a constant to the gradient,
    as in the expectation of on-policy GRPO: it has the same value, and the gradient of
    KL(reference || policy).

    Parameters
    ----------
    logits
        ``float [B, 2]``, of the policy that is trained.
    labels
        ``int64 [B]``, 0 FAKE and 1 REAL.
    reference_logits
        ``float [B, 2]``, of the frozen reference.

    Returns
    -------
    loss
        A scalar with gradient.
    diagnostics
        kl: mean of L_p, in nats, not multiplied by beta; detached.
    """
    new = log_probabilities(logits, labels)
    reference = log_probabilities(reference_logits.detach(), labels, "reference_logits")
    shares = (new[0].detach().exp(), new[1].detach().exp())
    penalty = divergence(new, reference, shares, kl).mean()
    return sft_loss(logits, labels) + beta * penalty, {"kl": penalty.detach()}


def sample_correct(
    old_logits: Tensor, labels: Tensor, group_size: int, generator: torch.Generator
) -> Tensor:
    """Sample G labels of each utterance and return how many are correct.

    ``k_b ~ Binomial(G, p^(y_b | x_b))``: the count of y~ = y among G independent draws of
    y~ ~ p^ (Eq. 3 and 4 of the paper).

    Parameters
    ----------
    old_logits
        ``float [B, 2]``, of the policy that the labels are drawn from.
    labels
        ``int64 [B]``, 0 FAKE and 1 REAL.
    generator
        Source of randomness; the draw is made on its device, in float64, so that a CPU generator
        gives the same counts whatever device the logits are on.

    Returns
    -------
    Tensor
        ``int64 [B]`` in 0..G, on the device of `labels`.
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
    options: Grpo,
    *,
    reference_logits: Tensor | None = None,
    old_logits: Tensor | None = None,
) -> tuple[Tensor, Diagnostics]:
    """Return the GRPO loss of sampled labels, and what it was made of.

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
        ``float [B, 2]``, of the policy that is trained.
    labels
        ``int64 [B]``, 0 FAKE and 1 REAL.
    n_correct
        ``int64 [B]``, how many of the G sampled labels are correct (`sample_correct`).
    reference_logits
        ``float [B, 2]``, of the frozen reference; not needed, and not looked at, where beta is 0.
    old_logits
        ``float [B, 2]``, of the old policy; None for the simplified GRPO.

    Returns
    -------
    loss
        Mean over the sampled labels, a scalar with gradient.
    diagnostics
        Detached scalars. reward: mean reward, the share of correct labels. kl: mean of L_p, in
        nats, not multiplied by beta; NaN where beta is 0. clipped_share: share of the sampled
        labels whose ratio gets no gradient because of clipping. entropy: mean entropy of the
        policy, in nats.

    Raises
    ------
    ValueError
        If a shape, a dtype or an option does not fit.
    """
    logs = PolicyLogs.of(logits, labels, reference_logits, old_logits)
    return negative_bracket(logs, sampled_weights(n_correct, logits, options), options)


def expected_grpo_loss(
    logits: Tensor,
    labels: Tensor,
    options: Grpo,
    *,
    reference_logits: Tensor | None = None,
    old_logits: Tensor | None = None,
) -> tuple[Tensor, Diagnostics]:
    """Return the expectation of `grpo_loss` over the sampled labels, without sampling.

    ``sum_{k=0..G} Binomial(k; G, p^) grpo_loss(..., n_correct=k)`` for each utterance (the
    expectation over y~ in Eq. 3 and 12). p^ is the old policy's probability of the correct label,
    or the policy's own without `old_logits`; it is a constant to the gradient. Memory B x (G + 1)
    in float64. Arguments and results are those of `grpo_loss`; of the diagnostics, too, this is
    the expectation.

    Raises
    ------
    InputError
        If ``normalise="batch"`` would be used: the utterances are then coupled.
    ValueError
        If a shape, a dtype or an option does not fit.
    """
    logs = PolicyLogs.of(logits, labels, reference_logits, old_logits)
    return negative_bracket(logs, expected_weights(logs.old, options), options)

"""Objectives against explicit enumeration of the B x G sampled labels, and against the paper."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from sdd.errors import InputError
from sdd.training import objectives
from sdd.training.objectives import Grpo, penalised_sft_loss, sample_correct, sft_loss

torch.set_num_threads(1)

DOUBLE = torch.float64
LABELS = torch.tensor([0, 1, 1, 0, 1, 0, 1])
VARIANTS = list(
    itertools.product(
        ("group", "batch", "none"),
        ("grpo", "none", "released_none"),
        ("k3", "exact"),
        (True, False),
        (0.04, 0.0, 1.0),
    )
)
UNCOUPLED = [variant for variant in VARIANTS if variant[0] != "batch"]
RECIPES = {
    "as_written": {"normalise": "group", "negatives": "grpo"},
    "as_written, no negatives": {"normalise": "group", "negatives": "none"},
    "as_released": {"normalise": "batch", "negatives": "grpo"},
    "as_released, no negatives": {"normalise": "batch", "negatives": "released_none"},
}


def losses_of(function, *arguments, reference_logits=None, old_logits=None, **options):
    return function(
        *arguments, Grpo(**options), reference_logits=reference_logits, old_logits=old_logits
    )


def grpo_loss(logits, labels, n_correct, **options):
    return losses_of(objectives.grpo_loss, logits, labels, n_correct, **options)[0]


def expected_grpo_loss(logits, labels, **options):
    return losses_of(objectives.expected_grpo_loss, logits, labels, **options)[0]


def diagnostics_of(logits, labels, n_correct=None, **options):
    """Diagnostics of a loss, of its expectation where no counts are given."""
    if n_correct is None:
        found = losses_of(objectives.expected_grpo_loss, logits, labels, **options)[1]
    else:
        found = losses_of(objectives.grpo_loss, logits, labels, n_correct, **options)[1]
    return {name: value.item() for name, value in found.items()}


def random_logits(seed: int, scale: float = 1.0, rows: int = len(LABELS)) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(rows, 2, generator=generator, dtype=DOUBLE)


def logits_of(p: Tensor | float, labels: Tensor) -> Tensor:
    """Logits under which the correct label has probability p."""
    p = torch.as_tensor(p, dtype=DOUBLE).expand(len(labels))
    correct = p.logit()
    rows = torch.arange(len(labels))
    logits = torch.zeros(len(labels), 2, dtype=DOUBLE)
    logits[rows, labels] = correct / 2
    logits[rows, 1 - labels] = -correct / 2
    return logits


def gradient(loss: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, inputs)


def enumerated_loss(
    logits,
    labels,
    n_correct,
    *,
    group_size,
    reference_logits=None,
    old_logits=None,
    beta=0.04,
    epsilon=0.2,
    normalise="group",
    negatives="grpo",
    std_floor=1e-5,
    kl="k3",
):
    """Eq. 12 and 13 over a table of sampled labels; returns the loss and the size of its terms."""
    place = torch.arange(group_size).expand(len(labels), -1)
    sampled = torch.where(place < n_correct[:, None], labels[:, None], 1 - labels[:, None])
    reward = (sampled == labels[:, None]).to(logits.dtype)
    log_all = logits.log_softmax(dim=1)
    log_p = log_all.gather(1, sampled)
    if normalise == "group":
        advantage = (reward - reward.mean(1, keepdim=True)) / (
            reward.std(1, keepdim=True, unbiased=True) + std_floor
        )
    elif normalise == "batch":
        advantage = (reward - reward.mean()) / (reward.std(unbiased=True) + std_floor)
    else:
        advantage = reward - reward.mean(1, keepdim=True)
    if negatives != "grpo":
        advantage = reward
    if negatives == "released_none":
        gain = log_p * reward
    elif old_logits is None:
        gain = log_p.exp() / log_p.exp().detach() * advantage
    else:
        ratio = log_p.exp() / old_logits.log_softmax(dim=1).gather(1, sampled).exp()
        gain = torch.minimum(ratio * advantage, ratio.clip(1 - epsilon, 1 + epsilon) * advantage)
    divergence = torch.zeros_like(gain)
    if beta:
        log_reference = reference_logits.log_softmax(dim=1)
        if kl == "k3":
            d = log_reference.gather(1, sampled) - log_p
            divergence = d.exp() - d - 1
        else:
            exact = (log_all.exp() * (log_all - log_reference)).sum(1, keepdim=True)
            divergence = exact.expand_as(gain)
    bracket = gain - beta * divergence
    return -bracket.mean(), bracket.abs().mean().detach()


def assert_equals_enumeration(logits, labels, n_correct, **options):
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss = grpo_loss(ours, labels, n_correct, **options)
    expected, scale = enumerated_loss(theirs, labels, n_correct, **options)
    assert loss.shape == ()
    assert abs(loss - expected) <= 1e-12 * scale
    (found,), (wanted,) = gradient(loss, ours), gradient(expected, theirs)
    # A gradient that cancels (on-policy with beta 1 and one label, say) has rounding of its terms,
    # which are of the size of the bracket over B.
    size = max(wanted.abs().max(), scale / len(labels))
    assert (found - wanted).abs().max() <= 1e-12 * size


# --------------------------------------------------------------------------------- enumeration
@pytest.mark.parametrize(("normalise", "negatives", "kl", "old", "beta"), VARIANTS)
def test_loss_and_gradient_equal_enumeration(normalise, negatives, kl, old, beta):
    for seed, group_size in enumerate((2, 7, 64)):
        counts = torch.randint(
            0, group_size + 1, (len(LABELS),), generator=torch.Generator().manual_seed(seed)
        )
        counts[:2] = torch.tensor([0, group_size])
        assert_equals_enumeration(
            random_logits(seed),
            LABELS,
            counts,
            group_size=group_size,
            reference_logits=random_logits(seed + 10),
            old_logits=random_logits(seed + 20) if old else None,
            beta=beta,
            normalise=normalise,
            negatives=negatives,
            kl=kl,
        )


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("source", ["old", "current"])
def test_recipes_equal_enumeration(recipe, source):
    # The old policy is at most a little behind, so some ratios are clipped and some are not.
    logits, old = random_logits(1), random_logits(1) + random_logits(2, 0.2)
    counts = sample_correct(
        old if source == "old" else logits, LABELS, 64, torch.Generator().manual_seed(3)
    )
    options = {"group_size": 64, "reference_logits": random_logits(4), "old_logits": old}
    assert_equals_enumeration(logits, LABELS, counts, **options, **recipe)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("count", [0, 16], ids=["all wrong", "all correct"])
def test_uniform_rewards_equal_enumeration(recipe, count):
    counts = torch.full_like(LABELS, count)
    options = {"group_size": 16, "reference_logits": random_logits(5)}
    for old in (None, random_logits(6)):
        assert_equals_enumeration(
            random_logits(1), LABELS, counts, old_logits=old, **options, **recipe
        )
    if recipe["negatives"] == "grpo":
        logits = random_logits(1).requires_grad_()
        loss = grpo_loss(logits, LABELS, counts, beta=0.0, group_size=16, **recipe)
        assert gradient(loss, logits)[0].eq(0).all()  # no advantage, no gradient


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_equal_weights_equal_enumeration(recipe):
    logits = random_logits(1)
    counts = torch.tensor([0, 3, 5, 8, 1, 2, 7])
    same = {"reference_logits": logits, "old_logits": logits}
    assert_equals_enumeration(logits, LABELS, counts, group_size=8, **same, **recipe)
    # At equal weights the simplified and the clipped loss are the same, and L_p is 0.
    for old in (logits, None):
        found = logits.clone().requires_grad_()
        options = {"group_size": 8, "old_logits": old, "reference_logits": logits, **recipe}
        with_kl = grpo_loss(found, LABELS, counts, beta=1.0, kl="exact", **options)
        without = grpo_loss(found, LABELS, counts, beta=0.0, **options)
        torch.testing.assert_close(
            gradient(with_kl, found), gradient(without, found), rtol=1e-12, atol=1e-14
        )


@pytest.mark.parametrize(("normalise", "negatives", "kl", "old", "beta"), UNCOUPLED)
def test_expectation_equals_sum_over_counts(normalise, negatives, kl, old, beta):
    """Each utterance alone, every k weighted by an integer binomial coefficient."""
    group_size = 7
    logits = random_logits(1).requires_grad_()
    old_logits = random_logits(2) if old else None
    reference = random_logits(3)
    options = {
        "group_size": group_size,
        "beta": beta,
        "normalise": normalise,
        "negatives": negatives,
        "kl": kl,
    }
    p = (logits if old_logits is None else old_logits).detach().softmax(1)
    wanted, scale = torch.zeros((), dtype=DOUBLE), 0.0
    for row, label in enumerate(LABELS.tolist()):
        one = slice(row, row + 1)
        for k in range(group_size + 1):
            weight = (
                math.comb(group_size, k)
                * p[row, label] ** k
                * p[row, 1 - label] ** (group_size - k)
            ) / len(LABELS)
            loss, size = enumerated_loss(
                logits[one],
                LABELS[one],
                torch.tensor([k]),
                reference_logits=reference[one],
                old_logits=None if old_logits is None else old_logits[one],
                **options,
            )
            wanted = wanted + weight * loss
            scale += float(weight * size)
    found = expected_grpo_loss(
        logits, LABELS, reference_logits=reference, old_logits=old_logits, **options
    )
    assert abs(found - wanted) <= 1e-12 * scale
    difference = gradient(found, logits)[0] - gradient(wanted, logits)[0]
    assert difference.abs().max() <= 1e-12 * scale


@pytest.mark.parametrize("negatives", ["grpo", "none", "released_none"])
@pytest.mark.parametrize("old", [True, False])
def test_mean_of_draws_is_the_expectation(negatives, old):
    draws, rows, group_size = 20_000, len(LABELS), 64
    logits, old_logits = random_logits(1), random_logits(1) + random_logits(2, 0.3)
    options = {
        "group_size": group_size,
        "reference_logits": random_logits(3),
        "old_logits": old_logits if old else None,
        "negatives": negatives,
        "beta": 1.0,
    }
    source = (old_logits if old else logits).repeat(draws, 1)
    counts = sample_correct(
        source, LABELS.repeat(draws), group_size, torch.Generator().manual_seed(4)
    ).reshape(draws, rows)

    def loss_of(new: Tensor, k: Tensor) -> Tensor:
        return grpo_loss(new, LABELS, k, **options)

    losses = torch.vmap(loss_of, in_dims=(None, 0))(logits, counts)
    gradients = torch.vmap(torch.func.grad(loss_of), in_dims=(None, 0))(logits, counts)
    exact = logits.clone().requires_grad_()
    expected = expected_grpo_loss(exact, LABELS, **options)
    for sampled, mean in ((losses, expected), (gradients, gradient(expected, exact)[0])):
        error = sampled.std(0) / math.sqrt(draws)
        assert ((sampled.mean(0) - mean).abs() <= 4 * error + 1e-15).all()


@pytest.mark.parametrize("beta", [0.04, 1.0, 30.0])
@pytest.mark.parametrize("kl", ["k3", "exact"])
def test_penalised_sft_equals_enumeration(kl, beta):
    """Over both labels of each utterance; k3 by how likely the policy itself is to say each."""
    for seed, scale in enumerate((0.1, 1.0, 5.0)):
        reference = random_logits(seed + 10, scale)
        ours, theirs = (random_logits(seed, scale).requires_grad_() for _ in range(2))
        loss, diagnostics = penalised_sft_loss(ours, LABELS, reference, beta=beta, kl=kl)
        log_p, log_r = theirs.log_softmax(1), reference.log_softmax(1)
        wanted, penalties, size = torch.zeros((), dtype=DOUBLE), 0.0, 0.0
        for row, label in enumerate(LABELS.tolist()):
            penalty = torch.zeros((), dtype=DOUBLE)
            for said in (0, 1):
                p, d = log_p[row, said].exp(), log_r[row, said] - log_p[row, said]
                penalty = penalty + (p.detach() * (d.exp() - d - 1) if kl == "k3" else -p * d)
            wanted = wanted + (beta * penalty - log_p[row, label]) / len(LABELS)
            penalties += penalty.item() / len(LABELS)
            size += (beta * penalty + log_p[row, label].abs()).item() / len(LABELS)
        assert abs(loss - wanted) <= 1e-12 * size
        difference = gradient(loss, ours)[0] - gradient(wanted, theirs)[0]
        assert difference.abs().max() <= 1e-12 * size
        assert diagnostics["kl"].item() == pytest.approx(penalties, rel=1e-12)
        assert not diagnostics["kl"].requires_grad


@pytest.mark.parametrize("kl", ["k3", "exact"])
def test_penalties_of_sft_are_two_divergences_of_one_value(kl):
    """Of one value, KL(policy || reference); k3 has the gradient of KL(reference || policy)."""
    logits, reference = random_logits(1).requires_grad_(), random_logits(2)
    penalised = penalised_sft_loss(logits, LABELS, reference, beta=1.0, kl=kl)[0]
    penalty = penalised - sft_loss(logits, LABELS)
    log_p, log_r = logits.log_softmax(1), reference.log_softmax(1)
    of_policy = (log_p.exp() * (log_p - log_r)).sum(1).mean()
    of_reference = (log_r.exp() * (log_r - log_p)).sum(1).mean()
    torch.testing.assert_close(penalty, of_policy, rtol=1e-12, atol=1e-14)
    wanted = of_reference if kl == "k3" else of_policy
    torch.testing.assert_close(
        gradient(penalty, logits), gradient(wanted, logits), rtol=1e-12, atol=1e-14
    )


def test_penalised_sft_and_grpo_have_the_same_penalty():
    logits, reference = random_logits(1).requires_grad_(), random_logits(2)
    for kl in ("k3", "exact"):
        options = {"group_size": 8, "reference_logits": reference, "kl": kl}
        ours = penalised_sft_loss(logits, LABELS, reference, beta=1.0, kl=kl)[0]
        ours = ours - sft_loss(logits, LABELS)
        theirs = expected_grpo_loss(logits, LABELS, beta=1.0, **options)
        theirs = theirs - expected_grpo_loss(logits, LABELS, beta=0.0, **options)
        for one, other in ((ours, theirs), (gradient(ours, logits), gradient(theirs, logits))):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-13)


# ---------------------------------------------------------------------------- finite differences
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("kl", ["k3", "exact"])
def test_gradient_equals_finite_differences(recipe, kl):
    counts = torch.tensor([0, 3, 5, 8, 1, 2, 7])
    options = {"group_size": 8, "kl": kl, **recipe}
    reference, old = random_logits(2), random_logits(3)
    logits = random_logits(1).requires_grad_()

    def loss_of(new: Tensor) -> Tensor:
        return grpo_loss(new, LABELS, counts, reference_logits=reference, old_logits=old, **options)

    assert torch.autograd.gradcheck(loss_of, (logits,), eps=1e-6, atol=1e-8)
    assert torch.autograd.gradcheck(lambda new: sft_loss(new, LABELS), (logits,))
    if recipe["normalise"] != "batch":
        assert torch.autograd.gradcheck(
            lambda new: expected_grpo_loss(
                new, LABELS, reference_logits=reference, old_logits=old, **options
            ),
            (logits,),
            eps=1e-6,
            atol=1e-8,
        )


def test_advantage_reference_and_old_policy_are_constants():
    logits = [random_logits(seed).requires_grad_() for seed in range(3)]
    counts = torch.tensor([0, 3, 5, 8, 1, 2, 7])
    options = {"group_size": 8, "reference_logits": logits[1], "old_logits": logits[2]}
    for loss in (
        grpo_loss(logits[0], LABELS, counts, **options),
        expected_grpo_loss(logits[0], LABELS, **options),
    ):
        found = torch.autograd.grad(loss, logits, allow_unused=True)
        assert found[0].abs().max() > 0
        assert found[1] is None
        assert found[2] is None


# ------------------------------------------------------------------------------------- the paper
def test_sft_loss_by_hand():
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]], dtype=DOUBLE)
    loss = sft_loss(logits, torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(-(math.log(0.5) + math.log(0.75)) / 2, rel=1e-15)


def test_grpo_loss_by_hand():
    """p = 1/2 new, 3/4 old, G = 4, k = 3: std = 1/2, A = 1/2, A' = -3/2; ratios 2/3 and 2."""
    labels = torch.tensor([1])
    loss = grpo_loss(
        logits_of(0.5, labels),
        labels,
        torch.tensor([3]),
        group_size=4,
        old_logits=logits_of(0.75, labels),
        beta=0.0,
        std_floor=1e-12,
    )
    assert loss.item() == pytest.approx(-(3 * (2 / 3) * 0.5 + 2 * -1.5) / 4, rel=1e-10)


def test_appendix_a1_gradient_without_negatives_is_p_times_that_of_sft():
    logits = random_logits(1, 2.0, rows=1).requires_grad_()
    for label in (0, 1):
        labels = torch.tensor([label])
        loss = expected_grpo_loss(logits, labels, group_size=64, negatives="none", beta=0.0)
        p = logits.detach().softmax(1)[0, label]
        (found,), (sft,) = gradient(loss, logits), gradient(sft_loss(logits, labels), logits)
        torch.testing.assert_close(found, p * sft, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("p", "value"), [(0.01, 0.06616), (0.5, 0.49215), (0.9, 0.29062), (0.99, 0.06616)]
)
def test_expected_gradient_of_group_normalisation(p, value):
    labels = torch.tensor([1])
    logits = logits_of(p, labels).requires_grad_()
    loss = expected_grpo_loss(logits, labels, group_size=64, beta=0.0)
    found = gradient(loss, logits)[0]
    assert -found[0, 1].item() == pytest.approx(value, abs=5e-6)
    assert found[0, 0] == -found[0, 1]


def test_k3_has_the_expected_gradient_of_the_reverse_divergence():
    """Labels from the current policy: p - p_ref, which is that of KL(reference || policy)."""
    labels = torch.tensor([1])
    p, p_reference = 0.3, 0.8
    logits = logits_of(p, labels).requires_grad_()
    options = {"group_size": 64, "reference_logits": logits_of(p_reference, labels)}
    gradients = [
        gradient(expected_grpo_loss(logits, labels, beta=beta, **options), logits)[0][0, 1]
        for beta in (1.0, 0.0)
    ]
    assert (gradients[0] - gradients[1]).item() == pytest.approx(p - p_reference, rel=1e-10)
    exact = [
        gradient(expected_grpo_loss(logits, labels, beta=beta, kl="exact", **options), logits)[0]
        for beta in (1.0, 0.0)
    ]
    policy = logits.softmax(1)
    forward = (policy * (policy / options["reference_logits"].softmax(1)).log()).sum()
    torch.testing.assert_close(
        exact[0] - exact[1], gradient(forward, logits)[0], rtol=1e-10, atol=1e-14
    )


def test_swapping_the_classes_changes_nothing():
    counts = torch.tensor([0, 3, 5, 8, 1, 2, 7])
    logits = [random_logits(seed) for seed in range(3)]
    for normalise in ("group", "batch"):
        one, other = (
            grpo_loss(
                new,
                labels,
                counts,
                group_size=8,
                reference_logits=reference,
                old_logits=old,
                normalise=normalise,
            )
            for labels, (new, reference, old) in (
                (LABELS, logits),
                (1 - LABELS, [values.flip(1) for values in logits]),
            )
        )
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0)


def test_clipping_stops_the_gradient_beyond_the_range_only():
    labels = torch.ones(4, dtype=torch.int64)
    # Ratios of the correct label 1.1, 1.3 (clipped); of the wrong label 0.9, 0.7 (clipped).
    new = torch.tensor([0.55, 0.65, 0.55, 0.65], dtype=DOUBLE)
    logits = logits_of(new, labels).requires_grad_()
    old = logits_of(0.5, labels)
    options = {"group_size": 8, "old_logits": old, "beta": 0.0}
    loss = grpo_loss(logits, labels, torch.full((4,), 4), **options)
    found = gradient(loss, logits)[0][:, 1]
    assert found[[1, 3]].eq(0).all()
    assert (found[[0, 2]] < 0).all()
    diagnostics = diagnostics_of(logits, labels, torch.full((4,), 4), **options)
    assert diagnostics["clipped_share"] == 0.5
    # Where all labels are equally good, advantages are 0 and there is nothing to clip.
    for count in (0, 8):
        diagnostics = diagnostics_of(logits, labels, torch.full((4,), count), **options)
        assert diagnostics["clipped_share"] == 0


# --------------------------------------------------------------------------------------- extremes
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("normalise", "negatives", "kl", "old", "beta"), VARIANTS)
def test_extreme_logits_stay_finite(dtype, normalise, negatives, kl, old, beta):
    """p = 0 or 1 to rounding: new, old and reference at +-1e4, alike and opposed, and any k."""
    ends = torch.tensor([[1e4, -1e4], [-1e4, 1e4], [0.0, 0.0]], dtype=dtype)
    counts = torch.tensor([0, 3, 8])
    cases = torch.cartesian_prod(*[torch.arange(3)] * 4)
    logits = ends[cases[:, 0]].requires_grad_()
    labels = torch.ones(len(cases), dtype=torch.int64)
    options = {
        "group_size": 8,
        "old_logits": ends[cases[:, 1]] if old else None,
        "reference_logits": ends[cases[:, 2]],
        "beta": beta,
        "normalise": normalise,
        "negatives": negatives,
        "kl": kl,
    }
    losses = [grpo_loss(logits, labels, counts[cases[:, 3]], **options)]
    if normalise != "batch":
        losses.append(expected_grpo_loss(logits, labels, **options))
    for loss in losses:
        assert loss.dtype == dtype
        assert loss.isfinite()
        assert gradient(loss, logits)[0].isfinite().all()


@pytest.mark.parametrize("p", [1e-12, 1 - 1e-12])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_tiny_probabilities_equal_enumeration(p, recipe):
    labels = torch.tensor([0, 1, 1])
    logits = logits_of(p, labels)
    for counts in ([0, 0, 1], [8, 8, 7]):
        assert_equals_enumeration(
            logits,
            labels,
            torch.tensor(counts),
            group_size=8,
            reference_logits=logits_of(0.5 * p, labels),
            old_logits=logits_of(0.9 * p, labels),
            **recipe,
        )


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_certain_labels_equal_enumeration(p, recipe):
    """p = 0 and 1: the labels that can be sampled are all wrong, or all correct."""
    labels = torch.tensor([0, 1, 1])
    logits = torch.full((3, 2), 1e4, dtype=DOUBLE)
    logits[torch.arange(3), labels if p == 0 else 1 - labels] = -1e4
    correct = logits.softmax(1)[torch.arange(3), labels]
    assert correct.tolist() == [p] * 3
    counts = torch.full((3,), int(8 * p))
    options = {"group_size": 8, "reference_logits": logits_of(0.3, labels), **recipe}
    for old in (None, logits, logits_of(0.5, labels)):
        assert_equals_enumeration(logits, labels, counts, old_logits=old, **options)
    if recipe["normalise"] != "batch":
        for old in (None, logits):
            new = logits.clone().requires_grad_()
            loss = expected_grpo_loss(new, labels, old_logits=old, **options)
            wanted, scale = enumerated_loss(logits, labels, counts, old_logits=old, **options)
            assert abs(loss - wanted) <= 1e-12 * scale
            assert gradient(loss, new)[0].isfinite().all()


def test_expected_gradient_of_a_tiny_probability():
    """In the tail, one correct label in G at most: about p sqrt(G)."""
    labels = torch.tensor([1])
    for p in (1e-12, 1 - 1e-12):
        logits = logits_of(p, labels).requires_grad_()
        loss = expected_grpo_loss(logits, labels, group_size=64, beta=0.0, std_floor=1e-15)
        tail = min(p, (logits[0, 0] - logits[0, 1]).sigmoid().item())
        found = -gradient(loss, logits)[0][0, 1].item()
        # k = 1: q (1 - q) / s with s = 1 / sqrt(G), times G p.
        assert found == pytest.approx(tail * 63 / 64 * 8, rel=1e-9)


def test_sampling_of_certain_labels():
    labels = torch.tensor([0, 1, 1, 0])
    logits = torch.tensor([[1e4, -1e4], [1e4, -1e4], [-1e4, 1e4], [-1e4, 1e4]])
    counts = sample_correct(logits, labels, 64, torch.Generator().manual_seed(0))
    assert counts.tolist() == [64, 0, 64, 0]
    assert counts.dtype == torch.int64


@pytest.mark.parametrize("p", [0.02, 0.5, 0.9])
def test_sampling_is_binomial(p):
    draws, group_size = 50_000, 64
    labels = torch.zeros(draws, dtype=torch.int64)
    generator = torch.Generator().manual_seed(5)
    logits = logits_of(p, labels)
    counts = sample_correct(logits, labels, group_size, generator)
    expected = draws * torch.tensor(
        [math.comb(group_size, k) * p**k * (1 - p) ** (group_size - k) for k in range(65)],
        dtype=DOUBLE,
    )
    found = torch.bincount(counts, minlength=65).to(DOUBLE)
    common = expected >= 5
    statistic = ((found - expected) ** 2 / expected)[common].sum().item()
    freedom = int(common.sum())
    assert statistic < freedom + 4 * math.sqrt(2 * freedom)
    assert counts.min() >= 0
    assert counts.max() <= group_size
    again = sample_correct(logits, labels, group_size, torch.Generator().manual_seed(5))
    assert counts.equal(again)
    assert not counts.equal(sample_correct(logits, labels, group_size, generator))


def test_float32_agrees_with_float64():
    counts = torch.tensor([0, 3, 5, 8, 1, 2, 7])
    double, single = (
        grpo_loss(
            random_logits(1).to(dtype),
            LABELS,
            counts,
            group_size=8,
            reference_logits=random_logits(2).to(dtype),
            old_logits=random_logits(3).to(dtype),
        )
        for dtype in (torch.float64, torch.float32)
    )
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(double.item(), rel=1e-5)


# ------------------------------------------------------------------------------------ diagnostics
def enumerated_diagnostics(
    logits,
    labels,
    n_correct,
    *,
    group_size,
    reference_logits,
    old_logits,
    normalise,
    negatives,
    kl,
    beta,
    epsilon=0.2,
):
    """What the diagnostics mean, over a table of sampled labels."""
    place = torch.arange(group_size).expand(len(labels), -1)
    sampled = torch.where(place < n_correct[:, None], labels[:, None], 1 - labels[:, None])
    log_all, log_reference = logits.log_softmax(1), reference_logits.log_softmax(1)
    log_p = log_all.gather(1, sampled)
    reward = (sampled == labels[:, None]).to(DOUBLE)
    advantage = reward
    if negatives == "grpo":
        advantage = reward - (reward.mean() if normalise == "batch" else reward.mean(1)[:, None])
    clipped = torch.zeros_like(reward, dtype=torch.bool)
    if old_logits is not None and negatives != "released_none":
        ratio = (log_p - old_logits.log_softmax(1).gather(1, sampled)).exp()
        clipped = (ratio > 1 + epsilon) & (advantage > 0)
        clipped |= (ratio < 1 - epsilon) & (advantage < 0)
    d = log_reference.gather(1, sampled) - log_p
    penalty = d.exp() - d - 1
    if kl == "exact":
        penalty = (log_all.exp() * (log_all - log_reference)).sum(1)
    p = logits.softmax(1)
    return {
        "reward": reward.mean().item(),
        "kl": penalty.mean().item() if beta else math.nan,
        "clipped_share": clipped.to(DOUBLE).mean().item(),
        "entropy": -(p * p.log()).sum(1).mean().item(),
    }


@pytest.mark.parametrize(("normalise", "negatives", "kl", "old", "beta"), VARIANTS)
def test_diagnostics_equal_enumeration(normalise, negatives, kl, old, beta):
    logits, reference = random_logits(1), random_logits(3)
    counts = torch.tensor([0, 3, 5, 8, 1, 2, 7])
    options = {
        "group_size": 8,
        "reference_logits": reference,
        "old_logits": random_logits(2) if old else None,
        "normalise": normalise,
        "negatives": negatives,
        "kl": kl,
        "beta": beta,
    }
    found = diagnostics_of(logits, LABELS, counts, **options)
    wanted = enumerated_diagnostics(logits, LABELS, counts, **options)
    assert found == pytest.approx(wanted, rel=1e-12, nan_ok=True)
    assert (0 < found["clipped_share"] < 1) == (old and negatives != "released_none")


@pytest.mark.parametrize(("normalise", "negatives", "kl", "old", "beta"), UNCOUPLED)
def test_expected_diagnostics_equal_sum_over_counts(normalise, negatives, kl, old, beta):
    """Each utterance alone, every k weighted by an integer binomial coefficient."""
    group_size, logits, reference = 5, random_logits(1), random_logits(3)
    old_logits = random_logits(2) if old else None
    options = {
        "group_size": group_size,
        "normalise": normalise,
        "negatives": negatives,
        "kl": kl,
        "beta": beta,
    }
    wanted = dict.fromkeys(("reward", "kl", "clipped_share", "entropy"), 0.0)
    p = (old_logits if old else logits).softmax(1)
    for row, label in enumerate(LABELS.tolist()):
        one = slice(row, row + 1)
        for k in range(group_size + 1):
            chance = math.comb(group_size, k) * p[row, label] ** k
            chance = float(chance * p[row, 1 - label] ** (group_size - k))
            found = enumerated_diagnostics(
                logits[one],
                LABELS[one],
                torch.tensor([k]),
                reference_logits=reference[one],
                old_logits=old_logits[one] if old else None,
                **options,
            )
            for name, value in found.items():
                wanted[name] += chance * value / len(LABELS)
    found = diagnostics_of(
        logits, LABELS, reference_logits=reference, old_logits=old_logits, **options
    )
    assert found == pytest.approx(wanted, rel=1e-12, nan_ok=True)


def test_diagnostics_are_detached_scalars():
    logits = random_logits(1).requires_grad_()
    options = Grpo(group_size=8, beta=1.0)
    counts = torch.tensor([0, 3, 5, 8, 1, 2, 7])
    for _, diagnostics in (
        objectives.grpo_loss(logits, LABELS, counts, options, reference_logits=random_logits(2)),
        objectives.expected_grpo_loss(logits, LABELS, options, reference_logits=random_logits(2)),
    ):
        assert list(diagnostics) == ["reward", "kl", "clipped_share", "entropy"]
        for value in diagnostics.values():
            assert value.shape == ()
            assert not value.requires_grad


def test_a_loss_looks_at_no_value():
    """A look, such as .item(), would make a GPU wait; tensors of the meta device have no values."""
    logits, reference, old = (torch.empty(7, 2, device="meta") for _ in range(3))
    labels = torch.empty(7, dtype=torch.int64, device="meta")
    more = {"reference_logits": reference, "old_logits": old}
    for normalise, negatives, kl, _, beta in VARIANTS:
        options = Grpo(8, beta=beta, normalise=normalise, negatives=negatives, kl=kl)
        results = [objectives.grpo_loss(logits, labels, labels, options, **more)]
        if normalise != "batch":
            results.append(objectives.expected_grpo_loss(logits, labels, options, **more))
        for loss, diagnostics in results:
            assert loss.shape == diagnostics["kl"].shape == ()


def test_expected_diagnostics_are_the_mean_over_draws():
    draws = 20_000
    labels = torch.tensor([1, 0]).repeat(draws)
    logits, old = (random_logits(seed, rows=2).repeat(draws, 1) for seed in (1, 2))
    options = {"group_size": 4, "old_logits": old, "reference_logits": -logits}
    counts = sample_correct(old, labels, 4, torch.Generator().manual_seed(1))
    sampled = diagnostics_of(logits, labels, counts, **options)
    expected = diagnostics_of(logits, labels, **options)
    assert sampled == pytest.approx(expected, rel=0.02)


def test_diagnostics_without_reference_and_old_policy():
    counts = torch.tensor([0, 3, 5, 8, 1, 2, 7])
    found = diagnostics_of(random_logits(1), LABELS, counts, group_size=8, beta=0.0)
    assert math.isnan(found["kl"])
    assert found["clipped_share"] == 0
    assert found["reward"] == pytest.approx(26 / 56)


# -------------------------------------------------------------------------------------- bad input
def test_expectation_refuses_batch_normalisation():
    with pytest.raises(InputError, match=r"batch.*no exact expectation"):
        expected_grpo_loss(random_logits(1), LABELS, group_size=8, beta=0.0, normalise="batch")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": torch.zeros(7, 3)}, r"logits must be \[7, 2\], not \[7, 3\]"),
        ({"logits": torch.zeros(7, 2).half()}, "logits must be float32 or float64"),
        ({"labels": LABELS.int()}, "labels must be int64"),
        ({"labels": LABELS[:0]}, "B >= 1"),
        ({"n_correct": LABELS[:3]}, r"n_correct must be integer \[7\]"),
        ({"n_correct": LABELS.double()}, r"n_correct must be integer \[7\]"),
        ({"old_logits": torch.zeros(6, 2)}, r"old_logits must be \[7, 2\]"),
        ({"reference_logits": torch.zeros(6, 2)}, r"reference_logits must be \[7, 2\]"),
        ({"reference_logits": None}, "reference_logits must be given"),
        ({"group_size": 0}, "group_size must be at least 1"),
        ({"group_size": 1}, "2 rewards"),
        ({"normalise": "utterance"}, "normalise must be one of"),
        ({"negatives": "no"}, "negatives must be one of"),
        ({"kl": "k2"}, "kl must be one of"),
        ({"std_floor": 0.0}, "std_floor must be positive"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {
        "logits": random_logits(1),
        "labels": LABELS,
        "n_correct": torch.zeros_like(LABELS),
        "group_size": 8,
        "reference_logits": random_logits(2),
        **change,
    }
    with pytest.raises(ValueError, match=message):
        grpo_loss(**arguments)

"""Frozen policies in bf16, and what is kept of them; autocast of the CPU stands for a GPU's."""

import pytest
import torch
import torch.nn.functional as F

from benchmarks.memory import in_float32
from sdd.data.dataset import Batch
from sdd.errors import InputError
from sdd.experiment.trainable import Trainable
from sdd.training.objective_kinds import objective_from_config
from sdd.training.policies import Policies, frozen_copy
from sdd.training.recipe import Recipe
from sdd.training.trained_weights import trained_parameters
from tests.conftest import GRPO, RECIPE
from tests.helpers.encoders import AUTHORS, make, noise

BF16 = Recipe.from_config({**RECIPE, "precision": "bf16"})


@pytest.fixture
def gpus_autocast(monkeypatch):
    """A GPU's autocast has norms in float32, unlike the CPU's; products are alike."""
    for name in ("layer_norm", "group_norm"):
        monkeypatch.setattr(F, name, in_float32(getattr(F, name)))


@pytest.fixture
def bf16_on_the_cpu(gpus_autocast, monkeypatch):
    for module in ("sdd.runtime.devices", "sdd.training.policies"):
        monkeypatch.setattr(f"{module}.computes_in_bf16", lambda device, precision: True)


def batch_of(*lengths):
    waveforms = noise(len(lengths), max(lengths))
    rows = torch.arange(len(lengths))
    return Batch(waveforms, torch.tensor(lengths), rows % 2, rows)


def types(detector):
    return {name: weight.dtype for name, weight in detector.state_dict().items()}


@pytest.mark.parametrize("lengths", [(3000, 3000), (3000, 1777)], ids=["whole", "padded"])
@pytest.mark.parametrize("variant", [*AUTHORS, "odd_kernel_equal_width"])
def test_frozen_policies_in_bf16_give_the_same_logits_to_the_bit(variant, lengths, bf16_on_the_cpu):
    detector = make(variant)
    policies = Policies(detector, objective_from_config(GRPO), BF16)
    batch = policies.prepare(batch_of(*lengths))
    with torch.no_grad():
        wide = policies.logits(frozen_copy(detector), batch)
        assert torch.equal(policies.logits(policies.reference, batch), wide)
        assert torch.equal(policies.logits(policies.old, batch), wide)
        # It is bf16 that they are computed in.
        assert not torch.equal(detector(batch.waveforms, batch.lengths, normalise=False), wide)


def test_what_is_no_factor_of_a_product_stays_in_float32():
    found = types(frozen_copy(make("layer_norm_pre"), in_bf16=True))
    narrow = {name for name, kind in found.items() if kind == torch.bfloat16}
    encoder = "m_ssl.model."
    assert f"{encoder}encoder.layers.0.fc1.weight" in narrow
    assert f"{encoder}encoder.layers.2.self_attn.v_proj.bias" in narrow
    assert f"{encoder}feature_extractor.conv_layers.0.0.weight" in narrow
    assert f"{encoder}post_extract_proj.weight" in narrow
    wide = {name for name in found if "norm" in name or "pos_conv" in name or "proj_fc" in name}
    assert not narrow & wide
    assert {name for name in found if name not in narrow and "conv_layers" not in name} == wide


def test_the_old_policy_is_refreshed_in_its_own_type(bf16_on_the_cpu):
    policies = Policies(make("layer_norm_pre"), objective_from_config(GRPO), BF16)
    before = types(policies.old)
    with torch.no_grad():
        for weight in policies.policy.parameters():
            weight.add_(0.1)
    policies.before_step(BF16.old_policy_every + 1)
    assert types(policies.old) == before
    for name, weight in policies.old.state_dict().items():
        assert torch.equal(weight, policies.policy.state_dict()[name].to(weight.dtype))


def log_odds(logits):
    return logits[:, 1] - logits[:, 0]


def test_after_a_refresh_policy_and_old_policy_differ_by_rounding(bf16_on_the_cpu, monkeypatch):
    """With gradients convolutions are products of matrices, without they are convolutions."""
    found = {}
    for precision in ("bf16", "fp32"):
        if precision == "fp32":
            monkeypatch.undo()
        policies = Policies(make("layer_norm_pre"), objective_from_config(GRPO), BF16)
        policies.policy.eval()
        batch = policies.prepare(batch_of(16_000, 16_000, 16_000))
        policy = policies.logits(policies.policy, batch).detach()
        with torch.no_grad():
            old = policies.logits(policies.old, batch)
        found[precision] = (log_odds(policy) - log_odds(old)).abs().max().item()
    assert 1e-5 < found["bf16"] < 0.05
    assert found["fp32"] < 1e-5


@pytest.mark.parametrize("variant", AUTHORS)
@pytest.mark.parametrize(
    "part", [{"layers": [2, 3]}, {"lora": {"rank": 4, "alpha": 3, "modules": ["q_proj", "fc1"]}}]
)
def test_with_frozen_convolutions_they_do_not_differ_at_all(part, variant, bf16_on_the_cpu):
    trainable = Trainable.of({"trainable": part})
    policies = Policies(make(variant), objective_from_config(GRPO), BF16, trainable=trainable)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in trained_parameters(policies.policy).values():
            weight.add_(0.01 * torch.randn(weight.shape, generator=generator))
    policies.before_step(BF16.old_policy_every + 1)
    policies.policy.eval()
    batch = policies.prepare(batch_of(16_000, 12_000))
    policy = policies.logits(policies.policy, batch)
    with torch.no_grad():
        old, reference = (policies.logits(it, batch) for it in (policies.old, policies.reference))
    assert policy.requires_grad
    assert torch.equal(policy, old)
    assert not torch.equal(policy, reference)


def test_on_a_cpu_frozen_policies_stay_in_float32():
    policies = Policies(make("layer_norm_pre"), objective_from_config(GRPO), BF16)
    for frozen in (policies.reference, policies.old):
        assert set(types(frozen).values()) == {torch.float32}


def test_a_frozen_copy_shares_nothing():
    detector = make("layer_norm_pre")
    copy = frozen_copy(detector)
    before = {name: weight.clone() for name, weight in copy.state_dict().items()}
    with torch.no_grad():
        for weight in detector.parameters():
            weight.zero_()
    assert all(torch.equal(copy.state_dict()[name], weight) for name, weight in before.items())
    assert not any(weight.requires_grad for weight in copy.parameters())


def test_frozen_passes_come_before_the_policys(monkeypatch):
    """Else they would run beside all that the policy keeps for its backward pass."""
    policies = Policies(make("layer_norm_pre"), objective_from_config(GRPO), BF16)
    order, logits = [], policies.logits

    def noting(detector, batch):
        order.append(detector)
        return logits(detector, batch)

    monkeypatch.setattr(policies, "logits", noting)
    policies.loss(batch_of(2000), torch.Generator().manual_seed(0))
    assert order == [policies.reference, policies.old, policies.policy]


@pytest.mark.parametrize("variant", AUTHORS)
def test_one_cast_for_three_products_changes_no_bit(variant, gpus_autocast, monkeypatch):
    """Beside a cast for each product, which is what autocast does by itself."""
    found = []
    for once in (True, False):
        if not once:
            monkeypatch.setattr("sdd.detector.encoder.cast_for_products", lambda x: (x, x, x))
        detector = make(variant).train()
        kept = {}  # by where it lies: what is kept twice is counted once

        def keep(tensor, kept=kept):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16),
        ):
            logits = detector(noise(2, 3000), torch.tensor([3000, 1777]))
        logits.square().sum().backward()
        gradients = {name: weight.grad for name, weight in detector.named_parameters()}
        found.append((logits, gradients, sum(kept.values())))
    (ours, gradients, bytes_once), (theirs, wanted, bytes_each) = found
    assert torch.equal(ours, theirs)
    # Two copies less of each layer's input, in two bytes a number: 3 layers, 2 x 9 frames of 48.
    assert bytes_each - bytes_once == 2 * 2 * 3 * 2 * 9 * 48
    for name, value in wanted.items():
        if variant == "layer_norm_pre":
            assert torch.equal(gradients[name], value)
        else:  # a residual's gradient is added ahead of the three or after them
            assert (gradients[name] - value).norm() <= 0.01 * value.norm()


def test_no_cast_without_autocast():
    detector = make("layer_norm_pre")
    attention = detector.encoder.encoder.layers[0].self_attn
    seen = []
    attention.v_proj.register_forward_hook(lambda _, given, out: seen.append(given[0]))
    x = noise(1, 5, 48)
    attention(x, None)
    assert seen[0] is x


@pytest.mark.parametrize("needed", [True, False])
def test_frozen_policies_follow_the_recipe(needed):
    switches = {"without_negatives": "log_probability", "labels_from": "current"}
    recipe = Recipe.from_config({**RECIPE, **(switches if not needed else {})})
    objective = objective_from_config({**GRPO, "negatives": False})
    policies = Policies(make("layer_norm_pre"), objective, recipe)
    assert (policies.old is not None) == needed
    assert policies.reference is not None


@pytest.mark.parametrize("whose", ["policy", "old"])
@pytest.mark.parametrize("trainable", ["all", "back_end"])
def test_a_state_of_other_weights_is_refused(whose, trainable):
    """One too few would leave a weight as it was at the start, and no one would know."""
    spec = {**GRPO, "trainable": trainable}
    policies = Policies(
        make("layer_norm_pre"),
        objective_from_config(GRPO),
        Recipe.from_config(RECIPE),
        trainable=Trainable.of(spec),
    )
    state = policies.trained_state()
    policies.load_trained_state(state)
    weight = state[whose].pop("proj_fc.bias")
    with pytest.raises(InputError, match=f"{whose} policy .* 1 of .*, first proj_fc.bias; delete"):
        policies.load_trained_state(state)
    state[whose] |= {"proj_fc.bias": weight, "other": weight}
    with pytest.raises(InputError, match=f"{whose} policy .* first other; delete"):
        policies.load_trained_state(state)

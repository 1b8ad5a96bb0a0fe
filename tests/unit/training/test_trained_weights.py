"""What a stage trains: gradients where they belong, all else the same to the bit, and resumed."""

import copy
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sdd.detector import Detector, find_architecture, read_metadata, save_detector
from sdd.experiment.costs import trained_parameters as counted
from sdd.experiment.trainable import LORA_MODULES, Trainable
from sdd.runtime.stopping import StopRequest
from sdd.training.finetuning import finetune
from sdd.training.objective_kinds import objective_from_config
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe
from sdd.training.run_states import STATE
from sdd.training.state import HISTORY
from sdd.training.trained_weights import train_only, trained_parameters
from tests.conftest import GRPO, RECIPE, TINY
from tests.helpers.encoders import noise
from tests.helpers.runs import StopAfter, finetune_arguments, make_trainer, same, weights

SFT = {"kind": "sft"}
THREE = {**TINY, "encoder_layers": 3}
BACK_END = {"proj_fc.weight", "proj_fc.bias"}
LAYER = "m_ssl.model.encoder.layers"


def lora(*modules):
    return {"lora": {"rank": 2, "alpha": 8, "modules": list(modules)}}


PARTS = {
    "all": "all",
    "back_end": "back_end",
    "layers": {"layers": [2, 2]},
    "lora": lora("q_proj", "fc2"),
    "lora of all": lora(*LORA_MODULES),
}


def detector_of(part, architecture=THREE):
    detector = Detector(find_architecture(architecture))
    detector.initialise(7)
    train_only(detector, Trainable.of({"trainable": part}), seed=3)
    return detector


def expected_names(part, detector):
    names = set(dict(detector.named_parameters()))
    if part == "all":
        return names
    if "layers" in part:
        return BACK_END | {name for name in names if name.startswith(f"{LAYER}.1.")}
    return BACK_END | {name for name in names if name.endswith(("lora_a", "lora_b"))}


@pytest.mark.parametrize("checkpointed", [False, True])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_gradients_are_only_where_they_belong(part, checkpointed):
    detector = detector_of(part).eval()
    detector.checkpoint_activations = checkpointed
    detector(noise(2, 3000), torch.tensor([3000, 1777])).square().sum().backward()
    found = {name for name, it in detector.named_parameters() if it.grad is not None}
    assert found == expected_names(part, detector) == set(trained_parameters(detector))
    # B is zero at the start, so that A's gradient is, too; all others move at once.
    still = {name for name in found if not detector.get_parameter(name).grad.abs().sum() > 0}
    # The gradient of a bias of keys is zero: softmax does not see it.
    assert {name.rpartition(".")[2] for name in still} <= {"lora_a", "bias"}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_as_many_are_trained_as_the_plan_counts(part):
    found = sum(it.numel() for it in trained_parameters(detector_of(part)).values())
    trainable = Trainable.of({"trainable": part})
    assert counted(find_architecture(THREE), trainable) == found


def test_part_of_the_gradient_is_that_of_training_all():
    """Whatever else is frozen, what is trained has the same gradient, but for what LoRA splits."""
    found = {}
    for name in ("all", "back_end", "layers"):
        detector = detector_of(PARTS[name]).eval()
        detector(noise(2, 3000), torch.tensor([3000, 1777])).square().sum().backward()
        found[name] = {n: it.grad for n, it in trained_parameters(detector).items()}
    for name in ("back_end", "layers"):
        for parameter, gradient in found[name].items():
            torch.testing.assert_close(gradient, found["all"][parameter], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("part", ["back_end", "layers", "lora"])
def test_what_is_frozen_is_the_same_to_the_bit(part, tones, tmp_path):
    """Weight decay would move it, too; LoRA is merged into the layers that it is for."""
    start = Detector(find_architecture(THREE))
    start.initialise(7)
    save_detector(start, tmp_path / "start.safetensors")
    recipe = {**RECIPE, "weight_decay": 0.5, "schedule": "after_step"}
    options = {"architecture": THREE, "recipe": recipe}
    objective = {**SFT, "trainable": PARTS[part]}
    finetune(
        **finetune_arguments(tones, tmp_path, tmp_path / "start.safetensors", objective, **options)
    )
    made, model = load_file(tmp_path / "model.safetensors"), start.state_dict()
    assert made.keys() == model.keys()
    changed = {name for name, weight in model.items() if not torch.equal(weight, made[name])}
    adapted = {f"{LAYER}.{n}.{m}.weight" for n in range(3) for m in ("self_attn.q_proj", "fc2")}
    expected = {
        "back_end": BACK_END,
        "layers": BACK_END | {name for name in model if name.startswith(f"{LAYER}.1.")},
        "lora": BACK_END | adapted,
    }
    assert changed == expected[part]
    said = json.loads(read_metadata(tmp_path / "model.safetensors")["objective"])
    assert said["kind"] == "sft"
    assert not said["trainable"]["encoder"]


RESUMED = {
    "sft with a penalty": {**SFT, "beta": 1.0, "kl": "k3"},
    "back end": {**SFT, "trainable": "back_end"},
    "layers": {**GRPO, "trainable": {"layers": [1, 1]}},
    "lora, sft": {**SFT, "trainable": PARTS["lora"]},
    "lora, grpo": {**GRPO, "trainable": PARTS["lora"]},
}


@pytest.mark.parametrize("objective", RESUMED.values(), ids=RESUMED)
def test_a_cut_off_run_ends_in_the_same_weights(tones, tmp_path, objective):
    whole = make_trainer(tones, tmp_path / "whole", objective)
    assert whole.run(StopRequest())
    # Step 5 lies between two refreshes of the old policy.
    first = make_trainer(tones, tmp_path / "cut", objective)
    assert not first.run(StopAfter(first, 5))
    content = torch.load(tmp_path / "cut" / STATE, weights_only=True)["policies"]
    assert content["policy"].keys() == trained_parameters(first.policies.policy).keys()
    assert content["old"] is None or content["old"].keys() == content["policy"].keys()
    second = make_trainer(tones, tmp_path / "cut", objective)
    torch.manual_seed(999)
    second.restore()
    assert second.run(StopRequest())
    assert same(weights(second), weights(whole))
    wall_time = HISTORY.index("wall_time")
    ours, theirs = (
        np.delete(np.array(it.progress.history), wall_time, axis=1) for it in (second, whole)
    )
    np.testing.assert_array_equal(ours, theirs)
    assert second.best.read_bytes() == whole.best.read_bytes()


def test_the_history_of_a_penalty(tones, tmp_path):
    """0 before the first step, in a column of its own, and less where it is strong."""
    columns = {}
    for beta in (0.01, 50.0):
        objective = {**SFT, "beta": beta, "kl": "exact"}
        trainer = make_trainer(tones, tmp_path / str(beta), objective, dropout=False)
        assert trainer.run(StopRequest())
        columns[beta] = [row[HISTORY.index("kl")] for row in trainer.progress.history]
        assert columns[beta][0] == pytest.approx(0, abs=1e-12)
        assert all(np.isnan(row[HISTORY.index("reward")]) for row in trainer.progress.history)
    assert 0 < columns[50.0][-1] < columns[0.01][-1]


def policies_of(part, **changes):
    recipe = Recipe.from_config({**RECIPE, **changes})
    detector = Detector(find_architecture(THREE))
    detector.initialise(7)
    return Policies(
        detector,
        objective_from_config(GRPO),
        recipe,
        trainable=Trainable.of({"trainable": part}),
        seed=3,
    )


@pytest.mark.parametrize("part", ["layers", "lora"])
def test_the_old_policy_is_refreshed_and_the_reference_is_not(part):
    policies = policies_of(PARTS[part])
    policies.policy.eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in trained_parameters(policies.policy).values():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    waveforms = noise(2, 3000)
    with torch.no_grad():
        policy, before = policies.policy(waveforms), policies.old(waveforms)
        reference = policies.reference(waveforms)
        assert torch.equal(before, reference)
        policies.before_step(policies.recipe.old_policy_every + 1)
        assert torch.equal(policies.old(waveforms), policy)
        assert torch.equal(policies.reference(waveforms), reference)
    assert not torch.equal(policy, reference)


@pytest.mark.parametrize(("part", "shared"), [("all", False), ("layers", True), ("lora", True)])
def test_reference_and_old_policy_share_what_is_frozen(part, shared):
    policies = policies_of(PARTS[part])
    trained = trained_parameters(policies.policy)
    places = {name: it.data_ptr() for name, it in policies.reference.state_dict().items()}
    common = {
        name for name, it in policies.old.state_dict().items() if places.get(name) == it.data_ptr()
    }
    assert common == ({name for name in places if name not in trained} if shared else set())
    # Another reference than the start is another detector.
    other = copy.deepcopy(policies.reference)
    with torch.no_grad():
        other.proj_fc.bias.add_(1)
    apart = Policies(
        policies.reference.requires_grad_(True),
        policies.objective,
        policies.recipe,
        other,
        trainable=Trainable.of({"trainable": "back_end"}),
    )
    assert not {it.data_ptr() for it in apart.old.parameters()} & {
        it.data_ptr() for it in apart.reference.parameters()
    }

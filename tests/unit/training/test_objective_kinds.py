"""Kinds of objectives: the registry, the schema, and one that a test adds."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
import yaml

from sdd.errors import InputError
from sdd.experiment.experiment import AVERAGE
from sdd.experiment.training_needs import TrainingNeeds
from sdd.runtime.stopping import StopRequest
from sdd.training import objective_kinds
from sdd.training.objective_kinds import KINDS, BatchLogits, Objective, objective_from_config
from sdd.training.objectives import sft_loss
from sdd.training.recipe import Recipe
from sdd.training.state import HISTORY
from tests.conftest import GRPO, RECIPE
from tests.helpers.paths import CHECKOUT
from tests.helpers.runs import make_trainer

SCHEMA = yaml.safe_load((CHECKOUT / "workflow/schemas/config.schema.yaml").read_text())
BRANCHES = SCHEMA["properties"]["objectives"]["additionalProperties"]


def test_the_schema_has_a_branch_for_each_kind_with_its_parameters():
    # An average is a stage that is not trained.
    assert BRANCHES["properties"]["kind"]["enum"] == [*KINDS, AVERAGE]
    found, required = {}, {}
    for branch in BRANCHES["allOf"]:
        kind, keys = branch["if"]["properties"]["kind"]["const"], branch["then"]["properties"]
        found[kind] = [name for name in keys if name not in ("kind", "trainable", "switches")]
        required[kind] = branch["then"].get("required", [])
    assert found.pop(AVERAGE) == required.pop(AVERAGE) == ["weight"]
    fields = {name: dataclasses.fields(kind) for name, kind in KINDS.items()}
    assert found == {name: [it.name for it in those] for name, those in fields.items()}
    assert required == {
        name: [it.name for it in those if it.default is dataclasses.MISSING]
        for name, those in fields.items()
    }


def test_a_kind_that_is_not_known():
    with pytest.raises(InputError, match=r"kind of an objective: 'dpo'; known: sft, grpo"):
        objective_from_config({"kind": "dpo"})


@pytest.mark.parametrize("beta", [0.0, 0.04])
@pytest.mark.parametrize("on_policy", [True, False])
def test_needs_are_those_that_the_plan_reads_from_the_config(beta, on_policy):
    config = {**GRPO, "beta": beta, "on_policy": on_policy}
    needs = objective_from_config(config).needs(Recipe.from_config(RECIPE))
    assert needs == TrainingNeeds.of(config, RECIPE)
    assert needs == TrainingNeeds(reference=beta > 0, old=not on_policy)
    sft = objective_from_config({"kind": "sft"})
    assert sft.needs(Recipe.from_config(RECIPE)) == TrainingNeeds()
    assert sft.as_config() == {"kind": "sft"}
    config = {"kind": "sft", "beta": 0.04, "kl": "k3"}
    penalised = objective_from_config(config)
    assert penalised.needs(Recipe.from_config(RECIPE)) == TrainingNeeds(reference=True)
    assert penalised.as_config() == config


def test_without_negatives_as_released_no_old_policy_is_kept_and_the_loss_is_the_same():
    """Nothing but the ratio and the labels would look at it, and there is no ratio."""
    released = {"without_negatives": "log_probability", "labels_from": "current"}
    recipe = Recipe.from_config({**RECIPE, **released})
    objective = objective_from_config({**GRPO, "negatives": False})
    assert not objective.needs(recipe).old
    generator = torch.Generator().manual_seed(1)
    policy, old, reference = (torch.randn(5, 2, generator=generator) for _ in range(3))
    labels = torch.tensor([0, 1, 1, 0, 1])
    results = []
    for given in (None, old):
        logits = policy.clone().requires_grad_()
        batch = BatchLogits(labels, logits, reference=reference, old=given)
        loss, diagnostics = objective.loss(batch, recipe, torch.Generator().manual_seed(2))
        loss.backward()
        results.append([loss, logits.grad, *diagnostics.values()])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_a_kind_of_ones_own_trains(tones, tmp_path, monkeypatch):
    """SFT whose log-odds are held near the reference's: the example of docs/objectives.md."""
    penalties = []

    @dataclass(frozen=True)
    class AnchoredSft(Objective):
        kind: ClassVar[str] = "anchored_sft"
        beta: float

        def loss(self, batch, recipe, generator):
            moved = (batch.policy - batch.reference).diff(dim=1).square().mean()
            penalties.append(moved.item())
            loss = sft_loss(batch.policy, batch.labels) + self.beta * moved
            entropy = torch.distributions.Categorical(logits=batch.policy.detach()).entropy()
            return loss, {"entropy": entropy.mean()}

    monkeypatch.setitem(objective_kinds.KINDS, "anchored_sft", AnchoredSft)
    moved = {}
    for beta in (0.1, 50.0):
        config = {"kind": "anchored_sft", "beta": beta}
        trainer = make_trainer(tones, tmp_path / str(beta), config, max_steps=6)
        assert trainer.policies.reference is not None
        assert trainer.policies.old is None
        assert trainer.run(StopRequest())
        assert 0 < trainer.progress.history[-1][HISTORY.index("entropy")] < 0.7
        moved[beta] = penalties[-1]
    assert 0 < moved[50.0] < moved[0.1]


def test_the_loss_is_that_of_the_logits_it_is_given():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(5, 2, generator=generator)
    labels = torch.tensor([0, 1, 1, 0, 1])
    recipe = Recipe.from_config(RECIPE)
    loss, diagnostics = objective_from_config({"kind": "sft"}).loss(
        BatchLogits(labels, logits), recipe, generator
    )
    assert loss == sft_loss(logits, labels)
    assert diagnostics == {}

import pytest

from sdd.experiment.training_needs import TrainingNeeds
from tests.conftest import CONFIG


@pytest.mark.parametrize(
    ("objective", "reference", "old"),
    [
        ({"kind": "sft"}, False, False),
        ({"kind": "grpo", "beta": 0.04, "on_policy": False}, True, True),
        ({"kind": "grpo", "beta": 0.0, "on_policy": False}, False, True),
        ({"kind": "grpo", "beta": 0.04, "on_policy": True}, True, False),
        ({"kind": "grpo", "beta": 0, "on_policy": True}, False, False),
        ({"kind": "another", "beta": 0.1}, True, False),
        ({"kind": "another", "on_policy": False}, False, True),
    ],
)
def test_needs_are_read_from_two_parameters_whatever_the_kind(objective, reference, old):
    needs = TrainingNeeds.of(objective, CONFIG["recipes"]["as_written"])
    assert needs == TrainingNeeds(reference, old)
    assert needs.frozen == reference + old


@pytest.mark.parametrize(
    ("switches", "objective", "old"),
    [
        ({}, {}, False),
        ({"without_negatives": "ratio"}, {}, True),
        ({"labels_from": "old"}, {}, True),
        ({}, {"negatives": True}, True),
        ({}, {"rollouts": "exact"}, True),  # the expectation is over the old policy's labels
    ],
)
def test_an_old_policy_that_nothing_looks_at_is_not_needed(switches, objective, old):
    recipe = {**CONFIG["recipes"]["as_released"], **switches}
    objective = {**CONFIG["objectives"]["grpo_noneg"], **objective}
    assert TrainingNeeds.of(objective, recipe) == TrainingNeeds(reference=True, old=old)

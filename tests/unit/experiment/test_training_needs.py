import pytest

from sdd.experiment.training_needs import TrainingNeeds


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
    needs = TrainingNeeds.of(objective)
    assert needs == TrainingNeeds(reference, old)
    assert needs.frozen == reference + old

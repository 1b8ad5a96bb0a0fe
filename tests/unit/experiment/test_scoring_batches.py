"""Audio of a forward pass of scoring."""

import pytest

from sdd.experiment.scoring_batches import scoring_batch_seconds


@pytest.mark.parametrize(
    ("setting", "device", "seconds"),
    [("auto", "cpu", 8.0), ("auto", "cuda", 100.0), (2.5, "cpu", 2.5), (2.5, "cuda", 2.5)],
)
def test_batches_of_scoring_by_device(setting, device, seconds):
    assert scoring_batch_seconds(setting, device) == seconds

"""Paces that were measured, scaled or assumed, by hand."""

import copy

import pytest

from sdd.detector.architectures import find_architecture
from sdd.experiment.costs import forward_operations
from sdd.experiment.speeds import Speeds, least_sure
from tests.helpers.experiments import PAPER
from tests.helpers.pilots import scoring_row, training_row

XLSR = find_architecture("xlsr_2b")
LENGTHS = {"dfe24_4s": 4.0, "dfe24_50s": 50.0, "itw": 15.0}


def speeds(*rows, **changes):
    return Speeds({**copy.deepcopy(PAPER), **changes}, rows)


def training(of, passes=5, objective="grpo", recipe="as_written", precision="bf16", model=None):
    found = of.training(
        model or "xlsr_2b",
        XLSR,
        15.0,
        precision=precision,
        passes=passes,
        objective=objective,
        recipe=recipe,
    )
    return found.seconds, found.basis


def scoring(of, name, precision="fp32"):
    found = of.scoring("xlsr_2b", XLSR, name, LENGTHS, precision=precision)
    return found.seconds, found.basis


def test_a_piloted_stage_is_as_fast_as_it_was():
    """18 s for 4,500 s of audio and five passes."""
    assert training(speeds(training_row())) == (pytest.approx(18 / 4500 / 5), "measured")


def test_another_objective_is_scaled_by_its_passes():
    """The pace of a pass is that of the pilot with the nearest number of them."""
    of = speeds(training_row(), training_row(name="sft", passes=3, seconds=12.0))
    assert training(of, 4, "grpo_s") == (pytest.approx(18 / 4500 / 5), "scaled")
    assert training(of, 3, "sft") == (pytest.approx(12 / 4500 / 3), "measured")
    # Activations that are computed again are a pass more.
    assert training(of, 6) == (pytest.approx(18 / 4500 / 5), "scaled")


def test_another_recipe_is_scaled_and_its_own_goes_before():
    of = speeds(training_row(recipe="other", seconds=20.0))
    assert training(of) == (pytest.approx(20 / 4500 / 5), "scaled")
    of = speeds(training_row(recipe="other", seconds=20.0), training_row(name="sft", passes=3))
    assert training(of) == (pytest.approx(18 / 4500 / 3), "scaled")


@pytest.mark.parametrize("other", [{"precision": "fp32"}, {"model": "mms_1b"}])
def test_what_is_not_near_is_arithmetic(other):
    expected = forward_operations(XLSR, 15.0) / 250e12
    assert training(speeds(training_row(**other))) == (pytest.approx(expected), "arithmetic")
    assert training(speeds()) == (pytest.approx(expected), "arithmetic")


def test_a_piloted_set_is_as_fast_as_it_was_and_others_by_their_operations():
    slower = scoring_row("dfe24_50s", seconds=6.0, precision="fp32")
    of = speeds(scoring_row("dfe24_4s", precision="fp32"), slower)
    assert scoring(of, "dfe24_50s") == (pytest.approx(6 / 800), "measured")
    # 800 s of each, in 10 s together.
    short, long = (forward_operations(XLSR, length) for length in (4.0, 50.0))
    rate = 800 * (short + long) / 10
    assert scoring(of, "itw") == (pytest.approx(forward_operations(XLSR, 15.0) / rate), "scaled")
    assert scoring(of, "itw", "bf16")[1] == "arithmetic"
    assert scoring(of, "itw", "tf32") == (
        pytest.approx(forward_operations(XLSR, 15.0) / 120e12),
        "arithmetic",
    )


def test_a_cpu_is_assumed_by_its_cores_and_computes_in_fp32():
    of = speeds(device="cpu", threads={"prepare": 1, "train": 4, "score": 2})
    assert of.device == "cpu"
    assert training(of)[0] == pytest.approx(forward_operations(XLSR, 15.0) / 0.04e12)
    assert scoring(of, "itw")[0] == pytest.approx(forward_operations(XLSR, 15.0) / 0.02e12)
    piloted = speeds(training_row(device="cpu", precision="bf16"), device="cpu")
    assert training(piloted, precision="fp32")[1] == "measured"


@pytest.mark.parametrize(
    ("setting", "device", "expected", "rows"),
    [
        ("auto", "cuda", "cuda", 1),
        ("auto", "cpu", "cpu", 1),
        ("cpu", "cuda", "cpu", 0),
        ("cuda:1", "cuda", "cuda", 1),
        ("cuda", "cpu", "cuda", 0),
    ],
)
def test_only_what_ran_on_the_device_of_the_config_counts(setting, device, expected, rows):
    of = speeds(training_row(device=device), device=setting)
    assert (of.device, len(of.rows)) == (expected, rows)


def test_without_a_pilot_auto_is_a_gpu_and_of_two_devices_the_gpu_counts():
    assert speeds().device == "cuda"
    of = speeds(training_row(), training_row(device="cpu", device_name="EPYC"))
    assert of.device_names == ["NVIDIA H100"]


def test_a_sum_is_as_sure_as_its_least_sure_part():
    assert least_sure(["measured", "measured"]) == "measured"
    assert least_sure(["measured", "scaled"]) == "scaled"
    assert least_sure(["scaled", "arithmetic", "measured"]) == "arithmetic"

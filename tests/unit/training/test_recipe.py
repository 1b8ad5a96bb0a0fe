"""Learning rates by hand for both schedules, and typed values of the config's mappings."""

import dataclasses

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sdd.training.objective_kinds import GrpoObjective, SftObjective, objective_from_config
from sdd.training.recipe import Recipe
from tests.helpers.paths import CHECKOUT

PAPER = yaml.safe_load((CHECKOUT / "config.yaml").read_text(encoding="utf-8"))
AS_WRITTEN = Recipe.from_config(PAPER["recipes"]["as_written"])
AS_RELEASED = Recipe.from_config(PAPER["recipes"]["as_released"])


def recipe(schedule, *, base=1.0, warm_up=4, total=14, decay=0.01):
    """Make a recipe whose learning rates can be worked out by hand."""
    return dataclasses.replace(
        AS_WRITTEN,
        schedule=schedule,
        learning_rate=base,
        warm_up_steps=warm_up,
        schedule_steps=total,
        decay_factor=decay,
    )


# Base 1, warm-up 4, total 14, decay 0.01: call n gives n / 4 up to n = 4, then 0.1 ** ((n-4)/5).
CALLS = {0: 0.0, 1: 0.25, 2: 0.5, 3: 0.75, 4: 1.0, 9: 0.1, 14: 0.01, 19: 0.001}


@pytest.mark.parametrize(("call", "rate"), CALLS.items())
def test_schedule_before_the_step(call, rate):
    """Step s is made after call s - 1: the first step has rate 0."""
    assert recipe("before_step").learning_rate_of_step(call + 1) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(("call", "rate"), CALLS.items())
def test_schedule_after_the_step(call, rate):
    """Step s is made after call s - 2: everything one step later, and the first at full rate."""
    assert recipe("after_step").learning_rate_of_step(call + 2) == pytest.approx(rate, rel=1e-12)
    assert recipe("after_step").learning_rate_of_step(1) == 1.0


def test_released_recipe():
    """Step 1 at 1e-6, step 2 at 0, then 1e-6 n / 80,000: it never reaches its warm-up's end."""
    rate = AS_RELEASED.learning_rate_of_step
    assert rate(1) == 1e-6
    assert rate(2) == 0.0
    assert rate(3) == pytest.approx(1e-6 / 80_000, rel=1e-12)
    assert rate(20_002) == pytest.approx(0.25e-6, rel=1e-12)


def test_written_recipe():
    rate = AS_WRITTEN.learning_rate_of_step
    assert rate(1) == 0.0
    assert rate(2) == pytest.approx(1.25e-11, rel=1e-12)
    assert rate(20_001) == pytest.approx(2.5e-7, rel=1e-12)
    assert rate(50_000) == pytest.approx(49_999 / 80_000 * 1e-6, rel=1e-12)


@pytest.mark.parametrize("schedule", ["before_step", "after_step"])
@pytest.mark.parametrize("total", [3, 4])
def test_warm_up_as_long_as_the_schedule_or_longer(schedule, total):
    """The exponent is then never positive: the rate stays at the base, however long the run."""
    subject = recipe(schedule, total=total)
    assert subject.learning_rate_of_step(3) == (0.5 if schedule == "before_step" else 0.25)
    for step in (6, 7, 10, 1000, 10**9):
        assert subject.learning_rate_of_step(step) == 1.0


def test_no_warm_up():
    subject = recipe("before_step", warm_up=0, total=10)
    assert subject.learning_rate_of_step(1) == 1.0
    assert subject.learning_rate_of_step(6) == pytest.approx(0.1, rel=1e-12)
    assert subject.learning_rate_of_step(11) == pytest.approx(0.01, rel=1e-12)


@given(
    st.sampled_from(["before_step", "after_step"]),
    st.floats(1e-8, 1.0),
    st.integers(0, 200),
    st.integers(1, 200),
    st.floats(1e-4, 1.0),
    st.integers(1, 10_000),
)
def test_never_above_the_base_nor_below_zero(schedule, base, warm_up, total, decay, step):
    subject = recipe(schedule, base=base, warm_up=warm_up, total=total, decay=decay)
    assert 0 <= subject.learning_rate_of_step(step) <= base


@given(st.integers(0, 50), st.integers(1, 100), st.integers(2, 200))
def test_rises_then_falls(warm_up, total, step):
    subject = recipe("before_step", warm_up=warm_up, total=total)
    before, after = subject.learning_rate_of_step(step), subject.learning_rate_of_step(step + 1)
    assert after > before if step <= warm_up else after <= before


def test_recipe_from_config():
    assert AS_RELEASED.crop.longer_than == 13.0
    assert (AS_RELEASED.crop.shortest, AS_RELEASED.crop.longest) == (10.0, 13.0)
    assert AS_RELEASED.skip_suffixes == (".m4a", ".mp4", ".dat")
    assert (AS_WRITTEN.crop.shortest, AS_WRITTEN.crop.longest) == (15.0, 15.0)
    for name, subject in (("as_written", AS_WRITTEN), ("as_released", AS_RELEASED)):
        config = PAPER["recipes"][name]
        # What scores or segment tables alone depend on is not training's business.
        fields = {field.name for field in dataclasses.fields(Recipe)}
        assert fields == set(config) - {"scoring_precision", "encode_mp3_again"}
        for key in fields - {"crop", "skip_suffixes"}:
            assert getattr(subject, key) == config[key], key
    with pytest.raises(dataclasses.FrozenInstanceError):
        AS_WRITTEN.learning_rate = 1.0


def test_objectives_from_config():
    objectives = PAPER["objectives"]
    assert objective_from_config(objectives["sft"]) == SftObjective()
    grpo = GrpoObjective(
        group_size=64,
        beta=0.04,
        epsilon=0.2,
        std_floor=1e-5,
        on_policy=False,
        negatives=True,
        kl="k3",
        rollouts="sampled",
    )
    assert objective_from_config(objectives["grpo"]) == grpo
    for name, change in {
        "grpo_s": {"on_policy": True},
        "grpo_beta0": {"beta": 0.0},
        "grpo_beta1": {"beta": 1.0},
        "grpo_noneg": {"negatives": False},
    }.items():
        assert objective_from_config(objectives[name]) == dataclasses.replace(grpo, **change)

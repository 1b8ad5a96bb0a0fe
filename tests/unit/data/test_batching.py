"""Batches: the released sampler simulated by hand, and batches by length."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import lognorm

from sdd.data.batching import length_sorted_batches, plan_epoch
from sdd.data.buckets import bucket_boundaries
from sdd.errors import InputError

torch.set_num_threads(1)

RELEASED = {"budget_seconds": 100.0, "buckets": 20}


def durations_of(count, seed=0):
    return np.random.default_rng(seed).lognormal(1.5, 0.8, size=count).round(2) + 0.1


# ------------------------------------------------------------------------------------ boundaries
def test_boundaries_by_hand():
    """Three buckets: quantiles 1/4, 1/2, 3/4 of a log-normal are exp(-z), 1, exp(z), z = .67449."""
    z = 0.6744897501960817
    expected = [100 * math.exp(-2 * z), 100 * math.exp(-z), 100]
    np.testing.assert_allclose(bucket_boundaries(100.0, 3), expected, rtol=1e-14)
    np.testing.assert_allclose(bucket_boundaries(100.0, 3)[:2], [25.95, 50.94], atol=0.005)


@pytest.mark.parametrize(("budget", "buckets"), [(100.0, 20), (10.0, 1), (33.3, 7), (400.0, 200)])
def test_boundaries_are_lognormal_quantiles(budget, buckets):
    quantiles = lognorm.ppf(np.linspace(1, buckets, buckets) / (buckets + 1), 1)
    expected = quantiles * budget / quantiles[-1]
    np.testing.assert_allclose(bucket_boundaries(budget, buckets), expected, rtol=1e-12)


def test_released_batches_of_15_s_are_six():
    durations = np.full(60, 15.0)
    batches = plan_epoch(durations, seed=42, epoch=0, **RELEASED)
    assert [len(batch) for batch in batches] == [6] * 10


@pytest.mark.parametrize(("budget", "buckets"), [(0.0, 20), (-1.0, 20), (100.0, 0), (math.inf, 3)])
def test_unusable_buckets(budget, buckets):
    with pytest.raises(InputError, match="batches need a positive budget"):
        bucket_boundaries(budget, buckets)


# ----------------------------------------------------------------------------------------- plans
def simulated_epoch(durations, budget, buckets, seed):
    """The sampler, as it is described: one segment after the other."""
    boundaries = [
        float(lognorm.ppf(i / (buckets + 1), 1) * budget / lognorm.ppf(buckets / (buckets + 1), 1))
        for i in range(1, buckets + 1)
    ]
    boundaries[-1] = budget
    waiting = {place: [] for place in range(buckets + 1)}
    done = []
    for index in torch.randperm(len(durations), generator=torch.Generator().manual_seed(seed)):
        place = 0
        while place < buckets and boundaries[place] < durations[index]:
            place += 1
        capacity = 1 if place == buckets else max(1, math.floor(budget / boundaries[place]))
        waiting[place].append(int(index))
        if len(waiting[place]) >= capacity:
            done.append(waiting[place])
            waiting[place] = []
    done += [waiting[place] for place in range(buckets + 1) if waiting[place]]
    order = torch.randperm(len(done), generator=torch.Generator().manual_seed(seed))
    return [done[place] for place in order]


@pytest.mark.parametrize("seed", [0, 42, 1234])
@pytest.mark.parametrize(("budget", "buckets"), [(100.0, 20), (20.0, 5), (3.0, 2)])
def test_plan_equals_the_simulation(budget, buckets, seed):
    durations = durations_of(300, seed)
    for epoch in (0, 3):
        assert plan_epoch(
            durations, budget_seconds=budget, buckets=buckets, seed=seed, epoch=epoch
        ) == simulated_epoch(durations, budget, buckets, seed + epoch)


@settings(max_examples=50, deadline=None)
@given(
    durations=st.lists(st.floats(0.01, 200), min_size=1, max_size=200),
    budget=st.floats(1, 150),
    buckets=st.integers(1, 25),
    seed=st.integers(0, 2**31),
)
def test_every_segment_once_and_no_batch_over_the_budget(durations, budget, buckets, seed):
    batches = plan_epoch(
        np.array(durations), budget_seconds=budget, buckets=buckets, seed=seed, epoch=1
    )
    assert sorted(index for batch in batches for index in batch) == list(range(len(durations)))
    for batch in batches:
        padded = len(batch) * max(durations[index] for index in batch)
        assert len(batch) == 1 or padded <= budget * (1 + 1e-9)


def test_orders_depend_on_seed_and_epoch():
    durations = durations_of(200)
    plans = [
        plan_epoch(durations, seed=seed, epoch=epoch, **RELEASED)
        for seed, epoch in ((0, 0), (0, 1), (7, 0))
    ]
    assert plans[0] == plan_epoch(durations, seed=0, epoch=0, **RELEASED)
    assert plans[0] != plans[1]
    assert plans[0] != plans[2]


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_unusable_duration(bad):
    with pytest.raises(InputError, match="row 2 has a duration of"):
        plan_epoch(np.array([1.0, 2.0, bad]), seed=0, epoch=0, **RELEASED)


def test_no_segments():
    with pytest.raises(InputError, match="no segment to make batches of"):
        plan_epoch(np.array([]), seed=0, epoch=0, **RELEASED)


# ------------------------------------------------------------------------------------- by length
@given(
    st.lists(st.floats(0.1, 60), min_size=1, max_size=50),
    st.floats(1, 100),
)
def test_batches_hold_each_segment_once_within_the_budget(seconds, budget):
    batches = length_sorted_batches(np.array(seconds), budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(seconds)))
    for batch in batches:
        longest = max(seconds[index] for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget * (1 + 1e-9)


def test_batches_by_hand():
    seconds = np.array([1.0, 4.0, 2.0, 9.0, 3.0])
    assert length_sorted_batches(seconds, 8.0) == [[3], [1, 4], [2, 0]]

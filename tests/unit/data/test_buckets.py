"""How full batches are: by hand, and against the batches that are planned."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdd.data.batching import plan_epoch
from sdd.data.buckets import (
    budgeted_durations,
    capacities,
    filling,
    notes_on_batches,
    small_batches,
    warn_of_small_batches,
)
from tests.helpers.score_tables import segments, write_table

CLIPS = np.linspace(1.5, 3.0, 301)


def test_the_most_of_a_batch_depends_on_the_number_of_buckets_alone():
    for buckets, most in ((1, 1), (2, 2), (5, 6), (10, 14), (20, 28), (40, 51)):
        assert {max(capacities(budget, buckets)) for budget in (10.0, 99.0, 400.0)} == {most}
    assert capacities(100.0, 5) == [6, 4, 2, 1, 1, 1]


def test_clips_of_two_seconds_in_five_buckets_void_batch_seconds():
    """All are shorter than the first bucket: six of them make a batch, whatever its budget."""
    for budget in (24.0, 48.0, 100.0, 200.0):
        found = filling(CLIPS, budget, 5)
        assert (found.seconds, found.segments) == (pytest.approx(6 * 2.25), 6)
    assert small_batches(CLIPS, 24.0, 5) == ""  # more than half of what was asked for
    text = small_batches(CLIPS, 100.0, 5)
    assert text.startswith("batches hold 13.5 s of audio, not batch_seconds (100): with 5 buckets ")
    assert "none has more than 6" in text
    enough = int(re.search(r"set buckets to (\d+) or more", text)[1])
    assert small_batches(CLIPS, 100.0, enough) == ""
    assert small_batches(CLIPS, 100.0, enough - 1) != ""
    assert "set buckets" not in small_batches(CLIPS, 100.0, 5, fixed=True)


def test_the_papers_batches_are_full():
    assert filling(np.full(100, 15.0), 100.0, 20).seconds == pytest.approx(90)
    assert small_batches(np.full(100, 15.0), 100.0, 20) == ""
    assert small_batches(np.full(9, 300.0), 100.0, 20) == ""  # each a batch of its own


@settings(max_examples=30)
@given(st.integers(0, 99), st.integers(1, 30), st.floats(5, 200))
def test_batches_that_are_planned_are_as_full(seed, buckets, budget):
    durations = np.random.default_rng(seed).lognormal(1, 0.7, 3000)
    batches = plan_epoch(durations, budget_seconds=budget, buckets=buckets, seed=0, epoch=0)
    found = filling(durations, budget, buckets)
    # Less what is left in each bucket at the end: a batch a bucket at most.
    full = durations.sum() / found.seconds
    assert full - 1e-6 <= len(batches) <= full + buckets + 1
    assert max(map(len, batches)) <= found.segments


def test_durations_as_they_are_budgeted():
    seconds = np.array([3.0, 13.0, 20.0])
    crop = {"longer_than": 13.0, "longest": 12.0}
    assert budgeted_durations(seconds, **crop, whole=False).tolist() == [3, 13, 12]
    assert budgeted_durations(seconds, **crop, whole=True).tolist() == [3, 13, 20]


def test_the_log_and_the_plan_say_so(tmp_path, caplog):
    warn_of_small_batches(np.full(9, 15.0), 100.0, 20)
    assert not caplog.text
    warn_of_small_batches(CLIPS, 100.0, 5)
    assert "batches hold 13.5 s" in caplog.text
    recipe = {
        "crop": {"longer_than": 4.0, "longest": 4.0},
        "batch_durations": "cropped",
        "batch_seconds": 100.0,
        "buckets": 5,
    }
    path = tmp_path / "train.parquet"
    assert notes_on_batches(path, recipe) == []
    write_table(segments(["real"] * 20), path)  # a second each
    notes = notes_on_batches(path, recipe)
    assert notes[0].startswith("Training: batches hold 6 s of audio, not batch_seconds (100)")
    assert max(map(len, notes)) <= 80
    assert notes_on_batches(path, recipe | {"batch_seconds": 6.0}) == []
    long = dataclasses.replace(segments(["real"] * 20), end=np.full(20, 20 * 16_000))
    write_table(long, path)
    assert notes_on_batches(path, recipe)[0].startswith("Training: batches hold 24 s")  # of 4 s

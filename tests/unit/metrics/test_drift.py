"""Drift against scipy, closed forms and invariances."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from sdd.errors import InputError
from sdd.metrics import drift as module
from sdd.metrics.drift import drift, wasserstein_per_dimension


def by_scipy(x, y):
    pairs = zip(np.asarray(x, float).T, np.asarray(y, float).T, strict=True)
    return [wasserstein_distance(a, b) for a, b in pairs]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (40, 40), (37, 53), (60, 24), (101, 100)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_equals_scipy_in_each_dimension(n, m, dtype):
    generator = np.random.default_rng(n + m)
    x = generator.normal(0, 1, (n, 13)).astype(dtype)
    y = generator.normal(0.2, 3, (m, 13)).astype(dtype)
    assert wasserstein_per_dimension(x, y) == pytest.approx(by_scipy(x, y), rel=1e-9)


@settings(max_examples=60)
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=15),
    st.lists(st.integers(-3, 3), min_size=1, max_size=15),
)
def test_equals_scipy_with_ties_and_unequal_sizes(x, y):
    distance = wasserstein_per_dimension(np.array(x)[:, None], np.array(y)[:, None])
    assert distance == pytest.approx([wasserstein_distance(x, y)], rel=1e-9, abs=1e-12)


def test_by_hand():
    # Moving half of the mass at 0 to 1, and {0, 0, 3} to {1}: |0-1|/3 + |0-1|/3 + |3-1|/3.
    x, y = np.array([[0.0], [0.0]]), np.array([[0.0], [1.0]])
    assert wasserstein_per_dimension(x, y).tolist() == [0.5]
    assert wasserstein_per_dimension([[0], [0], [3]], [[1]]) == pytest.approx([4 / 3])


def test_pieces_of_any_size_give_the_same(monkeypatch):
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(31, 10)), generator.normal(size=(20, 10))
    whole = wasserstein_per_dimension(x, y)
    for values in (1, 3 * 31, 7 * 31):
        monkeypatch.setattr(module, "_CHUNK_VALUES", values)
        assert wasserstein_per_dimension(x, y) == pytest.approx(whole, rel=1e-14)


def test_large_single_precision_sets_are_summed_exactly():
    # A shift by 1/1024 is exact in float32; sums in float32 would not be.
    x = np.arange(30_000, dtype=np.float32)[:, None] / 1024
    assert wasserstein_per_dimension(x, x + np.float32(1 / 1024))[0] == pytest.approx(
        1 / 1024, rel=1e-12
    )


def test_input_is_left_as_it_was():
    x = np.array([[3.0, 1.0], [2.0, 5.0]])
    before = x.copy()
    wasserstein_per_dimension(x, x[::-1] + 1)
    assert (x == before).all()


def test_mean_method_is_the_mean_over_dimensions():
    x = np.zeros((3, 2))
    assert drift(x, x + np.array([1, 3])) == 2
    assert drift(x, x) == 0


def test_exact_distance_of_a_translated_set_is_the_shift():
    x = np.random.default_rng(0).normal(size=(60, 5))
    shift = np.array([3.0, 0, 4, 0, 0])
    assert drift(x, x[::-1] + shift, method="exact") == pytest.approx(5, rel=1e-9)
    assert drift(x, x[::-1], method="exact") == pytest.approx(0, abs=1e-12)


def test_exact_distance_in_one_dimension_is_the_sorted_one():
    generator = np.random.default_rng(2)
    x, y = generator.normal(size=(50, 1)), generator.exponential(size=(31, 1))
    assert drift(x, y, method="exact") == pytest.approx(drift(x, y), rel=1e-9)
    assert drift(x, y, method="sliced", projections=4) == pytest.approx(drift(x, y), rel=1e-9)


def test_sliced_distance_of_a_translated_set_is_the_mean_projection_of_the_shift():
    # In the plane the mean of |cos| over directions is 2 / pi.
    x = np.random.default_rng(0).normal(size=(40, 2))
    sliced = drift(x, x + np.array([3, 4]), method="sliced", projections=4000)
    assert sliced == pytest.approx(5 * 2 / np.pi, rel=0.03)


def test_sliced_distance_is_repeatable_and_in_double_precision():
    generator = np.random.default_rng(5)
    x = generator.normal(size=(3000, 3)).astype(np.float32)
    y = generator.normal(0.1, 1, size=(2000, 3)).astype(np.float32)
    first = drift(x, y, method="sliced", projections=20, seed=1)
    assert first == drift(x, y, method="sliced", projections=20, seed=1)
    assert first != drift(x, y, method="sliced", projections=20, seed=2)
    in_double = drift(x.astype(float), y.astype(float), method="sliced", projections=20, seed=1)
    assert first == in_double


def test_exact_distance_of_large_sets_uses_a_repeatable_subsample():
    x = np.random.default_rng(0).normal(size=(300, 2))
    y = x + np.array([6, 8])
    capped = drift(x, y, method="exact", cap=100, seed=4)
    assert capped == drift(x, y, method="exact", cap=100, seed=4)
    assert capped == pytest.approx(10, rel=0.1)


def test_exact_is_at_least_the_distance_of_the_means_and_at_most_the_sum_over_dimensions():
    generator = np.random.default_rng(8)
    x, y = generator.normal(size=(40, 4)), generator.normal(0.5, 2, size=(55, 4))
    exact = drift(x, y, method="exact")
    assert exact >= np.linalg.norm(x.mean(0) - y.mean(0))
    assert exact >= wasserstein_per_dimension(x, y).max()


@pytest.mark.parametrize("setting", [None, "user's own"])
def test_environment_is_what_it_was_and_torch_is_not_imported(setting):
    # In a process of its own: POT reads the variable once, when it is first imported.
    code = (
        "import os, sys, numpy as np; from sdd.metrics.drift import drift;"
        "before = dict(os.environ);"
        "drift(np.zeros((2, 1)), np.ones((2, 1)), method='exact');"
        "assert dict(os.environ) == before; assert 'ot' in sys.modules;"
        "assert 'torch' not in sys.modules"
    )
    environment = {k: v for k, v in os.environ.items() if k != "POT_BACKEND_DISABLE_PYTORCH"}
    if setting is not None:
        environment["POT_BACKEND_DISABLE_PYTORCH"] = setting
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


@pytest.mark.parametrize("method", ["mean", "sliced", "exact"])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), "3 dimensions but the reference has 4"),
        (np.zeros((0, 3)), np.zeros((2, 3)), "There are no embeddings"),
        (np.zeros((2, 3)), np.zeros((0, 3)), "There are no reference embeddings"),
        (np.zeros(3), np.zeros((2, 3)), r"shape \(3,\)"),
        (np.zeros((2, 0)), np.zeros((2, 0)), r"shape \(2, 0\)"),
        ([[0.0], [np.nan]], np.zeros((2, 1)), "1 of 2 embeddings .* the first is row 1"),
        (np.zeros((2, 1)), [[np.inf], [0.0]], "1 of 2 reference embeddings .* first is row 0"),
    ],
)
def test_bad_embeddings_are_named(method, x, y, message):
    with pytest.raises(InputError, match=message):
        drift(x, y, method=method)


def test_bad_settings_are_named():
    x = np.zeros((2, 1))
    with pytest.raises(InputError, match="'max': choose mean, sliced, exact, ks, kl"):
        drift(x, x, method="max")
    with pytest.raises(InputError, match="projections is 0"):
        drift(x, x, method="sliced", projections=0)
    with pytest.raises(InputError, match="cap is -1"):
        drift(x, x, method="exact", cap=-1)

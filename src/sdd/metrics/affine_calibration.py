"""Calibration: scores become natural-log likelihood ratios by a scale and an offset.

    llr = scale * score + offset

fitted by logistic regression whose classes are weighed by a prior P = P(fake) [1]_: least is

    P mean over fake trials of log(1 + e^m) + (1 - P) mean over real ones of log(1 + e^-m)

where m = llr - log(P / (1 - P)) is the log-odds of real. At P = 1/2 that is Cllr in nats
(`sdd.metrics.calibration`). How many trials of a class there are does not matter.

The labels that the fit sees are Platt's [2]_: each of n trials of a class counts as one of it with
weight (n + 1) / (n + 2), and as one of the other with 1 / (n + 2). Without that, classes that a
threshold separates would make the scale infinite: n trials without an error do not say that none
ever occurs. So few trials of a detector that hardly errs give careful ratios (docs/benchmarks.md).

References
----------
.. [1] N. Brümmer and J. du Preez, "Application-independent evaluation of speaker detection",
   Computer Speech & Language 20, 2006.
.. [2] J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin
   Classifiers, 1999.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.metrics.error_rates import class_scores

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class AffineMap:
    """From scores to natural-log likelihood ratios of real to fake.

    Attributes
    ----------
    scale
        0 where higher scores are not more often real: then every ratio says nothing.
    """

    scale: float
    offset: float

    def __call__(self, scores: ArrayLike) -> FloatArray:
        """Return log-likelihood ratios, ``float64 [N]``."""
        return self.scale * np.asarray(scores, dtype=np.float64) + self.offset


def fit_affine_map(
    real_scores: ArrayLike, fake_scores: ArrayLike, prior_fake: float = 0.5
) -> AffineMap:
    """Fit scale and offset.

    Parameters
    ----------
    real_scores, fake_scores
        ``float [n_real]`` and ``float [n_fake]``: higher means more likely real.
    prior_fake
        P, between 0 and 1: where the ratios are to be best.

    Returns
    -------
    AffineMap
        It never falls, so that the order of scores stays: where the least cost is at a scale below
        0, the best that does not fall is a scale of 0, and a ratio of 0 for all.

    Raises
    ------
    InputError
        If a class has no scores, or a score is not finite.

    Notes
    -----
    The cost is convex in both parameters, so its minimum is one, whatever the start; it is found by
    Newton steps in a trust region. Scores are first put on a scale of mean 0 and deviation 1.
    """
    from scipy.optimize import minimize

    real, fake = class_scores(real_scores, "real"), class_scores(fake_scores, "fake")
    scores = np.concatenate([real, fake])
    centre, spread = float(scores.mean()), float(scores.std())
    if not spread > 0:
        return AffineMap(0.0, 0.0)
    cost = WeighedCost((real - centre) / spread, (fake - centre) / spread, prior_fake)
    found = minimize(
        cost.value, np.zeros(2), jac=cost.gradient, hess=cost.hessian, method="trust-exact",
        options={"gtol": 1e-10},
    )  # fmt: skip
    slope, level = (float(value) for value in found.x)
    if slope <= 0:
        return AffineMap(0.0, 0.0)
    return AffineMap(slope / spread, level - slope * centre / spread)


class WeighedCost:
    """The cost that is least, and its derivatives, of ``parameters = [scale, offset]``.

    Parameters
    ----------
    real, fake
        ``float64 [n_real]`` and ``float64 [n_fake]``.
    prior_fake
        P.
    """

    def __init__(self, real: FloatArray, fake: FloatArray, prior_fake: float) -> None:
        self.scores = np.concatenate([real, fake])
        self.logit = math.log(prior_fake / (1 - prior_fake))
        n_real, n_fake = real.size, fake.size
        share_real = np.concatenate(
            [np.full(n_real, (n_real + 1) / (n_real + 2)), np.full(n_fake, 1 / (n_fake + 2))]
        )
        of_class = np.concatenate(
            [np.full(n_real, (1 - prior_fake) / n_real), np.full(n_fake, prior_fake / n_fake)]
        )
        self.real_weights, self.weights = of_class * share_real, of_class

    def value(self, parameters: FloatArray) -> float:
        """Return the mean cost, in nats."""
        margin = self._margin(parameters)
        costs = self.real_weights * np.logaddexp(0, -margin)
        costs += (self.weights - self.real_weights) * np.logaddexp(0, margin)
        return float(costs.sum())

    def gradient(self, parameters: FloatArray) -> FloatArray:
        """Return the gradient, ``float64 [2]``."""
        errors = self.weights * _logistic(self._margin(parameters)) - self.real_weights
        return np.array([errors @ self.scores, errors.sum()])

    def hessian(self, parameters: FloatArray) -> FloatArray:
        """Return the matrix of second derivatives, ``float64 [2, 2]``."""
        probability = _logistic(self._margin(parameters))
        curvature = self.weights * probability * (1 - probability)
        mixed = float(curvature @ self.scores)
        return np.array([[curvature @ self.scores**2, mixed], [mixed, curvature.sum()]])

    def _margin(self, parameters: FloatArray) -> FloatArray:
        margin: FloatArray = parameters[0] * self.scores + parameters[1] - self.logit
        return margin


def _logistic(values: FloatArray) -> FloatArray:
    """Return 1 / (1 + e^-x) without overflow."""
    small = np.exp(-np.abs(values))
    probability: FloatArray = np.where(values > 0, 1.0, small) / (1.0 + small)
    return probability


def probability_of_fake(llrs: ArrayLike, prior_fake: float) -> FloatArray:
    """Return the probability of fake at a prior, by Bayes' rule, of log-likelihood ratios."""
    return _logistic(math.log(prior_fake / (1 - prior_fake)) - np.asarray(llrs, dtype=np.float64))

"""How far what one detector says of utterances is from what another says: KL of two labels."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdd.errors import InputError

FloatArray = NDArray[np.float64]


def label_divergence(logits: ArrayLike, reference: ArrayLike) -> FloatArray:
    """Return KL(p || q) of each utterance in closed form, with p and q the softmax of the logits.

    KL(p || q) = sum over both labels of p ln(p / q): nothing is sampled. Averaged over utterances
    of the new task it is what [1]_ finds forgetting to follow.

    Parameters
    ----------
    logits, reference
        ``float [N, 2]``, of p and of q, of the same utterances in the same order; finite.

    Returns
    -------
    ``float64 [N]``
        In nats, 0 or more.

    Raises
    ------
    InputError
        If shapes differ, or a logit is not finite.

    References
    ----------
    .. [1] I. Shenfeld, J. Pari, P. Agrawal, "RL's Razor: Why Online Reinforcement Learning Forgets
       Less", 2025.
    """
    log_p, log_q = (_log_probabilities(values) for values in (logits, reference))
    if log_p.shape != log_q.shape:
        raise InputError(
            f"Logits of {len(log_p)} and of {len(log_q)} utterances: give both of the same ones."
        )
    divergence: FloatArray = (np.exp(log_p) * (log_p - log_q)).sum(axis=1)
    # Rounding may leave less than nothing where both say the same.
    return np.maximum(divergence, 0.0)


def _log_probabilities(logits: ArrayLike) -> FloatArray:
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2:
        raise InputError(f"Logits have shape {values.shape}: give two of each utterance.")
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values).all(axis=1)))
        raise InputError(f"A logit of utterance {row + 1} is not finite: score it again.")
    log_probabilities: FloatArray = values - np.logaddexp(values[:, :1], values[:, 1:])
    return log_probabilities

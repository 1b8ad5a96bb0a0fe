"""Student's t, without scipy.stats, whose import takes seconds."""


def t_quantile(freedom: float, confidence: float) -> float:
    """Return the (1 + confidence) / 2 quantile of Student's t: how many errors an interval reaches.

    Parameters
    ----------
    freedom
        Degrees of freedom, above 0; they need not be whole.
    confidence
        Between 0 and 1, both excluded.
    """
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))

"""Quantiles of Student's t, for intervals: its distribution is a finite sum for whole degrees of freedom."""

import math
from functools import lru_cache

import numpy as np

MOST_TURNS = 200  # Newton's method ends after some ten


@lru_cache(maxsize=1024)
def two_sided_t(confidence: float, freedom: int) -> float:
    """Return the t within which, on both sides of 0, lies a share of Student's distribution.

    Parameters
    ----------
    confidence
        The share, above 0 and below 1: with 0.95 the result is the quantile of 0.975.
    freedom
        Degrees of freedom, 1 or more.
    """
    # The share is concave in t, so that Newton's steps from 0 come from below and never pass the result.
    size = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    t = 0.0
    for _ in range(MOST_TURNS):
        density = 2 * math.exp(size - (freedom + 1) / 2 * math.log1p(t * t / freedom))
        step = (confidence - share_within(t, freedom)) / density
        if step <= 1e-15 * t:
            break
        t += step
    return t


def share_within(t: float, freedom: int) -> float:
    """Return the share of Student's distribution between -t and t; Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    square = freedom / (freedom + t * t)  # of the cosine of the angle
    if freedom % 2:
        k = np.arange(1, (freedom - 1) // 2)
        terms = np.cumprod(2 * k / (2 * k + 1) * square)
        rest = math.sin(angle) * math.cos(angle) * (1 + float(terms.sum())) if freedom > 1 else 0.0
        return 2 / math.pi * (angle + rest)
    k = np.arange(1, freedom // 2)
    return math.sin(angle) * (1 + float(np.cumprod((2 * k - 1) / (2 * k) * square).sum()))

"""Where a year leads: by the seasons of the year before, and how fast a budget is used."""

import math
from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats
from rules.planning.quantiles import two_sided_t

LEAST_MONTHS = 3  # of this year that the seasonal projection rests on


@dataclass(frozen=True, slots=True)
class Projected:
    """A year's projected amount with its interval, `ratio` being this year's months on those of the last."""

    amount: float
    low: float
    high: float
    ratio: float
    residual: float  # standard deviation of a month
    t: float


def seasonal(last_year: Floats, this_year: Floats, confidence: float) -> Projected | None:
    """Return what a year leads to: least squares through the origin of its months on those of the year before.

    `E_i = r E'_i + e_i` over the k known months; the m others have the variance `s^2 (m + (sum E'_rest)^2 / sum E'^2)`,
    and t has k - 1 degrees of freedom. An unknown month of this year is one of the others, so that it widens the interval.

    Parameters
    ----------
    last_year
        Of the twelve months. Shape (12,).
    this_year
        The same; NaN of a month that is not over or not known.
    confidence
        Of the interval, such as 0.95.

    Returns
    -------
    Projected or None
        None where fewer than three months are known, the year before is not known as a whole, or it has nothing in these months.
    """
    known = ~np.isnan(this_year)
    k, m = int(known.sum()), int((~known).sum())
    squares = float((last_year[known] ** 2).sum())
    if k < LEAST_MONTHS or np.isnan(last_year).any() or not squares > 0:
        return None
    ratio = float(last_year[known] @ this_year[known]) / squares
    residuals = this_year[known] - ratio * last_year[known]
    residual = math.sqrt(float(residuals @ residuals) / (k - 1))
    rest = float(last_year[~known].sum())
    amount = float(this_year[known].sum()) + ratio * rest
    t = two_sided_t(confidence, k - 1)
    width = t * residual * math.sqrt(m + rest**2 / squares)
    return Projected(amount, amount - width, amount + width, ratio, residual, t)


def burn(budget: float, used: float, share_of_year: float) -> float:
    """Return how many times as fast as evenly a budget is used: 1 uses it up exactly at the year's end.

    Parameters
    ----------
    budget, used
        Of the year, above 0, and what was used in a part of it, in one unit.
    share_of_year
        That part, above 0.
    """
    return used / budget / share_of_year


def days_to_exhaustion(budget: float, used: float, per_day: float) -> float | None:
    """Return after how many days at a rate a budget is used up: 0 where it is, None where the rate never does it."""
    if used >= budget:
        return 0.0
    return (budget - used) / per_day if per_day > 0 else None

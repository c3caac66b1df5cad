"""Means over hours and days, and which of them keep a limit. Unknown is NaN: it neither keeps a limit nor breaks it."""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats, Ints
from rules.hours import SHARE_SLACK

ENOUGH = 0.8  # of an hour must be covered, for its mean; as alerts have it
VALID_HOURS = 18  # of a day, for its mean; as alerts have it
SLACK = 1e-9  # relative, of a limit; as alerts have it


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a limit was kept over intervals: those that were due, those whose mean is known, and those outside the limit."""

    due: int
    known: int
    outside: int


def means(value: Floats, coverage: Floats, place: Ints, count: int, whole: Floats) -> Floats:
    """Return the mean of a level over intervals, NaN where less than 80 % of one is covered.

    Parameters
    ----------
    value, coverage, place
        Of each window: its mean, the share of it that is covered [1], and the interval that it lies in.
    count
        How many intervals there are.
    whole
        How many windows each interval has.
    """
    weight = np.where(np.isfinite(value), coverage, 0.0)
    covered = np.bincount(place, weight, count)
    total = np.bincount(place, weight * np.nan_to_num(value), count)
    enough = (covered > 0) & (covered >= ENOUGH * whole * (1 - SHARE_SLACK))
    return np.where(enough, total / np.where(covered > 0, covered, 1.0), np.nan)


def day_means(hours: Floats, day: Ints, count: int) -> Floats:
    """Return the mean of the valid hours of each day (`day` is each hour's), NaN where fewer than 18 are valid."""
    valid = np.isfinite(hours)
    known = np.bincount(day[valid], minlength=count)
    total = np.bincount(day[valid], hours[valid], count)
    return np.where(known >= VALID_HOURS, total / np.maximum(known, 1), np.nan)


def outside(value: Floats, low: float, high: float) -> Bools:
    """Return which known values are below a least or above a most; a least of NaN is none. What is on a limit keeps it."""
    is_above = value > high + SLACK * abs(high)
    return is_above if np.isnan(low) else is_above | (value < low - SLACK * abs(low))


def kept(value: Floats, owed: Bools, low: float, high: float) -> Keeping:
    """Return how the intervals that are `owed` keep a limit; the unit did not run in the others, or another limit held."""
    of = value[owed]
    return Keeping(len(of), int(np.isfinite(of).sum()), int(outside(of, low, high).sum()))

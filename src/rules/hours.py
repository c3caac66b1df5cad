"""Clock hours that count: which hours have enough readings for a mean, by the EU's rule and by 40 CFR part 75.

A reading at 10:00:00 belongs to the hour 10:00. Hours are numbered as window numbers are: nanoseconds since 1970, UTC,
divided by an hour; a zone whose offset is no whole number of hours shifts `time` first.

References
----------
.. [1] Commission Implementing Regulation (EU) 2018/2066, article 44.
.. [2] 40 CFR 75.10(d)(1); 75.24 for monitors that are out of control.
"""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats, Ints, Times
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN

QUADRANTS = 4
QUADRANT = 15 * NS_PER_MIN  # [ns]
LEAST_SHARE = 0.8  # of the maximum possible readings
SHARE_SLACK = 1e-9  # relative: the share is inclusive by this much


@dataclass(frozen=True, slots=True)
class ClockHours:
    """Consecutive clock hours, columns of one length. An hour may be valid only where it is operating.

    `mean` is NaN where the hour is not valid; `readings` counts those that it is the mean of, or would be.
    """

    mean: Floats
    readings: Ints
    valid: Bools
    operating: Bools


def by_article_44(
    time: Times,
    value: Floats,
    *,
    first: int,
    count: int,
    maximum: float | Ints | Floats,
    operating: Bools | None = None,
) -> ClockHours:
    """Return hourly means by the rule of 80 % [1]_.

    The mean is of all valid readings of the hour. Where some of the hour's are missing, it stands for the hour only if
    at least 80 % of the maximum possible readings are there.

    Parameters
    ----------
    time, value
        Readings, in any order, one per time. One that is faulty, calibrating or out of range is NaN. [ns UTC], [any]
    first, count
        Which hours are asked for. [hours since 1970], [1]
    maximum
        Readings that the hour could have: 60 at a minute's cadence, fewer where the source ran for less. Of all hours
        or of each; NaN unless above 0 makes no hour valid.
    operating
        Whether the source emitted in each hour, shape (count,); None: in all.

    Returns
    -------
    ClockHours
        Shape (count,). [unit of `value`]
    """
    hour, _, known = _placed(time, value, first, count)
    readings = np.bincount(hour, minlength=count)
    running = np.ones(count, bool) if operating is None else operating
    possible = np.asarray(maximum, np.float64)
    enough = (readings >= LEAST_SHARE * possible * (1 - SHARE_SLACK)) & (possible > 0) & (readings > 0)
    return _hours(hour, known, readings, running & enough, running)


def by_quadrants(
    time: Times, value: Floats, *, first: int, count: int, combusting: Bools, maintenance: Bools
) -> ClockHours:
    """Return hourly means by the rule of 15-minute quadrants [2]_.

    An hour needs a valid reading in each quadrant in which fuel burned. In an hour of calibration, quality assurance or
    preventive maintenance two readings at least 15 minutes apart will do, if fuel burned in more than one quadrant.
    The mean is of all valid readings from quadrants in which fuel burned.

    Parameters
    ----------
    time, value
        Readings, in any order, one per time. One that is faulty or of a monitor out of control is NaN. [ns UTC], [any]
    first, count
        Which hours are asked for. [hours since 1970], [1]
    combusting
        Whether fuel burned in each quadrant, shape (count, 4). An hour without any is not operating.
    maintenance
        Whether the monitor was calibrated, tested or maintained in each hour, shape (count,).

    Returns
    -------
    ClockHours
        Shape (count,). [unit of `value`]
    """
    hour, at, known = _placed(time, value, first, count)
    quadrant = (at % NS_PER_HOUR) // QUADRANT
    burned = combusting[hour, quadrant]
    hour, known, at, quadrant = hour[burned], known[burned], at[burned], quadrant[burned]
    readings = np.bincount(hour, minlength=count)
    in_quadrant = np.bincount(hour * QUADRANTS + quadrant, minlength=count * QUADRANTS)
    all_seen = ((in_quadrant.reshape(count, QUADRANTS) > 0) | ~combusting).all(axis=1)
    excused = maintenance & (combusting.sum(axis=1) > 1) & (_apart(hour, at, count) >= QUADRANT)
    running = np.asarray(combusting.any(axis=1))
    return _hours(hour, known, readings, running & (all_seen | excused), running)


def _placed(time: Times, value: Floats, first: int, count: int) -> tuple[Ints, Times, Floats]:
    """Return the hour's position, the time and the value of each known reading within the hours.

    They are in order of time, so that the bits of a sum do not depend on the order in which readings are given.
    """
    hour = time // NS_PER_HOUR - first
    rows = np.flatnonzero((hour >= 0) & (hour < count) & ~np.isnan(value))
    rows = rows[np.argsort(time[rows], kind="stable")]
    return hour[rows], time[rows], value[rows]


def _apart(hour: Ints, at: Times, count: int) -> Ints:
    """Return how far the first and the last reading of each hour are apart; 0 where there are fewer than two; [ns]."""
    earliest, latest = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(earliest, hour, at)
    np.maximum.at(latest, hour, at)
    return np.where(latest > earliest, latest - earliest, 0)


def _hours(hour: Ints, known: Floats, readings: Ints, valid: Bools, operating: Bools) -> ClockHours:
    total = np.bincount(hour, known, len(readings))
    mean = np.where(valid, total / np.maximum(readings, 1), np.nan)
    return ClockHours(mean, readings, valid, operating)

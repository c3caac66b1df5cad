"""Clock hours that count: which hours have enough readings for a mean, by 40 CFR part 75.

A reading at 10:00:00 belongs to the hour 10:00.

References
----------
.. [1] 40 CFR 75.10(d)(1); 75.24 for monitors that are out of control.
"""

import numpy as np

from plant.arrays import Bools, Ints, Times
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN

QUADRANTS = 4
QUADRANT = 15 * NS_PER_MIN  # [ns]
SHARE_SLACK = 1e-9  # relative: a least share is inclusive by this much


def by_quadrants(time: Times, *, combusting: Bools, maintenance: Bools) -> Bools:
    """Return which hours are valid by the rule of 15-minute quadrants [1]_.

    An hour needs a reading in each quadrant in which fuel burned. In an hour of calibration, quality assurance or
    preventive maintenance two readings at least 15 minutes apart will do, if fuel burned in more than one quadrant.

    Parameters
    ----------
    time
        Of counting readings within the hours, in any order. [ns since the first hour began]
    combusting
        Whether fuel burned in each quadrant, shape (hours, 4). An hour without any is not valid.
    maintenance
        Whether the monitor was calibrated, tested or maintained in each hour, shape (hours,).

    Returns
    -------
    Bools
        Shape (hours,).
    """
    count = len(combusting)
    hour, quadrant = time // NS_PER_HOUR, (time % NS_PER_HOUR) // QUADRANT
    burned = combusting[hour, quadrant]
    hour, time, quadrant = hour[burned], time[burned], quadrant[burned]
    in_quadrant = np.bincount(hour * QUADRANTS + quadrant, minlength=count * QUADRANTS)
    all_seen = ((in_quadrant.reshape(count, QUADRANTS) > 0) | ~combusting).all(axis=1)
    excused = maintenance & (combusting.sum(axis=1) > 1) & (_apart(hour, time, count) >= QUADRANT)
    return np.asarray(combusting.any(axis=1) & (all_seen | excused))


def _apart(hour: Ints, at: Times, count: int) -> Ints:
    """Return how far the first and the last reading of each hour are apart; 0 where there are fewer than two; [ns]."""
    earliest, latest = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(earliest, hour, at)
    np.maximum.at(latest, hour, at)
    return np.where(latest > earliest, latest - earliest, 0)

"""Where a physical property can be; outside of it a formula means nothing, and the result is unknown."""

import numpy as np

from plant.arrays import Floats


def percent(value: float | Floats) -> Floats:
    """Return a share where it is within 0 to 100 %, NaN where it is not."""
    share = np.asarray(value, np.float64)
    return np.where((share >= 0) & (share <= 100), share, np.nan)


def positive(value: float | Floats) -> Floats:
    """Return a property where it is above 0, NaN where it is not."""
    number = np.asarray(value, np.float64)
    return np.where(number > 0, number, np.nan)


def not_negative(value: float | Floats) -> Floats:
    """Return an amount where it is 0 or more, NaN where it is not."""
    number = np.asarray(value, np.float64)
    return np.where(number >= 0, number, np.nan)

"""Where a number can be; outside of it a formula or a sum means nothing, and the result is unknown."""

import numpy as np

from plant.arrays import Floats

# Of a window, in any unit. Nothing that is measured comes near it, and whatever sums, squares and products of such numbers
# an inventory needs (a million sources over a century of minutes are 5e13 of them), a float64 holds them all.
LARGEST = 1e100


def bounded(value: Floats) -> Floats:
    """Return amounts where they are finite and such that no sum of them overflows, NaN where they are not."""
    usable = np.abs(value) <= LARGEST
    return value if usable.all() else np.where(usable, value, np.nan)


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

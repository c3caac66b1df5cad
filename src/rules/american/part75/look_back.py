"""What a monitor measured before each gap: means, percentiles and extremes of the latest quality-assured hours.

A look-back is the latest known hours before a gap, as many as the procedure has, and none more than three years before
it; all there are, where there are fewer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from plant.arrays import Floats, Ints

THREE_YEARS = 26_280  # [clock hours]
CHUNK = 2048  # gaps looked at together: 35 MB at 2,160 h each


class Percentile(StrEnum):
    """How the percentile of some values is found; the rule does not say.

    RANK takes the value of rank ceil(p n) from the smallest, one that was measured. LINEAR interpolates between the two
    values next to place (n - 1) p, counted from 0.
    """

    RANK = "rank"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class LookBacks:
    """Known values before gaps in ascending order, shape (gaps, length); the first `count` of each are known."""

    ordered: Floats
    count: Ints

    def mean(self) -> Floats:
        """Return the arithmetic mean of each; NaN where nothing is known."""
        total = np.nansum(self.ordered, axis=1)
        return np.where(self.count > 0, total / np.maximum(self.count, 1), np.nan)

    def lowest(self) -> Floats:
        """Return the minimum of each; NaN where nothing is known."""
        return self._of_rank(np.ones_like(self.count))

    def highest(self) -> Floats:
        """Return the maximum of each; NaN where nothing is known."""
        return self._of_rank(self.count)

    def percentile(self, percent: int, method: Percentile) -> Floats:
        """Return a percentile of each, above 0 and up to 100; NaN where nothing is known."""
        if method is Percentile.RANK:
            return self._of_rank(-(-percent * self.count // 100))
        place = (self.count - 1) * percent / 100
        rank = np.floor(place).astype(np.int64) + 1
        lower, upper = self._of_rank(rank), self._of_rank(np.minimum(rank + 1, self.count))
        return lower + (upper - lower) * (place - (rank - 1))

    def _of_rank(self, rank: Ints) -> Floats:
        """Return the value of a rank, 1 for the smallest."""
        chosen = np.take_along_axis(self.ordered, np.maximum(rank - 1, 0)[:, np.newaxis], axis=1)[:, 0]
        return np.where(self.count > 0, chosen, np.nan)


def seen_before(hour: Ints, begins: Ints, length: int) -> tuple[Ints, Ints]:
    """Return the first and the stop row of each gap's look-back in an ascending column of known hours."""
    stop = np.searchsorted(hour, begins, side="left")
    oldest = np.searchsorted(hour, begins - THREE_YEARS, side="left")
    return np.maximum(stop - length, oldest), stop


def looked_back(
    value: Floats, hour: Ints, begins: Ints, length: int, statistic: Callable[[LookBacks], Floats]
) -> Floats:
    """Return a statistic of the look-back of each gap.

    Parameters
    ----------
    value, hour
        The known hours of a monitor in order of time: values [any], and numbers of the clock hours.
    begins
        The clock hour in which each gap begins, shape (gaps,).
    length
        Of the look-back. [quality-assured h]
    statistic
        A method of `LookBacks`, or what calls one.

    Returns
    -------
    Floats
        Shape (gaps,); NaN where nothing is known. [unit of `value`]
    """
    gap, which = np.unique(begins, return_inverse=True)
    parts = [statistic(_ordered(value, hour, gap[i : i + CHUNK], length)) for i in range(0, len(gap), CHUNK)]
    return np.concatenate(parts)[which] if parts else np.empty(0)


def _ordered(value: Floats, hour: Ints, begins: Ints, length: int) -> LookBacks:
    first, stop = seen_before(hour, begins, length)
    row = first[:, np.newaxis] + np.arange(max(int((stop - first).max()), 1))
    known = row < stop[:, np.newaxis]
    values = np.where(known, np.append(value, np.nan)[np.minimum(row, len(value))], np.nan)
    return LookBacks(np.sort(values, axis=1), stop - first)

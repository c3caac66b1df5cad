"""When a channel is read, and how finely it shows what it reads."""

import math
from dataclasses import dataclass

import numpy as np

from simulators.payload import NS_PER_S, Times

NS_PER_HOUR = 3600 * NS_PER_S
NS_PER_DAY = 24 * NS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Clock:
    """When a channel is read: every `cadence` [ns], `phase` [ns] after its multiples."""

    cadence: int
    phase: int

    def between(self, after: int, until: int) -> Times:
        """Return the times in (after, until]."""
        first = (after - self.phase) // self.cadence + 1
        last = (until - self.phase) // self.cadence
        return np.arange(first, last + 1, dtype=np.int64) * self.cadence + self.phase


def decimals_of(size: float) -> int:
    """Return the decimals that show a number of that size to about a thousandth."""
    return int(np.clip(2 - math.floor(math.log10(abs(size) or 1.0)), 0, 6))

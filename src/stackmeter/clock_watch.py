"""Notices that somebody, or a time server, has set the system's clock while the service runs."""

import time
from collections.abc import Callable

from plant.vocabulary import NS_PER_S

STEP_NS = NS_PER_S  # what a time server corrects little by little moves both clocks alike
_BUSY_NS = NS_PER_S // 10  # between two clocks that were read one after the other


def _counting() -> int:
    """Return the nanoseconds of a clock that only counts, through a suspension too."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class ClockWatch:
    """Compares the clock that can be set with one that cannot."""

    def __init__(
        self, clock: Callable[[], int] = time.time_ns, counting: Callable[[], int] = _counting
    ) -> None:
        self._clock, self._counting = clock, counting
        self._ahead = clock() - counting()  # of the clock that only counts

    def step(self) -> tuple[int, int] | None:
        """Return the time that it would be and the time that it is [ns UTC], where the clock was set since the look before."""
        before, now, after = self._counting(), self._clock(), self._counting()
        if after - before > _BUSY_NS:
            return None  # the process stood still between the two: nothing can be said this time
        expected = before + self._ahead
        if abs(now - expected) < STEP_NS:
            return None
        self._ahead = now - before
        return expected, now

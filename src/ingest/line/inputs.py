"""Which windows of sources the windows of channels reach, and which windows of channels those need."""

import numpy as np

from plant.arrays import Ints
from plant.park import Plant
from rules.windows import Ranges, ranges_of


class Inputs:
    """Which sources take which channels, by themselves or through virtual ones."""

    def __init__(self, plant: Plant) -> None:
        pairs = sorted(
            {(k, s.index) for s in plant.sources for i in s.inputs for k in plant.measured(i.channel)}
        )
        self._channel = np.array([c for c, _ in pairs], np.int64)
        self._source = np.array([s for _, s in pairs], np.int64)
        by_source = np.lexsort((self._channel, self._source))
        self._by_source = (self._source[by_source], self._channel[by_source])

    def reached(self, dirty: Ranges) -> tuple[Ranges, Ranges]:
        """Return the windows by source that dirty windows by channel reach, and all windows by channel they need."""
        sources = _mapped(dirty, self._channel, self._source)
        return sources, self.needed(sources)

    def needed(self, sources: Ranges) -> Ranges:
        """Return the windows by channel that windows by source need."""
        return _mapped(sources, *self._by_source)


def _mapped(ranges: Ranges, keys: Ints, targets: Ints) -> Ranges:
    """Carry ranges from keys (sorted) to all their targets, joined by target."""
    low, high = np.searchsorted(keys, ranges.run, "left"), np.searchsorted(keys, ranges.run, "right")
    which = np.repeat(np.arange(len(ranges.run)), high - low)
    step = np.arange(len(which)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    return ranges_of(targets[low[which] + step], ranges.first[which], ranges.stop[which], 1)

"""The windows of channels, computed from the stored readings when somebody asks: the state holds those of sources only."""

from dataclasses import dataclass

from ingest.line.recompute import RecomputedChannels
from plant.arrays import Floats, Times
from plant.configuration.virtuals import window_unit
from store.reader import Snapshot


@dataclass(frozen=True, slots=True)
class ChannelWindows:
    """A channel's computed windows in time order: amounts, or means of a level, in `unit`.

    `value` is NaN where unknown; `coverage` is the known share of the window, `interpolated` the part of it that is not
    measured. A window that is not here is unknown.
    """

    unit: str
    start: Times
    value: Floats
    coverage: Floats
    interpolated: Floats


class ChannelActivity:
    """Computes them as of the moment of a snapshot."""

    def __init__(self, state: Snapshot) -> None:
        self._plant, self._recompute = state.plant, RecomputedChannels(state.plant, state.connection)

    def windows(self, channel: int, start: int, end: int) -> ChannelWindows:
        """Return the windows of a channel (index), virtual or not, that start in [start, end) [ns UTC]."""
        values = self._recompute.window_values(channel, start, end)
        return ChannelWindows(
            window_unit(self._plant.channel(channel)).symbol,
            values.window * self._plant.window,
            values.value,
            values.measured + values.interpolated,
            values.interpolated,
        )

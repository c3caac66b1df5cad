"""The windows of one channel, computed from its stored readings when somebody asks."""

import sqlite3
from contextlib import closing
from pathlib import Path

from api.totals.series import ChannelWindows
from ingest.line.recompute import RecomputedChannels
from plant.configuration.virtuals import window_unit
from plant.park import Plant
from store.sqlite import uri


class ChannelActivity:
    """Answers from the state database, through a connection of its own each time."""

    def __init__(self, database: Path, plant: Plant) -> None:
        self._database, self._plant = database, plant

    def __call__(self, channel: int, start: int, end: int) -> ChannelWindows:
        """Return the windows of a channel, virtual or not, that start in [start, end) ns."""
        with closing(sqlite3.connect(uri(self._database, "ro"), uri=True, timeout=30)) as connection:
            values = RecomputedChannels(self._plant, connection).window_values(channel, start, end)
        return ChannelWindows(
            window_unit(self._plant.channel(channel)).symbol,
            values.window * self._plant.window,
            values.value,
            values.measured + values.interpolated,
        )

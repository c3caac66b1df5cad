"""Whether channels still speak: whose gateway went offline, and how long each is wont to be silent."""

import sqlite3
from collections.abc import Mapping

import numpy as np

from store.readings.kinds import COUNTING
from store.readings.read import newest, newest_times

STEPS = 20  # between the newest counting readings, of which the median is the typical one


def gone(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the gateways (park/facility/gateway) that said last that they are not there, and the message that said so."""
    return dict(connection.execute("SELECT gateway, message FROM gateway_status WHERE online = 0").fetchall())


def quiet_since(connection: sqlite3.Connection, said: Mapping[int, int]) -> set[int]:
    """Return those channels (database ids) of which no message after the given one brought a newest counting reading."""
    found = newest(connection, said, COUNTING)
    heard = dict(zip(found.channel.tolist(), found.message.tolist(), strict=True))
    return {number for number, message in said.items() if heard.get(number, 0) <= message}


class TypicalSteps:
    """The median of each channel's last steps, kept until its newest counting reading is another one.

    What comes late among the last readings is seen with the next one that is newer. Any thread may ask.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}  # by channel: newest reading, typical step

    def of(self, connection: sqlite3.Connection, newest: Mapping[int, int]) -> dict[int, int]:
        """Return the typical step [ns] of channels (database ids) that have one; `newest` is each one's newest counting reading."""
        fresh = {k: self._known[k][1] for k, time in newest.items() if self._known.get(k, (None,))[0] == time}
        read = _typical(connection, [k for k in newest if k not in fresh])
        self._known |= {k: (newest[k], step) for k, step in read.items()}
        return fresh | read


def _typical(connection: sqlite3.Connection, channels: list[int]) -> dict[int, int]:
    """Return the median of the last steps of channels (database ids); one with a single reading has none."""
    if not channels:
        return {}
    channel, time = newest_times(connection, channels, COUNTING, STEPS + 1)
    same = channel[1:] == channel[:-1]
    of, step = channel[1:][same], np.diff(time)[same]
    order = np.lexsort((step, of))
    of, step = of[order], step[order]
    heads = np.flatnonzero(np.append(True, of[1:] != of[:-1])) if len(of) else np.empty(0, np.int64)
    count = np.diff(heads, append=len(of))
    median = (step[heads + (count - 1) // 2] + step[heads + count // 2]) // 2
    return dict(zip(of[heads].tolist(), median.tolist(), strict=True))

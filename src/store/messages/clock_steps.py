"""By how much the system's clock was set while messages came: what arrived by the clock of before arrived at another time.

A step is journalled where it was noticed, so that it stands behind what the wrong clock stamped; no arrival in the journal is
changed. Only who judges a replayed message, or proves one, adds it.
"""

import sqlite3

import msgspec
import numpy as np

from plant.arrays import Ints, Times
from store.messages.journal import DECISION, Message

TOPIC = b"$stackmeter/clock"  # no subscription of ours matches it


class ClockStep(msgspec.Struct, frozen=True):
    """The clock was set by `step` [ns]; `first` is the journal offset from which on it was known to go on without another one."""

    first: int
    step: int

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time of the clock as it is now [ns UTC]."""
        return Message(now, TOPIC, msgspec.json.encode(self), DECISION)


def note(connection: sqlite3.Connection, message: Message, offset: int) -> None:
    """Note a step that was journalled at an offset, in the line's transaction."""
    one = msgspec.json.decode(message.payload, type=ClockStep)
    connection.execute(
        "INSERT OR IGNORE INTO clock_step VALUES (?, ?, ?, ?)",
        (offset, message.received, one.first, one.step),
    )


def corrections(connection: sqlite3.Connection, offsets: Ints, received: Times) -> Ints:
    """Return what to add to the arrivals of messages [ns] for them to be by the clock as it was set last.

    What the clock that was set forward stamped in the moment before that was noticed needs none: it came too late to be of the
    clock before.
    """
    found = np.zeros(len(offsets), np.int64)
    for offset, at, first, step in connection.execute("SELECT message, at, first, step FROM clock_step"):
        by_the_old = (step < 0) | (received < at - step // 2)
        found += step * ((offsets >= first) & (offsets < offset) & by_the_old)
    return found

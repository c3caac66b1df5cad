"""Moves readings of days that are over from rows into blocks, a few at a time.

It changes where readings lie, and nothing of what they are: it is no step of the journal.
"""

import sqlite3
import time
from collections.abc import Iterator

from plant.vocabulary import NS_PER_DAY, NS_PER_S, SINCE_EVER
from store.packed import SMALL, Packer
from store.readings.block_rows import block_readings, blocks_after, write_block
from store.readings.coding import encode
from store.readings.read import of_day
from store.readings.rows import delete_rows, row_span
from store.sqlite import transaction

AT_ONCE_S = 0.05  # after which a fold takes no further day: it holds up the line
LOOKED_AT_ONCE = 500  # channels
CHECKED_AT_ONCE = 20  # blocks
ROUND_EVERY = 60 * NS_PER_S  # from the beginning of a look at all channels to the next

Day = tuple[int, int]  # a channel (database id) and the beginning of a UTC day [ns UTC]


class Folding:
    """Folds the readings of a state; for the one who writes it, between its transactions.

    A day of a channel is folded when it ended a day ago, and the channel was read on a later one: its newest readings are
    rows. What comes late for a day that was folded is a row, and goes into its block with the next round.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._packer = connection, Packer(SMALL)
        self._due: Iterator[Day | None] = iter(())
        self._next_round = SINCE_EVER
        self._until = 0
        self._checked: Day = (SINCE_EVER, SINCE_EVER)

    def go(self, now: int) -> int:
        """Fold a few days that ended a day before now [ns UTC]; return how many. It takes a moment only."""
        self._until = now - NS_PER_DAY
        day = self._next(now)
        if day is None:
            return 0
        folded, end = 0, time.monotonic() + AT_ONCE_S
        with transaction(self._connection):
            while day is not None:
                self._fold(*day)
                folded += 1
                day = self._next(now) if time.monotonic() < end else None
        return folded

    def _next(self, now: int) -> Day | None:
        """Return the next day to fold, None where there is none, or nothing is known of one yet."""
        try:
            return next(self._due)
        except StopIteration:
            if now < self._next_round:
                return None
        self._next_round = now + ROUND_EVERY
        self._due = self._round()
        self._check_some()
        return None

    def _round(self) -> Iterator[Day | None]:
        """Yield what is to be folded, and None each time that many channels have been looked at."""
        channels = [number for (number,) in self._connection.execute("SELECT id FROM channel ORDER BY id")]
        for place, channel in enumerate(channels, 1):
            for day in self._days(channel):
                yield channel, day
            if place % LOOKED_AT_ONCE == 0:
                yield None

    def _days(self, channel: int) -> Iterator[int]:
        span = row_span(self._connection, channel)
        while span is not None:
            day = span[0] // NS_PER_DAY * NS_PER_DAY
            if day + NS_PER_DAY > min(span[1], self._until):
                return
            yield day
            span = row_span(self._connection, channel, day + NS_PER_DAY)

    def _fold(self, channel: int, day: int) -> None:
        """Write all readings of a channel and a day as its block, and drop the rows."""
        readings = of_day(self._connection, channel, day)
        if len(readings):
            write_block(self._connection, encode(readings, day, self._packer))
        delete_rows(self._connection, channel, day, day + NS_PER_DAY)

    def _check_some(self) -> None:
        """Read some blocks, others each time: one that cannot be read is set aside, whether somebody asks for it or not."""
        some = blocks_after(self._connection, *self._checked, CHECKED_AT_ONCE)
        for channel, start in some:
            block_readings(self._connection, channel, start)
        self._checked = some[-1] if some else (SINCE_EVER, SINCE_EVER)

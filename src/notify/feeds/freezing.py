"""Freezes the file of each slot when it is due: what is known then is what the authority gets, whatever comes later."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from plant.arrays import Readings
from plant.station.feed import Feed
from plant.station.text import channels_of, station_files
from plant.vocabulary import NS_PER_DAY, NS_PER_S
from store.feeds.files import FeedFiles, FrozenFile
from store.reader import Reader, Snapshot
from store.readings.kinds import COUNTING
from store.readings.read import last_before

AT_ONCE = 288  # slots of a transaction: a day of five minutes
BACK = (
    60 * NS_PER_DAY
)  # the oldest slot that is frozen after a long time off: a station's logger keeps as much

log = logging.getLogger(__name__)


class Freezer:
    """Looks again and again which slots are due.

    Parameters
    ----------
    taken, journalled
        How far the line is, and how far the journal: a slot is frozen only when the line has taken whatever was journalled
        when the slot was due.
    clock
        The time [ns UTC].
    counting
        Seconds that no clock sets: what the broker kept while the service was off is waited for, for as long as the feed's delay.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        reader: Reader,
        path: Path,
        *,
        clock: Callable[[], int],
        taken: Callable[[], int],
        journalled: Callable[[], int],
        crash: Callable[[str], None],
        counting: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feeds, self._reader, self._path = feeds, reader, path
        self._clock, self._taken, self._journalled = clock, taken, journalled
        self._crash, self._counting = crash, counting
        self._began = counting()
        self._mark: tuple[int, int] | None = None  # a time, and what was journalled then

    def look(self) -> int:
        """Freeze what was due at the look before, once the line has taken what was journalled then; return how many files are new."""
        made = 0
        if self._mark is not None:
            due, journalled = self._mark
            if self._taken() < journalled:
                return 0
            made = self._freeze(due)
        self._mark = self._clock(), self._journalled()
        return made

    def _freeze(self, now: int) -> int:
        files, made = FeedFiles(self._path), 0
        try:
            for feed in self._feeds:
                looked = self._from(feed, files, now)
                if self._counting() - self._began >= feed.delay / NS_PER_S:
                    made += self._freeze_due(feed, files, looked, now)
        finally:
            files.close()
        return made

    def _from(self, feed: Feed, files: FeedFiles, now: int) -> int:
        """Return the slot to go on from; after a long time off one that is not too old."""
        present = feed.slot(now)
        looked = files.looked(feed.name, present)
        if looked > present + feed.every:
            log.warning("feed %s: the clock was set back; slots that have a file keep it", feed.name)
            looked = files.look_back(feed.name, present)
        return max(looked, feed.slot(now - BACK))

    def _freeze_due(self, feed: Feed, files: FeedFiles, looked: int, now: int) -> int:
        made = 0
        for slots in _due(feed, looked, now):
            with self._reader.snapshot() as state:
                readings = {
                    one: _between(state, one, slots[0], slots[-1] + feed.every) for one in channels_of(feed)
                }
                before = _before(state, feed, slots[0]) if feed.missing == "last-with-02" else {}
            bodies = station_files(feed, np.array(slots), readings, before)
            frozen = [
                FrozenFile(slot, feed.file_name(slot), body)
                for slot, body in zip(slots, bodies, strict=True)
                if body
            ]
            self._crash("feed_before_freeze")
            made += files.freeze(feed.name, frozen, slots[-1] + feed.every, now)
        return made


def _due(feed: Feed, looked: int, now: int) -> Iterator[list[int]]:
    """Yield the slots that are due, some at a time."""
    end = now - feed.delay - feed.every
    for first in range(looked, end + 1, AT_ONCE * feed.every):
        yield list(range(first, min(first + AT_ONCE * feed.every, end + 1), feed.every))


def _between(state: Snapshot, channel: int, start: int, end: int) -> Readings:
    return Readings.concat([Readings.empty(), *state.readings(channel, start, end)])


def _before(state: Snapshot, feed: Feed, start: int) -> dict[int, float]:
    """Return the last counting value of each channel before a time."""
    found = {}
    for number, channel in state.channel_ids(channels_of(feed)).items():
        last = last_before(state.connection, number, start - 1, COUNTING)
        if len(last):
            found[channel] = float(last.value[0])
    return found

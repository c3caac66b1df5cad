"""The threads of all feeds: one that freezes, and one for each that sends, so that a server that hangs delays no other feed and no slot."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from alerts.tables.actions import AlertAction
from notify.feeds.behind import BehindTeller
from notify.feeds.freezing import Freezer
from notify.feeds.sending import FeedSender
from plant.station.feed import Feed
from plant.vocabulary import NS_PER_S
from store.feeds.files import FeedFiles, FeedStanding, standings
from store.reader import Reader

LOOK_S = 1.0  # between two looks which slots are due


def feed_works(
    feeds: Sequence[Feed],
    path: Path,
    reader: Reader,
    progress: Callable[[], tuple[int, int]],
    act: Callable[[AlertAction], None],
    crash: Callable[[str], None],
) -> "FeedWorks":
    """Return the feeds of a service; `progress` says how far the line is, and how far the journal, `act` hands it what on-call is told."""

    def freezer() -> Freezer:
        return Freezer(
            feeds,
            reader,
            path,
            clock=time.time_ns,
            taken=lambda: progress()[0],
            journalled=lambda: progress()[1],
            crash=crash,
        )

    return FeedWorks(feeds, path, freezer, time.time_ns, crash, act)


class FeedWorks:
    """All feeds of a service; what is wrong with one of them, or with their file, ends in a thread of its own."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        path: Path,
        freezer: Callable[[], Freezer],
        clock: Callable[[], int],
        crash: Callable[[str], None],
        act: Callable[[AlertAction], None],
    ) -> None:
        """`path` is the file of feeds; `freezer` makes what freezes when it is to begin; `act` takes what on-call is told."""
        self._act = act
        self.feeds, self._path, self._freezer, self._clock = feeds, path, freezer, clock
        self._senders = [FeedSender(feed, clock, crash) for feed in feeds]

    def workers(self, stop: threading.Event) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the name and the work of the thread that freezes; none where nothing is fed. It works until `stop`, and may be called again."""
        if self.feeds:
            yield "feeds", partial(self._look, stop)

    def senders(self, stop: threading.Event) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the same of each thread that sends; it touches the file of feeds alone."""
        for sender in self._senders:
            yield f"feed {sender.feed.name}", partial(self._serve, sender, stop)

    def standings(self) -> list[tuple[Feed, FeedStanding]]:
        """Return how each feed stands; from any thread. Raise sqlite3.Error where that cannot be read."""
        found = standings(self._path, [feed.name for feed in self.feeds])
        return list(zip(self.feeds, found, strict=True))

    def troubles(self) -> Iterator[str]:
        """Yield what is wrong with feeds."""
        try:
            found = self.standings()
        except sqlite3.Error as error:
            yield f"feeds: {self._path.name} cannot be read: {error}"
            return
        for feed, one in found:
            if one.waiting and one.last_error:
                waits = "files wait" if one.waiting > 1 else "file waits"
                yield f"feed {feed.name}: {one.waiting} {waits}: {one.last_error}"
            if one.differs:
                files = "files differ" if one.differs > 1 else "file differs"
                yield (
                    f"feed {feed.name}: {one.differs} {files} from what the authority has of the same name, which stands:"
                    f" stackmeter feed status {feed.name}"
                )

    def behind(self, feed: Feed, standing: FeedStanding) -> float:
        """Return how long the oldest slot that was not delivered is due [s]."""
        return standing.behind(feed.every, feed.delay, self._clock()) / NS_PER_S

    def _look(self, stop: threading.Event) -> None:
        freezer, teller = self._freezer(), BehindTeller(self.feeds, self._path, self._act, self._clock)
        while not stop.wait(LOOK_S):
            freezer.look()
            teller.look()

    def _serve(self, sender: FeedSender, stop: threading.Event) -> None:
        with closing(FeedFiles(self._path)) as files:
            while not stop.is_set():
                stop.wait(sender.drain(files, stop))

"""Carries frozen files to an authority, the oldest first and one at a time, until each was taken; none is given up."""

import logging
import threading
from collections.abc import Callable

from notify.feeds.places import Differs, FeedPlace, FileRefused, deliver, place_of
from plant.station.feed import Feed, FeedAddress
from store.feeds.files import FeedFiles, FileState, WaitingFile

POLL_S = 1.0  # between two looks for a file
PAUSES_S = (5.0, 15.0, 60.0, 300.0)  # after so many failures in a row; the last one repeats
NS_PER_MS = 1_000_000

log = logging.getLogger(__name__)


class FeedSender:
    """Sends the files of one feed."""

    def __init__(
        self,
        feed: Feed,
        clock: Callable[[], int],
        crash: Callable[[str], None],
        go: Callable[[FeedAddress], FeedPlace] = place_of,
    ) -> None:
        """`clock` gives the time [ns UTC]; `go` goes to the place."""
        self.feed, self._clock, self._crash, self._go = feed, clock, crash, go
        self._failures = 0

    def drain(self, files: FeedFiles, stop: threading.Event) -> float:
        """Send what waits, until nothing does, a file is not taken, or `stop`; return how long to pause [s]."""
        file = files.next(self.feed.name)
        if file is None:
            return POLL_S
        began = self._clock()
        try:
            place = self._go(self.feed.to)
        except FileRefused as error:
            return self._failed(files, file, str(error), began)
        try:
            while file is not None and not stop.is_set():
                if (pause := self._send(files, place, file)) is not None:
                    return pause
                file = files.next(self.feed.name)
        finally:
            place.close()
        return POLL_S

    def _send(self, files: FeedFiles, place: FeedPlace, file: WaitingFile) -> float | None:
        """Send one file; return the pause after a failure, None where it was taken."""
        state: FileState = "delivered"
        began = self._clock()
        self._crash("feed_before_send")
        try:
            deliver(place, file.name, file.body, self.feed.temporary)
        except Differs:
            state = "differs"
            log.warning(
                "feed %s: %s: another file of this name is there; it stands", self.feed.name, file.name
            )
        except FileRefused as error:
            return self._failed(files, file, str(error), began)
        self._crash("feed_after_upload")
        self._note(files, file, state, began)
        self._failures = 0
        return None

    def _note(self, files: FeedFiles, file: WaitingFile, state: FileState, began: int) -> None:
        now = self._clock()
        files.note_sent(self.feed.name, file, state, now, _took(began, now))

    def _failed(self, files: FeedFiles, file: WaitingFile, error: str, began: int) -> float:
        now = self._clock()
        pause = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        log.warning("feed %s: %s: %s, trying again in %.0f s", self.feed.name, file.name, error, pause)
        files.note_failed(self.feed.name, file, now, error, _took(began, now))
        return pause


def _took(began: int, now: int) -> int:
    return max(now - began, 0) // NS_PER_MS  # a clock that was set back would make it negative

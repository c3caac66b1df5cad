"""Puts together what lies on the disk in small pieces, messages and readings, while the line has nothing to do.

It touches what nobody has asked for in years, so it is the first to meet what has rotted there: that costs tidiness alone. What
the line itself needs, the line finds.
"""

import sqlite3
import time
from collections.abc import Callable

from ingest.line.containment import FaultLog, told
from store.messages.journal import Journal
from store.sqlite import is_of_the_file, passing
from store.state import State

MOST_S = 0.05  # of merging at a time
REST_S = 60.0  # after a failure
PIECES = "old messages and readings stay in small pieces"


class Tidying:
    """For the line's thread, between its steps.

    Attributes
    ----------
    trouble
        What keeps it from its work, "" where nothing does.
    """

    def __init__(self, journal: Journal, state: State) -> None:
        self.trouble = ""
        self._journal, self._state, self._log = journal, state, FaultLog()
        self._again_at = 0.0  # by the monotonic clock

    def go(self, taken: int) -> None:
        """Work for a little while; messages before `taken` are in the state."""
        if time.monotonic() < self._again_at:
            return
        troubles = [self._tried(lambda: self._merge(taken)), self._tried(self._fold)]
        self.trouble = next(filter(None, troubles), "")
        if self.trouble:
            self._again_at = time.monotonic() + REST_S

    def _merge(self, taken: int) -> None:
        until = time.monotonic() + MOST_S
        while self._journal.merge(taken) and time.monotonic() < until:
            pass

    def _fold(self) -> None:
        self._state.folding.go(time.time_ns())

    def _tried(self, work: Callable[[], None]) -> str:
        """Do some work; return what kept it from being done, "" where nothing did, or what did will pass."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  it is told, and whoever needs what failed will fail too
            if isinstance(error, sqlite3.OperationalError) and passing(error):
                return ""
            self._log.tell(PIECES, error)
            rotten = f"{error}; look at the disk, and let stackmeter verify name what cannot be read"
            return f"{PIECES}: {rotten if is_of_the_file(error) else told(error)}"
        return ""

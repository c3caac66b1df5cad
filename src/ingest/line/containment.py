"""What a fault costs: a message of the journal itself, and what works beside the tonnes its own work.

A fault is an exception that nobody foresaw. What a message provokes after it was decoded takes back its micro-batch; then
less is taken, half of it each time, until it is one message (`Pace`). What alert rules or regulated hours provoke
takes back theirs alone (`Beside`). Nothing here says what becomes of either; `ingest.line.line` does.
"""

import errno
import logging
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

from ingest.formats.columns import shown
from store.sqlite import is_of_the_file

LONGEST = 160  # characters of what an exception says
PLEASE = "please report this"
TELL_AGAIN_S = 60.0  # one fault is logged so often
_OF_THE_MACHINE = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}

Done = TypeVar("Done")

log = logging.getLogger(__name__)


def is_of_the_machine(error: BaseException) -> bool:
    """Whether disk, files or memory of the machine failed, or somebody ends the process: whatever comes next would fail too.

    A memory error is none: what needs too much is taken in smaller parts, and what needs too much alone is set aside.
    """
    if not isinstance(error, Exception) or is_of_the_file(error):
        return True
    return isinstance(error, OSError) and error.errno in _OF_THE_MACHINE


class Fault(Exception):
    """Carries an exception that nobody foresaw, and that is not of the machine."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def contained(work: Callable[[], Done]) -> Done:
    """Do some work; raise Fault in place of an exception that nobody foresaw, and as it is what is of the machine."""
    try:
        return work()
    except Exception as error:
        if is_of_the_machine(error):
            raise
        raise Fault(error) from error


def told(error: BaseException) -> str:
    """Return the last line of a traceback, and what to do about it."""
    last = traceback.format_exception_only(error)[-1].strip()
    return f"{shown(last, LONGEST)}; {PLEASE}"


class Pace:
    """How many messages to take at once: fewer after a fault, until the one that provokes it is found, then more again.

    Attributes
    ----------
    most
        So many may be taken now.
    """

    def __init__(self, most: int) -> None:
        self.most = self._usual = most
        self._suspect = 0  # of so many of the next messages one is at fault

    def failed(self, count: int) -> None:
        """Take note that of the next messages, so many and at least two, one is at fault."""
        self._suspect, self.most = count, count // 2

    def passed(self, count: int) -> None:
        """Take note that so many are taken: of those that are still suspected half are taken next."""
        self._suspect = max(0, self._suspect - count)
        self.most = max(1, self._suspect // 2) if self._suspect else min(2 * self.most, self._usual)

    def found(self) -> None:
        """Take note that the one at fault is set aside."""
        self._suspect, self.most = 0, 2


class FaultLog:
    """Logs faults with their tracebacks, one and the same at most once in a while."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, int], float] = {}

    def tell(self, what: str, error: BaseException) -> None:
        """Log a fault, unless one of the same line of code was logged a moment ago."""
        place = traceback.extract_tb(error.__traceback__)[-1:]
        key = (place[0].filename, place[0].lineno or 0) if place else (type(error).__name__, 0)
        now = time.monotonic()
        if now - self._at.get(key, -TELL_AGAIN_S) >= TELL_AGAIN_S:
            self._at[key] = now
            log.error("%s: %s", what, told(error), exc_info=error)

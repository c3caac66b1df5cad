"""Keeps one and the same line from filling the log: what comes again and again is told a few times a minute, and then counted."""

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST = 20  # lines of one kind
WITHIN_S = 60.0
KINDS = 1000  # that are remembered
_VARIES = re.compile(r"0x[0-9a-f]+|\d+")

_Kind = tuple[str, int, str, str]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Told:
    since: float  # s
    lines: int = 0
    left_out: int = 0


class LogLimit(logging.Filter):
    """A filter of handlers. Lines are of one kind where logger, level, template (but for its numbers) and exception are.

    Parameters
    ----------
    counting
        Counts seconds.
    """

    def __init__(self, counting: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._counting, self._lock = counting, threading.Lock()
        self._told: dict[_Kind, _Told] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is written; the first one after others were left out says how many."""
        now = self._counting()
        with self._lock:
            told = self._told.setdefault(_kind(record), _Told(now))
            left_out = 0
            if now - told.since >= WITHIN_S:
                left_out, told.since, told.lines, told.left_out = told.left_out, now, 0, 0
            told.lines += 1
            is_told = told.lines <= MOST
            told.left_out += not is_told
            while len(self._told) > KINDS:
                del self._told[next(iter(self._told))]
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (repeated {left_out:,} times before)", ()
        return is_told

    def flush(self) -> None:
        """Say of what has stopped coming how often it was left out; to be called now and then."""
        now = self._counting()
        with self._lock:
            over = {kind: one for kind, one in self._told.items() if now - one.since >= WITHIN_S}
            for kind in over:
                del self._told[kind]
        for (name, level, text, _), one in over.items():
            if one.left_out:
                logging.getLogger(name).log(level, "repeated %s times: %s", f"{one.left_out:,}", text)


def limit_repeats() -> LogLimit:
    """Limit what the handlers of the process write, those of libraries too; return what is to be flushed."""
    limit = LogLimit()
    for handler in logging.getLogger().handlers:
        handler.addFilter(limit)
    return limit


def _kind(record: logging.LogRecord) -> _Kind:
    text = _VARIES.sub("#", str(record.msg).partition("\n")[0][:200])
    error = record.exc_info[0] if record.exc_info else None
    return record.name, record.levelno, text, error.__name__ if error else ""

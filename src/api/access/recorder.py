"""What routes and the guard enter into the audit log: who and from where is known here, so that no route forgets it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.access.rate_limit import RateLimiter
from plant.vocabulary import NS_PER_MIN, NS_PER_S
from store.access_log import AccessLog, Entry

Clock = Callable[[], int]  # ns UTC


@dataclass(frozen=True, slots=True)
class Recorder:
    """Enters what one request does; without a log it enters nothing."""

    log: AccessLog | None
    clock: Clock
    who: str
    origin: str  # the client's address

    def __call__(self, what: str, about: str = "", old: str = "", new: str = "") -> None:
        """Enter it; raise sqlite3.Error where that cannot be: what cannot be recorded is not done."""
        if self.log is not None:
            self.log.note(Entry(self.clock(), self.who, what, about, old, new, self.origin))


class Denials:
    """Enters refusals: the first of a caller at an address at once, further ones once a minute, and few of all together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._each = RateLimiter(1, NS_PER_MIN, 1000)
        self._all = RateLimiter(100, 10 * NS_PER_S, 1)
        self._left_out = 0

    def note(self, record: Recorder, what: str, about: str) -> None:
        """Enter a refusal, or count it for the next row."""
        now, who = record.clock(), f"{what} {record.who} {record.origin}"
        with self._lock:
            if not (self._each.allows(who, now) and self._all.allows("", now)):
                self._left_out += 1
                return
            left_out, self._left_out = self._left_out, 0
        record(what, about, new=f"and {left_out} more since the row before" if left_out else "")


async def recorder_of(request: Request) -> Recorder:
    """Return what enters what this request does; the guard has put it there."""
    recorder: Recorder = request.state.recorder
    return recorder


Recording = Annotated[Recorder, Depends(recorder_of)]

"""The service's threads: one that fails is started again, after ever longer pauses, and what is so is stated.

Only the threads that carry every message, vital ones, may end the process, and only where the disk failed under them.
"""

import logging
import threading
import time
from collections.abc import Callable

from plant.clock import format_time
from store.sqlite import is_disk_fault

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0  # before a part that failed is started again, doubling
SETTLED_S = 10.0  # for which it must work before it counts as working
FORGOTTEN_S = 300.0  # after which its failures are stated no more

log = logging.getLogger(__name__)


class EndedError(Exception):
    """A part came to its end though nobody had told it to."""


class ServicePart:
    """What is known of the failures of one part of the service; it may be asked and told from any thread."""

    def __init__(
        self,
        name: str,
        *,
        vital: bool = False,
        clock: Callable[[], int] = time.time_ns,
        counting: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.vital = name, vital
        self.failed_ever = 0
        self._clock, self._counting = clock, counting
        self._failures, self._since, self._last = 0, 0, ""
        self._again = -FORGOTTEN_S  # when it is or was started again, as `counting` counts [s]

    def failed(self, error: BaseException) -> float:
        """Take note of a failure, and return after how long to try again [s]."""
        if not self._is_remembered():
            self._failures, self._since = 0, self._clock()
        pause = min(FIRST_PAUSE_S * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_S)
        self._failures += 1
        self.failed_ever += 1
        self._last = f"{type(error).__name__}: {error}"[:500]
        self._again = self._counting() + pause
        log.error("%s failed and is tried again in %.0f s", self.name, pause, exc_info=error)
        return pause

    @property
    def is_failing(self) -> bool:
        """Whether it waits to be started again, or has not worked for long since."""
        return self._counting() - self._again < SETTLED_S

    def told(self) -> str:
        """Return what to say of it, "" where it has not failed of late."""
        if not self._is_remembered():
            return ""
        times = "once" if self._failures == 1 else f"{self._failures} times"
        now = "it is tried again" if self.is_failing else "it goes on"
        return f"{self.name}: failed {times} since {format_time(self._since)}, last: {self._last}; {now}"

    def _is_remembered(self) -> bool:
        return self._counting() - self._again < FORGOTTEN_S


class Threads:
    """Keeps parts running until told to stop, each in a thread of its own.

    Parameters
    ----------
    stop
        Set where all are to end.
    disk_failed
        Told that a vital part cannot go on because the disk failed, with the reason; the part is not started again.
    """

    def __init__(self, stop: threading.Event, disk_failed: Callable[[str], None]) -> None:
        self._stop, self._disk_failed = stop, disk_failed
        self._threads: dict[str, threading.Thread] = {}
        self.parts: list[ServicePart] = []

    def part(self, name: str, *, vital: bool = False) -> ServicePart:
        """Return a part that is started again by whoever runs it, to be told of here."""
        self.parts.append(ServicePart(name, vital=vital))
        return self.parts[-1]

    def start(
        self,
        name: str,
        work: Callable[[], None],
        *,
        again: Callable[[], None] = lambda: None,
        vital: bool = False,
        apart: bool = False,
    ) -> None:
        """Run `work`, which goes on until all are to end; after a failure `again`, then `work` once more.

        What is `apart` touches neither journal nor state, and may wait for somebody else's server: the end does not wait for it.
        """
        part = self.part(name, vital=vital)

        def run() -> None:
            self._keep(part, work, again)

        thread = threading.Thread(target=run, name=name, daemon=True)
        if not apart:
            self._threads[name] = thread
        thread.start()

    def join(self, patience: float, but: str = "") -> bool:
        """Wait until all threads but one and those apart have ended, each for so long [s]; return whether they have."""
        waited = [thread for name, thread in self._threads.items() if name != but]
        for thread in waited:
            thread.join(patience)
        return not any(thread.is_alive() for thread in waited)

    def reasons(self) -> list[str]:
        """Return what keeps the service from its work."""
        return [part.told() for part in self.parts if part.vital and part.is_failing]

    def degradations(self) -> list[str]:
        """Return what failed of late and keeps the service from nothing that it promises."""
        told = [part.told() for part in self.parts if not (part.vital and part.is_failing)]
        return [one for one in told if one]

    def _keep(self, part: ServicePart, work: Callable[[], None], again: Callable[[], None]) -> None:
        steps = [work]
        while not self._stop.is_set():
            error = _error_of(steps)
            if part.vital and error is not None and is_disk_fault(error):
                log.error("the disk failed under %s", part.name, exc_info=error)
                self._disk_failed(f"{part.name}: {error}")
                return
            if self._stop.is_set():
                if error is not None:
                    log.error("%s failed as it was stopped", part.name, exc_info=error)
                return
            steps = [again, work]
            self._stop.wait(part.failed(error or EndedError("it ended and was not told to")))


def _error_of(steps: list[Callable[[], None]]) -> BaseException | None:
    """Run steps one after the other and return what they raised; SystemExit, which libraries raise, ends no process here."""
    try:
        for step in steps:
            step()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it must not pass unseen
        return error
    return None

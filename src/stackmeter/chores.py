"""What is due once a second beside the work: connections tended, a clock that was set noted, the audit log's head told."""

import logging
from collections.abc import Callable

from plant.clock import format_time
from stackmeter.clock_watch import ClockWatch
from stackmeter.service_parts import ServiceParts

log = logging.getLogger(__name__)


class Chores:
    """Does them, for one thread.

    Parameters
    ----------
    note_clock_step
        Told by how much the system's clock was set [ns].
    now_and_then
        Called each time, whatever it does.
    """

    def __init__(
        self, parts: ServiceParts, note_clock_step: Callable[[int], None], now_and_then: Callable[[], None]
    ) -> None:
        self._parts, self._note_clock_step, self._now_and_then = parts, note_clock_step, now_and_then
        self._clock, self._doubted = ClockWatch(), False

    def do(self) -> None:
        """Do all of them once."""
        self._now_and_then()
        self._parts.subscriber.tend()
        for beside in (self._parts.sparkplug, self._parts.strays):
            if beside is not None:
                beside.tend()
        self._note_set_clock()
        self._tell_doubt()
        self._parts.audit.tend()

    def _note_set_clock(self) -> None:
        if (step := self._clock.step()) is not None:
            self._note_clock_step(step[1] - step[0])
            self._parts.audit.record("clock.set", *map(format_time, step))

    def _tell_doubt(self) -> None:
        """Say in the log, once, that our clock seems to be wrong."""
        told = self._parts.line().clock_doubts()
        if told and not self._doubted:
            log.warning("%s", told[0])
        self._doubted = bool(told)

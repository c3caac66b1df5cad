"""Notices that somebody, or a time server, has set the system's clock, while the service runs or between two of its runs."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from plant.vocabulary import NS_PER_S
from store.messages.clock_steps import ClockStep

STEP_NS = NS_PER_S  # what a time server corrects little by little moves both clocks alike
_BUSY_NS = NS_PER_S // 10  # between two clocks that were read one after the other


log = logging.getLogger(__name__)


def _counting() -> int:
    """Return the nanoseconds of a clock that only counts, through a suspension too."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def machine_life() -> str:
    """Return what another start of the machine changes, "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def clock_ahead() -> int:
    """Return by how much the clock that can be set is before the one that only counts [ns]."""
    return time.time_ns() - _counting()


class ClockWatch:
    """Compares the clock that can be set with one that cannot."""

    def __init__(
        self, clock: Callable[[], int] = time.time_ns, counting: Callable[[], int] = _counting
    ) -> None:
        self._clock, self._counting = clock, counting
        self._ahead = clock() - counting()  # of the clock that only counts

    def step(self) -> tuple[int, int] | None:
        """Return the time that it would be and the time that it is [ns UTC], where the clock was set since the look before."""
        before, now, after = self._counting(), self._clock(), self._counting()
        if after - before > _BUSY_NS:
            return None  # the process stood still between the two: nothing can be said this time
        expected = before + self._ahead
        if abs(now - expected) < STEP_NS:
            return None
        self._ahead = now - before
        return expected, now


class RememberedClocks(msgspec.Struct):
    """How the two clocks stood to each other last, in one life of the machine."""

    machine: str  # the id of that life
    ahead: int  # ns, of the clock that can be set before the one that only counts
    first: int  # the journal offset from which on that is known


class ClockMemory:
    """Keeps in a file how the clocks stand, so that a step between two runs is known too, unless the machine was started anew."""

    def __init__(
        self,
        file: Path,
        next_offset: int,
        machine: Callable[[], str] = machine_life,
        ahead: Callable[[], int] = clock_ahead,
    ) -> None:
        self._file, self._machine, self._ahead = file, machine, ahead
        known, now = _remembered(file), RememberedClocks(machine(), ahead(), next_offset)
        self.missed = 0  # ns, the step since the run before
        if known is not None and known.machine == now.machine != "":
            now.first = known.first
            self.missed = now.ahead - known.ahead if abs(now.ahead - known.ahead) >= STEP_NS else 0
        self._known = now
        self._save()

    def step(self, by: int) -> ClockStep:
        """Return what is journalled of a step [ns], and remember how the clocks stand after it."""
        self._known.ahead = self._ahead()
        self._save()
        return ClockStep(self._known.first, by)

    def _save(self) -> None:
        written = self._file.with_suffix(".new")
        try:
            written.write_bytes(msgspec.json.encode(self._known))
            written.replace(self._file)
        except OSError as error:
            log.error("how the clock stands cannot be remembered: %s", error)  # noqa: TRY400 - its text says all


def _remembered(file: Path) -> RememberedClocks | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=RememberedClocks)
    except (OSError, msgspec.MsgspecError):
        return None

"""A whole configuration's parks, simulated onto a broker at any speed, with their true totals.

The simulated clock starts at `start` and runs `speed` times as fast as ours until it has caught up with it; from then
on it keeps our pace. So no reading lies in the future (but for a clock skew on request), and history is never older
than the service takes.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from simulators.configuration import read_configuration
from simulators.faults import Faults
from simulators.field import boot_name, messages
from simulators.gateway import Gateway
from simulators.message import Address, Fate, Message
from simulators.payload import NS_PER_S
from simulators.publisher import StoppedError
from simulators.truth import Truth

DAY = 86_400.0  # s
TENDING = 0.5  # s between two looks at what a gateway has to send again
SILENCE = 3.0  # s after which no service is expected to answer


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a simulation is. `simulated` is its clock [ns UTC]; the rest is counted."""

    simulated: int
    messages: int
    readings: int


def simulate(
    config: Path,
    broker: str,
    *,
    speed: float = 1.0,
    seed: int = 1,
    duration: float | None = None,
    faults: Faults | None = None,
    start: datetime | None = None,
    truth: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    settle: float = 15.0,
) -> Truth:
    """Run all gateways of a configuration against a broker.

    Parameters
    ----------
    config
        A configuration directory of the service.
    broker
        `mqtt://host:port`.
    speed
        Simulated seconds per second, until now is reached; `math.inf` as fast as the broker takes it.
    seed
        Fixes everything random: one seed and one start give the same bytes.
    duration
        How much to simulate. [s, simulated] None: until stopped.
    faults
        What goes wrong.
    start
        The beginning, with zone. Default: such that the run ends as its clock reaches now; without `duration`, a day ago
        (now, at a speed of 1 or less).
    truth
        A file for the true totals, as JSON.
    progress
        Called after each message.
    stop
        Ends the run; what was delivered until then is the truth.
    settle
        How long to wait at the end for the acks of a service that has answered at all. [s]

    Returns
    -------
    Truth
        The totals that an exact pipeline finds in what was delivered.

    Raises
    ------
    ValueError
        If the configuration cannot be read, `start` is naive, ahead of now or older than the service takes, or the faults
        ask for more than there is.
    BrokerError
        If the broker cannot be reached or stops acknowledging.
    """
    configuration = read_configuration(config)
    begin, end = _span(start, duration, speed, configuration.max_late)
    sendings = messages(configuration, seed=seed, start=begin, end=end, faults=faults)
    told = Truth(configuration.channels)
    run = _Run(told, _Pace(begin, speed), progress or (lambda _progress: None), stop or threading.Event())
    with ExitStack() as stack, suppress(StoppedError):
        for address in configuration.addresses:
            gateway = Gateway(broker, address, boot_name(seed, begin), stop=run.stop)
            run.gateways[address] = stack.enter_context(gateway)
        run.through(sendings, settle)
    if truth is not None:
        told.write(truth)
    return told


class _Pace:
    """When a simulated moment is due on our clock."""

    def __init__(self, begin: int, speed: float) -> None:
        self._begin = begin
        self._speed = speed
        self._started = time.monotonic()

    def left(self, due: int) -> float:
        """Return how long to wait for it: for the simulated clock, and never less than for ours [s]."""
        simulated = (due - self._begin) / NS_PER_S / self._speed - (time.monotonic() - self._started)
        return max(simulated, (due - time.time_ns()) / NS_PER_S)


@dataclass(slots=True)
class _Run:
    """One simulation under way."""

    truth: Truth
    pace: _Pace
    progress: Callable[[Progress], None]
    stop: threading.Event
    gateways: dict[Address, Gateway] = field(default_factory=dict)
    tended: float = 0.0

    def through(self, sendings: Iterable[Message], settle: float) -> None:
        """Send all messages, each when it is due, and see them acknowledged."""
        with suppress(StoppedError):
            for message in sendings:
                self._wait(message.due)
                self._deliver(message)
        for gateway in self.gateways.values():
            gateway.drain(5.0 if self.stop.is_set() else 60.0)
        with suppress(StoppedError):
            self._settle(settle)

    def _wait(self, due: int) -> None:
        self._tend()
        while (left := self.pace.left(due)) > 0 and not self.stop.wait(min(left, TENDING)):
            self._tend()
        if self.stop.is_set():
            raise StoppedError

    def _deliver(self, message: Message) -> None:
        if message.fate is not Fate.DROPPED:
            self.gateways[message.address].send(message)
        self.truth.add(message)
        self.progress(Progress(message.due, self.truth.sent, self.truth.readings))

    def _tend(self) -> None:
        if time.monotonic() - self.tended >= TENDING:
            for gateway in self.gateways.values():
                gateway.tend()
            self.tended = time.monotonic()

    def _settle(self, patience: float) -> None:
        begun = time.monotonic()
        while (past := time.monotonic() - begun) < patience and not self.stop.wait(TENDING / 5):
            if not any(
                gateway.uncovered and (gateway.heard or past < SILENCE) for gateway in self.gateways.values()
            ):
                return
            self._tend()


def _span(
    start: datetime | None, duration: float | None, speed: float, max_late: int
) -> tuple[int, int | None]:
    """Return the beginning and end of a run [ns UTC]."""
    if speed <= 0 or (duration is not None and duration <= 0):
        raise ValueError("speed and duration: above 0")
    if start is not None and start.utcoffset() is None:
        raise ValueError(f"start: {start.isoformat()} has no zone")
    now = time.time_ns()
    behind = max(0.0, _behind(duration, speed)) if start is None else now / NS_PER_S - start.timestamp()
    if not 0 <= behind <= max_late / NS_PER_S:
        raise ValueError(
            f"start: from {max_late / NS_PER_S / DAY:g} days ago, the service's max_late, to now"
        )
    begin = int(now / NS_PER_S - behind) * NS_PER_S
    return begin, None if duration is None else begin + round(duration * NS_PER_S)


def _behind(duration: float | None, speed: float) -> float:
    """Return how long ago a run begins that is to end, by its own clock, as it reaches now [s]."""
    if duration is None:
        return DAY if speed > 1 else 0.0
    return duration - duration / speed

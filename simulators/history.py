"""History onto MQTT: the rows of a file as the messages of one gateway of its own, a part at a time, going on where it was left."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from simulators.gateway import Gateway
from simulators.mapping import Mapping
from simulators.message import Message
from simulators.payload import Form, encode
from simulators.publisher import POLL
from simulators.table import ReplayError, Table, read_parts

ROWS = 5_000  # read at once
PER_MESSAGE = 1_000  # readings
AHEAD = 500  # messages that may be sent and not acknowledged by the service
FIRST_ACK_S = 30.0  # for which the service's first word is awaited


class NotHeard(Exception):
    """No service acknowledges what is sent."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a file holds; times are ns UTC."""

    rows: int
    readings: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a file: its messages, how many of them the service held before, and how many it does not hold."""

    rows: int
    readings: int
    messages: int
    held_before: int
    uncovered: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def extent(file: Path, plan: Mapping) -> Extent:
    """Read a whole file and return what it holds; raise ReplayError where it and its mapping do not fit."""
    rows = readings = 0
    first, last = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for part in _parts(file, plan):
        rows, readings = rows + part.rows, readings + len(part.readings)
        if len(part.readings):
            first, last = min(first, int(part.readings.time.min())), max(last, int(part.readings.time.max()))
    if not readings:
        raise ReplayError(f"{file}: holds no reading")
    return Extent(rows, readings, first, last)


def boot_of(file: Path, plan: Mapping) -> str:
    """Return the boot that a file is told under: the same for the same bytes and mapping, so that what is held is known again."""
    digest = blake2b(repr(plan).encode(), digest_size=8)
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return f"{plan.boot}-{digest.hexdigest()}"


def send(
    file: Path,
    plan: Mapping,
    broker: str,
    *,
    patience: float = 600.0,
    progress: Callable[[int], None] = lambda _readings: None,
    stop: threading.Event | None = None,
) -> Sent:
    """Send a file to a service, and wait until it holds all of it.

    Parameters
    ----------
    plan
        The mapping, whose gateway is the one that speaks.
    patience
        How long to wait at the end for what is not acknowledged. [s]
    progress
        Told after each message how many readings are sent.
    stop
        Ends it early, with `StoppedError`.

    Raises
    ------
    ReplayError
        The file and its mapping do not fit; what was sent before counts.
    NotHeard
        No service acknowledges the first message.
    BrokerError
        The broker cannot be reached or stops acknowledging.
    """
    begun = time.monotonic()
    boot = boot_of(file, plan)
    rows = readings = messages = held = 0
    with Gateway(broker, plan.address, boot, capacity=4 * AHEAD, stop=stop) as gateway:
        for message, of_rows in _messages(file, plan, boot):
            rows, readings, messages = rows + of_rows, readings + len(message.readings), messages + 1
            if gateway.holds(message.seq):
                held += 1
            else:
                gateway.send(message)
                _wait(gateway, message.seq)
            progress(readings)
        gateway.drain()
        gateway.settle(patience)
    return Sent(rows, readings, messages, held, gateway.uncovered, round(time.monotonic() - begun, 3))


def _wait(gateway: Gateway, seq: int) -> None:
    """Wait for the service's word on the first message, and later while it is far behind."""
    if seq == 1:
        gateway.settle(FIRST_ACK_S)
        if not gateway.heard:
            raise NotHeard(f"no service has acknowledged the first message within {FIRST_ACK_S:g} s")
    while gateway.uncovered > AHEAD:
        gateway.tend()
        time.sleep(POLL)


def _messages(file: Path, plan: Mapping, boot: str) -> Iterator[tuple[Message, int]]:
    """Yield each message and how many rows of the file are behind it."""
    seq = 0
    for part in _parts(file, plan):
        for start in range(0, len(part.readings), PER_MESSAGE):
            seq += 1
            some = part.readings.take(slice(start, start + PER_MESSAGE))
            payload = encode(some, plan.points, boot=boot, seq=seq, form=Form.COLUMNS)
            yield (
                Message(plan.address, boot, seq, int(some.time[-1]), payload, some),
                0 if start else part.rows,
            )


def _parts(file: Path, plan: Mapping) -> Iterator[Table]:
    return read_parts(file, plan, ROWS)


def by_gateway(plan: Mapping, gateway: str) -> Mapping:
    """Return a mapping whose readings another gateway of the facility tells."""
    return replace(plan, address=replace(plan.address, gateway=gateway))

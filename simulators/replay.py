"""Real data onto MQTT: the rows of a CSV file as the messages of one gateway, by a small mapping file."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from simulators.gateway import Gateway
from simulators.mapping import Mapping, read_mapping
from simulators.message import Fate, Message
from simulators.payload import Form, Readings, encode, rfc3339
from simulators.table import Table, read_table


@dataclass(frozen=True, slots=True)
class Summary:
    """What a replay did. `sums` are of the file's columns, whatever was sent twice."""

    rows: int
    readings: int
    messages: int  # distinct ones
    duplicates: int  # sent a second time on top
    resent: int  # sent again because the service asked
    uncovered: int | None  # not covered by an ack at the end; None where nobody waited for acks
    sums: dict[str, float]
    span: tuple[str, str] | None  # the first and the last reading's time
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is."""

    sent: int
    total: int


def messages(
    table: Table, mapping: Mapping, *, shuffle: int | None = None, duplicates: float = 0.0
) -> Iterator[Message]:
    """Make a table's messages, in the order in which they are to be sent.

    Parameters
    ----------
    shuffle
        Seed: the readings are dealt to messages at random, and the messages sent in random order, under a boot
        of their own. None keeps the file's order.
    duplicates
        The share of messages that is sent a second time, at a random place behind the first.
    """
    if not 0 <= duplicates <= 1:
        raise ValueError(f"duplicates: a share from 0 to 1, not {duplicates:g}")
    rng = np.random.default_rng(shuffle or 0)
    readings, boot = table.readings, mapping.boot
    if shuffle is not None:
        readings, boot = readings.take(rng.permutation(len(readings))), f"{boot}-shuffle-{shuffle}"
    made = [
        _message(mapping, boot, seq, part) for seq, part in _parts(readings, mapping.readings_per_message)
    ]
    order = rng.permutation(len(made)) if shuffle is not None else np.arange(len(made))
    yield from _with_copies([made[i] for i in order.tolist()], duplicates, rng)


def replay(
    csv: Path,
    mapping: Path,
    broker: str,
    *,
    shuffle: int | None = None,
    duplicates: float = 0.0,
    rate: float | None = None,
    readings_per_message: int | None = None,
    confirm: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Summary:
    """Send a CSV file to a broker and wait for every PUBACK.

    Parameters
    ----------
    csv, mapping
        The data, and the mapping file that explains them.
    broker
        `mqtt://host:port`.
    shuffle, duplicates
        As for `messages`.
    rate
        At most so many messages a second; None: as fast as the broker takes them.
    readings_per_message
        Instead of the mapping's.
    confirm
        How long to wait at the end for the service's acks, sending again what they miss. [s] None: not at all.
    progress
        Called after each message.
    stop
        Ends the replay early, with `StoppedError`.

    Raises
    ------
    ReplayError, MappingError
        If data and mapping do not fit; nothing has been sent then.
    BrokerError
        If the broker cannot be reached or stops acknowledging.
    """
    plan = read_mapping(mapping)
    if readings_per_message is not None:
        plan = replace(plan, readings_per_message=readings_per_message)
    table = read_table(csv, plan)
    sending = list(messages(table, plan, shuffle=shuffle, duplicates=duplicates))
    boot = sending[0].boot if sending else plan.boot
    begun = time.monotonic()
    with Gateway(broker, plan.address, boot, capacity=max(len(sending), 1), stop=stop) as gateway:
        _send(gateway, sending, rate, progress or (lambda _progress: None))
        gateway.drain()
        if confirm is not None:
            gateway.settle(confirm)
    copies = sum(message.fate is Fate.COPY for message in sending)
    return Summary(
        rows=table.rows,
        readings=len(table.readings),
        messages=len(sending) - copies,
        duplicates=copies,
        resent=gateway.resent,
        uncovered=None if confirm is None else gateway.uncovered,
        sums=table.sums(plan.columns),
        span=_span(table),
        seconds=round(time.monotonic() - begun, 3),
    )


def _send(
    gateway: Gateway, sending: Sequence[Message], rate: float | None, progress: Callable[[Progress], None]
) -> None:
    begun = time.monotonic()
    for sent, message in enumerate(sending):
        if rate is not None:
            time.sleep(max(0.0, begun + sent / rate - time.monotonic()))
        gateway.send(message)
        progress(Progress(sent + 1, len(sending)))


def _span(table: Table) -> tuple[str, str] | None:
    if not len(table.readings):
        return None
    first, last = rfc3339(np.sort(table.readings.time)[[0, -1]])
    return first, last


def _parts(readings: Readings, size: int) -> Iterator[tuple[int, Readings]]:
    for seq, start in enumerate(range(0, len(readings), size), start=1):
        yield seq, readings.take(slice(start, start + size))


def _message(mapping: Mapping, boot: str, seq: int, readings: Readings) -> Message:
    payload = encode(readings, mapping.points, boot=boot, seq=seq, form=Form.COLUMNS)
    return Message(mapping.address, boot, seq, int(readings.time[-1]), payload, readings)


def _with_copies(made: Sequence[Message], share: float, rng: np.random.Generator) -> list[Message]:
    chosen = rng.choice(len(made), round(share * len(made)), replace=False) if made else np.empty(0, np.int64)
    places = {int(first): int(rng.integers(first + 1, len(made) + 1)) for first in chosen}
    behind: dict[int, list[Message]] = {}
    for first, place in places.items():
        behind.setdefault(place, []).append(replace(made[first], fate=Fate.COPY))
    return [
        message
        for place in range(len(made) + 1)
        for message in [*behind.get(place, []), *made[place : place + 1]]
    ]

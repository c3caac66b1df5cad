"""One gateway and its meters, or all of a configuration: messages as they would leave the field, without a broker."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulators.clock import Clock
from simulators.configuration import Channel, Configuration
from simulators.faults import Faults
from simulators.message import Address, Message
from simulators.meter import Meter
from simulators.payload import NS_PER_S, Form, Point, Readings, encode
from simulators.shapes import daylight, shape_of

CHUNK = 3600 * NS_PER_S  # how much is made at once
BATCH = 60 * NS_PER_S  # between two messages of a gateway
CADENCE = 60 * NS_PER_S  # between two readings of a channel
LARGEST = 1000  # readings in a message
FORMS = (Form.COLUMNS, Form.READINGS)  # gateways take turns


@dataclass(frozen=True, slots=True)
class _Breaks:
    """Which channels suffer what their meters can: index -> reading at which it resets; indexes that roll over."""

    resets: dict[int, int]
    rollovers: frozenset[int]


def messages(
    configuration: Configuration,
    *,
    seed: int,
    start: int,
    end: int | None = None,
    faults: Faults | None = None,
) -> Iterator[Message]:
    """Make the messages of all gateways, in the order in which they are sent.

    The same arguments give the same bytes. Dropped messages are among them, marked as such; they are not to be sent.

    Parameters
    ----------
    seed
        Fixes everything that is random.
    start, end
        The span of the readings, (start, end]. [ns UTC] None: without end.
    faults
        What goes wrong.

    Raises
    ------
    ValueError
        If more resets or rollovers are asked for than there are registers that can suffer them.
    """
    faults = faults or Faults()
    breaks = _breaks(configuration.channels, faults, np.random.default_rng(seed))
    boot = boot_name(seed, start)
    streams = [
        _Station(configuration.channels, address, ordinal, seed, start, boot, breaks).sendings(faults, end)
        for ordinal, address in enumerate(configuration.addresses)
    ]
    return heapq.merge(*streams, key=lambda message: message.due)


def boot_name(seed: int, start: int) -> str:
    """Return the boot of all gateways of a run: another start or seed is another sequence."""
    return f"s{seed}-{start // NS_PER_S:x}"


class _Station:
    """A gateway's place in the field: its channels' meters, its clock and its sequence."""

    def __init__(
        self,
        channels: Sequence[Channel],
        address: Address,
        ordinal: int,
        seed: int,
        start: int,
        boot: str,
        breaks: _Breaks,
    ) -> None:
        self._address = address
        self._start = start
        self._boot = boot
        self._form = FORMS[ordinal % len(FORMS)]
        self._rng = np.random.default_rng([seed, ordinal, 1])
        self._phase = int(self._rng.integers(BATCH // NS_PER_S)) * NS_PER_S
        self._points = [Point(channel.name, channel.unit) for channel in channels]
        self._meters = [
            Meter(
                channel,
                index,
                seed,
                Clock(_cadence(channel), self._phase),
                start,
                reset_step=breaks.resets.get(index, 0),
                rolls=index in breaks.rollovers,
            )
            for index, channel in enumerate(channels)
            if channel.address == address
        ]

    def sendings(self, faults: Faults, end: int | None) -> Iterator[Message]:
        """Return the messages as they leave, faults and all."""
        offset = faults.clock_offset(self._rng)
        forever = np.iinfo(np.int64).max
        return faults.applied(
            self._messages(end, offset), self._rng, batch=BATCH, end=forever if end is None else end
        )

    def _messages(self, end: int | None, offset: int) -> Iterator[Message]:
        for seq, (due, batch) in enumerate(self._batches(end), start=1):
            form = self._form if len(batch) > 1 else Form.SINGLE
            told = batch.shifted(offset)
            payload = encode(told, self._points, boot=self._boot, seq=seq, form=form)
            yield Message(self._address, self._boot, seq, due, payload, told)

    def _batches(self, end: int | None) -> Iterator[tuple[int, Readings]]:
        for after, until in self._chunks(end):
            readings = Readings.concat([meter.readings(after, until) for meter in self._meters])
            readings = readings.take(np.lexsort((readings.channel, readings.time)))
            ticks = -((self._phase - readings.time) // BATCH)  # the tick at or after each reading
            for tick in np.unique(ticks).tolist():
                due = min(tick * BATCH + self._phase, until)
                batch = readings.take(ticks == tick)
                yield from ((due, batch.take(slice(i, i + LARGEST))) for i in range(0, len(batch), LARGEST))

    def _chunks(self, end: int | None) -> Iterator[tuple[int, int]]:
        """Return spans (after, until] that end at a tick, and at the end of the run."""
        after = self._start
        while end is None or after < end:
            until = (after + CHUNK - self._phase) // BATCH * BATCH + self._phase
            until = until if end is None else min(until, end)
            yield after, until
            after = until


def _cadence(channel: Channel) -> int:
    """Return how often a channel is read: often enough for its `max_gap`, in whole seconds."""
    return max(NS_PER_S, min(CADENCE, channel.max_gap // 3 // NS_PER_S * NS_PER_S))


def _breaks(channels: Sequence[Channel], faults: Faults, rng: np.random.Generator) -> _Breaks:
    # A display that a swap ties down is left alone.
    registers = [i for i, channel in enumerate(channels) if channel.kind == "register" and not channel.swaps]
    rolling = [index for index in registers if _can_roll(channels[index])]
    reset = _chosen(registers, faults.resets, "resets: only {} registers", rng)
    rolls = _chosen(rolling, faults.rollovers, "rollovers: only {} registers with modulus and max_rate", rng)
    steps = rng.integers(2, 30, len(reset), endpoint=True).tolist()
    return _Breaks(dict(zip(reset, steps, strict=True)), frozenset(rolls))


def _can_roll(channel: Channel) -> bool:
    # A panel at night would stand still below its modulus.
    always_on = shape_of(channel.facility, channel.name, channel.quantity) is not daylight
    return always_on and channel.max_rate * _cadence(channel) / (3600 * NS_PER_S) < channel.modulus


def _chosen(candidates: Sequence[int], number: int, problem: str, rng: np.random.Generator) -> list[int]:
    if number > len(candidates):
        raise ValueError(problem.format(len(candidates)))
    return [int(index) for index in rng.choice(np.array(candidates, np.int64), number, replace=False)]

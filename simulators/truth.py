"""The true totals: what an exact pipeline computes from the readings that were delivered."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from simulators.configuration import Channel
from simulators.message import Fate, Message
from simulators.payload import NS_PER_S, Floats, Readings, Times, rfc3339

NS_PER_HOUR = 3600 * NS_PER_S
SLACK = 1 + 1e-9  # limits hold with this much room


@dataclass(frozen=True, slots=True)
class Total:
    """One channel's true total over [first, last]: from its first reading, or swap, to its last.

    `amount` is in `amount_unit`, after the channel's ratio; for a level it is the time-weighted mean.
    NaN where the delivered readings cannot tell: no step at all, or a register step that nothing explains.
    """

    park: str
    facility: str
    gateway: str
    channel: str
    kind: str
    amount: float
    amount_unit: str
    readings: int
    first: str
    last: str


class Truth:
    """Collects what is delivered, and adds it up when asked."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.channels = tuple(channels)
        self.messages = dict.fromkeys(Fate, 0)
        self.readings = 0
        self._parts: list[Readings] = []

    def add(self, message: Message) -> None:
        """Count a message; its readings count where it was sent, and once."""
        self.messages[message.fate] += 1
        if message.fate is Fate.SENT:
            self.deliver(message.readings)

    def deliver(self, readings: Readings) -> None:
        """Count readings that were delivered, and were not before."""
        self.readings += len(readings)
        self._parts.append(readings)

    @property
    def sent(self) -> int:
        """How many distinct messages were sent."""
        return self.messages[Fate.SENT]

    def totals(self) -> list[Total]:
        """Return the total of each channel that delivered a reading, in the configuration's order."""
        if not self._parts:
            return []
        readings = Readings.concat(self._parts)
        readings = readings.take(np.lexsort((readings.time, readings.channel)))
        self._parts = [readings]
        bounds = np.searchsorted(readings.channel, np.arange(len(self.channels) + 1))
        return [
            _total(channel, readings.take(slice(low, high)))
            for channel, low, high in zip(
                self.channels, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True
            )
            if low < high
        ]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; unknown is null."""
        totals = [asdict(total) for total in self.totals()]
        for total in totals:
            total["amount"] = None if math.isnan(total["amount"]) else total["amount"]
        counts = {str(fate): count for fate, count in self.messages.items()}
        return {"messages": counts, "readings": self.readings, "channels": totals}

    def write(self, path: Path) -> None:
        """Write it as a JSON file."""
        path.write_text(json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _total(channel: Channel, readings: Readings) -> Total:
    swaps = [swap.time for swap in channel.swaps]
    first, last = rfc3339(np.sort(np.append(readings.time[[0, -1]], np.array(swaps, np.int64)))[[0, -1]])
    return Total(
        park=channel.park,
        facility=channel.facility,
        gateway=channel.gateway,
        channel=channel.name,
        kind=channel.kind,
        amount=amount_of(channel, readings),
        amount_unit=channel.amount_unit,
        readings=len(readings),
        first=first,
        last=last,
    )


def amount_of(channel: Channel, readings: Readings) -> float:
    """Return one channel's total of readings in order of time, after its ratio [channel's amount unit]."""
    if channel.kind == "register":
        return register(channel, readings)
    return DISPLAYED[channel.kind](channel, readings) * channel.ratio


def register(channel: Channel, readings: Readings) -> float:
    """Return what each meter counted, from swap to swap; NaN if a step is nothing that a register does."""
    at = np.searchsorted(readings.time, [swap.time for swap in channel.swaps]).tolist()
    meters = [
        _one_meter(channel, readings.take(slice(low, high)), number)
        for number, (low, high) in enumerate(pairwise([0, *at, len(readings)]))
    ]
    steps = [meter for meter in meters if len(meter)]
    return math.fsum(np.concatenate(steps).tolist()) if steps else math.nan


def _one_meter(channel: Channel, readings: Readings, number: int) -> Floats:
    """Return the steps of one meter; a swap is a reading at either side of it."""
    first, last = channel.swaps[:number][-1:], channel.swaps[number : number + 1]
    meter = channel.at(first[0].time) if first else channel
    virtual = [(swap.time, swap.first_new) for swap in first] + [(swap.time, swap.final_old) for swap in last]
    known = [(time, display) for time, display in virtual if not math.isnan(display)]
    ends = Readings.of(
        0, np.array([time for time, _ in known], np.int64), np.array([d for _, d in known], np.float64)
    )
    displays = Readings.concat([readings, ends])
    return _steps(meter, displays.take(np.argsort(displays.time, kind="stable"))) * meter.ratio


def _steps(channel: Channel, readings: Readings) -> Floats:
    """Return what passed between neighbours, resets and rollovers included; NaN where a step is neither."""
    hours = np.diff(readings.time) / NS_PER_HOUR
    before, after = readings.value[:-1], readings.value[1:]
    most = np.inf if math.isnan(channel.max_rate) else channel.max_rate * hours * SLACK
    step = after - before
    reset = readings.reset[1:] & (after <= most)
    plausible = (step >= 0) & (step <= most)
    rollover = (step < 0) & (channel.max_rate * hours < channel.modulus) & (step + channel.modulus <= most)
    return np.select([reset, plausible, rollover], [after, step, step + channel.modulus], np.nan)


def rate(channel: Channel, readings: Readings) -> float:
    """Return the trapezoid, or the sum of held values, without intervals longer than `max_gap`."""
    span = np.diff(readings.time)
    if channel.hold_last:
        areas = readings.value[:-1] * np.minimum(span, channel.max_gap)
    else:
        areas = (_means(readings.value) * span)[span <= channel.max_gap]
    return math.fsum((areas / NS_PER_HOUR).tolist()) if len(areas) else math.nan


def level(channel: Channel, readings: Readings) -> float:
    """Return the time-weighted mean of the straight lines, without intervals longer than `max_gap`."""
    span: Times = np.diff(readings.time)
    covered = span <= channel.max_gap
    if not covered.any():
        return math.nan
    return float(np.average(_means(readings.value)[covered], weights=span[covered]))


def summed(_channel: Channel, readings: Readings) -> float:
    """Return the exact sum: of intervals, or of events."""
    return math.fsum(readings.value.tolist())


def _means(values: Floats) -> Floats:
    return (values[:-1] + values[1:]) / 2


DISPLAYED: dict[str, Callable[[Channel, Readings], float]] = {
    "rate": rate,
    "level": level,
    "interval": summed,
    "event": summed,
}

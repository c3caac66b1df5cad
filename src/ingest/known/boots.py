"""Boots of gateways: their numbers, what of their sequences has come, and what an ack says of them.

In memory are the boots of each gateway that were heard last, as many as an ack may list; all others are asked of the state.
So what a gateway costs does not depend on how many boots it has ever named.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.known.sequences import Boot, Holes, disjoint
from ingest.line.batch import Batch
from plant.park import Plant
from plant.vocabulary import FOREVER, SINCE_EVER, Kind
from store.messages.boots import BootTable, Hole, acknowledged_since

MOST_BOOTS = 100  # that an ack lists, those heard last
MOST_BYTES = 64 * 1024  # of an ack's list
MOST_GATEWAYS = 10_000  # in memory; beyond, all are forgotten

Acknowledgement = tuple[str, int, list[list[int]]]  # boot, received_through, missing


class Boots:
    """What the line knows of boots. What is known is in the state too, with every change of it."""

    def __init__(self, plant: Plant, table: BootTable, clock: Callable[[], int]) -> None:
        self._table, self._clock = table, clock
        self._holes = Holes(table)
        self._event_channels, self._gateway_of = _event_channels(plant)
        self.forget()

    def forget(self) -> None:
        """Remember nothing, as after a rollback: all of it is in the state."""
        self._gateways: dict[str, dict[str, Boot]] = {}
        self._told: dict[tuple[str, str], Acknowledgement] = {}
        self._count: int | None = None  # the number that was given last
        self._holes.forget()

    def names(self, numbers: Iterable[int]) -> Mapping[int, str]:
        """Return the names of boots, by number."""
        return self._table.names(numbers)

    def open_holes(self, channel: int, start: int, end: int) -> Sequence[Hole]:
        """Return where the sequence of an event channel's gateway is open, as far as that reaches into [start, end) [ns UTC]."""
        return disjoint(self._table.holes(self._gateway_of[channel], start, end))

    def number(self, batch: Batch) -> NDArray[np.int32]:
        """Return each message's boot as its number, new boots getting one; 0 where it named none."""
        if len(self._gateways) > MOST_GATEWAYS:
            self.forget()
        numbers = np.zeros(len(batch.messages), np.int32)
        heard: dict[int, tuple[int, str, str, int]] = {}
        for position, envelope in batch.envelopes.items():
            if envelope.boot is None:
                continue
            gateway, received_at = batch.gateways[position], batch.messages[position].received
            boot = self._boot(gateway, envelope.boot)
            if received_at > boot.heard:
                boot.heard = received_at
                heard[boot.number] = (boot.number, gateway, boot.name, received_at)
            numbers[position] = boot.number
        self._table.hear(list(heard.values()))
        return numbers

    def enter(self, batch: Batch) -> None:
        """Enter the sequence numbers of a micro-batch, and find the holes in time that opened or closed."""
        first, last = _time_bounds(batch)
        by_boot: dict[tuple[str, str], list[int]] = defaultdict(list)
        for position, envelope in batch.envelopes.items():
            if envelope.boot is not None and envelope.seq is not None:
                by_boot[batch.gateways[position], envelope.boot].append(position)
        touched = [self._boot(gateway, name) for gateway, name in by_boot]
        for boot, positions in zip(touched, by_boot.values(), strict=True):
            new_here = [p for p in positions if not _was_counted(batch, p, boot, first[p], last[p])]
            seqs = [batch.envelopes[position].seq or 0 for position in new_here]
            came = boot.add(seqs, [first[p] for p in new_here], [last[p] for p in new_here])
            for position, new in zip(new_here, came, strict=True):
                (batch.counted if new else batch.repeated).add(position)
            self._told.pop((boot.gateway, boot.name), None)
        self._table.put([row for boot in touched for row in boot.rows()])
        for boot in touched:
            batch.disturbed += self._disturbed(boot.gateway, self._holes.settle(boot))
        if batch.before:  # its channels may have been none when these holes opened
            for gateway in sorted({boot.gateway for boot in touched}):
                batch.disturbed += self._disturbed(gateway, self._table.holes(gateway, SINCE_EVER, FOREVER))
        for gateway in {batch.gateways[position] for position in batch.envelopes}:
            self._trim(gateway)

    def acknowledgements(self, gateway: str) -> list[Acknowledgement]:
        """Return (boot, received_through, missing) of the boots heard lately, latest first, as many as an ack holds."""
        since = acknowledged_since(self._clock())
        found: list[Acknowledgement] = []
        size = 0
        for boot in _newest_first(self._of(gateway).values()):
            if boot.heard < since or len(found) == MOST_BOOTS:
                break
            told = self._acknowledgement(boot)
            size += len(msgspec.json.encode(told))
            if size > MOST_BYTES:
                break
            found.append(told)
        return found

    def _acknowledgement(self, boot: Boot) -> Acknowledgement:
        key = boot.gateway, boot.name
        if key not in self._told:
            self._told[key] = (boot.name, *self._table.received(*key))
        return self._told[key]

    def _of(self, gateway: str) -> dict[str, Boot]:
        """Return the boots of a gateway that are in memory, by name."""
        if gateway not in self._gateways:
            newest = self._table.newest(gateway, MOST_BOOTS)
            self._gateways[gateway] = {
                row.name: Boot(self._table, gateway, row.name, row.number, row.heard, row.began) for row in newest
            }  # fmt: skip
        return self._gateways[gateway]

    def _boot(self, gateway: str, name: str) -> Boot:
        """Return a boot; one that was never heard gets a number."""
        boots = self._of(gateway)
        if name not in boots:
            row = self._table.one(gateway, name)
            number, heard, began = (
                (row.number, row.heard, row.began) if row else (self._next_number(), SINCE_EVER, None)
            )
            boots[name] = Boot(self._table, gateway, name, number, heard, began)
        return boots[name]

    def _next_number(self) -> int:
        self._count = 1 + (self._table.count() if self._count is None else self._count)
        return self._count

    def _trim(self, gateway: str) -> None:
        """Keep of a gateway's boots those in memory that were heard last."""
        boots = self._of(gateway)
        if len(boots) > MOST_BOOTS:
            for boot in _newest_first(boots.values())[MOST_BOOTS:]:
                del boots[boot.name]
                self._told.pop((gateway, boot.name), None)

    def _disturbed(self, gateway: str, moved: Sequence[Hole]) -> list[tuple[int, int, int]]:
        """Return (channel, from, to) of holes, for the event channels of a gateway."""
        return [(channel, *hole) for channel in self._event_channels.get(gateway, ()) for hole in moved]


def _newest_first(boots: Iterable[Boot]) -> list[Boot]:
    return sorted(boots, key=lambda boot: (boot.heard, boot.name), reverse=True)


def _was_counted(batch: Batch, position: int, boot: Boot, first: int | None, last: int | None) -> bool:
    """Whether a message is replayed whose own number was entered when it came; its readings give it their times now."""
    seq = batch.envelopes[position].seq or 0
    return position in batch.counted and boot.date(seq, first, last)


def _time_bounds(batch: Batch) -> tuple[list[int | None], list[int | None]]:
    """Return the first and the last reading time of each message; None where it has no readings."""
    size = len(batch.messages)
    first, last = np.full(size, FOREVER), np.full(size, SINCE_EVER)
    np.minimum.at(first, batch.position, batch.readings.time)
    np.maximum.at(last, batch.position, batch.readings.time)
    empty = np.flatnonzero(np.bincount(batch.position, minlength=size) == 0).tolist()
    bounds: tuple[list[int | None], list[int | None]] = (first.tolist(), last.tolist())
    for position in empty:
        bounds[0][position] = bounds[1][position] = None
    return bounds


def _event_channels(plant: Plant) -> tuple[dict[str, list[int]], dict[int, str]]:
    """Return the event channels of each gateway, and the gateway of each event channel."""
    of_channel = {
        channel.index: f"{channel.park}/{channel.facility}/{channel.gateway}"
        for channel in plant.channels
        if channel.kind is Kind.EVENT
    }
    found: dict[str, list[int]] = {}
    for channel, gateway in of_channel.items():
        found.setdefault(gateway, []).append(channel)
    return found, of_channel

"""What a class A gateway keeps until the service says that it holds it: a pure record, without clock or broker."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulators.message import Message

SPACING = 10.0  # s between two sendings of one message, doubled with each
LONGEST_SPACING = 300.0  # s
STALL = 10.0  # s without progress, after which what is not covered is sent again
GIVE_UP = 5  # resends of a number that acks still list as missing
BURST = 500  # resends handed out at once


class AckError(Exception):
    """An ack is not what the contract says."""


@dataclass(slots=True)
class _Kept:
    message: Message
    sent: float
    resends: int = 0

    @property
    def ready(self) -> float:
        return self.sent + min(SPACING * float(2**self.resends), LONGEST_SPACING)


class Store:
    """The messages of one boot that no ack has covered yet.

    Every `now` is the same steady clock [s]. `evicted` counts messages thrown out because more than `capacity` waited;
    `lost` counts those that were lost with the store itself. `given_up` holds numbers that the service misses and this
    gateway cannot or will no longer send.
    """

    def __init__(self, boot: str, capacity: int) -> None:
        self.boot = boot
        self.capacity = capacity
        self.evicted = 0
        self.lost = 0
        self.given_up: set[int] = set()
        self.heard = False
        self.received_through = 0
        self._kept: dict[int, _Kept] = {}
        self._missing: set[int] = set()
        self._listed: list[tuple[int, int]] = []  # as the newest ack has it
        self._owed: set[int] = set()  # to be sent again because the connection broke
        self._highest = 0
        self._progress = 0.0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, message: Message, now: float) -> None:
        """Keep a message that is being sent; the oldest makes room where there is none."""
        if not self._kept:
            self._progress = now
        if message.seq not in self._kept and len(self._kept) >= self.capacity:
            self._drop(next(iter(self._kept)))
            self.evicted += 1
        self._kept.setdefault(message.seq, _Kept(message, now)).sent = now
        self._highest = max(self._highest, message.seq)
        self.given_up.discard(message.seq)

    def acknowledge(self, payload: bytes, now: float) -> None:
        """Drop what an ack covers, and note what it misses.

        Raises
        ------
        AckError
            If the payload is not an ack.
        """
        found = _find(payload, self.boot)
        if found is None:
            return
        received_through, ranges = found
        before = (self.received_through, len(self._missing), len(self._kept))
        listed = _numbers(ranges, self._highest)
        self.heard = True
        self.received_through = received_through
        self._missing, self._listed = listed & self._kept.keys(), ranges
        self.given_up = (self.given_up | (listed - self._kept.keys())) & listed
        for seq in [n for n in self._kept if n <= received_through and n not in self._missing]:
            self._drop(seq)
        if before != (self.received_through, len(self._missing), len(self._kept)):
            self._progress = now

    def holds(self, seq: int) -> bool:
        """Whether the newest ack covers a number."""
        return seq <= self.received_through and not any(low <= seq <= high for low, high in self._listed)

    def lose(self) -> None:
        """Forget everything kept, as a gateway does that keeps it in memory alone and loses its power."""
        self.lost += len(self._kept)
        for memory in (self._kept, self._missing, self._owed):
            memory.clear()

    def reconnected(self) -> None:
        """Ask for everything above `received_through` once more."""
        self._owed = {seq for seq in self._kept if seq > self.received_through}

    def due(self, now: float) -> list[Message]:
        """Return the messages to send again now, oldest first, and count them as sent."""
        self._forget_hopeless(now)
        stalled = now - self._progress >= STALL
        wanted = sorted(self._kept.keys() if stalled else self._missing | self._owed)
        ready = [kept for kept in map(self._kept.__getitem__, wanted) if kept.ready <= now][:BURST]
        for kept in ready:
            kept.sent, kept.resends = now, kept.resends + 1
            self._owed.discard(kept.message.seq)
        return [kept.message for kept in ready]

    def _forget_hopeless(self, now: float) -> None:
        for seq in sorted(self._missing):
            kept = self._kept[seq]
            if kept.resends >= GIVE_UP and kept.ready <= now:
                self._drop(seq)
                self.given_up.add(seq)

    def _drop(self, seq: int) -> None:
        del self._kept[seq]
        self._missing.discard(seq)
        self._owed.discard(seq)


def _find(payload: bytes, boot: str) -> tuple[int, list[tuple[int, int]]] | None:
    """Return what an ack says of one boot; None where it does not speak of it."""
    try:
        entries: list[dict[str, Any]] = json.loads(payload)["acks"]
        ours = next((entry for entry in entries if entry["boot"] == boot), None)
        if ours is None:
            return None
        return int(ours["received_through"]), [(int(low), int(high)) for low, high in ours["missing"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise AckError(f"not an ack: {payload[:200]!r}: {error!r}") from error


def _numbers(ranges: list[tuple[int, int]], highest: int) -> set[int]:
    return {n for low, high in ranges for n in range(max(low, 1), min(high, highest) + 1)}


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return numbers as inclusive ranges, in order."""
    found: list[tuple[int, int]] = []
    for n in sorted(numbers):
        if found and n == found[-1][1] + 1:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
    return found

"""What can go wrong between a meter and the broker, on request and by seed."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import count

import numpy as np

from simulators.message import Fate, Message
from simulators.payload import NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often each fault happens; none by default.

    Shares are of messages, from 0 to 1; each message suffers one of reorder, delay and drop at most. A message that
    carries a register's reset mark is never dropped: without its evidence no truth could be told.

    Parameters
    ----------
    duplicate
        Share that is sent a second time, byte for byte, within `delay_by`.
    reorder
        Share that is sent after the gateway's next message.
    delay
        Share that is held back for up to `delay_by`; none is held past the end of the run.
    delay_by
        The longest delay. [s, simulated]
    drop
        Share that is lost in the gateway: its sequence number never arrives.
    resets
        How many registers start again at 0, once each, with `"reset": true`, at their 2nd to 30th reading.
    rollovers
        How many registers with a `modulus` pass it, once each, within their first ten steps.
    skew
        Each gateway's clock is off by a constant of up to this, either way, in whole milliseconds. [s] Beyond 120 s a
        reading that lies ahead is refused by the service.
    """

    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    delay_by: float = 600.0
    drop: float = 0.0
    resets: int = 0
    rollovers: int = 0
    skew: float = 0.0

    def __post_init__(self) -> None:
        for name in ("duplicate", "reorder", "delay", "drop"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: a share from 0 to 1, not {getattr(self, name):g}")
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise ValueError(f"{field.name}: not below 0")
        if self.reorder + self.delay + self.drop > 1:
            raise ValueError("reorder, delay and drop together: not above 1")

    def clock_offset(self, rng: np.random.Generator) -> int:
        """Return one gateway's clock error [ns]."""
        return int(rng.integers(-round(self.skew * 1e3), round(self.skew * 1e3), endpoint=True)) * 1_000_000

    def applied(
        self, messages: Iterable[Message], rng: np.random.Generator, *, batch: int, end: int
    ) -> Iterator[Message]:
        """Return one gateway's messages as they leave it, in order of `due`.

        Parameters
        ----------
        batch
            The time between two of its messages. [ns]
        end
            The end of the run, when whatever was held back is sent. [ns UTC]
        """
        waiting: list[tuple[int, int, Message]] = []
        order = count()
        for message in messages:
            while waiting and waiting[0][0] < message.due:
                yield heapq.heappop(waiting)[2]
            for sent in self._sendings(message, rng, batch):
                due = min(sent.due, max(end, message.due))
                heapq.heappush(waiting, (due, next(order), replace(sent, due=due)))
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _sendings(self, message: Message, rng: np.random.Generator, batch: int) -> Iterator[Message]:
        # All four numbers are drawn for every message, so that one fault's share does not move another's victims.
        fault, held, twice, after = rng.random(4).tolist()
        first = self._first(message, fault, held, batch)
        yield first
        if first.fate is Fate.SENT and twice < self.duplicate:
            yield replace(first, fate=Fate.COPY, due=first.due + round(after * self.delay_by * NS_PER_S))

    def _first(self, message: Message, fault: float, held: float, batch: int) -> Message:
        if fault < self.reorder:
            return replace(message, due=message.due + batch + batch // 2)
        if fault < self.reorder + self.delay:
            return replace(message, due=message.due + round(held * self.delay_by * NS_PER_S))
        if fault < self.reorder + self.delay + self.drop and not message.readings.reset.any():
            return replace(message, fate=Fate.DROPPED)
        return message

"""Puts what edge nodes say into the order in which they said it, before it is journalled.

A broker may deliver two messages of a node in another order than they were sent. One that comes before its turn waits until
those that it lacks have come, for as long as its subscription's `reorder` says; then they are given up, and it goes on. So does
a birth of a node that is alive, because what the node said before may still be under way, and what comes before the first birth
that we hear. What a node says between two births has its sequence, what it says before and after one is told apart by times; a
node's death has no place in the sequence, and ends what waits.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, sections 5.15 and 6.4.4: the reorder timeout, and the sequence number.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from ingest.mqtt.intake import Arrival
from ingest.sparkplug.payload import head
from ingest.sparkplug.topics import SEQUENCE, SparkplugTopic

MOST_WAITING = SEQUENCE  # messages of a node; with more, what they lack is given up
MOST_BYTES = 64 * 1024 * 1024  # of all that wait
_BESIDE = 512  # bytes that a message costs beside its payload
_MOST_NODES = (
    16_384  # whose place in their sequence is remembered; beyond, all are forgotten of which nothing waits
)


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    is_birth: bool  # of the node
    seq: int
    timestamp: int  # ms UTC
    until: int  # ns, when it goes on whatever it lacks


@dataclass(slots=True)
class _Node:
    """The place of a node in its sequence."""

    next: int | None = None  # the number that comes next; None: no birth was heard since we connected
    born_at: int = 0  # ms UTC
    newest: int = 0  # ms UTC, the latest time of what went on
    is_dead: bool = False
    waiting: list[_Waiting] = field(default_factory=list)

    def ahead(self, one: _Waiting) -> int:
        """Return how many messages are lacking before one."""
        return (one.seq - self.next) % SEQUENCE if self.next is not None else 0

    def has_turn(self, one: _Waiting) -> bool:
        """Whether one need not wait for others, as far as can be known."""
        if one.is_birth:
            return self.next is None or self.is_dead
        birth = self._birth()
        return self._is_before(one, birth) and (self._is_next(one) or self._is_late(one))

    def _birth(self) -> _Waiting | None:
        """Return the earliest birth that waits."""
        return min((one for one in self.waiting if one.is_birth), key=attrgetter("timestamp"), default=None)

    def _is_before(self, one: _Waiting, birth: _Waiting | None) -> bool:
        """Whether one was said before a birth that waits; of the same millisecond is what is nearer to either's sequence."""
        if birth is None or one.timestamp != birth.timestamp:
            return birth is None or one.timestamp < birth.timestamp
        return not one.is_birth and self.ahead(one) < (one.seq - birth.seq - 1) % SEQUENCE

    def _is_next(self, one: _Waiting) -> bool:
        return self.next == one.seq

    def _is_late(self, one: _Waiting) -> bool:
        """Whether its turn is over: it was said before the birth that we know, or was given up, or comes again."""
        is_behind = self.ahead(one) >= SEQUENCE // 2 and one.timestamp <= self.newest
        return not self._is_next(one) and (is_behind or one.timestamp < self.born_at)

    def pass_on(self, one: _Waiting) -> Arrival:
        """Let one go on, and move on in the sequence unless it is late."""
        if one.is_birth:
            self.born_at = self.newest = one.timestamp
            self.is_dead = False
        elif self.next is None or self._is_late(one):
            return one.arrival
        self.next, self.newest = (one.seq + 1) % SEQUENCE, max(self.newest, one.timestamp)
        return one.arrival

    def due(self, now: int) -> Iterator[Arrival]:
        """Take out what has waited long enough, or for what has come, in order."""
        while self.waiting and (one := self._first(now)) is not None:
            self.waiting.remove(one)
            yield self.pass_on(one)

    def _first(self, now: int) -> _Waiting | None:
        """Return what goes on next, None where all must wait longer."""
        birth = self._birth()
        before = [one for one in self.waiting if self._is_before(one, birth)]
        nearest = min(before, key=lambda one: -1 if self._is_late(one) else self.ahead(one), default=None)
        is_over = birth is not None and birth.until <= now
        if nearest is None:
            return birth if is_over else None
        has_turn = self._is_next(nearest) or self._is_late(nearest)
        return nearest if has_turn or is_over or any(one.until <= now for one in before) else None


class Sequencer:
    """Holds back what comes before its turn; one thread at a time calls it.

    Parameters
    ----------
    put
        Takes what goes on, in order.
    """

    def __init__(self, put: Callable[[Arrival], None]) -> None:
        self._put = put
        self._nodes: dict[str, _Node] = {}
        self._waiting: set[str] = set()  # nodes of which something waits
        self._bytes = 0

    def take(self, arrival: Arrival, topic: SparkplugTopic, reorder: int, now: int) -> None:
        """Take a message of an edge node at a time [ns, of a clock that nobody sets]; it waits for others `reorder` ns at most."""
        payload = arrival.message.payload if arrival.message else b""
        node = self._node(topic.name)
        said = head(payload)
        if topic.type == "NDEATH":
            self._end(topic.name, node)
            node.is_dead = True
            self._put(arrival)
            return
        if said.seq is None or not 0 <= said.seq < SEQUENCE:
            self._put(arrival)
            return
        timestamp = node.newest if said.timestamp is None else said.timestamp
        one = _Waiting(arrival, topic.type == "NBIRTH", said.seq, timestamp, now + reorder)
        if node.has_turn(one):
            self._put(node.pass_on(one))
        else:
            self._hold(topic.name, node, one)
        if node.waiting:
            self._go_on(topic.name, node, now)

    def tick(self, now: int) -> None:
        """Let go on what has waited long enough at a time [ns]."""
        for name in tuple(self._waiting):
            self._go_on(name, self._nodes[name], now)

    def forget(self) -> None:
        """Let go on all that waits, and know nothing of any node: our own connection was lost."""
        for name in tuple(self._waiting):
            self._end(name, self._nodes[name])
        self._nodes.clear()

    def _node(self, name: str) -> _Node:
        if name not in self._nodes:
            if len(self._nodes) >= _MOST_NODES:
                self._nodes = {one: self._nodes[one] for one in self._waiting}
            self._nodes[name] = _Node()
        return self._nodes[name]

    def _hold(self, name: str, node: _Node, one: _Waiting) -> None:
        node.waiting.append(one)
        self._bytes += _size(one.arrival)
        self._waiting.add(name)
        if len(node.waiting) > MOST_WAITING or self._bytes > MOST_BYTES:
            self._end(name, node)

    def _end(self, name: str, node: _Node) -> None:
        """Let all of a node go on that waits, whatever it lacks."""
        self._go_on(name, node, max((one.until for one in node.waiting), default=0))

    def _go_on(self, name: str, node: _Node, now: int) -> None:
        for arrival in node.due(now):
            self._bytes -= _size(arrival)
            self._put(arrival)
        if not node.waiting:
            self._waiting.discard(name)


def _size(arrival: Arrival) -> int:
    """Return the bytes that a message costs while it waits."""
    return _BESIDE + (len(arrival.message.payload) if arrival.message else 0)

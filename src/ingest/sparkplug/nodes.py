"""What a Sparkplug host knows of edge nodes: their births, aliases, sequence, and whether they are there.

Everything follows from the journal: the order of messages, their bytes and their arrival; they are put in sequence before
(`ingest.sparkplug.sequencer`). A message that the sequence lacks is lost then, and the node lacks a birth. So it does after our
own connection was lost, because one may have passed unheard: nothing it says is read until it is born again.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, sections 5.14 to 5.17 and 6.4. The tests carry its tck-ids.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from ingest.formats.columns import Envelope

_MS = 10**6  # ns
_ENCODER = msgspec.msgpack.Encoder()


class KnownMetric(msgspec.Struct, array_like=True):
    """What a birth said of a metric; without a name it is an alias that births gave to two metrics."""

    device: str
    name: str
    datatype: int
    unit: str | None


class Node(msgspec.Struct):
    """An edge node as its messages left it."""

    born: bool = False
    unsure: bool = False  # a death or a birth of its may have passed unheard: nobody knows its aliases, nor whether it is there
    lacks_birth: bool = False  # what it said cannot be understood, or is not complete, until it is born again
    bdseq: int | None = None
    seq: int = -1  # the last one that came in order
    born_at: int = 0  # ms UTC, the time of its birth
    newest: int = 0  # ms UTC, the latest time of a message that came in order
    lost: int = 0  # messages that never came
    aliases: dict[int, KnownMetric] = msgspec.field(default_factory=dict)
    names: dict[str, KnownMetric] = msgspec.field(default_factory=dict)  # by device/name, or name
    devices: dict[str, bool] = msgspec.field(default_factory=dict)  # whether it is there
    died: dict[str, int | None] = msgspec.field(default_factory=dict)  # ms UTC, of devices that are gone

    def is_there(self, device: str) -> bool | None:
        """Return whether a device, or the node itself (""), is there; None where nobody knows."""
        if self.unsure:
            return None
        if not device:
            return self.born
        return self.devices[device] or (False if device in self.died else None)

    def turns(self, devices: Iterable[str], names: Mapping[str, KnownMetric], at: int) -> list["Turn"]:
        """Return what has become of devices by `at` [ns UTC]; `names` are those of the births before."""
        found = {one: self.is_there(one) for one in devices}
        metrics = {} if all(found.values()) else _by_device(names)
        return [Turn(one, found[one], self._since(one, at), metrics.get(one, ())) for one in found]

    def _since(self, device: str, at: int) -> int:
        """Return when a device died, no later than we hear of it, else `at` [ns UTC]."""
        died = self.died.get(device)
        return at if died is None else min(died * _MS, at)


class Births(msgspec.Struct, array_like=True):
    """What the births of a node said, which is much and seldom changes: it is stored apart from the node."""

    aliases: dict[int, KnownMetric]
    names: dict[str, KnownMetric]


@dataclass(frozen=True, slots=True)
class Turn:
    """A device, or the node itself (""), that came or went: the metrics of its last birth are stale unless it is there."""

    device: str
    is_there: bool | None  # None: nobody knows
    since: int  # ns UTC
    metrics: Sequence[str]  # device/name, or name


@dataclass(slots=True)
class Spoken:
    """What a message was: its readings, whether the node is there (None: it does not say), and whether it is heard first."""

    envelope: Envelope
    online: bool | None = None
    is_new: bool = False
    turns: Sequence[Turn] = ()


@dataclass(slots=True)
class Nodes:
    """All edge nodes of a plant.

    `unborn` are those that lack a birth, `unread` those whose stored memory cannot be read, each with the reason: who sees to them
    empties it. `stored` are the nodes as they were stored, `births` gives what was stored of their births.
    """

    stored: Mapping[str, bytes] = field(default_factory=dict)
    births: Callable[[str], bytes | None] = lambda _name: None
    unborn: set[str] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)
    _nodes: dict[str, Node] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _learned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.reload(self.stored)

    def reload(self, stored: Mapping[str, bytes]) -> None:
        """Know what was stored, and nothing else."""
        self.stored = stored
        for memory in (self._nodes, self._touched, self._learned, self.unread):
            memory.clear()
        self.unborn = {name for name, content in stored.items() if _lacks_birth(content)}

    def changed(self) -> dict[str, tuple[bytes, bytes | None]]:
        """Return the nodes that changed since this was asked last, as they are stored: without births, and those where they changed."""
        found: dict[str, tuple[bytes, bytes | None]] = {}
        for name in sorted(self._touched):
            node = self._nodes[name]
            births = Births(node.aliases, node.names) if name in self._learned else None
            bare = msgspec.structs.replace(node, aliases={}, names={})
            found[name] = _ENCODER.encode(bare), _ENCODER.encode(births) if births is not None else None
        self._touched.clear()
        self._learned.clear()
        return found

    def node(self, name: str) -> Node:
        """Return a node by group/node; one that never spoke is not born."""
        if name not in self._nodes:
            self._nodes[name] = self._read(name)
        return self._nodes[name]

    def _read(self, name: str) -> Node:
        """Return a node as it was stored; one that cannot be read is as if it had never been born, and is noted."""
        content, births = self.stored.get(name), self.births(name)
        try:
            node = msgspec.msgpack.decode(content, type=Node) if content else Node()
            if births:
                known = msgspec.msgpack.decode(births, type=Births)
                node.aliases, node.names = known.aliases, known.names
        except (msgspec.MsgspecError, RecursionError) as error:
            self.unread[name] = str(error)
            self.touch(name, learned=True)
            return Node()
        return node

    def touch(self, name: str, *, learned: bool) -> None:
        """Note that a node changes, and whether what its births said does."""
        self._touched.add(name)
        if learned:
            self._learned.add(name)

    def note_birth_lacks(self, name: str) -> None:
        """Note whether a node that changed lacks a birth."""
        (self.unborn.add if self.node(name).lacks_birth else self.unborn.discard)(name)

    def disown(self, name: str) -> None:
        """Know of a node, group/node, no more than of one that was never born."""
        self._nodes[name] = Node()

    def lose_sight(self, at: int) -> dict[str, list[Turn]]:
        """Take note that our own connection was lost at a time [ns UTC], and return what that makes of each node and its devices."""
        found = {}
        for name in sorted({*self.stored, *self._nodes}):
            node = self.node(name)
            node.unsure = node.lacks_birth = True
            self.unborn.add(name)
            self.touch(name, learned=False)
            found[name] = node.turns(("", *node.devices), node.names, at)
        return found


def _lacks_birth(content: bytes) -> bool:
    """Whether a stored node lacks a birth; of one that cannot be read that shows when it speaks."""
    try:
        return msgspec.msgpack.decode(content, type=Node).lacks_birth
    except (msgspec.MsgspecError, RecursionError):
        return False


def _by_device(names: Mapping[str, KnownMetric]) -> Mapping[str, Sequence[str]]:
    """Return the metrics of each device, of the node itself under ""."""
    found = defaultdict(list)
    for name, known in names.items():
        found[known.device].append(name)
    return found

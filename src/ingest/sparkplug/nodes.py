"""What a Sparkplug host knows of edge nodes: their births, aliases, sequence, and whether they are there.

Everything follows from the journal: the order of messages, their bytes and their arrival. Readings count as they come,
whatever their order; a message that the sequence lacks is waited for, then a rebirth is asked for. After our own connection
was lost, a node is taken at its last birth's word only where its sequence goes on: then we missed nothing.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, sections 5.14 to 5.17 and 6.4. The tests carry its tck-ids.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Origin
from ingest.formats.fields import MAX_READINGS
from ingest.formats.rows import Rows, instant
from ingest.formats.strict import PayloadError
from ingest.sparkplug.options import SparkplugOptions
from ingest.sparkplug.payload import LAST, NUMBERS, Metric, Payload, parse, signed_value
from ingest.sparkplug.topics import BIRTHS, SparkplugTopic
from plant.vocabulary import NS_PER_S, Code

_MS = 10**6  # ns
_ENCODER = msgspec.msgpack.Encoder()
SEQUENCE = 256  # numbers of a sequence, from 0 on
BDSEQ = "bdSeq"
NOT_READINGS = (
    "Node Control/",
    "Device Control/",
    "Node Info/",
    "Device Info/",
    "Properties/",
    "node_control/",
)
MOST_METRICS = 100_000  # that the births of one node and its devices name; what one node may cost in memory
MOST_DEVICES = 10_000  # of one node
FIRST_WAIT, LONGEST_WAIT = 10 * NS_PER_S, 600 * NS_PER_S  # between two requests of one node for a rebirth


class Known(msgspec.Struct, array_like=True):
    """What a birth said of a metric."""

    device: str
    name: str
    datatype: int
    unit: str | None


class Node(msgspec.Struct):
    """An edge node as its messages left it."""

    born: bool = False
    unsure: bool = False  # our own connection was lost since: a death or a birth may have passed unheard
    bdseq: int | None = None
    seq: int = -1  # the last one that came in order
    missing: list[int] = msgspec.field(default_factory=list)  # of the sequence, in order
    overdue: int = 0  # ns UTC, when what is missing is given up; 0: nothing is
    lost: int = 0  # messages that never came
    asked: int = 0  # ns UTC, when a rebirth was last asked for
    wait: int = 0  # ns until the next request
    aliases: dict[int, Known] = msgspec.field(default_factory=dict)
    names: dict[str, Known] = msgspec.field(default_factory=dict)  # by device/name, or name
    devices: dict[str, bool] = msgspec.field(default_factory=dict)  # whether it is there
    died: dict[str, int | None] = msgspec.field(default_factory=dict)  # ms UTC, of devices that are gone

    def is_there(self, device: str) -> bool | None:
        """Return whether a device, or the node itself (""), is there; None where nobody knows."""
        if self.unsure:
            return None
        if not device:
            return self.born
        return self.devices[device] or (False if device in self.died else None)

    def turns(self, devices: Iterable[str], names: Mapping[str, Known], at: int) -> list["Turn"]:
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

    aliases: dict[int, Known]
    names: dict[str, Known]


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

    `wanted` are the nodes to ask for a rebirth, each with the reason, `unread` those whose stored memory cannot be read; who
    sees to them empties both. `stored` are the nodes as they were stored, `births` gives what was stored of their births.
    """

    stored: Mapping[str, bytes] = field(default_factory=dict)
    births: Callable[[str], bytes | None] = lambda _name: None
    wanted: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    _nodes: dict[str, Node] = field(default_factory=dict)
    _options: dict[str, SparkplugOptions] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _learned: set[str] = field(default_factory=set)

    def reload(self, stored: Mapping[str, bytes]) -> None:
        """Know what was stored, and nothing else."""
        self.stored = stored
        for memory in (self._nodes, self._options, self._touched, self._learned, self.wanted, self.unread):
            memory.clear()

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
            self._touched.add(name)
            self._learned.add(name)
            return Node()
        return node

    def disown(self, name: str) -> None:
        """Know of a node, group/node, no more than of one that was never born."""
        self._nodes[name] = Node()

    def lose_sight(self, at: int) -> dict[str, list[Turn]]:
        """Take note that our own connection was lost at a time [ns UTC], and return what that makes of each node and its devices."""
        found = {}
        for name in sorted({*self.stored, *self._nodes}):
            node = self.node(name)
            node.unsure = True
            self._touched.add(name)
            found[name] = node.turns(("", *node.devices), node.names, at)
        return found

    def take(
        self,
        payload: bytes,
        topic: SparkplugTopic,
        options: SparkplugOptions,
        origin: Origin,
        raw: RawReadings,
        refusals: list[Refusal],
    ) -> Spoken:
        """Take a message of an edge node; append its readings to `raw`, and what is refused of it to `refusals`.

        Raises
        ------
        PayloadError
            The message as a whole cannot be read, or comes out of turn: it may be taken again after a rebirth.
        """
        most = MOST_METRICS if topic.type in BIRTHS else MAX_READINGS  # a birth cannot be split
        message = _Message(self.node(topic.name), parse(payload, most), topic, options, origin)
        self._options[topic.name] = options
        self._touched.add(topic.name)
        if topic.type in BIRTHS:
            self._learned.add(topic.name)
        try:
            return message.take(Rows(origin, raw, refusals, message.path, most))
        finally:
            if message.rebirth and options.rebirth:
                self._want(topic.name, message.node, message.rebirth, origin.received)

    def give_up(self, now: int) -> None:
        """Ask the nodes for a rebirth whose missing messages are overdue at a time [ns UTC]."""
        for name, options in self._options.items():
            node = self.node(name)
            if node.overdue and now >= node.overdue and not node.unsure:
                node.lost += len(node.missing)
                reason = f"{len(node.missing)} messages never came"
                node.missing, node.overdue = [], 0
                self._touched.add(name)
                if options.rebirth:
                    self._want(name, node, reason, now)

    def _want(self, name: str, node: Node, reason: str, now: int) -> None:
        """Ask for a rebirth unless that was done a moment ago; each time the wait doubles until the node is born again."""
        if now < node.asked + node.wait:
            return
        node.asked, node.wait = now, min(max(2 * node.wait, FIRST_WAIT), LONGEST_WAIT)
        self.wanted[name] = reason


@dataclass(slots=True)
class _Message:
    node: Node
    payload: Payload
    topic: SparkplugTopic
    options: SparkplugOptions
    origin: Origin
    rebirth: str = ""  # why one is needed

    def take(self, rows: Rows) -> Spoken:
        names, was_unsure = self.node.names, self.node.unsure
        spoken = self._take(rows)
        turned = self._turned(spoken.is_new, is_back=was_unsure and not self.node.unsure)
        if turned:
            spoken.turns = self.node.turns(turned, names, self.origin.received)
        return spoken

    def _take(self, rows: Rows) -> Spoken:
        match self.topic.type:
            case "NBIRTH":
                is_new = self._node_birth()
            case "NDEATH":
                is_new = self._node_death()
                return Spoken(rows.envelope(), False if is_new else None, is_new)
            case _:
                self._check_born()
                is_new = self._follow()
        match self.topic.type:
            case "DBIRTH":
                self._learn(self.topic.device)
                self._device_birth(self.topic.device)
            case "DDEATH":
                if is_new:
                    self._device_death(self.topic.device, self.payload.timestamp)
                return Spoken(rows.envelope(), self._is_back(), is_new)
            case "DDATA" if not self.node.devices.get(self.topic.device):
                raise self._unexplained(self._absence(self.topic.device))
        self._readings(rows)
        return Spoken(rows.envelope(), True if self.topic.type == "NBIRTH" else self._is_back(), is_new)

    def _turned(self, is_new: bool, is_back: bool) -> Sequence[str]:
        """Return the devices, "" the node itself, of which it may be another now whether they are there."""
        match self.topic.type:
            case "NBIRTH":
                return ("", *self.node.devices)
            case "NDEATH":
                return ("", *self.node.devices) if is_new else ()
            case _ if is_back:
                return ("", *self.node.devices)
            case "DBIRTH" | "DDEATH":
                return (self.topic.device,) if self.topic.device in self.node.devices else ()
            case _:
                return ()

    def path(self, item: int, key: str) -> str:
        """Return where a reading stands in the payload."""
        where = self.payload.metrics[item].where
        return f"{where}.{key}" if key else where

    def _unexplained(self, why: str, path: str = "") -> PayloadError:
        """Return what refuses a message, or a metric of it, that only a birth would explain."""
        self.rebirth = why
        what = (
            "one is asked for"
            if self.options.rebirth
            else "`rebirth` is false, so the next one is waited for"
        )
        return PayloadError(Code.UNMAPPED, path, f"{why}; {what}")

    def _node_birth(self) -> bool:
        """Begin anew: what an earlier birth said holds no longer."""
        node, seq = self.node, self.payload.seq
        if seq is None or not 0 <= seq < SEQUENCE:
            self.rebirth = "a birth without a sequence number"
            raise PayloadError(Code.SEQ, "seq", "a birth has a sequence number from 0 to 255")
        node.lost += len(node.missing)
        node.born, node.seq, node.missing, node.overdue = True, seq, [], 0
        node.asked = node.wait = 0
        node.unsure = False
        node.bdseq = next((_whole(m.value) for m in self.payload.metrics if m.name == BDSEQ), None)
        node.aliases, node.names, node.died = {}, {}, {}
        node.devices = dict.fromkeys(node.devices, False)  # until each is born again
        self._learn("")
        return True

    def _node_death(self) -> bool:
        """Return whether the death is of the birth that we know; an old one says nothing."""
        bdseq = next((_whole(m.value) for m in self.payload.metrics if m.name == BDSEQ), None)
        if not self.node.born or bdseq != self.node.bdseq:
            return False
        self.node.born = self.node.unsure = False
        for device in [device for device in self.node.devices if device not in self.node.died]:
            self._device_death(device, self.origin.received // _MS)
        return True

    def _device_birth(self, device: str) -> None:
        """Note that a device is there; a birth that comes late may be from before the death that we know."""
        if device in self.node.died and self.payload.seq != self.node.seq:
            return
        self.node.devices[device] = True
        self.node.died.pop(device, None)

    def _device_death(self, device: str, at: int | None) -> None:
        """Note that a device is not there any more, since `at` [ms UTC]."""
        self.node.devices[device], self.node.died[device] = False, at

    def _absence(self, device: str) -> str:
        if device not in self.node.died:
            return f"device {device} has no birth"
        return f"device {device} died at {self.node.died[device]} ms and was not born again"

    def _check_born(self) -> None:
        if not self.node.born:
            raise self._unexplained(f"{self.topic.type} before a birth: nobody knows what its metrics are")

    def _follow(self) -> bool:
        """Note the sequence number: the next one, a missing one, or one after others that are missing now; return whether it is new."""
        node, seq = self.node, self.payload.seq
        if seq is None or not 0 <= seq < SEQUENCE:
            self.rebirth = "a message without a sequence number"
            raise PayloadError(Code.SEQ, "seq", "a message has a sequence number from 0 to 255")
        if node.unsure and seq != (node.seq + 1) % SEQUENCE:
            raise self._unexplained(
                "our connection was lost, and the sequence does not go on: a birth may have passed unheard"
            )
        if seq in node.missing:
            node.missing.remove(seq)
        elif ahead := (seq - node.seq - 1) % SEQUENCE:
            if ahead >= SEQUENCE // 2:  # older than what came: a duplicate
                return False
            node.missing += [(node.seq + 1 + step) % SEQUENCE for step in range(ahead)]
            node.overdue = node.overdue or self.origin.received + self.options.reorder
            node.seq = seq
        else:
            node.seq = seq
        if not node.missing:
            node.overdue = 0
        return True

    def _is_back(self) -> bool | None:
        """Return that the node is there where nobody knew since our own connection was lost; else None: nothing is new."""
        was, self.node.unsure = self.node.unsure, False
        return True if was else None

    def _learn(self, device: str) -> None:
        """Remember what a birth says of its metrics; an alias is of one metric of the whole node."""
        names: dict[str, Known] = {}
        aliases: dict[int, Known] = {}
        for metric in self.payload.metrics:
            if not metric.name or metric.datatype is None or not 0 < metric.datatype <= LAST:
                continue
            known = Known(device, metric.name, metric.datatype, metric.unit)
            names[_joined(device, metric.name)] = known
            if metric.alias is not None:
                aliases[metric.alias] = known
        self._check_room(device, names)
        self.node.names.update(names)
        self.node.aliases.update(aliases)

    def _check_room(self, device: str, names: Mapping[str, Known]) -> None:
        """Refuse a birth with which the node would know more than any node needs."""
        known, devices = self.node.names, self.node.devices
        if len(known) + len(names.keys() - known.keys()) > MOST_METRICS:
            detail = f"with these the node's births would name more than {MOST_METRICS} metrics"
            raise PayloadError(Code.TOO_LARGE, "", f"{detail}: let several nodes speak for them")
        if device and device not in devices and len(devices) >= MOST_DEVICES:
            detail = f"the node has {MOST_DEVICES} devices already: let several nodes speak for them"
            raise PayloadError(Code.TOO_LARGE, "", detail)

    def _readings(self, rows: Rows) -> None:
        for item, metric in enumerate(self.payload.metrics):
            try:
                self._reading(rows, item, metric)
            except PayloadError as error:
                rows.refuse(error)

    def _reading(self, rows: Rows, item: int, metric: Metric) -> None:
        """Add a metric's reading; what is no number, null or not wanted is none."""
        known = self._known(metric, item)
        if metric.fault:
            raise metric.fault
        if known.name == BDSEQ or known.name.startswith(NOT_READINGS) or known.datatype not in NUMBERS:
            return
        name = self.options.channel(_joined(known.device, known.name))
        if name is None or metric.value is None:
            return
        stamp = metric.timestamp if metric.timestamp is not None else self.payload.timestamp
        time = instant(stamp, "ms", self.path(item, "timestamp"))
        unit, own = self.options.units.of(name, metric.unit or (None if metric.unit_fault else known.unit))
        if metric.unit_fault and unit is None and not own:
            raise metric.unit_fault
        value = signed_value(metric.value, known.datatype)
        rows.add(item, name, time, value, unit, own_unit=own, quality=metric.quality)

    def _known(self, metric: Metric, item: int) -> Known:
        """Return what a metric is, by its name or by the alias that a birth gave it."""
        if metric.name:
            device = self.topic.device
            known = self.node.names.get(_joined(device, metric.name))
            datatype = metric.datatype if metric.datatype is not None else known.datatype if known else 0
            if not 0 < datatype <= LAST:
                raise PayloadError(
                    Code.SCHEMA, self.path(item, "datatype"), f"{datatype} is no datatype of Sparkplug B"
                )
            return Known(device, metric.name, datatype, known.unit if known else None)
        if metric.alias is None:
            raise PayloadError(Code.SCHEMA, self.path(item, ""), "has neither a name nor an alias")
        found = self.node.aliases.get(metric.alias)
        if found is None:
            raise self._unexplained(f"alias {metric.alias} is of no birth", self.path(item, "alias"))
        return found


def _by_device(names: Mapping[str, Known]) -> Mapping[str, Sequence[str]]:
    """Return the metrics of each device, of the node itself under ""."""
    found = defaultdict(list)
    for name, known in names.items():
        found[known.device].append(name)
    return found


def _joined(device: str, name: str) -> str:
    return f"{device}/{name}" if device else name


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

"""A message of an edge node, taken with what the node's births said: its readings, and what it changes of the node.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, sections 5.14 to 5.17 and 6.4. The tests carry its tck-ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingest.formats.columns import RawReadings, Refusal
from ingest.formats.decoder import Origin
from ingest.formats.fields import MAX_READINGS
from ingest.formats.rows import Rows, instant
from ingest.formats.strict import PayloadError
from ingest.sparkplug.nodes import KnownMetric, Node, Nodes, Spoken
from ingest.sparkplug.options import SparkplugOptions
from ingest.sparkplug.payload import LAST, NUMBERS, Metric, Payload, parse, signed_value
from ingest.sparkplug.topics import BIRTHS, SEQUENCE, SparkplugTopic
from plant.vocabulary import Code

_MS = 10**6  # ns
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
_TWO_METRICS = KnownMetric("", "", 0, None)  # of an alias that births gave twice


def take(
    nodes: Nodes,
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
    is_birth = topic.type in BIRTHS
    most = MOST_METRICS if is_birth else MAX_READINGS  # a birth cannot be split
    node = nodes.node(topic.name)
    message = _Message(node, parse(payload, most), topic, options, origin)
    nodes.touch(topic.name, learned=is_birth)
    try:
        return message.take(Rows(origin, raw, refusals, message.path, most))
    finally:
        nodes.note_birth_lacks(topic.name)


@dataclass(slots=True)
class _Message:
    node: Node
    payload: Payload
    topic: SparkplugTopic
    options: SparkplugOptions
    origin: Origin
    doubles: list[PayloadError] = field(default_factory=list)  # aliases of a birth that another metric has

    def take(self, rows: Rows) -> Spoken:
        names = self.node.names
        spoken = self._take(rows)
        turned = self._turned(is_new=spoken.is_new)
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
            case "DBIRTH" if is_new:  # a late one may be from before the death that we know
                self._learn(self.topic.device)
                self._device_birth(self.topic.device)
            case "DDEATH":
                if is_new:
                    self._device_death(self.topic.device, self.payload.timestamp)
                return Spoken(rows.envelope(), None, is_new)
            case "DDATA" if not self.node.devices.get(self.topic.device):
                raise self._unexplained(self._absence(self.topic.device))
        self._readings(rows)
        return Spoken(rows.envelope(), True if self.topic.type == "NBIRTH" else None, is_new)

    def _turned(self, *, is_new: bool) -> Sequence[str]:
        """Return the devices, "" the node itself, of which it may be another now whether they are there."""
        match self.topic.type:
            case "NBIRTH":
                return ("", *self.node.devices)
            case "NDEATH":
                return ("", *self.node.devices) if is_new else ()
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
        self.node.lacks_birth = True
        what = (
            "one is asked for"
            if self.options.rebirth
            else "`rebirth` is false, so the next one is waited for"
        )
        return PayloadError(Code.UNMAPPED, path, f"{why}; {what}")

    def _node_birth(self) -> bool:
        """Begin anew: what an earlier birth said holds no longer."""
        node, seq = self.node, self._sequence_number("a birth")
        node.born, node.seq = True, seq
        node.born_at = node.newest = self.payload.timestamp or 0
        node.unsure = node.lacks_birth = False
        node.bdseq = self._bdseq()
        node.aliases, node.names, node.died = {}, {}, {}
        node.devices = dict.fromkeys(node.devices, False)  # until each is born again
        self._learn("")
        return True

    def _sequence_number(self, what: str) -> int:
        seq = self.payload.seq
        if seq is None or not 0 <= seq < SEQUENCE:
            self.node.lacks_birth = True
            raise PayloadError(Code.SEQ, "seq", f"{what} has a sequence number from 0 to 255")
        return seq

    def _bdseq(self) -> int | None:
        return next((_whole(metric.value) for metric in self.payload.metrics if metric.name == BDSEQ), None)

    def _node_death(self) -> bool:
        """Return whether the death is of the birth that we know; an old one says nothing."""
        node = self.node
        if not node.born or self._bdseq() != node.bdseq:
            return False
        node.born = node.unsure = node.lacks_birth = False
        for device in [device for device in node.devices if device not in node.died]:
            self._device_death(device, self.origin.received // _MS)
        return True

    def _device_birth(self, device: str) -> None:
        """Note that a device is there."""
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
        if self.node.unsure:
            raise self._unexplained("a birth may have passed unheard: nobody knows what its metrics are now")

    def _follow(self) -> bool:
        """Note the sequence number, and what it says is lost; return whether it is new: it is not late, nor comes again."""
        node, seq, timestamp = self.node, self._sequence_number("a message"), self.payload.timestamp
        ahead = (seq - node.seq - 1) % SEQUENCE
        if ahead and timestamp is not None and timestamp < node.born_at:
            raise self._unexplained(
                "it was sent before the birth that we know: what its metrics were is forgotten"
            )
        if ahead >= SEQUENCE // 2 and timestamp is not None and timestamp <= node.newest:
            return False
        node.seq, node.newest = seq, max(node.newest, timestamp or 0)
        if ahead:
            node.lost += ahead
            node.lacks_birth = True
        if ahead >= SEQUENCE // 2:  # or the first numbers after a birth that never came
            node.unsure = True
            self._check_born()
        return True

    def _learn(self, device: str) -> None:
        """Remember what a birth says of its metrics, in place of what the one before said."""
        names, aliases = self._of_others(device)
        said: dict[str, KnownMetric] = {}
        short: dict[int, KnownMetric] = {}
        for metric in (*self.payload.metrics, *self.payload.holders):
            if not metric.name or metric.datatype is None or not 0 < metric.datatype <= LAST:
                continue
            known = KnownMetric(device, metric.name, metric.datatype, metric.unit)
            said[_joined(device, metric.name)] = known
            if metric.alias is not None:
                other = short.get(metric.alias) or aliases.get(metric.alias)
                if other is not None and (other.device, other.name) != (device, metric.name):
                    known = self._double(metric, other)
                short[metric.alias] = known
        self._check_room(device, names, said)
        names.update(said)
        aliases.update(short)
        self.node.names, self.node.aliases = names, aliases

    def _of_others(self, device: str) -> tuple[dict[str, KnownMetric], dict[int, KnownMetric]]:
        """Return the names and the aliases of the node without those of a device."""
        node = self.node
        if (
            not node.devices.get(device) and device not in node.died
        ):  # nothing was said of it since the node's birth
            return node.names, node.aliases
        names = {name: known for name, known in node.names.items() if known.device != device}
        return names, {alias: known for alias, known in node.aliases.items() if known.device != device}

    def _double(self, metric: Metric, other: KnownMetric) -> KnownMetric:
        """Note that an alias is of two metrics, and return what is known by it: nothing."""
        has = f"{_joined(other.device, other.name)} has" if other.name else "others have"
        detail = f"alias {metric.alias} is {_joined(self.topic.device, metric.name)}, and {has} it too: give each metric of a node an alias of its own"
        self.doubles.append(PayloadError(Code.SCHEMA, f"{metric.where}.alias", detail))
        return _TWO_METRICS

    def _check_room(
        self, device: str, names: Mapping[str, KnownMetric], said: Mapping[str, KnownMetric]
    ) -> None:
        """Refuse a birth with which the node would know more than any node needs."""
        devices = self.node.devices
        if len(names) + len(said.keys() - names.keys()) > MOST_METRICS:
            detail = f"with these the node's births would name more than {MOST_METRICS} metrics"
            raise PayloadError(Code.TOO_LARGE, "", f"{detail}: let several nodes speak for them")
        if device and device not in devices and len(devices) >= MOST_DEVICES:
            detail = f"the node has {MOST_DEVICES} devices already: let several nodes speak for them"
            raise PayloadError(Code.TOO_LARGE, "", detail)

    def _readings(self, rows: Rows) -> None:
        for error in self.doubles:
            rows.refuse(error, readings=0)
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

    def _known(self, metric: Metric, item: int) -> KnownMetric:
        """Return what a metric is, by its name or by the alias that a birth gave it, or what holds it."""
        if metric.name:
            return self._named(self.topic.device, metric.name, metric, item)
        if metric.alias is None:
            raise PayloadError(Code.SCHEMA, self.path(item, ""), "has neither a name nor an alias")
        found = self.node.aliases.get(metric.alias)
        if found is None:
            raise self._unexplained(f"alias {metric.alias} is of no birth", self.path(item, "alias"))
        if not found.name:
            detail = f"alias {metric.alias} is of several metrics by the node's births: nobody knows of which this is"
            raise PayloadError(Code.UNMAPPED, self.path(item, "alias"), detail)
        if metric.inside:
            return self._named(found.device, found.name + metric.inside, metric, item)
        return found

    def _named(self, device: str, name: str, metric: Metric, item: int) -> KnownMetric:
        """Return what a metric is by its name; its datatype is what it says, else what the birth said."""
        known = self.node.names.get(_joined(device, name))
        datatype = metric.datatype if metric.datatype is not None else known.datatype if known else 0
        if not 0 < datatype <= LAST:
            raise PayloadError(
                Code.SCHEMA, self.path(item, "datatype"), f"{datatype} is no datatype of Sparkplug B"
            )
        return KnownMetric(device, name, datatype, known.unit if known else None)


def _joined(device: str, name: str) -> str:
    return f"{device}/{name}" if device else name


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

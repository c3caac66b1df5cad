"""A Sparkplug B payload as plain metrics: templates flattened, datasets as metrics of their columns.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, section 6.4.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.formats.fields import LONGEST_UNIT, MAX_NAME, MAX_READINGS, check_count
from ingest.formats.strict import PayloadError
from ingest.sparkplug.messages import message_class, payload_class
from plant.vocabulary import Code, Quality

# Datatypes [1]_ section 6.4.16; the signed ones travel as unsigned numbers of their size.
INT8, INT16, INT32, INT64 = 1, 2, 3, 4
UINT8, UINT64, FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME = 5, 8, 9, 10, 11, 12, 13
DATASET, TEMPLATE, LAST = 16, 19, 34
_BITS = {INT8: 8, INT16: 16, INT32: 32, INT64: 64}
NUMBERS = frozenset((*range(INT8, UINT64 + 1), FLOAT, DOUBLE))
_STALE, _BAD, _GOOD = 500, 0, 192  # of the property Quality [1]_ section 6.4.14
_HOLDERS = ("template_value", "dataset_value")
_COMPRESSED = "SPBV1.0_COMPRESSED"  # the uuid of a payload whose body is another one, compressed
_DEEPEST = 8  # templates inside each other
_LONGEST_NAME, _LONGEST_UNIT = MAX_NAME + 1, LONGEST_UNIT + 1  # [characters] one more than is taken


Value = float | int | bool | str | bytes | None


@dataclass(slots=True)  # not frozen: there is one for each reading, and that would cost a microsecond
class Metric:
    """One metric, or one inside a template or dataset; `timestamp` in ms since 1970.

    `name` is "" where only an alias is given: its own, or that of what holds it, and then `inside` is the path from there.
    """

    name: str
    alias: int | None
    timestamp: int | None
    datatype: int | None
    value: Value  # None: null; numbers as they travel, without a sign
    unit: str | None
    quality: Quality
    historical: bool
    where: str  # in the payload, for people
    fault: PayloadError | None = None  # what is wrong with it
    unit_fault: PayloadError | None = None  # with its unit, which is then None
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """What a message says; `metrics` are flat, `holders` the templates and datasets that have a name and an alias."""

    timestamp: int | None  # ms since 1970
    seq: int | None
    metrics: list[Metric]
    holders: list[Metric]


@dataclass(frozen=True, slots=True)
class PayloadHead:
    """What tells the order of a message: its time [ms since 1970] and its sequence number, None where it does not say."""

    timestamp: int | None
    seq: int | None


def head(payload: bytes) -> PayloadHead:
    """Return what tells the order of a message; nothing of one that is no Sparkplug B payload."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415  see message_class

    message = message_class("Head")()
    try:
        message.ParseFromString(payload)
    except (DecodeError, RecursionError, ValueError):
        return PayloadHead(None, None)
    return PayloadHead(_given(message, "timestamp"), _given(message, "seq"))


def parse(payload: bytes, most: int = MAX_READINGS) -> Payload:
    """Return what a payload says; `most` metrics it may have, with those of its templates and datasets.

    Raises
    ------
    PayloadError
        schema: it is no Sparkplug B payload; too_deep: it nests beyond measure; too_large: it has too many metrics.
    """
    from google.protobuf.message import DecodeError  # noqa: PLC0415  see payload_class

    message = payload_class()()
    try:
        message.ParseFromString(payload)
    except (DecodeError, RecursionError, ValueError) as error:
        raise PayloadError(Code.SCHEMA, "", f"no Sparkplug B payload: {error}") from error
    if message.uuid == _COMPRESSED:
        detail = "the payload is compressed, which is not read: switch compression off at the edge node"
        raise PayloadError(Code.SCHEMA, "uuid", detail)
    metrics: list[Metric] = []
    holders: list[Metric] = []
    for number, metric in enumerate(message.metrics):
        where = f"metrics[{number}]"
        if metric.HasField("name") and metric.HasField("alias") and metric.WhichOneof("value") in _HOLDERS:
            holders.append(_plain(metric, where))
        for flat in _flattened(metric, where, 0):
            metrics.append(flat)
            check_count(len(metrics), most, "metrics")
    return Payload(_given(message, "timestamp"), _given(message, "seq"), metrics, holders)


def _flattened(metric: Any, where: str, depth: int) -> Iterator[Metric]:
    kind = metric.WhichOneof("value")
    if kind == "template_value" and not metric.is_null:
        if depth == _DEEPEST:
            raise PayloadError(Code.TOO_DEEP, where, f"at most {_DEEPEST} templates inside each other")
        if metric.template_value.is_definition:  # describes; its values are no readings
            return
        name, fault = _name(metric, where)
        for number, part in enumerate(metric.template_value.metrics):
            for inner in _flattened(part, f"{where}.template.metrics[{number}]", depth + 1):
                yield _inside(metric, name, fault, inner)
    elif kind == "dataset_value" and not metric.is_null:
        yield from _columns(metric, where)
    else:
        yield _plain(metric, where)


def _inside(outer: Any, name: str, fault: PayloadError | None, inner: Metric) -> Metric:
    """Return a template's metric under the name of what holds it, or below its alias, and with what is wrong with that."""
    below = f"/{inner.name}{inner.inside}"[:_LONGEST_NAME]
    by_alias = not name and outer.HasField("alias")
    return Metric(
        name="" if by_alias else f"{name}{below}"[:_LONGEST_NAME],
        alias=outer.alias if by_alias else None,
        inside=below if by_alias else "",
        timestamp=inner.timestamp if inner.timestamp is not None else _given(outer, "timestamp"),
        datatype=inner.datatype,
        value=inner.value,
        unit=inner.unit,
        quality=inner.quality,
        historical=inner.historical or outer.is_historical,
        where=inner.where,
        fault=fault or inner.fault,
        unit_fault=inner.unit_fault,
    )


def _columns(metric: Any, where: str) -> Iterator[Metric]:
    """Yield a dataset's cells, each column a metric; of a column of type DateTime come the times of the rows."""
    dataset = metric.dataset_value
    columns, types = [(_shown(name), _unread(name, where)) for name in dataset.columns], list(dataset.types)
    unit, _, unit_fault = _properties(metric, where)
    own, own_fault = _name(metric, where)
    alias = metric.alias if not own and metric.HasField("alias") else None
    if len(columns) != len(types) or any(len(row.elements) != len(columns) for row in dataset.rows):
        yield _plain(metric, where, "a dataset whose columns, types and cells differ in number")
        return
    dated = next((place for place, kind in enumerate(types) if kind == DATETIME), None)
    if dated is None and len(dataset.rows) > 1:
        yield _plain(
            metric,
            where,
            "a dataset of several rows without a column of type DateTime, so that none has a time",
        )
        return
    for number, row in enumerate(dataset.rows):
        time = _given(metric, "timestamp") if dated is None else _value(row.elements[dated])
        for place, ((name, fault), kind) in enumerate(zip(columns, types, strict=True)):
            if place != dated:
                below = f"/{name}"[:_LONGEST_NAME]
                yield Metric(
                    name="" if alias is not None else f"{own}{below}"[:_LONGEST_NAME],
                    alias=alias,
                    inside="" if alias is None else below,
                    timestamp=time,  # type: ignore[arg-type]  # `instant` refuses what is no number
                    datatype=kind,
                    value=_value(row.elements[place]),
                    unit=unit,
                    quality=Quality.GOOD,
                    historical=metric.is_historical,
                    where=f"{where}.dataset.rows[{number}].{name}",
                    fault=own_fault or fault,
                    unit_fault=unit_fault,
                )


def _plain(metric: Any, where: str, wrong: str = "") -> Metric:
    unit, quality, unit_fault = _properties(metric, where)
    value, (name, name_fault) = _value(metric), _name(metric, where)
    if metric.is_null and value is not None:
        wrong = "is null and has a value"
    fault = PayloadError(Code.SCHEMA, where, wrong) if wrong else None
    return Metric(
        name=name,
        alias=_given(metric, "alias"),
        timestamp=_given(metric, "timestamp"),
        datatype=_given(metric, "datatype"),
        value=value,
        unit=unit,
        quality=quality,
        historical=metric.is_historical,
        where=where,
        fault=name_fault or fault,
        unit_fault=unit_fault,
    )


def _given(message: Any, field: str) -> int | None:
    return getattr(message, field) if message.HasField(field) else None


def _value(holder: Any) -> Value:
    """Return the value of a metric or of a cell as it travels; None where it has none."""
    kind = holder.WhichOneof("value")
    return None if kind in (None, "dataset_value", "template_value") else getattr(holder, kind)


def signed_value(value: object, datatype: int) -> object:
    """Return a metric's value, whose sign only its datatype tells."""
    bits = _BITS.get(datatype)
    return signed(value, bits) if bits and isinstance(value, int) and not isinstance(value, bool) else value


def signed(value: int, bits: int) -> int:
    """Return the signed number that an unsigned one stands for, however many of its upper bits the sender set."""
    cut = value & ((1 << bits) - 1)
    return cut - (1 << bits) if cut >> (bits - 1) else cut


def _properties(metric: Any, where: str) -> tuple[str | None, Quality, PayloadError | None]:
    """Return the engineering unit and the quality that the properties state, and what is wrong with the unit."""
    unit, quality, fault = None, Quality.GOOD, None
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if key in ("engUnit", "Engineering Units") and value.string_value:
            fault = _unread(value.string_value, f"{where}.{key}")
            unit = value.string_value[:_LONGEST_UNIT] if fault is None else None
        elif key == "Quality" and not value.is_null:
            quality = _QUALITIES.get(signed(value.int_value, 32), Quality.UNCERTAIN)
    return unit, quality, fault


# Text of proto2 is whatever bytes came: Google's library gives them as bytes where they are no UTF-8.


def _name(metric: Any, where: str) -> tuple[str, PayloadError | None]:
    """Return a metric's name, and what is wrong with it."""
    name = metric.name  # each time that it is asked for it is made anew
    return _shown(name), _unread(name, f"{where}.name")


def _shown(text: str | bytes) -> str:
    """Return a name, bytes that are none escaped: what has such a name is known by it, and is no channel of anybody's.

    So is one that is cut where it is longer than any channel's.
    """
    cut = text[:_LONGEST_NAME]
    return cut if isinstance(cut, str) else cut.decode(errors="backslashreplace")


def _unread(text: str | bytes, path: str) -> PayloadError | None:
    """Return what is wrong with a text that is no UTF-8, None where it is."""
    if isinstance(text, str):
        return None
    return PayloadError(Code.BAD_UTF8, path, f"{text[:20].hex(' ')} is not UTF-8; send UTF-8")


_QUALITIES = {_GOOD: Quality.GOOD, _BAD: Quality.BAD, _STALE: Quality.BAD}

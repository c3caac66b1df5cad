"""Sparkplug B payloads as an edge node writes and reads them: only the fields that it needs.

The service's own tables are not used, on purpose: this is a second implementation of the encoding.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, sections 6.4.1 and 6.4.16: field numbers and datatypes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

INT32, INT64, DOUBLE, BOOLEAN, STRING = 3, 4, 10, 11, 12  # datatypes
GOOD, BAD, STALE = 192, 0, 500  # of the property Quality
REBIRTH = "Node Control/Rebirth"

_PACKAGE = "simulators.sparkplug"
# Name, number and type of each field: a scalar or another message, with * where repeated.
_MESSAGES: dict[str, tuple[tuple[str, int, str], ...]] = {
    "Payload": (("timestamp", 1, "uint64"), ("metrics", 2, "*Metric"), ("seq", 3, "uint64")),
    "Metric": (
        ("name", 1, "string"), ("alias", 2, "uint64"), ("timestamp", 3, "uint64"), ("datatype", 4, "uint32"),
        ("is_historical", 5, "bool"), ("is_null", 7, "bool"), ("properties", 9, "PropertySet"),
        ("long_value", 11, "uint64"), ("double_value", 13, "double"), ("boolean_value", 14, "bool"),
    ),
    "PropertySet": (("keys", 1, "*string"), ("values", 2, "*PropertyValue")),
    "PropertyValue": (("type", 1, "uint32"), ("int_value", 3, "uint32"), ("string_value", 8, "string")),
}  # fmt: skip
_FIELDS = {INT64: "long_value", DOUBLE: "double_value", BOOLEAN: "boolean_value"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. A birth gives `name`, `datatype` and `unit`; data say `alias` alone."""

    time: int  # ms UTC
    value: float | None  # None: null
    name: str = ""
    alias: int | None = None
    datatype: int = DOUBLE
    unit: str = ""
    quality: int = GOOD
    historical: bool = False


def encode(timestamp: int, seq: int | None, metrics: Iterable[Metric]) -> bytes:
    """Return a payload; `timestamp` in ms UTC, no `seq` in a death."""
    payload = _payload_class()(timestamp=timestamp)
    if seq is not None:
        payload.seq = seq
    for metric in metrics:
        _fill(payload.metrics.add(), metric)
    return bytes(payload.SerializeToString())


def asks_for_rebirth(payload: bytes) -> bool:
    """Return whether a command of a node says that it is to be born again.

    Raises
    ------
    google.protobuf.message.DecodeError
        It is no Sparkplug B payload.
    """
    command = _payload_class()()
    command.ParseFromString(payload)
    return any(metric.name == REBIRTH and metric.boolean_value for metric in command.metrics)


def _fill(target: Any, metric: Metric) -> None:
    target.timestamp, target.is_historical = metric.time, metric.historical
    if metric.name:
        target.name, target.datatype = metric.name, metric.datatype
    if metric.alias is not None:
        target.alias = metric.alias
    if metric.value is None:
        target.is_null = True
    else:
        setattr(target, _FIELDS[metric.datatype], metric.value)
    if metric.unit:
        target.properties.keys.append("engUnit")
        target.properties.values.add(type=STRING, string_value=metric.unit)
    if metric.quality != GOOD:
        target.properties.keys.append("Quality")
        target.properties.values.add(type=INT32, int_value=metric.quality)


@cache
def _payload_class() -> Any:
    """Return the class of payloads, made at the first call."""
    proto = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="simulators.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for key, number, kind in fields:
            field = message.field.add(name=key, number=number)
            field.label = proto.LABEL_REPEATED if kind.startswith("*") else proto.LABEL_OPTIONAL
            plain = kind.removeprefix("*")
            if plain in _MESSAGES:
                field.type, field.type_name = proto.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"
            else:
                field.type = getattr(proto, f"TYPE_{plain.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))

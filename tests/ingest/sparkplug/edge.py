"""Builds the payloads of an edge node, with Google's own Protocol Buffers library."""

from typing import Any

from ingest.sparkplug.messages import payload_class

INT8, INT32, INT64, UINT32, DOUBLE, BOOLEAN, STRING, DATETIME, DATASET, TEMPLATE = (
    1,
    3,
    4,
    7,
    10,
    11,
    12,
    13,
    16,
    19,
)
_FIELDS = {
    INT8: "int_value", INT32: "int_value", UINT32: "int_value", INT64: "long_value", DOUBLE: "double_value",
    BOOLEAN: "boolean_value", STRING: "string_value", DATETIME: "long_value",
}  # fmt: skip


def payload(timestamp: int, seq: int | None, *metrics: dict[str, Any]) -> bytes:
    """Return a payload; `timestamp` in ms."""
    made = payload_class()(timestamp=timestamp)
    if seq is not None:
        made.seq = seq
    for metric in metrics:
        fill(made.metrics.add(), **metric)
    return made.SerializeToString()


def fill(
    metric: Any, value: Any = None, unit: str | None = None, quality: int | None = None, **fields: Any
) -> None:
    """Set the fields of a metric; a datatype that is only for us, `as_`, says how the value travels."""
    travels = fields.pop("as_", fields.get("datatype", DOUBLE))
    for name, one in fields.items():
        setattr(metric, name, one)
    if value is not None:
        bits = {INT8: 8, INT32: 32, INT64: 64}.get(travels)
        setattr(metric, _FIELDS[travels], value % (1 << bits) if bits else value)
    if unit is not None:
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(type=STRING).string_value = unit
    if quality is not None:
        metric.properties.keys.append("Quality")
        metric.properties.values.add(type=INT32).int_value = quality


def bdseq(number: int) -> dict[str, Any]:
    """Return the metric that ties a death to its birth."""
    return {"name": "bdSeq", "datatype": INT64, "value": number}

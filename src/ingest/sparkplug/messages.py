"""The shape of Sparkplug B payloads, as tables of field numbers, and the Protocol Buffers classes made of them.

References
----------
.. [1] Eclipse Sparkplug Specification, version 3.0.0, section 6.4.1: the fields, their numbers and their types.
"""

from functools import cache
from typing import Any

_PACKAGE = "stackmeter.sparkplug"
_Field = tuple[
    str, int, str
]  # name, number, type: a scalar, another message, with * where repeated and | in the oneof

_NUMBERS: tuple[tuple[str, str], ...] = (
    ("int_value", "uint32"), ("long_value", "uint64"), ("float_value", "float"), ("double_value", "double"),
    ("boolean_value", "bool"), ("string_value", "string"),
)  # fmt: skip


def _values(first: int, *more: tuple[str, str]) -> list[_Field]:
    """Return the fields of a value, one of which is set; their numbers follow each other."""
    return [(name, first + place, f"|{kind}") for place, (name, kind) in enumerate((*_NUMBERS, *more))]


_MESSAGES: dict[str, list[_Field]] = {
    "Payload": [
        ("timestamp", 1, "uint64"), ("metrics", 2, "*Metric"), ("seq", 3, "uint64"), ("uuid", 4, "string"), ("body", 5, "bytes"),
    ],
    "Head": [("timestamp", 1, "uint64"), ("seq", 3, "uint64")],  # the same payload, for who needs no more of it
    "Metric": [
        ("name", 1, "string"), ("alias", 2, "uint64"), ("timestamp", 3, "uint64"), ("datatype", 4, "uint32"),
        ("is_historical", 5, "bool"), ("is_transient", 6, "bool"), ("is_null", 7, "bool"), ("properties", 9, "PropertySet"),
        *_values(10, ("bytes_value", "bytes"), ("dataset_value", "DataSet"), ("template_value", "Template")),
    ],
    "PropertySet": [("keys", 1, "*string"), ("values", 2, "*PropertyValue")],
    "PropertyValue": [("type", 1, "uint32"), ("is_null", 2, "bool"), *_values(3)],
    "DataSet": [
        ("num_of_columns", 1, "uint64"), ("columns", 2, "*string"), ("types", 3, "*uint32"), ("rows", 4, "*Row"),
    ],
    "Row": [("elements", 1, "*DataSetValue")],
    "DataSetValue": _values(1),
    "Template": [
        ("version", 1, "string"), ("metrics", 2, "*Metric"), ("template_ref", 4, "string"), ("is_definition", 5, "bool"),
    ],
}  # fmt: skip


def payload_class() -> Any:
    """Return the class of payloads."""
    return message_class("Payload")


@cache
def message_class(name: str) -> Any:
    """Return the class of a message, made at the first call; where no Sparkplug is spoken, nothing is loaded for it."""
    from google.protobuf import message_factory  # noqa: PLC0415

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool  # noqa: PLC0415

    file = descriptor_pb2.FileDescriptorProto(
        name="stackmeter_sparkplug_b.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if any("|" in kind for _, _, kind in fields):
            message.oneof_decl.add(name="value")
        for field in fields:
            _add_field(message, *field)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add_field(message: Any, name: str, number: int, kind: str) -> None:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto as proto  # noqa: N813, PLC0415

    plain = kind.strip("*|")
    field = message.field.add(name=name, number=number)
    field.label = proto.LABEL_REPEATED if "*" in kind else proto.LABEL_OPTIONAL
    if plain in _MESSAGES:
        field.type, field.type_name = proto.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"
    else:
        field.type = getattr(proto, f"TYPE_{plain.upper()}")
    if "|" in kind:
        field.oneof_index = 0

"""The published contract: valid, true to the decoder, and its examples are those of the design."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ingest import contract
from ingest.formats import fields, messages, native
from ingest.formats.columns import RawReadings
from ingest.topics import TopicClass, classify

FORMS = ["Single", "Batch", "Columnar"]


def fits(schema: dict[str, Any], item: Any, root: dict[str, Any]) -> bool:
    """Judge an item by the few keywords of JSON Schema that our contract uses."""
    if "$ref" in schema:
        return fits(resolve(schema["$ref"], root), item, root)
    if "oneOf" in schema:
        return sum(fits(part, item, root) for part in schema["oneOf"]) == 1
    if "anyOf" in schema:
        return any(fits(part, item, root) for part in schema["anyOf"])
    return all(judge(schema[key], item, root) for key, judge in KEYWORDS.items() if key in schema)


def resolve(reference: str, root: dict[str, Any]) -> Any:
    place: Any = root
    for key in reference.removeprefix("#/").split("/"):
        place = place[key]
    return place


def is_type(name: str, item: Any) -> bool:
    number = isinstance(item, int | float) and not isinstance(item, bool)
    return {
        "null": item is None,
        "boolean": isinstance(item, bool),
        "string": isinstance(item, str),
        "array": isinstance(item, list),
        "object": isinstance(item, dict),
        "number": number,
        "integer": number and item == int(item),
    }[name]


KEYWORDS = {
    "type": lambda name, item, _: is_type(name, item),
    "enum": lambda allowed, item, _: item in allowed,
    "required": lambda keys, item, _: set(keys) <= set(item),
    "properties": lambda parts, item, root: all(
        fits(parts[key], item[key], root) for key in parts if key in item
    ),
    "additionalProperties": lambda part, item, root: all(fits(part, value, root) for value in item.values()),
    "items": lambda part, item, root: part is False or all(fits(part, entry, root) for entry in item),
    "minimum": lambda limit, item, _: item >= limit,
    "maximum": lambda limit, item, _: item <= limit,
    "minLength": lambda limit, item, _: len(item) >= limit,
    "maxLength": lambda limit, item, _: len(item) <= limit,
}


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else [])
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


@pytest.mark.parametrize("form", FORMS)
def test_an_example_fits_the_schema(form: str) -> None:
    schema = contract.json_schema()

    assert fits(schema, contract.EXAMPLES[form], schema)


@pytest.mark.parametrize("form", FORMS)
def test_an_example_is_decoded_without_a_refusal(form: str) -> None:
    raw, refusals = RawReadings(), []
    native.decode(json.dumps(contract.EXAMPLES[form]).encode(), 0, "gw-1", raw, refusals)

    assert refusals == []
    assert len(raw) > 0


@pytest.mark.parametrize(
    "payload",
    [
        {"boot": "b7", "seq": 1, "channel": "c", "time": "t", "unit": "kWh"},
        {"channel": "c", "time": "t", "value": "1", "unit": "kWh"},
        {"channel": "c", "time": "t", "value": None, "unit": "kWh"},
        {"channel": "c", "time": "t", "value": 1, "unit": "kWh", "quality": "GOOD"},
        {"channel": "c", "time": "t", "value": 1, "unit": "kWh", "reset": 1},
        {"channel": "c", "time": "t", "value": 1, "unit": "kWh", "correction": 2**31},
        {"boot": "", "seq": 1, "readings": []},
        {"boot": "b" * 65, "seq": 1, "readings": []},
        {"boot": "b7", "seq": 0, "readings": []},
        {"boot": "b7", "seq": 2**63, "readings": []},
        {"readings": [], "channel": "c", "time": "t", "value": 1, "unit": "kWh"},
        {"readings": {}},
        {"columns": {"c": {"unit": "t", "values": [1]}}},
        {"time": ["t"], "columns": {"c": {"values": [1]}}},
        [],
    ],
)
def test_what_the_schema_refuses_the_decoder_refuses(payload: Any) -> None:
    schema, refusals = contract.json_schema(), []
    native.decode(json.dumps(payload).encode(), 0, "gw-1", RawReadings(), refusals)

    assert not fits(schema, payload, schema)
    assert refusals != []


def test_the_ack_example_is_an_ack() -> None:
    ack = msgspec.convert(contract.EXAMPLES["Ack"], messages.Ack)

    assert ack.acks[0].missing == [(980, 983)]
    assert json.loads(msgspec.json.encode(ack)) == contract.EXAMPLES["Ack"]


@pytest.mark.parametrize(
    "document", [contract.json_schema(), contract.asyncapi()], ids=["schema", "asyncapi"]
)
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = list(references(document))

    assert found
    assert all(resolve(reference, document) for reference in found)


def test_the_documents_are_json() -> None:
    for document in (contract.json_schema(), contract.asyncapi()):
        assert json.loads(json.dumps(document)) == document


def test_every_address_of_asyncapi_is_a_topic_that_we_know() -> None:
    """Its parameters are the levels in braces."""
    uses = {"readings": TopicClass.READINGS, "status": TopicClass.STATUS, "ack": TopicClass.OURS}
    for name, channel in contract.asyncapi()["channels"].items():
        assert set(channel["parameters"]) == set(re.findall(r"{(\w+)}", channel["address"]))
        topic = re.sub(r"[{}]", "", channel["address"])
        assert classify(topic.encode()) is uses.get(name, TopicClass.OURS)


def test_asyncapi_describes_the_same_messages_as_the_schema() -> None:
    described = json.dumps(contract.asyncapi()["components"]["schemas"]).replace(
        "components/schemas", "$defs"
    )
    definitions = contract.json_schema()["$defs"]

    assert definitions.items() <= json.loads(described).items()


def test_the_qualities_of_the_contract_are_those_of_the_vocabulary() -> None:
    assert set(messages.QualityName.__args__) == set(fields.QUALITIES)

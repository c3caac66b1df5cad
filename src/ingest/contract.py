"""The native MQTT contract for machines: JSON Schema and AsyncAPI, generated from the structs that decode it."""

from importlib.metadata import version
from typing import Any

import msgspec

from ingest.formats.messages import Ack, Batch, Columnar, Single, Status

EXAMPLES: dict[str, dict[str, Any]] = {
    "Single": {
        "boot": "b7",
        "seq": 1,
        "channel": "mdb1/active_energy",
        "time": "2026-11-24T05:00:00Z",
        "value": 123456.7,
        "unit": "kWh",
        "quality": "good",
    },
    "Batch": {
        "boot": "b7",
        "seq": 2,
        "readings": [
            {
                "channel": "mdb1/active_energy",
                "time": "2026-11-24T05:01:00Z",
                "value": 123457.0,
                "unit": "kWh",
            },
            {"channel": "stack/co2", "time": "2026-11-24T05:01:00Z", "value": 11.2, "unit": "%"},
        ],
    },
    "Columnar": {
        "boot": "b7",
        "seq": 3,
        "time": ["2026-11-24T05:02:00Z", "2026-11-24T05:03:00Z"],
        "columns": {
            "mdb1/active_energy": {"unit": "kWh", "values": [123457.2, 123457.4], "quality": ["good", "bad"]},
            "stack/co2": {"unit": "%", "values": [11.3, None]},
        },
    },
    "Ack": {
        "acks": [
            {"boot": "b7", "received_through": 1042, "missing": [[980, 983]]},
            {"boot": "b6", "received_through": 77, "missing": []},
        ],
        "time": "2026-11-24T05:03:01Z",
    },
    "Status": {"online": False},
}

_FORMS = (Single, Batch, Columnar)
_GATEWAY_ADDRESS = "sm/v1/{park}/{facility}/{gateway}/"
_LEVELS = {
    "park": "The industrial park.",
    "facility": "The plant in the park.",
    "gateway": "The field device.",
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a message on a `readings` topic."""
    forms, definitions = msgspec.json.schema_components(_FORMS, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stackmeter readings",
        "description": "One MQTT message of a gateway, in one of three forms. Unknown keys are ignored.",
        "oneOf": list(forms),
        "$defs": definitions,
        "examples": [EXAMPLES[form.__name__] for form in _FORMS],
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 description of every topic, as seen by this service."""
    _, schemas = msgspec.json.schema_components(
        (*_FORMS, Status, Ack), ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Stackmeter over MQTT", "version": version("stackmeter")},
        "defaultContentType": "application/json",
        "channels": {
            "readings": _channel(f"{_GATEWAY_ADDRESS}readings", "Readings; QoS 1.", *_FORMS),
            "status": _channel(f"{_GATEWAY_ADDRESS}status", "Retained; also the last will.", Status),
            "ack": _channel(f"{_GATEWAY_ADDRESS}ack", "Retained: what is held safely, per boot.", Ack),
            "totals": _channel("sm/v1/{park}/totals", "Retained live totals, as GET /v1/totals."),
        },
        "operations": {
            "receiveReadings": _operation("receive", "readings"),
            "receiveStatus": _operation("receive", "status"),
            "sendAck": _operation("send", "ack"),
            "sendTotals": _operation("send", "totals"),
        },
        "components": {"schemas": schemas},
    }


def _channel(address: str, description: str, *messages: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "address": address,
        "description": description,
        "parameters": {
            level: {"description": text} for level, text in _LEVELS.items() if f"{{{level}}}" in address
        },
        "messages": {message.__name__: _message(message.__name__) for message in messages}
        or {"Totals": {"payload": {"type": "object"}}},
    }


def _message(name: str) -> dict[str, Any]:
    return {
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [{"payload": EXAMPLES[name]}],
    }


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}

"""A message has at most so many readings, whatever its format: what has more is refused as a whole, in a sentence that says what to do."""

import json
from pathlib import Path
from typing import Any

import cbor2
import msgspec
import numpy as np
import pytest

from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Origin, decoder_of
from ingest.formats.document import MAX_REFUSALS
from ingest.formats.fields import MAX_READINGS
from ingest.line.normalise import Normaliser
from ingest.sparkplug import node_messages
from ingest.sparkplug.node_messages import MOST_METRICS
from ingest.sparkplug.nodes import Nodes
from ingest.sparkplug.options import sparkplug_options
from ingest.sparkplug.topics import SparkplugTopic
from ingest.subscriptions import MAX_PAYLOAD
from plant.configuration.load import load
from plant.vocabulary import Code
from rules.catalogue import load_catalogue
from tests.ingest.sparkplug.edge import DOUBLE, payload
from tests.semantics.world import CONFIGURATION

NOW = 10**18
MANY = 200  # times of a columnar message
TIME = "2026-03-10T05:00:00Z"
MAPPING = {
    "time": "arrival",
    "sections": [{"each": "a[*]", "readings": {"x": {"value": ".", "unit": "kWh"}}}],
}


def dense(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def columns(count: int, value: Any = 1) -> dict[str, Any]:
    """Return so many readings and, beside them, as many nulls as there are times."""
    made: dict[str, Any] = {"nothing": {"unit": "kWh", "values": [None] * MANY}}
    for first in range(0, count, MANY):
        here = min(MANY, count - first)
        made[f"c{first}"] = {"unit": "kWh", "values": [value] * here + [None] * (MANY - here)}
    return {"time": [TIME] * MANY, "columns": made}


FORMATS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "native columns": ("native", {}, lambda n: dense(columns(n))),
    "native columns at fault": ("native", {}, lambda n: dense(columns(n, "x"))),
    "native junk": ("native", {}, lambda n: dense({"readings": [1] * n})),
    "MessagePack": ("msgpack", {}, lambda n: msgspec.msgpack.encode(columns(n))),
    "SenML": ("senml-json", {}, lambda n: dense([{"bn": "a", "bu": "kWh"}] + [{"v": 1}] * n)),
    "SenML at fault": ("senml-json", {}, lambda n: dense([{"bn": "a", "bu": "kWh"}] + [{"v": ""}] * n)),
    "SenML in CBOR": ("senml-cbor", {}, lambda n: cbor2.dumps([{-2: "a", -4: "kWh"}] + [{2: 1}] * n)),
    "CSV at fault": ("csv-lines", {"columns": ["channel", "time", "value", "unit"]}, lambda n: b"a\n" * n),
    "wide CSV": (
        "csv-lines", {"columns": ["time", *map(str, range(MANY))], "units": "channel"},
        lambda n: f"{TIME}{',1' * MANY}\n".encode() * (n // MANY) + f"{TIME},1{',' * (MANY - 1)}\n".encode() * (n % MANY),
    ),
    "line protocol": ("line-protocol", {"units": "channel"}, lambda n: f"m {','.join(['a=1'] * n)} 1".encode()),
    "lines at fault": ("line-protocol", {}, lambda n: b"a\n" * n),
    "mapping": ("mapping", MAPPING, lambda n: dense({"a": [1] * n})),
    "mapping at fault": ("mapping", MAPPING, lambda n: dense({"a": [""] * n})),
    "station text at fault": ("station-text", {}, lambda n: b"a\n" * n),
}  # fmt: skip


def decoded(name: str, options: dict[str, Any], body: bytes) -> tuple[Envelope, RawReadings, list[Refusal]]:
    assert len(body) <= MAX_PAYLOAD
    raw, refusals = RawReadings(), list[Refusal]()
    return decoder_of(name, options)(body, Origin(0, "gw", NOW), raw, refusals), raw, refusals


@pytest.mark.parametrize(("name", "options", "make"), FORMATS.values(), ids=FORMATS)
def test_solid_a6_a_message_of_too_many_readings_is_refused_as_a_whole(
    name: str, options: dict[str, Any], make: Any
) -> None:
    envelope, raw, refusals = decoded(name, options, make(MAX_READINGS + 1))

    assert (envelope.decoded, len(raw)) == (False, 0)
    assert [(one.code, one.path, one.detail) for one in refusals] == [
        (Code.TOO_LARGE, "", "more than 10,000 readings: split the message")
    ]
    envelope, raw, refusals = decoded(name, options, make(MAX_READINGS))
    assert envelope.decoded, "as many as may be"
    assert envelope.count + envelope.refused == MAX_READINGS
    assert len(raw) == envelope.count
    assert len(refusals) == min(MAX_REFUSALS, envelope.refused)


def test_solid_a6_data_of_sparkplug_are_bounded_as_others_are_and_a_birth_by_what_a_node_may_name() -> None:
    metric = {"name": "a", "alias": 1, "datatype": DOUBLE, "value": 1.0, "unit": "kW"}
    data = {"alias": 1, "value": 1.0}
    nodes, options = Nodes({}, lambda _name: None), sparkplug_options({})

    def take(kind: str, seq: int, metrics: list[dict[str, Any]]) -> tuple[int, str]:
        raw, refusals = RawReadings(), list[Refusal]()
        body = payload(10**12, seq, *metrics)
        try:
            topic = SparkplugTopic("G", kind, "node", "")
            node_messages.take(nodes, body, topic, options, Origin(0, "gw", NOW), raw, refusals)
        except ValueError as error:
            return 0, str(error)
        return len(raw), ""

    assert take("NBIRTH", 0, [metric] * (MAX_READINGS + 1)) == (MAX_READINGS + 1, "")
    assert take("NDATA", 1, [data] * MAX_READINGS) == (MAX_READINGS, "")
    assert take("NDATA", 2, [data] * (MAX_READINGS + 1)) == (
        0, "too_large at the message: more than 10,000 metrics: split the message",
    )  # fmt: skip
    assert take("NDATA", 2, [data]) == (1, ""), "it took no place in the sequence"
    assert "more than 100,000 metrics" in take("NBIRTH", 0, [data] * (MOST_METRICS + 1))[1]


def test_solid_a6_what_is_refused_costs_no_words_for_each_reading() -> None:
    """The first refusals of each message say why; to say it of all cost more than to take them."""
    plant = load(CONFIGURATION, load_catalogue(CONFIGURATION), {"SEMANTICS_SECRET": "whsec_" + "A" * 40})
    raw, refusals, said = RawReadings(), list[Refusal](), 0
    for position in range(3):
        body = dense([{"bn": "nobody", "bu": "kWh", "bt": 10**9}] + [{"v": 1}] * 1000)
        decoder_of("senml-json", {})(body, Origin(position, "gw", NOW), raw, refusals)

        def path(item: int, key: str) -> str:
            nonlocal said
            said += 1
            return f"{item}.{key}"

        raw.paths[position] = path
    readings, _ = Normaliser(plant).normalise(raw, np.full(3000, -1, np.int32), np.full(3000, NOW), refusals)

    assert len(readings) == 0
    assert [one.message for one in refusals] == [0] * MAX_REFUSALS + [1] * MAX_REFUSALS + [2] * MAX_REFUSALS
    assert said == 3 * MAX_REFUSALS


def test_solid_a6_how_many_readings_a_message_may_have_is_documented() -> None:
    docs = Path(__file__).parents[3] / "docs"

    assert f"{MAX_READINGS:,}" in (docs / "formats.md").read_text()
    assert f"at most {MAX_READINGS:,}\nmetrics" in (docs / "sparkplug.md").read_text()

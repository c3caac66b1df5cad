"""What a message is decoded to does not outgrow it: nothing that stands once in a payload is made again for each of its readings."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import msgspec
import numpy as np
import pytest

from ingest.formats.columns import RawReadings, Refusal
from ingest.formats.decoder import Origin, decoder_of
from ingest.line.normalise import Normaliser
from ingest.sparkplug.messages import payload_class
from ingest.sparkplug.payload import parse
from ingest.subscriptions import MAX_PAYLOAD
from plant.configuration.load import load
from plant.park import Plant
from rules.catalogue import load_catalogue
from tests.semantics.world import CONFIGURATION

LONG = 131_072  # characters of what is meant to be made again and again
MOST = (
    48 * 1024 * 1024
)  # bytes that a message may need at once; of 6,000 names of that length it would be 786 MB
TIME = "2026-03-10T05:00:00Z"
NAME = "x" * LONG


@pytest.fixture(scope="module")
def plant() -> Plant:
    return load(CONFIGURATION, load_catalogue(CONFIGURATION), {"SEMANTICS_SECRET": "whsec_" + "A" * 40})


def mapping(**section: Any) -> dict[str, Any]:
    readings = {"{device}": {"value": "v", "unit": "kWh"}}
    return {"time": "arrival", "sections": [{"each": "{device}[*]", "readings": readings, **section}]}


def items(key: str, count: int, **shared: str) -> bytes:
    return json.dumps({key: [{"v": 1}] * count, **shared}, separators=(",", ":")).encode()


ATTACKS: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "base name": ("senml-json", {}, json.dumps([{"bn": NAME}, *[{"v": 1}] * 6000]).encode()),
    "base name in CBOR": ("senml-cbor", {}, cbor2.dumps([{-2: NAME}, *[{2: 1}] * 6000])),
    "base unit": ("senml-json", {}, json.dumps([{"bn": "a", "bu": NAME}, *[{"v": 1}] * 6000]).encode()),
    "measurement": ("line-protocol", {}, f"{NAME} {','.join(['a=1'] * 30_000)} 1".encode()),
    "tag": ("line-protocol", {"name": "{t}/{field}"}, f"m,t={NAME} {','.join(['a=1'] * 30_000)} 1".encode()),
    "column": ("native", {}, json.dumps({"time": [TIME] * 4000, "columns": {NAME: {"unit": "kWh", "values": [1] * 4000}}}).encode()),
    "column at fault": ("native", {}, json.dumps({"time": [TIME] * 4000, "columns": {NAME: {"unit": "kWh", "values": ["x"] * 4000}}}).encode()),
    "unit of a column": ("native", {}, json.dumps({"time": [TIME] * 4000, "columns": {"reg": {"unit": NAME, "values": [1] * 4000}}}).encode()),
    "time of columns": (
        "native", {},
        json.dumps({"time": [NAME], "columns": {f"c{n}": {"unit": "kWh", "values": [1]} for n in range(2500)}}, separators=(",", ":")).encode(),
    ),
    "column in MessagePack": ("msgpack", {}, msgspec.msgpack.encode({"time": [TIME] * 4000, "columns": {NAME: {"unit": "kWh", "values": [1] * 4000}}})),
    "header": ("csv-lines", {"header": True, "units": "channel"}, f"time,{NAME}\n".encode() + f"{TIME},1\n".encode() * 5000),
    "key of a document": ("mapping", mapping(), items(NAME, 12_000)),
    "word": ("mapping", {"time": "arrival", "sections": [{"each": "a[*]", "words": {"w": "$.w"}, "readings": {"{w}": {"value": "v", "unit": "kWh"}}}]}, items("a", 12_000, w=NAME)),
    "value": ("mapping", {"time": "arrival", "sections": [{"each": "a[*]", "readings": {"x": {"value": "$.w", "type": "text", "unit": "kWh"}}}]}, items("a", 12_000, w=NAME)),
    "quality": (
        "mapping",
        {"time": "arrival", "sections": [{"each": "a[*]", "quality": {"at": "$.w", "values": {"ok": "good"}}, "readings": {"x": {"value": "v", "unit": "kWh"}}}]},
        items("a", 12_000, w=NAME),
    ),
    "time": ("mapping", {"time": "rfc3339", "time_at": "$.w", "sections": [{"each": "a[*]", "readings": {"x": {"value": "v", "unit": "kWh"}}}]}, items("a", 12_000, w=NAME)),
    "unit": ("mapping", {"time": "arrival", "sections": [{"each": "a[*]", "readings": {"x": {"value": "v", "unit_at": "$.w"}}}]}, items("a", 12_000, w=NAME)),
    "texts below a key": ("mapping", {"json_at": ["{k}[*]"], **mapping()}, json.dumps({NAME: ["x"] * 25_000}).encode()),
    "time of two fields": ("mapping", {**mapping(), "time": "%Y %m", "zone": "UTC", "time_at": ["$.w", "$.w"]}, items("a", 12_000, w=NAME)),
    "factor": ("mapping", {"time": "arrival", "sections": [{"each": "a[*]", "readings": {"x": {"value": "v", "unit": "kWh", "scale_at": ["$.w", "$.w"]}}}]}, items("a", 12_000, w=NAME)),
    "key in CBOR": ("mapping", {"payload": "cbor", **mapping()}, cbor2.dumps({NAME: [{"v": 1}] * 12_000})),
    "key in MessagePack": ("mapping", {"payload": "msgpack", **mapping()}, msgspec.msgpack.encode({NAME: [{"v": 1}] * 12_000})),
    "name of a CSV column": ("csv-lines", {"header": True, "units": "channel", "names": {"x*y*": "*/*"}}, f"time,{NAME}\n".encode() + f"{TIME},1\n".encode() * 5000),
    "bytes": (
        "mapping",
        {"time": "arrival", "sections": [{"each": "a[*]", "bytes": {"at": "$.w", "encoding": "hex"}, "readings": {"x": {"byte": {"offset": 0, "type": "u8"}, "unit": "kWh"}}}]},
        items("a", 12_000, w="00" * (LONG // 2)),
    ),
}  # fmt: skip


@pytest.fixture
def peak() -> Iterator[Any]:
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize(("name", "options", "payload"), ATTACKS.values(), ids=ATTACKS)
def test_solid_a6_a_text_that_stands_once_is_not_made_for_each_reading(
    plant: Plant, peak: Any, name: str, options: dict[str, Any], payload: bytes
) -> None:
    assert LONG < len(payload) <= MAX_PAYLOAD
    decode, normaliser = decoder_of(name, options), Normaliser(plant)
    raw, refusals = RawReadings(), list[Refusal]()
    before = peak()
    envelope = decode(payload, Origin(0, "gw", 10**18), raw, refusals)
    count = len(raw)
    channels = np.full(count, -1, np.int32)
    normaliser.normalise(raw, channels, np.full(count, 10**18), refusals)

    assert peak() - before < MOST
    assert refusals, "what is so long is refused"
    assert envelope.count + envelope.refused > 0 or not envelope.decoded
    assert max(map(len, raw.channel), default=0) <= 256


def test_solid_a6_a_name_as_long_as_may_be_is_read() -> None:
    """256 characters: made of parts, or as it stands."""
    for name, payload in (
        ("senml-json", json.dumps([{"bn": "x" * 200, "n": "y" * 56, "v": 1, "u": "kWh", "t": 1.7e9}])),
        ("line-protocol", f"{'x' * 200} {'y' * 55}=1 1700000000000000000"),
        ("native", json.dumps({"channel": "x" * 256, "time": TIME, "value": 1, "unit": "kWh"})),
    ):
        raw, refusals = RawReadings(), list[Refusal]()
        decoder_of(name, {"units": "channel"} if name == "line-protocol" else {})(
            payload.encode(), Origin(0, "gw", 0), raw, refusals
        )
        assert [len(one) for one in raw.channel] == [256], refusals


def test_solid_a6_names_of_sparkplug_are_made_once(peak: Any) -> None:
    """Of templates, of datasets and of their columns; a name that is too long is cut, and no channel's."""
    template = payload_class()(timestamp=1, seq=0)
    inner = template.metrics.add(name=NAME, datatype=19).template_value
    for _ in range(6000):
        inner.metrics.add(name="a", datatype=10, double_value=1.0)
    table = payload_class()(timestamp=1, seq=0)
    dataset = table.metrics.add(name=NAME[:60_000], datatype=16).dataset_value
    dataset.columns.extend([NAME[:60_000], "t"])
    dataset.types.extend([10, 13])
    for number in range(4000):
        row = dataset.rows.add()
        row.elements.add(double_value=1.0)
        row.elements.add(long_value=number)
    for made in (template, table):
        payload = made.SerializeToString()
        assert len(payload) <= MAX_PAYLOAD
        before = peak()
        metrics = parse(payload).metrics
        assert peak() - before < MOST
        assert {len(one.name) for one in metrics} == {257}


def test_solid_a6_units_that_nobody_knows_are_not_remembered_at_length(plant: Plant, peak: Any) -> None:
    normaliser, before = Normaliser(plant), peak()
    for number in range(1000):
        raw = RawReadings([0], ["reg"], [TIME], [1.0], [f"{number}{NAME}"], [0])
        normaliser.normalise(raw, np.zeros(1, np.int32), np.full(1, 10**18), [])

    assert peak() - before < MOST


def test_solid_a6_the_limits_are_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()

    assert "256 characters" in page
    assert "4096 characters" in page

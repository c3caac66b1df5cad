"""What it costs to decode a reading in each format. Prints one JSON line: processor time per reading [us].

A message has 100 readings (10 with --quick), of as many channels; SenML, line protocol and the native forms carry theirs as
they are usually sent, a mapping reads an array of objects with a time, a unit and a name each, and of Sparkplug it is NDATA whose
metrics have the alias and the unit of a birth. Decoding includes the checks of every value, not the look-up of channels and units that follows. The best of several rounds counts, because others may
use the machine. Before it is measured, every format must give all readings.

    .venv/bin/python benchmarks/formats.py [--quick]
"""

import argparse
import json
import platform
import time
from collections.abc import Mapping
from itertools import cycle
from typing import Any

import cbor2
import msgspec

from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, Origin, decoder_of, formats
from ingest.sparkplug import node_messages
from ingest.sparkplug.messages import payload_class
from ingest.sparkplug.nodes import Nodes
from ingest.sparkplug.options import sparkplug_options
from ingest.sparkplug.payload import DOUBLE
from ingest.sparkplug.topics import SEQUENCE, SparkplugTopic

NOON = "2026-11-25T05:00:00Z"
SECONDS = 1_795_582_800
ORIGIN = Origin(0, "gw", SECONDS * 10**9)
MAPPING = {
    "time": "rfc3339",
    "time_at": "time",
    "sections": [
        {
            "each": "values[*]",
            "words": {"name": "name"},
            "readings": {"{name}": {"value": "v", "unit_at": "unit"}},
        }
    ],
}
OPTIONS: Mapping[str, dict[str, Any]] = {
    "csv-lines": {"columns": ["channel", "time", "value", "unit"]},
    "line-protocol": {"name": "{measurement}/{field}", "units": {"*": "kWh"}},
    "mapping": MAPPING,
}


def payloads(count: int) -> dict[str, bytes]:
    """Return one payload a format, each of `count` readings."""
    values = [(f"m{number}/energy", 1000.5 + number) for number in range(count)]
    native = {"readings": [{"channel": c, "time": NOON, "value": v, "unit": "kWh"} for c, v in values]}
    senml = [{"n": c, "t": SECONDS, "v": v, "u": "kWh"} for c, v in values]
    numbers = {"n": 0, "t": 6, "v": 2, "u": 1}  # RFC 8428, section 6
    fields = ",".join(f"m{number}={value}" for number, (_, value) in enumerate(values))
    vendor = {"values": [{"name": c, "time": NOON, "v": v, "unit": "kWh"} for c, v in values]}
    return {
        "native": json.dumps(native).encode(),
        "msgpack": msgspec.msgpack.encode(native),
        "senml-json": json.dumps(senml).encode(),
        "senml-cbor": cbor2.dumps([{numbers[key]: item for key, item in one.items()} for one in senml]),
        "line-protocol": f"modbus {fields} {SECONDS}000000000".encode(),
        "csv-lines": "\n".join(f"{c},{NOON},{v},kWh" for c, v in values).encode(),
        "station-text": "\r\n".join(f"{c}\t{v}\tmg/Nm3\t20261125120000\t00" for c, v in values).encode(),
        "mapping": json.dumps(vendor).encode(),
    }


def edge_node(count: int) -> Decode:
    """Return what decodes the data of an edge node that was born with `count` metrics; each time the next of its sequence."""
    nodes, options = Nodes(), sparkplug_options({})
    birth = payload_class()(timestamp=SECONDS * 1000, seq=0)
    for number in range(count):
        metric = birth.metrics.add(name=f"m{number}/energy", alias=number, datatype=DOUBLE, is_null=True)
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(string_value="kWh")
    topic = SparkplugTopic("G", "NBIRTH", "E", "")
    node_messages.take(nodes, birth.SerializeToString(), topic, options, ORIGIN, RawReadings(), [])
    data = cycle([data_of(number % SEQUENCE, count) for number in range(1, SEQUENCE + 1)])
    topic = SparkplugTopic("G", "NDATA", "E", "")

    def decode(_: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
        return node_messages.take(nodes, next(data), topic, options, origin, raw, refusals).envelope

    return decode


def data_of(seq: int, count: int) -> bytes:
    """Return an NDATA payload of `count` metrics by alias."""
    data = payload_class()(timestamp=SECONDS * 1000, seq=seq)
    for number in range(count):
        data.metrics.add(alias=number, timestamp=SECONDS * 1000, double_value=1000.5 + number)
    payload: bytes = data.SerializeToString()
    return payload


def decoded(decode: Decode, payload: bytes) -> int:
    """Return how many readings a payload gives."""
    raw, refusals = RawReadings(), list[Refusal]()
    envelope = decode(payload, ORIGIN, raw, refusals)
    return -1 if refusals else envelope.count


def cost(decode: Decode, payload: bytes, count: int, rounds: int, repeats: int) -> float:
    """Return the least processor time per reading over some rounds. [us]"""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time_ns()
        for _ in range(repeats):
            decoded(decode, payload)
        best = min(best, time.process_time_ns() - start)
    return best / 1000 / repeats / count


def main() -> None:
    """Measure every format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small messages and few rounds")
    quick = parser.parse_args().quick
    count, rounds, repeats = (10, 3, 20) if quick else (100, 15, 200)
    given = payloads(count)
    decoders = {name: decoder_of(name, OPTIONS.get(name, {})) for name in given}
    given["sparkplug"], decoders["sparkplug"] = b"", edge_node(count)  # which has messages of its own
    costs = {}
    for name, payload in sorted(given.items()):
        decode = decoders[name]
        if (found := decoded(decode, payload)) != count:
            raise SystemExit(f"{name} gives {found} of {count} readings")
        costs[name] = round(cost(decode, payload, count, rounds, repeats), 3)
    told = {
        "us_per_reading": costs,
        "readings_per_message": count,
        "not_measured": sorted({*formats()} - {*given}),
    }
    print(json.dumps({**told, "python": platform.python_version(), "machine": platform.machine()}))


if __name__ == "__main__":
    main()

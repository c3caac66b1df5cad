"""Fuzzes one payload format by coverage, beginning with its cases; see scripts/fuzz."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["ingest", "plant"]):
    from ingest.formats.columns import RawReadings, Refusal
    from ingest.formats.decoder import Origin, decoder_of, guarded
    from ingest.sparkplug import node_messages
    from ingest.sparkplug.nodes import Nodes
    from ingest.sparkplug.options import sparkplug_options
    from ingest.sparkplug.topics import SparkplugTopic
    from plant.vocabulary import Code

CASES = Path(__file__).parents[1] / "tests" / "cases"
OPTIONS: dict[str, dict[str, Any]] = {
    "csv-lines": {"columns": ["time", "a"], "units": "channel"},
    "mapping": {
        "time": "s",
        "time_at": "ts",
        "sections": [
            {"each": "items[*]", "readings": {"{name}": {"value": "v", "unit_at": "u", "optional": True}}}
        ],
    },
}
NODE = [
    SparkplugTopic("g", kind, "n", device)
    for kind, device in (("NBIRTH", ""), ("NDATA", ""), ("DBIRTH", "d"), ("DDATA", "d"), ("NDEATH", ""))
]
LONGEST = 4096  # bytes of a payload
SLOWEST_S = 1


def check_of(name: str) -> Callable[[bytes], None]:
    """Return what reads one payload, and raises where the format does what it must not."""
    if name == "sparkplug":
        return _check_node
    decode = decoder_of(name, OPTIONS.get(name, {}))

    def check(payload: bytes) -> None:
        raw, refusals = RawReadings(), list[Refusal]()
        envelope = decode(payload, Origin(0, "gw", 10**18), raw, refusals)
        _count(raw, refusals, envelope.count)
        if not envelope.decoded and (len(refusals) != 1 or len(raw)):
            raise AssertionError(f"not decoded, and yet {len(raw)} readings and {len(refusals)} refusals")

    return check


def _check_node(payload: bytes) -> None:
    """Let an edge node say the same as every kind of message, one after the other."""
    nodes, options, raw, refusals = Nodes(), sparkplug_options({}), RawReadings(), list[Refusal]()
    found = 0
    for position, topic in enumerate(NODE):
        origin = Origin(position, "gw", 10**18)
        spoken = guarded(
            lambda topic=topic, origin=origin: node_messages.take(
                nodes, payload, topic, options, origin, raw, refusals
            ),
            position,
            raw,
            refusals,
        )
        found += spoken.envelope.count if spoken else 0
    _count(raw, refusals, found)


def _count(raw: RawReadings, refusals: list[Refusal], found: int) -> None:
    if found != len(raw):
        raise AssertionError(f"{found} readings told, {len(raw)} there")
    if wrong := [refusal.detail for refusal in refusals if refusal.code is Code.DECODER]:
        raise AssertionError(wrong[0])


def main() -> None:
    """Fuzz the format of the first argument for the seconds of the second; say how many payloads it read."""
    name, seconds = sys.argv[1:]
    with tempfile.TemporaryDirectory() as corpus:
        for number, payload in enumerate(sorted(CASES.glob(f"*/{name}/*/payload.*"))):
            (Path(corpus) / str(number)).write_bytes(payload.read_bytes())
        limits = [
            f"-max_total_time={seconds}",
            f"-timeout={SLOWEST_S}",
            f"-max_len={LONGEST}",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", corpus], check_of(name))
        print(f"{name}: {seconds} s", flush=True)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Births of edge nodes that name thousands of metrics: what they may be, and what they cost."""

import itertools
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ingest.formats.columns import RawReadings
from ingest.formats.decoder import Origin
from ingest.sparkplug import node_messages
from ingest.sparkplug.messages import payload_class
from ingest.sparkplug.nodes import Nodes
from ingest.sparkplug.options import sparkplug_options
from ingest.sparkplug.topics import SparkplugTopic
from ingest.subscriptions import MAX_BIRTH, MAX_PAYLOAD
from tests.ingest.sparkplug.edge import DOUBLE, bdseq, fill, payload
from tests.ingest.sparkplug.test_nodes import Plant, T, plant  # noqa: F401  a fixture
from tests.semantics.world import MINUTE

POWER = {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 10.0, "unit": "kW"}
TAG, MOST_LEFT = 3, 16_000  # bytes before a body of 128 to 16,383, and of what it fills up


@pytest.fixture
def more() -> str:
    return "rebirth: true, only: [power, reg]"


def birth(size: int, *first: dict[str, Any], at: int = T) -> bytes:
    """Return a birth of exactly so many bytes at a time [ms], most of them of metrics that nobody wants."""
    made = payload_class()(timestamp=at, seq=0)
    for metric in (bdseq(0), *first):
        fill(made.metrics.add(), **metric)
    for number in itertools.count():
        if number % 100 == 0 and size - made.ByteSize() < MOST_LEFT:
            break
        made.metrics.add(
            name=f"Area {number:06d}/Machine/Tag of a machine", alias=100 + number, datatype=DOUBLE, timestamp=at,
            double_value=1.5 * number,
        )  # fmt: skip
    made.body = bytes(size - made.ByteSize() - TAG)
    body: bytes = made.SerializeToString()
    assert len(body) == size
    return body


def work(call: Callable[[], Any]) -> int:
    """Return how many steps of the interpreter something takes."""
    steps = 0

    def count(frame: Any, event: str, _argument: object) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        call()
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize("size", [MAX_PAYLOAD + 1, MAX_BIRTH])
def test_solid_a9_a_birth_may_have_four_mebibytes_and_its_aliases_hold(plant: Plant, size: int) -> None:  # noqa: F811
    plant.hear("NBIRTH", birth(size, POWER))
    plant.data(1, 20.0, 1)
    plant.restart()
    plant.data(2, 30.0, 2)

    assert plant.messages() == {"late": 3}
    assert [value for name, _, value in plant.readings() if name == "power"] == [10.0, 20.0, 30.0]


def test_solid_a9_what_is_larger_and_what_is_no_birth_is_too_large(plant: Plant) -> None:  # noqa: F811
    plant.hear("NBIRTH", birth(MAX_BIRTH + 1, POWER))
    plant.birth()
    plant.hear("NDATA", payload(T, 1, {"name": "x" * MAX_PAYLOAD, "datatype": DOUBLE, "value": 1.0}))
    plant.hear("DBIRTH", payload(T, 2, {"name": "y" * MAX_PAYLOAD, "datatype": DOUBLE, "value": 1.0}), device="M1")  # fmt: skip

    assert plant.messages() == {"rejected": 2, "late": 1, "accepted": 1}
    assert [code for code, _ in plant.codes()] == ["too_large", "too_large"]


def test_solid_a9_data_after_a_large_birth_write_what_data_write(plant: Plant) -> None:  # noqa: F811
    """The births are stored when they come, not with each message after them."""

    def logged() -> int:
        return (plant.folder / "state.db-wal").stat().st_size

    def cost(seq: int) -> int:
        plant.state.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        plant.data(seq, float(seq), seq)
        return logged()

    plant.birth()
    small = cost(1)
    plant.hear("NBIRTH", birth(MAX_BIRTH // 2, POWER))
    assert logged() > MAX_BIRTH // 8

    assert cost(1) < 2 * small


def test_solid_a9_a_byte_of_a_large_birth_costs_what_a_byte_of_ordinary_messages_does() -> None:
    """So whoever sends births without end costs no more than who sends anything else over the same line."""
    topic, options = SparkplugTopic("G", "NBIRTH", "E", ""), sparkplug_options({"only": ["power"]})

    def take(body: bytes) -> None:
        node_messages.take(
            Nodes(), body, topic, options, Origin(0, "E", T * 10**6, False, {}), RawReadings(), []
        )

    ordinary = work(lambda: take(birth(MAX_PAYLOAD, POWER)))
    large = work(lambda: take(birth(4 * MAX_PAYLOAD, POWER)))

    assert large < 4.2 * ordinary


def test_solid_a9_one_node_names_no_more_metrics_and_devices_than_it_may(
    monkeypatch: pytest.MonkeyPatch, plant: Plant  # noqa: F811  in this order: the limits hold until all is proven
) -> None:  # fmt: skip
    """What it sends beyond is kept and costs nothing; what it said before holds on."""
    monkeypatch.setattr(node_messages, "MOST_METRICS", 30)
    monkeypatch.setattr(node_messages, "MOST_DEVICES", 3)
    plant.birth()

    def device(number: int, metrics: int) -> None:
        named = [{"name": f"m{k}", "datatype": DOUBLE, "value": 1.0} for k in range(metrics)]
        plant.now += MINUTE
        plant.hear("DBIRTH", payload(T, number % 256, *named), device=f"D{number}")

    for number in range(1, 4):
        device(number, 10)
    for number in range(4, 8):
        device(number, 1)
    plant.data(8, 42.0, 8)

    assert [code for code, _ in plant.codes()] == ["too_large"] * 4
    assert plant.readings()[-1][2] == 42.0

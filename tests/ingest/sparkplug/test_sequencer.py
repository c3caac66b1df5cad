"""Messages of edge nodes that come in another order than they were sent go on in that order, or after `reorder`."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pytest

from ingest.formats.columns import RawReadings, Refusal
from ingest.formats.decoder import Origin
from ingest.mqtt.intake import Arrival
from ingest.sparkplug import node_messages, sequencer
from ingest.sparkplug.nodes import Nodes
from ingest.sparkplug.options import sparkplug_options
from ingest.sparkplug.sequencer import Sequencer
from ingest.sparkplug.topics import SparkplugTopic
from store.messages.journal import Message
from tests.ingest.sparkplug.edge import DOUBLE, bdseq, payload

MS = 10**6  # ns
REORDER = 2000  # ms
OPTIONS = sparkplug_options({"units": {"*": "kWh"}})
T = 1_795_582_800_000  # ms


@dataclass(frozen=True)
class Sent:
    """A message of a node, and when it was sent [ms]."""

    at: int
    kind: str
    body: bytes
    device: str = ""
    node: str = "E"


class Host:
    """What an edge node's messages go through, on a clock that stands."""

    def __init__(self, reorder: int = REORDER) -> None:
        self.passed: list[Sent] = []
        self._sent: dict[int, Sent] = {}
        self._reorder = reorder
        self.sequencer = Sequencer(lambda arrival: self.passed.append(self._sent[arrival.packet]))

    def hear(self, sent: Sent, at: int) -> None:
        topic = SparkplugTopic("G", sent.kind, sent.node, sent.device)
        self._sent[len(self._sent)] = sent
        arrival = Arrival(0, len(self._sent) - 1, 0, Message(0, b"", sent.body, 0))
        self.sequencer.take(arrival, topic, self._reorder * MS, at * MS)

    def tick(self, at: int) -> None:
        self.sequencer.tick(at * MS)


def said(kind: str, at: int, seq: int | None, device: str = "", *metrics: dict[str, object]) -> Sent:
    return Sent(at, kind, payload(T + at, seq, *metrics), device)


def power(alias: int, value: float | None, name: str = "") -> dict[str, object]:
    named = {"name": name, "datatype": DOUBLE, "unit": "kWh"} if name else {}
    return {**named, "alias": alias, **({"is_null": True} if value is None else {"value": value})}


def birth(at: int, seq: int = 0, alias: int = 1) -> Sent:
    return said("NBIRTH", at, seq, "", bdseq(0), power(alias, 0.0, "Power"))


def device_birth(at: int, seq: int, alias: int = 2) -> Sent:
    return said("DBIRTH", at, seq, "M1", power(alias, 0.0, "Energy"))


def readings(messages: Sequence[Sent]) -> tuple[list[tuple[str, str, float]], list[Refusal], Nodes]:
    """Return what counts of messages that go on in this order: channel, time and value, in order of these."""
    nodes, raw, refusals = Nodes(), RawReadings(), list[Refusal]()
    for number, sent in enumerate(messages):
        topic = SparkplugTopic("G", sent.kind, sent.node, sent.device)
        origin = Origin(number, "E", (T + sent.at) * MS)
        try:
            node_messages.take(nodes, sent.body, topic, OPTIONS, origin, raw, refusals)
        except Exception as error:  # noqa: BLE001  whatever it is, it shows
            refusals.append(Refusal(number, "error", "", str(error)))  # type: ignore[arg-type]
    times = [raw.stamped[row] for row in range(len(raw))]
    return sorted(zip(raw.channel, times, raw.value, strict=True)), refusals, nodes  # type: ignore[arg-type]


LIFE = [birth(0), device_birth(1, 1), said("DDATA", 2, 2, "M1", power(2, 7.0))]
DEATH = said("DDEATH", 3, 3, "M1")
CASES: dict[str, tuple[list[Sent], list[int]]] = {  # what is sent, and the order in which it comes
    "data before the device's birth": (LIFE, [0, 2, 1]),
    "a device's birth before its node's": (LIFE, [1, 0, 2]),
    "all of a birth turned round": (LIFE, [2, 1, 0]),
    "data after the device's death": ([*LIFE, DEATH], [0, 1, 3, 2]),
    "a device's birth before its death": ([*LIFE, DEATH, device_birth(4, 4)], [0, 1, 2, 4, 3]),
    "a death, the node's data, and a birth": (
        [*LIFE, DEATH, device_birth(4, 4, alias=3), said("NDATA", 5, 5, "", power(1, 8.0)), said("DDATA", 6, 6, "M1", power(3, 9.0))],
        [0, 1, 2, 3, 5, 6, 4],
    ),
    "a birth that was asked for before what was said before it": (
        [*LIFE, said("NDATA", 3, 3, "", power(1, 5.0)), birth(4, alias=9), device_birth(5, 1, alias=1), said("DDATA", 6, 2, "M1", power(1, 6.0))],
        [0, 1, 2, 4, 3, 5, 6],
    ),
    "all in one millisecond, data before their turn and a birth": (
        [*LIFE, *(said("NDATA", 3, seq, "", power(1, float(seq))) for seq in (3, 4, 5)), birth(3, alias=9), device_birth(3, 1, alias=1), said("DDATA", 3, 2, "M1", power(1, 6.0))],
        [0, 1, 2, 4, 5, 7, 6, 3, 8],
    ),
    "a device's birth before the birth that was asked for": (
        [*LIFE, birth(4, alias=9), device_birth(5, 1, alias=1), said("DDATA", 6, 2, "M1", power(1, 6.0))],
        [0, 1, 2, 4, 3, 5],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_field_b3_births_deaths_and_data_go_on_in_the_order_in_which_they_were_sent(case: str) -> None:
    sent, order = CASES[case]
    host = Host()
    for number in order:
        host.hear(sent[number], sent[number].at)
    host.tick(sent[-1].at + REORDER)

    assert host.passed == sent
    counted, refused, nodes = readings(host.passed)
    assert (counted, refused) == (readings(sent)[0], [])
    assert nodes.unborn == set()
    control = readings([sent[number] for number in order])
    assert (control[0] != counted) or control[1] or control[2].unborn or not _same(control[2], nodes)


def _same(one: Nodes, other: Nodes) -> bool:
    return one.node("G/E") == other.node("G/E")


def lives(draw: random.Random) -> Iterator[Sent]:
    """Yield what a node says: births that swap its aliases, its devices' births and deaths, and data by alias.

    For `reorder` after a birth the numbers are others than those that may still be under way from before it.
    """
    at = seq = 0
    while True:
        aliases = draw.sample(range(5), 3)
        yield Sent(at, "NBIRTH", payload(T + at, 0, bdseq(0), power(aliases[0], float(at), "Power")))
        seq, there = 1, set[str]()
        for seq in range(1, 5):
            at += REORDER // 4
            yield said("NDATA", at, seq, "", power(aliases[0], float(at)))
        seq += 1
        for _ in range(draw.randrange(3, 14)):
            at += draw.choice([1, 1, 20, 300, 900])
            device = draw.choice(["", "M1", "M2"])
            alias = aliases[["", "M1", "M2"].index(device)]
            if device and device not in there:
                there.add(device)
                yield said("DBIRTH", at, seq, device, power(alias, float(at), "Energy"))
            elif device and draw.random() < 0.2:
                there.remove(device)
                yield said("DDEATH", at, seq, device)
            else:
                yield said("DDATA" if device else "NDATA", at, seq, device, power(alias, float(at)))
            seq += 1
        at += draw.choice([1, 50])


def interleaved(sent: Sequence[Sent], draw: random.Random) -> list[tuple[int, Sent]]:
    """Return messages with when they come [ms], each less than `reorder` after it was sent."""
    longest = draw.choice([0, 5, 400, REORDER - 1])
    return sorted(((one.at + draw.randint(0, longest), one) for one in sent), key=lambda pair: pair[0])


def test_field_b3_ten_thousand_interleavings_give_what_the_order_gives() -> None:
    draw = random.Random(1)
    turned = 0
    for _ in range(100):
        sent = list(islice(lives(draw), 30))
        expected = readings(sent)
        assert expected[1] == []
        for _ in range(100):
            host, coming = Host(), interleaved(sent, draw)
            for at, one in coming:
                host.tick(at)
                host.hear(one, at)
            host.tick(coming[-1][0] + REORDER)
            turned += [one for _, one in coming] != sent
            assert host.passed == sent
        assert readings(host.passed)[0] == expected[0]
    assert turned > 5000


def test_operational_behavior_host_reordering_success_recovered_messages_end_the_timer() -> None:
    host = Host()
    first, second, third = (
        birth(0),
        said("NDATA", 1, 1, "", power(1, 1.0)),
        said("NDATA", 2, 2, "", power(1, 2.0)),
    )
    for one in (first, third):
        host.hear(one, 10)
    assert host.passed == [first]
    host.hear(second, 20)
    assert host.passed == [first, second, third]


@pytest.mark.parametrize("reorder", [REORDER, 5000, 0])
def test_operational_behavior_host_reordering_start_and_param_what_is_missing_is_given_up_after_the_timeout(reorder: int) -> None:  # fmt: skip
    """By a clock, whatever else is said meanwhile."""
    host, late = Host(reorder), said("NDATA", 2, 2, "", power(1, 2.0))
    host.hear(birth(0), 0)
    host.hear(late, 10)
    for at in range(10, 10 + reorder, 50):
        host.tick(at)
        assert late not in host.passed
        host.hear(Sent(at, "NDATA", payload(T + at, 1), node="F"), at)
    host.tick(10 + reorder)
    assert late in host.passed


def test_what_comes_again_goes_on_and_moves_nothing() -> None:
    host = Host()
    sent = [birth(0), *(said("NDATA", at, at, "", power(1, 1.0)) for at in range(1, 6))]
    for one in (*sent, sent[3], sent[5]):
        host.hear(one, one.at)
    host.hear(said("NDATA", 6, 6, "", power(1, 2.0)), 6)
    assert len(host.passed) == 9


def test_a_death_ends_what_waits_and_the_birth_after_it_goes_on_at_once() -> None:
    host = Host()
    gone, death = said("NDATA", 2, 2, "", power(1, 2.0)), Sent(3, "NDEATH", payload(0, None, bdseq(0)))
    again = birth(4)
    for one in (birth(0), gone, death, again):
        host.hear(one, one.at)
    assert host.passed[1:] == [gone, death, again]


@pytest.mark.parametrize(
    "body", [b"", b"\xff" * 20, b"{}", payload(T, None), payload(T, 256), payload(T, 2**60)]
)
def test_what_has_no_place_in_a_sequence_goes_on_at_once(body: bytes) -> None:
    host, odd = Host(), Sent(5, "NDATA", body)
    for one in (birth(0), odd):
        host.hear(one, one.at)
    assert host.passed[-1] == odd


def _flood(_number: int) -> Sent:
    return birth(1)


def _ahead(number: int) -> Sent:
    return said("NDATA", number, 2 + number % 100, "", power(1, 1.0))


def _of_many_nodes(number: int) -> Sent:
    return Sent(1, "NDATA", payload(T, 2, power(1, 1.0)), node=f"N{number}")


@pytest.mark.parametrize("kind", [_flood, _ahead, _of_many_nodes])
def test_what_waits_is_bounded_and_nothing_of_it_is_lost(kind: Callable[[int], Sent], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(sequencer, "MOST_BYTES", 5000)
    host, sent = Host(), [birth(0), *map(kind, range(1000))]
    for number, one in enumerate(sent):
        host.hear(one, 1)
        assert host.sequencer._bytes <= 5000, number
    host.sequencer.forget()
    assert sorted(one.body for one in host.passed) == sorted(one.body for one in sent)
    assert host.sequencer._bytes == 0


def test_nodes_without_number_cost_no_more_than_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "_MOST_NODES", 10)
    host = Host()
    for number in range(1000):
        host.hear(Sent(0, "NBIRTH", payload(T, 0), node=f"E{number}"), 0)
    assert len(host.sequencer._nodes) <= 11

"""What was refused and is taken anew: as if it had come in time, counted once, proven, and back on its way after a kill."""

import json
import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ingest.line import replay as replaying
from plant.vocabulary import NS_PER_DAY
from store import blocks
from store.accounting.closing import Decision
from store.messages import replays
from store.messages.journal import Message
from store.messages.replays import Replay
from store.messages.sparkplug import out_of_sight
from tests.ingest.sparkplug.edge import DOUBLE, bdseq, payload
from tests.semantics.conftest import MEMORY
from tests.semantics.world import DAY, HOUR, MINUTE, NOON, SECOND, SITE, World, reading, rfc3339

MS = 10**6  # ns
CHANNELS = {
    "reg": "gateway: gw, kind: register, unit: kWh, quantity: electricity, max_rate: 600, max_gap: 30min",
    "power": "gateway: gw, kind: rate, unit: kW, quantity: electricity, max: 1000, max_gap: 10min",
    "diesel": "gateway: gw, kind: event, unit: L, quantity: diesel",
    "other": "gateway: gw2, kind: event, unit: L, quantity: diesel",
    "meter": "gateway: gw3, kind: register, unit: kWh, quantity: electricity, max_rate: 600",
}
EVENTS = ("diesel", "other")
ELECTRIC = "method: electricity-location, factor: vn-grid, inputs: {energy: "
LIQUID = "method: fuel-liquid-volume, factor: vn-2626-diesel, parameters: {density: 0.84}, inputs: {volume: "
SUBSCRIPTIONS = """\
subscriptions:
  - {topic: "plants/{gateway}/{line}/data", format: native, park: park-a, facility: works, channel: "{line}"}
  - {topic: "plants/{gateway}/LWT", status: {Online: true, Offline: false}, park: park-a, facility: works}
"""
ALERTS = """\
alerts:
  - {name: much, facility: works, channel: power, above: 100, severity: critical, summary: Too much power}
  - {name: silent, use: gateway-silent}
"""


def configured(folder: Path, *left_out: str, alerts: str = "", more: str = "") -> Path:
    """Write a configuration without some channels, gateways or `subscriptions`; return its folder."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    lines = ["parks:", "  - name: park-a", "    title: A", "    zone: Asia/Ho_Chi_Minh", "    facilities:"]
    lines += ["      - name: works", "        title: Works", "        gateways:"]
    lines += [f"          - name: {name}" for name in ("gw", "gw2", "gw3") if name not in left_out]
    channels = {
        name: text
        for name, text in CHANNELS.items()
        if name not in left_out and text.split(",")[0].removeprefix("gateway: ") not in left_out
    }
    lines += [
        "        channels:",
        *(f"          - {{name: {name}, {text}}}" for name, text in channels.items()),
    ]
    lines += ["        sources:"]
    for name in channels:
        method = LIQUID if name in EVENTS else ELECTRIC
        lines.append(f"          - {{name: {name}, {method}{name}}}}}")
    text = "\n".join(lines) + "\n" + alerts + more
    (folder / "plant.yaml").write_text(text + ("" if "subscriptions" in left_out else SUBSCRIPTIONS))
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def started(folder: Path, config: Path) -> World:
    return World(Path(tempfile.mkdtemp(dir=folder)), config)


def replay(world: World, number: str = "r1", **wanted: Any) -> Any:
    """Replay, and return what became of it."""
    world.decide(Replay(number, "lan", **wanted))
    found = replays.replay_of(world.state.connection, number)
    assert found is not None
    assert found.finished is not None
    return found.became


def stream(seed: int) -> list[tuple[str, bytes, int]]:
    """Return messages of three gateways, (topic, payload, arrival), not in order, with a hole and messages sent twice."""
    draw = random.Random(seed)
    sent: list[tuple[str, bytes, int]] = []
    for number in range(1, 41):
        at = NOON + number * MINUTE + draw.randrange(MINUTE)
        readings = [reading("reg", at, 1000.0 + 3 * number), reading("power", at, draw.uniform(0, 99), "kW")]
        if number % 3 == 0:
            readings.append(reading("diesel", at, draw.uniform(0, 5), "L"))
        if number % 7 == 0:
            readings.append(reading("reg", at + SECOND, 5.0, "kWatt"))
        if number not in (11, 12, 30):
            body = {"boot": "b1", "seq": number, "readings": readings}
            sent.append((f"sm/v1/{SITE}/gw/readings", json.dumps(body).encode(), at + 2 * SECOND))
        if number not in (5, 21):
            body = {"boot": "b2", "seq": number, "readings": [reading("other", at, draw.uniform(0, 9), "L")]}
            late = draw.choice([0, 0, HOUR])
            sent.append((f"sm/v1/{SITE}/gw2/readings", json.dumps(body).encode(), at + 3 * SECOND + late))
        body = {"readings": [reading("meter", at, 7.0 * number)]}
        sent.append(("plants/gw3/meter/data", json.dumps(body).replace("meter", "energy").encode(), at))
    draw.shuffle(sent)
    return sent + [one for one in draw.sample(sent, 10) if one[0].startswith("sm/")]


def play(world: World, sent: list[tuple[str, bytes, int]], seed: int) -> None:
    """Let messages arrive, in micro-batches of any size."""
    play_messages(world, [Message(at, topic.encode(), payload) for topic, payload, at in sent], seed)


def play_messages(world: World, sent: list[Message], seed: int) -> None:
    draw, left = random.Random(seed), list(sent)
    while left:
        world.journal.append([left.pop(0) for _ in range(min(len(left), draw.randrange(1, 9)))])
        work_off(world)


def holding(world: World) -> dict[str, Any]:
    """Return everything that a state says but what tells its history, to the bit.

    That are revisions, the numbers of names, and which windows of events are computed in which there were none.
    """
    queries = {
        "readings": "SELECT c.name, time, value, quality, flags, verdict, coalesce(b.boot, ''), correction, message FROM reading"
        " JOIN channel c ON c.id = channel LEFT JOIN boot b ON b.id = reading.boot ORDER BY 1, 2",
        "sources": "SELECT name, first FROM source ORDER BY 1",
        "sequence": "SELECT gateway, boot, low, high, low_time, high_time FROM sequence ORDER BY 1, 2, 3",
        "balance": "SELECT * FROM balance ORDER BY 1, 2, 3",
        "code": "SELECT * FROM code ORDER BY 1, 2, 3",
        "quarantine": "SELECT * FROM quarantine ORDER BY message",
    }
    found: dict[str, Any] = {name: world.rows(query) for name, query in queries.items()}
    found["windows"] = windows = {}
    for name, hour, block in world.rows(
        "SELECT s.name, hour, block FROM emission JOIN source s ON s.id = source"
    ):
        for place, row in enumerate(blocks.from_bytes(block)):
            quiet = name in EVENTS and row[blocks.ACTIVITY] == 0 and row[blocks.MEASURED] == 1
            if blocks.coverage(row) > 0 and not quiet:
                windows[name, hour, place] = row[: blocks.REVISION].tobytes()
    for level in ("all", "source"):
        totals = world.get("/v1/totals", level=level, period="2026-03-10")["totals"]
        found[level] = [{**one, "revision": 0} for one in totals]
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "left_out",
    [("reg",), ("reg", "power", "diesel"), ("gw2",), ("subscriptions",), ("gw", "gw2", "subscriptions"), ("other", "diesel")],
    ids="-".join,
)  # fmt: skip
def test_it_is_as_if_it_had_come_in_time(folder, left_out, seed, monkeypatch):
    """Readings, totals, sequence, both balances and what is still refused: bit for bit those of a service that was right."""
    monkeypatch.setattr(replays, "MOST_MESSAGES", 7)
    wanted, fixed = in_time(seed), started(folder, configured(folder, *left_out))
    play(fixed, stream(seed), seed + 1)

    fixed.restart(configured(folder))
    assert holding(fixed)["windows"] != wanted["windows"]
    became = replay(fixed)

    assert became.messages["accepted"] > 0
    assert became.messages.get("quarantined", 0) == sum(became.codes.values())
    found = holding(fixed)
    for name, rows in wanted.items():
        assert found[name] == rows, name
    fixed.close()  # proves


@cache
def in_time(seed: int) -> dict[str, Any]:
    """Return what a service holds that was right from the start."""
    return held_in_time(
        configured, [Message(at, topic.encode(), body) for topic, body, at in stream(seed)], seed
    )


def held_in_time(config: Callable[[Path], Path], sent: list[Message], seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        right = started(Path(name), config(Path(name)))
        play_messages(right, sent, seed)
        held = holding(right)
        right.close()
    return held


def test_a_second_replay_changes_nothing(folder):
    world = started(folder, configured(folder, "reg", "gw2"))
    play(world, stream(1), 1)
    world.restart(configured(folder))
    replay(world)
    before, entries = holding(world), world.rows("SELECT count(*) FROM ledger")

    became = replay(world, "r2")

    assert holding(world) == before
    assert world.rows("SELECT count(*) FROM ledger") == entries
    assert became.readings == {"quarantined": 5}  # of a unit that there is not
    world.close()


@pytest.mark.parametrize("point", ["line_before_commit", "line_after_commit"])
@pytest.mark.parametrize("kill", range(1, 9))
def test_a_kill_in_between_changes_nothing(folder, monkeypatch, point, kill):
    """The line is thrown away wherever it stands, and goes on from what is committed."""
    monkeypatch.setattr(replays, "MOST_MESSAGES", 5)
    world, sent = started(folder, configured(folder, "reg", "gw2")), stream(2)
    play(world, sent, 2)
    world.restart(configured(folder))
    world.journal.append([Replay("r1", "lan").message(world.now)])
    world.journal.append([Message(at, topic.encode(), payload) for topic, payload, at in sent[:3]])
    calls = 0

    def crash(at: str) -> None:
        nonlocal calls
        calls += at == point
        if at == point and calls == kill:
            raise KilledError

    world.line._crash = crash  # what the service gives it
    with pytest.raises(KilledError):
        work_off(world)
    world.restart()
    work_off(world)

    found, wanted = holding(world), whole()
    for name in ("readings", "windows", "source", "balance", "sequence"):
        assert found[name] == wanted[name], name
    assert [row[:3] for row in world.rows("SELECT outcome, action, actor FROM decision")] == [
        ("done", "replay", "lan")
    ]
    world.close()


@cache
def whole() -> dict[str, Any]:
    """Return what a service holds that nothing killed, of the stream of that test."""
    sent = [Message(at, topic.encode(), body) for topic, body, at in stream(2)]
    return held_in_time(configured, [*sent, *sent[:3]], 5)


def work_off(world: World) -> None:
    while world.line.step():
        pass


class KilledError(Exception):
    """Stands for the kill."""


def test_what_a_message_brought_at_first_stays_and_is_not_counted_again(folder):
    world = started(folder, configured(folder, "power"))
    world.now = NOON
    world.send(reading("reg", NOON, 1.0), reading("power", NOON, 2.0, "kW"), boot="b", seq=1)
    world.now = NOON + 5 * HOUR
    assert world.balance() == ({"quarantined": 1}, {"accepted": 1, "quarantined": 1})

    world.restart(configured(folder))
    became = replay(world)

    assert (became.messages, became.readings) == ({"accepted": 1}, {"accepted": 1})
    assert world.balance() == ({"accepted": 1}, {"accepted": 2})
    assert world.codes() == {}
    assert world.rows("SELECT count(*) FROM quarantine") == [(0,)]
    world.close()


def test_what_is_still_refused_has_the_reason_of_today(folder):
    world = started(folder, configured(folder, "power"))
    world.now = NOON
    world.send(reading("power", NOON, 2.0, "kWatt"), reading("power", NOON + MINUTE, 3.0, "kW"))
    assert world.codes() == {"unmapped": 1}

    world.restart(configured(folder))
    became = replay(world)

    assert (became.messages, became.readings) == (
        {"quarantined": 1},
        {"accepted": 1, "quarantined": 1},
    )
    assert became.codes == world.codes() == {"unit_unknown": 1}
    assert world.rows("SELECT code, path FROM quarantine") == [("unit_unknown", "readings[0].unit")]
    assert world.balance() == ({"quarantined": 1}, {"accepted": 1, "quarantined": 1})
    world.close()


def test_a_number_that_another_message_had_stays_a_conflict(folder):
    world = started(folder, configured(folder))
    world.send(reading("power", NOON, 1.0, "kW"), boot="b", seq=1)
    world.send(reading("power", NOON + MINUTE, 2.0, "kW"), boot="b", seq=1)
    before = holding(world)
    assert world.codes() == {"conflict_seq": 1}

    assert replay(world).codes == {"conflict_seq": 1}
    assert holding(world) == before
    world.close()


def test_the_ledger_names_who_replayed_and_which_messages(folder):
    world = started(folder, configured(folder, "reg"))
    world.send(reading("reg", NOON, 1.0))
    world.send(reading("reg", NOON + MINUTE, 4.0))
    world.restart(configured(folder))
    replay(world)
    assert world.rows("SELECT cause, actor, journal_from, journal_to FROM ledger") == [
        ("replay", "lan", 1, 3)
    ]
    world.close()


def test_only_what_is_wanted_is_taken(folder):
    world = started(folder, configured(folder, "reg", "gw2"))
    for minute in range(4):
        at = NOON + minute * MINUTE
        world.publish({"readings": [reading("reg", at, 1.0 + minute)]}, at=at)
        world.publish({"readings": [reading("other", at, 1.0, "L")]}, gateway="gw2", at=at)
    world.publish(b"{", at=NOON)
    world.restart(configured(folder))

    def left() -> list[int]:
        return [number for (number,) in world.rows("SELECT message FROM quarantine ORDER BY message")]

    assert left() == list(range(1, 10))
    replay(world, "by message", messages=(3, 4, 400))
    assert left() == [1, 2, 5, 6, 7, 8, 9]
    replay(world, "by time", start=NOON + 2 * MINUTE, end=NOON + 3 * MINUTE)
    assert left() == [1, 2, 7, 8, 9]
    replay(world, "by gateway", gateway=f"{SITE}/gw2")
    assert left() == [1, 7, 9]
    replay(world, "by place", places=("park-b/", "park-a/work/"))
    assert left() == [1, 7, 9]
    replay(world, "by code", code="unmapped")
    assert left() == [9]
    found = replays.replay_of(world.state.connection, "by message")
    assert found is not None
    assert found.became.left == {replaying.NOT_KEPT: 1}
    world.close()


def test_a_status_that_is_replayed_does_not_undo_a_newer_one(folder):
    world = started(folder, configured(folder, "subscriptions"))
    world.publish(b"Offline", topic="plants/gw/LWT")
    world.restart(configured(folder))
    world.publish(b"Online", topic="plants/gw/LWT")

    became = replay(world)

    assert became.messages == {"status": 1}
    assert world.rows("SELECT online, count FROM gateway_status") == [(1, 2)]
    assert world.rows("SELECT count(*) FROM quarantine") == [(0,)]
    assert world.rows("SELECT * FROM balance") == []
    world.close()


def test_what_is_still_of_nobody_stays_rejected(folder):
    world = started(folder, configured(folder))
    world.publish(b"{}", topic="elsewhere/x")
    before = holding(world)
    became = replay(world)
    assert (became.messages, became.codes) == ({"rejected": 1}, {"topic": 1})
    assert holding(world) == before
    world.close()


def test_old_readings_wake_nobody(folder):
    """A limit and a condition on a gateway: neither is told of what was replayed, the breach is noted."""
    world = started(folder, configured(folder, "power"))
    for minute in range(3):
        at = NOON + minute * MINUTE
        world.publish({"readings": [reading("power", at, 500.0, "kW")]}, at=at)
    world.restart(configured(folder, alerts=ALERTS))
    world.tick(NOON + HOUR)
    world.publish({"readings": [reading("reg", NOON + HOUR, 1.0)]}, at=NOON + HOUR)
    world.tick(NOON + HOUR + 30 * MINUTE)
    heard, alerts = world.rows("SELECT * FROM gateway_heard"), world.alerts()
    assert {one["rule"] for one in alerts} == {"silent"}

    replay(world)
    world.tick(NOON + HOUR + 31 * MINUTE)

    assert world.alerts() == alerts
    assert world.rows("SELECT rule, value FROM late_breach") == [("much", 500.0)] * 3
    assert world.rows("SELECT * FROM gateway_heard") == heard
    world.close()


def test_a_final_month_waits_for_approval(folder):
    world = started(folder, configured(folder, "reg"))
    world.send(reading("power", NOON, 60.0, "kW"), reading("power", NOON + MINUTE, 60.0, "kW"))
    world.send(reading("reg", NOON, 0.0), reading("reg", NOON + 10 * MINUTE, 60.0))
    world.restart(configured(folder))
    world.now = NOON + 40 * NS_PER_DAY
    world.decide(Decision("d1", "lan", "final", "park-a", "2026-03"))

    replay(world)

    [month] = [one for one in world.get("/v1/periods")["periods"] if one["month"] == "2026-03"]
    assert month["status"] == "final"
    assert month["pending_restatement"]["windows"] == 10
    assert world.rows(
        "SELECT count(*) FROM emission JOIN source s ON s.id = source WHERE s.name = 'reg'"
    ) == [(0,)]
    world.close()


def test_a_damaged_group_of_the_journal_is_left_and_holds_up_nothing(folder):
    world = started(folder, configured(folder, "reg"))
    world.now = NOON + 5 * MINUTE
    for minute in range(3):
        world.send(reading("reg", NOON + minute * MINUTE, float(minute)))
    world.restart(configured(folder))
    with closing(sqlite3.connect(world.folder / "journal.db", isolation_level=None)) as journal:
        [(digest,)] = journal.execute("SELECT digest FROM journal WHERE first = 2").fetchall()
        journal.execute("UPDATE journal SET digest = x'00' WHERE first = 2")

        world.is_rebuilt = False  # a journal that is damaged only now makes another state
        became = replay(world)

        assert (became.messages, became.left) == ({"accepted": 2}, {replaying.GONE: 1})
        assert world.rows("SELECT message FROM quarantine") == [(2,)]
        journal.execute("UPDATE journal SET digest = ? WHERE first = 2", (digest,))
    assert replay(world, "r2").messages == {"accepted": 1}
    world.close()


SPARKPLUG = """\
  - topic: "spBv1.0/G/#"
    format: sparkplug
    park: park-a
    facility: works
    gateway: "{node}"
    options: {names: {"M1/Active Energy": reg, "Main Power": power, Diesel: diesel, Level: other, Energy: meter}}
"""
NODES = {
    "gw": {"": [("Main Power", "kW"), ("Diesel", "L")], "M1": [("Active Energy", "kWh")]},
    "gw2": {"": [("Level", "L")]},
    "gw3": {"": [("Energy", "kWh"), ("Unknown", "kWh")]},
}


class EdgeNode:
    """Says what an edge node does; each birth gives its metrics other aliases."""

    def __init__(self, name: str, draw: random.Random) -> None:
        self.name, self._draw, self._seq, self._births = name, draw, 0, 0
        self._metrics = [(device, *one) for device, metrics in NODES[name].items() for one in metrics]
        self._aliases = list(range(1, 1 + len(self._metrics)))

    def birth(self, at: int, minute: int, **more: Any) -> Iterator[Message]:
        self._births += 1
        self._aliases = self._draw.sample(range(1, 9), len(self._metrics))
        for device in dict.fromkeys(["", *(device for device, _, _ in self._metrics)]):
            named = [
                {"name": name, "datatype": DOUBLE, "unit": unit, **metric, **more}
                for (owner, name, unit), metric in zip(self._metrics, self._all(minute), strict=True)
                if owner == device
            ]
            own = [] if device else [bdseq(self._births)]
            yield self._said("DBIRTH" if device else "NBIRTH", at, [*own, *named], device)

    def data(self, at: int, minute: int) -> Iterator[Message]:
        for (device, _, _), metric in zip(self._metrics, self._all(minute), strict=True):
            yield self._said("DDATA" if device else "NDATA", at, [metric], device)

    def death(self, at: int) -> Iterator[Message]:
        body = payload(at // MS, None, bdseq(self._births))
        yield Message(at, f"spBv1.0/G/NDEATH/{self.name}".encode(), body)

    def device_death(self, at: int) -> Iterator[Message]:
        yield self._said("DDEATH", at, [], "M1")

    def _all(self, minute: int) -> Iterator[dict[str, Any]]:
        for alias in self._aliases:
            yield {"alias": alias, "value": 5.0 * minute + self._draw.uniform(0, 4)}

    def _said(self, kind: str, at: int, metrics: list[dict[str, Any]], device: str) -> Message:
        self._seq = 0 if kind == "NBIRTH" else (self._seq + 1) % 256
        topic = "/".join(["spBv1.0/G", kind, self.name, *filter(None, [device])])
        return Message(at, topic.encode(), payload(at // MS, self._seq, *metrics))


def edge_stream(seed: int) -> list[Message]:
    """Return what edge nodes say in forty minutes, among it data before births, deaths, gaps, and losses of our own connection."""
    draw = random.Random(seed)
    nodes = [EdgeNode(name, draw) for name in NODES]
    births = {node.name: {0, draw.randrange(15, 40)} for node in nodes} | {"gw2": {7, 31}}
    sent: list[Message] = []
    away = False  # something may have been missed
    for minute in range(40):
        for node in nodes:
            at = NOON + minute * MINUTE + draw.randrange(MINUTE // MS) * MS
            if minute in births[node.name]:
                nothing_yet = {"value": None, "is_null": True} if draw.random() < 0.7 else {}
                sent += node.birth(at, minute, **nothing_yet)
            said = list(node.data(at + SECOND, minute))
            if draw.random() < (0.5 if away else 0.97):
                sent += said
            if draw.random() < 0.02:
                sent += node.death(at + 2 * SECOND)
        if draw.random() < 0.04:
            sent += nodes[0].device_death(NOON + (minute + 1) * MINUTE)
        away = draw.random() < 0.1
        if away:
            sent.append(out_of_sight(NOON + (minute + 1) * MINUTE))
    return sent


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "left_out",
    [("reg",), ("power", "other", "diesel"), ("gw2",), ("sparkplug",), ("sparkplug", "gw", "reg", "meter")],
    ids="-".join,
)
def test_sparkplug_messages_are_as_if_they_had_come_in_time(folder, left_out, seed, monkeypatch):
    """Each is read with the births before it, bit for bit as by a service that was right; what no birth explains stays."""
    monkeypatch.setattr(replays, "MOST_MESSAGES", 7)
    monkeypatch.setattr(replaying, "HEARD_AT_ONCE", 5)
    wanted, fixed = deepcopy(edges_in_time(seed)), started(folder, with_sparkplug(folder, *left_out))
    play_messages(fixed, edge_stream(seed), seed + 1)

    fixed.restart(with_sparkplug(folder))
    assert holding(fixed)["windows"] != wanted["windows"]
    became = replay(fixed)

    assert became.messages["accepted"] > 0
    assert became.left == {}
    found = holding(fixed)
    if "sparkplug" in left_out:  # nobody heard who died, and a replay is of the past: it tells nothing of now
        for one in (*wanted["all"], *wanted["source"], *found["all"], *found["source"]):
            one.update(dict.fromkeys(("complete_until", "stale", "now_at", "now_t_per_h", "now_unknown")))
    for name, rows in wanted.items():
        assert found[name] == rows, name
    fixed.close()  # proves


@cache
def edges_in_time(seed: int) -> dict[str, Any]:
    """Return what a service holds that knew the Sparkplug group from the start."""
    return held_in_time(with_sparkplug, edge_stream(seed), seed)


def with_sparkplug(folder: Path, *left_out: str) -> Path:
    config = configured(folder, *left_out)
    if "sparkplug" not in left_out:
        with (config / "plant.yaml").open("a") as file:
            file.write(SPARKPLUG)
    return config


def test_a_replay_of_sparkplug_asks_for_no_birth_and_changes_nothing_that_is_known_of_a_node(folder):
    world = started(folder, with_sparkplug(folder, "power"))
    node = EdgeNode("gw", random.Random(0))
    world.journal.append([*node.data(NOON, 0), *node.birth(NOON, 0), *node.data(NOON + MINUTE, 1)])
    world.journal.append([*node.death(NOON + 2 * MINUTE)])
    work_off(world)
    assert world.line.unborn == set()
    world.restart(with_sparkplug(folder))
    query = "SELECT * FROM gateway_status"
    before, known = world.rows(query), world.rows("SELECT * FROM sparkplug_node")

    became = replay(world)

    assert became.messages["accepted"] == 2
    assert became.codes == {"unmapped": 3}  # before a birth
    assert (world.rows(query), world.rows("SELECT * FROM sparkplug_node")) == (before, known)
    assert world.line.unborn == set()
    world.close()


def test_sparkplug_messages_behind_damage_in_the_journal_stay_refused(folder):
    """Which births were in it, nobody knows; nothing is guessed."""
    world, node = started(folder, with_sparkplug(folder, "power")), EdgeNode("gw", random.Random(0))
    for part in (node.birth(NOON, 0), node.data(NOON + MINUTE, 1)):
        world.journal.append([*part])
        work_off(world)
    world.restart(with_sparkplug(folder))
    with closing(sqlite3.connect(world.folder / "journal.db", isolation_level=None)) as journal:
        [(digest,)] = journal.execute("SELECT digest FROM journal WHERE first = 1").fetchall()
        journal.execute("UPDATE journal SET digest = x'00' WHERE first = 1")

        world.is_rebuilt = False  # a journal that is damaged only now makes another state
        became = replay(world)

        assert (became.messages, became.codes, became.left) == (
            {"quarantined": 1},
            {"unmapped": 1},
            {replaying.GONE: 1},
        )
        assert [detail for (detail,) in world.rows("SELECT detail FROM quarantine WHERE message > 1")] == [
            "NDATA before a birth: nobody knows what its metrics are; one is asked for"
        ]
        journal.execute("UPDATE journal SET digest = ? WHERE first = 1", (digest,))
    assert replay(world, "r2").messages == {"accepted": 2}
    world.close()


def test_a_message_that_the_journal_has_no_longer_is_left(folder):
    world = started(folder, configured(folder, "reg"))
    world.send(reading("reg", NOON, 0.0))
    world.restart(configured(folder))
    world.state.connection.execute("UPDATE quarantine SET message = 100")
    world.journal.append([Replay("r1", "lan").message(world.now)])
    standing = replays.Standing(200, 0, Replay("r2", "lan"), 0, replays.Became(), None)
    [refused], _ = replays.next_refused(world.state.connection, standing)
    batch = world.line._replays._batch([refused], standing)
    assert (batch.messages, standing.became.left) == ([], {replaying.GONE: 1})
    world._shut()  # the proof would name what was edited here


def test_solid_a5_a_replay_takes_back_what_is_in_an_hour_or_a_day_by_now(folder):
    """Messages of 70 and of 5 days ago were refused for a channel that was not configured."""
    world = started(folder, configured(folder, "power"))
    for ago in (70 * DAY, 5 * DAY, 0):
        world.now = NOON + 70 * DAY - ago
        world.send(reading("reg", world.now, 1.0 + world.now / DAY), *([reading("power", world.now, 2.0, "kW")] if ago else []))  # fmt: skip
    levels = "SELECT level, sum(quarantined) FROM balance WHERE book = 'messages' GROUP BY level"
    assert world.rows(levels) == [(0, 0), (1, 1), (2, 1)]
    world.check_balance()

    world.restart(configured(folder))
    assert replay(world).messages == {"accepted": 2}
    world.check_balance()
    assert world.balance() == ({"accepted": 3}, {"accepted": 5})

    world.now += HOUR
    world.send(reading("reg", world.now, 100.0))
    world.restart()
    assert world.rows("SELECT sum(abs(quarantined)), min(accepted) FROM balance") == [(0, 1)]
    day = world.get("/v1/balance", from_=rfc3339(NOON + HOUR), to=rfc3339(NOON + 2 * HOUR))
    assert (day["from"], day["to"]) == ("2026-03-09T17:00:00Z", "2026-03-10T17:00:00Z")
    assert (day["messages"]["received"], day["messages"]["accepted"]) == (1, 1)
    world.close()

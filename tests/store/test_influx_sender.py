"""The sender brings every outbox row to InfluxDB, and forgets none that it has not brought."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from store import blocks
from store.influx import lines
from store.influx.outboxes import LINES_PER_REQUEST, last_of_each
from store.influx.sender import FORGET_S, Backlog, InfluxSender
from store.influx.sink import InfluxSink, Refused, RefusedLine, SinkUnauthorised, SinkUnavailable
from store.sqlite import open_writer
from tests.servers import InfluxDB

HOUR = 1_700_000_000 // 3600 * NS_PER_HOUR  # some hour's start


class State:
    """A state.db, written as the line writes it, without what does not matter here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_writer(path)
        self.connection.executescript(resources.files("store").joinpath("schema.sql").read_text())

    def add_readings(self, channel: Any, time: Any, value: Any, quality: int = 0) -> None:
        blob = blocks.pack_readings(
            np.array(channel, np.int32),
            np.array(time, np.int64),
            np.array(value, np.float64),
            np.full(len(time), quality, np.uint8),
        )
        self.connection.execute(
            "INSERT INTO influx_reading (count, readings) VALUES (?, ?)", (len(time), blob)
        )

    def set_windows(self, source: int, hour: int, co2e_t: dict[int, float]) -> None:
        """Give windows of an hour a new amount, a new revision, and a place in the outbox."""
        key = (source, hour)
        row = self.connection.execute(
            "SELECT block FROM emission WHERE source = ? AND hour = ?", key
        ).fetchone()
        block = blocks.from_bytes(row[0]) if row else blocks.empty(60)
        for window, amount in co2e_t.items():
            block[window, blocks.CO2E_T] = amount
            block[window, blocks.MEASURED] = 0.0 if np.isnan(amount) else 1.0
            block[window, blocks.REVISION] += 1
        dirty = sum(1 << window for window in co2e_t)
        with self.connection:
            self.connection.execute("BEGIN")
            self.connection.execute(
                "INSERT OR REPLACE INTO emission VALUES (?, ?, 1, ?)", (*key, blocks.to_bytes(block))
            )
            self.connection.execute(
                "INSERT INTO influx_emission VALUES (?, ?, ?, 1)"
                " ON CONFLICT DO UPDATE SET dirty = dirty | excluded.dirty, generation = generation + 1",
                (*key, dirty),
            )

    def add_alert(self, line: str) -> None:
        self.connection.execute("INSERT INTO influx_alert (line) VALUES (?)", (line,))


class FixedNames:
    """Names after the numbers."""

    def reading_prefix(self, channel_id: int) -> bytes:
        return lines.reading_key("park", "facility", f"channel{channel_id}", "energy")

    def emission_prefix(self, source_id: int) -> bytes:
        return lines.emission_key("park", "facility", f"source{source_id}", "2", "electricity-location")


class FakeSink:
    """A sink that keeps what it is given, and raises or refuses what it is told to."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.errors: list[Exception | None] = []
        self.refuse: Callable[[bytes], str | None] = lambda _line: None

    def write(self, block: bytes) -> Refused:
        if self.errors and (error := self.errors.pop(0)):
            raise error
        self.blocks.append(block)
        return [RefusedLine(line, reason) for line in block.splitlines() if (reason := self.refuse(line))]

    @property
    def lines(self) -> list[bytes]:
        return [line for block in self.blocks for line in block.splitlines()]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state.db")
    yield state
    state.connection.close()


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
def sender(state: State, sink: FakeSink) -> Iterator[InfluxSender]:
    sender = InfluxSender(state.path, sink, FixedNames(), clock=lambda: 42)
    yield sender
    sender.close()


def _drain(sender: InfluxSender) -> int:
    sent = 0
    while points := sender.step():
        sent += points
    return sent


def test_empty_outboxes_send_nothing(sender: InfluxSender, sink: FakeSink) -> None:
    assert sender.step() == 0

    assert sink.blocks == []


def test_nothing_is_begun_while_it_may_not_send(state: State, sink: FakeSink) -> None:
    state.add_alert("a v=1 1")
    turns = iter([False, False, True])
    stop = threading.Event()

    def may_send() -> bool:
        """Return whether it may; after the one turn in which it does, all ends."""
        assert sink.blocks == []
        allowed = next(turns)
        if allowed:
            stop.set()
        return allowed

    with closing(InfluxSender(state.path, sink, FixedNames(), clock=lambda: 0, may_send=may_send)) as sender:
        sender.run(stop)

    assert sink.lines == [b"a v=1 1"]
    assert next(turns, None) is None


def test_readings_go_first_in_first_out_and_are_forgotten(
    state: State, sender: InfluxSender, sink: FakeSink
) -> None:
    state.add_readings([2, 1], [10, 11], [1.5, 2.5])
    state.add_readings([1], [12], [3.5], quality=2)

    assert sender.step() == 3

    assert sink.lines == [
        FixedNames().reading_prefix(2) + b" value=1.5,quality=0.0 10",
        FixedNames().reading_prefix(1) + b" value=2.5,quality=0.0 11",
        FixedNames().reading_prefix(1) + b" value=3.5,quality=2.0 12",
    ]
    assert sender.backlog() == Backlog(0, 0, 0)


def test_of_two_readings_with_one_identity_the_later_is_sent(
    state: State, sender: InfluxSender, sink: FakeSink
) -> None:
    """InfluxDB may keep either of two points with one key in a request."""
    state.add_readings([1, 1], [10, 10], [1.0, 2.0])
    state.add_readings([1], [10], [3.0])

    assert sender.step() == 1

    assert [line.split(b" ")[1] for line in sink.lines] == [b"value=3.0,quality=0.0"]


def test_last_of_each_keeps_the_order() -> None:
    channel = np.array([3, 1, 3, 2, 1], np.int32)
    time_ = np.array([5, 5, 5, 5, 6], np.int64)

    assert last_of_each(channel, time_).tolist() == [1, 2, 3, 4]


def test_a_request_holds_a_bounded_number_of_lines(
    state: State, sender: InfluxSender, sink: FakeSink
) -> None:
    """One large blob, and then many small ones, which do not all go at once."""
    count = 2 * LINES_PER_REQUEST + 5
    state.add_readings(np.ones(count), np.arange(count), np.zeros(count))
    for n in range(30):
        state.add_readings(np.ones(1000), count + 1000 * n + np.arange(1000), np.zeros(1000))

    assert sender.step() == count
    assert sender.step() == LINES_PER_REQUEST

    assert [block.count(b"\n") for block in sink.blocks] == [
        LINES_PER_REQUEST,
        LINES_PER_REQUEST,
        5,
        LINES_PER_REQUEST,
    ]
    assert sender.backlog().readings == 20_000


def test_only_windows_that_changed_are_sent(state: State, sender: InfluxSender, sink: FakeSink) -> None:
    state.set_windows(7, HOUR, {0: 1.5, 59: 2.5})

    assert sender.step() == 2

    assert [line.split(b" ")[-1] for line in sink.lines] == [b"%d" % HOUR, b"%d" % (HOUR + 59 * NS_PER_MIN)]
    assert all(line.startswith(FixedNames().emission_prefix(7) + b" co2e_t=") for line in sink.lines)
    assert sender.backlog() == Backlog(0, 0, 0)


def test_a_window_goes_once_and_as_it_is_now(state: State, sender: InfluxSender, sink: FakeSink) -> None:
    """Three changes while InfluxDB was away are one point."""
    for amount in (1.0, 2.0, 3.0):
        state.set_windows(7, HOUR, {5: amount})

    assert _drain(sender) == 1

    assert b"co2e_t=3.0" in sink.lines[0]
    assert b"revision=3.0" in sink.lines[0]


def test_windows_of_many_sources_go_in_one_request(
    state: State, sender: InfluxSender, sink: FakeSink
) -> None:
    for source in range(50):
        state.set_windows(source, HOUR, {source: 1.0})

    assert sender.step() == 50

    assert len({line.split(b" ")[0] for line in sink.lines}) == 50


def test_a_window_that_changes_under_way_is_sent_again(state: State, sink: FakeSink) -> None:
    """The row is forgotten only in the generation that was sent."""
    changes = [2.0]

    def change_under_way(point: str) -> None:
        if point == "influx_after_204" and changes:
            state.set_windows(7, HOUR, {5: changes.pop()})

    sender = InfluxSender(state.path, sink, FixedNames(), clock=lambda: 0, crash=change_under_way)
    state.set_windows(7, HOUR, {5: 1.0})

    assert _drain(sender) == 2

    assert [line.split(b" ")[1].split(b",")[0] for line in sink.lines] == [b"co2e_t=1.0", b"co2e_t=2.0"]
    sender.close()


def test_alerts_are_sent_as_they_are_written(state: State, sender: InfluxSender, sink: FakeSink) -> None:
    """Of two lines with one series and time, the later."""
    state.add_alert("alert,rule=a\\ b value=1.0,state=1.0 5")
    state.add_alert("alert,rule=a\\ b value=2.0,state=0.0 5")
    state.add_alert("alert,rule=a\\ b value=3.0,state=0.0 6")

    assert sender.step() == 2

    assert sink.lines == [
        b"alert,rule=a\\ b value=2.0,state=0.0 5",
        b"alert,rule=a\\ b value=3.0,state=0.0 6",
    ]
    assert sender.backlog() == Backlog(0, 0, 0)


def test_no_outbox_waits_for_another(state: State, sender: InfluxSender, sink: FakeSink) -> None:
    """A long queue of readings does not hold up windows and alerts."""
    for n in range(5):
        state.add_readings(np.ones(LINES_PER_REQUEST), n * LINES_PER_REQUEST + np.arange(LINES_PER_REQUEST), np.zeros(LINES_PER_REQUEST))  # fmt: skip
    state.set_windows(7, HOUR, {5: 1.0})
    state.add_alert("alert,rule=a value=1.0 5")

    for _ in range(3):
        sender.step()

    assert sender.backlog() == Backlog(4 * LINES_PER_REQUEST, 0, 0)


@pytest.mark.parametrize("error", [SinkUnavailable("down"), SinkUnauthorised("no")])
def test_what_was_not_written_stays(
    state: State, sender: InfluxSender, sink: FakeSink, error: Exception
) -> None:
    state.add_readings([1], [10], [1.0])
    sink.errors = [error]

    with pytest.raises(type(error)):
        sender.step()

    assert sender.backlog() == Backlog(1, 0, 0)
    assert _drain(sender) == 1


class Killed(BaseException):
    """Ends a process at a crash point, as far as state.db can tell."""


@pytest.mark.parametrize(("point", "times_sent"), [("influx_before_send", 1), ("influx_after_204", 2)])
def test_a_kill_costs_at_most_a_repetition(state: State, sink: FakeSink, point: str, times_sent: int) -> None:
    """Both outbox kinds, killed once each; what is sent twice is the same bytes."""

    def kill(at: str) -> None:
        if at == point:
            raise Killed

    state.add_readings([1], [10], [1.0])
    state.set_windows(7, HOUR, {5: 1.0})
    killed = InfluxSender(state.path, sink, FixedNames(), clock=lambda: 0, crash=kill)
    for _ in range(2):
        with pytest.raises(Killed):
            killed.step()
    killed.close()
    survivor = InfluxSender(state.path, sink, FixedNames(), clock=lambda: 0)

    _drain(survivor)

    assert [sink.lines.count(line) for line in set(sink.lines)] == [times_sent, times_sent]
    assert survivor.backlog() == Backlog(0, 0, 0)
    survivor.close()


def test_refused_lines_are_counted_and_told_once_a_reason(
    state: State, sender: InfluxSender, sink: FakeSink, caplog: pytest.LogCaptureFixture
) -> None:
    """They do not hold up the others, and leave the outbox."""
    sink.refuse = lambda line: f"unable to parse '{line.decode()}'" if b"value=1.0" in line else None
    state.add_readings(np.ones(10), np.arange(10), [1.0] * 6 + [2.0] * 4)

    sender.step()

    assert (sender.statistics.points_sent, sender.statistics.refused) == (4, 6)
    assert sender.statistics.refused_by_reason == {"unable to parse …": 6}
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert sender.backlog() == Backlog(0, 0, 0)


def test_reasons_are_bounded(state: State, sender: InfluxSender, sink: FakeSink) -> None:
    sink.refuse = lambda line: "because of " + "x" * int(line.split()[-1])
    state.add_readings(np.ones(100), np.arange(100), np.zeros(100))

    sender.step()

    assert len(sender.statistics.refused_by_reason) == 51
    assert sender.statistics.refused_by_reason["other"] == 50
    assert sender.statistics.refused == 100


def test_statistics_tell_how_it_goes(state: State, sender: InfluxSender) -> None:
    state.add_readings([1], [10], [1.0])

    sender.step()

    assert sender.statistics.points_sent == 1
    assert sender.statistics.last_error == ""


def _run(sender: InfluxSender) -> tuple[threading.Thread, threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    return thread, stop


def _until(done: Callable[[], bool], patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_the_loop_tries_again_and_tells_of_the_error_once(
    state: State, sender: InfluxSender, sink: FakeSink, caplog: pytest.LogCaptureFixture
) -> None:
    state.add_readings([1], [10], [1.0])
    sink.errors = [sqlite3.OperationalError("disk I/O error"), SinkUnavailable("down", retry_after=1.0)]

    thread, stop = _run(sender)
    _until(lambda: sender.statistics.last_error != "")
    _until(lambda: sender.backlog() == Backlog(0, 0, 0))
    stop.set()
    thread.join(10)

    assert sender.statistics.last_error == ""
    assert [r.levelno for r in caplog.records if r.levelno >= logging.WARNING] == [logging.WARNING]


def test_solid_b10_a_busy_state_is_no_failure_of_influxdb(
    state: State, sender: InfluxSender, sink: FakeSink, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody else writes to state.db: points go out all the same, and are forgotten once it is free."""
    state.connection.execute("BEGIN IMMEDIATE")
    state.add_readings([1], [10], [1.0])
    state.connection.execute("COMMIT")
    other = open_writer(state.path)
    other.execute("BEGIN IMMEDIATE")

    thread, stop = _run(sender)
    _until(lambda: bool(sink.lines))
    time.sleep(2 * FORGET_S)  # it asks again and again meanwhile
    assert sender.backlog().readings == 1
    other.execute("ROLLBACK")
    _until(lambda: sender.backlog() == Backlog(0, 0, 0))
    stop.set()
    thread.join(10)

    assert sender.statistics.last_error == ""
    assert len(sink.lines) == 1, "nothing is sent twice for it"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_readings_behind_a_failure_wait_with_it(state: State, sender: InfluxSender, sink: FakeSink) -> None:
    """Two batches follow each other; the second fails while the first is being settled, and then comes whole."""
    for n in range(3):
        state.add_readings(np.ones(LINES_PER_REQUEST), n * LINES_PER_REQUEST + np.arange(LINES_PER_REQUEST), np.full(LINES_PER_REQUEST, 1.0))  # fmt: skip
    sink.errors = [None, SinkUnavailable("down", retry_after=1.0)]

    thread, stop = _run(sender)
    _until(lambda: sender.backlog() == Backlog(0, 0, 0))
    stop.set()
    thread.join(10)

    sent = {line for block in sink.blocks for line in block.split(b"\n")}
    assert len(sent - {b""}) == 3 * LINES_PER_REQUEST


def test_the_loop_stops_at_once_while_it_waits(state: State, sender: InfluxSender, sink: FakeSink) -> None:
    state.add_readings([1], [10], [1.0])
    sink.errors = [SinkUnavailable("later", retry_after=600.0)]
    thread, stop = _run(sender)
    _until(lambda: sender.statistics.last_error != "")

    stop.set()
    thread.join(5)

    assert not thread.is_alive()
    assert sink.blocks == []


def test_nothing_is_lost_or_doubled_while_influxdb_is_killed(state: State, influx: InfluxDB) -> None:
    """F-052: readings and windows flow while influxd gets SIGKILL; afterwards it holds what the outboxes were given."""
    sink = InfluxSink(influx.url, influx.token, influx.org, influx.bucket)
    sender = InfluxSender(state.path, sink, FixedNames(), clock=time.time_ns)
    values = np.random.default_rng(5).normal(size=(60, 500))
    thread, stop = _run(sender)

    for minute, row in enumerate(values):
        state.add_readings(np.arange(500), np.full(500, HOUR + minute * NS_PER_MIN), row)
        state.set_windows(minute % 3, HOUR, {minute: float(minute)})
        state.set_windows(minute % 3, HOUR, {minute: float(minute) + 0.5})
        if minute in {10, 25, 40}:
            influx.kill()
        if minute in {15, 30, 45}:
            _until(lambda: sender.statistics.last_error != "")
            influx.start()
        time.sleep(0.02)
    _until(lambda: sender.backlog() == Backlog(0, 0, 0))
    stop.set()
    thread.join(10)

    readings: Any = influx.query("SELECT value FROM reading GROUP BY channel")
    found = {group["tags"]["channel"]: [row[1] for row in group["values"]] for group in readings}
    assert found == {f"channel{n}": values[:, n].tolist() for n in range(500)}
    windows: Any = influx.query("SELECT co2e_t, revision FROM emission")
    assert [row[1:] for row in windows[0]["values"]] == [[minute + 0.5, 2] for minute in range(60)]
    assert sender.statistics.refused == 0
    sender.close()
    sink.close()

"""A request that lands late is found by reading back, and what it wrote over is told again."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import numpy as np
import pytest

from plant.vocabulary import NS_PER_HOUR, NS_PER_S, Flag
from store.influx.doubts import LOOKS_S
from store.influx.reader import InfluxReader
from store.influx.sender import InfluxSender
from store.influx.sink import InfluxSink, SinkUnavailable
from tests.servers import InfluxDB, ThreadedServer, free_port
from tests.store.test_influx_sender import HOUR, FixedNames, State


class HoldingProxy:
    """Passes requests on to InfluxDB; the next one is held instead, its sender cut off, until it is let go."""

    def __init__(self, influx: InfluxDB) -> None:
        self.hold = False
        self.held: list[tuple[str, bytes]] = []
        self._influx = influx
        self._server = ThreadedServer(("127.0.0.1", free_port()), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def let_go(self) -> None:
        for path, body in self.held:
            httpx.post(f"{self._influx.url}{path}", content=body, trust_env=False).raise_for_status()
        self.held.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy, influx = self, self._influx

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if proxy.hold and self.path.startswith("/api/v2/write"):
                    proxy.held.append((self.path, body))
                    self.close_connection = True
                    return
                kind = {"Content-Type": self.headers.get("Content-Type", "text/plain")}
                answer = httpx.post(f"{influx.url}{self.path}", content=body, headers=kind, trust_env=False)
                self.send_response(answer.status_code)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class TagsOfNumbers:
    """What `store.influx.reader.SourceRevisions` does, by the names of the tests."""

    def __init__(self, reader: InfluxReader) -> None:
        self._reader = reader

    def revisions(self, source: int, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        return self._reader.revisions(start, end, source=f"source{source}")


class Desk:
    """A state, a sender and its clock, and an InfluxDB behind the proxy."""

    def __init__(self, path: Path, influx: InfluxDB) -> None:
        self.now = HOUR + NS_PER_HOUR
        self.state, self.influx, self.proxy = State(path / "state.db"), influx, HoldingProxy(influx)
        sink = InfluxSink(self.proxy.url, influx.token, influx.org, influx.bucket, timeout=5.0)
        self.reader = InfluxReader(self.proxy.url, "", influx.bucket)
        self.sender = InfluxSender(
            self.state.path, sink, FixedNames(), clock=lambda: self.now, read_back=TagsOfNumbers(self.reader)
        )

    def close(self) -> None:
        self.sender.close()
        self.reader.close()
        self.state.connection.close()
        self.proxy.close()

    def send(self) -> None:
        while self.sender.step():
            pass

    def send_in_vain(self) -> None:
        """The request is held, and its sender hears nothing."""
        self.proxy.hold = True
        with pytest.raises(SinkUnavailable):
            self.sender.step()
        self.proxy.hold = False

    def look(self, after_s: float) -> None:
        self.now += round(after_s * NS_PER_S)
        self.sender._look()

    def tonnes(self) -> dict[int, float]:
        """Return the amount of each window of the hour, as InfluxDB has them."""
        [series] = self.influx.query("SELECT co2e_t FROM emission")
        return {(time - HOUR) // 60 // NS_PER_S: amount for time, amount in series["values"]}  # type: ignore[attr-defined]

    def doubts(self) -> int:
        return int(self.state.connection.execute("SELECT count(*) FROM influx_doubt").fetchone()[0])


@pytest.fixture
def desk(tmp_path: Path, influx: InfluxDB) -> Iterator[Desk]:
    desk = Desk(tmp_path, influx)
    yield desk
    desk.close()


def test_solid_b10_a_request_that_lands_after_its_newer_revision_is_found_and_told_again(desk: Desk) -> None:
    desk.state.set_windows(7, HOUR, {3: 1.0, 4: 1.0})
    desk.send_in_vain()
    desk.state.set_windows(7, HOUR, {3: 2.5, 4: 1.5})
    desk.send()
    assert desk.tonnes() == {3: 2.5, 4: 1.5}

    desk.proxy.let_go()
    assert desk.tonnes() == {3: 1.0, 4: 1.0}, "the older revision stands there"
    assert desk.sender.statistics.unread == 1

    desk.look(0)
    desk.send()
    assert desk.tonnes() == {3: 2.5, 4: 1.5}
    assert desk.sender.statistics.unread == 1, "it is said until it was read"
    desk.look(60)
    assert desk.sender.statistics.unread == 0


def test_solid_b10_what_lands_between_two_looks_is_found_by_a_later_one(desk: Desk) -> None:
    desk.state.set_windows(7, HOUR, {3: 1.0})
    desk.send_in_vain()
    desk.state.set_windows(7, HOUR, {3: 2.5})
    desk.send()
    desk.look(0)
    assert desk.sender.statistics.unread == 0

    desk.proxy.let_go()
    for pause in LOOKS_S:
        desk.look(pause)
        desk.send()

    assert desk.tonnes() == {3: 2.5}


def test_solid_b10_a_doubt_ends_once_every_look_agreed(desk: Desk) -> None:
    desk.state.set_windows(7, HOUR, {3: 1.0})
    desk.send_in_vain()
    desk.send()
    assert desk.doubts() == 1

    for pause in LOOKS_S:
        desk.look(pause)

    assert desk.doubts() == 0


def test_solid_b10_an_influxdb_that_does_not_say_keeps_the_doubt_and_the_sending(desk: Desk) -> None:
    desk.state.set_windows(7, HOUR, {3: 1.0})
    desk.send_in_vain()
    desk.send()
    desk.influx.kill()

    desk.look(0)
    assert desk.sender.statistics.read_error
    assert desk.sender.statistics.unread == 1

    desk.influx.start()
    desk.look(60)
    assert not desk.sender.statistics.read_error
    assert desk.sender.statistics.unread == 0


def test_solid_b10_a_connection_that_was_never_made_leaves_no_doubt(desk: Desk) -> None:
    desk.proxy.close()
    desk.state.set_windows(7, HOUR, {3: 1.0})

    with pytest.raises(SinkUnavailable):
        desk.sender.step()

    assert desk.doubts() == 0


def test_solid_b10_a_reading_that_replaced_another_is_told_again(desk: Desk) -> None:
    """Of a reading without a rival no older value can land."""
    desk.state.add_readings([1, 1], [HOUR, HOUR + 1], [1.0, 5.0])
    desk.send_in_vain()
    desk.state.connection.executemany(
        "INSERT INTO reading VALUES (1, ?, ?, 0, ?, 0, 0, 0, 1)", [(HOUR, 2.0, Flag.CONFLICT), (HOUR + 1, 5.0, 0)]
    )  # fmt: skip
    desk.state.add_readings([1], [HOUR], [2.0])
    desk.send()
    desk.proxy.let_go()

    desk.look(0)
    desk.send()

    [series] = desk.influx.query("SELECT value FROM reading")
    assert series["values"] == [[HOUR, 2.0], [HOUR + 1, 5.0]]

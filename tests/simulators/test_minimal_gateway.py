"""docs/examples/gateway.py and docs/gateways.md, as they stand there, against a real broker and the service."""

import importlib.util
import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.end_to_end.gateway import RawGateway
from tests.servers import Mosquitto, free_port, required, wait_until
from tests.service import Service
from tests.simulators.own_gateway import FORGETFUL, GARBAGE, PLACE, PLANT, holes, reading, readings

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "gateway.py"


def faster() -> float:
    """Tell the time on a clock on which ten seconds pass in half of one."""
    return time.monotonic() * 20


@pytest.fixture(scope="module")
def example() -> ModuleType:
    specification = importlib.util.spec_from_file_location("gateway", EXAMPLE)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto(extra=FORGETFUL) as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, broker: Mosquitto) -> Iterator[Service]:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "plant.yaml").write_text(PLANT)
    with Service(tmp_path, tmp_path / "config", broker.url) as one:
        yield one


@pytest.fixture
def gateway(example: ModuleType, broker: Mosquitto, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Give what starts a gateway on one file; all are ended as a power cut would."""
    made = []

    def start(port: int = broker.port, file: str = "") -> Any:
        one = example.Gateway(PLACE, file or str(tmp_path / "kept.db"), "127.0.0.1", port)
        one.clock = faster
        made.append(one)
        return one

    yield start
    for one in made:
        cut(one)


def cut(gateway: Any) -> None:
    """Take a gateway's power away: what is not in its file is gone."""
    gateway.client.disconnect()
    gateway.client.loop_stop()
    gateway.sql.__self__.close()


def kept(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM kept").fetchone()[0])


def settle(gateway: Any, file: Path) -> None:
    def covered() -> bool:
        gateway.tend()
        return kept(file) == 0

    wait_until(covered, "the ack does not cover everything")


def test_the_example_has_less_than_60_lines_and_needs_paho_alone() -> None:
    text = EXAMPLE.read_text()

    assert len(text.splitlines()) < 60
    modules = {line.split()[1].split(".")[0] for line in text.splitlines() if re.match("import |from ", line)}
    assert modules - sys.stdlib_module_names == {"paho"}


def test_what_the_page_shows_runs_over_tls(tmp_path: Path) -> None:
    """Only what is a plant's own is replaced: the place, the broker and where its files are."""
    port = free_port()
    command = [
        required("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=broker",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "ca.crt",
    ]  # fmt: skip
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    listener = f"listener {port} 127.0.0.1\ncertfile {tmp_path}/ca.crt\nkeyfile {tmp_path}/key.pem"
    (shown,) = re.findall(r"```python\n(.*?)```", (DOCS / "gateways.md").read_text(), re.DOTALL)
    own = {'"nam-cau-kien/mill/mdb1"': f'"{PLACE}"', '"broker.plant.example", 8884': f'"127.0.0.1", {port}'}
    for ours, theirs in own.items():
        assert ours in shown
        shown = shown.replace(ours, theirs)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "plant.yaml").write_text(PLANT)
    with (
        Mosquitto(extra=listener) as broker,
        Service(tmp_path, tmp_path / "config", broker.url) as service,
        RawGateway(broker.port, hear=f"sm/v1/{PLACE}/status") as watcher,
    ):
        service.start()
        program = [sys.executable, "-c", shown]
        with subprocess.Popen(program, cwd=tmp_path, env={"PYTHONPATH": str(EXAMPLE.parent)}) as process:
            wait_until(lambda: len(watcher.heard) == 1, "no status")
            wait_until(lambda: kept(tmp_path / "kept.db") == 0, "no ack")
            process.kill()
        wait_until(lambda: len(watcher.heard) == 2, "no last will")

    assert [document["online"] for document in watcher.documents()] == [True, False]


def test_what_was_sent_while_nobody_listened_is_sent_by_the_next_boot(
    gateway, service: Service, tmp_path: Path
) -> None:
    """No broker at first, and no power after that; the next start has numbers of its own."""
    first = gateway(port=free_port())
    for number in range(5):
        first.send([reading(number)])
    cut(first)
    service.start()
    second = gateway()
    second.send([reading(5)])
    settle(second, tmp_path / "kept.db")

    assert readings(service) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert sorted(holes(service)) == [(1, []), (5, [])]


def test_a_broker_that_forgets_what_it_acknowledged_loses_nothing(
    gateway, service: Service, broker: Mosquitto, tmp_path: Path
) -> None:
    service.start()
    one = gateway()
    one.send([reading(0)])
    settle(one, tmp_path / "kept.db")
    assert service.term() == 0
    for number in range(1, 50):
        one.send([reading(number)])
    wait_until(
        lambda: not one.client.want_write() and not one.client._out_messages, "the broker took nothing"
    )
    broker.kill()
    broker.start()
    service.start()
    settle(one, tmp_path / "kept.db")

    assert readings(service) == [float(number) for number in range(50)]
    assert holes(service) == [(50, [])]


def test_acks_that_come_while_it_tends_change_no_count(gateway) -> None:
    """SQLite counts the changed rows of a connection, not of a statement: two threads would read each other's."""
    one = gateway(port=free_port(), file=":memory:")
    for number in range(3):
        one.send([reading(number)])
    ack = {"acks": [{"boot": one.boot, "received_through": 0, "missing": [[2, 2]]}]}
    message = SimpleNamespace(payload=json.dumps(ack).encode())
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(1) as network:
            acks = network.submit(lambda: [one._acknowledged(None, None, message) for _ in range(3_000)])
            while not acks.done():
                one.tend()
    finally:
        sys.setswitchinterval(switching)

    assert acks.exception() is None
    assert one.given_up == 0


def test_a_number_that_the_service_cannot_read_is_given_up_and_told(gateway, broker, tmp_path: Path) -> None:
    """The ack lists it as missing however often it comes."""
    with RawGateway(broker.port, hear=f"sm/v1/{PLACE}/status") as service:
        one = gateway()
        one.clock = lambda: 10 * faster()
        for number in range(3):
            one.send([reading(number)])
        ack = {"acks": [{"boot": one.boot, "received_through": 3, "missing": [[2, 2]]}]}
        service.send(f"sm/v1/{PLACE}/ack", ack, retain=True)
        service.send(f"sm/v1/{PLACE}/ack", b"garbage")

        def given_up() -> bool:
            one.tend()
            return one.given_up == 1

        wait_until(given_up, "not given up")
        one.tend()
        wait_until(lambda: service.documents()[-1].get("given_up") == 1, "not told")

    assert kept(tmp_path / "kept.db") == 0
    assert json.loads(service.heard[-1][1]) == {"online": True, "given_up": 1}


def test_field_c4_python_garbage_instead_of_an_ack_covers_nothing(gateway) -> None:
    """SQLite takes every number for less than a text."""
    one = gateway(port=free_port(), file=":memory:")
    one.send([reading(0)])
    for garbage in GARBAGE:
        with suppress(Exception):  # as the client does
            one._acknowledged(
                None, None, SimpleNamespace(payload=garbage.replace(b"BOOT", one.boot.encode()))
            )

    assert one.sql("SELECT seq FROM kept").fetchall() == [(1,)]


def test_field_c4_python_what_a_full_disk_does_not_take_has_no_number(gateway) -> None:
    one = gateway(port=free_port(), file=":memory:")
    one.send([reading(0)])
    [(pages,)] = one.sql("PRAGMA page_count").fetchall()
    one.sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        one.send([reading(number) for number in range(1000)])
    one.sql("PRAGMA max_page_count = 1000000")
    one.send([reading(1)])

    assert one.sql("SELECT seq FROM kept").fetchall() == [(1,), (2,)]

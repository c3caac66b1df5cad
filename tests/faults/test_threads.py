"""A thread of the service fails where nobody looks: it costs itself, is started again, and is stated."""

import contextlib
import os
import signal
import sqlite3
from pathlib import Path

import httpx
import pytest

from tests.faults.bench import Bench, Report
from tests.faults.invariants import check_all
from tests.faults.truth import Sent, trial
from tests.servers import wait_until

EXIT_IO = 74
FATAL_TOPIC = "sm/v1/trial/works/meters/fatal"

# What each part calls again and again, and a module that the injection reaches it by.
CALLED = {
    "api": ("uvicorn", "Server.on_tick"),
    "line": ("ingest.line.line", "Line.step"),
    "intake": ("ingest.mqtt.intake", "Intake._flush"),
    "webhook receiver": ("notify.sender", "_Courier.drain"),
    "webhook outbox": ("notify.sender", "_Keeper.drain"),
    "totals": ("stackmeter.broadcast", "TotalsBroadcast.step"),
    "pulse": ("stackmeter.clock_watch", "ClockWatch.step"),
    "stream": ("api.live.stream", "_PartsReader.__call__"),
    "mqtt": ("ingest.mqtt.subscriber", "Subscriber._connected"),
}


def failing(module: str, name: str, times: int, flag: Path) -> str:
    """Return code by which a method fails so many times, once a file is there."""
    owner, _, method = name.rpartition(".")
    return f"""
import os, {module}
owner = {module}.{owner}
true, left = owner.{method}, [{times}]
def fails(*given, **named):
    if os.path.exists({str(flag)!r}) and left[0]:
        left[0] -= 1
        raise RuntimeError("injected")
    return true(*given, **named)
owner.{method} = fails
"""


def stated(bench: Bench) -> str:
    """Return all that /readyz says, ready or not."""
    told = bench.service.get("/readyz").json()
    return "; ".join([*told["reasons"], *told["degradations"]])


def provoke(bench: Bench, part: str) -> None:
    """Have a part do what it does only when it is asked."""
    if part == "mqtt":
        bench.broker.kill()
        bench.broker.start()
    if part == "stream":
        with bench.service.stream("/v1/live") as stream:
            next(stream.iter_raw())
            wait_until(lambda: failures(bench, part) > 0, "no stream looks")


def failures(bench: Bench, part: str) -> float:
    """Return how often a part failed, as /metrics says; 0 where the API itself has just failed."""
    with contextlib.suppress(httpx.TransportError):
        return bench.service.metrics().get(f"stackmeter_part_failures{{{part}}}", 0.0)
    return 0.0


@pytest.mark.parametrize("part", CALLED)
def test_solid_a_a_part_that_fails_is_started_again_and_stated_and_nothing_is_lost(
    tmp_path: Path, part: str
) -> None:
    """Two failures in a row: the second one after it was started again."""
    truth, flag = trial(200, seed=1), tmp_path / "now"
    code = failing(*CALLED[part], times=2, flag=flag)
    with Bench(tmp_path, code=code) as bench:
        bench.service.start()
        bench.field.send(truth.messages[:100])
        bench.service.drain(100)
        flag.touch()
        provoke(bench, part)
        bench.field.send(truth.messages[100:])
        wait_until(lambda: failures(bench, part) == 2 - (part == "stream"), "it does not fail")
        told = stated(bench)
        bench.service.wait_until_ready()
        bench.service.drain(200)

        assert f"{part}: failed " in told
        assert "last: RuntimeError: injected" in told
        assert "Traceback" in bench.service.log()
        check_all(bench, truth)
        assert bench.service.term() == 0


def test_solid_a_the_process_that_tells_influxdb_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    """Killed twice; what it counted before goes on, and it does not outlive the service."""
    truth = trial(300, seed=1)
    with Bench(tmp_path, influx=True) as bench:
        bench.service.start()
        for first in (0, 100):
            bench.field.send(truth.messages[first : first + 100])
            os.kill(process_of_influx(bench), signal.SIGKILL)
            wait_until(lambda kills=first // 100 + 1: failures(bench, "influx") == kills, "it does not fail")
        told = stated(bench)
        bench.field.send(truth.messages[200:])
        bench.service.drain(300)

        assert "influx: failed " in told
        assert "last: SenderEnded: the process that tells InfluxDB was ended by SIGKILL" in told
        check_all(bench, truth)
        bench.service.start()
        last = process_of_influx(bench)
        bench.service.kill()
        wait_until(lambda: not is_alive(last), "it outlives the service")
        bench.service.start()
        assert bench.service.term() == 0


def process_of_influx(bench: Bench) -> int:
    """Return the process that the service has for InfluxDB, once it has one."""
    found: list[int] = []

    def there() -> bool:
        for children in Path(f"/proc/{bench.service.pid}/task").glob("*/children"):
            found.extend(map(int, children.read_text().split()))
        return bool(found)

    wait_until(there, "no process for InfluxDB")
    [process] = found
    return process


def is_alive(process: int) -> bool:
    """Return whether a process is there and has not ended."""
    with contextlib.suppress(FileNotFoundError):
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    return False


# paho runs the callback in its network thread: alone it would let that thread die, and say it is connected.
BROKEN_CALLBACK = f"""
import os
from ingest import topics
from ingest.mqtt import subscriber
classify = topics.classify
def fail(topic):
    if topic == {FATAL_TOPIC.encode()!r}:
        raise RuntimeError("injected")
    return classify(topic)
subscriber.topics.classify = fail
"""


def test_f013_a_message_that_fails_in_the_network_thread_costs_itself_and_waits_at_the_broker(
    tmp_path: Path, report: Report
) -> None:
    """Those behind it are taken, and a service that can take it gets it."""
    truth = trial(200, seed=13)
    with Bench(tmp_path, code=BROKEN_CALLBACK) as bench:
        bench.service.start()
        bench.field.send(truth.messages[:100])
        bench.field.send([Sent(FATAL_TOPIC, b"{}")])
        bench.field.send(truth.messages[100:])
        bench.service.drain(200)
        assert "mqtt: failed once" in stated(bench)
        assert bench.service.term() == 0

        bench.service = bench.another_service(tmp_path)
        with bench.service:
            bench.service.start()
            wait_until(
                lambda: bench.service.metrics().get("stackmeter_messages{rejected}") == 1, "it is lost"
            )
            bench.field.sent = truth.messages
            report("F-013", lost=0, rejected_after_restart=1)


DISK_FAILS = """
import sqlite3
from {module} import {owner}
def fails(*_):
    error = sqlite3.{kind}("injected")
    error.sqlite_errorcode = sqlite3.{code}
    raise error
{owner}.{method} = fails
"""


@pytest.mark.parametrize(
    ("where", "kind", "code"),
    [
        (("ingest.line.line", "Line", "step"), sqlite3.DatabaseError, "SQLITE_CORRUPT"),
        (("store.messages.journal", "Journal", "append"), sqlite3.OperationalError, "SQLITE_IOERR_FSYNC"),
    ],
    ids=["line", "intake"],
)
def test_solid_a_a_disk_that_fails_under_journal_or_line_ends_the_process_with_74(
    tmp_path: Path, where: tuple[str, str, str], kind: type[sqlite3.Error], code: str
) -> None:
    module, owner, method = where
    injected = DISK_FAILS.format(module=module, owner=owner, method=method, kind=kind.__name__, code=code)
    with Bench(tmp_path, code=injected) as bench:
        bench.service.start(ready=False)
        bench.subscribe()
        bench.field.send(trial(5, seed=1).messages)

        assert bench.service.wait_for_end() == EXIT_IO
        assert "the disk failed under" in bench.service.log()


def test_solid_a_a_disk_that_fails_under_another_part_is_a_degradation(tmp_path: Path) -> None:
    injected = DISK_FAILS.format(
        module="notify.sender", owner="_Courier", method="drain", kind="DatabaseError", code="SQLITE_CORRUPT"
    )
    with Bench(tmp_path, code=injected) as bench:
        bench.service.start()
        bench.field.send(trial(5, seed=1).messages)
        wait_until(
            lambda: bench.service.metrics().get("stackmeter_messages{accepted}") == 5, "they are not taken"
        )
        assert "webhook receiver: failed " in stated(bench)
        assert bench.service.get("/readyz").is_success
        assert bench.service.term() == 0

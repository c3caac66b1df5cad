"""Another process holds one of our files: we wait for it, say so, and go on when it lets go."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.bench import Bench
from tests.faults.invariants import check_all
from tests.faults.truth import trial
from tests.servers import wait_until

EXIT_IN_USE = 75
HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Have another process hold a write transaction on a database for the block."""
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


def unready(bench: Bench) -> str:
    """Return why the service is not ready, "" where it is."""
    return "; ".join(bench.service.get("/readyz").json()["reasons"])


LOOKS = 80  # at /readyz while the file is held: more than the 30 s for which it used to be waited


@pytest.mark.parametrize("name", ["state.db", "journal.db"])
def test_solid_a7_a_file_that_another_process_holds_is_stated_and_waited_for(
    tmp_path: Path, name: str
) -> None:
    truth = trial(120, seed=73)
    with Bench(tmp_path) as bench:
        bench.service.start()
        bench.field.send(truth.messages[:40])
        bench.service.drain(40)
        with held(bench.service.state / name):
            bench.field.send(truth.messages[40:80])
            told = f"{name} is locked by another process"
            wait_until(lambda: told in unready(bench), "the lock is not stated")
            for _ in range(LOOKS):
                wait_until(lambda: told in unready(bench), "the lock is no more stated", 30)
                assert bench.service.running
        bench.service.wait_until_ready()
        bench.field.send(truth.messages[80:])
        figures = bench.service.drain(120)

        assert figures["stackmeter_part_failures"] == 0
        check_all(bench, truth)
        assert bench.service.term() == 0


def test_solid_a7_nothing_of_the_api_waits_for_a_lock_on_the_state(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.service.start()
        bench.field.send(trial(40, seed=73).messages)
        with held(bench.service.database):
            for path in ("/livez", "/readyz", "/metrics", "/v1/totals", "/v1/alerts", "/v1/gateways"):
                assert bench.service.get(path).status_code in ((200, 503) if path == "/readyz" else (200,)), (
                    path
                )


def test_solid_a7_a_lock_on_the_file_of_keys_is_no_reason_to_stop(tmp_path: Path) -> None:
    truth = trial(40, seed=73)
    with Bench(tmp_path) as bench:
        bench.service.start()
        with held(bench.service.state / "keys.sqlite"):
            bench.field.send(truth.messages)
            bench.service.drain(40)
        check_all(bench, truth)


def test_solid_a7_a_start_beside_a_lock_on_the_state_says_so_and_ends_with_75(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.service.start()
        assert bench.service.term() == 0
        with held(bench.service.database):
            bench.service.start(ready=False)
            assert bench.service.wait_for_end() == EXIT_IN_USE
        assert f"{bench.service.database} is locked by another process" in bench.service.log()
        assert "Traceback" not in bench.service.log()

"""The file of keys and audit log is damaged: nobody is let in by a key, and readings go on."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from store.access_log import Actor, make
from store.keys import NEVER, Keys
from tests.faults.bench import Bench
from tests.faults.invariants import check_all
from tests.faults.truth import trial
from tests.servers import wait_until

ME = Actor("me", "command line")
PAGE = 4096


def cut_in_the_last_page(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: -PAGE // 2])


def overwritten_page_of_keys(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        [(root,)] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'key'")
    content, page = file.read_bytes(), (root - 1) * PAGE
    file.write_bytes(content[:page] + b"\xff" * PAGE + content[page + PAGE :])


def no_database(file: Path) -> None:
    file.write_bytes(b"no database at all, and long enough to look like one" * 100)


def a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES: list[Callable[[Path], None]] = [
    cut_in_the_last_page,
    overwritten_page_of_keys,
    no_database,
    a_directory,
]


def made(file: Path) -> str:
    """Make a file with keys and rows of the audit log; return a key."""
    file.parent.mkdir(mode=0o700)
    make(file)
    keys = Keys(file)
    made = [
        keys.create(f"key-{number}", "viewer", [], shared=False, expires=NEVER, now=1, by=ME)[1]
        for number in range(40)
    ]
    return made[0]


def by_key(bench: Bench, key: str) -> int:
    """Ask with a key; return the status."""
    url = f"http://127.0.0.1:{bench.service.port}/v1/totals"
    return httpx.get(url, headers={"X-API-Key": key}, trust_env=False, timeout=30).status_code


def degradations(bench: Bench) -> str:
    return "; ".join(bench.service.get("/readyz").raise_for_status().json()["degradations"])


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("when", ["before the start", "while it runs"])
def test_solid_a7_a_damaged_file_of_keys_lets_nobody_in_by_key_and_readings_go_on(
    tmp_path: Path, damage: Callable[[Path], None], when: str
) -> None:
    truth = trial(60, seed=7)
    with Bench(tmp_path) as bench:
        file = bench.service.state / "keys.sqlite"
        key = made(file)
        if when == "before the start":
            damage(file)
        bench.service.start()
        bench.field.send(truth.messages[:30])
        if when == "while it runs":
            assert by_key(bench, key) == 200
            damage(file)
        bench.field.send(truth.messages[30:])
        bench.service.drain(60)

        wait_until(lambda: "keys may be refused" in degradations(bench), "it is not stated")
        # What lies on whole pages is read.
        keys = {200, 503} if damage is cut_in_the_last_page else {503}
        audit = {200, 503} if damage in (cut_in_the_last_page, overwritten_page_of_keys) else {503}
        assert by_key(bench, key) in keys
        assert bench.service.get("/v1/audit").status_code in audit
        assert bench.service.get("/v1/totals").status_code == 200
        check_all(bench, truth)
        assert bench.service.term() == 0
        assert "Traceback" not in bench.service.log()

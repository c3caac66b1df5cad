"""Threads that fail are started again, after ever longer pauses, and what is so is stated."""

import errno
import os
import sqlite3
import threading

import pytest

from stackmeter.threads import FORGOTTEN_S, LONGEST_PAUSE_S, SETTLED_S, ServicePart, Threads
from store.sqlite import is_disk_fault
from tests.servers import PATIENCE, wait_until


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def ns(self) -> int:
        return round(self.seconds * 1e9)


def part(time: Time, *, vital: bool = False) -> ServicePart:
    return ServicePart("webhooks", vital=vital, clock=time.ns, counting=time)


def sqlite_error(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    error = kind("injected")
    error.sqlite_errorcode = code
    return error


def test_solid_a_pauses_grow_from_a_second_to_a_minute() -> None:
    time = Time()
    one = part(time)
    pauses = []
    for _ in range(8):
        pauses.append(one.failed(ValueError("x")))
        time.seconds += pauses[-1]

    assert pauses == [1, 2, 4, 8, 16, 32, 60, LONGEST_PAUSE_S]


def test_solid_a_a_failure_is_stated_with_how_often_and_since_when_and_forgotten_after_minutes() -> None:
    time = Time()
    one = part(time)
    assert one.told() == ""

    one.failed(ValueError("the first"))
    time.seconds += 2
    one.failed(KeyError("the second"))
    assert one.told() == (
        "webhooks: failed 2 times since 1970-01-01T00:00:00Z, last: KeyError: 'the second'; it is tried again"
    )
    time.seconds += 2 + SETTLED_S
    assert one.told().endswith("; it goes on")
    time.seconds += FORGOTTEN_S
    assert (one.told(), one.failed_ever) == ("", 2)
    assert one.failed(ValueError("much later")) == 1
    assert "failed once since 1970-01-01T00:05:14Z" in one.told()


def test_solid_a_a_vital_part_is_a_reason_while_it_fails_and_a_degradation_afterwards() -> None:
    time = Time()
    threads = Threads(threading.Event(), str)
    threads.parts.append(part(time, vital=True))
    threads.parts[0].failed(ValueError("x"))
    assert (len(threads.reasons()), len(threads.degradations())) == (1, 0)

    time.seconds += 1 + SETTLED_S
    assert (len(threads.reasons()), len(threads.degradations())) == (0, 1)


@pytest.mark.parametrize("vital", [False, True])
@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(3), sqlite_error(sqlite3.SQLITE_BUSY), None], ids=repr
)
def test_solid_a_a_part_that_fails_or_ends_is_started_again(
    error: BaseException | None, vital: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stackmeter.threads.FIRST_PAUSE_S", 0.01)
    stop, works = threading.Event(), threading.Event()
    steps: list[str] = []

    def work() -> None:
        steps.append("work")
        if len(steps) > 1:
            works.set()
            stop.wait()
        elif error is not None:
            raise error

    threads = Threads(stop, steps.append)
    threads.start("one", work, again=lambda: steps.append("again"), vital=vital)
    assert works.wait(PATIENCE)
    told = threads.reasons() if vital else threads.degradations()
    stop.set()

    assert threads.join(PATIENCE)
    assert steps == ["work", "again", "work"]
    assert told[0].startswith("one: failed once since ")


DISK = {
    sqlite3.SQLITE_IOERR_FSYNC: sqlite3.OperationalError,
    sqlite3.SQLITE_CORRUPT_INDEX: sqlite3.DatabaseError,
    sqlite3.SQLITE_NOTADB: sqlite3.DatabaseError,
    sqlite3.SQLITE_CANTOPEN: sqlite3.OperationalError,
    sqlite3.SQLITE_READONLY: sqlite3.OperationalError,
}


@pytest.mark.parametrize(("code", "kind"), DISK.items())
def test_solid_a_only_a_disk_fault_of_a_vital_part_ends_the_process(
    code: int, kind: type[sqlite3.Error]
) -> None:
    def fails() -> None:
        raise sqlite_error(code, kind)

    stop, ended = threading.Event(), list[str]()
    threads = Threads(stop, ended.append)
    threads.start("totals", fails)
    wait_until(lambda: bool(threads.degradations()), "the failure is not stated")
    assert ended == []

    threads.start("journal", fails, vital=True)
    wait_until(lambda: bool(ended), "the disk fault is not told")
    stop.set()
    threads.join(PATIENCE)
    assert ended == ["journal: injected"]


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_ERROR]
)
def test_solid_a_a_lock_or_a_full_volume_is_no_disk_fault(code: int) -> None:
    assert not is_disk_fault(sqlite_error(code))
    assert not is_disk_fault(sqlite3.ProgrammingError("Cannot operate on a closed database."))


def test_solid_a7_a_file_that_cannot_be_opened_for_want_of_descriptors_is_no_disk_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_more(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", no_more)
    assert not is_disk_fault(sqlite_error(sqlite3.SQLITE_CANTOPEN))

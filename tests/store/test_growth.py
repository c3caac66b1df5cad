"""How fast a state grows is told from what came lately."""

import sqlite3
from pathlib import Path

import pytest

from plant.vocabulary import NS_PER_DAY
from store.growth import bytes_per_day, full_in_days

NOW = 1000 * NS_PER_DAY


@pytest.fixture
def book() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE balance (book TEXT, start INTEGER, received INTEGER)")
    connection.execute("CREATE TABLE balance_ever (book TEXT, received INTEGER)")
    return connection


def received(book: sqlite3.Connection, days: int, a_day: int) -> None:
    rows = [("messages", NOW - (day + 1) * NS_PER_DAY, a_day) for day in range(days)]
    book.executemany("INSERT INTO balance VALUES (?, ?, ?)", rows)
    book.execute("INSERT INTO balance_ever VALUES ('messages', ?)", (days * a_day,))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "journal.db").write_bytes(bytes(3000))
    (tmp_path / "state.db").write_bytes(bytes(1000))
    return tmp_path / "journal.db", tmp_path / "state.db"


def test_a_day_takes_what_its_messages_took_so_far(
    book: sqlite3.Connection, files: tuple[Path, Path]
) -> None:
    received(book, days=4, a_day=10)
    assert bytes_per_day(book, files, NOW) == pytest.approx(1000)


def test_the_rate_is_that_of_the_last_week(book: sqlite3.Connection, files: tuple[Path, Path]) -> None:
    received(book, days=20, a_day=10)
    book.execute("UPDATE balance SET received = 40 WHERE start >= ?", (NOW - 7 * NS_PER_DAY,))
    book.execute("UPDATE balance_ever SET received = 13 * 10 + 7 * 40")
    assert bytes_per_day(book, files, NOW) == pytest.approx(4000 / 410 * 40)


def test_nobody_can_say_in_the_first_day_or_of_nothing(
    book: sqlite3.Connection, files: tuple[Path, Path]
) -> None:
    assert bytes_per_day(book, files, NOW) is None
    received(book, days=1, a_day=10)
    assert bytes_per_day(book, files, NOW - NS_PER_DAY // 2) is None
    assert full_in_days(10**9, None) is None
    assert full_in_days(10**9, 0.0) is None
    assert full_in_days(10**9, 1e8) == 10

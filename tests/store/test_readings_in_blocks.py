"""Readings as rows and as blocks of a day: whoever asks sees no difference, whatever was written, judged and folded when."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from plant.arrays import Readings
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR
from store.messages.set_aside import rows_aside
from store.packed import SMALL, Packer
from store.readings import folding, read
from store.readings.block_rows import unreadable_blocks
from store.readings.coding import BlockUnreadable, ReadingBlock, decode, encode
from store.readings.folding import Folding
from store.readings.table import ReadingTable
from tests.store.reading_oracle import Oracle, bits, columns, empty_state, fold_all, fold_some

PACKER = Packer(SMALL)
DAYS = 6
SPOTS = sorted(
    {
        day * NS_PER_DAY + at
        for day in range(DAYS)
        for at in (0, 1, NS_PER_HOUR, NS_PER_DAY - 1, 5 * 10**12 + 7)
    }
)
VALUES = st.one_of(
    st.integers(0, 10**6).map(lambda n: n / 100),
    st.floats(allow_nan=False, width=64),
    st.just(0.1),
    st.integers(-3, 3).map(float),
)
KEY = st.tuples(st.integers(1, 3), st.sampled_from(SPOTS))
SAID = st.tuples(
    VALUES, st.sampled_from((0, 0, 1, 2, 4)), st.integers(0, 3), st.integers(0, 7), st.integers(0, 2), st.integers(0, 3), st.integers(1, 2000),
)  # fmt: skip
ROWS = st.lists(st.tuples(KEY, SAID).map(lambda pair: (*pair[0], *pair[1])), min_size=1, max_size=25)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), ROWS),
        st.tuples(st.just("judge"), st.lists(st.tuples(KEY, st.integers(0, 7)), min_size=1, max_size=9)),
        st.tuples(st.just("fold"), st.integers(0, DAYS + 2)),
    ),
    min_size=3,
    max_size=9,
)


def as_stored(value: float) -> float:
    """Return a number as SQLite keeps it: it knows no -0."""
    return value + 0.0


@given(acts=ACTS, some=st.booleans())
@settings(
    max_examples=60,
    phases=[Phase.generate],  # an example takes too long for many to be tried again
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_state_that_folds_answers_as_one_of_rows_alone(
    acts: list[tuple[str, Any]], some: bool, monkeypatch
) -> None:
    monkeypatch.setattr(folding, "AT_ONCE_S", 0 if some else 60)  # a day a go, or all of them
    monkeypatch.setattr("store.readings.by_message.FEW", 3)
    with closing(empty_state()) as connection:
        table, oracle, fold = ReadingTable(connection), Oracle(), Folding(connection)
        for act, what in acts:
            if act == "write":
                rows = {row[:2]: (*row[:2], as_stored(row[2]), *row[3:]) for row in what}
                table.write(columns(rows.values()))
                oracle.write(rows.values())
            elif act == "judge":
                known = {key: verdict for key, verdict in what if key in oracle.rows}
                rows = {
                    key: (*oracle.rows[key][:5], verdict, *oracle.rows[key][6:])
                    for key, verdict in known.items()
                }
                if rows:
                    table.set_verdicts(columns(rows.values()))
                    oracle.write(rows.values())
            elif some:
                fold_some(fold, what * NS_PER_DAY)
            else:
                fold_all(connection, what * NS_PER_DAY)
        oracle.check(connection, SPOTS[len(acts) % 5 :: 5])


NUMBERS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "of a display": lambda rng, n: np.round(np.cumsum(rng.random(n)), 2),
    "whole": lambda rng, n: rng.integers(0, 1000, n).astype(float),
    "with noise in every bit": lambda rng, n: rng.normal(50, 3, n),
    "beyond all decimals": lambda rng, n: rng.choice(
        [np.inf, -np.inf, np.nan, 1e300, 5e-324, -0.0, 2.0**53], n
    ),
    "whole, and nothing below 0": lambda rng, n: np.where(np.arange(n) % 3, 7.0, -0.0),
    "one": lambda rng, n: np.full(n, 21.5),
}


def some_readings(rng: np.random.Generator, count: int, value: Any) -> Readings:
    time = np.sort(rng.choice(NS_PER_DAY // 1000, count, replace=False)) * 1000 + 3 * NS_PER_DAY
    return Readings(
        channel=np.full(count, 7, np.int32),
        time=time,
        value=value,
        quality=rng.integers(0, 5, count).astype(np.uint8),
        flags=rng.integers(0, 256, count).astype(np.uint8),
        verdict=rng.integers(0, 8, count).astype(np.uint8),
        boot=rng.integers(-(2**31), 2**31, count).astype(np.int32),
        correction=rng.integers(-5, 5, count).astype(np.int32),
        message=rng.integers(0, 2**62, count),
    )


@pytest.mark.parametrize("count", [1, 2, 3, 100, 1440, 30_000])
@pytest.mark.parametrize("numbers", NUMBERS)
def test_the_same_bits_come_back(count, numbers):
    rng = np.random.default_rng(count)
    readings = some_readings(rng, count, NUMBERS[numbers](rng, count))

    assert bits(decode(encode(readings, 3 * NS_PER_DAY, PACKER))) == bits(readings)


def test_a_day_of_minutes_takes_less_than_two_bytes_a_reading():
    time = np.arange(1440) * 60 * 10**9
    zeros = np.zeros(1440, np.int64)
    value = np.round(np.cumsum(np.random.default_rng(1).random(1440)), 2)
    small, plain = zeros.astype(np.uint8), zeros.astype(np.int32)
    readings = Readings(plain, time, value, small, small, small, plain, plain, np.arange(1440) * 7)

    assert len(encode(readings, 0, PACKER).block) < 2 * 1440


def a_folded_state(path: str, days: int = 4) -> tuple[sqlite3.Connection, Oracle]:
    connection, oracle = empty_state(path), Oracle()
    rng = np.random.default_rng(5)
    rows = [
        (
            channel,
            day * NS_PER_DAY + k * NS_PER_HOUR,
            float(np.round(rng.normal(20, 5), 1)),
            0,
            0,
            0,
            1,
            0,
            24 * day + k + 1,
        )
        for channel in (1, 2, 3)
        for day in range(days)
        for k in range(24)
    ]
    ReadingTable(connection).write(columns(rows))
    oracle.write(rows)
    return connection, oracle


def test_what_is_folded_are_days_that_ended_a_day_ago_and_have_a_later_reading():
    connection, oracle = a_folded_state(":memory:")

    def folded(now: int) -> list[tuple[int, int]]:
        fold_all(connection, now)
        return connection.execute(
            "SELECT start / 86400000000000, count(*) FROM reading_block GROUP BY 1"
        ).fetchall()

    assert folded(2 * NS_PER_DAY - 1) == []
    assert folded(2 * NS_PER_DAY) == [(0, 3)]
    assert folded(40 * NS_PER_DAY) == [(0, 3), (1, 3), (2, 3)]
    assert connection.execute("SELECT count(*), min(time) FROM reading").fetchone() == (72, 3 * NS_PER_DAY)
    oracle.check(connection, [0, NS_PER_DAY, 5 * NS_PER_DAY])


def test_a_fold_that_is_killed_leaves_what_was_there(tmp_path):
    connection, oracle = a_folded_state(f"{tmp_path}/state.db")
    connection.execute("PRAGMA journal_mode = wal")
    late = (2, 5 * NS_PER_HOUR, 99.0, 0, 2, 0, 1, 1, 700)
    fold_all(connection, 3 * NS_PER_DAY)
    ReadingTable(connection).write(columns([late]))
    oracle.write([late])
    copies: list[Path] = []

    def copied(_statement: str) -> None:
        copies.append(tmp_path / f"{len(copies)}")
        copies[-1].mkdir()
        for file in tmp_path.glob("state.db*"):
            if file.suffix != ".db-shm":
                shutil.copy(file, copies[-1])

    connection.set_trace_callback(copied)
    assert fold_all(connection, 30 * NS_PER_DAY)
    connection.set_trace_callback(None)
    before, after = set(), set()
    for copy in copies:
        with closing(sqlite3.connect(copy / "state.db", isolation_level=None)) as killed:
            oracle.check(killed, [0, 3 * NS_PER_DAY])
            rows = killed.execute("SELECT count(*) FROM reading").fetchone()[0]
            (before if rows > 72 else after).add(rows)

    assert len(copies) > 10
    assert before


def test_a_transaction_that_fails_in_a_fold_leaves_what_was_there(monkeypatch):
    connection, oracle = a_folded_state(":memory:")
    monkeypatch.setattr(folding, "delete_rows", lambda *_given: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        fold_all(connection, 30 * NS_PER_DAY)

    assert connection.execute("SELECT count(*) FROM reading_block").fetchone() == (0,)
    oracle.check(connection, [NS_PER_DAY])


FIELDS = ("block", "block", "block", "channel", "start", "count", "low", "high")


def flipped(connection: sqlite3.Connection, rng: np.random.Generator) -> None:
    """Flip one bit of one block's row."""
    place = int(rng.integers(connection.execute("SELECT count(*) FROM reading_block").fetchone()[0]))
    key = connection.execute("SELECT channel, start FROM reading_block LIMIT 1 OFFSET ?", (place,)).fetchone()
    field = FIELDS[rng.integers(len(FIELDS))]
    [(value,)] = connection.execute(f"SELECT {field} FROM reading_block WHERE (channel, start) = (?, ?)", key)
    if isinstance(value, bytes):
        at = int(rng.integers(8 * len(value)))
        data = bytearray(value)
        data[at // 8] ^= 1 << at % 8
        value = bytes(data)
    else:
        value ^= 1 << int(rng.integers(50))
    connection.execute(
        f"UPDATE OR IGNORE reading_block SET {field} = ? WHERE (channel, start) = (?, ?)", (value, *key)
    )


def everything(connection: sqlite3.Connection) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = set()
    for channel in read.channels_read(connection):
        one = read.between(connection, channel, *(-(2**62), read.EVER))
        found |= set(
            zip(*(column.tolist() for column in (one.channel, one.time, one.value, one.message)), strict=True)
        )
    return found


@pytest.mark.parametrize("part", range(4))
def test_a_flipped_bit_is_named_or_harmless_and_costs_one_day(part):
    rng = np.random.default_rng(part)
    original, _ = a_folded_state(":memory:")
    fold_all(original, 30 * NS_PER_DAY)
    whole = everything(original)
    harmed = 0
    for _ in range(50):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as damaged:
            original.backup(damaged)
            flipped(damaged, rng)
            named = list(unreadable_blocks(damaged))
            left = everything(damaged)
            aside = [row for row in rows_aside(damaged) if row.table == "reading_block"]

            assert left <= whole
            assert len(whole - left) in (0, 24)
            assert len(named) == len(aside) == (left != whole)
            harmed += left != whole

    assert harmed > 30


def test_a_block_that_lies_where_another_belongs_is_not_believed():
    readings = some_readings(np.random.default_rng(1), 50, np.arange(50.0))
    block = encode(readings, 3 * NS_PER_DAY, PACKER)

    for wrong in (
        replace(block, channel=8),
        replace(block, start=0),
        replace(block, low=0),
        replace(block, block=b""),
    ):
        with pytest.raises(BlockUnreadable):
            decode(wrong)
    with pytest.raises(BlockUnreadable):
        decode(ReadingBlock(7, 0, 1, 1, 1, "text"))  # type: ignore[arg-type]  # as somebody's hand may leave it


def test_a_block_that_nobody_asks_for_is_looked_at_all_the_same():
    connection, _ = a_folded_state(":memory:")
    fold_all(connection, 30 * NS_PER_DAY)
    connection.execute("UPDATE reading_block SET block = zeroblob(9) WHERE channel = 2 AND start = 0")

    fold = Folding(connection)
    for minute in range(3):
        fold_some(fold, 30 * NS_PER_DAY + 2 * minute * folding.ROUND_EVERY)

    assert [str(row) for row in rows_aside(connection)] == [
        "reading_block channel 2, start 0: block cannot be read: error when determining content size"
    ]

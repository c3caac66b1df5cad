"""Sums of hours, days and months: each is what its parts add up to, in any order in which they come."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from plant import periods
from plant.vocabulary import NS_PER_HOUR, NS_PER_S
from store import blocks
from store.accounting.chain import SumChain, hour_sums, parent_of, parent_sums

HANOI, BERLIN, LORD_HOWE = (
    ZoneInfo(name) for name in ("Asia/Ho_Chi_Minh", "Europe/Berlin", "Australia/Lord_Howe")
)
ZONES = {1: HANOI, 2: BERLIN, 3: LORD_HOWE}
FIRST = (
    int(datetime(2026, 3, 28, 20, tzinfo=UTC).timestamp()) * NS_PER_S
)  # hours before Berlin's clocks are moved
WINDOWS = 4  # of an hour


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.executescript(resources.files("store").joinpath("schema.sql").read_text())
        yield made


def hours(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return hours of windows, [hours, windows, fields]: some unknown, some never computed, some hours without any."""
    block = rng.integers(1, 9, (count, WINDOWS, len(blocks.FIELDS))).astype(float)
    block[:, :, blocks.MEASURED : blocks.REVISION] = rng.choice([0.0, 0.25, 0.5], (count, WINDOWS, 3))
    unknown = rng.random((count, WINDOWS)) < 0.3
    unknown[rng.random(count) < 0.2] = True
    block[unknown, : len(blocks.AMOUNTS)] = np.nan
    block[unknown, blocks.MEASURED : blocks.REVISION] = 0.0
    return block


def plain(rows: list[np.ndarray]) -> list[float]:
    """Add windows one after the other: how many have coverage, what is known of each field, the greatest revision."""
    found = [0.0] + [float("nan")] * len(blocks.FIELDS)
    for row in rows:
        found[0] += bool(row[blocks.MEASURED] + row[blocks.INTERPOLATED] + row[blocks.SUBSTITUTED] > 0)
        for field, value in enumerate(row.tolist()):
            before = found[field + 1]
            if field == blocks.REVISION:
                found[field + 1] = value if np.isnan(before) else max(before, value)
            elif not np.isnan(value):
                found[field + 1] = value if np.isnan(before) else before + value
    return found


def unit_of(level: int, source: int, start: int) -> tuple[int, ...]:
    """Return which day or month of its park's clock an hour is in."""
    local = datetime.fromtimestamp(start // NS_PER_S, UTC).astimezone(ZONES[source])
    return (local.year, local.month, local.day)[: 3 if level == periods.DAY else 2]


def stored(connection: sqlite3.Connection, level: int) -> dict[tuple[int, int], list[float]]:
    rows = connection.execute(
        "SELECT * FROM total WHERE level = ? ORDER BY source, start", (level,)
    ).fetchall()
    return {(row[0], row[2]): [np.nan if value is None else value for value in row[3:]] for row in rows}


@pytest.mark.parametrize("seed", range(6))
def test_days_and_months_are_the_plain_sums_of_their_hours_whatever_came_first(
    connection: sqlite3.Connection, seed: int
) -> None:
    """Of three sources under three clocks, two of which are moved; hours come in any order, some twice, some memory is lost."""
    rng = np.random.default_rng(seed)
    chain = SumChain(connection, ZONES)
    starts = {
        source: periods.hour_start(FIRST + np.arange(200) * NS_PER_HOUR, zone)
        for source, zone in ZONES.items()
    }
    keys = [(source, start) for source in ZONES for start in sorted(set(starts[source].tolist()))]
    truth: dict[tuple[int, int], np.ndarray] = {}
    for number, batch in enumerate(np.array_split(rng.permutation(len(keys)), 6) * 2):
        some = sorted(keys[k] for k in batch.tolist() if number < 6 or rng.random() < 0.3)
        if not some:
            continue
        windows = hours(rng, len(some))
        truth |= dict(zip(some, windows, strict=True))
        source, start = np.array(some, np.int64).T
        chain.rebuild(source, start, windows)
        if number % 3 == 1:
            chain.forget()

    for key, found in stored(connection, periods.HOUR).items():
        np.testing.assert_allclose(found, plain(list(truth[key])), rtol=1e-12)
    for level in (periods.DAY, periods.MONTH):
        expected: dict[tuple[int, tuple[int, ...]], list[np.ndarray]] = {}
        for (source, start), windows in sorted(truth.items()):
            expected.setdefault((source, unit_of(level, source, start)), []).extend(windows)
        found = stored(connection, level)
        assert len(found) == len(expected)
        for (source, start), sums in found.items():
            rows = expected[source, unit_of(level, source, start)]
            np.testing.assert_allclose(sums, plain(rows), rtol=1e-9)


def test_a_parent_has_the_bits_of_its_childrens_sum(connection: sqlite3.Connection) -> None:
    rng = np.random.default_rng(7)
    chain = SumChain(connection, ZONES)
    start = np.unique(periods.hour_start(FIRST + np.arange(100) * NS_PER_HOUR, BERLIN))
    chain.rebuild(np.full(len(start), 2), start, hours(rng, len(start)) * 0.1)
    for level in (periods.DAY, periods.MONTH):
        below = stored(connection, level - 1)
        for (_, parent), sums in stored(connection, level).items():
            end = int(periods.UNITS[level].next(parent, BERLIN))
            mine = sorted(key for key in below if parent <= key[1] < end)
            children = np.array([below[key] for key in mine])
            made = parent_of(level, parent, np.array([key[1] for key in mine]), children)
            assert made.tobytes() == np.array(sums, float).tobytes()


def test_what_is_not_known_of_any_part_is_not_known_of_the_sum() -> None:
    never = blocks.empty(3)
    some = never.copy()
    some[1] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.5, 0.25, 0.0, 7.0]

    nothing, one = hour_sums(np.stack([never, some]))
    np.testing.assert_array_equal(nothing, [0, *[np.nan] * 6, 0, 0, 0, 0])
    np.testing.assert_array_equal(one, [1, 1, 2, 3, 4, 5, 6, 0.5, 0.25, 0.0, 7])
    np.testing.assert_array_equal(
        parent_sums(np.stack([np.stack([nothing, one, one])]))[0], [2, 2, 4, 6, 8, 10, 12, 1.0, 0.5, 0.0, 7]
    )


def test_a_stored_sum_that_is_no_number_is_set_aside_and_counts_as_absent(
    connection: sqlite3.Connection,
) -> None:
    start = np.unique(periods.hour_start(FIRST + np.arange(2) * NS_PER_HOUR, HANOI))
    windows = hours(np.random.default_rng(1), 2)
    SumChain(connection, ZONES).rebuild(np.ones(2, np.int64), start, windows)
    connection.execute("UPDATE total SET co2e_t = 'x' WHERE level = 1 AND start = ?", (int(start[0]),))
    SumChain(connection, ZONES).rebuild(np.ones(1, np.int64), start[1:], windows[1:])

    [day] = stored(connection, periods.DAY).values()
    np.testing.assert_allclose(day, plain(list(windows[1])))


def test_memory_holds_so_many_families_and_the_newest(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.accounting.chain.CACHED", 3)
    chain = SumChain(connection, dict.fromkeys(range(1, 9), HANOI))
    start = periods.hour_start(np.array([FIRST]), HANOI)
    for source in range(1, 9):
        chain.rebuild(np.array([source]), start, hours(np.random.default_rng(source), 1))

    assert len(chain._children) == 3
    assert (8, periods.DAY, int(periods.UNITS[periods.DAY].start(start, HANOI)[0])) in chain._children
    chain.forget()
    assert not chain._children

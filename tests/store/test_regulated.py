"""The table of counted hours: revisions, the chain, and unknown numbers."""

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from math import isnan, nan

import numpy as np
import pytest

from store.accounting.ledger import Entry
from store.accounting.regulated import CHANGE, RegulatedTable, first_broken
from store.accounting.regulated_hours import HourInputs, RegulatedHours, RoleHour, packed, regulated_hours

ENTRY = Entry(1, "regulation", "line", "hash", 3, 4)
SOURCE = 7
HOUR = 3600 * 10**9


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.executescript(files("store").joinpath("schema.sql").read_text())
    yield made
    made.close()


def hours(*co2e: float, live: float = 1.0) -> RegulatedHours:
    count = len(co2e)
    inputs = [HourInputs(1.0, nan, {"co2": RoleHour(nan, 0.0, value, 2)}) for value in co2e]
    return RegulatedHours(
        np.arange(count) * HOUR,
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.array(co2e),
        np.full(count, live),
        packed(inputs),
    )


def put(connection: sqlite3.Connection, new: RegulatedHours) -> int:
    return RegulatedTable(connection).write(ENTRY, SOURCE, regulated_hours(connection, SOURCE), new)


def test_what_is_written_reads_back(connection: sqlite3.Connection) -> None:
    assert put(connection, hours(1.5, nan)) == 2

    found = regulated_hours(connection, SOURCE)
    assert found.hour.tolist() == [0, HOUR]
    assert found.revision.tolist() == [1, 1]
    assert found.co2e_t[0] == 1.5
    assert isnan(found.co2e_t[1])
    assert connection.execute("SELECT co2e_t FROM regulated_hour WHERE hour > 0").fetchall() == [(None,)]
    assert [one.roles["co2"].rule for one in found.unpacked()] == [2, 2]
    assert isnan(found.unpacked()[0].load)
    assert RegulatedTable(connection).span(SOURCE) == (0, HOUR)


def test_only_what_differs_gets_a_revision_and_a_row_of_the_ledger(connection: sqlite3.Connection) -> None:
    put(connection, hours(1.5, nan, 3.0))
    assert put(connection, hours(1.5, nan, 3.0)) == 0
    assert put(connection, hours(1.5, 2.0, 3.0)) == 1

    assert regulated_hours(connection, SOURCE).revision.tolist() == [1, 2, 1]
    rows = connection.execute("SELECT changes FROM regulated_ledger ORDER BY id").fetchall()
    changes = [np.frombuffer(blob, CHANGE) for (blob,) in rows]
    assert [len(one) for one in changes] == [3, 1]
    assert isnan(changes[1]["old_co2e_t"][0])
    assert changes[1][["source", "revision", "hour"]].tolist() == [(SOURCE, 2, HOUR)]
    assert changes[1]["new_co2e_t"].tolist() == [2.0]


def test_another_live_number_is_noted_and_is_no_revision(connection: sqlite3.Connection) -> None:
    put(connection, hours(1.5))
    assert put(connection, hours(1.5, live=9.0)) == 0

    found = regulated_hours(connection, SOURCE)
    assert (found.live_co2e_t.tolist(), found.revision.tolist()) == ([9.0], [1])
    assert connection.execute("SELECT count(*) FROM regulated_ledger").fetchone() == (1,)


@pytest.mark.parametrize("column", ["changes", "actor", "previous", "hash"])
def test_the_chain_shows_the_first_row_that_was_touched(connection: sqlite3.Connection, column: str) -> None:
    for value in (1.0, 2.0, 3.0):
        put(connection, hours(value))
    assert first_broken(connection) is None

    connection.execute("DROP TRIGGER regulated_ledger_is_append_only_1")
    connection.execute(f"UPDATE regulated_ledger SET {column} = x'00' WHERE id = 2")
    assert first_broken(connection) == 2


def test_a_row_that_is_missing_breaks_the_chain(connection: sqlite3.Connection) -> None:
    for value in (1.0, 2.0, 3.0):
        put(connection, hours(value))
    connection.execute("DROP TRIGGER regulated_ledger_is_append_only_2")
    connection.execute("DELETE FROM regulated_ledger WHERE id = 2")
    assert first_broken(connection) == 3

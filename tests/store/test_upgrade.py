"""A state of an earlier schema is brought to today's, wherever it is interrupted, and says the same as before."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from proof.rebuild import differences
from store import blocks, upgrade
from store.records.movements import find_movement
from store.state import State
from store.upgrade import SCHEMA_VERSION
from tests.alerts.test_older_alerts import TABLES_OF_6
from tests.semantics.world import HOUR, NOON, World, reading

OLD = """CREATE TABLE old (
    source INTEGER NOT NULL, hour INTEGER NOT NULL, revision INTEGER NOT NULL, block BLOB NOT NULL, PRIMARY KEY (source, hour)
) WITHOUT ROWID"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "state").mkdir()
    made = World(tmp_path / "state")
    for hour in range(40):
        made.send(reading("reg", NOON - (40 - hour) * HOUR, 10.0 * hour), boot="b", seq=hour + 1)
    yield made
    made.close()


def of_schema_5(path: Path) -> None:
    """Give a state the form that it had: hours as they are, in a table without row numbers."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES_OF_6)
        rows = connection.execute("SELECT source, hour, revision, block FROM emission").fetchall()
        connection.execute("DROP TABLE emission")
        connection.execute(OLD)
        connection.execute("ALTER TABLE old RENAME TO emission")
        plain = [(*key, blocks.to_bytes(blocks.from_bytes(block))) for *key, block in rows]
        connection.executemany("INSERT INTO emission VALUES (?, ?, ?, ?)", plain)
        connection.execute("DROP TABLE backfill")
        connection.execute("DROP TABLE report")
        connection.execute("DROP TABLE reading_block")
        connection.execute("PRAGMA user_version = 5")
        connection.commit()


def copied(world: World, folder: Path) -> Path:
    """Return a copy of a world's state."""
    world.state.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    folder.mkdir()
    return Path(shutil.copy(world.folder / "state.db", folder / "state.db"))


def differing(world: World, other: Path) -> dict[str, int]:
    """Return in which tables a state differs; where limits stand is compared in tests/ingest/test_older_alerts.py."""
    found = differences(world.folder / "state.db", other)
    return {table: rows for table, rows in found.items() if table != "rule_state"}


def test_a_state_of_schema_5_says_the_same_and_is_smaller(world: World, tmp_path: Path) -> None:
    old = copied(world, tmp_path / "old")
    of_schema_5(old)
    before = old.stat().st_size
    with closing(State(old, world.plant)):
        pass
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert "emission_6" not in {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        connection.execute("VACUUM")
    assert old.stat().st_size < before
    assert differing(world, old) == {}


class PowerCut(BaseException):
    """Ends the process."""


@pytest.mark.parametrize("at", range(1, 12))
def test_wherever_it_is_interrupted_the_next_start_goes_on(
    world: World, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "AT_ONCE", 8)
    old = copied(world, tmp_path / "old")
    of_schema_5(old)
    left = [at]

    class Cut(sqlite3.Connection):
        def execute(self, *words: object) -> sqlite3.Cursor:  # type: ignore[override]
            if str(words[0]).startswith(
                ("CREATE", "BEGIN", "INSERT", "DROP", "ALTER", "COMMIT", "PRAGMA user_version =")
            ):
                left[0] -= 1
                if left[0] == 0:
                    raise PowerCut
            return super().execute(*words)  # type: ignore[arg-type]

    connection = sqlite3.connect(old, isolation_level=None, factory=Cut)
    with suppress(PowerCut):
        upgrade.upgrade(connection, 5)
    assert left[0] <= 0
    connection.close()
    with closing(State(old, world.plant)):
        pass
    assert differing(world, old) == {}


def test_an_hour_that_cannot_be_read_is_taken_over_as_it_is(world: World, tmp_path: Path) -> None:
    old = copied(world, tmp_path / "old")
    of_schema_5(old)
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("UPDATE emission SET block = 'text' WHERE hour = (SELECT min(hour) FROM emission)")
        connection.execute(
            "UPDATE emission SET block = x'0102' WHERE hour = (SELECT max(hour) FROM emission)"
        )
        connection.commit()
    with closing(State(old, world.plant)) as state:
        kept = [row[0] for row in state.connection.execute("SELECT block FROM emission ORDER BY hour")]
    assert (kept[0], kept[-1]) == ("text", b"\x01\x02")


def test_a_movement_of_schema_10_keeps_its_id(world: World, tmp_path: Path) -> None:
    old = copied(world, tmp_path / "old")
    said = {
        "park": "park-a",
        "instrument": "credits",
        "day": "2026-03-01",
        "serials": '[["VN-1",1,600]]',
        "standing": "entered",
    }
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("DROP TABLE movement")
        connection.executescript(upgrade.MOVEMENTS_10)
        columns = [(name, kind) for _, name, kind, *_ in connection.execute("PRAGMA table_info(movement)")]
        values = [said.get(name, "" if kind == "TEXT" else 1042) for name, kind in columns]
        connection.execute(f"INSERT INTO movement VALUES ({', '.join('?' * len(values))})", values)
        connection.execute("PRAGMA user_version = 10")
        connection.commit()
    with closing(State(old, world.plant)) as state:
        found = find_movement(state.connection, "1042")
    assert found is not None
    assert (found.id, found.row, found.park, found.serials) == ("1042", 0, "park-a", (("VN-1", 1, 600),))

"""Stored rows that cannot be read: set aside by name, one by one, and never what ends the service or keeps it from starting."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from store.accounting.closing import Decision
from store.blocks import IS_HOUR
from store.messages.replays import Replay
from store.messages.set_aside import rows_aside
from store.sound_rows import _ALSO, _EXEMPT, _MENDED, _WIDE, set_unsound_aside
from store.sqlite import StateMismatch
from tests.ingest.sparkplug.edge import DOUBLE, bdseq, payload
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, HOUR, MINUTE, NOON, SITE, World, reading

MORE = """\

subscriptions:
  - {topic: "spBv1.0/{group}/#", format: sparkplug, park: park-a, facility: works, gateway: gw, options: {names: {Power: power}}}
  - {topic: "found/#", discover: true}
"""
CONDITIONS = """\
alerts:
  - {name: silent, use: gateway-silent}
  - {name: idle, expr: value > 100, match: {channel: heat}, severity: warning, summary: "{subject} {value}"}
"""


class Attacked(World):
    may_set_aside = True


@pytest.fixture
def world() -> Iterator[Attacked]:
    """A service with something in nearly every table."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        config = Path(folder) / "config"
        shutil.copytree(CONFIGURATION, config)
        plant = config / "plant.yaml"
        plant.write_text(plant.read_text().replace("alerts:\n", CONDITIONS) + MORE)
        made = Attacked(Path(folder), config)
        fill(made)
        yield made
        with suppress(sqlite3.ProgrammingError):  # it is closed already
            made._shut()


def fill(world: World) -> None:
    for minute in range(5):
        at = NOON + 40 * MINUTE + minute * MINUTE
        both = [
            reading("reg", at, 100.0 + minute),
            reading("heat", at, 500.0, "°C"),
            reading("diesel", at, 1.0, "L"),
        ]
        world.send(*both, boot="b", seq=2 * minute + 1)
    world.send(reading("diesel", NOON - 3 * HOUR, 1.0, "L"))
    world.publish({"online": True}, leaf="status")
    world.publish(b"what is this", b"", topic=f"sm/v1/{SITE}/gw/readings")
    world.publish(b"1", topic="found/x")
    birth = payload(
        NOON // 10**6,
        0,
        bdseq(0),
        {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 1.0, "unit": "kW"},
    )
    world.publish(birth, topic="spBv1.0/G/NBIRTH/E")
    world.publish(payload(NOON // 10**6, None, bdseq(0)), topic="spBv1.0/G/NDEATH/E")
    world.decide(Decision("d1", "lan", "provisional", "park-a", "2026-02"))
    world.decide(Replay("r1", "lan", code="not_json"))
    world.tick(world.now + MINUTE)


def looked_at(world: World) -> list[tuple[str, str, str, bool]]:
    """Return table, column, kind and whether it must be there, of all columns that are looked at at the start."""
    names = [name for (name,) in world.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
    found = []
    for table in names:
        if table not in _EXEMPT and not table.startswith("sqlite_"):
            columns = world.rows('SELECT name, type, "notnull" OR pk, pk FROM pragma_table_info(?)', table)
            only_key = (
                [name for name, _, _, place in columns if place]
                if len([c for c in columns if c[3]]) == 1
                else []
            )
            for name, kind, needed, place in columns:
                if name in _WIDE.get(table, ()) or (place and kind == "INTEGER" and name in only_key):
                    continue  # an INTEGER PRIMARY KEY takes nothing else
                found.append((table, name, kind, bool(needed)))
    return found


SOUND = {"INTEGER": 1, "REAL": 1.0, "TEXT": "x", "BLOB": b"x"}
SPECIAL: dict[tuple[str, str], Any] = {
    ("quarantine", "outcome"): "quarantined",
    ("quarantine", "code"): "schema",
    ("period", "status"): "provisional",
    ("rule_state", "fired"): "[1, 2]",
    ("gateway_heard", "offsets"): bytes(80),
    ("alert", "labels"): "{}",
    ("alert", "texts"): "{}",
    ("silence", "match"): '["a=\\"b\\""]',
    ("sparkplug_away", "metrics"): "[]",
    ("sparkplug_away", "channels"): "[]",
    ("influx_reading", "readings"): bytes(21),
    ("pending_emission", "block"): bytes(80 * 60),
    ("replay", "wanted"): b'{"id": "x", "by": "y"}',
    ("replay", "became"): b"{}",
    ("record", "standing"): "approved",
    ("movement", "standing"): "approved",
    ("movement", "serials"): '[["A", 1, 9]]',
    ("report", "periods"): '["2025"]',
    ("report", "files"): "{}",
    ("report", "tonnes"): "{}",
    ("archived_month", "files"): '[{"name": "a", "sha256": "b", "size": 1}]',
}
NO_TEXT = "CAST(x'b043' AS TEXT)"
WRONG = {
    "INTEGER": ("'abc'", "x'ff'", "1.5", str(2**63 - 1), str(-(2**63))),
    "REAL": ("'abc'", "x'ff'", NO_TEXT),
    "TEXT": ("x'ff'", NO_TEXT),
    "BLOB": ("'abc'", "7"),
}
WRONG_TOO = ("'['", "'{}'", "'[{}]'", "'[\"a\", 1.5]'", "x'00'", "'nonsense'", "''", "'" + "[" * 5000 + "'")


def put(world: World, table: str, column: str, wrong: str, key: int = 987654321) -> None:
    """Insert a row that is sound but for one column; `key` tells rows apart."""
    columns = world.rows("SELECT name, type, pk FROM pragma_table_info(?)", table)
    values: dict[str, str] = {}
    for name, kind, _ in columns:
        sound = SPECIAL.get((table, name), SOUND[kind])
        values[name] = (
            f"x'{sound.hex()}'"
            if isinstance(sound, bytes)
            else json.dumps(sound)
            if isinstance(sound, int | float)
            else "'" + sound.replace("'", "''") + "'"
        )
    for name, kind, place in columns:
        if kind == "INTEGER" and place:
            values[name] = str(key)
        elif place and kind == "TEXT":
            values[name] = f"'x{key}'"
        elif place:
            values[name] = f"x'{key:016x}'"
    values[column] = wrong
    names = ", ".join(f'"{name}"' for name in values)
    world.state.connection.execute(
        f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({', '.join(values.values())})"
    )


def test_solid_a_nothing_that_the_service_writes_itself_is_set_aside(world: Attacked) -> None:
    world.restart()

    assert world.aside() == []


def test_solid_a_each_row_of_each_table_that_cannot_be_read_is_set_aside_by_name(world: Attacked) -> None:
    """One column wrong at a time: exactly that row goes, and is named; what is sound beside it stays."""
    connection, asked = world.state.connection, 0
    names = {table for table, *_ in looked_at(world)}
    for table, column, kind, _ in looked_at(world):
        also = WRONG_TOO if column in _ALSO.get(table, {}) else ()
        for wrong in (*WRONG[kind], *also):
            if wrong == f"'{SPECIAL.get((table, column))}'":
                continue
            with_it = {name: world.rows(f"SELECT count(*) FROM {name}")[0][0] for name in names}
            connection.execute("BEGIN")
            put(world, table, column, "1.0" if wrong == "1.5" and kind == "REAL" else wrong)
            set_unsound_aside(connection)
            found = [(row.table, row.reason) for row in rows_aside(connection)]
            left = {name: world.rows(f"SELECT count(*) FROM {name}")[0][0] for name in names}
            connection.execute("ROLLBACK")
            assert len(found) == 1, (table, column, wrong, found)
            assert found[0][0] == table
            assert column in found[0][1] or table == "replay", (found, column)
            mended = column in _MENDED.get(table, ((), ""))[0]
            assert left[table] - with_it[table] == int(mended), (table, column, wrong)
            del left[table], with_it[table]
            assert left == with_it
            asked += 1
    assert asked > 300
    assert IS_HOUR in _ALSO["pending_emission"]["block"]


def test_solid_a_with_all_of_them_at_once_the_service_starts_and_goes_on(world: Attacked) -> None:
    for table, column, kind, _ in looked_at(world):
        put(world, table, column, WRONG[kind][0])
    world.restart()
    world.send(reading("reg", NOON + 50 * MINUTE, 200.0), boot="b", seq=11)
    world.tick(world.now + HOUR)
    world.restart()

    assert len({table for table, _ in world.aside()}) > 25
    assert world.stored("reg")[-1][0] == 200.0
    assert world.line.troubles() == []
    assert world.ask("/v1/totals").status_code == 200


def test_solid_a_a_record_that_reaches_over_centuries_is_set_aside(world: Attacked) -> None:
    put(world, "record", "start", str(NOON))
    world.state.connection.execute("UPDATE record SET finish = start + 367 * 86400 * 1000000000")
    set_unsound_aside(world.state.connection)

    assert [row.table for row in rows_aside(world.state.connection)] == ["record"]


def test_solid_a_a_month_that_was_closed_stays_closed_where_its_row_cannot_be_read(world: Attacked) -> None:
    """To open it again would let late readings change what was reported."""
    world.state.connection.execute("UPDATE period SET status = 'fnial'")
    world.restart()

    assert world.rows("SELECT status FROM period") == [("final",)]
    assert world.aside() == [("period", "status cannot be read")]


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x91" * 5000, b"\x9f\xc3\x00", b"\x90", bytes(4000)])
def test_solid_a_an_edge_node_whose_memory_cannot_be_read_was_never_born(
    world: Attacked, content: bytes
) -> None:
    world.state.connection.execute("UPDATE sparkplug_node SET content = ?", (content,))
    world.restart()
    world.publish(
        payload(NOON // 10**6, 1, {"alias": 1, "value": 2.0}), topic="spBv1.0/G/NDATA/E", at=world.now
    )

    assert world.rows("SELECT code FROM quarantine ORDER BY message DESC LIMIT 1") == [("unmapped",)]
    assert world.line.unborn == {"G/E"}
    assert [table for table, _ in world.aside()] == (["sparkplug_node"] if content else [])

    birth = payload(
        NOON // 10**6,
        0,
        bdseq(1),
        {"name": "Power", "alias": 1, "datatype": DOUBLE, "value": 3.0, "unit": "kW"},
    )
    world.publish(birth, topic="spBv1.0/G/NBIRTH/E")
    world.restart()
    assert 3.0 in [value for value, _, _ in world.stored("power")]


@pytest.mark.parametrize("block", ["x''", "x'00'", "'text'", "zeroblob(4808)", "zeroblob(80)", "7"])
def test_solid_a_an_hour_of_windows_that_cannot_be_read_costs_itself(world: Attacked, block: str) -> None:
    """Whatever comes for that hour counts, and its windows are made again as far as readings touch them."""
    world.state.connection.execute(f"UPDATE emission SET block = {block}")
    world.restart()
    assert world.ask("/v1/totals").status_code == 200
    assert {value for value, _ in world.windows("reg", NOON, NOON + HOUR)} == {None}
    world.send(reading("reg", NOON + 50 * MINUTE, 200.0), boot="b", seq=11)

    assert world.codes().get("fault") is None
    assert ("emission", "block is no hour of windows: restate the month to have it again") in world.aside()
    assert world.total("reg")["co2e_t"] is not None


def test_solid_a_sums_and_readings_that_cannot_be_read_cost_themselves(world: Attacked) -> None:
    connection = world.state.connection
    connection.execute("UPDATE total SET co2e_t = 'abc' WHERE level = 1")
    connection.execute("UPDATE reading SET value = 'abc' WHERE time = (SELECT max(time) FROM reading)")
    connection.execute("UPDATE reading SET quality = 300 WHERE time = (SELECT min(time) FROM reading)")
    world.restart()
    world.send(
        reading("reg", NOON + 50 * MINUTE, 200.0), reading("heat", NOON + 50 * MINUTE, 20.0, "°C"),
        reading("diesel", NOON + 50 * MINUTE, 2.0, "L"), boot="b", seq=11,
    )  # fmt: skip

    assert world.codes().get("fault") is None
    assert {table for table, _ in world.aside()} >= {"total", "reading"}
    assert world.stored("reg")[-1][0] == 200.0


def test_solid_a_groups_of_alerts_that_cannot_be_read_are_set_aside(world: Attacked) -> None:
    world.state.connection.execute("INSERT INTO alert_group VALUES ('r', 'g', x'7b')")
    world.restart()
    world.tick(world.now + MINUTE)

    assert [table for table, _ in world.aside()] == ["alert_group"]
    assert world.line.troubles() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cursor SET next = 'abc'",
        "DELETE FROM cursor",
        "UPDATE meta SET value = 'x' WHERE key = 'window'",
        "DELETE FROM meta",
    ],
)
def test_solid_a_without_its_cursor_or_its_window_a_state_is_refused_in_one_sentence(
    world: Attacked, change: str
) -> None:
    world.state.connection.execute(change)
    world._shut()

    with pytest.raises(StateMismatch, match="restore it from a backup"):
        world._open()

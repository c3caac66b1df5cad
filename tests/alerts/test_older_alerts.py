"""Alerts of a state that an earlier version left: limits and conditions stood in two tables then, and go on where they stood."""

import json
import sqlite3
from contextlib import closing

from alerts.judging.lifecycle import Phase
from store.state import State
from store.upgrade import SCHEMA_VERSION
from tests.alerts.clockwork import DESK, LIMITS, Clockwork, Started
from tests.semantics.world import World

HEAT = "  - {name: heat, expr: value > 400, match: {channel: t2}, severity: critical, summary: Hot}\n"
# What version 6 had in the place of one table.
TABLES_OF_6 = """
ALTER TABLE rule_state RENAME TO both;
CREATE TABLE rule_state (
    rule TEXT PRIMARY KEY, state TEXT NOT NULL, judged INTEGER NOT NULL, alert TEXT, fired TEXT NOT NULL, shelved_until INTEGER NOT NULL,
    told INTEGER NOT NULL DEFAULT 0, subject TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE condition_state (
    condition TEXT NOT NULL, subject TEXT NOT NULL, state INTEGER NOT NULL, since INTEGER NOT NULL, firing INTEGER NOT NULL,
    cleared_since INTEGER NOT NULL, fired TEXT NOT NULL, shelved_until INTEGER NOT NULL, alert TEXT NOT NULL, passed INTEGER NOT NULL,
    PRIMARY KEY (condition, subject)
) WITHOUT ROWID;
INSERT INTO rule_state
    SELECT rule, CASE state WHEN 0 THEN 'ok' WHEN 2 THEN 'firing' ELSE 'unknown' END, judged, nullif(alert, ''), fired, shelved_until,
    told, subject FROM both WHERE judged > 0;
INSERT INTO condition_state
    SELECT rule, subject, state, since, firing, cleared_since, fired, shelved_until, alert, passed FROM both WHERE judged < 0;
DROP TABLE both;
PRAGMA user_version = 6;
"""


def as_version_6_left_it(plant: Clockwork) -> None:
    plant._shut()
    with closing(sqlite3.connect(plant.folder / "state.db")) as connection:
        connection.executescript(TABLES_OF_6)
        kept = "SELECT (SELECT count(*) FROM rule_state), (SELECT count(*) FROM condition_state)"
        assert connection.execute(kept).fetchone() == (2, 1)
    plant._open()


def tables(world: World) -> dict[str, list[tuple]]:
    """Return the columns of each table."""
    names = [name for (name,) in world.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    columns = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)'
    return {name: world.rows(columns, name) for name in names}


def test_alerts_that_were_open_stay_open_and_end_when_they_are_over(started: Started) -> None:
    plant = started("09:00", LIMITS + HEAT + DESK)
    plant.at("09:01", t0=500, t1=20, t2=20)
    plant.at("09:02", t2=500)
    plant.at("09:04", t1=30)
    before = plant.rows("SELECT * FROM rule_state ORDER BY 1, 2")
    as_version_6_left_it(plant)

    assert plant.rows("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    after = plant.rows("SELECT * FROM rule_state ORDER BY 1, 2")
    columns = [name for (name,) in plant.rows("SELECT name FROM pragma_table_info('rule_state')")]
    since = columns.index("since")  # of a limit: nobody knew
    assert [row[:since] + row[since + 1 :] for row in after] == [
        row[:since] + row[since + 1 :] for row in before
    ]

    plant.at("09:05", t0=510, t2=510)
    plant.at("09:07", t1=20)
    assert plant.told() == ["09:01 day: hot firing", "09:03 day: heat firing"]
    plant.at("09:08", t0=20, t1=120, t2=20)
    plant.at("09:10")
    assert plant.told()[2:] == [
        "09:08 day: warm firing, hot resolved after 7min",
        "09:09 day: heat resolved after 6min",
    ]


def test_its_tables_are_those_of_a_new_state(started: Started) -> None:
    plant = started("09:00", LIMITS + HEAT + DESK)
    plant.at("09:01", t0=500, t1=20, t2=20)
    plant.at("09:02")
    wanted = tables(plant)
    as_version_6_left_it(plant)
    plant.at("09:03", t0=20, t1=120, t2=20)

    assert tables(plant) == wanted


def test_a_shelf_and_what_was_late_are_kept(started: Started) -> None:
    plant = started("09:00", LIMITS + HEAT + DESK)
    plant.at("09:01", t1=20, t2=20)
    for minute in range(2, 8):
        plant.at(f"09:0{minute}", t0=20 if minute % 2 else 500)
    [(fired, until)] = plant.rows("SELECT fired, shelved_until FROM rule_state WHERE rule = 'hot'")
    as_version_6_left_it(plant)
    plant.at("09:08", t0=500)

    assert len(json.loads(fired)) == 3
    assert plant.rows("SELECT shelved_until, state FROM rule_state WHERE rule = 'hot'") == [
        (until, Phase.FIRING)
    ]
    assert plant.rows("SELECT status FROM alert WHERE ended_at IS NULL") == [("silenced",)]


def test_a_state_is_brought_up_once(started: Started) -> None:
    plant = started("09:00", LIMITS + HEAT + DESK)
    plant.at("09:01", t0=500, t1=20, t2=20)
    plant.at("09:02")
    as_version_6_left_it(plant)
    kept = plant.rows("SELECT * FROM rule_state ORDER BY 1, 2")
    plant.restart()

    assert plant.rows("SELECT * FROM rule_state ORDER BY 1, 2") == kept
    plant._shut()
    with closing(State(plant.folder / "state.db", plant.plant)):
        pass
    plant._open()
    plant.at("09:03", t0=20, t1=120, t2=500)

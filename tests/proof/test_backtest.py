"""What conditions would have made of the past: what they did make of it, where it came in time."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plant.clock import format_time
from proof.backtest import Episode, TooLong, backtest
from stackmeter.cli import app
from tests.alerts.test_condition_watch import CONFIGURATION, Conditions
from tests.semantics.world import DAY, HOUR, MINUTE, NOON

HEAT = [80.0, 320, 320, 320, 320, 60, 60, 60, 60, 60, 130, 130, 130, 130, 40, 40]


@pytest.fixture
def world(tmp_path: Path) -> Conditions:
    made = Conditions(tmp_path, CONFIGURATION, NOON)
    for minute, value in enumerate(HEAT):
        made.heat(minute * MINUTE, value)
        made.power(minute * MINUTE + 1, 900.0 + 20 * minute)
    made.close()
    return made


def ignore(_name: str, _done: int, _of: int) -> None:
    """Show no progress."""


def tried(world: Conditions, start: int, end: int) -> list[Episode]:
    with closing(sqlite3.connect(world.folder / "state.db")) as connection:
        return list(backtest(connection, world.plant, start, end, None, ignore))


def test_the_past_gives_the_alerts_that_it_gave(world: Conditions) -> None:
    found = tried(world, NOON - HOUR, NOON + len(HEAT) * MINUTE)

    with closing(sqlite3.connect(world.folder / "state.db")) as connection:
        made = connection.execute(
            "SELECT rule, started_at, ended_at FROM alert WHERE rule IN ('hot', 'peak', 'rate') ORDER BY 2, 1"
        ).fetchall()
    assert {rule for rule, _, _ in made} >= {"hot", "peak"}
    again = [(one.rule, one.started_at, one.ended_at) for one in found if one.rule in ("hot", "peak", "rate")]
    assert sorted(again, key=lambda one: (one[1], one[0])) == [
        (rule, format_time(began), None if ended is None else format_time(ended))
        for rule, began, ended in made
    ]


def test_a_stretch_with_too_many_instants_is_refused(world: Conditions) -> None:
    with pytest.raises(TooLong, match="take a shorter stretch"):
        tried(world, NOON - 3000 * DAY, NOON)


def test_the_command_says_what_it_leaves_out(world: Conditions) -> None:
    given = ["rules", "backtest", format_time(NOON), format_time(NOON + 16 * MINUTE), "--rule", "hot"]
    given += ["--config", str(CONFIGURATION), "--state", str(world.folder)]

    people, programs = CliRunner().invoke(app, given), CliRunner().invoke(app, [*given, "--json"])

    assert people.exit_code == programs.exit_code == 0, people.output
    assert "left out, of gateways: clock, offline, silent" in people.output
    told = json.loads(programs.stdout)
    assert [(one["rule"], one["value"]) for one in told["alerts"]] == [("hot", 320.0), ("hot", 130.0)]

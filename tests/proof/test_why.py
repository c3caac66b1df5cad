"""Why an alert began: judged again from the state, with the readings that its rule saw."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plant.clock import format_time
from proof.why import CannotExplain, Why, why
from stackmeter.cli import app
from tests.alerts.test_condition_watch import CONFIGURATION, Conditions
from tests.semantics.world import HOUR, MINUTE, NOON

MOMENTS = {minute: 80.0 if minute < 3 else 320.0 for minute in range(8)}  # hot for 2 min: from the third on


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Conditions]:
    made = Conditions(tmp_path, CONFIGURATION, NOON)
    for minute, value in MOMENTS.items():
        made.heat(minute * MINUTE, value)
    made.heat(8 * MINUTE, 40.0)
    yield made
    made.close()


def told(world: Conditions, rule: str) -> Why:
    [(number,)] = world.rows(f"SELECT id FROM alert WHERE rule = '{rule}'")
    with closing(sqlite3.connect(world.folder / "state.db")) as connection:
        return why(connection, world.plant, number)


def test_a_condition_is_judged_again_at_each_instant_up_to_its_alert(world: Conditions) -> None:
    found = told(world, "hot")

    assert found.started_at == format_time(NOON + 5 * MINUTE)
    assert found.judged == "value > 100"
    last = [(step.time, step.truth, step.value) for step in found.steps[-6:]]
    assert last == [(format_time(NOON + m * MINUTE), MOMENTS[m] > 100, MOMENTS[m]) for m in range(6)]
    assert [step.truth for step in found.steps[:-6]] == [None] * (len(found.steps) - 6)
    assert [(r.channel, r.value, r.message) for r in found.readings] == [
        ("heat", MOMENTS[m], m + 1) for m in range(6)
    ]


def test_a_limit_that_changes_on_a_date_is_shown_as_it_was_at_each_instant(tmp_path: Path) -> None:
    """The readings stay as they are; at midnight by the park's clock the limit falls below them."""
    folder = tmp_path / "config"
    shutil.copytree(CONFIGURATION, folder)
    midnight = NOON + 12 * HOUR
    days = [format_time(at + 7 * HOUR)[:10] for at in (NOON, midnight)]
    (folder / "dated.yaml").write_text(
        "alerts:\n  - {name: dated, expr: value > parameter('limit'), match: {channel: heat}, severity: info, summary: S,"
        f" parameters: {{limit: [{{from: {days[0]}, value: 500}}, {{from: {days[1]}, value: 300}}]}}}}\n",
        encoding="utf-8",
    )
    made = Conditions(tmp_path, folder, midnight - 3 * MINUTE)
    for minute in range(-3, 2):
        made.heat(12 * HOUR + minute * MINUTE, 320.0)

    found = told(made, "dated")
    made.close()

    assert found.started_at == format_time(midnight)
    assert [(step.limit, step.truth) for step in found.steps[-3:]] == [
        (500, False),
        (500, False),
        (300, True),
    ]


def test_a_limit_shows_the_readings_up_to_the_one_that_passed_it(world: Conditions) -> None:
    found = told(world, "burning")

    assert found.judged == "above 300 °C"
    assert [(step.value, step.truth) for step in found.steps] == [
        (80, False),
        (80, False),
        (80, False),
        (320, True),
    ]
    assert found.readings[-1].message == 4


def test_an_alert_that_is_not_there_is_said(world: Conditions) -> None:
    with (
        closing(sqlite3.connect(world.folder / "state.db")) as connection,
        pytest.raises(CannotExplain, match="there is no alert 'alert_0'"),
    ):
        why(connection, world.plant, "alert_0")


def test_the_command_tells_it_to_people_and_to_programs(world: Conditions) -> None:
    [(number,)] = world.rows("SELECT id FROM alert WHERE rule = 'hot'")
    given = [
        "alerts",
        "why",
        number.removeprefix("alert_")[:8],
        "--config",
        str(CONFIGURATION),
        "--state",
        str(world.folder),
    ]

    people, programs = CliRunner().invoke(app, given), CliRunner().invoke(app, [*given, "--json"])

    assert people.exit_code == programs.exit_code == 0, people.output
    assert "hot: value > 100" in people.output
    assert "320 °C" in people.output
    assert json.loads(programs.output)["steps"][-1] == {
        "time": format_time(NOON + 5 * MINUTE), "truth": True, "value": 320.0, "limit": 100.0,
        "unit": "°C", "comparison": ">",
    }  # fmt: skip

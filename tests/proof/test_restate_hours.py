"""Regulated hours that were counted under another configuration, counted again."""

from pathlib import Path
from typing import Any

import pytest

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.park import Plant
from proof.restate import restate as work
from proof.restate.request import Request
from rules.catalogue import load_catalogue
from tests.ingest.test_regulated import CONFIGURATION, RegulatedWorld, configured, deliver, minutes
from tests.semantics.world import HOUR, NOON, SECOND, reading

MONTH = "2026-03"


def plant_of(config: Path) -> Plant:
    return load(config, load_catalogue(config), AnySecret())


def ignore(_done: int, _of: int) -> None:
    """Show no progress."""


def story(world: RegulatedWorld) -> None:
    """In the second and third hour there is a concentration every 80 s: all is covered, by 75 % of a reading a minute."""
    for hour in range(4):
        start = NOON + hour * HOUR
        sparse = [reading("co2", start + 80 * n * SECOND, 10.0 + hour, "%") for n in range(45)]
        full = minutes(hour, 10.0 + hour, range(0) if hour in {1, 2} else range(60))
        deliver(world, hour, [*full, *(sparse if hour in {1, 2} else [])])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Four hours of a stack, counted by how much of each is covered."""
    folder = tmp_path / "state"
    folder.mkdir()
    world = RegulatedWorld(folder, CONFIGURATION, NOON)
    story(world)
    world.close()
    return folder


def hours(folder: Path, config: Path) -> list[tuple[Any, ...]]:
    world = RegulatedWorld(folder, config, NOON + 5 * HOUR)
    found = [(h["hour"], h["status"], h["co2e_t"], h["inputs"]) for h in world.hours("mrr")]
    world.close()  # proves them too
    return found


def by_cadence(folder: Path) -> Path:
    """Return the configuration under which readings are counted, one a minute being possible."""
    return configured(folder, "mrr", "cadence: 60s")


def request(config: Path, state: Path) -> Request:
    return Request(config, state, MONTH, MONTH)


def test_a_dry_run_tells_which_hours_would_change_and_changes_none(tmp_path: Path, state: Path) -> None:
    config, before = by_cadence(tmp_path), hours(state, CONFIGURATION)

    report = work.dry_run(request(config, state), plant_of(config), ignore)

    [delta] = report.hours
    assert (delta.source, report.windows) == ("mrr", 0)
    assert (
        delta.hours == 3
    )  # two become invalid; of the last all readings are there, though its last minute is open
    assert delta.delta_t > 0  # the mean and two standard deviations stand for two hours
    assert hours(state, CONFIGURATION) == before


def test_published_hours_are_those_of_a_state_made_under_the_new_configuration(
    tmp_path: Path, state: Path
) -> None:
    config = by_cadence(tmp_path)
    report = work.publish(request(config, state), plant_of(config), "lan", lambda: NOON, ignore)

    fresh = tmp_path / "fresh"
    fresh.mkdir()
    world = RegulatedWorld(fresh, config, NOON)
    story(world)
    world.close()
    restated = hours(state, config)
    assert [status for _, status, _, _ in restated] == ["valid", "substituted", "substituted", "valid"]
    assert restated == hours(fresh, config)
    assert [delta.hours for delta in report.hours] == [3]


def test_the_ledger_says_who_and_a_second_run_finds_nothing(tmp_path: Path, state: Path) -> None:
    config = by_cadence(tmp_path)
    work.publish(request(config, state), plant_of(config), "lan", lambda: NOON, ignore)
    again = work.publish(request(config, state), plant_of(config), "lan", lambda: NOON, ignore)

    world = RegulatedWorld(state, config, NOON + 5 * HOUR)
    told = world.rows("SELECT cause, actor, configuration FROM regulated_ledger WHERE cause = 'restatement'")
    world.close()
    assert told == [("restatement", "lan", plant_of(config).hash)]
    assert again.hours == []

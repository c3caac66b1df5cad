"""Section 2: `since` of a source, and from when on a total is known."""

import shutil
from pathlib import Path

import pytest

from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from rules.catalogue import load_catalogue
from tests.semantics.world import CONFIGURATION, DAY, GRID, HOUR, MINUTE, NOON, World, ns, reading

MIDNIGHT = ns("2026-03-10T00:00:00+07:00")
TOLD = "2026-03-10T05:00:00Z"  # NOON


def configured(folder: Path, **since: str) -> Path:
    """Return the configuration with a `since` of some sources, all of them its only ones but `power`."""
    config = folder / "since"
    shutil.copytree(CONFIGURATION, config)
    for file in config.glob("*.yaml"):
        text = file.read_text()
        for name, time in since.items():
            text = text.replace(f"{{name: {name}, method:", f'{{name: {name}, since: "{time}", method:')
        file.write_text(text)
    return config


def a_day(world: World, source_channel: str = "reg", since: int = NOON) -> None:
    """Let a meter count one kWh a minute from a time until an hour later, and look then."""
    world.now = since + HOUR
    world.send(*[reading(source_channel, since + m * MINUTE, 10 + m) for m in range(61)])


def test_solid_b3_a_month_that_was_empty_for_days_says_from_when_it_is_known(world: World) -> None:
    a_day(world)

    month = world.total("reg", period="2026-03")

    assert (month["coverage"], month["known_from"], month["unheard"]) == (1.0, TOLD, [])


def test_solid_b3_a_period_that_begins_with_its_source_or_later_is_known_from_its_beginning(
    world: World,
) -> None:
    a_day(world)

    for start in ("2026-03-10T12:00:00+07:00", "2026-03-10T12:30:00+07:00"):
        found = world.total("reg", from_=start, to="2026-03-10T13:00:00+07:00")
        assert (found["coverage"], found["known_from"]) == (1.0, None), start


def test_solid_b3_a_first_reading_inside_the_first_window_leaves_nothing_to_be_said(world: World) -> None:
    world.now = MIDNIGHT + HOUR
    world.send(*[reading("reg", MIDNIGHT + m * MINUTE + 30 * 10**9, 10 + m) for m in range(60)])

    assert world.total("reg")["known_from"] is None


def test_solid_b3_a_since_before_the_first_reading_counts_the_empty_time_as_missing(
    tmp_path: Path, world: World
) -> None:
    a_day(world)
    world.restart(configured(tmp_path, reg="2026-03-10T00:00:00+07:00"))

    month, day = world.total("reg", period="2026-03"), world.total("reg")

    for found in (month, day):
        assert found["known_from"] is None
        assert found["coverage"] == pytest.approx(1 / 13)
        assert found["shares"]["missing"] == pytest.approx(12 / 13)


def test_solid_b3_before_its_since_a_source_owes_nothing(tmp_path: Path, world: World) -> None:
    """What was read before counts all the same."""
    a_day(world)
    world.restart(configured(tmp_path, reg="2026-03-10T12:30:00+07:00"))

    found = world.total("reg")

    assert (found["coverage"], found["known_from"]) == (1.0, None)
    assert found["co2e_t"] == pytest.approx(60 * GRID)
    world.now = NOON + 90 * MINUTE
    assert world.total("reg")["coverage"] == pytest.approx(30 / 60)


def test_solid_b3_a_source_with_a_since_that_was_never_heard_is_missing_and_not_0(
    tmp_path: Path, world: World
) -> None:
    world.restart(configured(tmp_path, reg="2026-03-10T00:00:00+07:00", diesel="2026-03-10T00:00:00+07:00"))
    world.now = NOON

    for source in ("reg", "diesel"):
        found = world.total(source)
        assert (found["co2e_t"], found["coverage"], found["unheard"]) == (None, 0.0, []), source


def test_solid_b3_silence_of_a_source_of_events_is_0_from_its_since_on(tmp_path: Path, world: World) -> None:
    world.restart(configured(tmp_path, diesel="2026-03-10T00:00:00+07:00"))
    world.now = NOON + HOUR
    world.send(reading("diesel", NOON, 10, "L"))

    found = world.total("diesel")
    morning = world.total("diesel", from_="2026-03-10T00:00:00+07:00", to="2026-03-10T06:00:00+07:00")

    assert (found["coverage"], found["known_from"]) == (1.0, None)
    assert (morning["co2e_t"], morning["coverage"]) == (0.0, 1.0)


def test_solid_b3_a_sum_is_known_from_when_the_last_of_its_sources_is(world: World) -> None:
    a_day(world)
    a_day(world, "free", NOON + 2 * HOUR)

    [park] = world.get("/v1/totals", level="park", period="2026-03-10")["totals"]

    assert park["known_from"] == "2026-03-10T07:00:00Z"
    assert "park-a/works/reg" not in park["unheard"]
    assert {"park-a/works/power", "park-a/works/diesel"} <= set(park["unheard"])


def test_solid_b3_a_source_that_is_heard_only_after_a_period_is_unheard_in_it(world: World) -> None:
    """One day more or less makes no difference to what is said: it was not known there."""
    a_day(world)

    yesterday, tomorrow = (world.total("reg", period=f"2026-03-{day}") for day in ("09", "11"))

    assert (yesterday["co2e_t"], yesterday["coverage"]) == (None, None)
    assert (yesterday["known_from"], yesterday["unheard"]) == (None, ["park-a/works/reg"])
    assert tomorrow["unheard"] == []  # nothing of it has passed


def test_solid_b3_an_interval_begins_with_its_period(world: World) -> None:
    world.now = NOON + HOUR
    world.send(*[reading("quarter", NOON + k * 15 * MINUTE, 15) for k in range(1, 5)])

    found = world.total("quarter")

    assert (found["known_from"], found["coverage"]) == (TOLD, 1.0)


def test_solid_b3_the_one_amount_of_a_year_covers_the_year(tmp_path: Path, world: World) -> None:
    """Its only instant is its end, so that no window of the year used to be due."""
    config = tmp_path / "yearly"
    shutil.copytree(CONFIGURATION, config)
    for file in config.glob("*.yaml"):
        file.write_text(file.read_text().replace("period: 15min", "period: 365d"))
    world.restart(config)
    world.now = ns("2026-01-03T00:00:00+07:00")
    world.send(reading("quarter", ns("2026-01-01T00:00:00+07:00"), 8_760))

    found = world.total("quarter", period="2025")

    assert (found["coverage"], found["known_from"]) == (1.0, None)
    assert found["co2e_t"] == pytest.approx(8_760 * GRID)


def test_solid_b3_readings_that_do_not_count_begin_nothing(world: World) -> None:
    world.now = NOON + HOUR
    world.send(reading("reg", NOON - HOUR, 1, quality="bad"))
    a_day(world)

    assert world.total("reg")["known_from"] == TOLD


def test_solid_b3_a_first_reading_that_is_taken_back_takes_its_beginning_with_it(world: World) -> None:
    """The state is a function of the set: a correction that does not count makes the reading as if absent."""
    a_day(world)
    world.send(reading("reg", NOON - 2 * HOUR, 5))
    assert world.total("reg")["known_from"] == "2026-03-10T03:00:00Z"

    world.send(reading("reg", NOON - 2 * HOUR, 5, quality="bad", correction=1))

    assert world.total("reg")["known_from"] == TOLD
    world.restart()
    assert world.total("reg")["known_from"] == TOLD


@pytest.mark.parametrize("year", ["0001", "1677", "1972", "2261", "9999"])
def test_solid_b3_a_since_beyond_all_time_is_refused_where_it_was_written(tmp_path: Path, year: str) -> None:
    """It does not fit into int64 nanoseconds, or into the times of the API, and would end every question."""
    config = configured(tmp_path, reg=f"{year}-01-02T00:00:00Z")

    with pytest.raises(ConfigurationError, match="since: a time lies between 1973 and 2260"):
        load(config, load_catalogue(config), {"SEMANTICS_SECRET": "whsec_" + "A" * 40})


def test_solid_b3_whatever_tells_a_coverage_tells_from_when_it_is_known(world: World) -> None:
    a_day(world)
    explained = world.get("/v1/explain", park="park-a", facility="works", source="reg", period="2026-03")
    assert explained["result"]["known_from"] == TOLD
    day = next(one for one in explained["children"] if one["period"]["from"] == "2026-03-09T17:00:00Z")
    assert day["known_from"] == TOLD
    [quality] = world.get("/v1/quality", period="2026-03")["facilities"]
    assert quality["known_from"] == TOLD
    series = world.get(
        "/v1/series",
        kind="emission",
        source="reg",
        every="1d",
        from_="2026-03-09T17:00:00Z",
        to="2026-03-10T17:00:00Z",
    )
    assert series["known_from"] == TOLD
    year = world.get("/v1/roadmap", park="park-a", facility="works")["roadmap"][0]["years"][-1]
    assert year["known_from"] == TOLD
    world.now = NOON + DAY
    [after] = world.get("/v1/totals", level="source", source="reg", period="today", with_="previous")[
        "totals"
    ]
    assert after["previous"]["known_from"] == TOLD

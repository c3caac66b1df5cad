"""The configurations that come with the project are valid and hold what they promise."""

from pathlib import Path

import pytest

from plant.configuration.load import load
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, Kind
from rules.catalogue import load_catalogue

CONFIG = Path(__file__).parents[2] / "config"


def example(name: str) -> Plant:
    return load(CONFIG / name, load_catalogue(CONFIG / name), environment={})


@pytest.fixture(scope="module")
def haiphong() -> Plant:
    return example("haiphong")


def test_haiphong_has_two_parks_and_six_facilities(haiphong: Plant) -> None:
    facilities = [(f.park, f.name) for f in haiphong.facilities]

    assert facilities == [
        ("deep-c", "chemicals"),
        ("deep-c", "food"),
        ("nam-cau-kien", "foundry"),
        ("nam-cau-kien", "mill"),
        ("nam-cau-kien", "plastics"),
        ("nam-cau-kien", "wastewater"),
    ]
    assert {park.zone.key for park in haiphong.parks} == {"Asia/Ho_Chi_Minh"}


def test_haiphong_has_sixty_channels_of_all_kinds(haiphong: Plant) -> None:
    assert len(haiphong.channels) >= 60
    assert {channel.kind for channel in haiphong.channels} == set(Kind)


def test_haiphong_measures_what_parks_measure(haiphong: Plant) -> None:
    wanted = {
        "electricity",
        "natural-gas",
        "diesel",
        "steam",
        "solar",
        "water",
        "stack-gas",
        "co2",
        "moisture",
    }

    assert wanted <= {channel.quantity for channel in haiphong.channels}


def test_haiphong_has_two_stacks(haiphong: Plant) -> None:
    stacks = [s.facility for s in haiphong.sources if s.method.startswith("stack-co2")]

    assert stacks == ["chemicals", "mill"]


def test_every_facility_of_haiphong_emits(haiphong: Plant) -> None:
    assert {s.facility for s in haiphong.sources} == {f.name for f in haiphong.facilities}


def test_haiphong_judges_a_channel_and_a_source(haiphong: Plant) -> None:
    assert any(rule.subject == "channel" for rule in haiphong.rules)
    assert any(rule.subject == "source" for rule in haiphong.rules)


def test_haiphong_says_that_its_facilities_are_invented(haiphong: Plant) -> None:
    assert all("(invented)" in facility.title for facility in haiphong.facilities)


def test_steel_is_one_channel_that_takes_a_year_of_2018() -> None:
    steel = example("steel-2018")

    (channel,), (source,) = steel.channels, steel.sources
    assert (channel.kind, channel.period, channel.unit.symbol) == (Kind.INTERVAL, 15 * NS_PER_MIN, "kWh")
    assert (source.method, source.factor, source.inputs[0].scale) == (
        "electricity-location",
        "steel-2018-grid",
        1.0,
    )
    assert steel.max_late == 20_000 * NS_PER_DAY
    assert steel.parks[0].zone.key == "Asia/Seoul"

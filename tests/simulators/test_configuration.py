"""What the simulators take from a configuration directory."""

import math
from pathlib import Path

import pytest

from simulators.configuration import Channel, ConfigurationError, read_configuration
from simulators.message import Address

HOUR = 3600 * 10**9


def channel(directory: Path, name: str) -> Channel:
    return next(c for c in read_configuration(directory).channels if c.name == name)


def test_channels_come_from_yaml_and_from_the_point_list(directory):
    names = [c.name for c in read_configuration(directory).channels]

    assert names == [
        "mdb/energy",
        "gas",
        "diesel",
        "stack/flow",
        "stack/co2",
        "steam",
        "solar/energy",
        "pump/energy",
    ]


def test_gateways_are_those_that_send_something(directory):
    assert read_configuration(directory).addresses == (
        Address("trang-due", "mill", "g1"),
        Address("trang-due", "mill", "g2"),
    )


def test_limits_that_are_not_given_are_unknown(directory):
    found = channel(directory, "solar/energy")

    assert (found.max_rate, math.isnan(found.modulus), found.ratio) == (200, True, 1)


def test_gaps_are_a_day_for_registers_and_an_hour_for_others(directory):
    gaps = [channel(directory, name).max_gap for name in ("mdb/energy", "steam", "stack/flow")]

    assert gaps == [24 * HOUR, HOUR, HOUR // 6]


def test_the_age_that_the_service_takes_is_read(directory):
    assert read_configuration(directory).max_late == 40 * 24 * HOUR


@pytest.mark.parametrize(("before", "ratio"), [(1, 1), (0, 3)])
def test_a_swap_holds_from_its_instant_on(directory, before, ratio):
    swap = channel(directory, "pump/energy").swaps[0]

    assert channel(directory, "pump/energy").at(swap.time - before).ratio == ratio


def test_files_without_parks_are_passed_over(directory):
    (directory / "factors.yaml").write_text("factors: [{name: ours}]\n")
    (directory / "empty.yaml").write_text("")

    assert len(read_configuration(directory).channels) == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parks: [", "broken.yaml"),
        ("parks: [{name: p, facilities: [{name: f, channels: [{name: c}]}]}]", "broken.yaml: KeyError"),
        ("parks: [{name: p, facilities: [{name: f, points: none.csv}]}]", "broken.yaml: FileNotFoundError"),
        ("settings: {max_late: 3}", "broken.yaml: ValueError: 3 is no duration"),
    ],
)
def test_an_error_names_the_file(directory, text, message):
    (directory / "broken.yaml").write_text(text)

    with pytest.raises(ConfigurationError, match=message):
        read_configuration(directory)


def test_a_directory_without_channels_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no channel"):
        read_configuration(tmp_path)


def test_what_people_enter_no_gateway_sends() -> None:
    examples = Path(__file__).parents[2] / "docs/examples"

    assert [one.name for one in read_configuration(examples).channels] == ["meter"]

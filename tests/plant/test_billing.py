"""What a facility's electricity is billed by, as a configuration says it."""

from pathlib import Path

import pytest

from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from plant.park import Plant
from plant.vocabulary import NS_PER_MIN
from tests.plant.catalogue import SmallCatalogue

PARK = """\
settings: {window: 60s}
parks:
  - name: north
    title: North Park
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: The Mill
        gateways: [{name: g1}]
        channels:
          - {name: main, gateway: g1, kind: register, unit: MWh, quantity: active_energy}
          - {name: idle, gateway: g1, kind: rate, unit: kvar, quantity: reactive_power}
          - {name: heat, gateway: g1, kind: level, unit: °C, quantity: temperature}
        virtual:
          - {name: net, expr: main - main / 10, unit: kWh}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: grid}
        tariff: {name: peaks, energy: main, reactive: idle}
"""


def loaded(directory: Path, text: str) -> Plant:
    (directory / "park.yaml").write_text(text, encoding="utf-8")
    return load(directory, SmallCatalogue(), {})


def test_a_facility_is_billed_by_its_channels_in_the_units_of_bills(tmp_path: Path) -> None:
    plant = loaded(tmp_path, PARK)
    billing = plant.facilities[0].billing

    assert billing is not None
    names = [plant.channel(index).name for index in (billing.energy, billing.reactive)]
    assert (billing.tariff, names) == ("peaks", ["main", "idle"])
    assert (billing.energy_scale, billing.reactive_scale) == (1000.0, 1.0)
    assert billing.demand_interval == 30 * NS_PER_MIN


def test_a_virtual_channel_is_billed_like_a_meter(tmp_path: Path) -> None:
    plant = loaded(tmp_path, PARK.replace("energy: main, reactive: idle", "energy: net"))
    billing = plant.facilities[0].billing

    assert billing is not None
    assert plant.channel(billing.energy).name == "net"
    assert billing.reactive == -1


def test_without_a_tariff_a_configuration_keeps_its_name(tmp_path: Path) -> None:
    """The hash of a configuration that says nothing of tariffs is what it was before there were any."""
    without = PARK.replace("        tariff: {name: peaks, energy: main, reactive: idle}\n", "")

    assert loaded(tmp_path, without).hash == HASH
    assert loaded(tmp_path, PARK).hash != HASH


HASH = "ba285d8b3a733fdd941603d4f132181fe0e397b6676452659f8d06912e8a9991"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("name: peaks", "name: peak", "tariff.name: there is no tariff peak (did you mean peaks?)"),
        ("energy: main, r", "energy: mian, r", "tariff.energy: there is no channel mian (did you mean main?)"),
        ("energy: main, r", "energy: heat, r", "tariff.energy: channel heat is a level; a bill is of amounts"),
        ("energy: main, r", "energy: idle, r", "tariff.energy: channel idle is no channel of active energy"),
        ("reactive: idle", "reactive: main", "tariff.reactive: channel main is no channel of reactive energy"),
        ("name: peaks", "name: flat", "tariff.reactive: tariff flat charges no reactive energy: leave it out"),
        ("idle}", "idle, demand_interval: 25min}", "tariff.demand_interval: is a whole number of windows and divides an hour"),
        ("window: 60s", "window: 1h", "a slot of peaks ends at 17:30, inside a window of 60 min: settings.window must divide it"),
    ],
)  # fmt: skip
def test_a_tariff_that_fits_nothing_is_refused(tmp_path: Path, before: str, after: str, problem: str) -> None:
    assert before in PARK

    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, PARK.replace(before, after, 1))

    assert problem in str(caught.value)


BATTERY = (
    PARK
    + """\
        battery: {energy: 1800, power: 500, efficiency: 0.9, charged: main, discharged: net}
"""
)


def test_a_battery_is_advised_by_a_tariff_and_counted_in_kilowatt_hours(tmp_path: Path) -> None:
    billing = loaded(tmp_path, BATTERY).facilities[0].billing
    battery = billing.battery if billing else None

    assert battery is not None
    assert (battery.energy, battery.power, battery.efficiency) == (1800.0, 500.0, 0.9)
    assert (battery.charged_scale, battery.discharged_scale) == (1000.0, 1.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("efficiency: 0.9", "efficiency: 1.1", "should be less than or equal to 1"),
        ("power: 500", "power: 0", "should be greater than 0"),
        (", discharged: net", "", "is given with the other way, or neither"),
        ("charged: main", "charged: heat", "channel heat is a level; a battery is of amounts"),
        ("charged: main", "charged: mian", "did you mean main?"),
        ("charged: main", "charged: idle", "channel idle is no channel of active energy"),
        ("tariff: {name: peaks, energy: main, reactive: idle}", "", "is advised by the prices of a tariff"),
    ],
)
def test_a_battery_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        loaded(tmp_path, BATTERY.replace(old, new, 1))

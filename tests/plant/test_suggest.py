"""Words that were probably meant: by their sense, not by their letters alone."""

from zoneinfo import available_timezones

import pytest

from plant import suggest
from plant.suggest import did_you_mean, nearest
from plant.units import UnknownUnit, unit
from plant.vocabulary import Kind
from rules.catalogue import load_catalogue
from tests.frame.repository import ROOT
from tests.plant.test_load import PARK, problems_of

CATALOGUE = load_catalogue(ROOT / "config" / "haiphong")
METHODS, FACTORS = list(CATALOGUE.methods), list(CATALOGUE.factors)
KINDS = [kind.value for kind in Kind]
ZONES = available_timezones()


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("Asia/Hanoi", ZONES, "Asia/Ho_Chi_Minh"),
        ("Asia/Hai_Phong", ZONES, "Asia/Ho_Chi_Minh"),
        ("Viet Nam", ZONES, "Asia/Ho_Chi_Minh"),
        ("UTC+7", ZONES, "Asia/Ho_Chi_Minh"),
        ("+07:00", ZONES, "Asia/Ho_Chi_Minh"),
        ("asia/ho_chi_minh", ZONES, "Asia/Ho_Chi_Minh"),
        ("Asia/Ho_Chi_Min", ZONES, "Asia/Ho_Chi_Minh"),
        ("Asia/Berlin", ZONES, "Europe/Berlin"),
        ("Bangkok", ZONES, "Asia/Bangkok"),
        ("counter", KINDS, "register"),
        ("Cumulative", KINDS, "register"),
        ("gauge", KINDS, "level"),
        ("flow", KINDS, "rate"),
        ("delta", KINDS, "interval"),
        ("pulse", KINDS, "event"),
        ("grid", METHODS, "electricity-location"),
        ("diesel", METHODS, "fuel-liquid-volume"),
        ("cems", METHODS, "stack-co2"),
        ("evn", FACTORS, "vn-grid"),
        ("error", ["info", "warning", "critical"], "critical"),
        ("power", ["mdb1/power", "mdb1/energy"], "mdb1/power"),
        ("electricity", ["active_energy", "gas_volume"], "active_energy"),
        ("grid", ["mill", "foundry"], None),
        ("x" * 65, ["x" * 65], None),
    ],
)
def test_solid_c_a_word_is_taken_for_what_it_means(word, known, meant):
    assert nearest(word, known) == meant
    assert did_you_mean(word, known) == (f" (did you mean {meant}?)" if meant else "")


@pytest.mark.parametrize(
    ("symbol", "meant"),
    [
        ("kwh", "kWh"),
        ("KWH", "kWh"),
        ("kilowatt-hours", "kWh"),
        ("celsius", "°C"),
        ("percent", "%"),
        ("Nm3/hr", "Nm3/h"),
        ("kilowatt", "kW"),
        ("amps", "A"),
    ],
)
def test_solid_c_a_unit_is_taken_for_what_it_means(symbol, meant):
    with pytest.raises(UnknownUnit) as caught:
        unit(symbol)

    assert f"did you mean {meant}?" in str(caught.value)


def test_solid_c_every_sense_is_one_that_something_knows():
    known = {*ZONES, *KINDS, *METHODS, *FACTORS, "info", "warning", "critical", "good", "bad", "final", "approve", "acknowledge", "firing", "resolved"}  # fmt: skip
    quantities = {"active_energy", "active_power", "gas_volume", "temperature", "co2_concentration", "o2_concentration", "flow"}  # fmt: skip
    others = {meaning for meaning, _ in suggest._SENSES} - known - quantities

    assert [symbol for symbol in others if unit(symbol).symbol != symbol] == []


def test_solid_c_a_zone_of_hanoi_is_told_by_its_name(tmp_path):
    [problem] = problems_of(tmp_path, {"park.yaml": PARK.replace("Asia/Ho_Chi_Minh", "Asia/Hanoi")})

    assert problem.endswith("there is no time zone Asia/Hanoi (did you mean Asia/Ho_Chi_Minh?)")

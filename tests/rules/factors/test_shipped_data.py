"""The factors and GWP sets that are shipped: reviewed data, held to ranges that have a reason."""

import re
from datetime import date
from decimal import Decimal
from importlib import resources

import numpy as np
import pytest

from plant.documents.documents import parse
from rules.factors.factor_files import ShippedFactor, ShippedFile, ShippedRow
from rules.factors.factors import Factor, load_factors
from rules.factors.gwp import gwp_set, gwp_sets

REGISTER = load_factors(None)
ENTRIES: list[ShippedFactor] = [
    factor
    for entry in (resources.files("rules") / "data").iterdir()
    if entry.name.endswith(".factors.yaml")
    for factor in parse(entry, ShippedFile).factors
]
FUELS = sorted(entry.name for entry in ENTRIES if entry.basis == "net-calorific")
ROWS = [pytest.param(row, id=f"{entry.name}-{row.valid_from}") for entry in ENTRIES for row in entry.rows]

every_fuel = pytest.mark.parametrize("name", FUELS)
every_row = pytest.mark.parametrize("row", ROWS)


def newest(name: str) -> dict[str, float]:
    """Return the values that hold today."""
    now = np.array([np.datetime64("2026-11-24", "ns").astype(np.int64)])
    return {key: float(column[0]) for key, column in REGISTER.at(name, now).items()}


def test_every_shipped_factor_is_in_the_register() -> None:
    assert sorted(REGISTER.factors) == sorted(entry.name for entry in ENTRIES)


@every_row
def test_every_row_says_where_it_is_from(row: ShippedRow) -> None:
    """A source names a document, a letter, a decision or guidelines, and its date."""
    assert re.search(r"letter|Decision|Guidelines", row.source)
    assert re.search(r"\b20[0-9]{2}\b", row.source)


@every_row
def test_no_row_begins_in_the_future_and_none_that_is_closed_is_provisional(row: ShippedRow) -> None:
    assert row.valid_from <= date(2026, 11, 24)
    assert row.valid_to is None or row.status == "official"


@every_fuel
def test_a_fuel_has_one_origin_of_its_co2(name: str) -> None:
    values = newest(name)

    assert sorted([values["co2"] > 0, values["co2_biogenic"] > 0]) == [False, True]


@every_fuel
def test_the_co2_of_a_fuel_is_what_its_carbon_can_give(name: str) -> None:
    """From coke-oven gas, which is mostly hydrogen, to coke and wood; blast-furnace gas is mostly inert CO2 and CO."""
    values = newest(name)
    low, high = (250, 270) if name.endswith("blast-furnace-gas") else (44, 113)

    assert low <= values["co2"] + values["co2_biogenic"] <= high


@every_fuel
def test_a_fuel_has_less_methane_than_charcoal_and_less_nitrous_oxide_than_wood(name: str) -> None:
    """The largest of IPCC 2006, table 2.3; kg/TJ taken for kg/GJ would be a thousand times more. Diesel of rail has more than wood."""
    values = newest(name)

    assert 0.001 <= values["ch4"] <= 0.2
    assert 0.0001 <= values["n2o"] <= (0.0286 if name == "vn-2626-rail-diesel" else 0.004)


@every_fuel
def test_the_calorific_value_of_a_fuel_is_between_blast_furnace_gas_and_biogas(name: str) -> None:
    assert 2 <= newest(name)["ncv"] <= 51


def test_the_national_list_agrees_with_ipcc_where_it_says_it_follows_it() -> None:
    pairs = {"diesel": "diesel", "fuel-oil": "residual-fuel-oil", "lpg": "lpg", "natural-gas": "natural-gas", "anthracite": "anthracite", "biomass": "other-solid-biomass"}  # fmt: skip

    assert [newest(f"vn-2626-{vn}") for vn in pairs] == [
        newest(f"ipcc-2006-{ipcc}") for ipcc in pairs.values()
    ]


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in ENTRIES if e.name in FUELS])
def test_kilograms_per_terajoule_become_the_nearest_float_of_kilograms_per_gigajoule(
    entry: ShippedFactor,
) -> None:
    """Decimal division is the other path; a float factor of 0.001 would be off in the last digit."""
    written, found = entry.rows[-1].values, newest(entry.name)

    expected = [float(Decimal(str(written[gas])) / 1000) for gas in ("co2", "ch4", "n2o")]
    assert [found["co2"] + found["co2_biogenic"], found["ch4"], found["n2o"]] == expected


def grid(*times: str) -> list[str]:
    return list(REGISTER.row_ids("vn-grid", np.array(times, "datetime64[ns]").astype(np.int64)))


def test_the_grid_has_the_published_year_of_each_reading() -> None:
    years = np.array(["2021-07-01", "2022-07-01", "2023-07-01"], "datetime64[ns]").astype(np.int64)

    np.testing.assert_array_equal(REGISTER.at("vn-grid", years)["co2"], [0.7221, 0.6766, 0.6592])


def test_a_year_of_the_grid_begins_at_midnight_in_viet_nam() -> None:
    """17:00 UTC of New Year's Eve; the second before is the old year's."""
    assert grid("2022-12-31T16:59:59", "2022-12-31T17:00:00") == ["vn-grid/2022", "vn-grid/2023"]


def test_the_grid_is_unknown_before_its_first_year_that_could_be_traced() -> None:
    before = np.array([np.datetime64("2020-12-31T16:59:59", "ns").astype(np.int64)])

    assert np.isnan(REGISTER.at("vn-grid", before)["co2"]).all()
    assert grid("2020-12-31T16:59:59") == [""]


def test_the_grid_of_years_without_a_letter_is_provisional_and_that_of_2023() -> None:
    since = np.array(["2023-12-31T16:59:59", "2023-12-31T17:00:00", "2026-11-24"], "datetime64[ns]").astype(
        np.int64
    )

    assert list(REGISTER.statuses("vn-grid", since)) == ["official", "provisional", "provisional"]
    np.testing.assert_array_equal(REGISTER.at("vn-grid", since)["co2"], [0.6592] * 3)
    assert REGISTER.factors["vn-grid"].status == "provisional"


def test_the_sets_are_those_of_four_reports() -> None:
    assert list(gwp_sets()) == ["SAR", "AR4", "AR5", "AR6"]


def test_methane_and_nitrous_oxide_of_each_set() -> None:
    assert [(gwp_set(name)["CH4"], gwp_set(name)["N2O"]) for name in gwp_sets()] == [(21, 310), (25, 298), (28, 265), (27.9, 273)]  # fmt: skip


@pytest.mark.parametrize("name", ["SAR", "AR4", "AR5", "AR6"])
def test_every_gas_of_a_set_is_within_a_fifth_of_a_neighbouring_report_or_is_a_known_revision(
    name: str,
) -> None:
    """A digit lost or doubled would stand out. SAR to AR4 moved most; HFC-32 to HFC-245fa by up to 27 %."""
    sets = list(gwp_sets())
    neighbour = gwp_set(sets[max(sets.index(name) - 1, 0)] if name != "SAR" else "AR4")
    common = gwp_set(name).gases.keys() & neighbour.gases.keys()

    assert {
        gas: gwp_set(name)[gas] / neighbour[gas]
        for gas in common
        if not 0.7 < gwp_set(name)[gas] / neighbour[gas] < 1.4
    } == {}


def test_blends_follow_from_their_parts() -> None:
    """R-410A is half HFC-32, half HFC-125: 1,725, 2,087.5, 1,923.5 and 2,255.5 as derived tables print it."""
    blends = [(gwp_set(name)["HFC-32"] + gwp_set(name)["HFC-125"]) / 2 for name in gwp_sets()]

    assert blends == [1725, 2087.5, 1923.5, 2255.5]


def test_an_unknown_set_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"no GWP set 'AR7', only SAR, AR4, AR5, AR6"):
        gwp_set("AR7")


def test_a_factor_holds_its_columns_in_the_units_that_its_outside_states() -> None:
    factors: list[Factor] = [REGISTER[name] for name in REGISTER.factors]

    assert all(set(factor.columns) == set(factor.spec.units) for factor in factors)

"""F-factors and the other tables of part 75: what rule they belong to, and that chemistry agrees with them."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.american.part75.f_factors import f7a_fd, f7b_fc, f8_prorated
from rules.american.part75.tables import default_moisture, diluent_cap, f_factor, fo_range, tables

ROWS = tables().f_factors.rows
KEYS = [(row.rule, row.fuel) for row in ROWS]

# Ultimate analyses by mass (H, C, S, N, O in %), gross calorific value in Btu/lb, and moles of dry flue gas and of CO2.
METHANE = (25.13, 74.87, 0.0, 0.0, 0.0, 23_880.0)
PROPANE = (18.29, 81.71, 0.0, 0.0, 0.0, 21_650.0)


def test_a_factor_is_named_by_its_rule_and_its_fuel() -> None:
    assert len(KEYS) == len(set(KEYS))


def test_sub_bituminous_coal_differs_between_the_rules() -> None:
    """2.2 % in heat input by CO2."""
    ours, theirs = f_factor("part-75", "sub-bituminous"), f_factor("method-19", "sub-bituminous")

    assert (ours.fd, ours.fc) == (9820, 1840)
    assert (theirs.fd, theirs.fc) == (9780, 1800)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_factor_is_of_the_size_that_combustion_gives(row: object) -> None:
    """Dry flue gas is 8,700 to 10,300 scf/mmBtu for all fuels; between a tenth and a fifth of it is CO2."""
    assert 8_700 <= row.fd <= 10_300
    assert 0.119 <= row.fc / row.fd <= 0.2
    assert row.fw is None or 1.04 <= row.fw / row.fd <= 1.23


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_factor_tells_where_it_was_seen(row: object) -> None:
    assert re.search("appendix F|Method 19", row.source)
    assert row.mark in {"V", "V2", "M"}


@pytest.mark.parametrize(("fuel", "analysis"), [("natural-gas", METHANE), ("propane", PROPANE)])
def test_the_listed_factors_follow_from_the_composition_of_the_fuel(
    fuel: str, analysis: tuple[float, ...]
) -> None:
    """Within 4 %: natural gas is not pure methane."""
    listed = f_factor("part-75", fuel)
    _, carbon, *_, gcv = analysis

    np.testing.assert_allclose(f7a_fd(*analysis), listed.fd, rtol=0.02)
    np.testing.assert_allclose(f7b_fc(carbon, gcv), listed.fc, rtol=0.04)


@given(
    hydrogen=st.floats(0, 20),
    carbon=st.floats(30, 90),
    sulfur=st.floats(0, 5),
    nitrogen=st.floats(0, 3),
    oxygen=st.floats(0, 20),
)
def test_f7_is_the_stoichiometry_of_burning_in_air(
    hydrogen: float, carbon: float, sulfur: float, nitrogen: float, oxygen: float
) -> None:
    """Dry gas per pound from moles, with air of 20.9 % O2 and 385.3 scf/lb-mol."""
    o2 = carbon / 12.011 + hydrogen / 1.008 / 4 + sulfur / 32.06 - oxygen / 31.998
    moles = carbon / 12.011 + sulfur / 32.06 + nitrogen / 28.014 + o2 * 79.1 / 20.9

    np.testing.assert_allclose(
        f7a_fd(hydrogen, carbon, sulfur, nitrogen, oxygen, 12_000.0),
        moles / 100 * 385.3 * 1e6 / 12_000,
        rtol=0.01,
    )
    np.testing.assert_allclose(f7b_fc(carbon, 12_000.0), carbon / 12.011 * 3.853e6 / 12_000, rtol=0.001)


def test_f8_prorates_by_heat_input() -> None:
    share = np.array([[0.25, 1.0], [0.75, 0.0]])

    np.testing.assert_allclose(f8_prorated(share, np.array([8710.0, 9780.0])), [9512.5, 8710.0])


@pytest.mark.parametrize("share", [(0.5, 0.4), (1.5, -0.5), (np.nan, 1.0)])
def test_shares_that_are_not_a_whole_prorate_nothing(share: tuple[float, float]) -> None:
    assert np.isnan(f8_prorated(np.array(share), np.array([8710.0, 9780.0])))


def test_a_fuel_without_factor_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"F-factor of method-19 for 'butan', .*did you mean butane"):
        f_factor("method-19", "butan")


@pytest.mark.parametrize(
    ("fuel", "least", "most"),
    [
        ("anthracite", 3.0, 5.0),
        ("bituminous", 6.0, 8.0),
        ("sub-bituminous", 8.0, 12.0),
        ("lignite", 11.0, 13.0),
        ("wood", 13.0, 15.0),
        ("natural-gas-boiler", 14.0, 18.0),
    ],
)
def test_mass_takes_the_least_moisture_and_three_nox_rates_the_most(
    fuel: str, least: float, most: float
) -> None:
    by_equation = {e: default_moisture(fuel, e).percent for e in ("19-3", "19-4", "19-8", "19-5", "19-9")}

    assert default_moisture(fuel).percent == least
    assert by_equation == {"19-3": most, "19-4": most, "19-8": most, "19-5": least, "19-9": least}


def test_oil_has_no_default_moisture() -> None:
    with pytest.raises(ValueError, match="no default moisture for 'oil'"):
        default_moisture("oil")


def test_the_caps_are_five_and_fourteen_for_boilers_and_one_and_nineteen_for_turbines() -> None:
    caps = {unit: diluent_cap(unit) for unit in ("boiler", "turbine")}

    assert {unit: (cap.co2, cap.o2, cap.mark) for unit, cap in caps.items()} == {
        "boiler": (5.0, 14.0, "V"),
        "turbine": (1.0, 19.0, "V2"),
    }


@pytest.mark.parametrize("fuel", ["natural-gas", "propane", "bituminous", "anthracite", "lignite"])
def test_fo_of_the_listed_f_factors_is_within_its_plausible_range(fuel: str) -> None:
    """Fo is also 0.209 Fd / Fc."""
    factor = f_factor("part-75", fuel)
    found = 0.209 * factor.fd / factor.fc

    assert fo_range(fuel).low <= found <= fo_range(fuel).high

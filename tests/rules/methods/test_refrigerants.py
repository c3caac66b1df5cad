"""Fluorinated gases: potentials of gases and blends, and losses by three ways of counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.factors.gwp import gwp_set
from rules.formulas.refrigerants import blends, charge_balance, life_cycle_loss, potential, tonnes_co2e

kilograms = st.floats(0, 1e4)
percents = st.floats(0, 100)


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize(
    ("blend", "printed"),
    [
        ("R-410A", {"SAR": 1725, "AR4": 2087.5, "AR5": 1923.5, "AR6": 2255.5}),
        ("R-404A", {"SAR": 3260, "AR4": 3921.6, "AR5": 3942.8, "AR6": 4728.0}),
        ("R-407C", {"SAR": 1525.5, "AR4": 1773.85, "AR5": 1624.21, "AR6": 1907.93}),
        ("R-507A", {"SAR": 3300, "AR4": 3985, "AR5": 3985, "AR6": 4775}),
    ],
)
def test_a_blend_has_the_potential_of_its_parts_under_each_set(blend: str, printed: dict[str, float]) -> None:
    assert {name: potential(blend, gwp_set(name)) for name in printed} == printed


@pytest.mark.parametrize(("rounded", "blend"), [(2088, "R-410A"), (3922, "R-404A"), (1774, "R-407C")])
def test_printed_tables_round_what_is_not_rounded_here(rounded: int, blend: str) -> None:
    assert round(potential(blend, gwp_set("AR4")) + 1e-9) == rounded


def test_the_parts_of_every_blend_are_all_of_it() -> None:
    assert {name: sum(parts.values()) for name, parts in blends().items()} == dict.fromkeys(blends(), 100)


def test_every_part_is_a_gas_of_every_set() -> None:
    gases = {gas for parts in blends().values() for gas in parts}

    assert all(gases <= gwp_set(name).gases.keys() for name in ("SAR", "AR4", "AR5", "AR6"))


def test_sulphur_hexafluoride_is_a_gas_like_others() -> None:
    np.testing.assert_allclose(tonnes_co2e(one(2.0), "SF6", gwp_set("AR5")), [47], rtol=1e-14)


def test_a_gas_that_a_set_does_not_have_is_refused_and_not_0() -> None:
    with pytest.raises(ValueError, match="SAR has no potential of HFC-245fa"):
        potential("HFC-245fa", gwp_set("SAR"))


def test_an_unknown_substance_is_refused_with_the_one_that_was_probably_meant() -> None:
    with pytest.raises(ValueError, match=r"AR5 has no potential of R-410 \(did you mean R-410A\?\)"):
        potential("R-410", gwp_set("AR5"))


def test_an_unknown_amount_stays_unknown() -> None:
    assert np.isnan(tonnes_co2e(one(np.nan), "R-410A", gwp_set("AR5"))).all()


@given(c=st.tuples(kilograms, kilograms, kilograms), p=st.tuples(percents, percents, percents, percents))
def test_the_loss_over_a_life_agrees_with_the_equation(
    c: tuple[float, float, float], p: tuple[float, float, float, float]
) -> None:
    (assembled, operating, disposed), (k, x, y, z) = c, p

    found = life_cycle_loss(one(assembled), one(k), one(operating), one(x), one(disposed), one(y), one(z))

    expected = assembled * k / 100 + operating * x / 100 + disposed * (y / 100) * (1 - z / 100)
    np.testing.assert_allclose(found, [expected], rtol=1e-12, atol=1e-300)


@given(charge=kilograms, leaks=st.lists(st.floats(0, 10), max_size=5))
def test_what_is_topped_up_into_sound_equipment_is_the_charge_balance(
    charge: float, leaks: list[float]
) -> None:
    """Equipment of one nameplate, leaks refilled from stock: both ways of counting give the leaks."""
    topped_up = sum(leaks)

    found = charge_balance(one(charge + topped_up), one(charge), one(0.0), one(0.0), one(0.0), one(0.0))

    np.testing.assert_allclose(found, [topped_up], rtol=1e-9, atol=1e-9)


@given(parts=st.tuples(kilograms, kilograms, kilograms, kilograms, kilograms, kilograms))
def test_the_charge_balance_agrees_with_the_equation(
    parts: tuple[float, float, float, float, float, float],
) -> None:
    begin, end, bought, returned, new, retired = parts

    found = charge_balance(*(one(part) for part in parts))

    expected = (begin - end) + bought - returned - (new - retired)
    np.testing.assert_allclose(found, [expected], rtol=1e-12, atol=1e-9)


def test_new_equipment_that_takes_what_was_bought_has_lost_nothing() -> None:
    zero = one(0.0)

    np.testing.assert_array_equal(charge_balance(zero, zero, one(30.0), zero, one(30.0), zero), [0])


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("wrong", [np.nan, -1.0])
def test_a_balance_with_something_unknown_is_unknown(place: int, wrong: float) -> None:
    parts = [one(5.0) for _ in range(6)]
    parts[place] = one(wrong)

    assert np.isnan(charge_balance(*parts)).all()


@pytest.mark.parametrize("place", range(7))
def test_a_life_with_something_impossible_is_unknown(place: int) -> None:
    parts = [one(5.0) for _ in range(7)]
    parts[place] = one(-1.0)

    assert np.isnan(life_cycle_loss(*parts)).all()

"""The carbon in a battery, against the loop that the equations are written as."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rules.formulas.battery import Battery, Tank, tank

energies = st.just(0.0) | st.floats(0.01, 500)
LOSSLESS = Battery(charge_efficiency=100, discharge_efficiency=100)


def run(
    charged: list[float], discharged: list[float], intensity: list[float], battery: Battery = LOSSLESS
) -> Tank:
    return tank(np.array(charged), np.array(discharged), np.array(intensity), battery)


def loop(
    charged: np.ndarray, discharged: np.ndarray, intensity: np.ndarray, battery: Battery
) -> list[list[float]]:
    """Return stored, carbon, intensity, delivered and lost of each interval."""
    s, m, rows = battery.stored, battery.carbon, []
    for charge, discharge, ci in zip(charged, discharged, intensity, strict=True):
        out = discharge / (battery.discharge_efficiency / 100)
        content = m / s if s > battery.empty else 0.0
        share = min(out / s, 1.0) if s > battery.empty else 0.0
        whole = s > battery.empty and out <= s * (1 + 1e-9)
        per_kwh = content / (battery.discharge_efficiency / 100) if whole else float("nan")
        delivered = m * share
        m = m - delivered + charge * ci
        s = max(s + charge * battery.charge_efficiency / 100 - out, 0.0)
        lost = m if s <= battery.empty else 0.0
        m -= lost
        rows.append([s, m, per_kwh, delivered, lost])
    return rows


@st.composite
def histories(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, Battery]:
    """Draw intervals that keep clear of the two edges on which rounding decides: just empty and just overdrawn."""
    count = draw(st.integers(1, 40))
    charged, discharged = (
        np.round(draw(arrays.arrays(float, count, elements=energies)), 2) for _ in range(2)
    )
    intensity = draw(arrays.arrays(float, count, elements=st.floats(0, 1)))
    battery = Battery(
        charge_efficiency=draw(st.floats(80, 100)),
        discharge_efficiency=draw(st.sampled_from([100.0, 95.0, 90.0])),
        stored=draw(st.floats(1, 1000)),
        carbon=draw(st.floats(0, 600)),
        empty=1e-6,
    )
    return charged, discharged, intensity, battery


@given(history=histories())
@settings(max_examples=150)
def test_the_columns_agree_with_the_loop(history: tuple[np.ndarray, np.ndarray, np.ndarray, Battery]) -> None:
    found = tank(*history)

    expected = np.array(loop(*history)).T
    columns = [found.stored, found.carbon, found.intensity, found.delivered, found.lost]
    np.testing.assert_allclose(columns, expected, rtol=1e-7, atol=1e-6)


@given(history=histories())
@settings(max_examples=150)
def test_what_came_in_is_stored_or_delivered_or_lost(
    history: tuple[np.ndarray, np.ndarray, np.ndarray, Battery],
) -> None:
    charged, _, intensity, battery = history

    found = tank(*history)

    came = battery.carbon + np.cumsum(charged * intensity)
    left = np.cumsum(found.delivered + found.lost)
    np.testing.assert_allclose(found.carbon + left, came, rtol=1e-9, atol=1e-9)


@given(history=histories())
@settings(max_examples=60)
def test_nothing_is_below_zero(history: tuple[np.ndarray, np.ndarray, np.ndarray, Battery]) -> None:
    found = tank(*history)

    assert all((c >= -1e-9).all() for c in (found.stored, found.carbon, found.delivered, found.lost))


def test_a_lossless_battery_gives_back_what_it_was_charged_with() -> None:
    found = run([100, 0], [0, 40], [0.6, 0.9])

    np.testing.assert_allclose(found.intensity, [np.nan, 0.6], rtol=1e-14)
    np.testing.assert_allclose(found.delivered, [0, 24], rtol=1e-14)


def test_losses_make_each_delivered_kilowatt_hour_carry_more() -> None:
    """0.6 kg over 0.9 and 0.8 is 0.8333 kg per kWh."""
    found = run([100, 0], [0, 40], [0.6, 0.6], Battery(charge_efficiency=90, discharge_efficiency=80))

    np.testing.assert_allclose(found.intensity[1], 0.6 / 0.9 / 0.8, rtol=1e-14)


def test_sun_and_grid_mix_in_it() -> None:
    found = run([50, 150, 0], [0, 0, 10], [0.0, 0.8, 0.0])

    np.testing.assert_allclose(found.intensity[2], 0.6, rtol=1e-14)


def test_what_is_left_when_it_is_empty_is_lost() -> None:
    battery = Battery(charge_efficiency=100, discharge_efficiency=100, empty=0.5)

    found = run([100, 0, 0], [0, 99.6, 0.1], [0.5, 0, 0], battery)

    np.testing.assert_allclose(found.carbon, [50, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.lost, [0, 0.2, 0], rtol=1e-9, atol=1e-12)
    assert np.isnan(found.intensity[2])


def test_what_is_drawn_beyond_its_content_has_no_known_origin() -> None:
    found = run([100, 0, 0], [0, 120, 0], [0.5, 0, 0])

    assert np.isnan(found.intensity[1])
    np.testing.assert_allclose(found.delivered, [0, 50, 0], rtol=1e-14)
    np.testing.assert_array_equal(found.stored, [100, 0, 0])


def test_the_last_kilowatt_hour_drawn_to_the_last_digit_is_no_overdraft() -> None:
    found = run([0.1, 0.2, 0], [0, 0, 0.3], [1, 1, 0])

    np.testing.assert_allclose(found.intensity[2], 1, rtol=1e-9)


def test_an_unknown_intensity_is_forgotten_once_the_battery_is_empty() -> None:
    found = run([100, 0, 100, 0], [0, 100, 0, 50], [np.nan, 0, 0.4, 0])

    np.testing.assert_array_equal(np.isnan(found.carbon), [True, False, False, False])
    np.testing.assert_allclose(found.intensity, [np.nan, np.nan, np.nan, 0.4], rtol=1e-14)


def test_an_intensity_is_not_needed_where_nothing_is_charged() -> None:
    found = run([100, 0], [0, 50], [0.5, np.nan])

    np.testing.assert_allclose(found.carbon, [50, 25], rtol=1e-14)


@pytest.mark.parametrize("wrong", [np.nan, -1.0])
@pytest.mark.parametrize("charging", [True, False])
def test_unknown_energy_makes_all_after_it_unknown_and_nothing_before(wrong: float, charging: bool) -> None:
    charged, discharged = [100.0, 0.0, 10.0], [0.0, 10.0, 10.0]
    (charged if charging else discharged)[1] = wrong

    found = run(charged, discharged, [0.5, 0.5, 0.5])

    np.testing.assert_array_equal(np.isnan(found.stored), [False, True, True])
    np.testing.assert_array_equal(np.isnan(found.carbon), [False, True, True])
    assert np.isnan(found.delivered[2])


@pytest.mark.parametrize("efficiency", [0.0, -1.0, 100.1])
def test_an_efficiency_that_cannot_be_leaves_everything_unknown(efficiency: float) -> None:
    found = run([100.0], [0.0], [0.5], Battery(charge_efficiency=efficiency, discharge_efficiency=90))

    assert np.isnan(found.carbon).all()


def test_batteries_side_by_side_do_not_touch_each_other() -> None:
    charged, discharged = np.array([[100.0, 0, 0], [0, 80, 0]]), np.array([[0.0, 20, 20], [0, 0, 40]])
    intensity = np.array([[0.5, 0, 0], [0, 0.25, 0]])

    together = tank(charged, discharged, intensity, LOSSLESS)

    for n in range(2):
        alone = tank(charged[n], discharged[n], intensity[n], LOSSLESS)
        np.testing.assert_array_equal(together.carbon[n], alone.carbon)
        np.testing.assert_array_equal(together.intensity[n], alone.intensity)

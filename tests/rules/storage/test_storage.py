"""A battery's tonnes and its cheapest day, against a golden case, every other way to work, and what must hold of any day."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant.commitments import Battery
from rules.storage.shifting import cheapest, seasonal_load
from rules.storage.tank import tank

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))["R53e"]
amounts = st.floats(0, 1e5).map(lambda one: round(one, 3))


# --- the tank


@given(
    st.lists(st.tuples(amounts, amounts, amounts, amounts), min_size=1, max_size=60),
    st.floats(0.1, 1),
    st.floats(1, 1e6),
)
@settings(max_examples=60, deadline=None)
def test_what_came_in_is_drawn_lost_or_stored_and_nothing_twice(steps, efficiency, most):
    charged, drawn, *came = np.array(steps).T
    found = tank(charged, drawn, np.column_stack(came), efficiency, most)
    parts = found.drawn + found.lost + found.stored

    assert parts == pytest.approx(found.came_in, rel=1e-12, abs=1e-9)
    assert all((one >= -1e-9).all() for one in (found.drawn, found.lost, found.stored))
    assert -1e-9 <= found.uncharged <= drawn.sum() * (1 + 1e-12)
    assert found.stored_kwh <= most / efficiency * (1 + 1e-12)


def test_what_is_drawn_has_the_mix_that_charged_it_and_losses_stay_with_the_user():
    """1,000 kWh of the grid with 0.6592 t and 1,000 of the roof with none; 900 are drawn of 1,800."""
    charged, drawn = np.array([1000.0, 1000.0, 0.0]), np.array([0.0, 0.0, 900.0])
    came_in = np.array([[0.6592, 0.0], [0.0, 1000.0], [0.0, 0.0]])  # t of the grid, kWh of the roof
    found = tank(charged, drawn, came_in, 0.9, 1800.0)

    assert found.drawn == pytest.approx([0.6592 / 2 * 0.9, 450.0], rel=1e-12)
    assert found.lost == pytest.approx([0.6592 / 2 * 0.1, 50.0], rel=1e-12)
    assert found.stored == pytest.approx([0.3296, 500.0], rel=1e-12)
    assert (found.stored_kwh, found.uncharged) == (pytest.approx(1000.0), 0.0)


def test_what_was_never_seen_charged_has_no_tonnes():
    found = tank(np.array([100.0]), np.array([150.0]), np.array([[1.0]]), 0.9, 1000.0)

    assert found.uncharged == pytest.approx(60.0)
    assert (found.drawn[0], found.lost[0], found.stored[0]) == pytest.approx((0.9, 0.1, 0.0))


def test_a_battery_holds_no_more_than_it_can():
    """Its losses are greater than its efficiency says: what cannot be in it is lost."""
    found = tank(np.array([1000.0, 1000.0]), np.zeros(2), np.array([[1.0], [1.0]]), 0.9, 900.0)

    assert (found.stored_kwh, found.stored[0], found.lost[0]) == pytest.approx((1000.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("charged", "efficiency", "message"),
    [([-1.0], 0.9, "below 0"), ([math.nan], 0.9, "unknown"), ([1.0], 1.01, "efficiency"), ([1.0], 0.0, "efficiency")],
)  # fmt: skip
def test_what_is_no_tank_is_refused(charged, efficiency, message):
    with pytest.raises(ValueError, match=message):
        tank(np.array(charged), np.zeros(1), np.zeros((1, 1)), efficiency, 1.0)


# --- the cheapest day


def day(prices):
    """Return the 48 half hours of a weekday by the hours of Decision 963."""
    price = np.full(48, float(prices["normal"]))
    price[:12], price[35:45] = prices["low"], prices["peak"]
    return price


def test_r53e_shifting_saves_money_and_costs_tonnes():
    case = GOLDEN
    asked, expected = case["inputs"], case["expected"]
    price, load = day(asked["prices_vnd_per_kwh"]), np.full(48, 5000.0)
    efficiency = asked["discharged_peak_kwh"] / asked["charged_low_kwh"]
    found = cheapest(Battery(asked["discharged_peak_kwh"], 450.0, efficiency), load, price, 0.5)

    assert (found.charged.sum(), found.discharged.sum()) == pytest.approx((1000, 900))
    assert found.charged[12:].sum() == 0
    assert found.discharged[35:45].sum() == pytest.approx(900)
    assert found.saved(price) == pytest.approx(expected["saved_vnd"], abs=case["abs_tol"])
    per_kwh = asked["yearly_factor_t_per_mwh"] / 1000
    assert -found.saved(np.full(48, per_kwh)) == pytest.approx(expected["extra_t"], abs=case["abs_tol"])


def test_it_is_the_best_of_all_ways_to_work():
    """Three hours, and a battery of 200 steps that its power fills in one hour: every way in moves of 20 steps, in plain loops."""
    price, load = np.array([3.0, 1.0, 2.5]), np.array([50.0, 50.0, 120.0])
    battery = Battery(100.0, 100.0, 0.8)
    found = cheapest(battery, load, price, 1.0)
    best = 0.0
    for moves in itertools.product(range(-10, 11), repeat=3):
        level, cost = 0, 0.0
        for k, each, most in zip(moves, price, load, strict=True):
            level += k
            cost += each * 10 * (k / 0.8 if k > 0 else k)
            if not 0 <= level <= 10 or -k * 10 > min(100, most) or k * 10 / 0.8 > 100:
                break
        else:
            best = min(best, cost)

    assert best < 0
    assert found.saved(price) == pytest.approx(-best, rel=1e-9)


@given(
    st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 5000)), min_size=1, max_size=24),
    st.floats(10, 5000),
    st.floats(10, 2000),
    st.floats(0.5, 1),
)
@settings(max_examples=40, deadline=None)
def test_it_is_never_dearer_than_none_and_keeps_power_energy_and_load(steps, energy, power, efficiency):
    load, price = np.array(steps).T
    found = cheapest(Battery(energy, power, efficiency), load, price, 1.0)
    stored = np.cumsum(found.charged * efficiency - found.discharged)

    assert found.saved(price) >= -1e-6
    assert (found.charged <= power * (1 + 1e-6)).all()
    assert (found.discharged <= np.minimum(power, load) * (1 + 1e-6)).all()
    assert (stored >= -1e-6 * energy).all()
    assert (stored <= energy * (1 + 1e-6)).all()
    assert not (found.charged * found.discharged).any()


def test_where_losses_cost_more_than_the_prices_differ_it_rests():
    price = np.array([1.0, 1.1])
    found = cheapest(Battery(100.0, 100.0, 0.85), np.full(2, 100.0), price, 1.0)

    assert not found.charged.any()
    assert not found.discharged.any()
    assert found.saved(price) == 0


@pytest.mark.parametrize(("load", "price"), [([-1.0], [1.0]), ([math.nan], [1.0]), ([1.0], [math.nan])])
def test_an_unknown_load_or_price_is_refused(load, price):
    with pytest.raises(ValueError, match="unknown"):
        cheapest(Battery(1.0, 1.0, 0.9), np.array(load), np.array(price), 1.0)


def test_a_load_is_the_mean_of_at_least_two_weeks():
    unknown = math.nan
    weeks = np.array([[10, 10, unknown], [20, unknown, unknown], [30, unknown, 6.0], [unknown, unknown, 8.0]])

    assert seasonal_load(weeks) == pytest.approx([20.0, unknown, 7.0], nan_ok=True)

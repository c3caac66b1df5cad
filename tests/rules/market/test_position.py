"""Positions and clean electricity: the golden cases, and that what is unknown stays unknown."""

import json
import math
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from rules.market.clean import hourly_match, pv_statement
from rules.market.position import Allowances, Offsets, position, settled

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
NAN = math.nan


def of_case(name):
    given = GOLDEN[name]["inputs"]
    return position(
        sum(given["inventory_t"].values()),
        Allowances(sum(given["allocated_t"].values())),
        given["credits_held_t"],
        Offsets(given["offset_share"], given["share_of"]),
        given["price_vnd_per_t"],
    )


@pytest.mark.parametrize("name", ["R51a", "R51b"])
def test_r51_what_is_short_what_credits_cover_and_what_the_rest_costs(name):
    found, expected = of_case(name), GOLDEN[name]["expected"]
    told = {
        "allocated_t": found.allocated,
        "inventory_t": found.inventory,
        "gap_t": found.gap,
        "offset_cap_t": found.offset_cap,
        "offsets_used_t": found.offsets,
        "allowances_to_buy_t": found.to_buy,
        "exposure_vnd": found.exposure,
        "exposure_without_credits_vnd": found.exposure_without_credits,
    }

    assert {key: told[key] for key in expected} == pytest.approx(expected, rel=0, abs=1e-6)


def test_a_share_of_the_inventory_covers_more():
    """Which of the two the decree means nobody has read yet: S&P Global has 720 t here."""
    found = position(2400, Allowances(1954), 600, Offsets(0.3, "inventory"), 133_000)

    assert found.offset_cap == pytest.approx(720)


def test_years_settled_one_by_one_share_the_credits():
    years = [(1100.0, Allowances(902)), (1300.0, Allowances(1052))]
    first, second = settled(years, 250, Offsets(0.3, "allocated"), 1.0)

    assert (first.gap, first.offsets, first.to_buy) == pytest.approx((198, 198, 0))
    assert (second.gap, second.offsets, second.to_buy) == pytest.approx((248, 52, 196))


def test_what_is_held_is_what_was_granted_carried_and_bought_less_what_was_sold():
    found = position(100, Allowances(60, carried=20, bought=15, sold=5), 0, Offsets(0.3, "allocated"), NAN)

    assert (found.held, found.gap, found.to_buy) == (90, 10, 10)
    assert math.isnan(found.exposure)
    assert position(50, Allowances(60), 0, None, NAN).surplus == 10


@pytest.mark.parametrize(
    ("inventory", "granted", "offsets", "unknown"),
    [
        (NAN, 100.0, Offsets(0.3, "allocated"), {"inventory", "gap", "surplus", "offsets", "to_buy"}),
        (200.0, NAN, Offsets(0.3, "allocated"), {"allocated", "held", "gap", "surplus", "offset_cap", "offsets", "to_buy"}),
        (200.0, 100.0, None, {"offset_cap", "offsets", "to_buy"}),
    ],
)  # fmt: skip
def test_unknown_is_never_zero(inventory, granted, offsets, unknown):
    found = position(inventory, Allowances(granted), 600, offsets, 133_000)
    names = [
        name for name, one in zip(found.__dataclass_fields__, astuple(found), strict=True) if math.isnan(one)
    ]
    money = {"exposure", "exposure_without_credits"}

    assert set(names) - money == unknown
    assert ("exposure" in names) == ("to_buy" in unknown)
    assert ("exposure_without_credits" in names) == ("gap" in unknown)


def test_who_is_short_of_nothing_needs_no_price_and_no_rule():
    found = position(50, Allowances(60), 0, None, NAN)

    assert (found.gap, found.offsets, found.to_buy, found.exposure) == (0, 0, 0, 0)


def test_who_has_no_credits_needs_no_rule_about_them():
    found = position(200, Allowances(150), 0, None, 2.0)

    assert (found.offsets, found.to_buy, found.exposure) == (0, 50, 100)
    assert math.isnan(found.offset_cap)


def test_r52a_the_same_energy_in_other_hours_is_half_as_clean():
    given, expected = (GOLDEN["R52a"][key] for key in ("inputs", "expected"))
    found = hourly_match(*(np.array(given[key], np.float64) for key in ("load_kwh", "clean_kwh")))

    assert (found.annual_share, found.matched, found.hourly_share) == pytest.approx(
        tuple(expected[key] for key in ("annual_share", "hourly_matched_kwh", "hourly_share")), abs=1e-9
    )
    assert (found.unmatched, found.surplus) == (expected["unmatched_kwh"], expected["surplus_kwh"])


def test_an_hour_of_which_one_is_unknown_is_in_no_sum():
    found = hourly_match(np.array([100.0, NAN, 100.0]), np.array([50.0, 70.0, NAN]))

    assert (found.hours, found.load, found.matched, found.hourly_share) == (1, 100, 50, 0.5)
    assert math.isnan(hourly_match(np.array([NAN]), np.array([1.0])).hourly_share)


def test_hourly_matching_is_a_plain_loop_and_never_above_the_whole():
    chance = np.random.default_rng(52)
    for _ in range(200):
        load, clean = chance.uniform(0, 100, (2, 48)) * (chance.uniform(size=(2, 48)) > 0.3)
        found = hourly_match(load, clean)
        assert found.matched == pytest.approx(sum(map(min, load.tolist(), clean.tolist())))
        assert found.hourly_share <= found.annual_share + 1e-12
        assert found.matched + found.surplus == pytest.approx(clean.sum())


def test_r52b_what_was_avoided_stands_apart_from_the_inventory():
    case = GOLDEN["R52b"]
    given, expected = case["inputs"], case["expected"]
    halves = [0.25, 0.75]  # of the year, in both of which the factor is the same
    generated, exported, factor = (
        np.array([given[name] * share for share in shares])
        for name, shares in (
            ("generated_mwh", halves),
            ("exported_mwh", halves),
            ("factor_t_per_mwh", [1, 1]),
        )
    )
    found = pv_statement(generated, exported, factor, given["certificates_sold_mwh"])

    assert astuple(found) == pytest.approx(tuple(expected.values()), rel=0, abs=case["abs_tol"])
    assert list(expected) == [
        "self_consumed_mwh",
        "avoided_by_self_consumption_t",
        "avoided_by_export_t",
        "self_consumed_without_claim_mwh",
        "inventory_change_t",
    ]


def test_what_was_generated_in_an_unknown_hour_avoids_nothing_that_is_told():
    one, some = np.array([10.0, NAN, 5.0]), np.array([2.0, 1.0, NAN])
    found = pv_statement(one, some, np.array([0.5, 0.6, 0.7]), 100.0)

    assert (found.self_consumed, found.avoided_by_self_consumption, found.avoided_by_export) == (8, 4, 1)
    assert found.self_consumed_without_claim == 8
    nothing = pv_statement(np.array([NAN]), np.array([0.0]), np.array([0.5]), 1.0)
    assert all(math.isnan(one) for one in astuple(nothing)[:4])

"""What a report has of a stack's hour, against decimal arithmetic that rounds half away from zero at every step."""

from decimal import ROUND_HALF_UP, Decimal
from random import Random

import numpy as np
import pytest

from rules.american.part75.stack_report import EQUATIONS, reported_rate, reported_value

HOURS = 4000
AIR, K = Decimal("20.9"), Decimal("5.7e-7")
FC, FD = Decimal(1040), Decimal(8710)


def rounded(value: Decimal, digit: str) -> Decimal:
    return (value / Decimal(digit)).quantize(Decimal(1), ROUND_HALF_UP) * Decimal(digit)


def percent(value: Decimal) -> Decimal:
    return rounded(value, "0.1")


def by_hand(method: str, flow: Decimal, bias: Decimal, gas: Decimal, moisture: Decimal) -> Decimal:
    """Return the reported rate of an hour [short tons/h], with a pencil."""
    adjusted = rounded(rounded(flow, "1000") * bias, "1000")
    dry = (100 - percent(moisture)) / 100
    co2 = percent(gas)
    if method == "part75-stack-o2":
        co2 = max(percent(100 * FC / FD * (AIR - co2) / AIR), Decimal(0))
    if method == "part75-stack-o2-wet":
        co2 = max(percent(100 / AIR * FC / FD * (AIR * dry - co2)), Decimal(0))
    rate = K * co2 * adjusted * (dry if method in {"part75-stack-dry", "part75-stack-o2"} else 1)
    return rounded(rate, "0.1")


@pytest.mark.parametrize("method", sorted(set(EQUATIONS) - {"stack-co2", "stack-co2-wet-flow"}))
def test_solid_b5_4000_hours_are_what_decimal_arithmetic_gives(method: str) -> None:
    chance = Random(method)
    flow = [Decimal(chance.randrange(0, 40_000_000_000)) / 1000 for _ in range(HOURS)]
    gas = [Decimal(chance.randrange(0, 2150)) / 100 for _ in range(HOURS)]
    moisture = [Decimal(chance.randrange(200, 2000)) / 100 for _ in range(HOURS)]
    bias = [Decimal(chance.choice(["1", "1.043", "1.111"])) for _ in range(HOURS)]

    measured = np.array(flow, np.float64)
    values = {
        "flow": reported_value(
            method, "flow", measured, measured * np.array(bias, np.float64), np.ones(HOURS, bool)
        )
    }
    for role, column in (("o2" if "o2" in method else "co2", gas), ("moisture", moisture)):
        one = np.array(column, np.float64)
        values[role] = reported_value(method, role, one, one, np.ones(HOURS, bool))
    found = reported_rate(method, values, {"fc": 1040.0, "fd": 8710.0})

    expected = [by_hand(method, *row) for row in zip(flow, bias, gas, moisture, strict=True)]
    assert found.tolist() == [float(one) for one in expected]


def test_what_stands_for_a_missing_value_is_rounded_and_not_adjusted_again() -> None:
    counted, nothing = np.array([10_000_499.0]), np.array([np.nan])
    assert reported_value("part75-stack", "flow", nothing, counted, np.zeros(1, bool)).tolist() == [1e7]
    assert np.isnan(reported_value("part75-stack", "flow", nothing, nothing, np.zeros(1, bool))).all()


def test_no_equation_of_part_75_has_a_dry_flow() -> None:
    assert "stack-co2-dry-flow" not in EQUATIONS

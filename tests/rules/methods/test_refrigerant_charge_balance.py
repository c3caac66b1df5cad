"""Refrigerant by charge balance, against plain Python; a method without a gas of its own stands apart from the others."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.catalogue import load_catalogue
from rules.factors.gases import Gases, tonnes_co2e

CATALOGUE = load_catalogue(None)
METHOD = CATALOGUE.emissions("refrigerant-charge-balance")
ROLES = ("stock_before", "bought", "stock_after", "passed_on")
amounts = st.floats(-1.0, 1e4, allow_subnormal=False) | st.just(math.nan)


def run(rows: list[tuple[float, ...]], gwp: list[float]) -> Gases:
    columns = np.array(rows, np.float64).reshape(-1, len(ROLES)).T
    return METHOD(dict(zip(ROLES, columns, strict=True)), {}, {"gwp": np.array(gwp)})


def plainly(before: float, bought: float, after: float, passed_on: float, gwp: float) -> float | None:
    """Return tonnes by hand, None where something is unknown or no amount."""
    given_ = (before, bought, after, passed_on)
    if any(math.isnan(x) or x < 0 for x in given_) or not gwp > 0:
        return None
    return (before + bought - after - passed_on) * gwp / 1000


@given(rows=st.lists(st.tuples(*[amounts] * 5), min_size=1, max_size=20))
def test_it_is_what_plain_python_says(rows: list[tuple[float, ...]]) -> None:
    found = tonnes_co2e(run([row[:4] for row in rows], [row[4] for row in rows]), CATALOGUE.gwp_set("AR5"))

    expected = [plainly(*row) for row in rows]
    assert [math.isnan(x) for x in found.tolist()] == [x is None for x in expected]
    known = [(x, y) for x, y in zip(found.tolist(), expected, strict=True) if y is not None]
    assert [x for x, _ in known] == pytest.approx([y for _, y in known], rel=1e-9, abs=1e-6)


def test_only_a_sum_over_the_whole_period_is_meaningful_so_a_window_may_be_below_zero() -> None:
    found = run([(0.0, 0.0, 9.0, 0.0)], [1430.0])

    assert found.co2e_kg is not None
    assert found.co2e_kg.tolist() == [-9.0 * 1430]

"""Own generation: the identities that its meters must satisfy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.formulas.onsite import load, self_consumed, without_claim

energies = st.floats(0, 1e6)


def one(value: float) -> np.ndarray:
    return np.array([value])


@given(loads=energies, generated=energies, charged=energies, discharged=energies)
def test_the_balance_of_an_interval_closes_whatever_the_sun_does(
    loads: float, generated: float, charged: float, discharged: float
) -> None:
    """Simulated from the inside: what is lacking is imported, what is over is exported."""
    lacking = loads + charged - generated - discharged
    imported, exported = max(lacking, 0.0), max(-lacking, 0.0)

    found = load(one(imported), one(exported), one(generated), one(discharged), one(charged))

    np.testing.assert_allclose(
        found, [loads], rtol=1e-9, atol=1e-9 * (loads + generated + charged + discharged)
    )


@given(generated=energies, share=st.floats(0, 1))
def test_what_is_generated_is_consumed_or_exported(generated: float, share: float) -> None:
    exported = generated * share

    found = self_consumed(one(generated), one(exported))

    np.testing.assert_allclose(found + exported, [generated], rtol=1e-15)


def test_load_is_import_plus_what_is_consumed_of_the_own_generation() -> None:
    found = load(one(300.0), one(40.0), one(100.0), one(0.0), one(0.0))

    np.testing.assert_array_equal(found, 300 + self_consumed(one(100.0), one(40.0)))


def test_more_exported_than_generated_is_unknown_but_rounding_is_not() -> None:
    found = self_consumed(np.array([100.0, 100.0, 0.0]), np.array([100.1, 100.00000001, 0.0]))

    np.testing.assert_array_equal(found, [np.nan, 0, 0])


@pytest.mark.parametrize(("generated", "exported"), [(np.nan, 0.0), (1.0, np.nan), (-1.0, 0.0), (1.0, -1.0)])
def test_self_consumption_of_an_unknown_or_negative_meter_is_unknown(
    generated: float, exported: float
) -> None:
    assert np.isnan(self_consumed(one(generated), one(exported))).all()


def test_certificates_sold_take_the_claim_from_self_consumption_first() -> None:
    found = without_claim(np.array([60.0, 60.0, 60.0]), np.array([0.0, 50.0, 100.0]))

    np.testing.assert_array_equal(found, [0, 50, 60])


def test_the_claim_is_unknown_where_sales_are() -> None:
    assert np.isnan(without_claim(one(60.0), one(np.nan))).all()

"""Error propagation: against a plain loop, by hand, and never with an unknown taken as exact."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.catalogue import load_catalogue
from rules.factors.uncertainty import Combined, combine, half_width

Term = tuple[float, int, dict[int, float]]  # tonnes, total, relative half-width by cause

widths = st.dictionaries(st.integers(0, 4), st.floats(0.001, 1.5) | st.just(math.nan), max_size=3)
terms = st.lists(st.tuples(st.floats(1e-3, 1e5) | st.just(math.nan), st.integers(0, 2), widths), max_size=8)


def combined(given_terms: list[Term], count: int = 3) -> Combined:
    causes = [(n, cause, w) for n, (_, _, by) in enumerate(given_terms) for cause, w in by.items()]
    term, cause, relative = zip(*causes, strict=True) if causes else ((), (), ())
    return combine(
        np.array([t for t, _, _ in given_terms], float),
        np.array([n for _, n, _ in given_terms], np.int64),
        count,
        np.array(term, np.int64),
        np.array(cause, np.int64),
        np.array(relative, float),
    )


def oracle(given_terms: list[Term], total: int) -> tuple[float, float, float]:
    """Return tonnes, covered tonnes and half-width of one total, term by term and cause by cause."""
    tonnes = covered = 0.0
    by_cause: dict[int, float] = {}
    for amount, number, by in given_terms:
        if number != total or math.isnan(amount):
            continue
        tonnes += amount
        if by and not any(math.isnan(width) for width in by.values()):
            covered += amount
            for cause, width in by.items():
                by_cause[cause] = by_cause.get(cause, 0.0) + amount * width
    return tonnes, covered, math.sqrt(sum(x * x for x in by_cause.values())) if covered else math.nan


@given(given_terms=terms)
@settings(max_examples=200)
def test_totals_agree_with_a_plain_loop(given_terms: list[Term]) -> None:
    found = combined(given_terms)

    for total in range(3):
        got = found.tonnes[total], found.covered[total], found.half_width[total]
        assert got == pytest.approx(oracle(given_terms, total), rel=1e-12, nan_ok=True)


def test_a_product_adds_its_relative_widths_in_quadrature() -> None:
    """Equation 3.1: 3 % and 4 % make 5 %."""
    assert combined([(200.0, 0, {0: 0.03, 1: 0.04})], 1).half_width == pytest.approx([10.0], rel=1e-14)


def test_a_sum_of_independent_terms_adds_its_absolute_widths_in_quadrature() -> None:
    """Equation 3.2: 30 t off by 10 % and 40 t off by 10 % are 70 t off by 5 t."""
    assert combined([(30.0, 0, {0: 0.1}), (40.0, 0, {1: 0.1})], 1).half_width == pytest.approx(
        [5.0], rel=1e-14
    )


def test_terms_of_one_cause_are_off_together() -> None:
    assert combined([(30.0, 0, {0: 0.1}), (40.0, 0, {0: 0.1})], 1).half_width == pytest.approx(
        [7.0], rel=1e-14
    )


@pytest.mark.parametrize("causes", [{}, {0: math.nan}, {0: 0.02, 1: math.nan}])
def test_what_is_unknown_is_not_covered_rather_than_exact(causes: dict[int, float]) -> None:
    found = combined([(60.0, 0, {2: 0.1}), (40.0, 0, causes)], 1)

    assert (found.tonnes[0], found.covered[0], found.half_width[0]) == (100.0, 60.0, pytest.approx(6.0))


def test_where_nothing_is_covered_the_width_is_unknown() -> None:
    assert math.isnan(combined([(60.0, 0, {})], 1).half_width[0])


def test_of_an_interval_that_is_not_symmetric_the_larger_half_counts() -> None:
    """Natural gas in the 2006 Guidelines: 56,100 (54,300 to 58,300) kg/TJ."""
    assert half_width(56100, 54300, 58300) == 2200 / 56100
    assert half_width(98300, 94600, 101000) == 3700 / 98300
    assert math.isnan(half_width(1.0, math.nan, math.nan))


def test_a_shipped_factor_has_the_width_of_its_interval_and_none_where_it_has_none() -> None:
    factor = load_catalogue(None).factor("ipcc-2006-natural-gas")
    entry = int(factor.rows(np.array(0)))  # 1970: before its first row

    assert factor.uncertainty["co2"][1] == pytest.approx(2200 / 56100, rel=1e-14)
    assert math.isnan(factor.uncertainty["ch4"][1])
    assert math.isnan(factor.uncertainty["co2"][entry])


def test_a_method_that_subtracts_what_was_measured_apart_is_not_proportional_to_its_factor() -> None:
    catalogue = load_catalogue(None)

    assert [name for name in catalogue.methods if not catalogue.is_proportional(name)] == [
        "wastewater-cod-recovery"
    ]

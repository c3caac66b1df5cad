"""Certificates matched with consumption: per period, in order, never above it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant.vocabulary import FOREVER
from rules.factors.certificates import Certificates, claimable, match

NOW = 1_000
RESIDUAL = 0.6592

Line = tuple[int, int, float, float, int, int]  # rank, period, energy, co2, retired, expires

lines = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(2024, 2027),
        st.just(0.0) | st.floats(1e-3, 1e5),
        st.floats(0, 1),
        st.sampled_from([0, NOW, NOW + 1, FOREVER]),
        st.sampled_from([0, NOW, FOREVER]),
    ),
    max_size=12,
)
windows = st.lists(
    st.tuples(st.integers(2024, 2027), st.just(0.0) | st.floats(1e-3, 1e5), st.floats(0, 1)),
    min_size=1,
    max_size=12,
)


def certificates(*given: Line) -> Certificates:
    columns = list(zip(*given, strict=True)) or [()] * 6
    kinds = [np.int64, np.int64, np.float64, np.float64, np.int64, np.int64]
    return Certificates(*(np.array(c, kind) for c, kind in zip(columns, kinds, strict=True)))


def solar(energy: float, period: int = 2026, rank: int = 0, co2: float = 0.0) -> Line:
    return rank, period, energy, co2, NOW - 1, FOREVER


def total(consumed: list[float], given: list[Line], period: int = 2026) -> float:
    """Return the market-based emission of windows of one period [kg]."""
    count = len(consumed)
    found = match(
        np.array(consumed), np.full(count, period), np.full(count, RESIDUAL), certificates(*given), NOW
    )
    return float(found.co2.sum())


def oracle(consumed: list[tuple[int, float, float]], given: list[Line]) -> tuple[list[float], list[float]]:
    """Return kWh used of each certificate and kg of each window: a ledger kept by hand."""
    left = dict.fromkeys({p for p, _, _ in consumed} | {line[1] for line in given}, 0.0)
    for period, energy, _ in consumed:
        left[period] += energy
    whole, used = dict(left), [0.0] * len(given)
    for n in sorted(range(len(given)), key=lambda n: (given[n][0], -given[n][3])):
        _, period, energy, _, retired, expires = given[n]
        if retired <= NOW and retired <= expires:
            used[n] = min(energy, left[period])
            left[period] -= used[n]
    kilograms = []
    for period, energy, residual in consumed:
        share = energy / whole[period] if whole[period] else 0.0
        claimed = sum(used[n] * line[3] for n, line in enumerate(given) if line[1] == period)
        kilograms.append(share * (claimed + left[period] * residual))
    return used, kilograms


@given(consumed=windows, given_lines=lines)
@settings(max_examples=150)
def test_the_matching_agrees_with_a_ledger_kept_by_hand(
    consumed: list[tuple[int, float, float]], given_lines: list[Line]
) -> None:
    period, energy, residual = (np.array(c) for c in zip(*consumed, strict=True))
    found = match(energy, period, residual, certificates(*given_lines), NOW)

    used, kilograms = oracle(consumed, given_lines)

    # Which of two equal certificates is used makes no difference to any window, only to `used`.
    np.testing.assert_allclose(found.co2, kilograms, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.used.sum(), sum(used), rtol=1e-9, atol=1e-9)


@given(consumed=windows, given_lines=lines)
@settings(max_examples=150)
def test_certificates_never_cover_more_than_was_consumed_nor_than_they_are(
    consumed: list[tuple[int, float, float]], given_lines: list[Line]
) -> None:
    period, energy, residual = (np.array(c) for c in zip(*consumed, strict=True))
    given_columns = certificates(*given_lines)

    found = match(energy, period, residual, given_columns, NOW)

    for one in range(2024, 2028):
        covered = found.used[given_columns.period == one].sum()
        whole = energy[period == one].sum()
        assert covered <= whole + 1e-9 * (1 + energy.sum() + given_columns.energy.sum())
        np.testing.assert_allclose(
            covered + found.uncovered[period == one].sum(), whole, rtol=1e-9, atol=1e-6
        )
    assert (found.used <= given_columns.energy).all()


@given(consumed=windows, given_lines=lines, data=st.data())
@settings(max_examples=60)
def test_the_order_in_which_certificates_are_listed_changes_no_window(
    consumed: list[tuple[int, float, float]], given_lines: list[Line], data: st.DataObject
) -> None:
    period, energy, residual = (np.array(c) for c in zip(*consumed, strict=True))
    shuffled = data.draw(st.permutations(given_lines))

    one, other = (match(energy, period, residual, certificates(*g), NOW).co2 for g in (given_lines, shuffled))

    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_without_certificates_the_market_based_emission_is_that_of_the_residual_factor() -> None:
    assert total([600.0, 400.0], []) == pytest.approx(659.2, rel=1e-14)


def test_a_certificate_takes_its_share_and_the_rest_stays_at_the_residual_factor() -> None:
    assert total([600.0, 400.0], [solar(250.0)]) == pytest.approx(750 * RESIDUAL, rel=1e-14)


def test_more_certificates_than_consumption_bring_nothing_below_zero() -> None:
    assert total([600.0, 400.0], [solar(900.0), solar(900.0)]) == 0


def test_a_certificate_of_another_year_covers_nothing() -> None:
    assert total([1000.0], [solar(1000.0, period=2025)]) == pytest.approx(659.2, rel=1e-14)


@pytest.mark.parametrize(
    ("retired", "expires", "covered"),
    [
        (NOW, FOREVER, 10.0),
        (NOW + 1, FOREVER, 0.0),
        (FOREVER, FOREVER, 0.0),
        (NOW - 5, NOW - 5, 10.0),
        (NOW - 5, NOW - 6, 0.0),
    ],
)
def test_what_is_not_retired_or_had_expired_before_covers_nothing(
    retired: int, expires: int, covered: float
) -> None:
    given_columns = certificates((0, 2026, 10.0, 0.0, retired, expires))

    np.testing.assert_array_equal(claimable(given_columns, NOW), [covered])


@pytest.mark.parametrize("field", ["energy", "co2"])
def test_a_certificate_that_does_not_say_what_it_is_covers_nothing(field: str) -> None:
    given_columns = replace(certificates(solar(10.0)), **{field: np.array([np.nan])})

    np.testing.assert_array_equal(claimable(given_columns, NOW), [0])


def test_the_hierarchy_decides_which_is_used_and_within_a_rank_the_dirtier_one() -> None:
    given_columns = certificates(
        solar(500.0, rank=2), solar(500.0, rank=1, co2=0.0), solar(500.0, rank=1, co2=0.3)
    )
    consumed = np.array([700.0])

    found = match(consumed, np.array([2026]), np.array([RESIDUAL]), given_columns, NOW)

    np.testing.assert_allclose(found.used, [0, 200, 500], rtol=1e-14)
    np.testing.assert_allclose(found.co2, [150], rtol=1e-14)


def test_an_unknown_window_stays_unknown_and_takes_no_certificate() -> None:
    consumed = np.array([np.nan, 400.0])

    found = match(consumed, np.full(2, 2026), np.full(2, RESIDUAL), certificates(solar(400.0)), NOW)

    np.testing.assert_array_equal(found.co2, [np.nan, 0])


def test_a_residual_factor_that_is_not_needed_need_not_be_known() -> None:
    found = match(
        np.array([400.0, 400.0]),
        np.array([2025, 2026]),
        np.full(2, np.nan),
        certificates(solar(500.0)),
        NOW,
    )

    np.testing.assert_array_equal(found.co2, [np.nan, 0])


def test_hours_match_where_certificates_are_hourly() -> None:
    """A sunny hour's certificate does not cover the night: the same two certificates leave 300 kWh."""
    consumed, hour = np.array([100.0, 300.0]), np.array([11, 23])

    found = match(consumed, hour, np.full(2, RESIDUAL), certificates(solar(300.0, 11), solar(0.0, 23)), NOW)

    np.testing.assert_allclose(found.uncovered, [0, 300], rtol=1e-14)

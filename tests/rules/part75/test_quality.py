"""Calibration error, relative accuracy and bias, against the definitions in the standard library."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.american.part75.quality import (
    T_VALUES,
    audit,
    bias_adjusted,
    bias_factor,
    calibration_error,
    relative_accuracy,
)

runs = st.lists(st.tuples(st.floats(50, 500), st.floats(-20, 20)), min_size=9, max_size=21)


def pairs(drawn: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    reference = np.array([r for r, _ in drawn])
    return reference, reference - np.array([d for _, d in drawn])


def by_hand(reference: list[float], monitor: list[float]) -> tuple[float, float]:
    """Return relative accuracy and bias factor, out of loops and the standard library."""
    difference = [r - m for r, m in zip(reference, monitor, strict=True)]
    n, mean = len(difference), statistics.fmean(difference)
    confidence = T_VALUES[n - 1] * statistics.stdev(difference, mean) / math.sqrt(n)
    accuracy = (abs(mean) + abs(confidence)) / statistics.fmean(reference) * 100
    return accuracy, 1 + abs(mean) / statistics.fmean(monitor) if mean > abs(confidence) else 1.0


def test_calibration_error_is_a_share_of_the_span() -> None:
    np.testing.assert_allclose(
        calibration_error(np.array([0.0, 450.0]), np.array([2.5, 440.0]), 500.0), [0.5, 2.0]
    )


@pytest.mark.parametrize("span", [0.0, -1.0, np.nan])
def test_a_monitor_without_span_has_no_calibration_error(span: float) -> None:
    assert np.isnan(calibration_error(1.0, 1.0, span))


@given(drawn=runs)
def test_accuracy_and_bias_agree_with_the_definitions(drawn: list[tuple[float, float]]) -> None:
    reference, monitor = pairs(drawn)
    accuracy, factor = by_hand(reference.tolist(), monitor.tolist())

    np.testing.assert_allclose(relative_accuracy(reference, monitor), accuracy, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(bias_factor(reference, monitor), factor, rtol=1e-9)


def test_nine_runs_worked_out() -> None:
    """d = 1 to 9: mean 5, s 2.7386, cc 2.306 s / 3 = 2.1051; mean RM 105, mean CEM 100."""
    monitor = np.full(9, 100.0)
    reference = monitor + np.arange(1.0, 10.0)

    np.testing.assert_allclose(audit(reference, monitor).confidence, 2.1051, atol=5e-5)
    np.testing.assert_allclose(relative_accuracy(reference, monitor), (5 + 2.1051) / 105 * 100, atol=5e-5)
    np.testing.assert_allclose(bias_factor(reference, monitor), 1.05, rtol=1e-12)


def test_a_monitor_that_reads_high_is_not_adjusted() -> None:
    monitor = np.full(9, 100.0)

    assert bias_factor(monitor - np.arange(1.0, 10.0), monitor) == 1.0


def test_a_run_that_is_unknown_is_left_out() -> None:
    reference, monitor = np.arange(100.0, 110.0), np.full(10, 100.0)
    holed = np.append(reference, np.nan), np.append(monitor, 5.0)

    np.testing.assert_array_equal(relative_accuracy(*holed), relative_accuracy(reference, monitor))


@pytest.mark.parametrize("count", [0, 8, 22])
def test_too_few_runs_or_more_than_the_table_has_prove_nothing(count: int) -> None:
    reference, monitor = np.full(count, 105.0), np.full(count, 100.0)

    assert np.isnan(relative_accuracy(reference, monitor))
    assert np.isnan(bias_factor(reference, monitor))


def test_several_audits_at_once() -> None:
    monitor = np.full((2, 9), 100.0)
    reference = monitor + np.stack([np.arange(1.0, 10.0), np.zeros(9)])

    np.testing.assert_allclose(bias_factor(reference, monitor), [1.05, 1.0])


@pytest.mark.parametrize(("freedom", "t"), T_VALUES.items())
def test_the_table_of_t_holds_students_distribution(freedom: int, t: float) -> None:
    """Integrated here: 2.5 % lies above t, to the table's three decimals."""
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)

    def above(limit: float) -> float:
        x = np.linspace(0, limit, 20_001)
        inside = np.trapezoid(scale * (1 + x**2 / freedom) ** (-(freedom + 1) / 2), x)
        return 0.5 - float(inside)

    assert above(t + 0.00055) < 0.025 < above(t - 0.00055)


def test_an_adjusted_value_is_rounded_as_it_is_reported() -> None:
    np.testing.assert_array_equal(bias_adjusted(np.array([100.0, 99.95]), 1.0505, 1), [105.1, 105.0])

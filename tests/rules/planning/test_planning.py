"""Savings, projections and bridges against golden cases, certified regressions and other ways to reckon the same."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rules.planning.baseline import (
    Limits,
    UnfitBaseline,
    avoided,
    fit,
    fractional_uncertainty,
    outside,
    predicted,
    shortfalls,
)
from rules.planning.projection import burn, days_to_exhaustion, seasonal
from rules.planning.quantiles import share_within, two_sided_t

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))


def golden(number):
    case = GOLDEN[number]
    return case["inputs"], case["expected"], lambda value: pytest.approx(value, rel=0, abs=case["abs_tol"])


def column(values):
    return np.array(values, float)[:, None]


# --- quantiles of t


@pytest.mark.parametrize(
    ("confidence", "freedom", "t"),
    [
        (0.95, 1, 12.706204736174698), (0.95, 2, 4.302652729749462), (0.95, 5, 2.5705818356363146),
        (0.9, 7, 1.8945786050900073), (0.9, 10, 1.8124611228116756), (0.95, 30, 2.0422724563012378),
        (0.95, 120, 1.9799304050824413), (0.9, 1, 6.313751514675043), (0.99, 3, 5.840909309733355),
    ],
)  # fmt: skip
def test_quantiles_of_t_are_those_of_tables(confidence, freedom, t):
    assert two_sided_t(confidence, freedom) == pytest.approx(t, rel=1e-12)


def test_quantiles_go_over_into_the_normal_distributions():
    """Cornish and Fisher's expansion, whose error falls with the fourth power of the freedom."""
    z = 1.959963984540054
    for freedom in (1000, 1001, 26_301):
        series = (
            z
            + (z**3 + z) / (4 * freedom)
            + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
        )
        assert two_sided_t(0.95, freedom) == pytest.approx(series, abs=1e-10)


def test_the_share_within_is_the_integral_of_the_density():
    for freedom in (1, 2, 3, 4, 7, 12, 41):
        size = math.gamma((freedom + 1) / 2) / math.sqrt(freedom * math.pi) / math.gamma(freedom / 2)
        x, weights = np.polynomial.legendre.leggauss(60)
        x, weights = (x + 1) * 1.5, weights * 1.5  # from 0 to 3
        whole = 2 * float((weights * size * (1 + x * x / freedom) ** (-(freedom + 1) / 2)).sum())
        assert share_within(3.0, freedom) == pytest.approx(whole, abs=1e-12)


# --- baselines


def test_r53f_the_sum_of_differences_of_the_audit_guides_line():
    given, expected, near = golden("R53f")
    production, energy = (np.array(given[name], float) for name in ("production_t", "energy_toe"))
    exact = fit(given["intercept"] + given["slope"] * production, production[:, None])
    calculated = predicted(exact, production[:, None])

    assert calculated.tolist() == near(expected["calculated"])
    assert np.cumsum(energy - calculated).tolist() == near(expected["cusum"])
    assert avoided(exact, energy, production[:, None], 0.9).amount == near(expected["saving_toe"])


def test_r53g_nine_months_do_not_prove_the_saving():
    given, expected, near = golden("R53g")
    baseline = fit(np.array(given["energy"], float), column(given["driver"]))
    after = np.array(given["reporting_energy"], float), column(given["reporting_driver"])
    found = avoided(baseline, *after, given["confidence"])

    assert baseline.coefficients.tolist() == near([expected["intercept"], expected["slope"]])
    assert (baseline.r2, baseline.cv_rmse) == near((expected["r2"], expected["cv_rmse"]))
    assert (found.amount, found.half_width) == near((expected["avoided"], expected["half_width"]))
    assert (abs(found.amount) > found.half_width) is expected["is_significant"]
    assert shortfalls(baseline, Limits()) == ["too_few_steps"]
    assert not outside(baseline, after[1]).any()


def test_r53h_nists_norris():
    given, expected, near = golden("R53h")
    baseline = fit(np.array(given["y"], float), column(given["x"]))

    assert baseline.coefficients.tolist() == near([expected["intercept"], expected["slope"]])
    assert baseline.errors.tolist() == near([expected["sd_intercept"], expected["sd_slope"]])
    assert (baseline.residual, baseline.r2) == near((expected["residual_s"], expected["r2"]))


LONGLEY = """
60323 83.0 234289 2356 1590 107608 1947   61122 88.5 259426 2325 1456 108632 1948   60171 88.2 258054 3682 1616 109773 1949
61187 89.5 284599 3351 1650 110929 1950   63221 96.2 328975 2099 3099 112075 1951   63639 98.1 346999 1932 3594 113270 1952
64989 99.0 365385 1870 3547 115094 1953   63761 100.0 363112 3578 3350 116219 1954  66019 101.2 397469 2904 3048 117388 1955
67857 104.6 419180 2822 2857 118734 1956  68169 108.4 442769 2936 2798 120445 1957  66513 110.8 444546 4681 2637 121950 1958
68655 112.6 482704 3813 2552 123366 1959  69564 114.2 502601 3931 2514 125368 1960  69331 115.7 518173 4806 2572 127852 1961
70551 116.9 554894 4007 2827 130081 1962
"""


def test_nists_longley_whose_six_drivers_nearly_follow_from_each_other():
    """NIST StRD, Longley, certified values; the year and the others have a condition number of 5e9."""
    rows = np.array(LONGLEY.split(), float).reshape(16, 7)
    baseline = fit(rows[:, 0], rows[:, 1:])

    assert baseline.coefficients.tolist() == pytest.approx(
        [-3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683, -1.03322686717359,
         -0.511041056535807e-01, 1829.15146461355], rel=1e-9,
    )  # fmt: skip
    assert baseline.errors.tolist() == pytest.approx(
        [890420.383607373, 84.9149257747669, 0.334910077722432e-01, 0.488399681651699, 0.214274163161675,
         0.226073200069370, 455.478499142212], rel=1e-9,
    )  # fmt: skip
    assert (baseline.residual, baseline.r2) == pytest.approx((304.854073561965, 0.995479004577296), rel=1e-9)


def test_r53i_the_short_formula_for_months():
    given, expected, near = golden("R53i")
    x = np.arange(float(given["n"]))[:, None]
    wave = np.resize([1.0, -1.0, -1.0, 1.0], len(x))  # orthogonal to the line over whole fours
    shape = fit(100 + wave, x)
    energy = 100 + wave * given["cv_rmse"] / shape.cv_rmse
    baseline = fit(energy, x)

    assert baseline.cv_rmse == pytest.approx(given["cv_rmse"], rel=1e-12)
    assert two_sided_t(given["confidence"], baseline.freedom) == near(expected["t"])
    assert fractional_uncertainty(baseline, given["m"], given["saved_share"], given["confidence"]) == near(
        expected["fsu"]
    )
    assert fractional_uncertainty(baseline, 0, 0.1, 0.9) is None
    assert fractional_uncertainty(baseline, 12, 0.0, 0.9) is None


def solved(matrix, right):
    """Return the solutions of many symmetric systems by Gauss and Jordan in long doubles; shapes (k, p, p) and (k, p, q)."""
    both = np.concatenate([matrix, right], axis=2)
    for row in range(matrix.shape[1]):
        both[:, row] /= both[:, row, row, None].copy()
        for other in range(matrix.shape[1]):
            if other != row:
                both[:, other] -= both[:, other, row, None] * both[:, row].copy()
    return both[:, :, matrix.shape[1] :]


@pytest.mark.parametrize("drivers", [0, 1, 2, 3])
def test_random_models_are_those_of_the_normal_equations_in_long_doubles(drivers):
    """10,000 models in all: coefficients, errors and avoided energy with its interval, a second way."""
    chance = np.random.default_rng(drivers)
    count, n, m = 2500, 14, 6
    x = chance.normal(3, 1, (count, n + m, drivers)) * 10.0 ** chance.integers(-3, 4, (count, 1, drivers))
    energy = chance.normal(1000, 50, (count, n + m)) + (x * chance.normal(0, 1, (count, 1, drivers))).sum(
        axis=2
    )
    design = np.concatenate([np.ones((count, n + m, 1)), x], axis=2).astype(np.longdouble)
    size = np.sqrt((design**2).mean(axis=1, keepdims=True))
    before, after = (design / size)[:, :n], (design / size)[:, n:]
    y = energy.astype(np.longdouble)[:, :n, None]
    turned = before.transpose(0, 2, 1)
    inverse = solved(turned @ before, np.broadcast_to(np.eye(drivers + 1), (count, drivers + 1, drivers + 1)))
    scaled = inverse @ (turned @ y)
    s2 = ((y - before @ scaled) ** 2).sum(axis=(1, 2)) / (n - drivers - 1)
    sums = after.sum(axis=1)[:, :, None]
    variance = s2 * (m + (sums.transpose(0, 2, 1) @ inverse @ sums)[:, 0, 0])
    saved = (after @ scaled)[:, :, 0].sum(axis=1) - energy[:, n:].sum(axis=1)
    coefficients = (scaled[:, :, 0] / size[:, 0]).astype(float)
    errors = np.sqrt(s2[:, None] * np.diagonal(inverse, axis1=1, axis2=2)).astype(float) / size[:, 0].astype(
        float
    )
    widths = two_sided_t(0.9, n - drivers - 1) * np.sqrt(variance).astype(float)

    for k in range(count):
        baseline = fit(energy[k, :n], x[k, :n])
        found = avoided(baseline, energy[k, n:], x[k, n:], 0.9)
        np.testing.assert_allclose(baseline.coefficients, coefficients[k], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(baseline.errors, errors[k], rtol=1e-9)
        np.testing.assert_allclose(
            [found.amount, found.half_width], [float(saved[k]), widths[k]], rtol=1e-9, atol=1e-7
        )


def test_what_does_not_decide_the_coefficients_is_refused():
    chance = np.random.default_rng(7)
    energy = chance.normal(1000, 50, 20)
    for _ in range(500):
        x = chance.normal(0, 1, (20, 3)) * 10.0 ** chance.integers(-6, 7, 3)
        refused = {
            "collinear_drivers": np.column_stack([x, x @ chance.normal(0, 1, 3)]),
            "constant_driver": np.column_stack([x, np.full(20, chance.normal(0, 1e6))]),
        }
        for reason, drivers in refused.items():
            with pytest.raises(UnfitBaseline) as why:
                fit(energy, drivers)
            assert why.value.reason == reason
    with pytest.raises(UnfitBaseline, match="4 steps do not decide 4 coefficients") as why:
        fit(energy[:4], x[:4])
    assert why.value.reason == "too_few_steps"


def test_a_coefficient_has_its_own_t_and_limits_name_what_fails():
    chance = np.random.default_rng(3)
    x = chance.normal(100, 10, (24, 2))
    baseline = fit(50 + 3 * x[:, 0] + chance.normal(0, 1, 24), x)

    assert abs(baseline.t[1]) > 20 > 2 > abs(baseline.t[2])
    assert shortfalls(baseline, Limits()) == ["driver_not_significant"]
    assert shortfalls(baseline, Limits(t=0, cv_rmse=baseline.cv_rmse)) == []
    assert shortfalls(baseline, Limits(t=0, cv_rmse=baseline.cv_rmse * 0.999)) == ["cv_rmse_above_limit"]
    assert shortfalls(fit(-np.arange(24.0), x), Limits(t=0)) == [
        "cv_rmse_above_limit"
    ]  # of nothing it is no share
    assert abs(baseline.bias) < 1e-14


def test_outside_is_below_the_least_or_above_the_greatest_of_a_driver():
    baseline = fit(np.array([1.0, 2, 3, 5]), column([10, 20, 30, 40]))

    assert outside(baseline, column([9.9, 10, 25, 40, 40.1])).tolist() == [True, False, False, False, True]


def test_steps_weigh_what_their_energy_counts():
    given, _, _ = golden("R53g")
    baseline = fit(np.array(given["energy"], float), column(given["driver"]))
    after = np.array(given["reporting_energy"], float), column(given["reporting_driver"])
    one, twice = (avoided(baseline, *after, 0.9, np.full(9, weight)) for weight in (1.0, 2.0))
    first = avoided(baseline, *after, 0.9, np.array([1.0] + [0.0] * 8))

    assert (twice.amount, twice.half_width) == pytest.approx((2 * one.amount, 2 * one.half_width), rel=1e-12)
    assert one == avoided(baseline, *after, 0.9)
    alone = avoided(baseline, after[0][:1], after[1][:1], 0.9)
    assert (first.amount, first.half_width) == pytest.approx((alone.amount, alone.half_width), rel=1e-12)


# --- projections


def test_r50b_a_budget_is_used_faster_than_evenly():
    given, expected, near = golden("R50b")
    budget, used, rate = (given[name] for name in ("budget_t", "emitted_t", "mean_28d_t_per_day"))

    assert burn(budget, used, given["days_passed"] / given["days_in_year"]) == near(expected["burn"])
    assert days_to_exhaustion(budget, used, rate) == near(expected["days_to_exhaustion"])
    assert days_to_exhaustion(budget, budget, rate) == 0
    assert days_to_exhaustion(budget, budget + 1, 0) == 0
    assert days_to_exhaustion(budget, used, 0) is None


def test_r50c_the_seasons_of_last_year():
    given, expected, near = golden("R50c")
    last = np.array(given["last_year_months_t"], float)
    this = np.append(given["this_year_closed_months_t"], np.full(6, np.nan))
    found = seasonal(last, this, given["confidence"])

    assert found is not None
    assert (found.ratio, found.residual, found.t) == near(
        (expected["ratio"], expected["residual_s"], expected["t"])
    )
    assert (found.amount, found.low, found.high) == near(
        (expected["projected_t"], expected["low_t"], expected["high_t"])
    )


def test_an_unknown_month_widens_the_projection_and_is_not_nothing():
    given, _, _ = golden("R50c")
    last = np.array(given["last_year_months_t"], float)
    this = np.append(given["this_year_closed_months_t"], np.full(6, np.nan))
    whole = seasonal(last, this, 0.95)
    this[2] = np.nan
    less = seasonal(last, this, 0.95)

    assert whole is not None
    assert less is not None
    assert less.high - less.low > whole.high - whole.low
    assert less.amount == pytest.approx(whole.amount, rel=0.01)


def test_what_is_not_known_enough_has_no_seasonal_projection():
    last, this = np.arange(1.0, 13), np.array([1.0, 2, 3] + [np.nan] * 9)

    assert seasonal(last, this, 0.95) is not None
    assert seasonal(np.where(last == 9, np.nan, last), this, 0.95) is None
    assert seasonal(last, np.where(this == 3, np.nan, this), 0.95) is None
    assert seasonal(np.zeros(12), this, 0.95) is None

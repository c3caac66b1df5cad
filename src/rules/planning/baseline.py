"""A saving against a baseline: energy by its drivers, as ordinary least squares has it, and what was used less than that.

IPMVP options B and C; the limits are those of ASHRAE Guideline 14. `E = b0 + sum b_j x_j` over the baseline's steps.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from plant.arrays import Bools, Floats
from rules.planning.quantiles import two_sided_t

COLLINEAR = 1e-7  # the least singular value, of the greatest, of drivers that can be told apart
CONSTANT = 1e-12  # relative: a driver that varies by less does not vary

Unfit = Literal["too_few_steps", "constant_driver", "collinear_drivers"]
Shortfall = Literal["too_few_steps", "cv_rmse_above_limit", "driver_not_significant"]


class UnfitBaseline(ValueError):
    """The steps do not decide the coefficients; `reason` says why not."""

    def __init__(self, reason: Unfit, message: str) -> None:
        super().__init__(message)
        self.reason: Unfit = reason


@dataclass(frozen=True, slots=True)
class Baseline:
    """A fitted model of p coefficients, the intercept first, over n steps.

    `coefficients` and their standard `errors` are in the energy's unit per the driver's; `low` and `high` are the least
    and the greatest of each driver. `cv_rmse` and `bias` are shares of the mean energy, NaN unless that is above 0; `r2` is NaN where the energy is constant.
    """

    n: int
    coefficients: Floats
    errors: Floats
    residual: float  # standard deviation, sqrt(SSE / (n - p)) [unit of the energy]
    r2: float
    cv_rmse: float
    bias: float
    low: Floats
    high: Floats
    center: Floats  # of the drivers, and their scale: the fit is done, and told on, in units of these
    scale: Floats
    scaled: Floats  # coefficients
    inverse: Floats  # of Z'Z, Z being the scaled design

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the residual."""
        return self.n - len(self.coefficients)

    @property
    def t(self) -> Floats:
        """The t of each coefficient: infinite where the fit is perfect."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.coefficients / self.errors


@dataclass(frozen=True, slots=True)
class Avoided:
    """What was used less than the baseline says, in all, with the half-width of its interval."""

    amount: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a baseline must keep for its effect to be shown."""

    steps: int = 12
    cv_rmse: float = 0.15
    t: float = 2.0


def fit(energy: Floats, drivers: Floats) -> Baseline:
    """Return the model of least squares.

    Parameters
    ----------
    energy
        Of each step. Shape (n,).
    drivers
        Shape (n, number of drivers); that may be 0, and the model is then a mean.

    Raises
    ------
    UnfitBaseline
        There are no more steps than coefficients, a driver does not vary, or one follows from the others.
    """
    n, p = len(energy), drivers.shape[1] + 1
    if n <= p:
        raise UnfitBaseline("too_few_steps", f"{n} steps do not decide {p} coefficients and their error")
    center = drivers.mean(axis=0)
    scale = np.sqrt(((drivers - center) ** 2).mean(axis=0))
    if (scale <= CONSTANT * np.abs(drivers).max(axis=0, initial=0)).any():
        raise UnfitBaseline("constant_driver", "a driver does not vary: leave it out")
    design = _design(drivers, center, scale)
    solved, _, rank, _ = np.linalg.lstsq(design, energy, rcond=COLLINEAR)
    scaled = np.asarray(solved, np.float64)
    if rank < p:
        raise UnfitBaseline("collinear_drivers", "a driver follows from the others: leave it out")
    root = np.linalg.inv(np.linalg.qr(design, mode="r"))
    inverse = root @ root.T
    residuals = energy - design @ scaled
    squares, mean = float(residuals @ residuals), float(energy.mean())
    residual = math.sqrt(squares / (n - p))
    about_mean = float(((energy - mean) ** 2).sum())
    unscale = np.diag(np.append(1.0, 1 / scale))
    unscale[0, 1:] = -center / scale
    return Baseline(
        n=n,
        coefficients=unscale @ scaled,
        errors=residual * np.sqrt(np.diag(unscale @ inverse @ unscale.T)),
        residual=residual,
        r2=1 - squares / about_mean if about_mean > 0 else math.nan,
        cv_rmse=residual / mean if mean > 0 else math.nan,
        bias=float(residuals.mean()) / mean if mean > 0 else math.nan,
        low=drivers.min(axis=0),
        high=drivers.max(axis=0),
        center=center,
        scale=scale,
        scaled=scaled,
        inverse=inverse,
    )


def predicted(baseline: Baseline, drivers: Floats) -> Floats:
    """Return the energy of each step as the baseline has it; `drivers` as in `fit`."""
    return _design(drivers, baseline.center, baseline.scale) @ baseline.scaled


def outside(baseline: Baseline, drivers: Floats) -> Bools:
    """Return for each step whether a driver lies outside the range that the baseline has seen."""
    return np.asarray(((drivers < baseline.low) | (drivers > baseline.high)).any(axis=1))


def avoided(
    baseline: Baseline, energy: Floats, drivers: Floats, confidence: float, weights: Floats | None = None
) -> Avoided:
    """Return the sum of predicted less measured energy, with the covariance of the coefficients in its interval.

    `s^2 (w'w + v' (Z'Z)^-1 v)` with `v = Z'w` is the variance of the sum; t has n - p degrees of freedom.

    Parameters
    ----------
    energy, drivers
        Of the steps after the measure, as in `fit`.
    confidence
        Of the interval, such as 0.9.
    weights
        What a unit of energy of each step counts, such as tonnes; 1 where left out.
    """
    w = np.ones(len(energy)) if weights is None else weights
    design = _design(drivers, baseline.center, baseline.scale)
    v = design.T @ w
    deviation = baseline.residual * math.sqrt(float(w @ w + v @ baseline.inverse @ v))
    amount = float(w @ (design @ baseline.scaled - energy))
    return Avoided(amount, two_sided_t(confidence, baseline.freedom) * deviation)


def shortfalls(baseline: Baseline, limits: Limits) -> list[Shortfall]:
    """Return which limits a baseline does not keep; an error that is unknown keeps none."""
    found: list[Shortfall] = []
    if baseline.n < limits.steps:
        found.append("too_few_steps")
    if not baseline.cv_rmse <= limits.cv_rmse:
        found.append("cv_rmse_above_limit")
    if not (np.abs(baseline.t[1:]) >= limits.t).all():
        found.append("driver_not_significant")
    return found


def fractional_uncertainty(
    baseline: Baseline, steps: int, saved_share: float, confidence: float
) -> float | None:
    """Return the half-width of a saving as a share of it, by the short formula of ASHRAE Guideline 14 for months.

    `U = t 1.26 CV(RMSE) sqrt((1 + 2/n) / m) / F`, without autocorrelation; None where nothing was saved or measured.

    Parameters
    ----------
    steps
        m, those after the measure.
    saved_share
        F, the avoided energy as a share of what the baseline says.
    """
    if not steps or not saved_share:
        return None
    width = 1.26 * baseline.cv_rmse * math.sqrt((1 + 2 / baseline.n) / steps)
    return two_sided_t(confidence, baseline.freedom) * width / abs(saved_share)


def _design(drivers: Floats, center: Floats, scale: Floats) -> Floats:
    return np.column_stack([np.ones(len(drivers)), (drivers - center) / scale])

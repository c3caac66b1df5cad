"""Quality tests of monitors, and the bias adjustment that follows from them.

References
----------
.. [1] 40 CFR part 75, appendix A, section 7: A-5 to A-12.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats
from rules.american.part75.reporting import rounded
from rules.formulas.stack_gas import Number
from rules.validity import not_negative, positive

LEAST_RUNS, MOST_RUNS = 9, 21

# Student's t, 97.5 %, by degrees of freedom, with the three decimals of the rule's table 7-1. That of 8 was seen (V2);
# the others are the same distribution.
T_VALUES: Mapping[int, float] = {
    8: 2.306, 9: 2.262, 10: 2.228, 11: 2.201, 12: 2.179, 13: 2.160, 14: 2.145, 15: 2.131, 16: 2.120,
    17: 2.110, 18: 2.101, 19: 2.093, 20: 2.086,
}  # fmt: skip


def calibration_error(reference: Number, response: Number, span: Number) -> Floats:
    """Calibration error, `|R - A| / S 100`, equation A-5.

    Parameters
    ----------
    reference, response, span
        Of the calibration gas, the monitor's answer, and the monitor's span. [one unit]

    Returns
    -------
    Floats
        [% of span]
    """
    error = np.abs(np.asarray(reference, np.float64) - np.asarray(response, np.float64))
    return error / positive(span) * 100


@dataclass(frozen=True, slots=True)
class Audit:
    """Means over the runs of a relative accuracy test audit, shape (...); NaN where they do not make one."""

    difference: Floats  # mean of reference method less monitor, equation A-7
    confidence: Floats  # one-sided 2.5 % error confidence coefficient, t s / sqrt(n), equations
    reference: Floats
    monitor: Floats


def audit(reference: Floats, monitor: Floats) -> Audit:
    """Average the runs of a relative accuracy test audit.

    Parameters
    ----------
    reference, monitor
        Reference method and monitor in each run, shape (..., runs); a run where either is NaN is left out. It takes at
        least nine runs, and the table of t ends at 21. [one unit]
    """
    known = ~np.isnan(reference - monitor)
    runs = np.asarray(np.count_nonzero(known, axis=-1))
    n = np.where((runs >= LEAST_RUNS) & (runs <= MOST_RUNS), runs, np.nan)
    references, monitors = _mean(reference, known, n), _mean(monitor, known, n)
    difference = references - monitors
    around = np.where(known, reference - monitor - difference[..., np.newaxis], 0.0)
    deviation = np.sqrt(np.asarray((around**2).sum(axis=-1)) / (n - 1))
    t = np.array(list(T_VALUES.values()))[np.clip(runs, LEAST_RUNS, MOST_RUNS) - LEAST_RUNS]
    return Audit(difference, t * deviation / np.sqrt(n), references, monitors)


def relative_accuracy(reference: Floats, monitor: Floats) -> Floats:
    """Relative accuracy, `(|mean d| + |cc|) / mean RM 100`, equation A-10.

    Parameters
    ----------
    reference, monitor
        As `audit`.

    Returns
    -------
    Floats
        Shape (...). [%]
    """
    found = audit(reference, monitor)
    return (np.abs(found.difference) + np.abs(found.confidence)) / positive(found.reference) * 100


def bias_factor(reference: Floats, monitor: Floats) -> Floats:
    """Bias adjustment factor, `1 + |mean d| / mean CEM` where mean d exceeds |cc|, else 1, equation A-12.

    Only a monitor that reads low is biased; one that reads high is left as it is.

    Parameters
    ----------
    reference, monitor
        As `audit`.

    Returns
    -------
    Floats
        Shape (...), unrounded; EPA reports three decimals. [1]
    """
    found = audit(reference, monitor)
    biased = 1 + np.abs(found.difference) / positive(found.monitor)
    low = found.difference > np.abs(found.confidence)
    return np.where(np.isnan(found.difference), np.nan, np.where(low, biased, 1.0))


def _mean(value: Floats, known: Bools, n: Floats) -> Floats:
    """Return the mean of the known runs."""
    return np.asarray(np.where(known, value, 0.0).sum(axis=-1) / n)


def bias_adjusted(value: Number, factor: Number, decimals: int) -> Floats:
    """Adjust a monitor's value for bias, `round(value factor)`, equation A-11.

    Parameters
    ----------
    value, factor
        Of the monitor, and its bias factor. [any], [1]
    decimals
        Of the quantity, see `reporting.REPORTED`: the adjusted value is a reported one.

    Returns
    -------
    Floats
        [unit of `value`]
    """
    return rounded(not_negative(value) * positive(factor), decimals)

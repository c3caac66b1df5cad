"""EPA's reporting view: rounded, floored, summed as a quarterly report has it; beside the ledger, never in it.

A reported value enters EPA's next equation as reported, an intermediate that is not reported is not rounded. So a
report is recomputed from reported hourly values with the functions below, while the ledger keeps what was calculated.

References
----------
.. [1] ECMPS Emissions Reporting Instructions, 2021 quarter 3, and EPA's public check engine, which agree (V2).
.. [2] 40 CFR part 75, appendix A, section 7: A-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats
from rules.american.part75.appendix_f import f12_tons
from rules.formulas.stack_gas import Number
from rules.validity import not_negative, positive

# Decimal halves are not exact in binary: (10.1 + 10.2) / 2 is a little below 10.15, and EPA's decimal arithmetic says
# 10.2. What is this near to a half, in units of the last digit, is one.
HALF_SLACK = 1e-12  # relative
LARGEST_HALF_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class ReportedAs:
    """How a quantity is reported: decimals, and what a smaller value is replaced by."""

    unit: str
    decimals: int
    floor: float | None = None


REPORTED: Mapping[str, ReportedAs] = {
    "diluent": ReportedAs("%", 1),
    "co2_from_o2": ReportedAs("%", 1, floor=0.0),
    "moisture": ReportedAs("%", 1),
    "flow": ReportedAs("scfh", -3),
    "co2_mass": ReportedAs("short tons/h", 1),
    "operating_time": ReportedAs("h", 2),
}


def rounded(value: Number, decimals: int) -> Floats:
    """Round half away from zero [1]_.

    Parameters
    ----------
    value
        NaN stays NaN. [any]
    decimals
        Negative ones round before the point: -3 to thousands.

    Returns
    -------
    Floats
        [unit of `value`]
    """
    number = np.asarray(value, np.float64)
    power = 10.0 ** abs(decimals)
    digits = np.abs(number) * power if decimals >= 0 else np.abs(number) / power
    whole = np.floor(digits + 0.5 + np.minimum(digits * HALF_SLACK, LARGEST_HALF_SLACK))
    return np.copysign(whole / power if decimals >= 0 else whole * power, number) + 0.0


def floored(quantity: str, value: Number) -> Floats:
    """Return an hourly value with what EPA puts in the place of too small a one, unrounded [1]_.

    A negative CO2 from F-14 is 0. NaN stays NaN.
    """
    floor = REPORTED[quantity].floor
    number = np.asarray(value, np.float64)
    return number if floor is None else np.maximum(number, floor)


def reported(quantity: str, value: Number) -> Floats:
    """Return an hourly value as it is reported: floored, then rounded [1]_.

    Parameters
    ----------
    quantity
        A key of `REPORTED`.
    value
        Of hours in which the unit ran. [unit of the quantity]

    Returns
    -------
    Floats
        [unit of the quantity]
    """
    return rounded(floored(quantity, value), REPORTED[quantity].decimals)


def bias_adjusted(value: Number, factor: Number, decimals: int) -> Floats:
    """Adjust a monitor's value for bias, `round(value factor)`, equation A-11 [2]_.

    Parameters
    ----------
    value, factor
        Of the monitor, and its bias factor. [any], [1]
    decimals
        Of the quantity in `REPORTED`: the adjusted value is a reported one.

    Returns
    -------
    Floats
        [unit of `value`]
    """
    return rounded(not_negative(value) * positive(factor), decimals)


def quarter_tons(rate: Floats, hours: Floats) -> float:
    """Return a quarter's CO2: `sum(E t)`, to 0.1.

    Parameters
    ----------
    rate, hours
        As reported for each hour. Unknown hours are left out. [short tons/h], [h]

    Returns
    -------
    float
        NaN where no hour is known. [short tons]
    """
    return float(rounded(f12_tons(rate, hours), 1))


def year(quarters: Floats) -> float:
    """Return a year's mass: the sum of its quarters as reported; NaN where one is unknown."""
    return float(rounded(np.sum(quarters), 1))

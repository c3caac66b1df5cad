"""EPA's reporting view: rounded, floored, summed as a quarterly report has it; beside the ledger, never in it.

A reported value enters EPA's next equation as reported, an intermediate that is not reported is not rounded. So a
report is recomputed from reported hourly values with the functions below, while the ledger keeps what was calculated.

References
----------
.. [1] ECMPS Emissions Reporting Instructions, 2021 quarter 3, and EPA's public check engine, which agree (V2).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats
from rules.american.part75.appendix_f import f3_tons, f12_tons, sum_of_hours
from rules.formulas.stack_gas import Number

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
    "concentration": ReportedAs("ppm", 1),
    "diluent": ReportedAs("%", 1),
    "co2_from_o2": ReportedAs("%", 1, floor=0.0),
    "moisture": ReportedAs("%", 1),
    "flow": ReportedAs("scfh", -3),
    "co2_mass": ReportedAs("short tons/h", 1),
    "heat_input": ReportedAs("mmBtu/h", 1, floor=1.0),
    "nox_mass": ReportedAs("lb/h", 1),
    "so2_mass": ReportedAs("lb/h", 1),
    "so2_mass_gas_unit": ReportedAs("lb/h", 4),  # appendix D
    "so2_mass_gas_fuel": ReportedAs("lb/h", 5),  # appendix D
    "nox_rate": ReportedAs("lb/mmBtu", 3),
    "gcv": ReportedAs("Btu/lb or Btu/100 scf", 1),
    "density": ReportedAs("lb/gal", 6),
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

    A heat input below 1.0 mmBtu/h is 1.0, a negative CO2 from F-14 is 0. NaN stays NaN.
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


def quarter_tons_of_pounds(rate: Floats, hours: Floats) -> float:
    """Return a quarter's SO2 or NOx: `sum(E t) / 2000`, to 0.1.

    Parameters
    ----------
    rate, hours
        As reported for each hour. Unknown hours are left out. [lb/h], [h]

    Returns
    -------
    float
        NaN where no hour is known. [short tons]
    """
    return float(rounded(f3_tons(rate, hours), 1))


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


def quarter_heat_input(rate: Floats, hours: Floats) -> float:
    """Return a quarter's heat input: `sum(HI t)`, to whole mmBtu.

    Parameters
    ----------
    rate, hours
        As reported for each hour. Unknown hours are left out. [mmBtu/h], [h]

    Returns
    -------
    float
        NaN where no hour is known. [mmBtu]
    """
    return float(rounded(sum_of_hours(rate, hours), 0))


def mean_nox_rate(rate: Floats, operating: Bools) -> float:
    """Return the NOx rate of a quarter or a year: the plain mean over operating hours, to three decimals.

    Parameters
    ----------
    rate, operating
        As reported for each hour, and whether the unit ran in it. Unknown hours are left out. [lb/mmBtu]

    Returns
    -------
    float
        NaN where no operating hour is known. [lb/mmBtu]
    """
    known = rate[operating & ~np.isnan(rate)]
    return float(rounded(known.mean(), 3)) if len(known) else float("nan")


def year(quarters: Floats) -> float:
    """Return a year's mass or heat input: the sum of its quarters as reported; NaN where one is unknown."""
    return float(rounded(np.sum(quarters), 1))

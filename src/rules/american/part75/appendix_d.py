"""Appendix D: SO2 and heat input of oil and gas from metered fuel, where no stack is monitored.

References
----------
.. [1] 40 CFR part 75, appendix D, section 3.
"""

from collections.abc import Mapping

import numpy as np

from plant.arrays import Floats
from rules.examples import Worked
from rules.formulas.stack_gas import Number
from rules.validity import not_negative, percent, positive

SO2_PER_SULFUR = 2.0  # [lb SO2/lb S]
GRAINS_PER_POUND = 7000.0
PIPELINE_GAS_RATE = 0.0006  # [lb SO2/mmBtu]
BTU_PER_MMBTU = 1e6


def d2_so2_oil(oil: Number, sulfur: Number) -> Floats:
    """SO2 mass rate of oil, `2.0 oil %S / 100`, equation D-2.

    Parameters
    ----------
    oil, sulfur
        [lb/h], [% by mass]

    Returns
    -------
    Floats
        [lb/h]
    """
    return SO2_PER_SULFUR * not_negative(oil) * percent(sulfur) / 100


def d4_so2_gas(gas: Number, sulfur: Number) -> Floats:
    """SO2 mass rate of gas, `(2.0 / 7000) gas S`, equation D-4.

    Parameters
    ----------
    gas
        In hundreds of standard cubic feet. [100 scf/h]
    sulfur
        [grains/100 scf]

    Returns
    -------
    Floats
        [lb/h]
    """
    return not_negative(gas) * not_negative(sulfur) * SO2_PER_SULFUR / GRAINS_PER_POUND


def d5_so2_gas(heat_input: Number, rate: Number = PIPELINE_GAS_RATE) -> Floats:
    """SO2 mass rate of gas from its heat input, equation D-5.

    Parameters
    ----------
    heat_input, rate
        [mmBtu/h], [lb/mmBtu]; the default rate is for pipeline natural gas only

    Returns
    -------
    Floats
        [lb/h]
    """
    return not_negative(heat_input) * not_negative(rate)


def d6_heat_input_gas(gas: Number, gcv: Number) -> Floats:
    """Heat input rate of gas, `gas GCV / 10^6`, equation D-6.

    Parameters
    ----------
    gas, gcv
        [100 scf/h], [Btu/100 scf, gross]

    Returns
    -------
    Floats
        [mmBtu/h]
    """
    return not_negative(gas) * positive(gcv) / BTU_PER_MMBTU


def d8_heat_input_oil(oil: Number, gcv: Number) -> Floats:
    """Heat input rate of oil, `oil GCV / 10^6`, equation D-8.

    Parameters
    ----------
    oil, gcv
        [lb/h], [Btu/lb, gross]

    Returns
    -------
    Floats
        [mmBtu/h]
    """
    return not_negative(oil) * positive(gcv) / BTU_PER_MMBTU


def unit_value(rate: Floats, fuel_time: Floats, operating_time: Floats) -> Floats:
    """Return a unit's rate from its fuels' rates: `sum(rate fuel_time) / operating_time`.

    Parameters
    ----------
    rate
        Of each fuel while it burned, shape (fuels, hours). [per h]
    fuel_time
        In which each fuel burned, shape (fuels, hours). A fuel with time 0 counts 0 whatever its rate. [h]
    operating_time
        In which the unit ran, shape (hours,). NaN unless above 0. [h]

    Returns
    -------
    Floats
        Shape (hours,). [per h]
    """
    burned = np.where(fuel_time == 0, 0.0, not_negative(rate) * not_negative(fuel_time))
    amount: Floats = burned.sum(axis=0)
    return amount / positive(operating_time)


EXAMPLES: Mapping[str, Worked] = {
    "d2_so2_oil": Worked({"oil": 10e3, "sulfur": 1.5}, "lb/h", "2 * oil * sulfur / 100"),
    "d4_so2_gas": Worked({"gas": 10e3, "sulfur": 0.5}, "lb/h", "gas * sulfur * 2 / 7000"),
    "d5_so2_gas": Worked({"heat_input": 1030.0, "rate": 0.0006}, "lb/h", "heat_input * rate"),
    "d6_heat_input_gas": Worked({"gas": 10e3, "gcv": 103e3}, "mmBtu/h", "gas * gcv / 1000000"),
    "d8_heat_input_oil": Worked({"oil": 10e3, "gcv": 19.5e3}, "mmBtu/h", "oil * gcv / 1000000"),
    "unit_value": Worked(
        {"rate": (100.0, 40.0), "fuel_time": (0.5, 0.25), "operating_time": 0.75},
        "per h",
        "sum(rate * fuel_time) / operating_time",
    ),
}

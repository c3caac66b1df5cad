"""The CO2 that a report has of a stack's hour: its inputs rounded as they are reported, then the equation, then rounded.

The ledger's number has nothing of this: it is calculated by the source's method, from what was measured, unrounded.

References
----------
.. [1] ECMPS Emissions Reporting Instructions, 2021 quarter 3 (V2): a reported value enters the next equation as reported.
.. [2] 40 CFR part 75, appendix F, section 4: F-11 for wet CO2, the same with the dry part of the flow for dry CO2, F-14 for O2.
"""

from collections.abc import Callable, Mapping

import numpy as np

from plant.arrays import Bools, Floats
from plant.units import conversion, unit
from rules.american.part75.appendix_f import f11_co2, f11_co2_dry, f14a_co2, f14b_co2
from rules.american.part75.reporting import REPORTED, bias_adjusted, reported

QUANTITY: Mapping[str, str] = {"flow": "flow", "co2": "diluent", "o2": "diluent", "moisture": "moisture"}
IN_SI = ("stack-co2", "stack-co2-wet-flow")  # methods whose flow is in Nm3

Values = Mapping[str, Floats]
Parameters = Mapping[str, float | Floats]


def _wet(values: Values, _parameters: Parameters) -> Floats:
    return f11_co2(values["co2"], values["flow"])


def _dry(values: Values, _parameters: Parameters) -> Floats:
    return f11_co2_dry(values["co2"], values["flow"], values["moisture"])


def _of_dry_o2(values: Values, parameters: Parameters) -> Floats:
    co2 = reported("co2_from_o2", f14a_co2(values["o2"], parameters["fc"], parameters["fd"]))
    return f11_co2_dry(co2, values["flow"], values["moisture"])


def _of_wet_o2(values: Values, parameters: Parameters) -> Floats:
    co2 = f14b_co2(values["o2"], values["moisture"], parameters["fc"], parameters["fd"])
    return f11_co2(reported("co2_from_o2", co2), values["flow"])


# Part 75 has no equation for a dry flow with wet CO2.
EQUATIONS: Mapping[str, Callable[[Values, Parameters], Floats]] = {
    "stack-co2": _wet,
    "stack-co2-wet-flow": _dry,
    "part75-stack": _wet,
    "part75-stack-dry": _dry,
    "part75-stack-o2": _of_dry_o2,
    "part75-stack-o2-wet": _of_wet_o2,
}


def reported_value(method: str, role: str, measured: Floats, counted: Floats, is_measured: Bools) -> Floats:
    """Return an input of hours as a report has it.

    A measured value is rounded, adjusted for bias, and rounded again (equation A-11); what stands for a missing one is
    rounded. EPA substitutes from rounded hours and we from unrounded ones, so the last digit of such a value may differ.

    Parameters
    ----------
    method, role
        A key of `EQUATIONS`, and of `QUANTITY`.
    measured, counted
        As the monitor gave it, and what counts: adjusted, or substituted; shape (hours,). [the method's unit of the role]
    is_measured
        Whether `counted` comes of `measured`, shape (hours,).

    Returns
    -------
    Floats
        Shape (hours,). [scfh, %]
    """
    scale = conversion(unit("Nm3"), unit("scf@68F"))[0] if role == "flow" and method in IN_SI else 1.0
    quantity = QUANTITY[role]
    factor = np.where(measured > 0, counted / np.where(measured > 0, measured, 1.0), 1.0)
    adjusted = bias_adjusted(reported(quantity, measured * scale), factor, REPORTED[quantity].decimals)
    return np.where(is_measured, adjusted, reported(quantity, counted * scale))


def reported_rate(method: str, values: Values, parameters: Parameters) -> Floats:
    """Return the CO2 rate of hours as a report has it, all CO2, biogenic or not [2]_.

    Parameters
    ----------
    method
        A key of `EQUATIONS`.
    values
        By role, as `reported_value` gives them.
    parameters
        Of the source: `fc` and `fd` where its method takes O2. [scf/mmBtu]

    Returns
    -------
    Floats
        NaN where an input is. [short tons/h]
    """
    return reported("co2_mass", EQUATIONS[method](values, parameters))

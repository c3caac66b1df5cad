"""Appendix F: CO2 of an hour, from what a stack's monitors measure.

Every function is one equation of [1]_ under its number. Flow is the wet flow that flow monitors measure; concentrations
are wet or dry as their names say. The diluent cap has no place here: it is for the NOx rate alone.
Results are as calculated; a negative CO2 is replaced where it is reported, see `reporting`.

References
----------
.. [1] 40 CFR part 75, appendix F.
.. [2] 40 CFR 98.33(a)(5)(iii), which cites F-11 for wet and F-2 for dry CO2.
"""

from collections.abc import Mapping

import numpy as np

from plant.arrays import Floats
from rules.examples import Worked
from rules.formulas.stack_gas import AIR_O2, Number, dry_of_wet
from rules.validity import not_negative, percent, positive

CO2_TONS = 5.7e-7  # [short tons/scf per %] M; exact would be 5.711e-7
HUNDRED_PERCENT_IN_AIR = 100 / AIR_O2


def f11_co2(co2_wet: Number, flow: Number) -> Floats:
    """CO2 mass rate, wet concentration: `E = 5.7e-7 C Q`, equation F-11.

    Parameters
    ----------
    co2_wet, flow
        [% wet], [scfh wet]

    Returns
    -------
    Floats
        [short tons/h]
    """
    return CO2_TONS * percent(co2_wet) * not_negative(flow)


def f11_co2_dry(co2_dry: Number, flow: Number, moisture: Number) -> Floats:
    """CO2 mass rate, dry concentration: F-11 with the dry part of the flow, as F-2 has it [2]_.

    Parameters
    ----------
    co2_dry, flow, moisture
        [% dry], [scfh wet], [%]

    Returns
    -------
    Floats
        [short tons/h]
    """
    return f11_co2(co2_dry, flow) * dry_of_wet(moisture)


def f12_tons(rate: Number, hours: Number) -> float:
    """CO2 of a quarter: `sum(E t)`, equation F-12; F-13 adds the quarters to the year.

    Parameters
    ----------
    rate, hours
        Of each hour of one quarter. Unknown hours are left out. [short tons/h], [h operating]

    Returns
    -------
    float
        Unrounded; NaN where no hour is known. [short tons]
    """
    amount = np.asarray(not_negative(rate) * not_negative(hours))
    known = amount[~np.isnan(amount)]
    return float(known.sum()) if known.size else float("nan")


def f14a_co2(o2_dry: Number, fc: Number, fd: Number) -> Floats:
    """CO2 from dry O2: `%CO2_d = 100 (Fc/Fd) (20.9 - %O2_d) / 20.9`, equation F-14a.

    Parameters
    ----------
    o2_dry, fc, fd
        [% dry], [scf CO2/mmBtu], [dscf/mmBtu]

    Returns
    -------
    Floats
        Negative where O2 is above 20.9. [% dry]
    """
    return 100 * positive(fc) / positive(fd) * (AIR_O2 - percent(o2_dry)) / AIR_O2


def f14b_co2(o2_wet: Number, moisture: Number, fc: Number, fd: Number) -> Floats:
    """CO2 from wet O2, equation F-14b.

    `%CO2_w = (100 / 20.9) (Fc/Fd) (20.9 (100 - %H2O) / 100 - %O2_w)`.

    Parameters
    ----------
    o2_wet, moisture, fc, fd
        [% wet], [%], [scf CO2/mmBtu], [dscf/mmBtu]

    Returns
    -------
    Floats
        [% wet]
    """
    burned = AIR_O2 * dry_of_wet(moisture) - percent(o2_wet)
    return HUNDRED_PERCENT_IN_AIR * positive(fc) / positive(fd) * burned


EXAMPLES: Mapping[str, Worked] = {
    "f11_co2": Worked({"co2_wet": 12.0, "flow": 10e6}, "short tons/h", "5.7e-7 * co2_wet * flow"),
    "f11_co2_dry": Worked(
        {"co2_dry": 12.0, "flow": 10e6, "moisture": 8.0},
        "short tons/h",
        "5.7e-7 * co2_dry * flow * (100 - moisture) / 100",
    ),
    "f12_tons": Worked({"rate": (68.4, 60.0), "hours": (1.0, 0.5)}, "short tons", "sum(rate * hours)"),
    "f14a_co2": Worked(
        {"o2_dry": 3.0, "fc": 1040.0, "fd": 8710.0}, "% dry", "100 * (fc / fd) * (20.9 - o2_dry) / 20.9"
    ),
    "f14b_co2": Worked(
        {"o2_wet": 2.6, "moisture": 14.0, "fc": 1040.0, "fd": 8710.0},
        "% wet",
        "100 / 20.9 * (fc / fd) * (20.9 * (100 - moisture) / 100 - o2_wet)",
    ),
}

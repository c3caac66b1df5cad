"""Appendix F: SO2, CO2 and heat input of an hour, from what a stack's monitors measure.

Every function is one equation of [1]_ under its number. Flow is the wet flow that flow monitors measure; concentrations
are wet or dry as their names say. The diluent cap has no place here: it is for the NOx rate alone, see `nox_rate`.
Results are as calculated; a negative CO2 or a heat input below 1.0 is replaced where it is reported, see `reporting`.

References
----------
.. [1] 40 CFR part 75, appendix F.
.. [2] 40 CFR 98.33(a)(5)(iii), which cites F-11 for wet and F-2 for dry CO2.
"""

from collections.abc import Mapping

import numpy as np

from plant.arrays import Floats
from rules.examples import Worked
from rules.formulas.stack_gas import Number, dry_of_wet
from rules.validity import not_negative, percent, positive

AIR_O2 = 20.9  # [%]
SO2_POUNDS = 1.660e-7  # [lb/scf per ppm] V
CO2_TONS = 5.7e-7  # [short tons/scf per %] M; exact would be 5.711e-7
POUNDS_PER_TON = 2000.0  # [lb/short ton]
HUNDRED_PERCENT_IN_AIR = 100 / AIR_O2
SLACK = 1e-9  # [%] by which rounding may put wet O2 above dry O2


def f1_so2(so2_wet: Number, flow: Number) -> Floats:
    """SO2 mass rate, wet concentration: `E = 1.660e-7 C Q`, equation F-1.

    Parameters
    ----------
    so2_wet, flow
        [ppm wet], [scfh wet]

    Returns
    -------
    Floats
        [lb/h]
    """
    return SO2_POUNDS * not_negative(so2_wet) * not_negative(flow)


def f2_so2(so2_dry: Number, flow: Number, moisture: Number) -> Floats:
    """SO2 mass rate, dry concentration: `E = 1.660e-7 C Q (100 - %H2O) / 100`, equation F-2.

    Parameters
    ----------
    so2_dry, flow, moisture
        [ppm dry], [scfh wet], [%]

    Returns
    -------
    Floats
        [lb/h]
    """
    return f1_so2(so2_dry, flow) * dry_of_wet(moisture)


def f3_tons(rate: Number, hours: Number) -> float:
    """SO2 of a quarter: `sum(E t) / 2000`, equation F-3; F-4 adds the quarters to the year.

    Parameters
    ----------
    rate, hours
        Of each hour of one quarter. Unknown hours are left out. [lb/h], [h operating]

    Returns
    -------
    float
        Unrounded; NaN where no hour is known. [short tons]
    """
    return sum_of_hours(rate, hours) / POUNDS_PER_TON


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
    return sum_of_hours(rate, hours)


def sum_of_hours(rate: Number, hours: Number) -> float:
    """Return `sum(rate t)` over the hours that are known, NaN where none is; [rate's unit h]."""
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


def f15_heat_input(flow: Number, co2_wet: Number, fc: Number) -> Floats:
    """Heat input rate from wet CO2: `HI = Q (1/Fc) (%CO2_w / 100)`, equation F-15.

    Parameters
    ----------
    flow, co2_wet, fc
        [scfh wet], [% wet], [scf CO2/mmBtu]

    Returns
    -------
    Floats
        On gross calorific value. [mmBtu/h]
    """
    return not_negative(flow) / positive(fc) * percent(co2_wet) / 100


def f16_heat_input(flow: Number, moisture: Number, co2_dry: Number, fc: Number) -> Floats:
    """Heat input rate from dry CO2: `HI = Q (100 - %H2O) / (100 Fc) (%CO2_d / 100)`, equation F-16.

    Parameters
    ----------
    flow, moisture, co2_dry, fc
        [scfh wet], [%], [% dry], [scf CO2/mmBtu]

    Returns
    -------
    Floats
        [mmBtu/h]
    """
    return f15_heat_input(flow, co2_dry, fc) * dry_of_wet(moisture)


def f17_heat_input(flow: Number, moisture: Number, o2_wet: Number, fd: Number) -> Floats:
    """Heat input rate from wet O2, equation F-17.

    `HI = Q (1/Fd) (20.9 (100 - %H2O) / 100 - %O2_w) / 20.9`.

    Parameters
    ----------
    flow, moisture, o2_wet, fd
        [scfh wet], [%], [% wet], [dscf/mmBtu]

    Returns
    -------
    Floats
        Negative where there is more O2 than air has. [mmBtu/h]
    """
    burned = AIR_O2 * dry_of_wet(moisture) - percent(o2_wet)
    return not_negative(flow) / positive(fd) * burned / AIR_O2


def f18_heat_input(flow: Number, moisture: Number, o2_dry: Number, fd: Number) -> Floats:
    """Heat input rate from dry O2, equation F-18.

    `HI = Q (100 - %H2O) / (100 Fd) (20.9 - %O2_d) / 20.9`.

    Parameters
    ----------
    flow, moisture, o2_dry, fd
        [scfh wet], [%], [% dry], [dscf/mmBtu]

    Returns
    -------
    Floats
        Negative where there is more O2 than air has. [mmBtu/h]
    """
    burned = (AIR_O2 - percent(o2_dry)) / AIR_O2
    return not_negative(flow) * dry_of_wet(moisture) / positive(fd) * burned


def f31_moisture(o2_dry: Number, o2_wet: Number) -> Floats:
    """Moisture from O2 measured twice: `%H2O = 100 (O2_d - O2_w) / O2_d`, equation F-31.

    Parameters
    ----------
    o2_dry, o2_wet
        [% dry], [% wet]

    Returns
    -------
    Floats
        NaN where the wet O2 is the higher one, which no gas is. [%]
    """
    dry = positive(percent(o2_dry))
    moisture = 100 * (dry - percent(o2_wet)) / dry
    return percent(np.where(moisture >= -SLACK, np.maximum(moisture, 0.0), moisture))


EXAMPLES: Mapping[str, Worked] = {
    "f1_so2": Worked({"so2_wet": 400.0, "flow": 10e6}, "lb/h", "1.660e-7 * so2_wet * flow"),
    "f2_so2": Worked(
        {"so2_dry": 400.0, "flow": 10e6, "moisture": 8.0},
        "lb/h",
        "1.660e-7 * so2_dry * flow * (100 - moisture) / 100",
    ),
    "f3_tons": Worked(
        {"rate": (664.0, 600.0), "hours": (1.0, 0.5)}, "short tons", "sum(rate * hours) / 2000"
    ),
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
    "f15_heat_input": Worked(
        {"flow": 10e6, "co2_wet": 12.0, "fc": 1800.0}, "mmBtu/h", "flow * (1 / fc) * co2_wet / 100"
    ),
    "f16_heat_input": Worked(
        {"flow": 10e6, "moisture": 8.0, "co2_dry": 13.0, "fc": 1800.0},
        "mmBtu/h",
        "flow * (100 - moisture) / (100 * fc) * co2_dry / 100",
    ),
    "f17_heat_input": Worked(
        {"flow": 10e6, "moisture": 8.0, "o2_wet": 5.0, "fd": 9780.0},
        "mmBtu/h",
        "flow * (1 / fd) * (20.9 * (100 - moisture) / 100 - o2_wet) / 20.9",
    ),
    "f18_heat_input": Worked(
        {"flow": 10e6, "moisture": 8.0, "o2_dry": 6.0, "fd": 9780.0},
        "mmBtu/h",
        "flow * (100 - moisture) / (100 * fd) * (20.9 - o2_dry) / 20.9",
    ),
    "f31_moisture": Worked({"o2_dry": 5.0, "o2_wet": 4.6}, "%", "100 * (o2_dry - o2_wet) / o2_dry"),
}

"""Concentrations as limits want them: dry, at a reference O2. For comparison with a limit only, never for a mass.

Two limits are comparable only at the same reference temperature, moisture and O2; all three belong to a limit and to a
channel, and none is guessed here.

References
----------
.. [1] QCVN 19:2024/BTNMT, `Ckq = Cdo (20.9 - O2tc) / (20.9 - O2do)`; Directive 2010/75/EU, annex V, with 21.
.. [2] QCVN 19:2009/BTNMT, `Cmax = C Kp Kv`; superseded by [1]_ on 1 July 2025.
.. [3] 40 CFR 60, appendix A, Method 3B.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats
from rules.american.part75.tables import fo_range
from rules.examples import Worked
from rules.formulas.stack_gas import Number, dry_concentration
from rules.validity import not_negative, percent, positive

AIR_O2 = 20.9  # [%] Viet Nam and most US rules; the EU, and 40 CFR 60.284, take 21
START_UP_O2 = 19.0  # [%] near air the correction only blows up the error of the O2 reading


@dataclass(frozen=True, slots=True)
class Corrected:
    """Concentrations at the reference O2, and where there is none because the plant is starting up or idle."""

    concentration: Floats
    start_up: Bools


def at_reference_o2(
    concentration: Number,
    o2: Number,
    reference: Number,
    *,
    air: float = AIR_O2,
    start_up: float = START_UP_O2,
) -> Corrected:
    """Return a concentration corrected to a reference O2 [1]_.

    `C_ref = C (O2_air - O2_ref) / (O2_air - O2)`.

    Parameters
    ----------
    concentration
        In dry gas. [mg/Nm3 or ppm]
    o2
        In dry gas, measured with the concentration; NaN unless within 0 to `air`. [%]
    reference
        The limit's: 6 for solid fuels, 3 for gas and liquids, 7 for biomass boilers, 11 for waste, 15 for turbines,
        as its regulation says. NaN unless within 0 to `air`. [%]
    air
        O2 of air in the regulation: 20.9 or 21. [%]
    start_up
        From this O2 on nothing is corrected: the concentration is NaN, and flagged. [%]

    Returns
    -------
    Corrected
        [unit of `concentration`]
    """
    measured = np.asarray(o2, np.float64)
    idle = measured >= start_up
    known = np.where((measured >= 0) & (measured < air) & ~idle, measured, np.nan)
    target = np.asarray(reference, np.float64)
    target = np.where((target >= 0) & (target < air), target, np.nan)
    return Corrected(not_negative(concentration) * ((air - target) / (air - known)), idle)


def dry(concentration: Number, moisture: Number) -> Floats:
    """Return a concentration in dry gas from one in wet gas, `C_wet 100 / (100 - %H2O)`.

    Parameters
    ----------
    concentration
        In wet gas; O2 is corrected the same way before it corrects anything. [any]
    moisture
        H2O in wet gas; NaN unless in [0, 100). [%]
    """
    return dry_concentration(concentration, moisture)


def cmax_2009(limit: Number, kp: Number, kv: Number) -> Floats:
    """Return the limit of QCVN 19:2009 for a plant, `Cmax = C Kp Kv` [2]_.

    Parameters
    ----------
    limit
        C of column A or B. [mg/Nm3 at 25 degC]
    kp, kv
        Factors of the stack's flow and of the zone. [1]

    Returns
    -------
    Floats
        [mg/Nm3 at 25 degC]
    """
    return positive(limit) * positive(kp) * positive(kv)


def fo(o2: Number, co2: Number) -> Floats:
    """Return what tells whether O2 and CO2 of a stack fit together, `Fo = (20.9 - %O2) / %CO2` [3]_.

    Parameters
    ----------
    o2, co2
        Both in dry gas; NaN unless within 0 to 100, CO2 above 0. [%]

    Returns
    -------
    Floats
        [1]
    """
    return (AIR_O2 - percent(o2)) / positive(percent(co2))


def fo_is_plausible(o2: Number, co2: Number, fuel: str) -> Bools:
    """Return where O2 and CO2, both dry, fit the fuel; False also where either is unknown.

    Raises
    ------
    ValueError
        Where Method 3B lists no range for the fuel.
    """
    found = fo(o2, co2)
    expected = fo_range(fuel)
    return (found >= expected.low) & (found <= expected.high)


EXAMPLES: Mapping[str, Worked] = {
    "at_reference_o2": Worked(
        {"concentration": 180.0, "o2": 11.0, "reference": 7.0},
        "mg/Nm3",
        "concentration * (20.9 - reference) / (20.9 - o2)",
    ),
    "dry": Worked(
        {"concentration": 184.0, "moisture": 8.0}, "mg/Nm3", "concentration * 100 / (100 - moisture)"
    ),
    "cmax_2009": Worked({"limit": 500.0, "kp": 0.8, "kv": 0.8}, "mg/Nm3", "limit * kp * kv"),
    "fo": Worked({"o2": 6.0, "co2": 13.0}, "1", "(20.9 - o2) / co2"),
}

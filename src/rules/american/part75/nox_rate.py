"""NOx per heat input, by what is measured wet and what dry, and the NOx mass that follows from it.

The diluent cap belongs here and nowhere else: where so little burns that O2 nears air, it bounds the rate. It replaces
a measured diluent only, never an unknown one.

References
----------
.. [1] 40 CFR part 75, appendix F, section 3.
.. [2] 40 CFR 60, appendix A, Method 19, equations 19-1 to 19-9; 19-3D and 19-5D of [1]_ for the cap.
"""

from collections.abc import Callable, Mapping

import numpy as np

from plant.arrays import Floats
from rules.american.part75.appendix_f import AIR_O2
from rules.american.part75.tables import DiluentCap
from rules.examples import Worked
from rules.formulas.stack_gas import Number, dry_of_wet
from rules.validity import not_negative, percent, positive

NOX_POUNDS = 1.194e-7  # [lb/scf per ppm, as NO2] V
LEAST_O2_BURNED = 0.5  # [%] nearer to air than this, the rate would be noise
LIMIT_SLACK = 1e-9  # relative: the limit is inclusive by this much
AMBIENT_MOISTURE = 0.027  # [1] of combustion air, equation 19-2

Rate = Callable[[Floats, Floats, Floats, Floats], Floats]  # NOx, diluent, moisture, F-factor


def nox_rate(
    equation: str,
    nox: Number,
    diluent: Number,
    f_factor: Number,
    *,
    moisture: Number = np.nan,
    cap: DiluentCap | None = None,
) -> Floats:
    """Return the NOx emission rate of an hour [1]_, [2]_.

    With `K = 1.194e-7`, w wet, d dry and B the moisture as a fraction:

    ======== ============================================================
    F-5      `K C_d Fd 20.9 / (20.9 - O2_d)`, which is 19-1
    19-2     `K C_w Fw 20.9 / (20.9 (1 - 0.027) - O2_w)`
    19-3     `K C_w Fd 20.9 / (20.9 (1 - B) - O2_w)`
    19-4     `K C_w Fd 20.9 / ((1 - B) (20.9 - O2_d))`
    19-5     `K C_d Fd 20.9 / (20.9 - O2_w / (1 - B))`
    F-6      `K C Fc 100 / CO2`, both wet or both dry; 19-6 and 19-7
    19-8     `K C_w Fc 100 / ((1 - B) CO2_d)`
    19-9     `K C_d (1 - B) Fc 100 / CO2_w`
    ======== ============================================================

    Parameters
    ----------
    equation
        A key of `RATES`; `equation_for` tells which.
    nox
        Counted as NO2. [ppm, wet or dry as the equation has it]
    diluent
        O2 or CO2. NaN unless within 0 to 100, and where 20.9 less O2 is below 0.5. [%]
    f_factor
        Fw in 19-2, Fc with CO2, else Fd. [scf/mmBtu]
    moisture
        Of the stack gas; only the equations with B look at it. [%]
    cap
        Of the unit. A wet O2 above the cap becomes the cap's dry O2 of the same gas (19-3D, 19-5D).

    Returns
    -------
    Floats
        Unrounded. [lb/mmBtu]

    Raises
    ------
    ValueError
        Where there is no such equation.
    """
    if equation not in RATES:
        raise ValueError(f"no equation {equation!r} for the NOx rate, only {', '.join(RATES)}")
    share = dry_of_wet(moisture)
    measured = percent(diluent)
    if cap is not None:
        measured = _capped(equation, measured, share, cap)
    return RATES[equation](NOX_POUNDS * not_negative(nox), measured, share, positive(f_factor))


def equation_for(*, nox_wet: bool, diluent: str, diluent_wet: bool) -> str:
    """Return the equation for how NOx and the diluent, `O2` or `CO2`, are measured.

    For both wet with O2 this is 19-3; 19-2 is the other choice, without a moisture monitor and with Fw.
    """
    if diluent == "CO2":
        return "F-6" if nox_wet == diluent_wet else "19-8" if nox_wet else "19-9"
    if nox_wet:
        return "19-3" if diluent_wet else "19-4"
    return "19-5" if diluent_wet else "F-5"


def f24a_nox(rate: Number, heat_input: Number) -> Floats:
    """NOx mass rate from the rate per heat input: `E = R HI`, equation F-24a.

    Parameters
    ----------
    rate, heat_input
        [lb/mmBtu], [mmBtu/h]

    Returns
    -------
    Floats
        [lb/h]
    """
    return not_negative(rate) * not_negative(heat_input)


def f26a_nox(nox_wet: Number, flow: Number) -> Floats:
    """NOx mass rate from concentration and flow, both wet: `E = 1.194e-7 C Q`, equation F-26a.

    Parameters
    ----------
    nox_wet, flow
        [ppm wet], [scfh wet]

    Returns
    -------
    Floats
        As NO2. [lb/h]
    """
    return NOX_POUNDS * not_negative(nox_wet) * not_negative(flow)


def f26b_nox(nox_dry: Number, flow: Number, moisture: Number) -> Floats:
    """NOx mass rate from a dry concentration: `E = 1.194e-7 C Q (100 - %H2O) / 100`, equation F-26b.

    Parameters
    ----------
    nox_dry, flow, moisture
        [ppm dry], [scfh wet], [%]

    Returns
    -------
    Floats
        As NO2. [lb/h]
    """
    return f26a_nox(nox_dry, flow) * dry_of_wet(moisture)


def _capped(equation: str, diluent: Floats, dry: Floats, cap: DiluentCap) -> Floats:
    if equation in ("F-6", "19-8", "19-9"):
        return np.maximum(diluent, cap.co2)
    if equation in ("19-3", "19-5"):
        return np.where(diluent > cap.o2, cap.o2 * dry, diluent)
    return np.minimum(diluent, cap.o2)


def _by_o2(pounds: Floats, factor: Floats, burned: Floats) -> Floats:
    """Return `K C F 20.9 / burned`, NaN where too little O2 is gone for a rate."""
    return pounds * factor * AIR_O2 / np.where(burned >= LEAST_O2_BURNED * (1 - LIMIT_SLACK), burned, np.nan)


def _f5(pounds: Floats, o2: Floats, _: Floats, fd: Floats) -> Floats:
    return _by_o2(pounds, fd, AIR_O2 - o2)


def _eq_19_2(pounds: Floats, o2: Floats, _: Floats, fw: Floats) -> Floats:
    return _by_o2(pounds, fw, AIR_O2 * (1 - AMBIENT_MOISTURE) - o2)


def _eq_19_3(pounds: Floats, o2: Floats, dry: Floats, fd: Floats) -> Floats:
    return _by_o2(pounds, fd, AIR_O2 * dry - o2)


def _eq_19_4(pounds: Floats, o2: Floats, dry: Floats, fd: Floats) -> Floats:
    return _by_o2(pounds / dry, fd, AIR_O2 - o2)


def _eq_19_5(pounds: Floats, o2: Floats, dry: Floats, fd: Floats) -> Floats:
    return _by_o2(pounds, fd, AIR_O2 - o2 / dry)


def _f6(pounds: Floats, co2: Floats, _: Floats, fc: Floats) -> Floats:
    return pounds * fc * 100 / positive(co2)


def _eq_19_8(pounds: Floats, co2: Floats, dry: Floats, fc: Floats) -> Floats:
    return _f6(pounds / dry, co2, dry, fc)


def _eq_19_9(pounds: Floats, co2: Floats, dry: Floats, fc: Floats) -> Floats:
    return _f6(pounds * dry, co2, dry, fc)


RATES: Mapping[str, Rate] = {
    "F-5": _f5,
    "19-2": _eq_19_2,
    "19-3": _eq_19_3,
    "19-4": _eq_19_4,
    "19-5": _eq_19_5,
    "F-6": _f6,
    "19-8": _eq_19_8,
    "19-9": _eq_19_9,
}


EXAMPLES: Mapping[str, Worked] = {
    "nox_rate: F-5": Worked(
        {"equation": "F-5", "nox": 250.0, "diluent": 6.0, "f_factor": 9780.0},
        "lb/mmBtu",
        "1.194e-7 * nox * f_factor * 20.9 / (20.9 - diluent)",
    ),
    "nox_rate: 19-2": Worked(
        {"equation": "19-2", "nox": 250.0, "diluent": 6.0, "f_factor": 10640.0},
        "lb/mmBtu",
        "1.194e-7 * nox * f_factor * 20.9 / (20.9 * (1 - 0.027) - diluent)",
    ),
    "nox_rate: 19-3": Worked(
        {"equation": "19-3", "nox": 250.0, "diluent": 6.0, "f_factor": 9780.0, "moisture": 8.0},
        "lb/mmBtu",
        "1.194e-7 * nox * f_factor * 20.9 / (20.9 * (100 - moisture) / 100 - diluent)",
    ),
    "nox_rate: 19-4": Worked(
        {"equation": "19-4", "nox": 250.0, "diluent": 6.0, "f_factor": 9780.0, "moisture": 8.0},
        "lb/mmBtu",
        "1.194e-7 * nox * f_factor * 20.9 / ((100 - moisture) / 100 * (20.9 - diluent))",
    ),
    "nox_rate: 19-5": Worked(
        {"equation": "19-5", "nox": 250.0, "diluent": 6.0, "f_factor": 9780.0, "moisture": 8.0},
        "lb/mmBtu",
        "1.194e-7 * nox * f_factor * 20.9 / (20.9 - diluent / ((100 - moisture) / 100))",
    ),
    "nox_rate: F-6": Worked(
        {"equation": "F-6", "nox": 250.0, "diluent": 12.0, "f_factor": 1800.0},
        "lb/mmBtu",
        "1.194e-7 * nox * f_factor * 100 / diluent",
    ),
    "nox_rate: 19-8": Worked(
        {"equation": "19-8", "nox": 250.0, "diluent": 12.0, "f_factor": 1800.0, "moisture": 8.0},
        "lb/mmBtu",
        "1.194e-7 * nox * f_factor * 100 / ((100 - moisture) / 100 * diluent)",
    ),
    "nox_rate: 19-9": Worked(
        {"equation": "19-9", "nox": 250.0, "diluent": 12.0, "f_factor": 1800.0, "moisture": 8.0},
        "lb/mmBtu",
        "1.194e-7 * nox * (100 - moisture) / 100 * f_factor * 100 / diluent",
    ),
    "f24a_nox": Worked({"rate": 0.41, "heat_input": 670.0}, "lb/h", "rate * heat_input"),
    "f26a_nox": Worked({"nox_wet": 250.0, "flow": 10e6}, "lb/h", "1.194e-7 * nox_wet * flow"),
    "f26b_nox": Worked(
        {"nox_dry": 250.0, "flow": 10e6, "moisture": 8.0},
        "lb/h",
        "1.194e-7 * nox_dry * flow * (100 - moisture) / 100",
    ),
}

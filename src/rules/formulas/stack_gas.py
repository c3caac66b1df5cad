"""Stack gas: from velocity to reference volume, from wet to dry, from volume fraction to mass; no regulation in it.

Everything here is the ideal gas law and moisture. Masses are of gas as it was measured: a concentration that was
corrected to a reference O2 is no mass (see `rules.formulas.limits`).

References
----------
.. [1] EN ISO 16911-1; ideal gas with R of CODATA 2018, as `rules.methods.stack_co2`.
.. [2] 40 CFR 60, appendix A, Method 19, equation 19-7: NOx counts as NO2.
"""

from collections.abc import Mapping

import numpy as np

from plant.arrays import Floats
from rules.examples import Worked
from rules.methods.stack_co2 import (
    GAS_CONSTANT,
    KELVIN_AT_0_DEGC,
    MOLAR_MASS_CO2,
    STANDARD_PRESSURE,
    dry_share,
)
from rules.validity import not_negative, percent, positive

Number = float | Floats

SECONDS_PER_HOUR = 3600.0
MG_PER_KG = 1e6

MOLAR_MASS: Mapping[str, float] = {  # [kg/kmol]
    "CO2": MOLAR_MASS_CO2,
    "CO": 28.0101,
    "NO": 30.0061,
    "NO2": 46.0055,
    "SO2": 64.066,
}


def dry_of_wet(moisture: Number) -> Floats:
    """Return the dry volume per wet volume, `(100 - %H2O) / 100`; NaN unless moisture is in [0, 100); [1]."""
    return dry_share(np.asarray(moisture, np.float64))


def actual_flow(velocity: Number, area: Number) -> Floats:
    """Return the volume flow through a stack, `v A 3600` [1]_.

    Parameters
    ----------
    velocity
        Mean over the cross section; NaN where negative. [m/s]
    area
        Of the cross section; NaN unless above 0. [m2]

    Returns
    -------
    Floats
        As it flows, hot and wet. [m3/h]
    """
    return not_negative(velocity) * positive(area) * SECONDS_PER_HOUR


def reference_flow(
    flow: Number, temperature: Number, pressure: Number, reference_temperature: float = 0.0
) -> Floats:
    """Return a flow at reference conditions, by the ideal gas law [1]_.

    `V_n = V (T_n / T) (P / P_n)` with `P_n` 101.325 kPa.

    Parameters
    ----------
    flow
        As it flows. [m3/h]
    temperature
        Of the gas; NaN unless above absolute zero. [degC]
    pressure
        Of the gas, absolute: gauge plus barometric. NaN unless above 0. [kPa]
    reference_temperature
        0 in the EU and here, 25 in Viet Nam (QCVN 19:2024, 1.3.10), 20 for 68 degF. [degC]

    Returns
    -------
    Floats
        Of the moisture that it had. [m3/h at the reference]
    """
    kelvin = positive(KELVIN_AT_0_DEGC + np.asarray(temperature, np.float64))
    cooled = (KELVIN_AT_0_DEGC + reference_temperature) / kelvin
    return not_negative(flow) * cooled * (positive(pressure) / STANDARD_PRESSURE)


def dry_flow(flow: Number, moisture: Number) -> Floats:
    """Return the dry part of a wet flow, `Q_wet (100 - %H2O) / 100`, in the unit of `flow`."""
    return not_negative(flow) * dry_of_wet(moisture)


def dry_concentration(concentration: Number, moisture: Number) -> Floats:
    """Return a concentration in dry gas from one in wet gas, `C_wet 100 / (100 - %H2O)`, in its unit."""
    return not_negative(concentration) / dry_of_wet(moisture)


def wet_concentration(concentration: Number, moisture: Number) -> Floats:
    """Return a concentration in wet gas from one in dry gas, `C_dry (100 - %H2O) / 100`, in its unit."""
    return not_negative(concentration) * dry_of_wet(moisture)


def molar_volume(temperature: float = 0.0, pressure: float = STANDARD_PRESSURE) -> float:
    """Return the volume of an ideal gas, `R T / p` [1]_.

    Parameters
    ----------
    temperature, pressure
        Reference conditions. [degC], [kPa absolute]

    Returns
    -------
    float
        22.4139695 at 0 degC and 101.325 kPa. [m3/kmol]
    """
    return GAS_CONSTANT * (KELVIN_AT_0_DEGC + temperature) / pressure


def mg_per_ppm(gas: str, temperature: float = 0.0, pressure: float = STANDARD_PRESSURE) -> float:
    """Return what one ppm of a gas weighs at reference conditions, `M / V_m` [1]_.

    Parameters
    ----------
    gas
        A key of `MOLAR_MASS`.
    temperature, pressure
        Of the cubic metre. [degC], [kPa absolute]

    Returns
    -------
    float
        [mg/m3 per ppm]
    """
    return MOLAR_MASS[gas] / molar_volume(temperature, pressure)


def density(gas: str, temperature: float = 0.0, pressure: float = STANDARD_PRESSURE) -> float:
    """Return the density of a pure gas at reference conditions, which is `mg_per_ppm`; [kg/m3]."""
    return mg_per_ppm(gas, temperature, pressure)


def nox_as_no2(no: Number, no2: Number, temperature: float = 0.0) -> Floats:
    """Return NOx by mass, counted as NO2 [2]_: `(ppm NO + ppm NO2) M(NO2) / V_m`.

    Parameters
    ----------
    no, no2
        Volume fractions; give 0 where an analyser shows the sum as one. [ppm]
    temperature
        Of the cubic metre. [degC]

    Returns
    -------
    Floats
        [mg/m3]
    """
    return (not_negative(no) + not_negative(no2)) * mg_per_ppm("NO2", temperature)


def pollutant_mass(flow: Number, concentration: Number) -> Floats:
    """Return the mass of NOx, SO2, CO or dust that leaves a stack, `Q C / 10^6`.

    Parameters
    ----------
    flow
        Dry, at the reference conditions of the concentration. [Nm3/h or Nm3]
    concentration
        In dry gas as measured, not corrected to a reference O2. [mg/Nm3]

    Returns
    -------
    Floats
        [kg/h or kg]
    """
    return not_negative(flow) * not_negative(concentration) / MG_PER_KG


def co2_mass(flow: Number, co2: Number, reference_temperature: float = 0.0) -> Floats:
    """Return the mass of CO2 in a flow, `Q C/100 M / V_m`, whatever the reference conditions.

    Parameters
    ----------
    flow
        At `reference_temperature` and 101.325 kPa, on the moisture basis of `co2`. [m3/h or m3]
    co2
        Volume fraction, 0 to 100. [%]
    reference_temperature
        [degC]

    Returns
    -------
    Floats
        [kg/h or kg]
    """
    return not_negative(flow) * percent(co2) / 100 * density("CO2", reference_temperature)


EXAMPLES: Mapping[str, Worked] = {
    "dry_of_wet": Worked({"moisture": 8.0}, "1", "(100 - moisture) / 100"),
    "actual_flow": Worked({"velocity": 15.0, "area": 3.1416}, "m3/h", "velocity * area * 3600"),
    "reference_flow": Worked(
        {"flow": 169.6e3, "temperature": 130.0, "pressure": 100.5},
        "Nm3/h",
        "flow * 273.15 / (273.15 + temperature) * pressure / 101.325",
    ),
    "dry_flow": Worked({"flow": 114e3, "moisture": 8.0}, "Nm3/h", "flow * (100 - moisture) / 100"),
    "dry_concentration": Worked(
        {"concentration": 184.0, "moisture": 8.0}, "mg/Nm3", "concentration * 100 / (100 - moisture)"
    ),
    "wet_concentration": Worked(
        {"concentration": 200.0, "moisture": 8.0}, "mg/Nm3", "concentration * (100 - moisture) / 100"
    ),
    "molar_volume": Worked(
        {"temperature": 25.0}, "m3/kmol", "8.314462618 * (273.15 + temperature) / 101.325"
    ),
    "mg_per_ppm: SO2": Worked({"gas": "SO2"}, "mg/m3 per ppm", "64.066 / (8.314462618 * 273.15 / 101.325)"),
    "density: CO2": Worked({"gas": "CO2"}, "kg/m3", "44.0095 / (8.314462618 * 273.15 / 101.325)"),
    "nox_as_no2": Worked(
        {"no": 95.0, "no2": 5.0}, "mg/m3", "(no + no2) * 46.0055 / (8.314462618 * 273.15 / 101.325)"
    ),
    "pollutant_mass": Worked(
        {"flow": 105e3, "concentration": 200.0}, "kg/h", "flow * concentration / 1000000"
    ),
    "co2_mass": Worked(
        {"flow": 105e3, "co2": 13.1}, "kg/h", "flow * co2 / 100 * 44.0095 / (8.314462618 * 273.15 / 101.325)"
    ),
}

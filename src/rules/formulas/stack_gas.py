"""Stack gas: the constants of an ideal gas, and how much of wet gas is dry.

References
----------
.. [1] EN ISO 16911-1; ideal gas with R of CODATA 2018.
"""

import numpy as np

from plant.arrays import Floats

Number = float | Floats

GAS_CONSTANT = 8.314462618  # [kPa m3/(kmol K)], CODATA 2018
KELVIN_AT_0_DEGC = 273.15
STANDARD_PRESSURE = 101.325  # [kPa]
MOLAR_VOLUME = GAS_CONSTANT * KELVIN_AT_0_DEGC / STANDARD_PRESSURE  # [m3/kmol] at 0 degC
MOLAR_MASS_CO2 = 44.0095  # [kg/kmol]
CO2_DENSITY = MOLAR_MASS_CO2 / MOLAR_VOLUME  # [kg/Nm3]


def dry_of_wet(moisture: Number) -> Floats:
    """Return the dry volume per wet volume, `(100 - %H2O) / 100` [1]_; NaN unless moisture is in [0, 100); [1]."""
    percent = np.asarray(moisture, np.float64)
    return np.where((percent >= 0) & (percent < 100), (100 - percent) / 100, np.nan)

"""Stack gas: the constants of an ideal gas, how much of wet gas is dry, and what a concentration is at another oxygen.

References
----------
.. [1] EN ISO 16911-1; ideal gas with R of CODATA 2018.
.. [2] QCVN 19:2024/BTNMT; the same in Directive 2010/75/EU, annex VI, part 7, with 21.
"""

import numpy as np

from plant.arrays import Floats

Number = float | Floats

GAS_CONSTANT = 8.314462618  # [kPa m3/(kmol K)], CODATA 2018
KELVIN_AT_0_DEGC = 273.15
STANDARD_PRESSURE = 101.325  # [kPa]
MOLAR_VOLUME = GAS_CONSTANT * KELVIN_AT_0_DEGC / STANDARD_PRESSURE  # [m3/kmol] at 0 degC
MOLAR_MASS_CO2 = 44.0095  # [kg/kmol]
AIR_O2 = 20.9  # [%]
CO2_DENSITY = MOLAR_MASS_CO2 / MOLAR_VOLUME  # [kg/Nm3]


def dry_of_wet(moisture: Number) -> Floats:
    """Return the dry volume per wet volume, `(100 - %H2O) / 100` [1]_; NaN unless moisture is in [0, 100); [1]."""
    percent = np.asarray(moisture, np.float64)
    return np.where((percent >= 0) & (percent < 100), (100 - percent) / 100, np.nan)


def at_reference_oxygen(concentration: Number, oxygen: Number, reference: float, highest: float) -> Floats:
    """Return what a concentration would be at a reference oxygen, `c (20.9 - O2ref) / (20.9 - O2)` [2]_.

    Parameters
    ----------
    concentration
        In any unit of mass or volume per volume.
    oxygen, reference
        Measured in the same gas on the same moisture basis, and that the limit refers to. [%]
    highest
        The oxygen from which on nothing is corrected, because the unit stands still: at 19 % it is 3 to 8 times. [%]

    Returns
    -------
    Floats
        NaN where one is unknown, or oxygen is not in [0, highest). [unit of the concentration]
    """
    measured = np.asarray(oxygen, np.float64)
    usable = np.where((measured >= 0) & (measured < min(highest, AIR_O2)), measured, np.nan)
    return np.asarray(concentration * (AIR_O2 - reference) / (AIR_O2 - usable))

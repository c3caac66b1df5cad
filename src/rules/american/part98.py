"""40 CFR part 98, subpart C: CO2, CH4 and N2O of stationary combustion by tiers 1 to 4, in the units of the rule.

`fuel` is in the unit of the fuel's row in table C-1: standard cubic feet, gallons or short tons. Results are metric tons, t.

References
----------
.. [1] 40 CFR 98.33. The equations are images there; written from their definitions.
"""

from collections.abc import Mapping

import numpy as np

from plant.arrays import Floats
from rules.examples import Worked
from rules.formulas.stack_gas import Number, dry_of_wet
from rules.validity import not_negative, percent, positive

CO2_PER_CARBON = 44 / 12
TONNES_PER_KG = 1e-3
TONNES_PER_SHORT_TON = 0.91  # of equation C-3, as the rule rounds it
CO2_TONNES = 5.18e-7  # [t/scf per %] of equation C-6
MOLAR_VOLUME: Mapping[int, float] = {60: 836.6, 68: 849.5}  # [scf/kg-mol] by reference temperature [degF]


def c1b(gas: Number, ef: Number) -> Floats:
    """Tier 1: CO2 from gas billed by energy, `0.001 Gas EF`, equation C-1b; [mmBtu], [kg/mmBtu] → [t]."""
    return TONNES_PER_KG * not_negative(gas) * not_negative(ef)


def c3(fuel: Number, carbon: Number) -> Floats:
    """Tier 3: CO2 from the carbon of a solid fuel, `44/12 Fuel CC 0.91`, equation C-3.

    Parameters
    ----------
    fuel, carbon
        [short tons], [kg C/kg, 0 to 1]

    Returns
    -------
    Floats
        [t]
    """
    return CO2_PER_CARBON * not_negative(fuel) * _fraction(carbon) * TONNES_PER_SHORT_TON


def c4(fuel: Number, carbon: Number) -> Floats:
    """Tier 3: CO2 from the carbon of a liquid, `44/12 Fuel CC 0.001`, equation C-4; [gal], [kg C/gal] → [t]."""
    return CO2_PER_CARBON * not_negative(fuel) * not_negative(carbon) * TONNES_PER_KG


def c5(fuel: Number, carbon: Number, molar_mass: Number, reference: int = 68) -> Floats:
    """Tier 3: CO2 from the carbon of a gas, `44/12 Fuel CC MW/MVC 0.001`, equation C-5.

    Parameters
    ----------
    fuel, carbon, molar_mass
        [scf], [kg C/kg, 0 to 1], [kg/kg-mol]
    reference
        Of the standard cubic foot, 60 or 68. [degF]

    Returns
    -------
    Floats
        [t]
    """
    moles = not_negative(fuel) * positive(molar_mass) / MOLAR_VOLUME[reference]
    return CO2_PER_CARBON * moles * _fraction(carbon) * TONNES_PER_KG


def c6(co2_wet: Number, flow: Number) -> Floats:
    """Tier 4: CO2 mass rate from a wet monitor, `5.18e-7 C Q`, equation C-6; [% wet], [scfh wet] → [t/h]."""
    return CO2_TONNES * percent(co2_wet) * not_negative(flow)


def c7(rate: Number, moisture: Number) -> Floats:
    """Tier 4: `c6` of a dry CO2 concentration corrected for moisture, equation C-7; [t/h], [%] → [t/h]."""
    return not_negative(rate) * dry_of_wet(moisture)


def _fraction(value: Number) -> Floats:
    number = np.asarray(value, np.float64)
    return np.where((number >= 0) & (number <= 1), number, np.nan)


EXAMPLES: Mapping[str, Worked] = {
    "c1b": Worked({"gas": 1000.0, "ef": 53.06}, "t", "0.001 * gas * ef"),
    "c3": Worked({"fuel": 100.0, "carbon": 0.637}, "t", "44 / 12 * fuel * carbon * 0.91"),
    "c4": Worked({"fuel": 1000.0, "carbon": 2.78}, "t", "44 / 12 * fuel * carbon * 0.001"),
    "c5": Worked(
        {"fuel": 1e6, "carbon": 0.724, "molar_mass": 17.4},
        "t",
        "44 / 12 * fuel * carbon * molar_mass / 849.5 * 0.001",
    ),
    "c6": Worked({"co2_wet": 12.0, "flow": 10e6}, "t/h", "5.18e-7 * co2_wet * flow"),
    "c7": Worked({"rate": 62.16, "moisture": 8.0}, "t/h", "rate * (100 - moisture) / 100"),
}

"""Kilograms per gas, and the one place where gases become tonnes of CO2e: global warming potentials come last."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from plant.arrays import Floats
from rules.factors.gwp import GwpSet

KG_PER_TONNE = 1000.0


@dataclass(frozen=True, slots=True)
class Gases:
    """What sources emitted, as columns of equal length; one row is one source in one window.

    Every column is in kg. `co2_biogenic_kg` is reported beside the total, never inside it. In a row whose
    factor was CO2e itself, `co2e_kg` is given and the gases are unknown (NaN); in every other row it is NaN.
    `ch4_fossil_kg` is what of `ch4_kg` is set free unburnt and of fossil carbon; None: nothing. Methane that a fire lets
    through is not: its carbon is in the CO2 of the fuel, which is counted as if all of it burned.
    """

    co2_kg: Floats
    co2_biogenic_kg: Floats
    ch4_kg: Floats
    n2o_kg: Floats
    co2e_kg: Floats | None = None
    ch4_fossil_kg: Floats | None = None

    @classmethod
    def co2_only(cls, fossil: Floats, biogenic: Floats) -> Self:
        """Return CO2 of a method that leaves CH4 and N2O outside: they are 0 in rows that are known.

        Parameters
        ----------
        fossil, biogenic
            Shape (rows,); a row where either is NaN is NaN throughout. [kg]
        """
        unknown = np.isnan(fossil + biogenic)
        outside = np.where(unknown, np.nan, 0.0)
        return cls(fossil + outside, biogenic + outside, ch4_kg=outside, n2o_kg=outside)


def tonnes_co2e(gases: Gases, gwp: GwpSet) -> Floats:
    """Tonnes of CO2e under a GWP set; biogenic CO2 stays outside, its CH4 and N2O inside [1]_.

    `(co2 GWP(CO2) + ch4 GWP(CH4) + n2o GWP(N2O)) / 1000`, or `co2e_kg / 1000` in rows that give it. Where the set tells
    methane by its carbon, the fossil one that is set free unburnt has its own potential, and all else the other one: as
    CO2 of burning is counted of all carbon, the fossil one would count that of unburnt methane twice [2]_.

    Returns
    -------
    Floats
        Shape (rows,); NaN where any gas of the row is NaN. [tCO2e]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, article 19(3); GHG Protocol, Corporate Standard, chapters 4 and 9.
    .. [2] IPCC, Climate Change 2021, Working Group I, section 7.6.1.3 and table 7.15; GHG Protocol, "IPCC Global Warming
       Potential Values", version 2.0, 2024.
    """
    fossil, other = gwp.methane
    weighted = gases.co2_kg * gwp["CO2"] + gases.ch4_kg * other + gases.n2o_kg * gwp["N2O"]
    if gases.ch4_fossil_kg is not None and fossil != other:
        weighted = weighted + gases.ch4_fossil_kg * (fossil - other)
    if gases.co2e_kg is not None:
        weighted = np.where(np.isnan(gases.co2e_kg), weighted, gases.co2e_kg)
    return weighted / KG_PER_TONNE

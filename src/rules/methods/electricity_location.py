"""Scope 2: purchased electricity by the average of the grid it was drawn from."""

from dataclasses import replace

import numpy as np

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import ELECTRICITY
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters

BASIS = ELECTRICITY

SPEC = MethodSpec(
    name="electricity-location",
    scope=2,
    title="Purchased electricity, location-based",
    reference="GHG Protocol, Scope 2 Guidance (2015), chapter 6; Circular 38/2023/TT-BCT, Annex II, section 2, point 3",
    roles=(Role("energy", "kWh"),),
    activity="energy",
    factor=("co2",),
)

EXAMPLE = Example(inputs={"energy": 1e6}, factor={"co2": 0.6592}, parameters={})
WORKING = ("co2_kg = energy * factor.co2",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from electricity drawn from the grid [1]_, [2]_.

    `E = AD_n EF_n`, equation TPT_D of [2]_.

    Parameters
    ----------
    inputs
        `energy`: drawn from the grid, never netted with what was fed in. [kWh]
    factor
        `co2`: of the grid, for the calculation year [kg/kWh]; or `co2e` in rows that have no `co2` [kgCO2e/kWh].
    parameters
        None.

    Returns
    -------
    Gases
        CO2 alone: CH4 and N2O are outside the factor and 0. In rows of a CO2e factor only `co2e_kg`. [kg]

    References
    ----------
    .. [1] GHG Protocol, "Scope 2 Guidance", World Resources Institute, 2015, chapter 6.
    .. [2] Circular 38/2023/TT-BCT, Annex II, section 2, point 3.
    """
    energy = inputs["energy"]
    unknown = np.full_like(energy, np.nan)
    gases = Gases.co2_only(fossil=energy * factor.get("co2", unknown), biogenic=np.zeros_like(energy))
    return replace(gases, co2e_kg=energy * factor.get("co2e", unknown))

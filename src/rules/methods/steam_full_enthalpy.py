"""Scope 2: purchased steam, known by its mass and the fuel of the boiler that made it."""

import numpy as np

from plant.arrays import Floats
from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import percent, positive

KJ_PER_GJ = 1e6
LEAST_EFFICIENCY = 1.0  # [%]; no boiler is as bad, but an efficiency given as a fraction is below

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="steam-full-enthalpy",
    scope=2,
    title="Purchased steam, by its mass, its full enthalpy and the fuel and efficiency of its boiler",
    reference="Circular 38/2023/TT-BCT, Annex II, section 2, point 4, as corrected by Decision 334/QD-BCT (2025)",
    roles=(Role("steam", "kg"),),
    activity="steam",
    factor=("co2", "co2_biogenic"),
    parameters=(
        Parameter("enthalpy", "kJ/kg", plausible=plausible.STEAM_ENTHALPY),
        Parameter("boiler_efficiency", "%", plausible=plausible.BOILER_EFFICIENCY),
    ),
)

EXAMPLE = Example(
    inputs={"steam": 1e6},
    factor={"co2": 74.1, "co2_biogenic": 0.0},
    parameters={"enthalpy": 2776.0, "boiler_efficiency": 85.0},
)
PER_HEAT = (
    "fuel [GJ] = heat / (boiler_efficiency / 100)",
    "co2_kg = fuel * factor.co2",
    "co2_biogenic_kg = fuel * factor.co2_biogenic",
)
WORKING = ("heat [GJ] = steam * enthalpy / 1000000", *PER_HEAT)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 of the fuel that purchased steam was made with [1]_, [2]_.

    `E = AD_H EF_H` with `EF_H = h / eta EF_fuel / 10^9`, equations TPT_H and EF_H,p of [1]_ with the divisor of
    [2]_, here in kg and GJ: the printed 10^6 is a thousand times too little.

    Parameters
    ----------
    inputs
        `steam`: bought, by mass. [kg]
    factor
        `co2`, `co2_biogenic` of the boiler's fuel, on net calorific value. For a mixture, of its shares in energy:
        the Circular is silent on that. [kg/GJ]
    parameters
        `enthalpy`: of the steam as delivered, from the steam table; saturated at 10 bar absolute it has about
        2777. NaN unless above 0. [kJ/kg]
        `boiler_efficiency`: on net calorific value, of the seller's boiler. NaN unless above 1 and up to 100, so
        that 0.85 is not taken for 85. [%]

    Returns
    -------
    Gases
        CO2 alone: the equation leaves CH4 and N2O outside, they are 0. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, Annex II, section 2, point 4.
    .. [2] Decision 334/QD-BCT of 6 February 2025.
    """
    heat = inputs["steam"] * positive(parameters["enthalpy"]) / KJ_PER_GJ
    fuel = heat / efficiency(parameters["boiler_efficiency"])
    return Gases.co2_only(fossil=fuel * factor["co2"], biogenic=fuel * factor["co2_biogenic"])


def efficiency(given: float | Floats) -> Floats:
    """Return a boiler's efficiency [%] as a fraction [1]; NaN unless it is above 1 and up to 100 %."""
    within = percent(given)
    return np.where(within > LEAST_EFFICIENCY, within, np.nan) / 100

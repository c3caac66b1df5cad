"""Scope 2: purchased steam, counted by the heat that stays with the buyer."""

import numpy as np

from plant.catalogue import MethodSpec, Parameter
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, steam_full_enthalpy
from rules.validity import not_negative, positive

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="steam-useful-heat",
    scope=2,
    title="Purchased steam, by its mass, its enthalpy above the water it was made from, and its boiler",
    reference="After Circular 38/2023/TT-BCT, Annex II, section 2, point 4, which takes the full enthalpy",
    roles=steam_full_enthalpy.SPEC.roles,
    activity="steam",
    factor=steam_full_enthalpy.SPEC.factor,
    parameters=(
        *steam_full_enthalpy.SPEC.parameters,
        Parameter("water_enthalpy", "kJ/kg", plausible=plausible.WATER_ENTHALPY),
    ),
)

EXAMPLE = Example(
    inputs={"steam": 1e6},
    factor={"co2": 74.1, "co2_biogenic": 0.0},
    parameters={"enthalpy": 2776.0, "boiler_efficiency": 85.0, "water_enthalpy": 419.0},
)
WORKING = ("heat [GJ] = steam * (enthalpy - water_enthalpy) / 1000000", *steam_full_enthalpy.PER_HEAT)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 of the fuel behind the heat that purchased steam brought.

    `h = h_steam - h_water`, then as `steam_full_enthalpy.emissions`. Not what the Circular asks for.

    Parameters
    ----------
    inputs
        As `steam_full_enthalpy.emissions`. [kg]
    factor
        As `steam_full_enthalpy.emissions`. [kg/GJ]
    parameters
        `enthalpy`, `boiler_efficiency`: as `steam_full_enthalpy.emissions`. [kJ/kg], [%]
        `water_enthalpy`: of the boiler's feedwater, or of the condensate that goes back; at 100 degC about 419.
        NaN unless 0 or more and below `enthalpy`. [kJ/kg]

    Returns
    -------
    Gases
        As `steam_full_enthalpy.emissions`. [kg]
    """
    useful = np.asarray(parameters["enthalpy"]) - not_negative(parameters["water_enthalpy"])
    return steam_full_enthalpy.emissions(inputs, factor, {**parameters, "enthalpy": positive(useful)})

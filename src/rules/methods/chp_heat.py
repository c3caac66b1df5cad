"""Scope 1: the heat's part of a combined heat and power plant's emissions."""

import numpy as np

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.formulas import chp
from rules.methods import FactorValues, Inputs, Parameters, fuel_energy

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="chp-heat",
    scope=1,
    title="The heat's part of a combined heat and power plant, by the efficiency method",
    reference="GHG Protocol, CHP tool, version 1.0 (2006), efficiency method; the fuel by IPCC 2006, volume 2, chapter 2, equation 2.1",
    roles=(Role("energy", "GJ"), Role("heat", "GJ"), Role("power", "GJ")),
    activity="heat",
    factor=fuel_energy.FACTOR_VALUES,
    parameters=(
        *fuel_energy.SPEC.parameters,
        Parameter("heat_efficiency", "%", plausible=plausible.HEAT_EFFICIENCY),
        Parameter("power_efficiency", "%", plausible=plausible.POWER_EFFICIENCY),
    ),
)

EXAMPLE = Example(
    inputs={"energy": 1000.0, "heat": 450.0, "power": 300.0},
    factor={"co2": 56.1, "co2_biogenic": 0.0, "ch4": 0.001, "n2o": 0.0001},
    parameters={"net_share": 90.0, "heat_efficiency": 80.0, "power_efficiency": 35.0},
)
SHARE_OF_HEAT = (
    "fuel_of_heat [GJ] = heat / (heat_efficiency / 100)",
    "fuel_of_power [GJ] = power / (power_efficiency / 100)",
    "share_of_heat [1] = fuel_of_heat / (fuel_of_heat + fuel_of_power)",
)
WORKING = (
    *SHARE_OF_HEAT,
    "net_energy [GJ] = energy * net_share / 100 * share_of_heat",
    *fuel_energy.PER_NET_ENERGY,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions that the heat of a combined plant takes over [1]_.

    `E_H = E_T (H / e_H) / (H / e_H + P / e_P)`, with `E_T` of all fuel as `fuel_energy.emissions` has it. With
    `chp_electricity.emissions` of the same channels it is all of `E_T`, in every window.

    Parameters
    ----------
    inputs
        `energy`: of all fuel that the plant burned, as it is metered. [GJ]
        `heat`: useful heat that left the plant. NaN below 0. [GJ]
        `power`: electricity that left the plant. NaN below 0. [GJ]
    factor
        As `fuel_energy.emissions`. [kg/GJ]
    parameters
        `net_share`: as `fuel_energy.emissions`. [%]
        `heat_efficiency`: of making the heat apart: 80 is the tool's US value, 66 its UK value. Where it equals
        `power_efficiency`, the split is by energy content, as ISO and IEA have it. NaN unless above 0 and up to 100. [%]
        `power_efficiency`: of making the power apart: 35 is the tool's US value, 33 its UK value. NaN unless above
        0 and up to 100. [%]

    Returns
    -------
    Gases
        Split window by window: a window in which fuel burned and neither heat nor power left is unknown, because
        nobody could take its emission. [kg]

    References
    ----------
    .. [1] GHG Protocol, CHP tool, version 1.0, 2006.
    """
    return parts(inputs, factor, parameters)[0]


def parts(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> tuple[Gases, Gases]:
    """Return what heat and what power take over, as `emissions`; together they are all of it."""
    total = fuel_energy.emissions({"energy": inputs["energy"]}, factor, parameters)
    apart = chp.Efficiencies(parameters["heat_efficiency"], parameters["power_efficiency"])
    gases = np.stack([total.co2_kg, total.co2_biogenic_kg, total.ch4_kg, total.n2o_kg])
    split = chp.split(gases, inputs["heat"], inputs["power"], apart)
    return Gases(*split.heat), Gases(*split.power)

"""Scope 1: the electricity's part of a combined heat and power plant's emissions."""

from plant.catalogue import MethodSpec
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, chp_heat, fuel_energy

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="chp-electricity",
    scope=1,
    title="The electricity's part of a combined heat and power plant, by the efficiency method",
    reference=chp_heat.SPEC.reference,
    roles=chp_heat.SPEC.roles,
    activity="power",
    factor=chp_heat.SPEC.factor,
    parameters=chp_heat.SPEC.parameters,
)

EXAMPLE = Example(
    inputs={"energy": 1000.0, "heat": 450.0, "power": 300.0},
    factor={"co2": 56.1, "co2_biogenic": 0.0, "ch4": 0.001, "n2o": 0.0001},
    parameters={"net_share": 90.0, "heat_efficiency": 80.0, "power_efficiency": 35.0},
)
WORKING = (
    *chp_heat.SHARE_OF_HEAT,
    "net_energy [GJ] = energy * net_share / 100 * (1 - share_of_heat)",
    *fuel_energy.PER_NET_ENERGY,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions that the electricity of a combined plant takes over [1]_.

    `E_P = E_T - E_H`, with both as `chp_heat.emissions` has them.

    Parameters
    ----------
    inputs
        As `chp_heat.emissions`. [GJ]
    factor
        As `fuel_energy.emissions`. [kg/GJ]
    parameters
        As `chp_heat.emissions`. [%]

    Returns
    -------
    Gases
        As `chp_heat.emissions`. [kg]

    References
    ----------
    .. [1] GHG Protocol, CHP tool, version 1.0, 2006.
    """
    return chp_heat.parts(inputs, factor, parameters)[1]

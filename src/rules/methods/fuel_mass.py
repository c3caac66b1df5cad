"""Scope 1: fuel burned, known by its mass, with the calorific value that its factor gives."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, fuel_energy

KG_PER_TONNE = 1000.0

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="fuel-mass",
    scope=1,
    title="Fuel burned, by its mass and the net calorific value of its factor",
    reference=fuel_energy.SPEC.reference,
    roles=(Role("mass", "kg"),),
    activity="mass",
    factor=(*fuel_energy.FACTOR_VALUES, "ncv"),
)

EXAMPLE = Example(
    inputs={"mass": 1000.0},
    factor={"co2": 74.1, "co2_biogenic": 0.0, "ch4": 0.003, "n2o": 0.0006, "ncv": 43.0},
    parameters={},
)
WORKING = ("net_energy [GJ] = mass * factor.ncv / 1000", *fuel_energy.PER_NET_ENERGY)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a weighed fuel.

    `AD = m NCV / 1000`, then equation 2.1 as in `fuel_energy.emissions`.

    Parameters
    ----------
    inputs
        `mass`: of the fuel burned. [kg]
    factor
        As `fuel_energy.emissions` [kg/GJ], and `ncv`, the net calorific value [GJ/t].
    parameters
        None.

    Returns
    -------
    Gases
        Shape of `mass`. [kg]
    """
    energy = inputs["mass"] * factor["ncv"] / KG_PER_TONNE
    return fuel_energy.emissions({"energy": energy}, factor, parameters)

"""Scope 1: fuel burned, known by its mass, with a calorific value of the supplier's or a laboratory's."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, fuel_energy, fuel_mass
from rules.validity import positive

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="fuel-mass-own-ncv",
    scope=1,
    title="Fuel burned, by its mass and a net calorific value of the source's own",
    reference=fuel_energy.SPEC.reference,
    roles=(Role("mass", "kg"),),
    activity="mass",
    factor=fuel_energy.FACTOR_VALUES,
    parameters=(Parameter("ncv", "GJ/t", plausible=plausible.NCV_OF_MASS),),
)

EXAMPLE = Example(
    inputs={"mass": 25e3},
    factor={"co2": 98.3, "co2_biogenic": 0.0, "ch4": 0.01, "n2o": 0.0015},
    parameters={"ncv": 23.0},
)
WORKING = ("net_energy [GJ] = mass * ncv / 1000", *fuel_energy.PER_NET_ENERGY)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a weighed fuel of known quality; traded coal differs too much for a default.

    `AD = m NCV / 1000`, then equation 2.1 as in `fuel_energy.emissions`.

    Parameters
    ----------
    inputs
        `mass`: of the fuel burned. [kg]
    factor
        As `fuel_energy.emissions`. [kg/GJ]
    parameters
        `ncv`: net calorific value, of the fuel as it was weighed. NaN unless above 0. [GJ/t]

    Returns
    -------
    Gases
        Shape of `mass`. [kg]
    """
    ncv = positive(parameters["ncv"])
    return fuel_mass.emissions(inputs, {**factor, "ncv": ncv}, parameters)

"""Scope 1: liquid fuel burned, known by its volume."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, fuel_energy, fuel_mass
from rules.validity import positive

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="fuel-liquid-volume",
    scope=1,
    title="Liquid fuel burned, by its volume and density, and the net calorific value of its factor",
    reference=fuel_energy.SPEC.reference,
    roles=(Role("volume", "L"),),
    activity="volume",
    factor=fuel_mass.SPEC.factor,
    parameters=(Parameter("density", "kg/L", plausible=plausible.DENSITY),),
)

EXAMPLE = Example(
    inputs={"volume": 1000.0},
    factor={"co2": 74.1, "co2_biogenic": 0.0, "ch4": 0.003, "n2o": 0.0006, "ncv": 43.0},
    parameters={"density": 0.84},
)
WORKING = ("mass [kg] = volume * density", *fuel_mass.WORKING)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a liquid whose volume is metered.

    `m = V rho`, then as `fuel_mass.emissions`.

    Parameters
    ----------
    inputs
        `volume`: of the fuel burned. [L]
    factor
        As `fuel_mass.emissions`. [kg/GJ, ncv GJ/t]
    parameters
        `density`: at the temperature that the volume refers to, usually 15 degC. NaN unless above 0. [kg/L]

    Returns
    -------
    Gases
        Shape of `volume`. [kg]
    """
    mass = inputs["volume"] * positive(parameters["density"])
    return fuel_mass.emissions({"mass": mass}, factor, parameters)

"""Scope 3: people that others carry, known by persons and distance."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import PASSENGER_DISTANCE
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

BASIS = PASSENGER_DISTANCE

SPEC = MethodSpec(
    name="passenger-distance",
    scope=3,
    title="People carried by others, by persons and distance",
    reference="GHG Protocol, Technical Guidance for Calculating Scope 3 Emissions, chapter 6",
    roles=(Role("passengers", "pkm"),),
    activity="passengers",
    factor=("co2e",),
)

EXAMPLE = Example(inputs={"passengers": 80_000.0}, factor={"co2e": 0.15}, parameters={})
WORKING = ("co2e_kg = passengers * factor.co2e",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of people on business, or on their way to work, in vehicles of others [1]_.

    `E = AD EF`, chapter 6 of [1]_; category 6 for business travel, 7 for commuting.

    Parameters
    ----------
    inputs
        `passengers`: of each journey its persons times its distance [km], summed. NaN below 0. [pkm]
    factor
        `co2e`: of its publisher, who says what it holds: the year, the country and how far up the chain. [kgCO2e/pkm]
    parameters
        None.

    Returns
    -------
    Gases
        `co2e_kg` alone: published factors tell the gases together. [kg]

    References
    ----------
    .. [1] GHG Protocol, "Technical Guidance for Calculating Scope 3 Emissions", 2013.
    """
    return co2e_only(not_negative(inputs["passengers"]) * factor["co2e"])

"""Scope 3: vehicles of others, known by the distance that they run."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import DISTANCE
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

BASIS = DISTANCE

SPEC = MethodSpec(
    name="vehicle-distance",
    scope=3,
    title="Vehicles of others, by the distance that they run",
    reference="GHG Protocol, Technical Guidance for Calculating Scope 3 Emissions, chapter 6",
    roles=(Role("distance", "km"),),
    activity="distance",
    factor=("co2e",),
)

EXAMPLE = Example(inputs={"distance": 300_000.0}, factor={"co2e": 0.2}, parameters={})
WORKING = ("co2e_kg = distance * factor.co2e",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of vehicles of others that run for the facility, or bring its people to work [1]_.

    `E = AD EF`, chapter 6 of [1]_; category 6 for business travel, 7 for commuting, 4 and 9 for goods.

    Parameters
    ----------
    inputs
        `distance`: of all vehicles of a kind together. NaN below 0. [km]
    factor
        `co2e`: of its publisher, who says what it holds: the year, the country and how far up the chain. [kgCO2e/km]
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
    return co2e_only(not_negative(inputs["distance"]) * factor["co2e"])

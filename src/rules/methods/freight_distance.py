"""Scope 3: goods that others carry, known by mass and distance."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import FREIGHT
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

BASIS = FREIGHT

SPEC = MethodSpec(
    name="freight-distance",
    scope=3,
    title="Goods carried by others, by mass and distance",
    reference="GHG Protocol, Technical Guidance for Calculating Scope 3 Emissions, chapter 4",
    roles=(Role("freight", "tkm"),),
    activity="freight",
    factor=("co2e",),
)

EXAMPLE = Example(inputs={"freight": 120_000.0}, factor={"co2e": 0.1}, parameters={})
WORKING = ("co2e_kg = freight * factor.co2e",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of carrying goods in vehicles of others [1]_.

    `E = AD EF`, chapter 4 of [1]_; category 4 for what the facility pays for, 9 for what its customers pay for.

    Parameters
    ----------
    inputs
        `freight`: of each leg its mass [t] times its distance [km], summed. NaN below 0. [tkm]
    factor
        `co2e`: of its publisher, who says what it holds: the year, the country and how far up the chain. [kgCO2e/tkm]
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
    return co2e_only(not_negative(inputs["freight"]) * factor["co2e"])

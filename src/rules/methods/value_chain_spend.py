"""Scope 3: what others emit for goods and services, known by the money spent on them."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import SPEND
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

BASIS = SPEND

SPEC = MethodSpec(
    name="value-chain-spend",
    scope=3,
    title="What others emit for goods and services bought, by the money spent",
    reference="GHG Protocol, Technical Guidance for Calculating Scope 3 Emissions, chapter 1",
    roles=(Role("spend", "VND"),),
    activity="spend",
    factor=("co2e",),
)

EXAMPLE = Example(inputs={"spend": 5e9}, factor={"co2e": 2.0e-5}, parameters={})
WORKING = ("co2e_kg = spend * factor.co2e",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of goods and services that somebody else makes, by what was paid for them [1]_.

    `E = AD EF`, chapter 1 of [1]_; category 1, and 2, 4, 5, 6 or 9 where nothing better is known.

    Parameters
    ----------
    inputs
        `spend`: paid, without value added tax, in the money of the year that the factor is of. NaN below 0. [VND]
    factor
        `co2e`: of its publisher, who says what it holds: the year, the country and how far up the chain. [kgCO2e/VND]
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
    return co2e_only(not_negative(inputs["spend"]) * factor["co2e"])

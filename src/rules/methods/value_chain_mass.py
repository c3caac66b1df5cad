"""Scope 3: what others emit for goods, materials or waste, known by their mass."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import PRODUCT
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2_or_co2e
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

BASIS = PRODUCT

SPEC = MethodSpec(
    name="value-chain-mass",
    scope=3,
    title="What others emit for goods, materials or waste, by their mass",
    reference="GHG Protocol, Technical Guidance for Calculating Scope 3 Emissions, chapter 1",
    roles=(Role("mass", "kg"),),
    activity="mass",
    factor=("co2",),
)

EXAMPLE = Example(inputs={"mass": 250_000.0}, factor={"co2": 1.9}, parameters={})
WORKING = ("co2_kg = mass * factor.co2",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 of making or treating something elsewhere, by its mass [1]_.

    `E = AD EF`, chapter 1 of [1]_; category 1 for goods bought, 2 for capital goods, 5 for waste that others treat, 12 for products at the end of their life.

    Parameters
    ----------
    inputs
        `mass`: bought, used or handed over. NaN below 0. [kg]
    factor
        `co2`: per mass, of whoever made or treats it: a supplier, or a published one. [kg/kg]; or `co2e` in rows that have no `co2` [kgCO2e/kg].
    parameters
        None.

    Returns
    -------
    Gases
        CO2 alone; in rows of a CO2e factor only `co2e_kg`. [kg]

    References
    ----------
    .. [1] GHG Protocol, "Technical Guidance for Calculating Scope 3 Emissions", 2013.
    """
    return co2_or_co2e(not_negative(inputs["mass"]), factor)

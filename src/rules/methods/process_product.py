"""Scope 1: CO2 of a process, known by what it makes: clinker, lime, glass, steel."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import PRODUCT
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2_or_co2e
from rules.methods import FactorValues, Inputs, Parameters

BASIS = PRODUCT

SPEC = MethodSpec(
    name="process-product",
    scope=1,
    title="CO2 of a process, by the mass of its product",
    reference="Circular 38/2023/TT-BCT, article 19(2), with the factors of Decision 2626/QD-BTNMT; IPCC 2006, volume 3",
    roles=(Role("product", "kg"),),
    activity="product",
    factor=("co2",),
)

EXAMPLE = Example(inputs={"product": 1e6}, factor={"co2": 0.525}, parameters={})
WORKING = ("co2_kg = product * factor.co2",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 that raw materials and reducing agents give off while something is made of them [1]_.

    `E = AD EF`, article 19(2) of [1]_. No correction factor is multiplied in: whether a factor of the national
    list has it already is not settled.

    Parameters
    ----------
    inputs
        `product`: made, by mass, as its factor counts it: clinker and not cement, crude steel and not coil. [kg]
    factor
        `co2`: per mass of the product [kg/kg]; or `co2e` in rows that have no `co2` [kgCO2e/kg].
    parameters
        None.

    Returns
    -------
    Gases
        CO2 alone: CH4 and N2O are outside the factor and 0. In rows of a CO2e factor only `co2e_kg`. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, article 19(2).
    """
    return co2_or_co2e(inputs["product"], factor)

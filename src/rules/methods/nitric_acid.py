"""Scope 1: N2O of nitric acid, known by its mass."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import PRODUCT_N2O
from rules.factors.gases import Gases
from rules.formulas.one_gas import n2o_only
from rules.methods import FactorValues, Inputs, Parameters

BASIS = PRODUCT_N2O

SPEC = MethodSpec(
    name="nitric-acid",
    scope=1,
    title="N2O of nitric acid, by the mass made",
    reference="Circular 38/2023/TT-BCT, article 19(2), with the factors of Decision 2626/QD-BTNMT; IPCC 2006, volume 3, chapter 3",
    roles=(Role("acid", "kg"),),
    activity="acid",
    factor=("n2o",),
)

EXAMPLE = Example(inputs={"acid": 100e3}, factor={"n2o": 0.008}, parameters={})
WORKING = ("n2o_kg = acid * factor.n2o",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """N2O from burning ammonia to nitric acid [1]_.

    `E = AD EF`, article 19(2) of [1]_.

    Parameters
    ----------
    inputs
        `acid`: made, by mass of pure HNO3. [kg]
    factor
        `n2o`: per mass of acid, of what leaves the plant. [kg/kg]
    parameters
        None.

    Returns
    -------
    Gases
        N2O alone: CO2 and CH4 are outside the factor and 0. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, article 19(2).
    """
    return n2o_only(inputs["acid"] * factor["n2o"])

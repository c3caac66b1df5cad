"""Scope 2: electricity bought directly from whoever generates it."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import DIRECT_ELECTRICITY
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2_or_co2e
from rules.methods import FactorValues, Inputs, Parameters

BASIS = DIRECT_ELECTRICITY

SPEC = MethodSpec(
    name="electricity-direct",
    scope=2,
    title="Electricity bought directly from its generator, by the seller's factor",
    reference="Circular 38/2023/TT-BCT, Annex II, section 2, point 3",
    roles=(Role("energy", "kWh"),),
    activity="energy",
    factor=("co2",),
)

EXAMPLE = Example(inputs={"energy": 250e3}, factor={"co2": 0.041}, parameters={})
WORKING = ("co2_kg = energy * factor.co2",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from electricity delivered by a seller of its own [1]_.

    `E = AD_n EF_n`, equation TPT_D of [1]_ with n = direct purchase.

    Parameters
    ----------
    inputs
        `energy`: delivered under the contract. [kWh]
    factor
        `co2`: the seller's, with evidence; 0 is a value [kg/kWh]; or `co2e` in rows without `co2` [kgCO2e/kWh].
    parameters
        None.

    Returns
    -------
    Gases
        CO2 alone: CH4 and N2O are outside the factor and 0. In rows of a CO2e factor only `co2e_kg`. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, Annex II, section 2, point 3.
    """
    return co2_or_co2e(inputs["energy"], factor)

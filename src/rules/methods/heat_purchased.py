"""Scope 2: purchased heat, steam or cooling, known by its energy."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import HEAT
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2_or_co2e
from rules.methods import FactorValues, Inputs, Parameters

BASIS = HEAT

SPEC = MethodSpec(
    name="heat-purchased",
    scope=2,
    title="Purchased heat, steam or cooling, by its energy and the supplier's factor",
    reference="Circular 38/2023/TT-BCT, article 19(2)",
    roles=(Role("energy", "GJ"),),
    activity="energy",
    factor=("co2",),
)

EXAMPLE = Example(inputs={"energy": 500.0}, factor={"co2": 70.0}, parameters={})
WORKING = ("co2_kg = energy * factor.co2",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from heat that somebody else made [1]_.

    `E = AD EF`, article 19(2) of [1]_.

    Parameters
    ----------
    inputs
        `energy`: of the heat or cooling delivered, as its meter counts it. [GJ]
    factor
        `co2`: per energy delivered, the supplier's losses within it [kg/GJ]; or `co2e` in rows without `co2`
        [kgCO2e/GJ]. What a combined plant's heat takes over is `rules.formulas.chp.split`.
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
    return co2_or_co2e(inputs["energy"], factor)

"""Scope 1: CO2 measured in a stack, by 40 CFR 98, flow and concentration wet."""

from plant.catalogue import MethodSpec, Role
from rules.american import part98
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, BY_ORIGIN, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.part98_energy import KG_PER_TONNE

SPEC = MethodSpec(
    name="part98-stack",
    scope=1,
    title="CO2 of a stack by 40 CFR 98, flow and concentration wet: tier 4",
    reference="40 CFR 98.33, equation C-6 (tier 4)",
    roles=(Role("flow", "scf@68F"), Role("co2", "%", level=True)),
    activity="flow",
    parameters=(BIOGENIC_SHARE,),
)

EXAMPLE = Example(inputs={"flow": 10e6, "co2": 12.0}, factor={}, parameters={"biogenic_share": 0.0})
WORKING = (
    "all_co2 [kg] = 5.18e-7 * co2 * flow * 1000",
    *BY_ORIGIN,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from wet stack volume and wet concentration [1]_.

    `CO2 = 5.18e-7 C Q`, equation C-6 of [1]_ in t, here in kg; times the operating time, as an amount of gas is.

    Parameters
    ----------
    inputs
        `flow`: wet stack gas in the window, at 68 degF and 29.92 inHg. NaN below 0. [scf@68F]
        `co2`: volume fraction in wet gas. NaN where not within 0 to 100. [%]
    factor
        None.
    parameters
        `biogenic_share`: of the CO2. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        CO2 alone: the analyser sees no CH4 and no N2O, they are outside the method and 0. Not rounded, and by
        windows where the rule takes hours. [kg]

    References
    ----------
    .. [1] 40 CFR 98.33(a)(4).
    """
    co2 = part98.c6(inputs["co2"], inputs["flow"]) * KG_PER_TONNE
    return co2_by_origin(co2, parameters)

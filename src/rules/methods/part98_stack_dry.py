"""Scope 1: CO2 measured in a stack, by 40 CFR 98, flow wet and concentration dry."""

from plant.catalogue import MethodSpec, Role
from rules.american import part98
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, BY_ORIGIN, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.part98_energy import KG_PER_TONNE

SPEC = MethodSpec(
    name="part98-stack-dry",
    scope=1,
    title="CO2 of a stack by 40 CFR 98, flow wet, concentration dry: tier 4",
    reference="40 CFR 98.33, equations C-6 and C-7 (tier 4)",
    roles=(Role("flow", "scf@68F"), Role("co2", "%", level=True), Role("moisture", "%", level=True)),
    activity="flow",
    parameters=(BIOGENIC_SHARE,),
)

EXAMPLE = Example(
    inputs={"flow": 10e6, "co2": 12.0, "moisture": 8.0}, factor={}, parameters={"biogenic_share": 0.0}
)
WORKING = (
    "all_co2 [kg] = 5.18e-7 * co2 * flow * (100 - moisture) / 100 * 1000",
    *BY_ORIGIN,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from wet stack volume and dry concentration [1]_.

    `CO2* = CO2 (100 - %H2O) / 100`, equation C-7 of [1]_, with `CO2 = 5.18e-7 C Q` (C-6) in t, here in kg.

    Parameters
    ----------
    inputs
        `flow`: wet stack gas in the window, at 68 degF and 29.92 inHg. NaN below 0. [scf@68F]
        `co2`: volume fraction in dry gas. NaN where not within 0 to 100. [%]
        `moisture`: H2O in wet gas. NaN unless in [0, 100). [%]
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
    rate = part98.c6(inputs["co2"], inputs["flow"])
    co2 = part98.c7(rate, inputs["moisture"]) * KG_PER_TONNE
    return co2_by_origin(co2, parameters)

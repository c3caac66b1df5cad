"""Scope 1: CO2 measured in a stack, by 40 CFR 75, flow and concentration wet."""

from plant.catalogue import MethodSpec, Role
from rules.american.part75 import appendix_f
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.part75_heat_input import KG_PER_SHORT_TON, OF_TONS

SPEC = MethodSpec(
    name="part75-stack",
    scope=1,
    title="CO2 of a stack by 40 CFR 75, flow and concentration wet",
    reference="40 CFR 75, Appendix F, equations F-11 and F-12",
    roles=(Role("flow", "scf@68F"), Role("co2", "%", level=True)),
    activity="flow",
    parameters=(BIOGENIC_SHARE,),
)

EXAMPLE = Example(inputs={"flow": 10e6, "co2": 12.0}, factor={}, parameters={"biogenic_share": 0.0})
WORKING = (
    "tons [short_ton] = 5.7e-7 * co2 * flow",
    *OF_TONS,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from wet stack volume and wet concentration [1]_.

    `E = 5.7e-7 C Q`, equation F-11 of [1]_ in short tons, here in kg. The rule's constant is 0.2 % below the
    ideal gas's, which `stack_co2.emissions` takes.

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
    .. [1] 40 CFR part 75, appendix F, section 4.
    """
    tons = appendix_f.f11_co2(inputs["co2"], inputs["flow"])
    return co2_by_origin(tons * KG_PER_SHORT_TON, parameters)

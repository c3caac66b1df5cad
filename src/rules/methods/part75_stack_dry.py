"""Scope 1: CO2 measured in a stack, by 40 CFR 75, flow wet and concentration dry."""

from plant.catalogue import MethodSpec, Role
from rules.american.part75 import appendix_f
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.part75_heat_input import KG_PER_SHORT_TON, OF_TONS

SPEC = MethodSpec(
    name="part75-stack-dry",
    scope=1,
    title="CO2 of a stack by 40 CFR 75, flow wet, concentration dry",
    reference="40 CFR 75, Appendix F, equations F-11 and F-12, with the dry flow of F-2 as 40 CFR 98.33(a)(5)(iii) cites it",
    roles=(
        Role("flow", "scf@68F"),
        Role("co2", "%", level=True),
        Role("moisture", "%", level=True, lowers=True),
    ),
    activity="flow",
    parameters=(BIOGENIC_SHARE,),
)

EXAMPLE = Example(
    inputs={"flow": 10e6, "co2": 12.0, "moisture": 8.0}, factor={}, parameters={"biogenic_share": 0.0}
)
WORKING = (
    "tons [short_ton] = 5.7e-7 * co2 * flow * (100 - moisture) / 100",
    *OF_TONS,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from wet stack volume and dry concentration [1]_.

    `E = 5.7e-7 C Q (100 - %H2O) / 100`, equation F-11 of [1]_ with the dry part of the flow, in short tons, here
    in kg.

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
    .. [1] 40 CFR part 75, appendix F, section 4; 40 CFR 98.33(a)(5)(iii).
    """
    tons = appendix_f.f11_co2_dry(inputs["co2"], inputs["flow"], inputs["moisture"])
    return co2_by_origin(tons * KG_PER_SHORT_TON, parameters)

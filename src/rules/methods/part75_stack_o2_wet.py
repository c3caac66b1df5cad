"""Scope 1: CO2 of a stack with an O2 analyser, by 40 CFR 75, flow and O2 wet."""

from plant.catalogue import MethodSpec
from rules.american.part75 import appendix_f
from rules.american.part75.reporting import floored
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters, part75_stack_o2
from rules.methods.part75_heat_input import KG_PER_SHORT_TON, OF_TONS

SPEC = MethodSpec(
    name="part75-stack-o2-wet",
    scope=1,
    title="CO2 of a stack by 40 CFR 75 without a CO2 analyser, flow and O2 wet",
    reference="40 CFR 75, Appendix F, equations F-14b, F-11 and F-12",
    roles=part75_stack_o2.SPEC.roles,
    activity="flow",
    parameters=part75_stack_o2.SPEC.parameters,
)

EXAMPLE = Example(
    inputs={"flow": 10e6, "o2": 2.6, "moisture": 14.0},
    factor={},
    parameters={"fc": 1040.0, "fd": 8710.0, "biogenic_share": 0.0},
)
WORKING = (
    "co2 [%] = max(0, 100 / 20.9 * (fc / fd) * (20.9 * (100 - moisture) / 100 - o2))",
    "tons [short_ton] = 5.7e-7 * co2 * flow",
    *OF_TONS,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from wet stack volume and what the wet O2 says of the CO2 [1]_.

    `%CO2_w = (100 / 20.9) (Fc/Fd) (20.9 (100 - %H2O) / 100 - %O2_w)`, equation F-14b of [1]_, then as
    `part75_stack.emissions`. Only where the gas is the pure product of burning the fuel. What comes out below 0, as from air
    in a unit that stands, is 0.

    Parameters
    ----------
    inputs
        `flow`: wet stack gas in the window, at 68 degF and 29.92 inHg. NaN below 0. [scf@68F]
        `o2`: volume fraction in wet gas. NaN where not within 0 to 100. [%]
        `moisture`: H2O in wet gas. NaN unless in [0, 100). [%]
    factor
        None.
    parameters
        `fc`, `fd`: F-factors of the fuel, from table 1 of [1]_; of one fuel, or of a mixture by equation F-8. NaN
        unless above 0. [scf@68F/mmBtu]
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
    co2 = appendix_f.f14b_co2(inputs["o2"], inputs["moisture"], parameters["fc"], parameters["fd"])
    wet = floored("co2_from_o2", co2)
    tons = appendix_f.f11_co2(wet, inputs["flow"])
    return co2_by_origin(tons * KG_PER_SHORT_TON, parameters)

"""Scope 1: CO2 of a stack with an O2 analyser, by 40 CFR 75, flow wet and O2 dry."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.american.part75 import appendix_f
from rules.american.part75.reporting import floored
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.part75_heat_input import KG_PER_SHORT_TON, OF_TONS

SPEC = MethodSpec(
    name="part75-stack-o2",
    scope=1,
    title="CO2 of a stack by 40 CFR 75 without a CO2 analyser, flow wet, O2 dry",
    reference="40 CFR 75, Appendix F, equations F-14a, F-11 and F-12",
    roles=(
        Role("flow", "scf@68F"),
        Role("o2", "%", level=True, lowers=True),
        Role("moisture", "%", level=True, lowers=True),
    ),
    activity="flow",
    parameters=(
        Parameter("fc", "scf@68F/mmBtu", plausible=plausible.F_CARBON),
        Parameter("fd", "scf@68F/mmBtu", plausible=plausible.F_DRY),
        BIOGENIC_SHARE,
    ),
)

EXAMPLE = Example(
    inputs={"flow": 10e6, "o2": 6.0, "moisture": 8.0},
    factor={},
    parameters={"fc": 1800.0, "fd": 9780.0, "biogenic_share": 0.0},
)
WORKING = (
    "co2 [%] = max(0, 100 * (fc / fd) * (20.9 - o2) / 20.9)",
    "tons [short_ton] = 5.7e-7 * co2 * flow * (100 - moisture) / 100",
    *OF_TONS,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from wet stack volume and what the dry O2 says of the CO2 [1]_.

    `%CO2_d = 100 (Fc/Fd) (20.9 - %O2_d) / 20.9`, equation F-14a of [1]_, then as `part75_stack_dry.emissions`.
    Only where the gas is the pure product of burning the fuel. What comes out below 0, as from air in a unit that stands, is 0.

    Parameters
    ----------
    inputs
        `flow`: wet stack gas in the window, at 68 degF and 29.92 inHg. NaN below 0. [scf@68F]
        `o2`: volume fraction in dry gas. NaN where not within 0 to 100. [%]
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
    dry = floored("co2_from_o2", appendix_f.f14a_co2(inputs["o2"], parameters["fc"], parameters["fd"]))
    tons = appendix_f.f11_co2_dry(dry, inputs["flow"], inputs["moisture"])
    return co2_by_origin(tons * KG_PER_SHORT_TON, parameters)

"""Scope 1: CO2 of gas or oil, by 40 CFR 75 from its heat input and the carbon F-factor."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.american.part75 import appendix_g
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, BY_ORIGIN, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters

KG_PER_SHORT_TON = 907.18474  # of 2000 lb, exactly

SPEC = MethodSpec(
    name="part75-heat-input",
    scope=1,
    title="CO2 of gas or oil burned, by 40 CFR 75 from its heat input",
    reference="40 CFR 75, Appendix G, equation G-4",
    roles=(Role("energy", "mmBtu"),),
    activity="energy",
    parameters=(Parameter("fc", "scf@68F/mmBtu", plausible=plausible.F_CARBON), BIOGENIC_SHARE),
)

EXAMPLE = Example(inputs={"energy": 1000.0}, factor={}, parameters={"fc": 1040.0, "biogenic_share": 0.0})
OF_TONS = ("all_co2 [kg] = tons * 907.18474", *BY_ORIGIN)
WORKING = (
    "tons [short_ton] = fc * energy / 385 * 44 / 2000",
    *OF_TONS,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 from burning gas or oil whose heat input is known [1]_.

    `W = Fc HI (1/385) 44 / 2000`, equation G-4 of [1]_ in short tons, here in kg.

    Parameters
    ----------
    inputs
        `energy`: heat input on gross calorific value. NaN below 0. [mmBtu]
    factor
        None.
    parameters
        `fc`: carbon F-factor of the fuel, 1040 for natural gas. NaN unless above 0. [scf@68F/mmBtu]
        `biogenic_share`: of the CO2. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        CO2 alone: the F-factor tells nothing of CH4 and N2O, they are outside the method and 0. [kg]

    References
    ----------
    .. [1] 40 CFR part 75, appendix G, section 2.3.
    """
    co2 = appendix_g.g4_co2(inputs["energy"], parameters["fc"]) * KG_PER_SHORT_TON
    return co2_by_origin(co2, parameters)

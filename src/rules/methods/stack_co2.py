"""Scope 1: CO2 measured in a stack, flow and concentration on the same moisture basis."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, BY_ORIGIN, co2_by_origin
from rules.formulas.stack_gas import CO2_DENSITY
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import percent

SPEC = MethodSpec(
    name="stack-co2",
    scope=1,
    title="CO2 of a stack, flow and concentration both wet or both dry",
    reference="Regulation (EU) 2018/2066, Annex VIII, equation 1; 40 CFR 75, Appendix F, equation F-11; both in SI units",
    roles=(Role("flow", "Nm3"), Role("co2", "%", level=True)),
    activity="flow",
    parameters=(BIOGENIC_SHARE,),
)

EXAMPLE = Example(inputs={"flow": 100e3, "co2": 12.0}, factor={}, parameters={"biogenic_share": 10.0})
OF_SAME_BASIS = (
    "density [kg/Nm3] = 44.0095 * 101.325 / (8.314462618 * 273.15)",
    "all_co2 [kg] = volume * co2 / 100 * density",
    *BY_ORIGIN,
)
WORKING = ("volume [Nm3] = flow", *OF_SAME_BASIS)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from stack volume and mean concentration, on one moisture basis [1]_, [2]_.

    `m = V C/100 M/Vm` with the molar volume `Vm = R T0 / p0`; equation 1 of [1]_, F-11 of [2]_, in SI units.

    Parameters
    ----------
    inputs
        `flow`: stack gas volume in the window, at 0 degC and 101.325 kPa. [Nm3]
        `co2`: volume fraction of CO2 on the moisture basis of the flow, not corrected to a reference O2. [%]
    factor
        None.
    parameters
        `biogenic_share`: of the CO2, 0 to 100. [%]

    Returns
    -------
    Gases
        CO2 alone: the analyser sees no CH4 and no N2O, they are outside the method and 0. NaN where `co2` or
        `biogenic_share` is not within 0 to 100. [kg]

    References
    ----------
    .. [1] Commission Implementing Regulation (EU) 2018/2066, Annex VIII.
    .. [2] 40 CFR part 75, Appendix F, section 4.
    """
    co2 = inputs["flow"] * percent(inputs["co2"]) / 100 * CO2_DENSITY
    return co2_by_origin(co2, parameters)

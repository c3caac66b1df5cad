"""Scope 1: CO2 measured in a stack, dry flow and wet concentration: the in-situ analyser."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE
from rules.formulas.stack_gas import dry_of_wet
from rules.methods import FactorValues, Inputs, Parameters, stack_co2

SPEC = MethodSpec(
    name="stack-co2-dry-flow",
    scope=1,
    title="CO2 of a stack, flow dry, concentration wet, moisture measured",
    reference="Regulation (EU) 2018/2066, Annex VIII, equation 1; 40 CFR 98.33, equation C-7; both in SI units",
    roles=(Role("flow", "Nm3"), Role("co2", "%", level=True), Role("moisture", "%", level=True)),
    activity="flow",
    parameters=(BIOGENIC_SHARE,),
)

EXAMPLE = Example(
    inputs={"flow": 100e3, "co2": 12.0, "moisture": 8.0}, factor={}, parameters={"biogenic_share": 0.0}
)
WORKING = ("volume [Nm3] = flow * 100 / (100 - moisture)", *stack_co2.OF_SAME_BASIS)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from dry stack volume and wet mean concentration [1]_.

    `V_wet = V_dry 100 / (100 - %H2O)`, equation C-7 of [1]_ solved for the wet volume, then as
    `stack_co2.emissions`.

    Parameters
    ----------
    inputs
        `flow`: dry stack gas volume in the window, at 0 degC and 101.325 kPa. [Nm3]
        `co2`: volume fraction of CO2 in wet gas, not corrected to a reference O2. [%]
        `moisture`: volume fraction of H2O in wet gas. [%]
    factor
        None.
    parameters
        As `stack_co2.emissions`.

    Returns
    -------
    Gases
        As `stack_co2.emissions`; NaN also where `moisture` is not in [0, 100). [kg]

    References
    ----------
    .. [1] 40 CFR 98.33(a)(4).
    """
    wet_flow = inputs["flow"] / dry_of_wet(inputs["moisture"])
    return stack_co2.emissions({"flow": wet_flow, "co2": inputs["co2"]}, factor, parameters)

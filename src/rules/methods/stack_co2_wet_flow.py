"""Scope 1: CO2 measured in a stack, wet flow and dry concentration: the usual extractive analyser."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE
from rules.formulas.stack_gas import dry_of_wet
from rules.methods import FactorValues, Inputs, Parameters, stack_co2

SPEC = MethodSpec(
    name="stack-co2-wet-flow",
    scope=1,
    title="CO2 of a stack, flow wet, concentration dry, moisture measured",
    reference="Regulation (EU) 2018/2066, Annex VIII, equation 1; 40 CFR 98.33, equation C-7; both in SI units",
    roles=(Role("flow", "Nm3"), Role("co2", "%", level=True), Role("moisture", "%", level=True, lowers=True)),
    activity="flow",
    parameters=(BIOGENIC_SHARE,),
)

EXAMPLE = Example(
    inputs={"flow": 114e3, "co2": 13.1, "moisture": 8.0},
    factor={},
    parameters={"biogenic_share": 0.0},
)
WORKING = ("volume [Nm3] = flow * (100 - moisture) / 100", *stack_co2.OF_SAME_BASIS)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 mass from wet stack volume and dry mean concentration [1]_.

    `V_dry = V_wet (100 - %H2O) / 100`, equation C-7 of [1]_, then as `stack_co2.emissions`.

    Parameters
    ----------
    inputs
        `flow`: wet stack gas volume in the window, at 0 degC and 101.325 kPa. [Nm3]
        `co2`: volume fraction of CO2 in dry gas, not corrected to a reference O2. [%]
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
    dry_flow = inputs["flow"] * dry_of_wet(inputs["moisture"])
    return stack_co2.emissions({"flow": dry_flow, "co2": inputs["co2"]}, factor, parameters)

"""Scope 1: fluorinated gas that escapes while new equipment is filled, known by what was filled in."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative, percent, positive

SPEC = MethodSpec(
    name="refrigerant-charging",
    scope=1,
    title="Refrigerant or SF6 that escapes while equipment is filled, by the mass filled in",
    reference="Circular 38/2023/TT-BCT, Annex II, section 2, point 2.2",
    roles=(Role("charged", "kg"),),
    activity="charged",
    parameters=(
        Parameter("loss", "%", plausible=plausible.CHARGING_LOSS),
        Parameter("gwp", "kgCO2e/kg", plausible=plausible.GWP),
    ),
)

EXAMPLE = Example(inputs={"charged": 200.0}, factor={}, parameters={"loss": 0.5, "gwp": 1430.0})
WORKING = ("co2e_kg = charged * loss / 100 * gwp",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of a fluorinated gas that is lost while equipment is filled [1]_.

    `E_A = C_A k/100`, point 2.2 of [1]_, one substance a source.

    Parameters
    ----------
    inputs
        `charged`: filled into new equipment. NaN below 0. [kg]
    factor
        None.
    parameters
        `loss`: share of the charge that escapes. NaN where not within 0 to 100. [%]
        `gwp`: of the substance, from the GWP set that the plant is configured with. NaN unless above 0. [kgCO2e/kg]

    Returns
    -------
    Gases
        `co2e_kg` alone: none of the gases that an emission has apart is fluorinated, they are unknown. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, Annex II, section 2, point 2.2.
    """
    lost = not_negative(inputs["charged"]) * percent(parameters["loss"]) / 100
    return co2e_only(lost * positive(parameters["gwp"]))

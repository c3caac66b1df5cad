"""Scope 1: fluorinated gas that is lost when equipment is retired, known by its charge."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative, percent, positive

SPEC = MethodSpec(
    name="refrigerant-disposal",
    scope=1,
    title="Refrigerant or SF6 lost when equipment is retired, by its charge, what remains and what is recovered",
    reference="Circular 38/2023/TT-BCT, Annex II, section 2, point 2.2",
    roles=(Role("retired", "kg"),),
    activity="retired",
    parameters=(
        Parameter("remaining", "%", plausible=plausible.REMAINING),
        Parameter("recovered", "%", plausible=plausible.RECOVERED),
        Parameter("gwp", "kgCO2e/kg", plausible=plausible.GWP),
    ),
)

EXAMPLE = Example(
    inputs={"retired": 300.0}, factor={}, parameters={"remaining": 80.0, "recovered": 70.0, "gwp": 1430.0}
)
WORKING = ("co2e_kg = retired * remaining / 100 * (1 - recovered / 100) * gwp",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of a fluorinated gas that is lost at the end of the life of equipment [1]_.

    `E_D = C_D (y/100) (1 - z/100)`, point 2.2 of [1]_, one substance a source.

    Parameters
    ----------
    inputs
        `retired`: charge of equipment that was retired, as it was when it was new. NaN below 0. [kg]
    factor
        None.
    parameters
        `remaining`: share of the charge that the equipment still holds. `recovered`: share of that which is taken out. NaN where not within 0 to 100. [%]
        `gwp`: of the substance, from the GWP set that the plant is configured with. NaN unless above 0. [kgCO2e/kg]

    Returns
    -------
    Gases
        `co2e_kg` alone: none of the gases that an emission has apart is fluorinated, they are unknown. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, Annex II, section 2, point 2.2.
    """
    remaining, recovered = percent(parameters["remaining"]) / 100, percent(parameters["recovered"]) / 100
    lost = not_negative(inputs["retired"]) * remaining * (1 - recovered)
    return co2e_only(lost * positive(parameters["gwp"]))

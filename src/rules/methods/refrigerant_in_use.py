"""Scope 1: fluorinated gas that leaks from equipment in use, known by its charge."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative, percent, positive

SPEC = MethodSpec(
    name="refrigerant-in-use",
    scope=1,
    title="Refrigerant or SF6 that leaks from equipment in use, by its charge and a yearly rate",
    reference="Circular 38/2023/TT-BCT, Annex II, section 2, point 2.2",
    roles=(Role("charge", "kg"),),
    activity="charge",
    parameters=(
        Parameter("yearly_leak", "%", plausible=plausible.YEARLY_LEAK),
        Parameter("gwp", "kgCO2e/kg", plausible=plausible.GWP),
    ),
)

EXAMPLE = Example(inputs={"charge": 5_000.0}, factor={}, parameters={"yearly_leak": 5.0, "gwp": 1430.0})
WORKING = ("co2e_kg = charge * yearly_leak / 100 * gwp",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of a fluorinated gas that leaks from equipment over a year [1]_.

    `E_O = C_O x/100`, point 2.2 of [1]_, one substance a source.

    Parameters
    ----------
    inputs
        `charge`: that the equipment holds, entered once a year for the year: the amount of a year is the charge. NaN below 0. [kg]
    factor
        None.
    parameters
        `yearly_leak`: share of the charge that leaks in a year. NaN where not within 0 to 100. [%]
        `gwp`: of the substance, from the GWP set that the plant is configured with. NaN unless above 0. [kgCO2e/kg]

    Returns
    -------
    Gases
        `co2e_kg` alone: none of the gases that an emission has apart is fluorinated, they are unknown. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, Annex II, section 2, point 2.2.
    """
    lost = not_negative(inputs["charge"]) * percent(parameters["yearly_leak"]) / 100
    return co2e_only(lost * positive(parameters["gwp"]))

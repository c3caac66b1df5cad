"""Scope 1: fluorinated gas that leaked, known by what was topped up."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative, positive

SPEC = MethodSpec(
    name="refrigerant-top-up",
    scope=1,
    title="Refrigerant or SF6 that leaked, by the mass topped up and its global warming potential",
    reference="Circular 38/2023/TT-BCT, Annex II, section 2, point 2.1",
    roles=(Role("refrigerant", "kg"),),
    activity="refrigerant",
    parameters=(Parameter("gwp", "kgCO2e/kg", plausible=plausible.GWP),),
)

EXAMPLE = Example(inputs={"refrigerant": 10.0}, factor={}, parameters={"gwp": 1430.0})
WORKING = ("co2e_kg = refrigerant * gwp",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of a fluorinated gas that was refilled because it had leaked [1]_.

    `TPT = AD GWP / 1000`, point 2.1 of [1]_, one substance a source.

    Parameters
    ----------
    inputs
        `refrigerant`: topped up, by mass; the first filling of new equipment is no leak. NaN below 0. [kg]
    factor
        None.
    parameters
        `gwp`: of the substance, from the GWP set that the plant is configured with; nothing checks that it is from
        that set. Of a blend, by its mass fractions. NaN unless above 0. [kgCO2e/kg]

    Returns
    -------
    Gases
        `co2e_kg` alone: none of the gases that an emission has apart is fluorinated, they are unknown. [kg]

    References
    ----------
    .. [1] Circular 38/2023/TT-BCT, Annex II, section 2, point 2.1.
    """
    co2e = not_negative(inputs["refrigerant"]) * positive(parameters["gwp"])
    return co2e_only(co2e)

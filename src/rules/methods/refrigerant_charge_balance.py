"""Scope 1: fluorinated gas that leaked, known by what the books of a year do not explain."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2e_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative, positive

SPEC = MethodSpec(
    name="refrigerant-charge-balance",
    scope=1,
    title="Refrigerant or SF6 that leaked, by the balance of stock, purchases and what was passed on",
    reference="GHG Protocol, HFC tool; US EPA, mass balance method",
    roles=(
        Role("stock_before", "kg"),
        Role("bought", "kg"),
        Role("stock_after", "kg"),
        Role("passed_on", "kg"),
    ),
    activity="bought",
    parameters=(Parameter("gwp", "kgCO2e/kg", plausible=plausible.GWP),),
)

EXAMPLE = Example(
    inputs={"stock_before": 12.0, "bought": 30.0, "stock_after": 9.0, "passed_on": 4.0},
    factor={},
    parameters={"gwp": 1430.0},
)
WORKING = ("lost_kg = stock_before + bought - stock_after - passed_on", "co2e_kg = lost_kg * gwp")


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2e of a fluorinated gas that stock and trade do not account for [1]_.

    `lost = stock_before + bought - stock_after - passed_on`, one substance a source. Each is an event that is entered
    when it is known, so that a window may be below 0 and only the sum over the whole year says what leaked.

    Parameters
    ----------
    inputs
        `stock_before`, `stock_after`: in store at the beginning and at the end of the year; `bought`; `passed_on`:
        sold, returned, destroyed, or filled into new equipment, less what came out of retired. NaN below 0. [kg]
    factor
        None.
    parameters
        `gwp`: of the substance, from the GWP set that the plant is configured with. NaN unless above 0. [kgCO2e/kg]

    Returns
    -------
    Gases
        `co2e_kg` alone: none of the gases that an emission has apart is fluorinated, they are unknown. [kg]

    References
    ----------
    .. [1] GHG Protocol, HFC tool; US EPA, mass balance method.
    """
    out_of_stock = not_negative(inputs["stock_before"]) - not_negative(inputs["stock_after"])
    traded = not_negative(inputs["bought"]) - not_negative(inputs["passed_on"])
    co2e = (out_of_stock + traded) * positive(parameters["gwp"])
    return co2e_only(co2e)

"""Scope 1: CH4 that coal gives off while it is mined."""

from dataclasses import replace

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas import methane
from rules.formulas.one_gas import ch4_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

KG_PER_TONNE = 1000.0

SPEC = MethodSpec(
    name="coal-mine",
    scope=1,
    title="CH4 of a coal mine, by the mass of raw coal",
    reference="IPCC 2006, volume 2, chapter 4, equations 4.1.3 and 4.1.7; Circular 38/2023/TT-BCT, Annex II, section 2, with CF_CH4 in kg/m3",
    roles=(Role("coal", "kg"),),
    activity="coal",
    parameters=(Parameter("gas_content", "m3/t", plausible=plausible.GAS_CONTENT),),
)

EXAMPLE = Example(inputs={"coal": 1e8}, factor={}, parameters={"gas_content": 10.0})
WORKING = ("volume [m3] = coal / 1000 * gas_content", "ch4_kg = volume * 0.67")


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CH4 set free by mining coal, before any recovery [1]_, [2]_.

    `CH4 = AD EF CF`, equations 4.1.3 (underground) and 4.1.7 (surface) of [1]_, with `CF = 0.67 kg/m3` at 20 degC.

    Parameters
    ----------
    inputs
        `coal`: raw coal mined. [kg]
    factor
        None.
    parameters
        `gas_content`: methane set free per coal, at 20 degC and 101.325 kPa, of this mine. NaN below 0. [m3/t]

    Returns
    -------
    Gases
        CH4 alone, all of it fossil: CO2 of the seam is outside the method and 0. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 2, chapter 4.
    .. [2] Circular 38/2023/TT-BCT, Annex II, section 2; its CF_CH4, printed in Gg/m3, is in kg/m3.
    """
    volume = inputs["coal"] / KG_PER_TONNE * not_negative(parameters["gas_content"])
    ch4 = volume * methane.DENSITY_AT_20_DEGC
    return replace(ch4_only(ch4), ch4_fossil_kg=ch4)

"""Scope 1: CO2 of solid fuel burned, by 40 CFR 98 from the carbon in it."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.american import part98
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, BY_ORIGIN, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.part98_energy import KG_PER_TONNE
from rules.validity import percent

SPEC = MethodSpec(
    name="part98-solid-carbon",
    scope=1,
    title="CO2 of solid fuel burned, by 40 CFR 98 from its carbon: tier 3",
    reference="40 CFR 98.33, equation C-3 (tier 3)",
    roles=(Role("fuel", "short_ton"),),
    activity="fuel",
    parameters=(Parameter("carbon", "%", plausible=plausible.CARBON_OF_MASS), BIOGENIC_SHARE),
)

EXAMPLE = Example(inputs={"fuel": 100.0}, factor={}, parameters={"carbon": 63.7, "biogenic_share": 0.0})
WORKING = (
    "all_co2 [kg] = 44 / 12 * fuel * carbon / 100 * 0.91 * 1000",
    *BY_ORIGIN,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 from burning solid fuel of known carbon content [1]_.

    `CO2 = 44/12 Fuel CC 0.91`, equation C-3 of [1]_ in t, here in kg; 0.91 t per short ton is a number of the rule.

    Parameters
    ----------
    inputs
        `fuel`: burned, by mass. NaN below 0. [short_ton]
    factor
        None.
    parameters
        `carbon`: share of the mass, of the fuel as it was weighed. NaN where not within 0 to 100. [%]
        `biogenic_share`: of the carbon. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        CO2 alone: carbon tells nothing of CH4 and N2O, they are outside the method and 0; C-8 of [1]_ needs the HHV
        for them, which a source of `part98_energy.emissions` with 0 for CO2 has. [kg]

    References
    ----------
    .. [1] 40 CFR 98.33(a)(3)(i).
    """
    tonnes = part98.c3(inputs["fuel"], percent(parameters["carbon"]) / 100)
    return co2_by_origin(tonnes * KG_PER_TONNE, parameters)

"""Scope 1: CO2 of liquid fuel burned, by 40 CFR 98 from the carbon in it."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.american import part98
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, BY_ORIGIN, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.part98_energy import KG_PER_TONNE

SPEC = MethodSpec(
    name="part98-liquid-carbon",
    scope=1,
    title="CO2 of liquid fuel burned, by 40 CFR 98 from its carbon: tier 3",
    reference="40 CFR 98.33, equation C-4 (tier 3)",
    roles=(Role("fuel", "gal"),),
    activity="fuel",
    parameters=(Parameter("carbon", "kg/gal", plausible=plausible.CARBON_OF_VOLUME), BIOGENIC_SHARE),
)

EXAMPLE = Example(inputs={"fuel": 1000.0}, factor={}, parameters={"carbon": 2.78, "biogenic_share": 0.0})
WORKING = (
    "all_co2 [kg] = 44 / 12 * fuel * carbon",
    *BY_ORIGIN,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 from burning liquid fuel of known carbon content [1]_.

    `CO2 = 44/12 Fuel CC 0.001`, equation C-4 of [1]_ in t, here in kg.

    Parameters
    ----------
    inputs
        `fuel`: burned, by volume. NaN below 0. [gal]
    factor
        None.
    parameters
        `carbon`: in a US gallon. NaN below 0. [kg/gal]
        `biogenic_share`: of the carbon. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        CO2 alone: carbon tells nothing of CH4 and N2O, they are outside the method and 0; C-8 of [1]_ needs the HHV
        for them, which a source of `part98_energy.emissions` with 0 for CO2 has. [kg]

    References
    ----------
    .. [1] 40 CFR 98.33(a)(3)(ii).
    """
    tonnes = part98.c4(inputs["fuel"], parameters["carbon"])
    return co2_by_origin(tonnes * KG_PER_TONNE, parameters)

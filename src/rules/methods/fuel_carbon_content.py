"""Scope 1: fuel burned, known by its mass and the carbon that a laboratory found in it."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, BY_ORIGIN, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import percent, positive

CO2_PER_CARBON = 44 / 12  # [kg/kg], as IPCC, MRR and 40 CFR 98 round the molar masses
OXIDATION = Parameter("oxidation", "%", default=100.0, plausible=plausible.OXIDATION)

SPEC = MethodSpec(
    name="fuel-carbon-content",
    scope=1,
    title="CO2 of a fuel burned, by its mass and carbon content",
    reference="IPCC 2006, volume 2, chapter 2, tier 3; Regulation (EU) 2018/2066, article 24; 40 CFR 98.33, equation C-3, and 40 CFR 75, Appendix G, equation G-1, both in SI units",
    roles=(Role("mass", "kg"),),
    activity="mass",
    parameters=(Parameter("carbon", "%", plausible=plausible.CARBON_OF_MASS), OXIDATION, BIOGENIC_SHARE),
)

EXAMPLE = Example(
    inputs={"mass": 1e6}, factor={}, parameters={"carbon": 70.0, "oxidation": 98.0, "biogenic_share": 5.0}
)
WORKING = (
    "all_co2 [kg] = mass * carbon / 100 * oxidation / 100 * 44 / 12",
    *BY_ORIGIN,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 from burning a fuel of known carbon content [1]_, [2]_.

    `E = m C/100 OF/100 44/12`, with the biogenic share reported beside.

    Parameters
    ----------
    inputs
        `mass`: of the fuel burned. [kg]
    factor
        None.
    parameters
        `carbon`: share of the mass, of the fuel as it was weighed. NaN unless above 0 and up to 100. [%]
        `oxidation`: share of the carbon that is burned. NaN unless above 0 and up to 100. [%]
        `biogenic_share`: of the carbon. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        CO2 alone: carbon tells nothing of CH4 and N2O, they are outside the method and 0. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 2, chapter 2.
    .. [2] 40 CFR 98.33(a)(3).
    """
    carbon = inputs["mass"] * positive(percent(parameters["carbon"])) / 100
    burned = positive(percent(parameters.get(OXIDATION.name, 100.0))) / 100
    co2 = carbon * burned * CO2_PER_CARBON
    return co2_by_origin(co2, parameters)

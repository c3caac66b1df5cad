"""Scope 1: waste that is burned without use of its heat, known by its wet mass and its carbon."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import WASTE
from rules.factors.gases import Gases
from rules.formulas.one_gas import outside
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative, percent

CO2_PER_CARBON = 44 / 12  # [kg/kg]

BASIS = WASTE

SPEC = MethodSpec(
    name="waste-incineration",
    scope=1,
    title="Waste burned, by its wet mass, its dry matter and its carbon",
    reference="IPCC 2006, volume 5, chapter 5, equations 5.1, 5.4 and 5.5",
    roles=(Role("waste", "kg"),),
    activity="waste",
    factor=("ch4", "n2o"),
    parameters=(
        Parameter("dry_matter", "%", plausible=plausible.DRY_MATTER),
        Parameter("carbon", "%", plausible=plausible.CARBON_OF_WASTE),
        Parameter("fossil_share", "%", plausible=plausible.FOSSIL_SHARE),
        Parameter("oxidation", "%", default=100.0, plausible=plausible.OXIDATION),
    ),
)

EXAMPLE = Example(
    inputs={"waste": 1e6},
    factor={"ch4": 2e-7, "n2o": 4.7e-5},
    parameters={"dry_matter": 90.0, "carbon": 50.0, "fossil_share": 90.0, "oxidation": 100.0},
)
WORKING = (
    "all_co2 [kg] = waste * dry_matter / 100 * carbon / 100 * oxidation / 100 * 44 / 12",
    "co2_kg = all_co2 * fossil_share / 100",
    "co2_biogenic_kg = all_co2 - co2_kg",
    "ch4_kg = waste * factor.ch4",
    "n2o_kg = waste * factor.n2o",
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Gases of waste that is incinerated [1]_.

    `CO2 = SW dm CF FCF OF 44/12`, equation 5.1 of [1]_; CH4 and N2O by its equations 5.4 and 5.5. Waste whose heat is used is a
    fuel: [1]_ counts it in the energy sector, by the methods of fuels.

    Parameters
    ----------
    inputs
        `waste`: of one kind, burned, as it was weighed, wet. NaN below 0. [kg]
    factor
        `ch4`, `n2o`: per wet mass, of the kind of furnace. [kg/kg]
    parameters
        `dry_matter`: share of the wet mass. `carbon`: share of the dry matter. `fossil_share`: share of the carbon.
        `oxidation`: share of the carbon that is burned. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        All four; CO2 of biogenic carbon beside the total. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 5, chapter 5.
    """
    waste = not_negative(inputs["waste"])
    dry, carbon, oxidised = (
        percent(parameters[name]) / 100 for name in ("dry_matter", "carbon", "oxidation")
    )
    fossil_share = percent(parameters["fossil_share"]) / 100
    co2 = waste * dry * carbon * oxidised * CO2_PER_CARBON
    fossil = co2 * fossil_share
    ch4, n2o = waste * factor["ch4"], waste * factor["n2o"]
    none = outside(fossil + ch4 + n2o)
    return Gases(fossil + none, co2 - fossil + none, ch4_kg=ch4 + none, n2o_kg=n2o + none)

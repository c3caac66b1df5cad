"""Scope 1: fuel burned, by 40 CFR 98 from its energy on gross calorific value; the other methods by HHV end here."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.american import part98
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import percent

KG_PER_TONNE = 1000.0
RATES = (
    Parameter("co2_per_heat", "kg/mmBtu", plausible=plausible.CO2_PER_HEAT),
    Parameter("ch4_per_heat", "kg/mmBtu", plausible=plausible.CH4_PER_HEAT),
    Parameter("n2o_per_heat", "kg/mmBtu", plausible=plausible.N2O_PER_HEAT),
    BIOGENIC_SHARE,
)

SPEC = MethodSpec(
    name="part98-energy",
    scope=1,
    title="Fuel burned, by 40 CFR 98 from its energy on gross calorific value",
    reference="40 CFR 98.33, equations C-1b and C-8b",
    roles=(Role("energy", "mmBtu"),),
    activity="energy",
    parameters=RATES,
)


def rates(co2: float, ch4: float, n2o: float) -> dict[str, float]:
    """Return the rates of a fossil fuel, for an example [kg/mmBtu]."""
    return dict(zip((one.name for one in RATES), (co2, ch4, n2o, 0.0), strict=True))


EXAMPLE = Example(inputs={"energy": 1000.0}, factor={}, parameters=rates(53.06, 0.001, 0.0001))
PER_HEAT = (
    "co2_biogenic_kg = heat * co2_per_heat * biogenic_share / 100",
    "co2_kg = heat * co2_per_heat - co2_biogenic_kg",
    "ch4_kg = heat * ch4_per_heat",
    "n2o_kg = heat * n2o_per_heat",
)
WORKING = ("heat [mmBtu] = energy", *PER_HEAT)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a fuel whose gross energy is known, such as gas by its bill [1]_.

    `CO2 = 0.001 Gas EF`, equation C-1b of [1]_ in t, here in kg; CH4 and N2O by C-8b, which is the same product.

    Parameters
    ----------
    inputs
        `energy`: of the fuel burned, on gross calorific value. NaN below 0. [mmBtu]
    factor
        None: factors here are on net calorific value, those of [1]_ on gross, and are never mixed.
    parameters
        `co2_per_heat`: of table C-1 for the fuel. NaN below 0. [kg/mmBtu]
        `ch4_per_heat`: of table C-2 for the kind of fuel. NaN below 0. [kg/mmBtu]
        `n2o_per_heat`: of table C-2 for the kind of fuel. NaN below 0. [kg/mmBtu]
        `biogenic_share`: of the CO2: 100 for biomass. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        Shape of `energy`. [kg]

    References
    ----------
    .. [1] 40 CFR 98.33(a)(1) and (c).
    """
    energy = inputs["energy"]
    co2, ch4, n2o = (part98.c1b(energy, parameters[rate.name]) * KG_PER_TONNE for rate in RATES[:3])
    biogenic = co2 * percent(parameters.get(BIOGENIC_SHARE.name, 0.0)) / 100
    return Gases(co2_kg=co2 - biogenic, co2_biogenic_kg=biogenic, ch4_kg=ch4, n2o_kg=n2o)

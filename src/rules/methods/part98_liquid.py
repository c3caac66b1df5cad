"""Scope 1: liquid fuel burned, by 40 CFR 98 from its volume and gross calorific value."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, part98_energy
from rules.validity import positive

SPEC = MethodSpec(
    name="part98-liquid",
    scope=1,
    title="Liquid fuel burned, by 40 CFR 98 from its volume and HHV: tier 1 or tier 2",
    reference="40 CFR 98.33, equations C-1 and C-8 (tier 1), C-2a and C-9a (tier 2)",
    roles=(Role("fuel", "gal"),),
    activity="fuel",
    parameters=(Parameter("hhv", "mmBtu/gal", plausible=plausible.HHV_OF_VOLUME), *part98_energy.RATES),
)

EXAMPLE = Example(
    inputs={"fuel": 1000.0},
    factor={},
    parameters={"hhv": 0.138, **part98_energy.rates(73.96, 0.003, 0.0006)},
)
WORKING = ("heat [mmBtu] = fuel * hhv", *part98_energy.PER_HEAT)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning liquid fuel of known heating value [1]_.

    `CO2 = 0.001 Fuel HHV EF`, equations C-1 and C-2a of [1]_ in t, here in kg; CH4 and N2O by C-8 and C-9a. Tier 1
    takes the HHV of table C-1, tier 2 a measured one; 98.33(b) tells which a unit may use.

    Parameters
    ----------
    inputs
        `fuel`: burned, by volume. NaN below 0. [gal]
    factor
        As `part98_energy.emissions`: none.
    parameters
        `hhv`: high heat value, per US gallon; table C-1 has 0.138 for distillate oil No. 2. NaN unless above 0.
        [mmBtu/gal]
        `co2_per_heat`, `ch4_per_heat`, `n2o_per_heat`, `biogenic_share`: as `part98_energy.emissions`. [kg/mmBtu],
        [%]

    Returns
    -------
    Gases
        Shape of `fuel`. [kg]

    References
    ----------
    .. [1] 40 CFR 98.33(a)(1), (a)(2) and (c).
    """
    energy = inputs["fuel"] * positive(parameters["hhv"])
    return part98_energy.emissions({"energy": energy}, factor, parameters)

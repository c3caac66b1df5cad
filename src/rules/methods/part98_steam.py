"""Scope 1: solid fuel or waste burned, by 40 CFR 98 from the steam that its boiler makes."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, part98_energy
from rules.validity import positive

SPEC = MethodSpec(
    name="part98-steam",
    scope=1,
    title="Solid fuel or waste burned, by 40 CFR 98 from the steam of its boiler: tier 2",
    reference="40 CFR 98.33, equations C-2c and C-9b (tier 2)",
    roles=(Role("steam", "lb"),),
    activity="steam",
    parameters=(
        Parameter("heat_per_steam", "mmBtu/lb", plausible=plausible.HEAT_PER_STEAM),
        *part98_energy.RATES,
    ),
)

EXAMPLE = Example(
    inputs={"steam": 100_000.0},
    factor={},
    parameters={"heat_per_steam": 0.00125, **part98_energy.rates(90.7, 0.032, 0.0042)},
)
WORKING = ("heat [mmBtu] = steam * heat_per_steam", *part98_energy.PER_HEAT)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning solid fuel or waste that nobody weighs, by the steam it makes [1]_.

    `CO2 = 0.001 Steam B EF`, equation C-2c of [1]_ in t, here in kg; CH4 and N2O by C-9b, which is the same product.

    Parameters
    ----------
    inputs
        `steam`: made by the unit. NaN below 0. [lb]
    factor
        As `part98_energy.emissions`: none.
    parameters
        `heat_per_steam`: B, the boiler's rated heat input by its rated steam output. NaN unless above 0. [mmBtu/lb]
        `co2_per_heat`, `ch4_per_heat`, `n2o_per_heat`, `biogenic_share`: as `part98_energy.emissions`. [kg/mmBtu],
        [%]

    Returns
    -------
    Gases
        Shape of `steam`. [kg]

    References
    ----------
    .. [1] 40 CFR 98.33(a)(2)(iii) and (c).
    """
    energy = inputs["steam"] * positive(parameters["heat_per_steam"])
    return part98_energy.emissions({"energy": energy}, factor, parameters)

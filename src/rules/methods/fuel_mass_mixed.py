"""Scope 1: fuel of partly biogenic carbon burned, known by its mass: tyres, sorted waste, coal with husk in it."""

from dataclasses import replace

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, fuel_energy, fuel_mass_own_ncv
from rules.methods.fuel_carbon_content import OXIDATION
from rules.validity import percent, positive

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="fuel-mass-mixed",
    scope=1,
    title="Partly biogenic fuel burned, by its mass, own net calorific value, oxidation and biomass fraction",
    reference="Regulation (EU) 2018/2066, article 24(1); CH4 and N2O: IPCC 2006, volume 2, chapter 2, equation 2.1",
    roles=(Role("mass", "kg"),),
    activity="mass",
    factor=fuel_energy.FACTOR_VALUES,
    parameters=(
        *fuel_mass_own_ncv.SPEC.parameters,
        OXIDATION,
        Parameter("biogenic_share", "%", plausible=plausible.BIOGENIC_SHARE),
    ),
)

EXAMPLE = Example(
    inputs={"mass": 10e3},
    factor={"co2": 85.0, "co2_biogenic": 0.0, "ch4": 0.03, "n2o": 0.004},
    parameters={"ncv": 28.0, "oxidation": 98.0, "biogenic_share": 27.0},
)
WORKING = (
    "net_energy [GJ] = mass * ncv / 1000",
    "all_co2 [kg] = net_energy * factor.co2 * oxidation / 100",
    "co2_kg = all_co2 * (100 - biogenic_share) / 100",
    "co2_biogenic_kg = all_co2 * biogenic_share / 100 + net_energy * factor.co2_biogenic * oxidation / 100",
    "ch4_kg = net_energy * factor.ch4",
    "n2o_kg = net_energy * factor.n2o",
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a fuel of which a part is biomass [1]_.

    `E = AD NCV EF OF (1 - BF)`, article 24(1) of [1]_; what BF takes off is reported beside as biogenic. CH4 and
    N2O are counted of all of it.

    Parameters
    ----------
    inputs
        `mass`: of the fuel burned. [kg]
    factor
        As `fuel_energy.emissions`, of the mixture; what is `co2_biogenic` in it stays so. [kg/GJ]
    parameters
        `ncv`: as `fuel_mass_own_ncv.emissions`. [GJ/t]
        `oxidation`: share of the carbon that is burned. NaN unless above 0 and up to 100. [%]
        `biogenic_share`: of the carbon. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        Shape of `mass`. [kg]

    References
    ----------
    .. [1] Commission Implementing Regulation (EU) 2018/2066, article 24(1).
    """
    gases = fuel_mass_own_ncv.emissions(inputs, factor, parameters)
    burned = positive(percent(parameters.get(OXIDATION.name, 100.0))) / 100
    co2 = gases.co2_kg * burned
    biogenic = co2 * percent(parameters["biogenic_share"]) / 100
    return replace(gases, co2_kg=co2 - biogenic, co2_biogenic_kg=gases.co2_biogenic_kg * burned + biogenic)

"""Scope 1: methane burned in a flare, and what the flare lets through."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas import methane
from rules.formulas.one_gas import BIOGENIC_SHARE, outside
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.wastewater_cod_recovery import METHANE_SHARE
from rules.validity import percent

SPEC = MethodSpec(
    name="methane-flare",
    scope=1,
    title="Methane flared, by the volume of the gas",
    reference="IPCC 2006, volume 2, chapter 4, section 4.1; Circular 38/2023/TT-BCT",
    roles=(Role("gas", "Nm3"),),
    activity="gas",
    parameters=(
        METHANE_SHARE,
        Parameter("destruction", "%", plausible=plausible.DESTRUCTION),
        BIOGENIC_SHARE,
    ),
)

EXAMPLE = Example(
    inputs={"gas": 1000.0},
    factor={},
    parameters={"methane": 60.0, "destruction": 98.0, "biogenic_share": 100.0},
)
WORKING = (
    "methane_mass [kg] = gas * methane / 100 * 0.67 * 293.15 / 273.15",
    "all_co2 [kg] = methane_mass * destruction / 100 * 44 / 16",
    "co2_biogenic_kg = all_co2 * biogenic_share / 100",
    "co2_kg = all_co2 - co2_biogenic_kg",
    "ch4_kg = methane_mass * (100 - destruction) / 100",
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 and unburnt CH4 of a flare [1]_.

    `CO2 = V rho eta 44/16` and `CH4 = V rho (1 - eta)`, with `rho` 0.67 kg/m3 at 20 degC.

    Parameters
    ----------
    inputs
        `gas`: sent to the flare, dry, at 0 degC and 101.325 kPa. [Nm3]
    factor
        None.
    parameters
        `methane`: volume share of CH4 in the gas. NaN where not within 0 to 100. [%]
        `destruction`: share of the methane that burns. NaN where not within 0 to 100. [%]
        `biogenic_share`: of the methane's carbon: 100 for biogas, 0 for mine gas. [%]

    Returns
    -------
    Gases
        CO2 of the methane alone; CO2 that the gas brings is not made here. What goes through unburnt is fossil but for
        the biogenic share. N2O is outside the method and 0. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 2, chapter 4, section 4.1.
    """
    ch4 = inputs["gas"] * percent(parameters[METHANE_SHARE.name]) / 100 * methane.DENSITY
    burned = ch4 * percent(parameters["destruction"]) / 100
    co2 = burned * methane.CO2_PER_CH4
    biogenic_share = percent(parameters.get(BIOGENIC_SHARE.name, 0.0)) / 100
    biogenic, unburnt = co2 * biogenic_share, ch4 - burned
    return Gases(
        co2_kg=co2 - biogenic,
        co2_biogenic_kg=biogenic,
        ch4_kg=unburnt,
        n2o_kg=outside(co2),
        ch4_fossil_kg=unburnt * (1 - biogenic_share),
    )

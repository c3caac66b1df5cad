"""Scope 1: gaseous fuel burned, known by its volume and the gross calorific value of its bill."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, fuel_energy
from rules.methods.fuel_gas_volume import MJ_PER_GJ
from rules.validity import positive

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="fuel-gas-volume-gross",
    scope=1,
    title="Gaseous fuel burned, by its volume, its gross calorific value and the share of it that is net",
    reference=fuel_energy.SPEC.reference,
    roles=(Role("volume", "Nm3"),),
    activity="volume",
    factor=fuel_energy.FACTOR_VALUES,
    parameters=(
        Parameter("gcv", "MJ/Nm3", plausible=plausible.GCV_OF_GAS),
        Parameter("net_share", "%", plausible=plausible.NET_SHARE),
    ),
)

EXAMPLE = Example(
    inputs={"volume": 1000.0},
    factor={"co2": 56.1, "co2_biogenic": 0.0, "ch4": 0.001, "n2o": 0.0001},
    parameters={"gcv": 40.0, "net_share": 90.0},
)
WORKING = ("energy [GJ] = volume * gcv / 1000", *fuel_energy.WORKING)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a gas whose bill states a gross calorific value.

    `Q = V GCV / 1000`, then as `fuel_energy.emissions`: factors are on net calorific value, so the share is never
    left out.

    Parameters
    ----------
    inputs
        `volume`: of the gas burned, at 0 degC and 101.325 kPa. [Nm3]
    factor
        As `fuel_energy.emissions`. [kg/GJ]
    parameters
        `gcv`: gross calorific value per volume at the same 0 degC and 101.325 kPa. NaN unless above 0. [MJ/Nm3]
        `net_share`: as `fuel_energy.emissions`, and required; 90 for natural gas. [%]

    Returns
    -------
    Gases
        Shape of `volume`. [kg]
    """
    energy = inputs["volume"] * positive(parameters["gcv"]) / MJ_PER_GJ
    return fuel_energy.emissions({"energy": energy}, factor, {"net_share": parameters["net_share"]})

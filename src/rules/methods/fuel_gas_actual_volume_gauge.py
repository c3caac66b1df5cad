"""Scope 1: gaseous fuel burned, known by its volume as it flows and its pressure above the atmosphere's."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, fuel_gas_actual_volume
from rules.validity import positive

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="fuel-gas-actual-volume-gauge",
    scope=1,
    title="Gaseous fuel burned, by its volume as it flows, gauge pressure and temperature",
    reference=fuel_gas_actual_volume.SPEC.reference,
    roles=(Role("volume", "m3"), Role("pressure", "kPag", level=True), Role("temperature", "°C", level=True)),
    activity="volume",
    factor=fuel_gas_actual_volume.SPEC.factor,
    parameters=(
        *fuel_gas_actual_volume.SPEC.parameters,
        Parameter("barometric", "kPa", plausible=plausible.BAROMETRIC),
    ),
)

EXAMPLE = Example(
    inputs={"volume": 1000.0, "pressure": 200.0, "temperature": 25.0},
    factor={"co2": 56.1, "co2_biogenic": 0.0, "ch4": 0.001, "n2o": 0.0001},
    parameters={"ncv": 36.0, "compressibility": 0.995, "barometric": 100.8},
)
WORKING = ("absolute [kPa] = pressure + barometric", *fuel_gas_actual_volume.PER_ACTUAL_VOLUME)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a gas whose pressure is measured against the atmosphere.

    `P = P_gauge + P_barometric`, then as `fuel_gas_actual_volume.emissions`.

    Parameters
    ----------
    inputs
        `volume`, `temperature`: as `fuel_gas_actual_volume.emissions`. [m3], [°C]
        `pressure`: of the gas in the meter, above the atmosphere's. [kPag]
    factor
        As `fuel_energy.emissions`. [kg/GJ]
    parameters
        `ncv`, `compressibility`: as `fuel_gas_actual_volume.emissions`. [MJ/Nm3], [1]
        `barometric`: the atmosphere's mean pressure at the meter. NaN unless above 0. [kPa]

    Returns
    -------
    Gases
        Shape of `volume`. [kg]
    """
    absolute = inputs["pressure"] + positive(parameters["barometric"])
    return fuel_gas_actual_volume.emissions({**inputs, "pressure": absolute}, factor, parameters)

"""Scope 1: gaseous fuel burned, known by its volume as it flows."""

from plant.arrays import Floats
from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.formulas.stack_gas import KELVIN_AT_0_DEGC, STANDARD_PRESSURE
from rules.methods import FactorValues, Inputs, Parameters, fuel_energy, fuel_gas_volume
from rules.validity import positive

COMPRESSIBILITY = Parameter("compressibility", "1", default=1.0, plausible=plausible.COMPRESSIBILITY)

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="fuel-gas-actual-volume",
    scope=1,
    title="Gaseous fuel burned, by its volume as it flows, absolute pressure and temperature",
    reference=f"Real gas law, compressibility by ISO 12213; then {fuel_energy.SPEC.reference}",
    roles=(Role("volume", "m3"), Role("pressure", "kPa", level=True), Role("temperature", "°C", level=True)),
    activity="volume",
    factor=fuel_energy.FACTOR_VALUES,
    parameters=(*fuel_gas_volume.SPEC.parameters, COMPRESSIBILITY),
)

EXAMPLE = Example(
    inputs={"volume": 1000.0, "pressure": 300.0, "temperature": 25.0},
    factor={"co2": 56.1, "co2_biogenic": 0.0, "ch4": 0.001, "n2o": 0.0001},
    parameters={"ncv": 36.0, "compressibility": 0.995},
)
PER_ACTUAL_VOLUME = (
    "reference_volume [Nm3] = volume * (absolute / 101.325) * (273.15 / (temperature + 273.15)) / compressibility",
    "net_energy [GJ] = reference_volume * ncv / 1000",
    *fuel_energy.PER_NET_ENERGY,
)
WORKING = ("absolute [kPa] = pressure", *PER_ACTUAL_VOLUME)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a gas whose meter does not convert to reference conditions.

    The volume by `reference_volume`, then as `fuel_gas_volume.emissions`.

    Parameters
    ----------
    inputs
        `volume`: of the gas as it flows through the meter. [m3]
        `pressure`: absolute, of the gas in the meter. [kPa]
        `temperature`: of the gas in the meter. [°C]
    factor
        As `fuel_energy.emissions`. [kg/GJ]
    parameters
        `ncv`: as `fuel_gas_volume.emissions`. [MJ/Nm3]
        `compressibility`: of the gas as it flows, over the one at reference conditions; 1 is right within 1 % below
        5 bar. NaN unless above 0. [1]

    Returns
    -------
    Gases
        Shape of `volume`. [kg]
    """
    volume = reference_volume(
        inputs["volume"],
        inputs["pressure"],
        inputs["temperature"],
        parameters.get(COMPRESSIBILITY.name, 1.0),
    )
    return fuel_gas_volume.emissions({"volume": volume}, factor, parameters)


def reference_volume(
    volume: Floats, pressure: Floats, temperature: Floats, compressibility: float | Floats
) -> Floats:
    """Return the volume that a gas has at 0 degC and 101.325 kPa [1]_.

    `Vn = Va (P / Pn) (Tn / T) (Zn / Z)`.

    Parameters
    ----------
    volume
        As it flows. [m3]
    pressure
        Absolute. NaN unless above 0. [kPa]
    temperature
        NaN unless above absolute zero. [°C]
    compressibility
        `Z / Zn`: the gas's compressibility factor as it flows over the one at reference conditions. NaN unless
        above 0. [1]

    Returns
    -------
    Floats
        Shape of `volume`. [Nm3]

    References
    ----------
    .. [1] ISO 12213-1, "Natural gas - Calculation of compression factor"; AGA Report No. 8.
    """
    by_pressure = positive(pressure) / STANDARD_PRESSURE
    by_temperature = KELVIN_AT_0_DEGC / positive(temperature + KELVIN_AT_0_DEGC)
    return volume * by_pressure * by_temperature / positive(compressibility)

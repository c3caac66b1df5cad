"""Scope 1: gaseous fuel burned, known by its volume as it flows."""

from collections.abc import Mapping

from plant.arrays import Floats
from plant.catalogue import MethodSpec, Parameter, Role
from rules.factor_files import NET_CALORIFIC
from rules.gases import Gases
from rules.methods import Inputs, Parameters, fuel_energy, fuel_gas_volume
from rules.methods.stack_co2 import KELVIN_AT_0_DEGC, STANDARD_PRESSURE
from rules.validity import positive

COMPRESSIBILITY = Parameter("compressibility", "1", default=1.0)

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


def emissions(inputs: Inputs, factor: Mapping[str, Floats], parameters: Parameters) -> Gases:
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
        `compressibility`: as `reference_volume`; 1 is right within 1 % below 5 bar. [1]

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

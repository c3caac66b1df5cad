"""Scope 1: gaseous fuel burned, known by its volume."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, fuel_energy
from rules.validity import positive

MJ_PER_GJ = 1000.0

BASIS = NET_CALORIFIC

SPEC = MethodSpec(
    name="fuel-gas-volume",
    scope=1,
    title="Gaseous fuel burned, by its volume and a net calorific value of the source's own",
    reference=fuel_energy.SPEC.reference,
    roles=(Role("volume", "Nm3"),),
    activity="volume",
    factor=fuel_energy.FACTOR_VALUES,
    parameters=(Parameter("ncv", "MJ/Nm3", plausible=plausible.NCV_OF_GAS),),
)

EXAMPLE = Example(
    inputs={"volume": 1000.0},
    factor={"co2": 56.1, "co2_biogenic": 0.0, "ch4": 0.001, "n2o": 0.0001},
    parameters={"ncv": 36.0},
)
WORKING = ("net_energy [GJ] = volume * ncv / 1000", *fuel_energy.PER_NET_ENERGY)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a gas whose volume is metered.

    `AD = V NCV / 1000`, then equation 2.1 as in `fuel_energy.emissions`.

    Parameters
    ----------
    inputs
        `volume`: of the gas burned, at 0 degC and 101.325 kPa. [Nm3]
    factor
        As `fuel_energy.emissions`. [kg/GJ]
    parameters
        `ncv`: net calorific value per volume at the same 0 degC and 101.325 kPa; about 0.90 of the gross one
        that gas bills show. NaN unless above 0. [MJ/Nm3]

    Returns
    -------
    Gases
        Shape of `volume`. [kg]
    """
    energy = inputs["volume"] * positive(parameters["ncv"]) / MJ_PER_GJ
    return fuel_energy.emissions({"energy": energy}, factor, parameters)

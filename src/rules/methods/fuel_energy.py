"""Scope 1: fuel burned, known by its energy; the other fuel methods end here."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import NET_CALORIFIC
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import percent, positive

BASIS = NET_CALORIFIC
FACTOR_VALUES = ("co2", "co2_biogenic", "ch4", "n2o")

SPEC = MethodSpec(
    name="fuel-energy",
    scope=1,
    title="Fuel burned, by its energy on net calorific value, or on gross with the share that is net",
    reference="IPCC 2006, volume 2, chapter 2, equation 2.1; Circular 38/2023/TT-BCT, Annex II, section 2, point 1",
    roles=(Role("energy", "GJ"),),
    activity="energy",
    factor=FACTOR_VALUES,
    parameters=(Parameter("net_share", "%", default=100.0, plausible=plausible.NET_SHARE),),
)

EXAMPLE = Example(
    inputs={"energy": 10e3},
    factor={"co2": 98.3, "co2_biogenic": 0.0, "ch4": 0.01, "n2o": 0.0015},
    parameters={"net_share": 95.0},
)
PER_NET_ENERGY = (
    "co2_kg = net_energy * factor.co2",
    "co2_biogenic_kg = net_energy * factor.co2_biogenic",
    "ch4_kg = net_energy * factor.ch4",
    "n2o_kg = net_energy * factor.n2o",
)
WORKING = ("net_energy [GJ] = energy * net_share / 100", *PER_NET_ENERGY)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """Emissions from burning a fuel whose energy is known [1]_, [2]_.

    `E_gas = AD EF_gas`, equation 2.1 of [1]_, with `AD = Q net_share / 100`.

    Parameters
    ----------
    inputs
        `energy`: of the fuel burned, as it is metered. [GJ]
    factor
        `co2`, `co2_biogenic`, `ch4`, `n2o`, on net calorific value. A fossil fuel has `co2_biogenic` 0, a
        biogenic one `co2` 0. [kg/GJ]
    parameters
        `net_share`: net calorific value per metered one. 100 where energy is metered on net calorific value; gas
        is mostly sold on gross, of which about 90 is net, of oil and coal 95 [1]_. NaN unless above 0 and up to
        100. [%]

    Returns
    -------
    Gases
        Shape of `energy`. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 2, chapter 2;
       chapter 1, section 1.4.1.2 for gross and net.
    .. [2] Circular 38/2023/TT-BCT, Annex II, section 2, point 1.
    """
    energy = inputs["energy"] * (positive(percent(parameters.get("net_share", 100.0))) / 100)
    return Gases(
        co2_kg=energy * factor["co2"],
        co2_biogenic_kg=energy * factor["co2_biogenic"],
        ch4_kg=energy * factor["ch4"],
        n2o_kg=energy * factor["n2o"],
    )

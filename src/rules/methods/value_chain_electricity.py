"""Scope 3: what is emitted for electricity before it arrives, or by electricity that is sold on."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import ELECTRICITY
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2_or_co2e
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

BASIS = ELECTRICITY

SPEC = MethodSpec(
    name="value-chain-electricity",
    scope=3,
    title="What is lost or emitted before electricity arrives, or by electricity that is sold on, by its energy",
    reference="GHG Protocol, Technical Guidance for Calculating Scope 3 Emissions, chapter 3",
    roles=(Role("energy", "kWh"),),
    activity="energy",
    factor=("co2",),
)

EXAMPLE = Example(inputs={"energy": 100_000.0}, factor={"co2": 0.05}, parameters={})
WORKING = ("co2_kg = energy * factor.co2",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 of losses on the grid, of winning and carrying fuels for power, and of power that is sold on [1]_.

    `E = AD EF`, chapter 3 of [1]_; category 3.

    Parameters
    ----------
    inputs
        `energy`: bought; of grid losses, what was lost of it. NaN below 0. [kWh]
    factor
        `co2`: per energy: of the fuels' way, of losses or of the grid, as the amount is meant. [kg/kWh]; or `co2e` in rows that have no `co2` [kgCO2e/kWh].
    parameters
        None.

    Returns
    -------
    Gases
        CO2 alone; in rows of a CO2e factor only `co2e_kg`. [kg]

    References
    ----------
    .. [1] GHG Protocol, "Technical Guidance for Calculating Scope 3 Emissions", 2013.
    """
    return co2_or_co2e(not_negative(inputs["energy"]), factor)

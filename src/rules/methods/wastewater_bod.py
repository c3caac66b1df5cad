"""Scope 1: CH4 of domestic wastewater, known by its volume and biochemical oxygen demand."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import WASTEWATER_BOD
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters, wastewater_cod

BASIS = WASTEWATER_BOD

SPEC = MethodSpec(
    name="wastewater-bod",
    scope=1,
    title="CH4 of wastewater, by its volume and biochemical oxygen demand",
    reference="IPCC 2006, volume 5, chapter 6, equations 6.1 to 6.3",
    roles=(Role("volume", "m3"), Role("bod", "kg/m3", level=True), wastewater_cod.SLUDGE),
    activity="volume",
    factor=wastewater_cod.SPEC.factor,
)

EXAMPLE = Example(
    inputs={"volume": 500.0, "bod": 0.3, "sludge": 20.0}, factor={"b0": 0.6, "mcf": 0.3}, parameters={}
)
WORKING = ("organic [kg] = volume * bod - sludge", "ch4_kg = organic * factor.b0 * factor.mcf")


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CH4 from treating wastewater of households and canteens.

    As `wastewater_cod.emissions`, with a demand and a methane capacity that are both biochemical.

    Parameters
    ----------
    inputs
        `volume`: of the wastewater that enters the treatment. [m3]
        `bod`: biochemical oxygen demand in five days of the same water. NaN below 0. [kg/m3]
        `sludge`: oxygen demand taken away with sludge, as BOD; 0 where no channel gives it. [kg]
    factor
        `b0`: methane capacity per BOD [kg/kg]; `mcf`: methane correction factor of the treatment [1].
    parameters
        None.

    Returns
    -------
    Gases
        As `wastewater_cod.emissions`. [kg]
    """
    rest = {name: column for name, column in inputs.items() if name != "bod"}
    return wastewater_cod.emissions({**rest, "cod": inputs["bod"]}, factor, parameters)

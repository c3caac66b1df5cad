"""Scope 1: CH4 of industrial wastewater, known by its volume and chemical oxygen demand."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import WASTEWATER_COD
from rules.factors.gases import Gases
from rules.formulas.one_gas import ch4_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

SLUDGE = Role("sludge", "kg", required=False)

BASIS = WASTEWATER_COD

SPEC = MethodSpec(
    name="wastewater-cod",
    scope=1,
    title="CH4 of wastewater, by its volume and chemical oxygen demand",
    reference="IPCC 2006, volume 5, chapter 6, equations 6.4 to 6.6",
    roles=(Role("volume", "m3"), Role("cod", "kg/m3", level=True), SLUDGE),
    activity="volume",
    factor=("b0", "mcf"),
)

EXAMPLE = Example(
    inputs={"volume": 2000.0, "cod": 1.2, "sludge": 0.0}, factor={"b0": 0.25, "mcf": 0.3}, parameters={}
)
WORKING = ("organic [kg] = volume * cod - sludge", "ch4_kg = organic * factor.b0 * factor.mcf")


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CH4 from treating wastewater, before any recovery [1]_.

    `CH4 = (TOW - S) EF`, equation 6.4 of [1]_, with `EF = B0 MCF` (6.5) and `TOW = Q COD` (6.6 as metered).

    Parameters
    ----------
    inputs
        `volume`: of the wastewater that enters the treatment. [m3]
        `cod`: chemical oxygen demand of the same water. NaN below 0. [kg/m3]
        `sludge`: oxygen demand taken away with sludge, as COD; 0 where no channel gives it. [kg]
    factor
        `b0`: methane capacity per COD [kg/kg]; `mcf`: methane correction factor of the treatment [1].
    parameters
        None.

    Returns
    -------
    Gases
        CH4 alone: CO2 of wastewater is not counted, N2O is `wastewater_nitrogen.emissions`. A window in which more
        goes with the sludge than comes in is below 0; it levels out over the year. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 5, chapter 6.
    """
    organic = inputs["volume"] * not_negative(inputs["cod"]) - inputs.get(SLUDGE.name, 0.0)
    return ch4_only(organic * (factor["b0"] * factor["mcf"]))

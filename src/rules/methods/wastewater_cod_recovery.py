"""Scope 1: CH4 of industrial wastewater from which biogas is drawn off."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import WASTEWATER_COD
from rules.factors.gases import Gases
from rules.formulas import methane
from rules.formulas.one_gas import ch4_only
from rules.methods import FactorValues, Inputs, Parameters, wastewater_cod
from rules.validity import percent

METHANE_SHARE = Parameter("methane", "%", plausible=plausible.METHANE)

BASIS = WASTEWATER_COD
PROPORTIONAL = False  # what is recovered is measured apart from the factor

SPEC = MethodSpec(
    name="wastewater-cod-recovery",
    scope=1,
    title="CH4 of wastewater, by its volume and chemical oxygen demand, less the metered biogas",
    reference=wastewater_cod.SPEC.reference,
    roles=(
        Role("volume", "m3"),
        Role("cod", "kg/m3", level=True),
        Role("biogas", "Nm3"),
        wastewater_cod.SLUDGE,
    ),
    activity="volume",
    factor=wastewater_cod.SPEC.factor,
    parameters=(METHANE_SHARE,),
)

EXAMPLE = Example(
    inputs={"volume": 2000.0, "cod": 4.0, "biogas": 1500.0, "sludge": 300.0},
    factor={"b0": 0.25, "mcf": 0.8},
    parameters={"methane": 65.0},
)
WORKING = (
    "organic [kg] = volume * cod - sludge",
    "recovered [kg] = biogas * methane / 100 * 0.67 * 293.15 / 273.15",
    "ch4_kg = organic * factor.b0 * factor.mcf - recovered",
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CH4 from treating wastewater, less what is drawn off and metered [1]_.

    `CH4 = (TOW - S) EF - R`, equation 6.4 of [1]_, with `R = V methane/100 0.67 kg/m3` at 20 degC.

    Parameters
    ----------
    inputs
        `volume`, `cod`, `sludge`: as `wastewater_cod.emissions`. [m3], [kg/m3], [kg]
        `biogas`: drawn off, dry, at 0 degC and 101.325 kPa. Only what a meter counted is recovered. [Nm3]
    factor
        As `wastewater_cod.emissions`. [kg/kg], [1]
    parameters
        `methane`: volume share of CH4 in the biogas. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        CH4 alone; what the flare or engine lets through is a source of its own. A window in which more is drawn
        off than arises is below 0; it levels out over the year. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 5, chapter 6.
    """
    recovered = inputs["biogas"] * percent(parameters[METHANE_SHARE.name]) / 100 * methane.DENSITY
    return ch4_only(wastewater_cod.emissions(inputs, factor, parameters).ch4_kg - recovered)

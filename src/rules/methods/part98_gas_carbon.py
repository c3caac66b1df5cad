"""Scope 1: CO2 of gas burned, by 40 CFR 98 from the carbon in it."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.american import part98
from rules.examples import Example
from rules.factors.gases import Gases
from rules.formulas.one_gas import BIOGENIC_SHARE, BY_ORIGIN, co2_by_origin
from rules.methods import FactorValues, Inputs, Parameters
from rules.methods.part98_energy import KG_PER_TONNE
from rules.validity import percent

SPEC = MethodSpec(
    name="part98-gas-carbon",
    scope=1,
    title="CO2 of gas burned, by 40 CFR 98 from its carbon: tier 3",
    reference="40 CFR 98.33, equation C-5 (tier 3)",
    roles=(Role("fuel", "scf@68F"),),
    activity="fuel",
    parameters=(
        Parameter("carbon", "%", plausible=plausible.CARBON_OF_MASS),
        Parameter("molar_mass", "1", plausible=plausible.MOLAR_MASS),
        BIOGENIC_SHARE,
    ),
)

EXAMPLE = Example(
    inputs={"fuel": 1e6}, factor={}, parameters={"carbon": 72.4, "molar_mass": 17.4, "biogenic_share": 0.0}
)
WORKING = (
    "all_co2 [kg] = 44 / 12 * fuel * carbon / 100 * molar_mass / 849.5",
    *BY_ORIGIN,
)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 from burning gas of known carbon content [1]_.

    `CO2 = 44/12 Fuel CC MW/MVC 0.001`, equation C-5 of [1]_ in t, here in kg, with `MVC = 849.5 scf/kg-mol` at 68
    degF.

    Parameters
    ----------
    inputs
        `fuel`: burned, at 68 degF; a volume at other conditions is converted by the unit table. NaN below 0.
        [scf@68F]
    factor
        None.
    parameters
        `carbon`: share of the mass. NaN where not within 0 to 100. [%]
        `molar_mass`: relative to a twelfth of carbon's, which is kg per kg-mol. NaN unless above 0. [1]
        `biogenic_share`: of the carbon. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        CO2 alone: carbon tells nothing of CH4 and N2O, they are outside the method and 0; C-8 of [1]_ needs the HHV
        for them, which a source of `part98_energy.emissions` with 0 for CO2 has. [kg]

    References
    ----------
    .. [1] 40 CFR 98.33(a)(3)(iii).
    """
    tonnes = part98.c5(inputs["fuel"], percent(parameters["carbon"]) / 100, parameters["molar_mass"])
    return co2_by_origin(tonnes * KG_PER_TONNE, parameters)

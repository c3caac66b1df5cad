"""Scope 1: CO2 of clinker, known by its mass and the lime in it."""

import numpy as np

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.gases import Gases
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import percent, positive

CO2_PER_LIME = 0.785  # [kg/kg], as IPCC rounds the molar masses of CO2 and CaO

SPEC = MethodSpec(
    name="clinker-lime-content",
    scope=1,
    title="CO2 of clinker, by its mass, its CaO and a correction for kiln dust",
    reference="IPCC 2006, volume 3, chapter 2, equation 2.2",
    roles=(Role("clinker", "kg"),),
    activity="clinker",
    parameters=(
        Parameter("lime", "%", plausible=plausible.LIME),
        Parameter("kiln_dust_correction", "1", plausible=plausible.KILN_DUST),
    ),
)

EXAMPLE = Example(inputs={"clinker": 1e6}, factor={}, parameters={"lime": 65.0, "kiln_dust_correction": 1.02})
WORKING = ("co2_kg = clinker * 0.785 * lime / 100 * kiln_dust_correction",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 that limestone gives off while it becomes clinker [1]_.

    `E = M_cl EF_cl CF_ckd`, equation 2.2 of [1]_, with `EF_cl = 0.785 CaO`.

    Parameters
    ----------
    inputs
        `clinker`: made, by mass. [kg]
    factor
        None.
    parameters
        `lime`: CaO of the clinker that comes from carbonates; 65 is the default of [1]_. NaN unless above 0 and up
        to 100. [%]
        `kiln_dust_correction`: 1 where no dust leaves the kiln, 1.02 by default of [1]_. It is always stated,
        because factors differ in whether they have it. NaN below 1. [1]

    Returns
    -------
    Gases
        CO2 alone: CH4 and N2O are outside the method and 0. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 3, chapter 2.
    """
    dust = np.asarray(parameters["kiln_dust_correction"], np.float64)
    lime = positive(percent(parameters["lime"])) / 100
    co2 = inputs["clinker"] * (CO2_PER_LIME * lime) * np.where(dust >= 1, dust, np.nan)
    return Gases.co2_only(fossil=co2, biogenic=np.zeros_like(co2))

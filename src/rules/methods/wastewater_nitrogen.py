"""Scope 1: N2O of wastewater, known by its volume and the nitrogen in it."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import WASTEWATER_NITROGEN
from rules.factors.gases import Gases
from rules.formulas.one_gas import n2o_only
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

N2O_PER_NITROGEN = 44 / 28  # [kg/kg]

BASIS = WASTEWATER_NITROGEN

SPEC = MethodSpec(
    name="wastewater-nitrogen",
    scope=1,
    title="N2O of wastewater, by its volume and nitrogen",
    reference="IPCC 2006, volume 5, chapter 6, equation 6.7",
    roles=(Role("volume", "m3"), Role("nitrogen", "kg/m3", level=True)),
    activity="volume",
    factor=("n2o_n",),
)

EXAMPLE = Example(inputs={"volume": 200e3, "nitrogen": 0.05}, factor={"n2o_n": 0.01}, parameters={})
WORKING = ("n2o_kg = volume * nitrogen * factor.n2o_n * 44 / 28",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """N2O from the nitrogen of wastewater [1]_.

    `N2O = N EF 44/28`, equation 6.7 of [1]_, with `N = Q TN`.

    Parameters
    ----------
    inputs
        `volume`: of the wastewater, where its factor looks at it: before the plant or after it. [m3]
        `nitrogen`: total nitrogen of the same water. NaN below 0. [kg/m3]
    factor
        `n2o_n`: nitrogen that becomes N2O, as N, per nitrogen. [kg/kg]
    parameters
        None.

    Returns
    -------
    Gases
        N2O alone: CH4 is `wastewater_cod.emissions`. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 5, chapter 6.
    """
    nitrogen = inputs["volume"] * not_negative(inputs["nitrogen"])
    return n2o_only(nitrogen * factor["n2o_n"] * N2O_PER_NITROGEN)

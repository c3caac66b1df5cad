"""Scope 1: CH4 and N2O of waste that is composted or digested, known by its wet mass."""

from plant.catalogue import MethodSpec, Role
from rules.examples import Example
from rules.factors.factor_files import WASTE
from rules.factors.gases import Gases
from rules.formulas.one_gas import outside
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative

BASIS = WASTE

SPEC = MethodSpec(
    name="waste-treatment",
    scope=1,
    title="CH4 and N2O of waste composted or digested, by its wet mass",
    reference="IPCC 2006, volume 5, chapter 4, equations 4.1 and 4.2",
    roles=(Role("waste", "kg"),),
    activity="waste",
    factor=("ch4", "n2o"),
)

EXAMPLE = Example(inputs={"waste": 500_000.0}, factor={"ch4": 0.004, "n2o": 0.00024}, parameters={})
WORKING = ("ch4_kg = waste * factor.ch4", "n2o_kg = waste * factor.n2o")


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CH4 and N2O of organic waste that is treated biologically [1]_.

    `E = M EF`, equations 4.1 and 4.2 of [1]_, without what is recovered: where biogas is burned or flared, it is a source of its own.

    Parameters
    ----------
    inputs
        `waste`: treated, as it was weighed, wet. NaN below 0. [kg]
    factor
        `ch4`, `n2o`: per wet mass; those per dry mass are another row. [kg/kg]
    parameters
        None.

    Returns
    -------
    Gases
        CH4 and N2O; the CO2 is biogenic and not reported for biological treatment, so it is 0. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 5, chapter 4.
    """
    waste = not_negative(inputs["waste"])
    ch4, n2o = waste * factor["ch4"], waste * factor["n2o"]
    none = outside(ch4 + n2o)
    return Gases(co2_kg=none, co2_biogenic_kg=none, ch4_kg=ch4 + none, n2o_kg=n2o + none)

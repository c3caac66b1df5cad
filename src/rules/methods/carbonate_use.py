"""Scope 1: CO2 of a carbonate that is heated or dissolved in a process, known by its mass."""

from plant.catalogue import MethodSpec, Parameter, Role
from rules import plausible
from rules.examples import Example
from rules.factors.factor_files import PRODUCT
from rules.factors.gases import Gases
from rules.formulas.one_gas import co2_or_co2e
from rules.methods import FactorValues, Inputs, Parameters
from rules.validity import not_negative, percent

BASIS = PRODUCT

SPEC = MethodSpec(
    name="carbonate-use",
    scope=1,
    title="CO2 of limestone, dolomite or soda ash used in a process, by its mass",
    reference="IPCC 2006, volume 3, chapter 2, equation 2.16, with table 2.1",
    roles=(Role("carbonate", "kg"),),
    activity="carbonate",
    factor=("co2",),
    parameters=(
        Parameter("purity", "%", default=100.0, plausible=plausible.PURITY),
        Parameter("calcination", "%", default=100.0, plausible=plausible.OXIDATION),
    ),
)

EXAMPLE = Example(
    inputs={"carbonate": 1e6},
    factor={"co2": 0.43971},
    parameters={"purity": 95.0, "calcination": 100.0},
)
WORKING = ("co2_kg = carbonate * purity / 100 * factor.co2 * calcination / 100",)


def emissions(inputs: Inputs, factor: FactorValues, parameters: Parameters) -> Gases:
    """CO2 that a carbonate gives off: flux of a furnace, scrubbing of a flue gas, raw material of glass or ceramics [1]_.

    `E = M EF F`, equation 2.16 of [1]_, one carbonate a source. Not for clinker and lime, which are known by what is made.

    Parameters
    ----------
    inputs
        `carbonate`: used, as it was weighed. NaN below 0. [kg]
    factor
        `co2`: per mass of the pure carbonate, table 2.1 of [1]_ [kg/kg]; or `co2e` in rows that have no `co2` [kgCO2e/kg].
    parameters
        `purity`: share of the mass that is the carbonate. `calcination`: share of it that gives its CO2 off; 100 where nobody
        measures what is left. NaN where not within 0 to 100. [%]

    Returns
    -------
    Gases
        CO2 alone; in rows of a CO2e factor only `co2e_kg`. [kg]

    References
    ----------
    .. [1] IPCC, "2006 IPCC Guidelines for National Greenhouse Gas Inventories", volume 3, chapter 2.
    """
    given_off = percent(parameters["purity"]) / 100 * percent(parameters["calcination"]) / 100
    return co2_or_co2e(not_negative(inputs["carbonate"]) * given_off, factor)

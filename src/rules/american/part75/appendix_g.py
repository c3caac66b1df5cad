"""Appendix G: CO2 from the heat input of the fuel.

References
----------
.. [1] 40 CFR part 75, appendix G, section 2.
"""

from collections.abc import Mapping

from plant.arrays import Floats
from rules.examples import Worked
from rules.formulas.stack_gas import Number
from rules.validity import not_negative, positive

CO2_MOLAR_MASS = 44.0  # [lb/lb-mol], as the rule rounds it
MOLES_PER_SCF = 1 / 385  # [lb-mol/scf at 68 degF]
POUNDS_PER_TON = 2000.0  # [lb/short ton]


def g4_co2(heat_input: Number, fc: Number) -> Floats:
    """CO2 mass rate of gas or oil from heat input, `Fc HI (1/385) 44 / 2000`, equation G-4.

    Parameters
    ----------
    heat_input, fc
        [mmBtu/h], [scf CO2/mmBtu]

    Returns
    -------
    Floats
        [short tons/h]
    """
    return positive(fc) * not_negative(heat_input) * MOLES_PER_SCF * CO2_MOLAR_MASS / POUNDS_PER_TON


EXAMPLES: Mapping[str, Worked] = {
    "g4_co2": Worked(
        {"heat_input": 1000.0, "fc": 1040.0}, "short tons/h", "fc * heat_input / 385 * 44 / 2000"
    ),
}

"""Heat and power from one fuel: whose emissions are whose."""

from typing import NamedTuple

import numpy as np

from plant.arrays import Floats
from rules.validity import not_negative, percent, positive


class Efficiencies(NamedTuple):
    """How well heat and power would be made apart. Equal ones split by energy content, as ISO and IEA do [%]."""

    heat: float | Floats
    power: float | Floats


class Split(NamedTuple):
    """The two parts of a combined plant's emissions; together they are all of it."""

    heat: Floats
    power: Floats


def split(total: Floats, heat: Floats, power: Floats, efficiencies: Efficiencies) -> Split:
    """Split a combined plant's emissions by the efficiency method [1]_.

    `E_H = E_T (H / e_H) / (H / e_H + P / e_P)` and `E_P = E_T - E_H`.

    Parameters
    ----------
    total
        Of any one gas, or of CO2e. [any mass]
    heat, power
        Useful heat and electricity that left the plant in the same time, in one unit. NaN below 0. [GJ]
    efficiencies
        Of making each apart: there is no default, since the tool's own two differ. NaN unless above 0 and up to
        100. [%]

    Returns
    -------
    Split
        Shape of `total`; NaN where nothing left the plant, so that nobody could take the emissions. [unit of total]

    References
    ----------
    .. [1] GHG Protocol, CHP tool, version 1.0, 2006.
    """
    for_heat = not_negative(heat) / positive(percent(efficiencies.heat))
    for_power = not_negative(power) / positive(percent(efficiencies.power))
    of_heat = total * (for_heat / positive(for_heat + for_power))
    return Split(heat=of_heat, power=np.asarray(total - of_heat))

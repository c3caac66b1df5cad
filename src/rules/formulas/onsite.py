"""Electricity that a facility makes itself: what it consumes of it, and what becomes of the claim that it is clean.

None of this changes the location-based emission: its activity is all that was drawn from the grid, and what was fed in
is never taken off it. Power of the sun emits nothing here.
"""

import numpy as np

from plant.arrays import Floats
from rules.validity import not_negative

SLACK = 1e-9  # relative, as limits have everywhere: two meters' rounding is no contradiction


def self_consumed(generated: Floats, exported: Floats) -> Floats:
    """Return what of the own generation stayed in the facility.

    `self = gen - export`.

    Parameters
    ----------
    generated, exported
        Of the same windows. NaN below 0. [kWh]

    Returns
    -------
    Floats
        NaN where more was fed in than generated: a meter is wrong, or a battery's discharge is among it. [kWh]
    """
    rest = not_negative(generated) - not_negative(exported)
    return np.where(rest >= -SLACK * generated, np.maximum(rest, 0.0), np.nan)


def load(
    imported: Floats, exported: Floats, generated: Floats, discharged: Floats, charged: Floats
) -> Floats:
    """Return what a facility's loads consumed.

    `load = import - export + gen + discharge - charge`.

    Parameters
    ----------
    imported, exported
        At the grid's meter. [kWh]
    generated
        By the facility's own plant. [kWh]
    discharged, charged
        At the battery's terminals, its losses being outside of them. [kWh]

    Returns
    -------
    Floats
        NaN where any is. [kWh]
    """
    return imported - exported + generated + discharged - charged


def without_claim(consumed: Floats, attributes_sold: Floats) -> Floats:
    """Return self-consumed electricity that somebody else now claims.

    Its zero went with the certificates, so that market-based accounting gives it the factor of the residual mix or
    of the grid. Certificates sold are taken from self-consumption first: an inventory errs high.

    Parameters
    ----------
    consumed
        By the facility itself. NaN below 0. [kWh]
    attributes_sold
        Generation whose certificates were sold. NaN below 0. [kWh]

    Returns
    -------
    Floats
        0 to `consumed`. [kWh]
    """
    return np.minimum(not_negative(consumed), not_negative(attributes_sold))

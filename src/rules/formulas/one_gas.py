"""What methods return that know one gas: the others are outside of them and 0, in rows that are known."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from plant.arrays import Floats
from plant.catalogue import Parameter
from rules import plausible
from rules.factors.gases import Gases
from rules.validity import percent

BIOGENIC_SHARE = Parameter("biogenic_share", "%", default=0.0, plausible=plausible.BIOGENIC_SHARE)
BY_ORIGIN = (  # the last steps of a method's WORKING that knows all CO2
    "co2_biogenic_kg = all_co2 * biogenic_share / 100",
    "co2_kg = all_co2 - co2_biogenic_kg",
)


def ch4_only(ch4: Floats) -> Gases:
    """Return methane alone; a row where it is NaN is NaN throughout [kg]."""
    others = outside(ch4)
    return Gases(co2_kg=others, co2_biogenic_kg=others, ch4_kg=ch4, n2o_kg=others)


def n2o_only(n2o: Floats) -> Gases:
    """Return nitrous oxide alone; a row where it is NaN is NaN throughout [kg]."""
    others = outside(n2o)
    return Gases(co2_kg=others, co2_biogenic_kg=others, ch4_kg=others, n2o_kg=n2o)


def co2_by_origin(co2: Floats, parameters: Mapping[str, float | Floats]) -> Gases:
    """Return CO2 alone [kg], of which `BIOGENIC_SHARE` is biogenic; a row is NaN where that is not within 0 to 100."""
    biogenic = co2 * percent(parameters.get(BIOGENIC_SHARE.name, 0.0)) / 100
    return Gases.co2_only(fossil=co2 - biogenic, biogenic=biogenic)


def co2_or_co2e(amount: Floats, factor: Mapping[str, Floats]) -> Gases:
    """Return an amount times a factor that is of CO2 alone in some rows, and of CO2e alone in the others.

    Parameters
    ----------
    amount
        Shape (rows,). [any unit]
    factor
        `co2` [kg per unit]; or `co2e` in rows that have no `co2` [kgCO2e per unit].

    Returns
    -------
    Gases
        CO2 alone; in rows of a CO2e factor only `co2e_kg`. [kg]
    """
    unknown = np.full_like(amount, np.nan)
    gases = Gases.co2_only(fossil=amount * factor.get("co2", unknown), biogenic=np.zeros_like(amount))
    return replace(gases, co2e_kg=amount * factor.get("co2e", unknown))


def co2e_only(co2e: Floats) -> Gases:
    """Return CO2e of a gas that an emission has not apart: those that it has are unknown [kg]."""
    unknown = np.full_like(co2e, np.nan)
    return Gases(unknown, unknown, unknown, unknown, co2e_kg=co2e)


def outside(known: Floats) -> Floats:
    """Return what stands for a gas that a method leaves outside: 0, and NaN in rows that are unknown [kg]."""
    return np.where(np.isnan(known), np.nan, 0.0)

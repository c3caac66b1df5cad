"""What is charged for reactive energy, by the mean cos phi of a month."""

import math
from dataclasses import dataclass

HUNDREDTHS = 100


@dataclass(frozen=True, slots=True)
class ReactiveTable:
    """Percents of the energy charge by cos phi: of `least_cos_phi` and each hundredth above it; beyond the last, none."""

    from_kw: float
    least_cos_phi: float
    percents: tuple[float, ...]
    below: float

    def percent(self, cos_phi: float) -> float:
        """Return what is charged at a cos phi in hundredths [% of the energy charge]; NaN where it is unknown."""
        if math.isnan(cos_phi):
            return math.nan
        place = round(cos_phi * HUNDREDTHS) - round(self.least_cos_phi * HUNDREDTHS)
        if place < 0:
            return self.below
        return self.percents[place] if place < len(self.percents) else 0.0


def cos_phi(active: float, reactive: float) -> float:
    """Return the mean power factor of a month, `A / sqrt(A^2 + Q^2)` [1]_, in hundredths.

    Parameters
    ----------
    active
        Taken from the grid in the month. [kWh]
    reactive
        Taken in the same time; what was given back is no charge. [kvarh]

    Returns
    -------
    float
        Rounded half up before the table is read, which the circular does not say; NaN where no active energy is known.

    References
    ----------
    .. [1] Circular 15/2014/TT-BCT, as printed by EVN.
    """
    if not active > 0 or math.isnan(reactive):
        return math.nan
    return math.floor(active / math.hypot(active, max(reactive, 0.0)) * HUNDREDTHS + 0.5) / HUNDREDTHS


def reactive_charge(table: ReactiveTable, cos_phi: float, peak: float, energy_charge: float) -> float:
    """Return what a month's reactive energy costs, `charge = energy charge k / 100` [1]_.

    Parameters
    ----------
    table
        In force at the month's end.
    cos_phi
        Of the month, in hundredths; NaN where unknown.
    peak
        The greatest power of the month; NaN where unknown. Below the table's `from_kw` nothing is charged. [kW]
    energy_charge
        Before tax. [currency]

    Returns
    -------
    float
        Before tax; NaN where one of these is unknown. [currency]

    References
    ----------
    .. [1] Circular 15/2014/TT-BCT, as printed by EVN.
    """
    if math.isnan(peak):
        return math.nan
    return energy_charge * table.percent(cos_phi) / 100 if peak >= table.from_kw else 0.0

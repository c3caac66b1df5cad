"""Shares of water and of waste. What is unknown is NaN, and so is a share of nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan

DIVERTED = ("reuse", "recycling", "composting")


@dataclass(frozen=True, slots=True)
class WaterShares:
    """What is used again, of the treated wastewater and of all water that is used [1]."""

    reuse: float
    circulation: float


@dataclass(frozen=True, slots=True)
class WasteShares:
    """All waste [t], and its shares [1]: kept from disposal, also with what gives energy, and to the landfill."""

    total: float
    diverted: float
    with_energy: float
    landfill: float


def water_shares(fresh: float, inflow: float, reused: float) -> WaterShares:
    """Return `reused / inflow` and `reused / (fresh + reused)`; these definitions are ours, no text of the law has them.

    Parameters
    ----------
    fresh, inflow, reused
        Fresh water, wastewater that enters the treatment, treated water that is used again. [m3]
    """
    return WaterShares(_share(reused, inflow), _share(reused, fresh + reused))


def removed_share(entered: float, left: float) -> float:
    """Return `(in - out) / in` [1] of what enters a treatment and leaves it [kg]; below 0 where more leaves."""
    return _share(entered - left, entered)


def waste_shares(amounts: Mapping[str, float]) -> WasteShares:
    """Return `(reuse + recycling + composting) / all`, the same with energy, and `landfill / all`; the definition is ours.

    Parameters
    ----------
    amounts
        By treatment. One that is unknown makes all of these unknown. [t]
    """
    total = sum(amounts.values()) if amounts else nan
    diverted = sum(amounts.get(name, 0.0) for name in DIVERTED)
    return WasteShares(
        total,
        _share(diverted, total),
        _share(diverted + amounts.get("energy", 0.0), total),
        _share(amounts.get("landfill", 0.0), total),
    )


def _share(part: float, whole: float) -> float:
    return nan if isnan(part) or isnan(whole) or whole <= 0 else part / whole

"""The carbon that a battery carries from when it is charged to when it is discharged.

It never enters a total: the site's emission was counted when the energy was drawn, losses among it. It tells how much
carbon is in a kWh that a battery gives, for the display of hourly intensity.
"""

from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats
from rules.validity import not_negative, percent, positive

SLACK = (
    1e-9  # relative, as limits have everywhere: a last kWh that is drawn to the last digit is no overdraft
)


@dataclass(frozen=True, slots=True)
class Tank:
    """A battery's content after each interval, and what left it within; all of the shape of the intervals."""

    stored: Floats  # [kWh]
    carbon: Floats  # [kg] attributed to what is stored
    intensity: (
        Floats  # [kg/kWh] of what was delivered; NaN where nothing of known origin was there to deliver
    )
    delivered: Floats  # [kg] that went with it
    lost: Floats  # [kg] written off when the battery was empty


@dataclass(frozen=True, slots=True)
class Battery:
    """What a battery is before the first interval, and how well it works."""

    charge_efficiency: float  # [%]
    discharge_efficiency: float  # [%]
    stored: float = 0.0  # [kWh]
    carbon: float = 0.0  # [kg]
    empty: float = 1e-3  # [kWh] below which it counts as empty: what is left then is the meters' drift


def tank(charged: Floats, discharged: Floats, intensity: Floats, battery: Battery) -> Tank:
    """Follow the carbon through a battery, interval by interval.

    `S' = S + eta_c E_ch - E_dis / eta_d`, `m' = m + E_ch ci_in - (m / S)(E_dis / eta_d)` and
    `ci_out = (m / S) / eta_d`. Where S' is about 0, m' = 0 and the rest is lost.

    Parameters
    ----------
    charged, discharged
        At the battery's terminals in successive intervals, along the last axis. NaN below 0. [kWh]
    intensity
        Of what it was charged with; not looked at where nothing was. [kg/kWh]
    battery
        Its efficiencies are NaN unless above 0 and up to 100.

    Returns
    -------
    Tank
        What came in is what is stored, was delivered and was lost, at any time. A content that would fall below 0
        is 0: the efficiencies are estimates. Unknown energy makes all after it unknown, an unknown intensity what
        follows until the battery is empty. [shape of `charged`]
    """
    into = not_negative(charged) * (positive(percent(battery.charge_efficiency)) / 100)
    eta_d = positive(percent(battery.discharge_efficiency)) / 100
    out = not_negative(discharged) / eta_d
    before, stored = _content(into - out, battery.stored)
    filled = before > battery.empty
    share = np.divide(out, before, out=np.zeros_like(out), where=filled)
    brought = np.where(charged == 0, 0.0, charged * intensity)
    empty = stored <= battery.empty
    keep = np.where(np.isnan(stored), np.nan, np.where(empty, 0.0, 1 - np.minimum(share, 1.0)))
    carbon = _recurrence(keep, np.where(empty, 0.0, brought), battery.carbon)
    carbon_before = _shifted(carbon, battery.carbon)
    delivered = carbon_before * np.minimum(share, 1.0)
    known = filled & (share <= 1 + SLACK)
    per_kwh = np.divide(carbon_before, before, out=np.full_like(out, np.nan), where=known) / eta_d
    lost = np.where(empty, carbon_before + brought - delivered, 0.0 * carbon)
    return Tank(stored=stored, carbon=carbon, intensity=per_kwh, delivered=delivered, lost=lost)


def _content(change: Floats, first: float) -> tuple[Floats, Floats]:
    """Return the content before and after each interval, never below 0 [kWh].

    Both are the running sum less its deepest fall below 0 so far, which is the recursion without its loop.
    """
    free = first + np.cumsum(change, axis=-1)
    after = free - np.minimum(np.minimum.accumulate(free, axis=-1), 0.0)
    return _shifted(after, first), after


def _shifted(after: Floats, first: float) -> Floats:
    """Return what was before each interval, given what was after it."""
    before = np.empty_like(after)
    before[..., :1] = first
    before[..., 1:] = after[..., :-1]
    return before


def _recurrence(keep: Floats, add: Floats, first: float) -> Floats:
    """Return m of `m' = keep m + add` after each interval.

    The steps are affine maps, and composing neighbours of doubling distance gives all of their products in log2(n)
    passes over the columns. What is kept to 0 is forgotten, even where it was unknown.
    """
    scale, shift = keep, add
    distance = 1
    while distance < keep.shape[-1]:
        here, scale_before, shift_before = (
            scale[..., distance:],
            scale[..., :-distance],
            shift[..., :-distance],
        )
        moved = np.where(here == 0, 0.0, here * shift_before) + shift[..., distance:]
        scaled = np.where(here == 0, 0.0, here * scale_before)
        shift = np.concatenate([shift[..., :distance], moved], axis=-1)
        scale = np.concatenate([scale[..., :distance], scaled], axis=-1)
        distance *= 2
    return scale * first + shift

"""How a plant's load runs through the day and the week: pure curves over local time, 0 to 1 of full load."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulators.payload import NS_PER_S, Floats, Times

SUNDAY = 6
WOBBLES = ((640.0, 0.04), (2_230.0, 0.04), (11_100.0, 0.05))  # period [s] and share of the load


@dataclass(frozen=True, slots=True)
class Local:
    """Moments on a park's clock: seconds since its 1970, hour of the day, day of the week (0 is Monday)."""

    second: Floats
    hour: Floats
    weekday: Floats

    @classmethod
    def of(cls, times: Times, offset: float) -> "Local":
        """Return times [ns UTC] on a clock that is `offset` [s] ahead of UTC."""
        second = times / NS_PER_S + offset
        return cls(second, second % 86_400 / 3_600, (second // 86_400 + 3) % 7)


Shape = Callable[[Local], Floats]


def three_shifts(at: Local) -> Floats:
    """Round the clock, less at night, a dip where shifts change at 6, 14 and 22, a third on Sundays."""
    load = np.where(at.hour < 6, 0.6, np.where(at.hour < 14, 0.85, np.where(at.hour < 22, 0.8, 0.6)))
    load -= 0.25 * sum(_bump(at.hour, change, 0.2) for change in (6, 14, 22))
    return np.where(at.weekday == SUNDAY, load / 3, load)


def two_shifts(at: Local) -> Floats:
    """From 6 to 22, little at night and on Sundays."""
    load = 0.12 + 0.73 * _between(at.hour, 6, 22) - 0.2 * _bump(at.hour, 14, 0.25)
    return np.where(at.weekday == SUNDAY, 0.12, load)


def day_shift(at: Local) -> Floats:
    """From 7 to 17 with a lunch break, little otherwise."""
    load = 0.1 + 0.75 * _between(at.hour, 7, 17) - 0.3 * _bump(at.hour, 12, 0.4)
    return np.where(at.weekday == SUNDAY, 0.1, load)


def heats(at: Local) -> Floats:
    """Melt in a furnace: heats of 65 minutes and pauses of 25, round the clock but on Sundays."""
    melting = at.second % 5_400 < 3_900
    return np.where(at.weekday == SUNDAY, 0.08, np.where(melting, 0.9, 0.2))


def continuous(at: Local) -> Floats:
    """Never off; a little more in the afternoon."""
    return 0.6 + 0.12 * np.sin((at.hour - 9) / 24 * 2 * math.pi)


def daylight(at: Local) -> Floats:
    """Follow the sun from 6 to 18, with clouds."""
    sun = np.clip(np.sin((at.hour - 6) / 12 * math.pi), 0, None)
    clouds = 0.78 + 0.22 * np.sin(at.second / 4_700) * np.sin(at.second / 1_130 + 1)
    return sun**1.2 * clouds


def charging(at: Local) -> Floats:
    """Fill a battery in the hours of cheap electricity, 0 to 4:30."""
    return 0.9 * _between(at.hour, 0, 4.5)


def discharging(at: Local) -> Floats:
    """Empty it in the evening's dear ones, 18 to 22."""
    return 0.9 * _between(at.hour, 18, 22)


def wobble(at: Local, phases: Sequence[float]) -> Floats:
    """Return a factor near 1 that keeps two meters of one shape apart; phases [rad], one for each of `WOBBLES`."""
    waves = [
        share * np.sin(at.second / period * 2 * math.pi + phase)
        for (period, share), phase in zip(WOBBLES, phases, strict=True)
    ]
    total: Floats = np.sum(waves, axis=0)
    return 1 + total


def _between(hour: Floats, start: float, end: float) -> Floats:
    return ((hour >= start) & (hour < end)).astype(np.float64)


def _bump(hour: Floats, centre: float, width: float) -> Floats:
    return np.exp(-(((hour - centre) / width) ** 2))


BY_FACILITY: tuple[tuple[tuple[str, ...], Shape], ...] = (
    (("wastewater", "water", "utility", "utilities"), continuous),
    (("foundry", "melt", "furnace"), heats),
    (("mill", "steel", "roll", "chem", "glass", "cement"), three_shifts),
    (("plastic", "mould", "mold", "textile", "garment"), two_shifts),
    (("food", "office", "warehouse", "logistic"), day_shift),
)
BY_CHANNEL: tuple[tuple[tuple[str, ...], Shape], ...] = (
    (("battery/discharged",), discharging),
    (("battery/charged",), charging),
    (("solar", "pv", "photovolt", "irradiance"), daylight),
    (("furnace", "melt", "eaf", "heat"), heats),
    (("water", "pump", "blower", "compress", "chiller"), continuous),
)


def shape_of(facility: str, channel: str, quantity: str) -> Shape:
    """Return the curve that fits a channel's name and quantity, else its facility's; three shifts where neither tells."""
    own = _first(BY_CHANNEL, f"{channel} {quantity}")
    return own or _first(BY_FACILITY, facility) or three_shifts


def _first(table: tuple[tuple[tuple[str, ...], Shape], ...], text: str) -> Shape | None:
    words = text.lower()
    return next((shape for keys, shape in table if any(key in words for key in keys)), None)

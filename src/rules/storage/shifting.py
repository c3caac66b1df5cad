"""When a battery should work: charge and discharge by step of a day that cost least, and the load that they are reckoned against."""

import math
from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats
from plant.commitments import Battery

LEVELS = 200  # steps of charge of a battery, at least
MOVES = 8  # of them that its power makes in a step of time, at least
LEAST_WEEKS = 2  # that a load is the mean of
SAME = 1e-9  # relative: costs that differ by less are the same, and the battery rests


@dataclass(frozen=True, slots=True)
class DayOfBattery:
    """What a battery does in each step of a day. Shapes (steps,)."""

    charged: Floats  # taken from the grid [kWh]
    discharged: Floats  # taken from the battery in place of the grid [kWh]

    def saved(self, each: Floats) -> float:
        """Return what is taken less from the grid, by what a kilowatt-hour of each step counts: money, or tonnes."""
        return float(((self.discharged - self.charged) * each).sum())


def cheapest(battery: Battery, load: Floats, price: Floats, hours: float) -> DayOfBattery:
    """Return what costs least, of a battery that begins the day empty; what is left at its end counts nothing.

    It is exact over steps of charge by dynamic programming: `V_t(s) = min over k of cost_t(k) + V_t+1(s + k)`, k steps of charge
    costing `price k q / efficiency`, and k of discharge saving `price k q`. Nothing is given to the grid: no more
    is drawn than the load. Of equal costs it rests, so that it is never dearer than no battery.

    Parameters
    ----------
    battery
        Its energy and power are what can be drawn, and what the meter sees.
    load
        Of each step, without the battery. [kWh] Shape (steps,).
    price
        Of each step. [currency/kWh] Shape (steps,).
    hours
        How long a step is.

    Raises
    ------
    ValueError
        A load is below 0, or a load or price is unknown.
    """
    if not all(np.isfinite(one).all() for one in (load, price)) or (load < 0).any():
        raise ValueError("a load is below 0, or a load or a price is unknown")
    in_a_step = battery.power * hours  # kWh at the meter
    levels = max(LEVELS, math.ceil(MOVES * battery.energy / (in_a_step * battery.efficiency)))
    size = battery.energy / levels
    most_in = math.floor(in_a_step * battery.efficiency / size * (1 + SAME))
    most_out = np.floor(np.minimum(in_a_step, load) / size * (1 + SAME)).astype(np.int64)
    bought, saved = price * size / battery.efficiency, price * size
    same = SAME * float(np.abs(price).max(initial=0)) * battery.energy
    value = np.zeros(levels + 1)
    moves = np.zeros((len(load), levels + 1), np.int32)
    for step in range(len(load) - 1, -1, -1):
        best = value.copy()
        for k in range(1, min(most_in, levels) + 1):
            _take(best, moves[step], slice(0, levels + 1 - k), value[k:] + k * bought[step], k, same)
        for k in range(1, min(int(most_out[step]), levels) + 1):
            _take(best, moves[step], slice(k, levels + 1), value[:-k] - k * saved[step], -k, same)
        value = best
    made, level = np.zeros(len(load)), 0
    for step in range(len(load)):
        made[step] = moves[step, level]
        level += int(made[step])
    return DayOfBattery(np.maximum(made, 0) * size / battery.efficiency, np.maximum(-made, 0) * size)


def _take(best: Floats, moves: Floats, levels: slice, cost: Floats, k: int, same: float) -> None:
    """Take a move at the levels where it costs less than what is best there so far."""
    is_less = cost < best[levels] - same
    best[levels] = np.where(is_less, cost, best[levels])
    moves[levels] = np.where(is_less, k, moves[levels])


def seasonal_load(weeks: Floats) -> Floats:
    """Return the mean of the same day of past weeks by step, NaN where fewer than two are known; shape (weeks, steps)."""
    known = ~np.isnan(weeks)
    count = known.sum(axis=0)
    total = np.where(known, weeks, 0.0).sum(axis=0)
    return np.where(count >= LEAST_WEEKS, total / np.maximum(count, 1), np.nan)

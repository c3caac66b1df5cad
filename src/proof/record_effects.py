"""What amounts that are not entered yet would change of a source, beside what the state knows of its other channels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.line.recompute import RecomputedChannels
from plant.arrays import Floats, Ints
from plant.park import Source
from rules.engine import Engine
from rules.windows import WindowValues
from store.reader import Snapshot


@dataclass(frozen=True, slots=True)
class AddedAmount:
    """An amount of a channel (index), in its unit, spread evenly over [start, end) ns UTC; below 0 one that is taken away."""

    channel: int
    start: int
    end: int
    amount: float


def change_of(state: Snapshot, engine: Engine, source: Source, added: Sequence[AddedAmount]) -> float | None:
    """Return the tonnes of a source with added amounts less those without [t CO2e]; None where nothing is known with them."""
    plant = state.plant
    taken = np.array(sorted({k for one in source.inputs for k in plant.measured(one.channel)}), np.int64)
    start, end = min(one.start for one in added), max(one.end for one in added)
    first, stop = start // plant.window, -(-end // plant.window)
    before = RecomputedChannels(plant, state.connection).values(
        taken, first * plant.window, stop * plant.window
    )
    window = np.arange(first, stop)
    rows = np.full(len(window), source.index)
    tonnes = [
        engine.emissions(rows, window, one).co2e_t
        for one in (before, _with(before, taken, window, added, plant.window))
    ]
    if np.isnan(tonnes[1]).all():
        return None
    return float(np.nansum(tonnes[1]) - np.nansum(tonnes[0]))


def _with(
    before: WindowValues, channels: Ints, window: Ints, added: Sequence[AddedAmount], length: int
) -> WindowValues:
    """Return the windows of channels with amounts added; a window of which nothing is left is unknown."""
    channel, every = np.repeat(channels, len(window)), np.tile(window, len(channels))
    value, measured, interpolated = before.at(channel, every)
    for one in added:
        mine = channel == one.channel
        inside: Floats = np.minimum((every[mine] + 1) * length, one.end) - np.maximum(
            every[mine] * length, one.start
        )
        inside = np.maximum(inside, 0).astype(float)
        sign = np.sign(one.amount) if one.amount else 1.0
        part = np.nan_to_num(value[mine]) + one.amount * inside / (one.end - one.start)
        interpolated[mine] = np.clip(interpolated[mine] + sign * inside / length, 0.0, 1.0)
        known = (measured[mine] + interpolated[mine]) > 0
        value[mine] = np.where(known, part, np.nan)
    return WindowValues(channel, every, value, measured, interpolated)

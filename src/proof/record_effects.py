"""What amounts and levels that are not entered yet would change of a source, beside what the state knows of its other channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ingest.line.recompute import RecomputedChannels
from plant.arrays import Floats, Ints, Readings
from plant.park import Source
from plant.vocabulary import Quality
from rules.engine import Engine
from rules.windows import WindowValues
from store.reader import Snapshot
from store.readings.table import Stretch

AT_ONCE = 1 << 17  # windows, so that a table of many years needs no more memory than one of a few months


@dataclass(frozen=True, slots=True)
class AddedAmount:
    """An amount of a channel (index), in its unit, spread evenly over [start, end) ns UTC; below 0 one that is taken away."""

    channel: int
    start: int
    end: int
    amount: float


@dataclass(frozen=True, slots=True)
class ChangedLevels:
    """Levels of a channel, by their times [ns UTC], in its unit: those that come beside what there is, and at what times one goes.

    [start, end) is where that changes what holds: from the level before the first of them to the one after the last.
    """

    start: int
    end: int
    added: Mapping[int, float]
    gone: frozenset[int]


class _WithLevels(RecomputedChannels):
    """Computes windows of channels as they would be with other levels, given by channel (index)."""

    def __init__(self, state: Snapshot, levels: Mapping[int, ChangedLevels]) -> None:
        super().__init__(state.plant, state.connection)
        self._levels = levels

    def stretch(self, channel: int, start: int, end: int) -> Stretch:
        """Return the readings of a channel that decide its windows in [start, end), with the levels that are added."""
        found = super().stretch(channel, start, end)
        changed = self._levels.get(channel)
        if changed is None:
            return found
        replaced = np.array(sorted(changed.gone | changed.added.keys()), np.int64)
        kept = found.readings.take(~np.isin(found.readings.time, replaced))
        both = Readings.concat([kept, _readings(channel, changed.added)])
        return replace(found, readings=both.take(np.argsort(both.time, kind="stable")))


def _readings(channel: int, levels: Mapping[int, float]) -> Readings:
    count = len(levels)
    none, zeros = np.zeros(count, np.uint8), np.zeros(count, np.int32)
    return Readings(
        channel=np.full(count, channel, np.int32),
        time=np.array(list(levels), np.int64),
        value=np.array(list(levels.values()), np.float64),
        quality=np.full(count, Quality.GOOD, np.uint8),
        flags=none,
        verdict=none.copy(),
        boot=zeros,
        correction=zeros.copy(),
        message=np.zeros(count, np.int64),
    )


def change_of(
    state: Snapshot,
    engine: Engine,
    source: Source,
    added: Sequence[AddedAmount],
    levels: Mapping[int, ChangedLevels],
) -> float | None:
    """Return the tonnes of a source with added amounts and levels (by channel) less those without [t CO2e]; None where nothing is known with them."""
    plant = state.plant
    taken = np.array(sorted({k for one in source.inputs for k in plant.measured(one.channel)}), np.int64)
    parts: list[AddedAmount | ChangedLevels] = [*added, *levels.values()]
    start, end = min(one.start for one in parts), max(one.end for one in parts)
    before, after = RecomputedChannels(plant, state.connection), _WithLevels(state, levels)
    sums, is_known = [0.0, 0.0], False
    for first in range(start // plant.window, -(-end // plant.window), AT_ONCE):
        window = np.arange(first, min(first + AT_ONCE, -(-end // plant.window)))
        stretch = int(window[0]) * plant.window, (int(window[-1]) + 1) * plant.window
        rows = np.full(len(window), source.index)
        changed = _with(after.values(taken, *stretch), taken, window, added, plant.window)
        for place, values in enumerate((before.values(taken, *stretch), changed)):
            tonnes = engine.emissions(rows, window, values).co2e_t
            sums[place] += float(np.nansum(tonnes))
            is_known |= place == 1 and not np.isnan(tonnes).all()
    return sums[1] - sums[0] if is_known else None


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

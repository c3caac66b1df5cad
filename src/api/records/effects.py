"""What records would change, in tonnes, once they are approved: told before anybody enters them.

A source that takes in nothing but what is entered is calculated by its own method, a window for each day of a record, which
has the day's share of it: the sum is that of its windows, of what is known as in all sums. A source that takes in other channels too
is calculated twice, without the records and with them, from what is known of those channels now; so is one that takes in a level, which
holds until the next one: after the last one nothing is known.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from api.records.bodies import EffectBody
from plant.park import Channel, Plant, Source
from plant.periods import DAY, starts
from proof.record_effects import AddedAmount, ChangedLevels, change_of
from rules.engine import Engine
from rules.windows import WindowValues
from store.accounting.closing import DecisionRefused
from store.reader import Snapshot
from store.records.checks import RecordRules
from store.records.decisions import Entered
from store.records.table import approved, find, said_of


def effects(
    state: Snapshot, rules: RecordRules, engine: Engine | None, entered: Sequence[Entered]
) -> list[EffectBody]:
    """Return what records would change of each source that takes in their channels, by name; without an engine how many they are alone."""
    plant, by_channel = state.plant, defaultdict(list)
    for said in entered:
        by_channel[rules.channel(said).index].append(said)
    found = []
    for source in plant.sources:
        taken = {k for given in source.inputs for k in plant.measured(given.channel)}
        mine = [said for channel in sorted(taken & by_channel.keys()) for said in by_channel[channel]]
        if mine:
            tonnes = _tonnes(state, engine, rules, source, mine)
            name = f"{source.park}/{source.facility}/{source.name}"
            found.append(EffectBody(source=name, records=len(mine), co2e_t=tonnes))
    return sorted(found, key=lambda one: one.source)


def _tonnes(
    state: Snapshot, engine: Engine | None, rules: RecordRules, source: Source, entered: Sequence[Entered]
) -> float | None:
    if engine is None:
        return None
    plant, channels = state.plant, {given.channel for given in source.inputs}
    signed: list[tuple[float, Entered]] = []  # what is replaced is taken away first
    for said in entered:
        before = find(state.connection, said.replaces) if said.replaces else None
        signed += [] if before is None else [(-1.0, said_of(before))]
        signed.append((1.0, said))
    amounts = [one for one in signed if one[1].start < one[1].finish]
    if len(amounts) < len(signed) or len(channels) != 1 or min(channels) >= len(plant.channels):
        try:
            added = [_amount(rules, sign, said) for sign, said in amounts]
            levels = _levels(state, rules, [one for one in signed if one not in amounts])
        except DecisionRefused:
            return None
        return change_of(state, engine, source, added, levels)
    parts = [sign * _of_record(plant, engine, rules, source, said) for sign, said in signed]
    known = [one for one in parts if not np.isnan(one)]
    return sum(known) if known else None


def _amount(rules: RecordRules, sign: float, said: Entered) -> AddedAmount:
    channel = rules.channel(said)
    return AddedAmount(channel.index, said.start, said.finish, sign * rules.amount(said) * channel.ratio)


def _levels(
    state: Snapshot, rules: RecordRules, signed: Sequence[tuple[float, Entered]]
) -> dict[int, ChangedLevels]:
    """Return what levels come and go, by channel (index), and where that changes what holds."""
    by_channel = defaultdict[Channel, list[tuple[float, Entered]]](list)
    for sign, said in signed:
        by_channel[rules.channel(said)].append((sign, said))
    found = {}
    for channel, some in by_channel.items():
        added = {said.finish: rules.amount(said) for sign, said in some if sign > 0}
        gone = frozenset(said.finish for sign, said in some if sign < 0)
        times = sorted(added.keys() | gone)
        known = approved(state.connection, channel)
        start = max((time for time in known if time < times[0]), default=times[0])
        end = min((time for time in known if time > times[-1]), default=times[-1])
        found[channel.index] = ChangedLevels(start, end, added, gone)
    return found


def _of_record(plant: Plant, engine: Engine, rules: RecordRules, source: Source, said: Entered) -> float:
    """Return what is known of the tonnes of a source over a record's stretch; NaN where nothing is."""
    try:
        amount = rules.amount(said)
    except DecisionRefused:
        return float("nan")
    zone = next(park.zone for park in plant.parks if park.name == source.park)
    inside = starts(said.start, said.finish, DAY, zone)
    edges = np.unique(np.concatenate([[said.start], inside[inside > said.start], [said.finish]]))
    channel = source.inputs[0].channel
    window = edges[:-1] // plant.window
    share = amount * plant.channels[channel].ratio * (np.diff(edges) / (said.finish - said.start))
    known, none = np.ones(len(window)), np.zeros(len(window))
    values = WindowValues(np.full(len(window), channel), window, share, none, known)
    tonnes = engine.emissions(np.full(len(window), source.index), window, values).co2e_t
    return float("nan") if np.isnan(tonnes).all() else float(np.nansum(tonnes))

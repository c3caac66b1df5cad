"""What records would change, in tonnes, once they are approved: told before anybody enters them.

A source that takes in nothing but what is entered is calculated by its own method, a window for each day of a record, which
has the day's share of it: the sum is that of its windows, of what is known as in all sums. A source that takes in other channels too
is calculated twice, without the records and with them, from what is known of those channels now. Of a level that holds until the next
one nothing is said.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from api.records.bodies import EffectBody
from plant.park import Plant, Source
from plant.periods import DAY, starts
from plant.vocabulary import Kind
from proof.record_effects import AddedAmount, change_of
from rules.engine import Engine
from rules.windows import WindowValues
from store.accounting.closing import DecisionRefused
from store.reader import Snapshot
from store.records.checks import RecordRules
from store.records.decisions import Entered
from store.records.table import find, said_of


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
    plant, channels = state.plant, {given.channel for given in source.inputs}
    if engine is None or any(rules.channel(said).kind is not Kind.INTERVAL for said in entered):
        return None
    signed: list[tuple[float, Entered]] = []  # what is replaced is taken away first
    for said in entered:
        before = find(state.connection, said.replaces) if said.replaces else None
        signed += [] if before is None else [(-1.0, said_of(before))]
        signed.append((1.0, said))
    if len(channels) != 1 or min(channels) >= len(plant.channels):
        return _among_others(state, engine, rules, source, signed)
    parts = [sign * _of_record(plant, engine, rules, source, said) for sign, said in signed]
    known = [one for one in parts if not np.isnan(one)]
    return sum(known) if known else None


def _among_others(
    state: Snapshot,
    engine: Engine,
    rules: RecordRules,
    source: Source,
    signed: Sequence[tuple[float, Entered]],
) -> float | None:
    """Return what records change of a source that takes in other channels too, with these as they are known."""
    added = []
    for sign, said in signed:
        channel = rules.channel(said)
        try:
            amount = rules.amount(said) * channel.ratio
        except DecisionRefused:
            return None
        added.append(AddedAmount(channel.index, said.start, said.finish, sign * amount))
    return change_of(state, engine, source, added)


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

"""What records would change, in tonnes, once they are approved: told before anybody enters them.

A source that takes in nothing but what is entered is calculated by its own method, a window for each day of a record, which
has the day's share of it: the sum is that of its windows, of what is known as in all sums. Of any other source the records alone do not say.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from api.records.bodies import EffectBody
from plant.park import Plant, Source
from plant.periods import DAY, starts
from plant.vocabulary import Kind
from rules.engine import Engine
from rules.windows import WindowValues
from store.accounting.closing import DecisionRefused
from store.records.checks import RecordRules
from store.records.decisions import Entered
from store.records.table import find, said_of


def effects(
    connection: sqlite3.Connection,
    plant: Plant,
    rules: RecordRules,
    engine: Engine | None,
    entered: Sequence[Entered],
) -> list[EffectBody]:
    """Return what records would change of each source that takes in their channels, by name; without an engine how many they are alone."""
    by_channel = defaultdict(list)
    for said in entered:
        by_channel[rules.channel(said).index].append(said)
    found = []
    for source in plant.sources:
        taken = {k for given in source.inputs for k in plant.measured(given.channel)}
        mine = [said for channel in sorted(taken & by_channel.keys()) for said in by_channel[channel]]
        if mine:
            tonnes = _tonnes(connection, plant, engine, rules, source, mine)
            name = f"{source.park}/{source.facility}/{source.name}"
            found.append(EffectBody(source=name, records=len(mine), co2e_t=tonnes))
    return sorted(found, key=lambda one: one.source)


def _tonnes(
    connection: sqlite3.Connection,
    plant: Plant,
    engine: Engine | None,
    rules: RecordRules,
    source: Source,
    entered: Sequence[Entered],
) -> float | None:
    channels = {given.channel for given in source.inputs}
    if engine is None or len(channels) != 1 or min(channels) >= len(plant.channels):
        return None
    if plant.channels[min(channels)].kind is not Kind.INTERVAL:
        return None
    parts = []
    for said in entered:
        parts.append(_of_record(plant, engine, rules, source, said))
        before = find(connection, said.replaces) if said.replaces else None
        if before is not None:
            parts.append(-_of_record(plant, engine, rules, source, said_of(before)))
    known = [one for one in parts if not np.isnan(one)]
    return sum(known) if known else None


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

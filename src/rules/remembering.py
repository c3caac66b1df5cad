"""Calculates every window by the terms that it has: those of the configuration, and those that the state keeps."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Floats, Ints
from plant.catalogue import FactorSpec
from plant.park import Plant, Source, Terms
from plant.vocabulary import FOREVER
from rules.engine import Kernel
from rules.factors.factors import Factor
from rules.factors.gwp import GwpSet, gwp_sets
from rules.terms import (
    ABSENT,
    FACTOR,
    GWP,
    METHOD,
    PARAMETER,
    Change,
    Content,
    Memory,
    Numbers,
    Rows,
    at,
    changes_of,
    content_of,
    factor_rows,
    from_json,
    kept_of,
    numbers_in,
    same,
    to_json,
)

Stored = Mapping[
    tuple[str, str, str], tuple[str, str]
]  # park, facility, source → what was given last and what is kept, as JSON


@dataclass(frozen=True, slots=True)
class Remembered:
    """A plant and methods that calculate every window by the terms that it has."""

    plant: Plant
    methods: Numbers
    changes: tuple[Change, ...] = ()


def known(plant: Plant, methods: Numbers, stored: Stored) -> Remembered:
    """Return what calculates the windows of a state, for whoever reads it.

    What is configured otherwise than the service had it, and has no new date, holds for no window of the state.
    """
    given, kept = learned(plant, methods, stored, FOREVER)
    return remembered(plant, methods, kept, given)


def as_kept(plant: Plant, methods: Numbers, stored: Stored, sources: Sequence[Source]) -> list[Source]:
    """Return some sources of a plant with the terms that their windows have."""
    given, kept = learned(plant, methods, stored, FOREVER, sources)
    found = _Known(methods)
    return [
        one if same(kept[one.index], given[one.index]) else found.source(one, kept[one.index])
        for one in sources
    ]


def learned(
    plant: Plant, methods: Numbers, stored: Stored, now: int, sources: Sequence[Source] | None = None
) -> tuple[dict[int, Content], dict[int, Content]]:
    """Return the terms that sources are given, and those that their windows have once that is so at a time [ns UTC].

    Both are by source index; of all sources where none are named. A method is kept only while it takes the same inputs as
    the one that is given.
    """
    given, kept = {}, {}
    contents: dict[tuple[Any, ...], tuple[Content, str]] = {}  # thousands of sources may share one
    read = cache(from_json)
    for source in plant.sources if sources is None else sources:
        key = source.terms, source.factor
        if key not in contents:
            made = content_of(source, plant, methods)
            contents[key] = made, to_json(made)
        content, text = contents[key]
        given[source.index] = kept[source.index] = content
        before, has = stored.get((source.park, source.facility, source.name), (text, text))
        if before == has == text:
            continue
        one, other = read(before), read(has)
        if one is None or other is None:
            continue  # whoever remembers says so
        memory = Memory(one, other)
        if _can_be_kept(source, memory, methods):
            kept[source.index] = kept_of(memory, content, now)
    return given, kept


def _can_be_kept(source: Source, memory: Memory, methods: Numbers) -> bool:
    """Return whether all methods that a source had take its inputs as the one does that it has now."""

    def taken(method: str) -> list[tuple[str, str, bool]] | None:
        if method not in methods.methods:
            return None
        roles = methods.methods[method].roles
        given = {one.role for one in source.inputs}
        if any(role.required and role.name not in given for role in roles):
            return None
        return [(role.name, role.unit, role.level) for role in roles if role.name in given]

    return all(taken(row[1]) == taken(source.method) for row in memory.kept[METHOD])


def remembered(
    plant: Plant, methods: Numbers, kept: Mapping[int, Content], given: Mapping[int, Content]
) -> Remembered:
    """Return what calculates by the terms that windows have; of sources that keep nothing it is the configuration.

    Parameters
    ----------
    kept, given
        By source index; sources that keep what they are given may be left out.
    """
    differ = [i for i in sorted(kept) if kept[i] is not given[i] and not same(kept[i], given[i])]
    if not differ:
        return Remembered(plant, methods)
    known = _Known(methods)
    sources = list(plant.sources)
    for index in differ:
        sources[index] = known.source(sources[index], kept[index])
    changes = tuple(change for index in differ for change in changes_of(index, kept[index], given[index]))
    return Remembered(replace(plant, sources=tuple(sources)), known, changes)


class _Known:
    """Methods with the factors and GWP sets that are no longer to be found elsewhere, under names of their own."""

    def __init__(self, methods: Numbers) -> None:
        self._methods = methods
        self.methods = methods.methods
        self.gwp_names = frozenset(gwp_sets())
        self._factors: dict[str, Factor] = {}
        self._sets: dict[str, GwpSet] = {}

    def emissions(self, method: str) -> Kernel:
        """Return the method's function."""
        return self._methods.emissions(method)

    def factor_at(self, name: str, times: Ints) -> Mapping[str, Floats]:
        """Return each value of a factor in force at each time; NaN where none is."""
        return (
            self._factors[name].at(times) if name in self._factors else self._methods.factor_at(name, times)
        )

    def factor(self, name: str) -> Factor:
        """Return a factor through time."""
        return self._factors[name] if name in self._factors else self._methods.factor(name)

    def provisional(self, name: str, start: int, end: int, window: int) -> Iterator[tuple[int, int, str]]:
        """Yield the parts of [start, end) [ns UTC] under a provisional row of a factor, and the row."""
        return self.factor(name).under("provisional", start, end, window)

    def gwp_set(self, name: str) -> GwpSet:
        """Return a GWP set."""
        return self._sets[name] if name in self._sets else self._methods.gwp_set(name)

    def source(self, source: Source, kept: Content) -> Source:
        """Return a source with the terms that it keeps."""
        factor = self._factor(source, kept[FACTOR]) if FACTOR in kept else ""
        by_time = {name: rows for name, rows in kept.items() if name != FACTOR}
        starts = sorted({row[0] for rows in by_time.values() for row in rows})
        first, *later = (self._terms(start, factor, by_time) for start in starts)
        return replace(
            source,
            method=first.method,
            factor=first.factor,
            parameters=first.parameters,
            gwp=first.gwp,
            later=tuple(later),
        )

    def _terms(self, start: int, factor: str, rows: Content) -> Terms:
        in_force = {name: at(own, start) for name, own in rows.items()}
        parameters = tuple(
            (name.removeprefix(PARAMETER), _float(value))
            for name, (_, value, _) in in_force.items()
            if name.startswith(PARAMETER) and value != ABSENT
        )
        _, gases, name = in_force[GWP]
        return Terms(start, in_force[METHOD][1], factor, parameters, self._gwp(name, gases))

    def _factor(self, source: Source, rows: Rows) -> str:
        """Return the name of a factor that gives these rows: the configured one where it does."""
        if source.factor and numbers_in(factor_rows(self._methods.factor(source.factor))) == numbers_in(rows):
            return source.factor
        name = f"{source.factor or 'factor'}{KEPT}{_digest(numbers_in(rows))}"
        if name not in self._factors:
            like = self._methods.factor(source.factor) if source.factor else None
            self._factors[name] = _factor_of(name, rows, like)
        return name

    def _gwp(self, name: str, gases: Mapping[str, float]) -> str:
        """Return the name of a GWP set that has these potentials."""
        if name in self.gwp_names and dict(self._methods.gwp_set(name).gases) == gases:
            return name
        alias = f"{name}{KEPT}{_digest(gases)}"
        self._sets[alias] = GwpSet(name, f"{name}, as it was", 0, "kept by the state", "", dict(gases))
        return alias


KEPT = "#"  # no name of a configuration has it


def named(name: str) -> str:
    """Return what people call a factor or a set whose numbers are kept."""
    return name.partition(KEPT)[0]


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _factor_of(name: str, rows: Rows, like: Factor | None) -> Factor:
    """Return a factor of kept rows; what is not kept of a row is told as the configured factor has it, where it has that row."""
    ids = [row[2] for row in rows]
    known = {} if like is None else {str(one): place for place, one in enumerate(like.ids) if one}
    values = list(dict.fromkeys(key for row in rows for key in row[1]))

    def told(column: str) -> NDArray[np.str_]:
        return np.array(
            [
                "" if like is None or one not in known else str(getattr(like, column)[known[one]])
                for one in ids
            ]
        )

    return Factor(
        spec=FactorSpec(named(name), {} if like is None else like.spec.units, "", ""),
        basis="" if like is None else like.basis,
        edges=np.array([row[0] for row in rows[1:]], np.int64),
        columns={key: np.array([_float(row[1].get(key)) for row in rows]) for key in values},
        ids=np.array(ids),
        statuses=told("statuses"),
        marks=told("marks"),
        sources=told("sources"),
        uncertainty={key: np.full(len(rows), np.nan) for key in values},
    )


def _float(value: float | None) -> float:
    return math.nan if value is None else value

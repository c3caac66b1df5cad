"""From window values to emissions: every source's method over all its windows at once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from plant.arrays import Floats, Ints
from plant.catalogue import MethodSpec
from plant.park import Plant, Source, Terms
from rules.factors.gases import Gases, tonnes_co2e
from rules.factors.gwp import GwpSet
from rules.validity import LARGEST, bounded
from rules.virtuals import least_covered, values_at
from rules.windows import KEY, WindowValues

Kernel = Callable[[Mapping[str, Floats], Mapping[str, Floats], Mapping[str, Floats]], Gases]


class Methods(Protocol):
    """Where the engine finds methods, factors and GWP sets by name."""

    methods: Mapping[str, MethodSpec]

    def emissions(self, method: str) -> Kernel:
        """Return the method's function."""
        ...

    def factor_at(self, name: str, times: Ints) -> Mapping[str, Floats]:
        """Return each value of a factor in force at each time; NaN where none is."""
        ...

    def gwp_set(self, name: str) -> GwpSet:
        """Return the GWP set."""
        ...

    def provisional(self, name: str, start: int, end: int, window: int) -> Iterator[tuple[int, int, str]]:
        """Yield the parts of [start, end) [ns UTC] under a provisional row of a factor, and the row."""
        ...


@dataclass(frozen=True, slots=True)
class Emissions:
    """What sources emitted in windows: rows of (source, window number). Unknown is NaN with coverage 0.

    Tonnes for `co2e`, kilograms for the gases; `activity` is in the source's `activity_unit`.
    """

    source: Ints
    window: Ints
    co2e_t: Floats
    co2_kg: Floats
    co2_biogenic_kg: Floats
    ch4_kg: Floats
    n2o_kg: Floats
    activity: Floats
    measured: Floats
    interpolated: Floats
    substituted: Floats


_Variant = tuple[Source, Terms]  # a source, and the terms of a stretch of time


@dataclass(frozen=True, slots=True)
class _Group:
    """Variants of one method, roles and GWP set, and their columns by position in `variants`."""

    method: MethodSpec
    kernel: Kernel
    gwp: GwpSet
    roles: tuple[str, ...]
    variants: Ints
    channel: Ints  # [role, variant]
    scale: Floats  # [role, variant]
    offset: Floats  # [role, variant]
    parameters: Mapping[str, Floats]
    factors: tuple[str, ...]  # "" where a variant takes none
    factor_of: Ints  # [variant], a row of `factors`


class Engine:
    """All sources of a plant, grouped so that each method runs once over all their windows.

    A source whose terms change on dates is one variant for each: its windows are calculated by the one that is in force
    when they begin.
    """

    def __init__(self, plant: Plant, methods: Methods) -> None:
        self.use(plant, methods)

    def use(self, plant: Plant, methods: Methods) -> None:
        """Calculate from now on by the terms of a plant that has the same channels and sources, and by these methods."""
        self.methods = methods
        self._window = plant.window
        self._terms = {one.index: one.terms for one in plant.sources}
        self._virtuals = {virtual.index: virtual for virtual in plant.virtuals}
        variants = [(one, terms) for one in plant.sources for terms in one.terms]
        start = np.array([terms.start for _, terms in variants], np.int64)
        source = np.array([one.index for one, _ in variants], np.int64)
        self._edge = source * KEY + np.clip(-(-start // self._window) + (KEY >> 1), 0, KEY - 1)
        self._has_dates = len(variants) > len(plant.sources)
        by_shape: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
        for number, (one, terms) in enumerate(variants):
            shape = (terms.method, terms.gwp or plant.gwp, tuple(i.role for i in one.inputs))
            by_shape.setdefault(shape, []).append(number)
        self._groups = [
            _group(np.array(numbers), [variants[n] for n in numbers], methods, gwp)
            for (_, gwp, _), numbers in by_shape.items()
        ]
        self._group_of, self._place_of = np.zeros((2, len(variants)), np.int64)
        for number, group in enumerate(self._groups):
            self._group_of[group.variants] = number
            self._place_of[group.variants] = np.arange(len(group.variants))

    def _variant(self, source: Ints, window: Ints) -> Ints:
        """Return the variant of each (source, window)."""
        if not self._has_dates:
            return source
        return np.searchsorted(self._edge, source * KEY + window + (KEY >> 1), side="right") - 1

    def emissions(self, source: Ints, window: Ints, values: WindowValues) -> Emissions:
        """Return the emissions of each (source, window), given the window values of all their inputs."""
        columns = np.zeros((9, len(source)))
        given = columns[:-1]  # the last one stays 0: nothing is substituted here
        variant = self._variant(source, window)
        group_of = self._group_of[variant]
        for number in _present(group_of):
            rows = np.flatnonzero(group_of == number)
            place = self._place_of[variant[rows]]
            found = self._run(self._groups[number], place, window[rows], values)
            for column, own in zip(given, found, strict=True):
                column[rows] = own
        return Emissions(source, window, *columns)

    def provisional(self, source: Source, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Yield the parts of [start, end) [ns UTC] that a source calculates with a provisional row of its factor, and the row."""
        terms = self._terms[source.index]
        ends = (*(one.start for one in terms[1:]), end)
        for one, until in zip(terms, ends, strict=True):
            first, last = max(start, one.start), min(end, until)
            if one.factor and first < last:
                yield from self.methods.provisional(one.factor, first, last, self._window)

    @np.errstate(over="ignore", invalid="ignore")
    def of_inputs(self, source: int, start: Ints, inputs: Mapping[str, Floats]) -> Floats:
        """Return the tonnes of one source for inputs that are given by role, in the units of its method's roles.

        `start` is when each stretch begins [ns UTC], whatever its length: amounts are of the whole stretch. NaN where
        an input is.
        """
        window = start // self._window
        variant = self._variant(np.full(len(start), source), window)
        found = np.full(len(start), np.nan)
        for number in _present(self._group_of[variant]):
            rows = np.flatnonzero(self._group_of[variant] == number)
            group, place = self._groups[number], self._place_of[variant[rows]]
            parameters = {name: column[place] for name, column in group.parameters.items()}
            given = {role: column[rows] for role, column in inputs.items()}
            gases = group.kernel(given, self._factor(group, place, window[rows]), parameters)
            found[rows] = bounded(tonnes_co2e(gases, group.gwp))
        return found

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite becomes unknown
    def _run(self, group: _Group, place: Ints, window: Ints, values: WindowValues) -> tuple[Floats, ...]:
        """Return the columns of one group's rows, from `co2e_t` to `interpolated`."""
        inputs, shares = {}, []
        for role, name in enumerate(group.roles):
            value, measured, interpolated = values_at(
                group.channel[role, place], window, values, self._virtuals
            )
            inputs[name] = value * group.scale[role, place] + group.offset[role, place]
            shares.append((measured, interpolated))
        parameters = {name: column[place] for name, column in group.parameters.items()}
        gases = group.kernel(inputs, self._factor(group, place, window), parameters)
        co2e = tonnes_co2e(gases, group.gwp)
        amounts = (co2e, gases.co2_kg, gases.co2_biogenic_kg, gases.ch4_kg, gases.n2o_kg)
        return _where_known(co2e, (*amounts, inputs[group.method.activity]), least_covered(shares))

    def _factor(self, group: _Group, place: Ints, window: Ints) -> Mapping[str, Floats]:
        """Return the values of each row's factor at the row's time."""
        times, factor_of = window * self._window, group.factor_of[place]
        found: dict[str, Floats] = {}
        for number in _present(factor_of):
            name, mine = group.factors[number], np.flatnonzero(factor_of == number)
            if not name:
                continue
            if len(mine) == len(place):
                return self.methods.factor_at(name, times)
            for key, column in self.methods.factor_at(name, times[mine]).items():
                found.setdefault(key, np.full(len(place), np.nan))[mine] = column
        return found


def _where_known(co2e: Floats, amounts: tuple[Floats, ...], shares: tuple[Floats, ...]) -> tuple[Floats, ...]:
    """Return amounts and shares, NaN and 0 in rows whose CO2e is unknown, or of which anything is too large to be added."""
    unknown = np.isnan(co2e)
    for amount in amounts:
        unknown |= np.abs(amount) > LARGEST
    if not unknown.any():
        return *amounts, *shares
    return *(np.where(unknown, np.nan, a) for a in amounts), *(np.where(unknown, 0.0, s) for s in shares)


def _present(numbers: Ints) -> list[int]:
    """Return which small numbers there are, ascending and once each."""
    present: list[int] = np.flatnonzero(np.bincount(numbers)).tolist()
    return present


def _group(numbers: Ints, variants: list[_Variant], methods: Methods, gwp: str) -> _Group:
    """Turn variants of one shape into columns."""
    (source, terms), roles = variants[0], range(len(variants[0][0].inputs))
    names = sorted({name for _, its in variants for name, _ in its.parameters})
    given = [dict(its.parameters) for _, its in variants]
    factors, factor_of = np.unique([its.factor for _, its in variants], return_inverse=True)
    return _Group(
        method=methods.methods[terms.method],
        kernel=methods.emissions(terms.method),
        gwp=methods.gwp_set(gwp),
        roles=tuple(i.role for i in source.inputs),
        variants=numbers,
        channel=np.array([[one.inputs[k].channel for one, _ in variants] for k in roles]),
        scale=np.array([[one.inputs[k].scale for one, _ in variants] for k in roles]),
        offset=np.array([[one.inputs[k].offset for one, _ in variants] for k in roles]),
        parameters={name: np.array([g.get(name, np.nan) for g in given]) for name in names},
        factors=tuple(factors.tolist()),
        factor_of=factor_of,
    )

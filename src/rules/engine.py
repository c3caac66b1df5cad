"""From window values to emissions: every source's method over all its windows at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from plant.arrays import Floats, Ints
from plant.catalogue import MethodSpec
from plant.park import Plant, Source
from rules.gases import Gases, tonnes_co2e
from rules.gwp import GwpSet
from rules.virtuals import least_covered, values_at
from rules.windows import WindowValues

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


@dataclass(frozen=True, slots=True)
class _Group:
    """The sources of one method that have the same roles, and their columns by position in `sources`."""

    method: MethodSpec
    kernel: Kernel
    roles: tuple[str, ...]
    sources: Ints
    channel: Ints  # [role, source]
    scale: Floats  # [role, source]
    offset: Floats  # [role, source]
    parameters: Mapping[str, Floats]
    factors: tuple[str, ...]  # "" where a source takes none
    factor_of: Ints  # [source], a row of `factors`


class Engine:
    """All sources of a plant, grouped so that each method runs once over all their windows."""

    def __init__(self, plant: Plant, methods: Methods) -> None:
        self._methods = methods
        self._gwp = methods.gwp_set(plant.gwp)
        self._window = plant.window
        self._virtuals = {virtual.index: virtual for virtual in plant.virtuals}
        by_shape: dict[tuple[str, tuple[str, ...]], list[Source]] = {}
        for source in plant.sources:
            by_shape.setdefault((source.method, tuple(i.role for i in source.inputs)), []).append(source)
        self._groups = [_group(sources, methods) for sources in by_shape.values()]
        self._group_of = np.zeros(len(plant.sources), np.int64)
        self._place_of = np.zeros(len(plant.sources), np.int64)
        for number, group in enumerate(self._groups):
            self._group_of[group.sources] = number
            self._place_of[group.sources] = np.arange(len(group.sources))

    def emissions(self, source: Ints, window: Ints, values: WindowValues) -> Emissions:
        """Return the emissions of each (source, window), given the window values of all their inputs."""
        columns = np.zeros((9, len(source)))
        given = columns[:-1]  # the last one stays 0: nothing is substituted here
        group_of = self._group_of[source]
        for number in _present(group_of):
            rows = np.flatnonzero(group_of == number)
            place = self._place_of[source[rows]]
            found = self._run(self._groups[number], place, window[rows], values)
            for column, own in zip(given, found, strict=True):
                column[rows] = own
        return Emissions(source, window, *columns)

    def of_inputs(self, source: int, start: Ints, inputs: Mapping[str, Floats]) -> Floats:
        """Return the tonnes of one source for inputs that are given by role, in the units of its method's roles.

        `start` is when each stretch begins [ns UTC], whatever its length: amounts are of the whole stretch. NaN where
        an input is.
        """
        group = self._groups[int(self._group_of[source])]
        place = np.full(len(start), self._place_of[source])
        parameters = {name: column[place] for name, column in group.parameters.items()}
        gases = group.kernel(inputs, self._factor(group, place, start // self._window), parameters)
        return tonnes_co2e(gases, self._gwp)

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
        co2e = tonnes_co2e(gases, self._gwp)
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
                return self._methods.factor_at(name, times)
            for key, column in self._methods.factor_at(name, times[mine]).items():
                found.setdefault(key, np.full(len(place), np.nan))[mine] = column
        return found


def _where_known(co2e: Floats, amounts: tuple[Floats, ...], shares: tuple[Floats, ...]) -> tuple[Floats, ...]:
    """Return amounts and shares, NaN and 0 in rows whose CO2e is unknown."""
    unknown = np.isnan(co2e)
    if not unknown.any():
        return *amounts, *shares
    return *(np.where(unknown, np.nan, a) for a in amounts), *(np.where(unknown, 0.0, s) for s in shares)


def _present(numbers: Ints) -> list[int]:
    """Return which small numbers there are, ascending and once each."""
    present: list[int] = np.flatnonzero(np.bincount(numbers)).tolist()
    return present


def _group(sources: list[Source], methods: Methods) -> _Group:
    """Turn sources of one shape into columns."""
    first = sources[0]
    names = sorted({name for s in sources for name, _ in s.parameters})
    given = [dict(s.parameters) for s in sources]
    factors, factor_of = np.unique([s.factor for s in sources], return_inverse=True)
    return _Group(
        method=methods.methods[first.method],
        kernel=methods.emissions(first.method),
        roles=tuple(i.role for i in first.inputs),
        sources=np.array([s.index for s in sources]),
        channel=np.array([[s.inputs[k].channel for s in sources] for k in range(len(first.inputs))]),
        scale=np.array([[s.inputs[k].scale for s in sources] for k in range(len(first.inputs))]),
        offset=np.array([[s.inputs[k].offset for s in sources] for k in range(len(first.inputs))]),
        parameters={name: np.array([g.get(name, np.nan) for g in given]) for name in names},
        factors=tuple(factors.tolist()),
        factor_of=factor_of,
    )

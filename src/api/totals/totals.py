"""Totals of a period as semantics.md section 5 has them: what is known, how well, and how far."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from api.access.caller import Caller
from api.access.scope import only, select_sources
from api.addends import AddendBody
from api.adding import COLUMNS, SHARES_OF, Addend, added
from api.models import By, Level, TotalBody, TotalsBody
from api.problems import InvalidQuery
from api.times import period_of
from api.totals.accounts import AskedTotals
from api.totals.budgets import budget_fields
from api.totals.entered import records_of_total
from api.totals.extras import BY_REGISTER, Extra, told_extras
from api.totals.now import LATELY, Freshness, Rates, away, freshness, rates
from api.totals.previous import previous
from api.totals.roll_up import by_park, of_park, rolled_up
from plant.arrays import Bools, Floats, Ints
from plant.clock import PeriodBody, format_time
from plant.inventory import is_scope_3, is_transfer
from plant.park import Channel, Park, Plant, Source
from plant.vocabulary import FOREVER
from rules.catalogue import Register
from store.blocks import AMOUNTS, CO2E_T
from store.reader import Snapshot
from store.totals.due import WHOLE, Known
from store.totals.sums import Period, source_sums

_AT_ONCE = 1000  # sources of which windows are read
_DEPTH = {"all": 0, "park": 1, "facility": 2, "source": 3}

PeriodOf = Callable[[Park], Period]
_About = tuple[Caller, str | None, str | None, str | None]
Key = tuple[str | None, str | None, str | None, int | None, str | None]


@dataclass(frozen=True, slots=True)
class Query:
    """What totals are asked for, and what beside them; a filter that is None lets everything through."""

    level: Level = "facility"
    by: By = "none"
    park: str | None = None
    facility: str | None = None
    source: str | None = None
    extras: frozenset[Extra] = frozenset()
    caller: Caller = field(kw_only=True)  # who asks: sums are over what they see

    @property
    def about(self) -> "_About":
        """What tells queries about the same sources."""
        return self.caller, self.park, self.facility, self.source


@dataclass(frozen=True, slots=True)
class _Present:
    """What is the same of sources whatever the period: how far each is read, and its rate now."""

    sources: list[Source]
    fresh: list[Freshness]
    now: Rates


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a total is made of, one row per source, by park, facility and name.

    `values` has the columns `AMOUNTS` and sums of `SHARES`, and the rate now.
    """

    sources: list[Source]
    values: Floats
    due: Ints
    revision: Ints
    known: Known
    lacks: Bools  # the rate now of a source that is there
    now_at: list[int | None]
    fresh: list[Freshness]


def totals(
    state: Snapshot, query: Query, period: PeriodOf, as_of: int, catalogue: Register | None = None
) -> TotalsBody:
    """Return the totals of the period that `period` gives for each park, as known at `as_of` [ns UTC].

    Raises
    ------
    InvalidQuery
        A filter names nothing that is there, or something is asked beside the totals without a `catalogue`.
    """
    return several(state, [(query, period)], as_of, catalogue)[0]


def several(
    state: Snapshot, asked: Sequence[tuple[Query, PeriodOf]], as_of: int, catalogue: Register | None = None
) -> list[TotalsBody]:
    """Return what `totals` does for each query and period; those about the same sources cost little more than one."""
    found: dict[tuple[_About, PeriodOf], Figures] = {}
    for about in dict.fromkeys(query.about for query, _ in asked):
        periods = list(dict.fromkeys(period for query, period in asked if query.about == about))
        figures = _figures(state, select_sources(state.plant, *about), periods, as_of)
        found |= {(about, period): one for period, one in zip(periods, figures, strict=True)}
    return [
        _totals(state, query, found[query.about, period], period, as_of, catalogue) for query, period in asked
    ]


def _totals(
    state: Snapshot,
    query: Query,
    figures: Figures,
    period: PeriodOf,
    as_of: int,
    catalogue: Register | None,
) -> TotalsBody:
    sources = figures.sources
    groups = _groups(sources, query)
    apart = _Apart.of(sources, query)
    counted = [apart.counted(rows) for _, rows in groups]
    extras = _extras(state, query, figures, counted, period, as_of, catalogue)
    if "budget" in query.extras:
        for told, ((park, facility, *_), every), rows in zip(extras, groups, counted, strict=True):
            owned = [] if query.level == "source" else [sources[row] for row in every]
            tonnes = rolled_up(sources, figures.values, rows)[CO2E_T]
            told.update(budget_fields(state.plant, (park, facility), owned, period, tonnes))
    if "previous" in query.extras:
        for told, body in zip(extras, previous(state, sources, counted, period, as_of), strict=True):
            told["previous"] = body
    if "records" in query.extras:
        for told, rows in zip(extras, counted, strict=True):
            told["records"] = records_of_total(state, sources, figures.values, rows, period, as_of)
    addends = [
        [_addend(figures, query.level, apart, part) for part in by_park(sources, every)]
        for _, every in groups
    ]
    if "parks" in query.extras:
        for told, parts, (_, every) in zip(extras, addends, groups, strict=True):
            told["parks"] = _bodies(state.plant, query, sources, parts, every, period)
    spans = [
        period(park) for park in state.plant.parks if not sources or park.name in {s.park for s in sources}
    ]
    return TotalsBody(
        as_of=format_time(as_of),
        period=PeriodBody.of(min(p.start for p in spans), max(p.end for p in spans)),
        gwp=state.plant.gwp,
        totals=[
            _total(key, parts, told) for (key, _), parts, told in zip(groups, addends, extras, strict=True)
        ],
        **only(query.caller),
    )


def _extras(
    state: Snapshot,
    query: Query,
    figures: Figures,
    groups: Sequence[list[int]],
    period: PeriodOf,
    as_of: int,
    catalogue: Register | None,
) -> list[dict[str, Any]]:
    """Return the fields of each total that rest on the register of factors, and are only told where they are asked for."""
    wanted = query.extras & BY_REGISTER
    if not wanted:
        return [{} for _ in groups]
    if catalogue is None:
        raise InvalidQuery(("with", "this service does not say more than the totals"))
    periods = {park.name: period(park) for park in state.plant.parks}
    amounts = figures.values[:, : len(AMOUNTS)]
    asked = AskedTotals(state, catalogue, figures.sources, amounts, periods, as_of)
    return told_extras(asked, wanted, groups, single=query.level == "source")


def chosen_period(plant: Plant, word: str | None, start: int | None, end: int | None, as_of: int) -> PeriodOf:
    """Return what gives each park its period: a word on the park's own clock, or the same instants for all.

    Raises
    ------
    InvalidQuery
        Both or half of the instants are given, they are off the window grid, or the word names no day.
    """
    if start is None and end is None:
        return lambda park: _worded(word or "today", park, as_of)
    if word is not None:
        raise InvalidQuery(("period", "give either period, or from and to"))
    if start is None or end is None:
        raise InvalidQuery(("to" if end is None else "from", "from and to are given together"))
    off = [name for name, time in (("from", start), ("to", end)) if time % plant.window]
    if off:
        raise InvalidQuery(*((name, f"not on the grid of {plant.window / 1e9:g} s windows") for name in off))
    if start >= end:
        raise InvalidQuery(("to", "not after from"))
    return lambda park: Period(start, end, park.zone)


def _worded(word: str, park: Park, as_of: int) -> Period:
    try:
        return period_of(word, park.zone, as_of)
    except ValueError as error:
        raise InvalidQuery(("period", str(error))) from error


def _figures(
    state: Snapshot, sources: list[Source], periods: Sequence[PeriodOf], as_of: int
) -> list[Figures]:
    """Return the figures of each period."""
    parks = {park.name: park for park in state.plant.parks}
    none = np.empty(0, np.int64)
    nothing = Figures(
        sources, np.empty((0, COLUMNS)), none, none, Known.of_nothing(), np.empty(0, bool), [], []
    )
    found = [nothing for _ in periods]
    for part in _parts(sources):
        state.hold_windows([source.index for source in part], as_of - LATELY, FOREVER)
        park = parks[part[0].park]
        present = _present(state, part, park, as_of)
        found = [
            _joined(one, _part_figures(state, present, period(park), as_of))
            for one, period in zip(found, periods, strict=True)
        ]
    return found


def _parts(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Yield the sources of each park, not so many at once that what is read of them fills the memory."""
    for _, group in groupby(sources, key=lambda source: source.park):
        of_park = list(group)
        for first in range(0, len(of_park), _AT_ONCE):
            yield of_park[first : first + _AT_ONCE]


def _present(state: Snapshot, sources: list[Source], park: Park, as_of: int) -> _Present:
    taken = {k for one in sources for given in one.inputs for k in state.plant.measured(given.channel)}
    newest = state.newest(sorted(taken))
    fresh = [freshness(state.plant, source, newest, as_of) for source in sources]
    silent = away(state, newest, as_of)
    return _Present(sources, fresh, rates(state, sources, fresh, silent, as_of, park.zone))


def _part_figures(state: Snapshot, present: _Present, period: Period, as_of: int) -> Figures:
    sums = source_sums(state, [source.index for source in present.sources], period, as_of)
    values = np.column_stack([sums.amounts, sums.shares, present.now.values])
    there = np.array([source.since is None or source.since <= as_of for source in present.sources], bool)
    return Figures(
        present.sources,
        values,
        sums.due,
        sums.revision,
        sums.known,
        there & np.isnan(present.now.values),
        list(present.now.at),
        present.fresh,
    )


def _joined(one: Figures, other: Figures) -> Figures:
    return Figures(
        one.sources,
        np.concatenate([one.values, other.values]),
        np.concatenate([one.due, other.due]),
        np.concatenate([one.revision, other.revision]),
        Known.concat([one.known, other.known]),
        np.concatenate([one.lacks, other.lacks]),
        one.now_at + other.now_at,
        one.fresh + other.fresh,
    )


def _groups(sources: Sequence[Source], query: Query) -> list[tuple[Key, list[int]]]:
    """Return the rows of each total; a key is park, facility, source, scope and method, None where it has none."""
    depth = _DEPTH[query.level]
    single = query.level == "source"
    rows: dict[Key, list[int]] = defaultdict(list)
    for row, source in enumerate(sources):
        park, facility, name = ((source.park, source.facility, source.name)[:depth] + (None,) * 3)[:3]
        scope = source.scope if single or query.by != "none" else None
        method = source.method if single or query.by == "method" else None
        rows[park, facility, name, scope, method].append(row)
    return sorted(rows.items(), key=lambda item: tuple(map(str, item[0])))


@dataclass(frozen=True, slots=True)
class _Apart:
    """Which sources no total counts, see `plant.inventory`: what is sold within it, and scope 3 where scopes are summed."""

    sold: Bools
    scope_3: Bools

    @classmethod
    def of(cls, sources: Sequence[Source], query: Query) -> "_Apart":
        none = np.zeros(len(sources), bool)
        sold = is_transfer(sources, by_park=query.level == "park") if query.level in ("park", "all") else none
        sums_scopes = query.level != "source" and query.by == "none"
        return cls(sold, is_scope_3(sources) & ~sold if sums_scopes else none)

    def counted(self, rows: list[int]) -> list[int]:
        """Return those of a group's rows that count."""
        return [row for row in rows if not (self.sold[row] or self.scope_3[row])]

    def left_out(self, figures: Figures, rows: list[int]) -> dict[str, float]:
        """Return the tonnes of what does not count of some rows of one park, by the field of `TotalBody` that tells them."""
        told = {"excluded_transfers_t": self.sold, "scope3_t": self.scope_3}
        parts = {name: [row for row in rows if which[row]] for name, which in told.items()}
        return {
            name: float(of_park(figures.sources, figures.values, part)[CO2E_T])
            for name, part in parts.items()
            if part
        }


def _addend(figures: Figures, level: Level, apart: _Apart, every: list[int]) -> Addend:
    """Return what some rows of one park add to a total."""
    rows = apart.counted(every)
    sources = [figures.sources[row] for row in rows]
    fresh = [figures.fresh[row] for row in rows]
    return Addend(
        park=figures.sources[every[0]].park,
        values=of_park(figures.sources, figures.values, rows) if rows else None,
        due=int(figures.due[rows].sum()),
        units=frozenset(one.activity_unit for one in sources),
        now_at=min((at for row in rows if (at := figures.now_at[row]) is not None), default=None),
        now_unknown=tuple(figures.sources[row].id for row in rows if figures.lacks[row]),
        since=int(figures.known.since[rows].max(initial=WHOLE)),
        unheard=tuple(figures.sources[row].id for row in rows if figures.known.unheard[row]),
        worst=_worst(figures, rows, level),
        until=min((one.complete_until for one in fresh if one.complete_until is not None), default=None),
        stale=frozenset(_name(channel, level) for one in fresh for channel in one.stale),
        revision=int(figures.revision[rows].max(initial=0)),
        left_out=apart.left_out(figures, every),
    )


def _total(key: Key, addends: Sequence[Addend], extras: Mapping[str, Any]) -> TotalBody:
    park, facility, source, scope, method = key
    told = added(addends, with_activity=method is not None)
    return TotalBody(
        park=park, facility=facility, source=source, scope=scope, method=method, **told, **extras
    )


def _bodies(
    plant: Plant,
    query: Query,
    sources: Sequence[Source],
    addends: Sequence[Addend],
    rows: list[int],
    period: PeriodOf,
) -> list[AddendBody]:
    """Return what each park adds as it travels, with its budget where budgets are asked for."""
    found = [one.body() for one in addends]
    if "budget" in query.extras:
        for body, part in zip(found, by_park(sources, rows), strict=True):
            owned = [sources[row] for row in part]
            body.budget_t = budget_fields(plant, (body.park, None), owned, period, np.nan)["budget_t"]
    return found


def _worst(figures: Figures, rows: list[int], level: Level) -> tuple[float, str] | None:
    """Return the lowest coverage and its source, the first of equals; one that owes no window has none."""
    due = [row for row in rows if figures.due[row]]
    if not due:
        return None
    covered = np.clip((figures.values[due, SHARES_OF] / figures.due[due, None]).sum(axis=1), 0, 1)
    least = int(covered.argmin())
    return float(covered[least]), _name(figures.sources[due[least]], level)


def _name(item: Source | Channel, level: Level) -> str:
    """Return a name as it reads inside the level's totals: of a park's, with the facility before it."""
    return "/".join((item.park, item.facility, item.name)[min(_DEPTH[level], 2) :])

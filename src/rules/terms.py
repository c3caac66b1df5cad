"""What turned amounts into tonnes before the configuration changed without a date: it is kept for the past.

The terms of a source are its method, its parameters, the rows of its factor and its GWP set. Where a configuration gives a
number on a date, it holds from that date on. Where it gives another number in the place of one, it has no date: then the
time at which it was first loaded becomes its date, and what begins before keeps the old one, however late its readings come,
until the past is published again.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

from plant.park import Channel, Plant, Source, Terms, Virtual
from plant.vocabulary import FOREVER, SINCE_EVER
from rules.engine import Methods
from rules.factors.factors import Factor
from rules.factors.gwp import NEEDED

METHOD, GWP, FACTOR, PARAMETER = "method", "gwp", "factor", "parameter "
ABSENT = "-"  # the value of a parameter that a method does not have

Row = tuple[int, Any, str]  # since when [ns UTC], the value, and what people call it
Rows = tuple[Row, ...]  # the first one holds since ever
Content = Mapping[str, Rows]


class Numbers(Methods, Protocol):
    """Methods whose factors can be seen through time."""

    def factor(self, name: str) -> Factor:
        """Return a factor through time."""
        ...


@dataclass(frozen=True, slots=True)
class Memory:
    """What a state remembers of a source: its terms as they were configured last, and those that its windows have."""

    given: Content
    kept: Content


@dataclass(frozen=True, slots=True)
class Change:
    """Terms of a source that its windows of [start, end) [ns UTC] keep, and that are configured otherwise now."""

    source: int
    what: str
    kept: str
    given: str
    start: int  # SINCE_EVER: from its first window on
    end: int


def since(source: Source, name: str, time: int) -> int:
    """Return since when a parameter has had the number that it has at a time [ns UTC]."""
    begun = [one for one in source.terms if one.start <= time]
    start, value = SINCE_EVER, _plain(dict(begun[-1].parameters)[name])
    for one in reversed(begun):
        if _plain(dict(one.parameters).get(name, ABSENT)) != value:
            break
        start = one.start
    return start


def content_of(source: Source, plant: Plant, methods: Numbers) -> Content:
    """Return the terms of a source as they are configured."""
    terms = source.terms
    found: dict[str, Rows] = {
        METHOD: _rows((one.start, one.method, "") for one in terms),
        GWP: _rows(_gwp_row(one, plant, methods) for one in terms),
    }
    if source.factor:
        found[FACTOR] = factor_rows(methods.factor(source.factor))
    for name in dict.fromkeys(name for one in terms for name, _ in one.parameters):
        found[PARAMETER + name] = _rows(
            (one.start, _plain(dict(one.parameters).get(name, ABSENT)), "") for one in terms
        )
    return found


def kept_of(memory: Memory, given: Content, now: int) -> Content:
    """Return the terms that the windows of a source have, once it is configured as given at a time [ns UTC].

    What is given on a new date holds from it on; all else that differs from what was given before holds from now on.
    """
    names = {**memory.kept, **given}
    found = {
        name: _kept(memory.given.get(name, _NONE), memory.kept.get(name, _NONE), given.get(name, _NONE), now)
        for name in names
    }
    return {name: rows for name, rows in found.items() if rows != _NONE}


def restated(kept: Content, given: Content, start: int, end: int) -> Content:
    """Return the terms after the windows of [start, end) [ns UTC] were published again as given."""
    found = {}
    for name in {**kept, **given}:
        old, new = kept.get(name, _NONE), given.get(name, _NONE)
        edges = sorted({SINCE_EVER, start, end, *(row[0] for row in (*old, *new))})
        found[name] = _rows(at(new if start <= edge < end else old, edge) for edge in edges)
    return {name: rows for name, rows in found.items() if rows != _NONE}


def to_json(content: Content) -> str:
    """Return a content as text that two equal ones have alike."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> Content | None:
    """Return the content that a text is of, None where it is none."""
    try:
        found = {n: tuple((int(r[0]), r[1], str(r[2])) for r in rows) for n, rows in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, LookupError):
        return None
    whole = {METHOD, GWP} <= found.keys() and all(
        rows and rows[0][0] == SINCE_EVER for rows in found.values()
    )
    return (
        found
        if whole and all(_is_value(name, row[1]) for name, rows in found.items() for row in rows)
        else None
    )


def _is_value(name: str, value: Any) -> bool:
    """Return whether a value is of the kind that its name has."""
    if name == METHOD:
        return isinstance(value, str)
    if name == GWP:
        return isinstance(value, dict) and set(NEEDED) <= value.keys()
    return (
        isinstance(value, dict)
        if name == FACTOR
        else value is None or value == ABSENT or isinstance(value, float | int)
    )


def same(one: Content, other: Content) -> bool:
    """Return whether two contents give the same numbers at all times."""
    return one.keys() == other.keys() and all(
        numbers_in(one[name]) == numbers_in(other[name]) for name in one
    )


# --- rows -----------------------------------------------------------------------------------------------------------

_NONE: Rows = ((SINCE_EVER, ABSENT, ""),)


def _rows(rows: Iterable[Row]) -> Rows:
    """Return rows in order of time without those that change nothing."""
    found: list[Row] = []
    for row in rows:
        if not found or found[-1][1] != row[1]:
            found.append(row)
    return tuple(found)


def numbers_in(rows: Rows) -> list[tuple[int, Any]]:
    return [row[:2] for row in rows]


def at(rows: Rows, time: int) -> Row:
    """Return the row in force, as one that begins at the time."""
    _, value, label = next(row for row in reversed(rows) if row[0] <= time)
    return time, value, label


def _kept(before: Rows, kept: Rows, given: Rows, now: int) -> Rows:
    if numbers_in(before) == numbers_in(given):
        return kept
    known = {row[0] for row in before}
    edges = sorted({SINCE_EVER, now, *(row[0] for row in (*kept, *given))})

    def holds(edge: int) -> bool:
        """Whether what is given holds there: from now on, and where it begins on a new date."""
        begun = next(row[0] for row in reversed(given) if row[0] <= edge)
        return edge >= now or begun not in known

    return _rows(at(given if holds(edge) else kept, edge) for edge in edges)


def _plain(value: Any) -> Any:
    """Return a number as JSON has it: unknown is null."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _gwp_row(terms: Terms, plant: Plant, methods: Numbers) -> Row:
    found = methods.gwp_set(terms.gwp or plant.gwp)
    return terms.start, dict(found.gases), found.name


def factor_rows(factor: Factor) -> Rows:
    starts = [SINCE_EVER, *factor.edges.tolist()]
    return _rows(
        (
            start,
            {name: _plain(float(column[entry])) for name, column in sorted(factor.columns.items())},
            str(factor.ids[entry]),
        )
        for entry, start in enumerate(starts)
    )


def inputs_of(source: Source, plant: Plant) -> str:
    """Return which channels a source takes and what of them decides its windows, but for swaps, which have dates."""
    return "; ".join(f"{one.role}: {_channel(plant.channel(one.channel), plant)}" for one in source.inputs)


def _channel(channel: Channel | Virtual, plant: Plant) -> str:
    if isinstance(channel, Virtual):
        parts = [
            _channel(plant.channel(step.channel), plant) for step in channel.steps if step.name == "channel"
        ]
        return f"{channel.name} = {channel.formula} of {', '.join(dict.fromkeys(parts))}"
    return f"{channel.name} [{channel.facts}]"


# --- changes --------------------------------------------------------------------------------------------------------


def changes_of(index: int, kept: Content, given: Content) -> Iterator[Change]:
    for name in {**kept, **given}:
        old, new = kept.get(name, _NONE), given.get(name, _NONE)
        edges = [*sorted({row[0] for row in (*old, *new)}), FOREVER]
        found: list[Change] = []
        for start, end in pairwise(edges):
            a, b = at(old, start), at(new, start)
            if a[1] == b[1]:
                continue
            told = _told(a, b)
            if found and found[-1].end == start and (found[-1].kept, found[-1].given) == told:
                found[-1] = replace(found[-1], end=end)
            else:
                found.append(Change(index, name.removeprefix(PARAMETER), *told, start, end))
        yield from found


def _told(kept: Row, given: Row) -> tuple[str, str]:
    """Return both values as people read them; of several numbers those that differ."""
    one, other = kept[1], given[1]
    if not isinstance(one, dict) or not isinstance(other, dict):
        return _word(kept), _word(given)
    differ = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return tuple(
        f"{row[2]} ({', '.join(f'{name} {_number(row[1].get(name))}' for name in differ)})".strip()
        for row in (kept, given)
    )  # type: ignore[return-value]  # two of them


def _word(row: Row) -> str:
    _, value, label = row
    return (
        label or "nothing"
        if isinstance(value, dict)
        else str(value)
        if isinstance(value, str)
        else _number(value)
    )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"

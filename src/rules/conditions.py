"""Judges conditions at an instant, each for all its subjects at once: true is 1, false is 0, unknown is NaN.

Logic is Kleene's: what is compared with an unknown is unknown, and `false and unknown` is false. A value as near to its
limit as `rules.thresholds` calls equal is equal here too. What a condition may ask is a `Frame`'s to answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Floats, Ints, Times
from plant.park import Channel, Condition, ConditionStep, Facility, Gateway, Plant, Source
from plant.vocabulary import NS_PER_HOUR, NS_PER_S, Kind
from rules import histories
from rules.calendar import elapsed, offset, start_of
from rules.histories import History
from rules.thresholds import SLACK
from rules.virtuals import applied

NEVER = -(2**62)  # the time of what has not been


@dataclass(frozen=True, slots=True)
class GatewayColumns:
    """What is known of gateways: online 1, 0 or NaN; when last heard [ns UTC]; by how much their clocks are off [s]."""

    online: Floats
    heard_at: Times
    skew_s: Floats


class Frame(Protocol):
    """What a condition may ask at an instant; columns of an answer have the length of what was asked for."""

    @property
    def now(self) -> int:
        """The instant [ns UTC]."""
        ...

    def latest(self, channels: Ints) -> tuple[Times, Floats]:
        """Return time and value of each newest counting reading at or before now; `NEVER` and NaN where none is."""
        ...

    def history(self, channels: Ints, span: int) -> History:
        """Return the counting readings in (now - span, now], and of each channel the last one before."""
        ...

    def emission_rate(self, sources: Ints) -> Floats:
        """Return the rate in each source's newest complete window at or before now [t/h]."""
        ...

    def tonnes(self, sources: Ints, start: int, end: int) -> Floats:
        """Return what is known of each source's emissions in [start, end) [t]; NaN where nothing is."""
        ...

    def gateways(self, gateways: Ints) -> GatewayColumns:
        """Return what is known of each gateway."""
        ...


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition at an instant, a row to each of its subjects.

    `truth` and `clear` are 1, 0 or NaN; without a clear of its own a condition is clear where it is false. `value` and
    `limit` are the two sides of its first comparison [the condition's unit], NaN where it has none.
    """

    truth: Floats
    clear: Floats
    value: Floats
    limit: Floats


@dataclass(frozen=True, slots=True)
class _Series:
    """Channels that a condition asks, a row to each subject, with what of them decides an answer."""

    channels: Ints
    max_gap: Ints
    reach: Ints  # how long a reading tells of: the period of intervals, max_gap of all others
    ends: Ints  # 1 where a reading's time is the end of what it tells of, else 0
    park: Ints


@dataclass(frozen=True, slots=True)
class _Columns:
    """What a condition's steps need of its subjects, by row of the subject or of the source."""

    subjects: Ints
    of_sources: bool
    park: Ints  # of each subject
    series: tuple[_Series, ...]  # of its others, and last of itself where it is a channel
    sources: Ints
    owner: Ints  # the row of the subject that each source belongs to
    zones: tuple[ZoneInfo, ...]  # of each park
    window: int  # ns

    def column(self, value: Floats) -> Floats:
        """Return a number or a column as a column of all subjects."""
        return np.broadcast_to(value, self.subjects.shape).copy()


class Judge:
    """A condition with its subjects as columns; made once, asked again and again."""

    def __init__(self, condition: Condition, plant: Plant) -> None:
        self.condition = condition
        own = [condition.subjects] if condition.subject == "channel" else []
        sources, owner = _sources(condition, plant)
        self._columns = _Columns(
            subjects=np.array(condition.subjects, np.int64),
            of_sources=condition.subject == "source",
            park=_parks(condition, plant),
            series=tuple(_series(channels, plant) for channels in (*condition.others, *own)),
            sources=sources,
            owner=owner,
            zones=tuple(park.zone for park in plant.parks),
            window=plant.window,
        )

    def truth(self, frame: Frame) -> Truth:
        """Return where the condition is true at the frame's instant."""
        run = _Run(self._columns, frame)
        truth = run.result(self.condition.steps)
        value, limit = (self._columns.column(side) for side in run.compared)
        clear = run.result(self.condition.clear) if self.condition.clear else 1 - truth
        return Truth(truth, clear, value, limit)


def evaluate(condition: Condition, plant: Plant, frame: Frame) -> Truth:
    """Return where a condition is true at the frame's instant; whoever asks again keeps a `Judge`."""
    return Judge(condition, plant).truth(frame)


class _Run:
    """One judgement: each history and each sum is asked for once."""

    def __init__(self, columns: _Columns, frame: Frame) -> None:
        self._columns, self._frame = columns, frame
        self._known: dict[tuple[str, int, str, int], Floats] = {}
        self._histories: dict[tuple[int, int], History] = {}
        self._latest: dict[int, tuple[Times, Floats]] = {}
        self._gateways: GatewayColumns | None = None
        unknown = np.array(np.nan)
        self.compared: tuple[Floats, Floats] = (unknown, unknown)
        self._has_compared = False

    def result(self, steps: Sequence[ConditionStep]) -> Floats:
        """Run steps on a stack of columns, and return what is left."""
        stack: list[Floats] = []
        for step in steps:
            if step.name == "number":
                stack.append(np.array(step.number))
            elif step.name in _LOGIC:
                stack.append(self._logic(step.name, stack))
            elif step.name in _ARITHMETIC:
                stack.append(applied(step.name, stack))
            else:
                stack.append(self._asked(step))
        return self._columns.column(stack.pop())

    def _logic(self, name: str, stack: list[Floats]) -> Floats:
        last = stack.pop()
        if name == "not":
            return 1 - last
        first = stack.pop()
        if name == "and":
            return np.where((first == 0) | (last == 0), 0.0, first * last)
        if name == "or":
            return np.where((first == 1) | (last == 1), 1.0, first + last)  # 0, or NaN
        if not self._has_compared:
            self.compared, self._has_compared = (first, last), True
        return _compared(name, first, last)

    def _asked(self, step: ConditionStep) -> Floats:
        key = (step.name, step.index, step.text, step.span)
        if key not in self._known:
            self._known[key] = self._answer(step)
        return self._known[key]

    def _answer(self, step: ConditionStep) -> Floats:
        columns = self._columns
        if step.name in _OF_GATEWAYS:
            return self._of_gateway(step.name)
        if step.name == "elapsed":
            shares = [elapsed(step.text, self._frame.now, zone) for zone in columns.zones]
            return np.array(shares)[columns.park]
        if step.name == "tonnes":
            return self._summed(self._tonnes(step))
        if step.name == "rate_now" or (step.name == "value" and step.index < 0 and columns.of_sources):
            return self._summed(self._frame.emission_rate(columns.sources))
        if step.name in ("value", "age", "absent"):
            return self._of_latest(step)
        return self._of_history(step)

    def _of_latest(self, step: ConditionStep) -> Floats:
        """Answer from the newest readings; a value is unknown when it is older than its channel's max_gap."""
        series, now = self._columns.series[step.index], self._frame.now
        if step.index not in self._latest:
            self._latest[step.index] = self._frame.latest(series.channels)
        time, value = self._latest[step.index]
        if step.name == "value":
            return np.where(now - time <= series.max_gap, value, np.nan)
        if step.name == "age":
            return np.where(time == NEVER, np.nan, (now - time) / NS_PER_S)
        return np.where(now - time >= step.span, 1.0, 0.0)

    def _of_history(self, step: ConditionStep) -> Floats:
        series, now = self._columns.series[step.index], self._frame.now
        span = 2 * NS_PER_HOUR if step.name == "hour_mean" else step.span
        key = (step.index, span)
        if key not in self._histories:
            self._histories[key] = self._frame.history(series.channels, span)
        history, count = self._histories[key], len(series.channels)
        if step.name == "hour_mean":
            shift = np.array([offset(now, zone) for zone in self._columns.zones], np.int64)[series.park]
            end = now - (now + shift) % NS_PER_HOUR
            return histories.hour_mean(history, end, series.reach, series.ends)
        if step.name == "sum_over":
            return histories.sum_over(history, count, now - span, empty=step.number)
        return histories.FUNCTIONS[step.name](history, count, now - span)

    def _of_gateway(self, name: str) -> Floats:
        if self._gateways is None:
            self._gateways = self._frame.gateways(self._columns.subjects)
        known = self._gateways
        if name == "online":
            return known.online
        if name == "skew":
            return known.skew_s
        return np.where(known.heard_at == NEVER, np.nan, (self._frame.now - known.heard_at) / NS_PER_S)

    def _tonnes(self, step: ConditionStep) -> Floats:
        """Return each source's tonnes; up to the end of the last whole window, calendars by the park's clock."""
        columns = self._columns
        end = self._frame.now // columns.window * columns.window
        if step.span:
            return self._frame.tonnes(columns.sources, end - step.span, end)
        starts = np.array([start_of(step.text, self._frame.now, zone) for zone in columns.zones], np.int64)
        start = starts[columns.park[columns.owner]]
        found = np.full(len(columns.sources), np.nan)
        for first in np.unique(start).tolist():
            rows = np.flatnonzero(start == first)
            found[rows] = self._frame.tonnes(columns.sources[rows], first, end)
        return found

    def _summed(self, of_source: Floats) -> Floats:
        """Return the sum of what is known of each subject's sources, NaN where nothing is."""
        count, owner = len(self._columns.subjects), self._columns.owner
        known = ~np.isnan(of_source)
        total = np.bincount(owner[known], weights=of_source[known], minlength=count)
        return np.where(np.bincount(owner[known], minlength=count) > 0, total, np.nan)


_OF_GATEWAYS = frozenset({"online", "silence", "skew"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "min", "max", "negative", "abs", "clip"})
_LOGIC = frozenset({">", ">=", "<", "<=", "==", "!=", "and", "or", "not"})


def _compared(name: str, first: Floats, last: Floats) -> Floats:
    slack = SLACK * np.abs(last)
    match name:
        case ">":
            found = first > last + slack
        case ">=":
            found = first >= last - slack
        case "<":
            found = first < last - slack
        case "<=":
            found = first <= last + slack
        case "==":
            found = np.abs(first - last) <= slack
        case _:
            found = np.abs(first - last) > slack
    return np.where(np.isnan(first) | np.isnan(last), np.nan, found.astype(np.float64))


def _series(channels: Sequence[int], plant: Plant) -> _Series:
    park = {park.name: place for place, park in enumerate(plant.parks)}
    rows = [plant.channels[number] for number in channels]
    return _Series(
        channels=np.array(channels, np.int64),
        max_gap=np.array([row.max_gap for row in rows], np.int64),
        reach=np.array([row.period if row.kind is Kind.INTERVAL else row.max_gap for row in rows], np.int64),
        ends=np.array([row.kind is Kind.INTERVAL for row in rows], np.int64),
        park=np.array([park[row.park] for row in rows], np.int64),
    )


def _parks(condition: Condition, plant: Plant) -> Ints:
    """Return the place of each subject's park."""
    place = {park.name: number for number, park in enumerate(plant.parks)}
    if condition.subject == "park":
        return np.array(condition.subjects, np.int64)
    rows: Mapping[str, Sequence[Channel | Source | Facility | Gateway]] = {
        "channel": plant.channels,
        "source": plant.sources,
        "facility": plant.facilities,
        "gateway": plant.gateways,
    }
    of = rows[condition.subject]
    return np.array([place[of[number].park] for number in condition.subjects], np.int64)


def _sources(condition: Condition, plant: Plant) -> tuple[Ints, Ints]:
    """Return the sources of all subjects, and the row of the subject that each belongs to.

    A park's are without what one of its own facilities has sold and counts already, as in its totals.
    """
    if condition.subject == "source":
        return np.array(condition.subjects, np.int64), np.arange(len(condition.subjects))
    pairs: list[tuple[int, int]] = []
    if condition.subject == "facility":
        names = [
            (plant.facilities[number].park, plant.facilities[number].name) for number in condition.subjects
        ]
        row_of_site = {name: row for row, name in enumerate(names)}
        pairs = [
            (s.index, row_of_site[key]) for s in plant.sources if (key := (s.park, s.facility)) in row_of_site
        ]
    elif condition.subject == "park":
        row_of = {plant.parks[number].name: row for row, number in enumerate(condition.subjects)}
        pairs = [
            (s.index, row_of[s.park])
            for s in plant.sources
            if s.park in row_of and s.sold_by.partition("/")[0] != s.park
        ]
    columns: NDArray[np.int64] = np.array(pairs, np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]

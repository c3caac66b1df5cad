"""Judges conditions at an instant, each for all its subjects at once: true is 1, false is 0, unknown is NaN.

Logic is Kleene's: what is compared with an unknown is unknown, and `false and unknown` is false; not finite is unknown. What a condition may ask is a `Frame`'s to answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from alerts.judging import histories
from alerts.judging.histories import History
from alerts.judging.subjects import Columns, columns_of
from alerts.judging.truths import Part, Truth, compared
from plant.alert_rules.conditions import (
    BY_CLOCK,
    CALENDAR,
    CUSUMS,
    OF_CHANNEL,
    OF_SET,
    OF_SOURCES,
    PERCENTILES,
)
from plant.arrays import Bools, Floats, Ints, Times
from plant.park import Condition, ConditionStep, Plant
from plant.periods import time_of_day
from plant.spans import LONGEST_DAY
from plant.vocabulary import NEVER, NS_PER_HOUR, NS_PER_S
from rules.calendar import days_until, elapsed, in_force, start_of, start_of_interval
from rules.virtuals import applied


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

    def covered(self, sources: Ints, start: int, end: int) -> tuple[Floats, Floats]:
        """Return how many windows each source owes in [start, end), and how much of these is covered [windows]."""
        ...

    def gateways(self, gateways: Ints) -> GatewayColumns:
        """Return what is known of each gateway."""
        ...


class Judge:
    """A condition with its subjects as columns; made once, asked again and again."""

    def __init__(self, condition: Condition, plant: Plant) -> None:
        self.condition = condition
        self._columns = columns_of(condition, plant)
        self._reference = _reference(condition)

    @np.errstate(over="ignore", invalid="ignore")  # sums of readings may be beyond what a float holds
    def truth(self, frame: Frame) -> Truth:
        """Return where the condition is true at the frame's instant."""
        run = _Run(self._columns, frame, self._reference, self.condition)
        truth, whole = run.result(self.condition.steps)
        clear = run.result(self.condition.clear)[0] if self.condition.clear else 1 - truth
        return Truth(truth, clear, whole)


def evaluate(condition: Condition, plant: Plant, frame: Frame) -> Truth:
    """Return where a condition is true at the frame's instant; whoever asks again keeps a `Judge`."""
    return Judge(condition, plant).truth(frame)


class _Run:
    """One judgement: each history and each sum is asked for once."""

    def __init__(self, columns: Columns, frame: Frame, reference: "_Reference", condition: Condition) -> None:
        self._columns, self._frame, self._reference = columns, frame, reference
        self._condition = condition
        self._known: dict[ConditionStep, Floats] = {}
        self._histories: dict[tuple[int, int], History] = {}
        self._latest: dict[int, tuple[Times, Floats]] = {}
        self._gateways: GatewayColumns | None = None
        self._compared = 0

    def result(self, steps: Sequence[ConditionStep]) -> tuple[Floats, Part]:
        """Run steps on a stack of columns, and return what is left, with how it came about."""
        stack: list[Floats] = []
        parts: list[Part | None] = []  # of what is on the stack; None is a number or a flag
        self._compared = 0
        for step in steps:
            part = None
            if step.name == "number":
                stack.append(np.array(step.number))
            elif step.name in _LOGIC:
                part = self._logic(step.name, stack, parts)
                stack.append(part.truth)
            elif step.name in _ARITHMETIC:
                stack.append(applied(step.name, stack))
            elif step.name == "hypot":
                stack.append(np.hypot(stack.pop(), stack.pop()))
            elif step.name == "hours_over":
                stack.append(self._hours_over(step, self._columns.column(stack.pop())))
            elif step.name in CUSUMS:
                stack.append(self._cusum(step, self._columns.column(stack.pop())))
            else:
                stack.append(self._asked(step))
            parts[len(stack) - 1 :] = [part]
        last = stack.pop()
        return self._columns.column(last), parts[-1] or Part("flag", last)

    def _logic(self, name: str, stack: list[Floats], parts: Sequence[Part | None]) -> Part:
        last = stack.pop()
        of_last = parts[-1] or Part("flag", last)
        if name == "not":
            return Part(name, 1 - last, (of_last,))
        first = stack.pop()
        of_both = (parts[-2] or Part("flag", first), of_last)
        if name == "and":
            return Part(name, np.where((first == 0) | (last == 0), 0.0, first * last), of_both)
        if name == "or":  # 1, 0, or NaN
            return Part(name, np.where((first == 1) | (last == 1), 1.0, first + last), of_both)
        of, self._compared = self._compared, self._compared + 1
        sides = (last, first) if self._condition.comparison(of).turned else (first, last)
        return Part(name, compared(name, first, last), sides=sides, of=of)

    def _asked(self, step: ConditionStep) -> Floats:
        if step not in self._known:
            self._known[step] = self._answer(step)
        return self._known[step]

    def _answer(self, step: ConditionStep) -> Floats:
        columns = self._columns
        if step.name in _OF_GATEWAYS:
            return self._of_gateway(step.name)
        if step.name in _OF_CLOCK:
            return columns.by_clock(lambda zone: self._of_clock(step, zone))
        if step.name in OF_SOURCES:
            return self._tonnes(step) if step.name == "tonnes" else self._coverage(step)
        if step.name == "rate_now" or (step.name == "value" and step.index < 0 and columns.of_sources):
            return self._summed(self._frame.emission_rate(columns.sources))
        return self._of_history(step) if step.name in OF_CHANNEL else self._of_latest(step)

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
        if step.name in BY_CLOCK:
            return self._by_clock(step)
        series = self._columns.series[step.index]
        history, count, since = self._history(step), len(series.channels), self._frame.now - step.span
        if step.text and step.name in OF_SET:
            history = history.take(self._in_hours(history, series.park[history.run], step.text))
        if step.name == "sum_over":
            return histories.sum_over(history, count, since, empty=0.0 if step.number else np.nan)
        if step.name in PERCENTILES:
            return histories.PERCENTILES[step.name](history, count, since, step.number)
        return histories.FUNCTIONS[step.name](history, count, since)

    def _history(self, step: ConditionStep) -> History:
        key = (step.index, step.span)
        if key not in self._histories:
            self._histories[key] = self._frame.history(self._columns.series[step.index].channels, step.span)
        return self._histories[key]

    def _in_hours(self, history: History, park: Ints, hours: str) -> Bools:
        """Return which readings the clock of their park shows within hours of the day, such as 22:00-05:00."""
        first, end = (int(text[:2]) * NS_PER_HOUR for text in hours.split("-"))
        at = np.empty(len(park), np.int64)
        for place, zone in enumerate(self._columns.zones):
            mine = park == place
            at[mine] = time_of_day(history.time[mine], zone)
        return (at >= first) & (at < end) if first < end else (at >= first) | (at < end)

    def _by_clock(self, step: ConditionStep) -> Floats:
        """Return the mean of an interval of the clock: of the last whole hour or day, or of one that goes on."""
        columns, now = self._columns, self._frame.now
        park = columns.series[step.index].park
        if step.name == "day_mean":
            hours = self._hours(
                step, lambda zone: _last_day(now, zone), lambda zone: start_of("today", now, zone)
            )
            known = np.sum(~np.isnan(hours), axis=1)
            mean = np.nansum(hours, axis=1) / np.maximum(known, 1)
            return np.where(known >= step.number, mean, np.nan)
        if step.name == "hour_mean":
            start = columns.instants(lambda zone: _last_hour(now, zone), park)
            return self._means(step, start, np.full(len(start), NS_PER_HOUR), 1)[:, 0]
        start = columns.instants(lambda zone: _interval_start(step, now, zone), park)
        return self._means(step, start, now - start, 1)[:, 0]

    def _means(self, step: ConditionStep, start: Times, length: Ints, intervals: int) -> Floats:
        series = self._columns.series[step.index]
        return histories.clock_means(self._history(step), start, length, intervals, series.reach, series.ends)

    def _hours(
        self, step: ConditionStep, first: Callable[[ZoneInfo], int], end: Callable[[ZoneInfo], int]
    ) -> Floats:
        """Return the means of the whole clock hours of a day between two instants [channels, hours]."""
        park, count = self._columns.series[step.index].park, LONGEST_DAY // NS_PER_HOUR
        start, stop = self._columns.instants(first, park), self._columns.instants(end, park)
        means = self._means(step, start, np.full(len(start), NS_PER_HOUR), count)
        ends = start[:, None] + NS_PER_HOUR * np.arange(1, count + 1)
        return np.where(ends <= stop[:, None], means, np.nan)

    def _hours_over(self, step: ConditionStep, limit: Floats) -> Floats:
        """Return how many whole hours of the day have a mean above a limit; an hour that ends with the day is of it."""
        now = self._frame.now
        hours = self._hours(step, lambda zone: start_of("today", now - 1, zone), lambda _: now)
        is_over = compared(">", hours, limit[:, None])
        known = ~np.isnan(is_over)
        return np.where(known.any(axis=1), np.nansum(is_over, axis=1), np.nan)

    def _cusum(self, step: ConditionStep, limit: Floats) -> Floats:
        series, since = self._columns.series[step.index], self._frame.now - step.span
        return histories.CUSUMS[step.name](self._history(step), len(series.channels), since, limit)

    def _of_clock(self, step: ConditionStep, zone: ZoneInfo) -> float:
        now = self._frame.now
        if step.name == "dated":
            return in_force(step.dated, self._reference(now, zone), zone)
        if step.name == "days_until":
            return days_until(step.text, now, zone)
        if step.text in CALENDAR:
            return elapsed(step.text, now, zone)
        return (now - start_of_interval(step.span, now, zone)) / step.span

    def _of_gateway(self, name: str) -> Floats:
        if self._gateways is None:
            self._gateways = self._frame.gateways(self._columns.subjects)
        known = self._gateways
        if name == "online":
            return known.online
        if name == "skew":
            return known.skew_s
        return np.where(known.heard_at == NEVER, np.nan, (self._frame.now - known.heard_at) / NS_PER_S)

    def _stretches(self, step: ConditionStep) -> Iterator[tuple[Ints, int, int]]:
        """Yield rows of sources with start and end of their period; up to the last whole window, calendars by the park's clock."""
        columns, now = self._columns, self._frame.now
        end = now // columns.window * columns.window
        if step.span:
            yield np.arange(len(columns.sources)), end - step.span, end
            return
        park = columns.park[columns.owner]
        start = columns.instants(lambda zone: start_of(step.text, now, zone), park)
        for first in np.unique(start).tolist():
            yield np.flatnonzero(start == first), first, end

    def _tonnes(self, step: ConditionStep) -> Floats:
        found = np.full(len(self._columns.sources), np.nan)
        for rows, start, end in self._stretches(step):
            found[rows] = self._frame.tonnes(self._columns.sources[rows], start, end)
        total = self._summed(found)
        if not step.number:
            return total
        coverage = self._asked(ConditionStep("coverage", text=step.text, span=step.span))
        return np.where(compared(">=", coverage, np.array(step.number)) == 1, total, np.nan)

    def _coverage(self, step: ConditionStep) -> Floats:
        """Return the covered share of the windows that each subject's sources owe, NaN where they owe none."""
        due, covered = np.zeros((2, len(self._columns.sources)))
        for rows, start, end in self._stretches(step):
            due[rows], covered[rows] = self._frame.covered(self._columns.sources[rows], start, end)
        return applied("/", [self._summed(covered), self._summed(due)])

    def _summed(self, of_source: Floats) -> Floats:
        """Return the sum of what is known of each subject's sources, NaN where nothing is."""
        count, owner = len(self._columns.subjects), self._columns.owner
        known = ~np.isnan(of_source)
        total = np.bincount(owner[known], weights=of_source[known], minlength=count)
        return np.where(np.bincount(owner[known], minlength=count) > 0, total, np.nan)


_OF_GATEWAYS = frozenset({"online", "silence", "skew"})
_OF_CLOCK = frozenset({"dated", "days_until", "elapsed"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "min", "max", "negative", "abs", "clip"})
_LOGIC = frozenset({">", ">=", "<", "<=", "==", "!=", "and", "or", "not"})


_Reference = Callable[[int, ZoneInfo], int]


def _reference(condition: Condition) -> _Reference:
    """Return what tells as of which instant numbers with dates are taken: of the whole hour or day that is judged, else of now."""
    asked = {step.name for step in (*condition.steps, *condition.clear)}
    if "day_mean" in asked:
        return _last_day
    return _last_hour if "hour_mean" in asked else lambda now, _: now


def _last_day(now: int, zone: ZoneInfo) -> int:
    """Return the first instant of the last whole day [ns UTC]."""
    return start_of("today", start_of("today", now, zone) - 1, zone)


def _last_hour(now: int, zone: ZoneInfo) -> int:
    """Return the first instant of the last whole clock hour [ns UTC]."""
    return start_of_interval(NS_PER_HOUR, now, zone) - NS_PER_HOUR


def _interval_start(step: ConditionStep, now: int, zone: ZoneInfo) -> int:
    """Return the first instant of the clock's interval around now [ns UTC]."""
    if step.text in CALENDAR:
        return start_of(step.text, now, zone)
    return start_of_interval(step.span, now, zone)

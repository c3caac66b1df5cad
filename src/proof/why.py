"""Why an alert began: the readings that its rule saw, and what the rule made of them, judged again from the state."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isnan

import numpy as np

from alerts.engine.frame import LineFrame, asked_spans, window_rates
from alerts.engine.raised import subject_id, subject_labels
from alerts.judging.conditions import Judge
from alerts.judging.truths import Truth, compared
from alerts.tables.views import AlertView, alert
from plant.arrays import number
from plant.clock import format_time
from plant.park import Condition, Instants, Plant
from proof.read_memory import ReadMemory, read_memory
from store.readings.kinds import COUNTING
from store.readings.read import last_before

STEPS = 12  # instants of a condition, or windows of a limit, that are shown up to the alert's beginning
READINGS = 20  # of each channel


class CannotExplain(Exception):
    """There is no such alert, or its rule is configured no longer; the text says which."""


@dataclass(frozen=True, slots=True)
class RuleStep:
    """What the rule said at a time, and by which numbers; None where that was unknown.

    `comparison` is what decides between value and limit where the rule is true: > or another operator, "" where none does.
    """

    time: str
    truth: bool | None
    value: float | None
    limit: float | None
    unit: str
    comparison: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A reading that the rule saw; `message` is its offset in the journal."""

    channel: str
    time: str
    value: float
    unit: str
    message: int


@dataclass(frozen=True, slots=True)
class Why:
    """An alert, its rule as it is configured now, and what led to it."""

    id: str
    rule: str
    subject: str
    started_at: str
    summary: str
    judged: str  # the rule in words: its expression, or its limit
    unit: str
    steps: tuple[RuleStep, ...]
    readings: tuple[Seen, ...]


def why(connection: sqlite3.Connection, plant: Plant, number: str) -> Why:
    """Return what led to an alert.

    Late readings that came since are seen too: what is told is what the rule says of that time today.

    Raises
    ------
    CannotExplain
        There is no such alert, or its rule or subject is configured no longer.
    """
    found = _found(connection, number)
    for rule in plant.rules:
        if rule.name == found.rule:
            return _of_limit(connection, plant, found, rule)
    for condition in plant.conditions:
        places = [subject_id(labels) for labels in subject_labels(plant, condition)]
        if condition.name == found.rule and _subject(found) in places:
            return _of_condition(connection, plant, found, condition, places.index(_subject(found)))
    raise CannotExplain(f"the rule {found.rule!r} of {_subject(found)} is configured no longer")


def _found(connection: sqlite3.Connection, given: str) -> AlertView:
    """Return the one alert whose id is, or begins, as given."""
    wanted = given.removeprefix("alert_")
    rows = connection.execute(
        "SELECT id FROM alert WHERE substr(id, 7, length(?1)) = ?1 LIMIT 2", (wanted,)
    ).fetchall()
    if len(rows) > 1:
        raise CannotExplain(f"{given!r} is not enough of an id: several begin so")
    found = alert(connection, rows[0][0]) if rows and wanted else None
    if found is None:
        raise CannotExplain(f"there is no alert {given!r}: stackmeter alerts --status all shows them")
    return found


def _of_limit(connection: sqlite3.Connection, plant: Plant, found: AlertView, rule: Condition) -> Why:
    memory, [subject] = read_memory(connection, plant), rule.subjects
    readings = []
    if rule.instants is Instants.READINGS:
        readings = _readings(memory, plant, [subject], found.started_at)
        steps = [_step(rule, one.time, one.value) for one in readings]
    else:
        since = found.started_at - STEPS * plant.window
        source = int(memory.source_ids[subject])
        ends, rates = window_rates(connection, source, since, found.started_at, plant.window)
        steps = [
            _step(rule, format_time(end), rate)
            for end, rate in zip(ends.tolist(), rates.tolist(), strict=True)
        ]
    words = f"{'above' if rule.comparison(0).operator == '>' else 'below'} {rule.limit:g} {rule.unit}"
    return _told(found, words, rule.unit, steps, readings)


def _step(rule: Condition, time: str, value: float) -> RuleStep:
    operator = rule.comparison(0).operator
    truth = compared(operator, np.array(value), np.array(rule.limit))
    return RuleStep(
        time, None if isnan(truth) else bool(truth), number(value), rule.limit, rule.unit, operator
    )


def _of_condition(
    connection: sqlite3.Connection, plant: Plant, found: AlertView, condition: Condition, row: int
) -> Why:
    """Judge the condition again, for this one subject, at the instants up to the alert's beginning."""
    one = replace(
        condition,
        subjects=(condition.subjects[row],),
        others=tuple((channels[row],) for channels in condition.others),
    )
    memory, judge = read_memory(connection, plant), Judge(one, plant)
    count = max(STEPS, condition.hold // condition.every + 2)
    instants = [found.started_at - k * condition.every for k in range(count - 1, -1, -1)]
    frame = LineFrame(plant, memory, [one])
    steps = []
    for instant in instants:
        frame.look(instant, instants[0])
        steps.append(_judged(one, judge.truth(frame), instant))
    readings = _readings(memory, plant, asked_spans([one]), found.started_at)
    return _told(found, condition.expr, condition.unit, steps, readings)


def _judged(condition: Condition, truth: Truth, instant: int) -> RuleStep:
    """Return what a condition says of its one subject."""
    said, passed = float(truth.truth[0]), truth.passed()
    compared = condition.comparison(int(passed.of[0]))
    return RuleStep(
        time=format_time(instant),
        truth=None if isnan(said) else bool(said),
        value=number(passed.value[0]),
        limit=number(passed.limit[0]),
        unit=compared.unit,
        comparison=compared.operator,
    )


def _told(
    found: AlertView, judged: str, unit: str, steps: Iterable[RuleStep], readings: Iterable[Seen]
) -> Why:
    return Why(
        id=found.id,
        rule=found.rule,
        subject=_subject(found),
        started_at=format_time(found.started_at),
        summary=found.summary,
        judged=judged,
        unit=unit,
        steps=tuple(steps),
        readings=tuple(readings),
    )


def _subject(found: AlertView) -> str:
    return subject_id({name: found.labels[name] for name in _PLACES if name in found.labels})


_PLACES = ("park", "facility", "gateway", "channel", "source")


def _readings(memory: ReadMemory, plant: Plant, channels: Iterable[int], until: int) -> list[Seen]:
    """Return the newest counting readings of channels up to a time, in time order."""
    seen = []
    for channel in channels:
        found = last_before(memory.connection, int(memory.channel_ids[channel]), until, COUNTING, READINGS)
        rows = zip(*(column.tolist() for column in (found.time, found.value, found.message)), strict=True)
        one = plant.channels[channel]
        seen += [
            Seen(one.name, format_time(time), value, one.unit.symbol, message)
            for time, value, message in rows
        ]
    return seen

"""What alert conditions would have made of the past: judged on their own grid over what a state holds of it today."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from alerts.engine.frame import LineFrame
from alerts.engine.raised import subject_id, subject_labels
from alerts.judging.conditions import Judge
from alerts.judging.lifecycle import States, advance
from alerts.judging.truths import Passed
from plant.clock import format_time
from plant.park import Condition, Plant
from proof.read_memory import ReadMemory, read_memory

MOST_INSTANTS = 1_000_000  # of one condition

Progress = Callable[[str, int, int], None]


class TooLong(ValueError):
    """A condition would be judged too often; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Episode:
    """An alert that would have been: `ended_at` is None where it would still fire at the end of the stretch."""

    rule: str
    subject: str
    severity: str
    started_at: str
    ended_at: str | None
    value: float | None
    limit: float | None
    unit: str
    comparison: str  # what is true of value and limit: > or another operator, "" where nothing was compared


def tested(condition: Condition) -> bool:
    """Return whether the past can be judged: of gateways a state knows only how they are now."""
    return condition.subject != "gateway"


def backtest(
    connection: sqlite3.Connection, plant: Plant, start: int, end: int, rule: str | None, tell: Progress
) -> Iterator[Episode]:
    """Yield the alerts of conditions (of one name, or of all) in [start, end) [ns UTC], rule by rule, in order of time.

    Every condition begins as unknown at `start`. All that came late is seen as if it had come in time.

    Raises
    ------
    TooLong
        The stretch has too many instants of a condition.
    """
    memory = read_memory(connection, plant)
    chosen = [one for one in plant.conditions if tested(one) and rule in (None, one.name)]
    often = [one.name for one in chosen if (end - start) // one.every > MOST_INSTANTS]
    if often:
        raise TooLong(f"{often[0]} would be judged over {MOST_INSTANTS:,} times: take a shorter stretch")
    for number, condition in enumerate(chosen, 1):
        yield from _episodes(memory, plant, condition, start, end)
        tell(condition.name, number, len(chosen))


def _episodes(
    memory: ReadMemory, plant: Plant, condition: Condition, start: int, end: int
) -> Iterator[Episode]:
    judge, frame = Judge(condition, plant), LineFrame(plant, memory, [condition])
    subjects = [subject_id(labels) for labels in subject_labels(plant, condition)]
    states, begun = States.new(len(subjects), start), dict[int, Episode]()
    first = -(-start // condition.every) * condition.every
    for instant in range(first, end, condition.every):
        frame.look(instant, first)
        truth = judge.truth(frame)
        before = states.firing
        states = advance(states, truth.truth, truth.clear, instant, condition.hold, condition.keep)
        for row in np.flatnonzero(states.firing & ~before).tolist():
            begun[row] = _episode(condition, subjects[row], instant, truth.passed(np.array([row])))
        for row in np.flatnonzero(before & ~states.firing).tolist():
            yield replace(begun.pop(row), ended_at=format_time(instant))
    yield from begun.values()


def _episode(condition: Condition, subject: str, start: int, passed: Passed) -> Episode:
    compared = condition.comparison(int(passed.of[0]))
    value, limit = (None if np.isnan(side[0]) else float(side[0]) for side in (passed.value, passed.limit))
    return Episode(
        rule=condition.name,
        subject=subject,
        severity=condition.severity,
        started_at=format_time(start),
        ended_at=None,
        value=value,
        limit=limit,
        unit=compared.unit,
        comparison=compared.operator,
    )

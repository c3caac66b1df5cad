"""Conditions on the line: each is judged on its clock for all its subjects, and becomes alerts in the line's transaction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ingest.condition_alerts import Labels, raised, subject_id, subject_labels
from ingest.frame import LineFrame
from ingest.heard import GatewaysHeard
from ingest.late_looks import LateLooks
from plant.arrays import Bools, Readings
from plant.park import Condition, Plant
from rules.conditions import Judge, Truth
from rules.lifecycle import States, advance
from store import alerts, condition_states
from store.condition_states import StoredState
from store.state import State as Memory


@dataclass(slots=True)
class _Watched:
    """A condition, and where its subjects stand; `open` is the id of each one's open alert, "" where it has none."""

    judge: Judge
    labels: list[Labels]
    ids: list[str]
    states: States
    open: list[str]
    is_open: Bools

    @property
    def condition(self) -> Condition:
        """The condition."""
        return self.judge.condition


class ConditionWatch:
    """Judges each condition at the instants of its grid, whole multiples of `every` since 1970, `delay` after they are over.

    Each instant is judged once, and of several that are due only the newest: what was missed while the service was away
    wakes nobody. The alert of a subject that is shelved is snoozed until that ends.
    """

    def __init__(self, plant: Plant, memory: Memory, clock: Callable[[], int], heard: GatewaysHeard) -> None:
        self._memory, self._clock = memory, clock
        self._frame = LineFrame(plant, memory, plant.conditions, heard) if plant.conditions else None
        self._grids: dict[tuple[int, int], list[_Watched]] = {}
        self._left: list[StoredState] = []
        self._judged = 0
        self._labels = [subject_labels(plant, condition) for condition in plant.conditions]
        self._judges = [Judge(condition, plant) for condition in plant.conditions]
        self._late = LateLooks(plant, memory, self._labels) if plant.conditions else None
        self._read()

    def reload(self) -> None:
        """Read again where the conditions stand, as after a rollback."""
        if self._frame is not None:
            self._frame.forget()
        if self._late is not None:
            self._late.forget()
        self._read()

    def readings(self, new: Readings, fresh: Bools) -> None:
        """Take readings, in order of arrival, after they were written; those that are not `fresh` were known."""
        if self._frame is not None:
            self._frame.take(new)
        if self._late is not None:
            self._late.take(new, fresh)

    def judge(self, now: int) -> None:
        """Judge what is due at a time [ns UTC], and look again at a little of what came too late."""
        if self._left:
            self._end_left(now)
        before = self._judged
        self._judge_due(now)
        if self._late is not None:
            self._late.mark(before, self._judged, now)
            self._late.look(self._judged, now)

    def _judge_due(self, now: int) -> None:
        due = [(now - delay) // every * every for every, delay in self._grids]
        changed: list[StoredState] = []
        is_any = False
        for (every, delay), instant in zip(self._grids, due, strict=True):
            if self._frame is None or instant <= (self._judged - delay) // every * every:
                continue
            self._frame.look(instant, now)
            for watched in self._grids[every, delay]:
                changed += self._judge_one(watched, self._frame)
            is_any = True
        if is_any:
            condition_states.save_condition_states(self._memory.connection, changed)
            condition_states.note_conditions_judged(self._memory.connection, now)
            self._judged = now

    def _judge_one(self, watched: _Watched, frame: LineFrame) -> list[StoredState]:
        """Judge a condition at the frame's instant; return where those stand that stood elsewhere before."""
        truth, condition, before = watched.judge.truth(frame), watched.condition, watched.states
        after, _ = advance(before, truth.truth, truth.clear, frame.now, condition.hold, condition.keep)
        begins, ends = after.firing & ~watched.is_open, watched.is_open & ~after.firing
        moved = (after.state != before.state) | (after.firing != before.firing)
        moved |= (after.cleared_since != before.cleared_since) | begins | ends
        watched.states = after
        rows = np.flatnonzero(moved).tolist()
        for row in rows:
            if begins[row]:
                self._begin(watched, row, truth, frame.now)
            elif ends[row]:
                self._end(watched, row, truth, frame.now)
        return [_stored(watched, row) for row in rows]

    def _begin(self, watched: _Watched, row: int, truth: Truth, instant: int) -> None:
        states = watched.states
        one = raised(
            watched.condition, watched.labels[row], instant, float(truth.value[row]), float(truth.limit[row]),
            snoozed_until=int(states.shelved_until[row]) if states.shelved(instant)[row] else 0,
        )  # fmt: skip
        alerts.begin(self._memory.connection, one)
        watched.open[row], watched.is_open[row] = one.id, True

    def _end(self, watched: _Watched, row: int, truth: Truth, instant: int) -> None:
        alerts.end(self._memory.connection, watched.open[row], instant, float(truth.value[row]))
        watched.open[row], watched.is_open[row] = "", False

    def _end_left(self, now: int) -> None:
        """End the alerts of conditions and subjects that are configured no longer: nothing else ever would."""
        for one in self._left:
            if one.alert:
                alerts.end(self._memory.connection, one.alert, now, np.nan)
        keys = [(one.condition, one.subject) for one in self._left]
        condition_states.drop_condition_states(self._memory.connection, keys)
        self._left = []

    def _read(self) -> None:
        stored = condition_states.condition_states(self._memory.connection)
        self._judged = condition_states.conditions_judged(self._memory.connection) or 0
        self._grids.clear()
        for judge, labels in zip(self._judges, self._labels, strict=True):
            ids = [subject_id(one) for one in labels]
            known = [stored.pop((judge.condition.name, one), None) for one in ids]
            watched = _watched(judge, labels, ids, known, self._clock())
            self._grids.setdefault((judge.condition.every, judge.condition.delay), []).append(watched)
        self._left = list(stored.values())


def _watched(
    judge: Judge, labels: list[Labels], ids: list[str], known: list[StoredState | None], now: int
) -> _Watched:
    """Return a condition with its subjects as they were stored; those that never were begin as unknown."""
    states = States.new(len(ids), now)
    found = [""] * len(ids)
    for row, one in enumerate(known):
        if one is not None:
            states.state[row], states.since[row], states.firing[row] = one.state, one.since, one.firing
            states.cleared_since[row], states.shelved_until[row] = one.cleared_since, one.shelved_until
            states.fired[row] = one.fired
            found[row] = one.alert
    return _Watched(judge, labels, ids, states, found, np.array([bool(one) for one in found], bool))


def _stored(watched: _Watched, row: int) -> StoredState:
    states = watched.states
    return StoredState(
        condition=watched.condition.name,
        subject=watched.ids[row],
        state=int(states.state[row]),
        since=int(states.since[row]),
        firing=bool(states.firing[row]),
        cleared_since=int(states.cleared_since[row]),
        fired=tuple(states.fired[row].tolist()),
        shelved_until=int(states.shelved_until[row]),
        alert=watched.open[row],
    )

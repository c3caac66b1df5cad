"""Conditions on the line: each is judged on its clock for all its subjects, and becomes alerts, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alerts.engine.condition_alerts import Labels, raised, subject_id, subject_labels
from alerts.engine.frame import LineFrame, asked_spans
from alerts.engine.heard import GatewaysHeard
from alerts.engine.late_looks import LateLooks
from alerts.judging.conditions import Judge
from alerts.judging.lifecycle import SET_BACK, SHELF, States, advance, not_ahead
from alerts.judging.truths import Truth
from alerts.tables import alerts, condition_states
from alerts.tables.condition_states import Begun, StoredState
from plant.arrays import Bools, Ints, Readings
from plant.park import Condition, Plant
from store.state import State as Memory


@dataclass(slots=True)
class _Watched:
    """A condition, and where its subjects stand.

    `open` is the id of each one's open alert, "" where it has none; `passed` the place of the comparison it fired for.
    """

    judge: Judge
    labels: list[Labels]
    ids: list[str]
    states: States
    open: list[str]
    is_open: Bools
    passed: Ints

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
        self._plant, self._memory, self._clock = plant, memory, clock
        self._frame = LineFrame(plant, memory, plant.conditions, heard) if plant.conditions else None
        self._grids: dict[tuple[int, int], list[_Watched]] = {}
        self._begun: dict[str, Begun] = {}
        self._left: list[StoredState] = []
        self._judged = 0
        self._labels = [subject_labels(plant, condition) for condition in plant.conditions]
        self._judges = [Judge(condition, plant) for condition in plant.conditions]
        self._late = LateLooks(plant, memory, self._labels) if plant.conditions else None
        self.read()

    def settle(self, now: int) -> None:
        """Begin what is configured anew at a time [ns UTC], and forget what is configured no longer; in a transaction, before it judges."""
        grids = {one.name: (one.every, one.delay) for one in self._plant.conditions}
        connection = self._memory.connection
        self._begun = condition_states.begin_conditions(connection, grids, self._judged, now)
        condition_states.drop_condition_states(
            connection, [(one.condition, one.subject) for one in self._left]
        )
        self._left = []
        if self._late is not None:
            self._late.begin(self._begun)

    def open_alerts(self) -> set[str]:
        """Return the ids of the alerts that subjects have open."""
        return {alert for grid in self._grids.values() for watched in grid for alert in watched.open if alert}

    def reload(self) -> None:
        """Read again where the conditions stand, as after a rollback."""
        if self._frame is not None:
            self._frame.forget()
        if self._late is not None:
            self._late.forget()
        self.read()

    @property
    def asked(self) -> Bools:
        """Which channels, by index, some condition asks about."""
        asked = np.zeros(len(self._plant.channels), bool)
        asked[list(asked_spans(self._plant.conditions))] = True
        return asked

    @property
    def matters(self) -> bool:
        """Whether a look at what came late has begun, and goes on in the next step."""
        return self._late is not None and self._late.is_looking

    def readings(self, new: Readings, fresh: Bools) -> None:
        """Take readings, in order of arrival, after they were written; those that are not `fresh` were known."""
        if self._frame is not None:
            self._frame.take(new)
        if self._late is not None:
            self._late.take(new, fresh)

    def judge(self, now: int) -> None:
        """Judge what is due at a time [ns UTC], and look again at a little of what came too late."""
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
                if instant > self._begun[watched.condition.name].judged:
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
        if begins.any():
            self._begin(watched, np.flatnonzero(begins), truth, frame.now)
        if ends.any():
            self._end(watched, np.flatnonzero(ends), truth, frame.now)
        return [_stored(watched, row) for row in np.flatnonzero(moved).tolist()]

    def _begin(self, watched: _Watched, rows: Ints, truth: Truth, instant: int) -> None:
        states, passed = watched.states, truth.passed(rows)
        snoozed = np.where(states.shelved(instant)[rows], states.shelved_until[rows], 0)
        for row, *shown in zip(
            *(column.tolist() for column in (rows, passed.value, passed.limit, passed.of, snoozed)),
            strict=True,
        ):
            one = raised(watched.condition, watched.labels[row], instant, *shown)
            if alerts.begin(self._memory.connection, one):
                watched.open[row], watched.is_open[row], watched.passed[row] = one.id, True, shown[2]

    def _end(self, watched: _Watched, rows: Ints, truth: Truth, instant: int) -> None:
        for row, value in zip(rows.tolist(), truth.values(watched.passed[rows], rows).tolist(), strict=True):
            unit = watched.condition.comparison(int(watched.passed[row])).unit
            alerts.end(self._memory.connection, watched.open[row], instant, value, unit)
            watched.open[row], watched.is_open[row], watched.passed[row] = "", False, -1

    def read(self) -> None:
        """Read where the conditions stand; whoever asks settles them next."""
        stored = condition_states.condition_states(self._memory.connection)
        still, now = alerts.open_alerts(self._memory.connection), self._clock()
        judged = condition_states.conditions_judged(self._memory.connection) or 0
        self._judged = judged if judged <= now + SET_BACK else now
        self._grids.clear()
        for judge, labels in zip(self._judges, self._labels, strict=True):
            ids = [subject_id(one) for one in labels]
            known = [stored.pop((judge.condition.name, one), None) for one in ids]
            watched = _watched(judge, labels, ids, known, still, now)
            self._grids.setdefault((judge.condition.every, judge.condition.delay), []).append(watched)
        self._left = list(stored.values())


def _watched(
    judge: Judge,
    labels: list[Labels],
    ids: list[str],
    known: list[StoredState | None],
    still: set[str],
    now: int,
) -> _Watched:
    """Return a condition with its subjects as they were stored; those that never were begin as unknown.

    `still` are the alerts that are open. Times that are later than now are of a clock that ran ahead.
    """
    states = States.new(len(ids), now)
    found, passed = [""] * len(ids), np.full(len(ids), -1)
    for row, one in enumerate(known):
        if one is not None:
            states.state[row], states.since[row], states.firing[row] = (
                one.state,
                min(one.since, now),
                one.firing,
            )
            states.cleared_since[row] = min(one.cleared_since, now)
            [states.shelved_until[row]] = not_ahead([one.shelved_until], now + SHELF)
            states.fired[row] = not_ahead(one.fired, now)
            found[row], passed[row] = (one.alert if one.alert in still else ""), one.passed
    return _Watched(judge, labels, ids, states, found, np.array([bool(one) for one in found], bool), passed)


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
        passed=int(watched.passed[row]),
    )

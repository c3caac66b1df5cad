"""Rules with their subjects: where they stand, and the alerts that begin and end by it."""

import sqlite3
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

import numpy as np

from alerts.engine.raised import Labels, raised, rule_labels, subject_id, subject_labels
from alerts.judging.conditions import Judge
from alerts.judging.lifecycle import SET_BACK, SHELF, Phase, States, advance, not_ahead
from alerts.judging.truths import Part, Truth, compared
from alerts.tables import alerts
from alerts.tables.rule_states import StoredState
from plant.arrays import Floats, Ints
from plant.park import Condition, Instants, Plant
from plant.vocabulary import NEVER


class WatchedRule:
    """Columns have a row to each subject. What `read` gives stands for what the state says until `advance`.

    Attributes
    ----------
    labels
        What names each subject.
    open
        The id of each subject's open alert, "" where it has none.
    judged
        Of a limit: the time of the newest reading, or the end of the newest window, that was judged [ns UTC].
    """

    def __init__(self, condition: Condition, plant: Plant) -> None:
        self.condition, self._plant = condition, plant
        self.labels = subject_labels(plant, condition)
        self._more_labels = rule_labels(condition)
        self._ids = [_stored_id(condition, labels) for labels in self.labels]

    @cached_property
    def judge(self) -> Judge:
        """What judges the condition at an instant of the clock."""
        return Judge(self.condition, self._plant)

    def read(self, stored: dict[tuple[str, str], StoredState], still: AbstractSet[str], now: int) -> None:
        """Stand where the subjects are stored, and take them out of that; those that never were begin as unknown.

        `still` are the alerts that are open. Times that are later than now are of a clock that ran ahead.
        """
        count = len(self._ids)
        self._states, self.judged = States.new(count, now), NEVER
        self.open, self._passed = [""] * count, np.full(count, -1)
        for row, subject in enumerate(self._ids):
            one = stored.pop((self.condition.name, subject), None)
            if one is not None:
                self._stand(row, one, still, now)
        self._is_open = np.array([bool(one) for one in self.open], bool)

    def _stand(self, row: int, one: StoredState, still: AbstractSet[str], now: int) -> None:
        states = self._states
        states.state[row], states.firing[row] = one.state, one.firing
        states.since[row], states.cleared_since[row] = (
            _by_now(one.since, now),
            _by_now(one.cleared_since, now),
        )
        [states.shelved_until[row]] = not_ahead([one.shelved_until], now + SHELF)
        states.fired[row] = not_ahead(one.fired, now)
        self.open[row], self._passed[row] = (one.alert if one.alert in still else ""), one.passed
        self.judged = _by_now(one.judged, now)

    def advance(
        self, connection: sqlite3.Connection, truth: Truth, instant: int, lag: int | None = 0
    ) -> Ints:
        """Go on by what is true at an instant [ns UTC]; return which subjects stood elsewhere before.

        The alert of a subject that is shelved is snoozed until that ends, `lag` later by our clock than by that of the
        instants [ns]; None: nobody knows of the alert, so it is not snoozed.
        """
        condition, before = self.condition, self._states
        after = advance(before, truth.truth, truth.clear, instant, condition.hold, condition.keep)
        begins, ends = after.firing & ~self._is_open, self._is_open & ~after.firing
        moved = (after.state != before.state) | (after.firing != before.firing)
        moved |= (after.cleared_since != before.cleared_since) | begins | ends
        self._states = after
        if begins.any():
            self._begin(connection, np.flatnonzero(begins), truth, instant, lag)
        if ends.any():
            self._end(connection, np.flatnonzero(ends), truth, instant)
        return np.flatnonzero(moved)

    def _begin(
        self, connection: sqlite3.Connection, rows: Ints, truth: Truth, instant: int, lag: int | None
    ) -> None:
        passed, until = truth.passed(rows), self._states.shelved_until[rows]
        snoozed = np.zeros(len(rows), np.int64) if lag is None else np.where(instant < until, until + lag, 0)
        columns: Sequence[np.ndarray] = (rows, passed.value, passed.limit, passed.of, snoozed)
        for row, *shown in zip(*(column.tolist() for column in columns), strict=True):
            one = raised(self.condition, self._more_labels, self.labels[row], instant, *shown)
            if alerts.begin(connection, one):
                self.open[row], self._is_open[row], self._passed[row] = one.id, True, shown[2]

    def _end(self, connection: sqlite3.Connection, rows: Ints, truth: Truth, instant: int) -> None:
        for row, value in zip(rows.tolist(), truth.values(self._passed[rows], rows).tolist(), strict=True):
            unit = self.condition.comparison(int(self._passed[row])).unit
            alerts.end(connection, self.open[row], instant, value, unit)
            self.open[row], self._is_open[row], self._passed[row] = "", False, -1

    def stored(self, rows: Ints) -> list[StoredState]:
        """Return where subjects stand."""
        states = self._states
        return [
            StoredState(
                rule=self.condition.name,
                subject=self._ids[row],
                state=int(states.state[row]),
                since=int(states.since[row]),
                firing=bool(states.firing[row]),
                cleared_since=int(states.cleared_since[row]),
                fired=tuple(states.fired[row].tolist()),
                shelved_until=int(states.shelved_until[row]),
                alert=self.open[row],
                passed=int(self._passed[row]),
                judged=self.judged,
            )
            for row in rows.tolist()
        ]


class WatchedLimit(WatchedRule):
    """A limit; it has one subject, its channel or its source (by index), and `max_gap` [ns] is that of the channel."""

    def __init__(self, condition: Condition, plant: Plant) -> None:
        super().__init__(condition, plant)
        [self.subject], [compared_by] = condition.subjects, condition.comparisons
        self._operator, self._limit = compared_by.operator, np.array(condition.limit)
        self.is_on_windows = condition.instants is Instants.WINDOWS
        self.max_gap = 0 if self.is_on_windows else plant.channels[self.subject].max_gap

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        return Phase(int(self._states.state[0]))

    def truth(self, value: Floats) -> Truth:
        """Return where it is passed, a row to each value; NaN is unknown."""
        truth = compared(self._operator, value, self._limit)
        whole = Part(self._operator, truth, sides=(value, self._limit), of=0)
        return Truth(truth, 1 - truth, whole)

    def turns(self, value: Floats) -> list[int]:
        """Return at which values, in order, it says something else than before; NaN is unknown, and always something else."""
        said = compared(self._operator, value, self._limit)
        before = {Phase.OK: 0.0, Phase.FIRING: 1.0 if self._is_open[0] else np.nan}.get(self.phase, np.nan)
        return np.flatnonzero(said != np.append(before, said[:-1])).tolist()


def _stored_id(condition: Condition, labels: Labels) -> str:
    """Return by what a subject is found again; a limit that is moved to something else, or another unit, is another one."""
    subject = subject_id(labels)
    return f"{condition.subject} {subject} {condition.unit}" if condition.is_limit else subject


def _by_now(time: int, now: int) -> int:
    """Return a time that was stored; now, where it is of a clock that ran ahead."""
    return time if time <= now + SET_BACK else now

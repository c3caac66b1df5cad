"""Looks again at the past of conditions where readings came late: what would have fired is noted, and wakes nobody.

What is to be looked at is in the state, and so are the readings that it is judged by. A little is done in each step of the
line; what is half done when the service stops is done again from its start, and tells nothing twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from alerts.engine.frame import Memory, PastFrame, asked_readings
from alerts.engine.raised import Labels, subject_id
from alerts.judging.conditions import Judge
from alerts.judging.lifecycle import Phase, States, advance
from alerts.judging.truths import Truth
from alerts.tables import alerts, late_looks, rule_states
from alerts.tables.late_looks import LateMark
from alerts.tables.rule_states import Begun
from plant.alert_rules.conditions import ASKED, OF_CHANNEL
from plant.arrays import Bools, Floats, Ints, Readings, Times
from plant.park import Condition, Plant
from plant.vocabulary import NEVER, NS_PER_S

LOOKS = 50  # instants that are judged again in one step of the line, at the most
READINGS = 20_000  # that are read for it in one step, at the most
SUBJECTS = 100  # of a condition that are looked at together, at the most
SETTLE = 10 * NS_PER_S  # after something late came, at the least: more of the same usually follows

_OF_READINGS = frozenset({"value", "age", "absent", *OF_CHANNEL})
_QUESTIONS = frozenset(word for words in ASKED.values() for word in words)


def asks_only_readings(condition: Condition) -> bool:
    """Return whether nothing but readings of channels decides a condition: of these alone the past can be judged again.

    What it asks of gateways nobody remembers, and windows of sources are filled in by every reading that comes.
    """
    steps = [step for step in (*condition.steps, *condition.clear) if step.name in _QUESTIONS]
    of_channel = condition.subject == "channel"
    return bool(steps) and all(
        step.name in _OF_READINGS and (step.index >= 0 or of_channel) for step in steps
    )


@dataclass(slots=True)
class _Runs:
    """Of each subject the instants at which it is true, from where it became so to where its alert would be over."""

    count: Ints
    first: Times
    last: Times
    worst: Floats  # the value furthest from its limit, NaN where none is known
    away: Floats  # how far that is
    of: Ints  # the comparison that it is true by at first, of which the worst value is

    @classmethod
    def none(cls, count: int) -> "_Runs":
        """Return subjects that are not true."""
        return cls(
            np.zeros(count, np.int64), np.full(count, NEVER), np.full(count, NEVER),
            np.full(count, np.nan), np.full(count, -np.inf), np.full(count, -1),
        )  # fmt: skip

    def add(self, truth: Truth, instant: int) -> None:
        """Count an instant in, where it is true."""
        is_true, passed = truth.truth == 1, truth.passed()
        is_first = is_true & (self.count == 0)
        self.first[is_first], self.of[is_first] = instant, passed.of[is_first]
        self.last[is_true] = instant
        self.count += is_true
        away = np.abs(passed.value - passed.limit)
        worse = is_true & (passed.of == self.of) & (away > self.away)
        self.worst[worse], self.away[worse] = passed.value[worse], away[worse]

    def end(self, rows: Bools) -> None:
        """Begin anew where it is over."""
        self.count[rows], self.worst[rows], self.away[rows] = 0, np.nan, -np.inf


@dataclass(slots=True)
class _Look:
    """Subjects of a condition that are looked at together; lists and columns have a row to each."""

    marks: Sequence[LateMark]
    labels: Sequence[Labels]
    judge: Judge
    frame: PastFrame
    states: States
    runs: _Runs
    start: int  # the first instant
    next: int  # the one to judge
    end: int  # the last one
    judged: int  # the newest instant that was judged in time when it began
    breaches: list[tuple[int, int, int]] = field(default_factory=list)  # row, and its first and last instant

    @property
    def condition(self) -> Condition:
        """The condition, of these subjects alone."""
        return self.judge.condition


class LateLooks:
    """Finds what late readings concern, and looks at it again."""

    def __init__(self, plant: Plant, memory: Memory, labels: Sequence[Sequence[Labels]]) -> None:
        """Take the labels of all subjects of each of the plant's conditions."""
        self._plant, self._memory, self._labels = plant, memory, labels
        self._asked = _Asked(plant)
        self._conditions = plant.conditions
        self._every = np.array([one.every for one in plant.conditions], np.int64)
        self._delay = np.array([one.delay for one in plant.conditions], np.int64)
        self._rows: dict[int, dict[str, int]] = {}
        self._begun: Mapping[str, Begun] = {}
        self._judged_before: Times = np.full(len(plant.conditions), NEVER)
        self.forget()

    def forget(self) -> None:
        """Drop what a transaction that was rolled back had begun."""
        self._new: list[tuple[Ints, Times]] = []
        self._look: _Look | None = None

    def begin(self, begun: Mapping[str, Begun]) -> None:
        """Learn since when each condition is judged, and up to which instant it was before that."""
        self._begun = begun
        self._judged_before = np.array([begun[one.name].judged for one in self._conditions], np.int64)

    def take(self, new: Readings, fresh: Bools) -> None:
        """Take readings as they came; those that are not `fresh` were known."""
        rows = np.flatnonzero(fresh & self._asked.is_asked[new.channel])
        if len(rows):
            self._new.append((new.channel[rows].astype(np.int64), new.time[rows]))

    # --- what came late -------------------------------------------------------------------------------------------

    def mark(self, before: int, judged: int, now: int) -> None:
        """Note which subjects the readings of this step concern too late.

        Parameters
        ----------
        before, judged
            When conditions were judged last before this step, and last of all. [ns UTC]
        """
        if not self._new:
            return
        channel, time = (np.concatenate(column) for column in zip(*self._new, strict=True))
        self._new = []
        # Of the instants that one step skips none was judged, so what came with the newest of them is late for the others.
        late_until = np.maximum(self._grid(before), self._grid(judged) - self._every)
        late_until = np.maximum(late_until, self._judged_before)
        rows = time <= late_until.max(initial=NEVER)
        if rows.any():
            found = self._asked.reached(channel[rows], time[rows], late_until)
            late_looks.mark_late(self._memory.connection, list(self._marks(*found, now)))

    def _grid(self, now: int) -> Times:
        """Return the newest instant of each condition that is judged at a time."""
        return np.asarray((now - self._delay) // self._every * self._every)

    def _marks(self, number: Ints, row: Ints, first: Times, last: Times, now: int) -> Iterator[LateMark]:
        columns = zip(number.tolist(), row.tolist(), first.tolist(), last.tolist(), strict=True)
        for of, subject, start, end in columns:
            condition = self._conditions[of]
            if end >= self._begun[condition.name].at:
                name = subject_id(self._labels[of][subject])
                yield LateMark(condition.name, name, start, end, now + _rest(condition))

    # --- the second look ------------------------------------------------------------------------------------------

    def look(self, judged: int, now: int) -> bool:
        """Judge a few past instants again, and note what is found; `judged` is when conditions were judged last.

        Returns whether that goes on: what was found so far is in memory alone.
        """
        look = self._look or self._begin(judged, now)
        if look is None:
            return False
        self._look = look
        every = look.condition.every
        reached = look.frame.read_on(min(look.end, look.next + (LOOKS - 1) * every), READINGS)
        while look.next <= min(look.end, reached):
            self._judge(look, now)
            look.next += every
        if look.next > look.end:
            self._finish(look, now)
            self._look = None
        return self._look is not None

    def _begin(self, judged: int, now: int) -> _Look | None:
        """Begin with what has been due for longest, without what is configured no longer."""
        marks = late_looks.due_marks(self._memory.connection, now, SUBJECTS)
        found = [self._found(one) for one in marks]
        for mark, at in zip(marks, found, strict=True):
            if at is None:
                late_looks.settle_mark(self._memory.connection, mark)
        known = [(mark, at) for mark, at in zip(marks, found, strict=True) if at is not None]
        if not known:
            return None
        number = known[0][1][0]
        mine = [(mark, row) for mark, (of, row) in known if of == number]
        return self._looked([mark for mark, _ in mine], number, [row for _, row in mine], judged)

    def _found(self, mark: LateMark) -> tuple[int, int] | None:
        """Return a subject's condition and its row there."""
        for number, condition in enumerate(self._conditions):
            if condition.name == mark.condition and asks_only_readings(condition):
                if number not in self._rows:
                    self._rows[number] = {
                        subject_id(one): row for row, one in enumerate(self._labels[number])
                    }
                if mark.subject in self._rows[number]:
                    return number, self._rows[number][mark.subject]
        return None

    def _looked(self, marks: Sequence[LateMark], number: int, rows: Sequence[int], judged: int) -> _Look:
        condition = _of_subjects(self._conditions[number], rows)
        every = condition.every
        newest = max(int(self._grid(judged)[number]), int(self._judged_before[number]) // every * every)
        start, end = late_looks.with_late_spans(
            self._memory.connection,
            marks,
            min(one.first for one in marks) - condition.hold,
            max(one.last for one in marks) + condition.hold,
        )
        start = -(-max(start, self._begun[condition.name].at) // every) * every
        return _Look(
            marks=marks,
            labels=[self._labels[number][row] for row in rows],
            judge=Judge(condition, self._plant),
            frame=PastFrame(self._plant, self._memory, condition, start),
            states=States.new(len(rows), start),
            runs=_Runs.none(len(rows)),
            start=start,
            next=start,
            end=min(end // every * every, newest),
            judged=newest,
        )

    def _judge(self, look: _Look, now: int) -> None:
        """Judge an instant as it would have been; whether somebody would have been told at once is of no matter here."""
        look.frame.look(look.next, look.next)
        truth, before, condition = look.judge.truth(look.frame), look.states, look.condition
        look.states = advance(before, truth.truth, truth.clear, look.next, condition.hold, condition.keep)
        look.runs.add(truth, look.next)
        for row in np.flatnonzero(before.firing & ~look.states.firing).tolist():
            self._note(look, row, look.next, now)
        look.runs.end(~look.states.firing & (look.states.state != Phase.PENDING))

    def _note(self, look: _Look, row: int, until: int, now: int) -> None:
        """Note a breach that no alert told of, one that was noted before excepted."""
        runs, condition, subject = look.runs, look.condition, look.marks[row].subject
        first, last = int(runs.first[row]), int(runs.last[row])
        look.breaches.append((row, first, until))
        connection, labels = self._memory.connection, look.labels[row]
        if late_looks.told_alerts(connection, condition.name, labels, first, until):
            return
        if late_looks.note_late_span(connection, condition.name, subject, first, last):
            worst, unit = float(runs.worst[row]), condition.comparison(int(runs.of[row])).unit
            alerts.note_event(
                connection, "", now, alerts.RETROACTIVE, rule=condition.name, labels=dict(labels), first=first, last=last,
                count=int(runs.count[row]), worst=None if np.isnan(worst) else worst, unit=unit,
            )  # fmt: skip

    def _finish(self, look: _Look, now: int) -> None:
        """Note what lasts to the end, and take the subjects off; those whose alert is about to begin are looked at later."""
        condition, connection = look.condition, self._memory.connection
        is_open = look.states.firing | (look.states.state == Phase.PENDING)
        pending = (
            rule_states.subjects_in(connection, condition.name, Phase.PENDING) if is_open.any() else set()
        )
        for row, mark in enumerate(look.marks):
            if is_open[row] and look.end == look.judged and mark.subject in pending:
                late_looks.put_off_mark(connection, mark, now + _rest(condition))
                continue
            if look.states.firing[row]:
                self._note(look, row, look.end + condition.hold + condition.every, now)
            self._doubt(look, row, now)
            late_looks.settle_mark(connection, mark)
            late_looks.put_off_mark(connection, mark, now + _rest(condition))

    def _doubt(self, look: _Look, row: int, now: int) -> None:
        """Say of each alert that began and ended in the stretch, where no breach is to be seen any more, that it was none."""
        connection, mark, name = self._memory.connection, look.marks[row], look.condition.name
        for one in late_looks.told_alerts(connection, name, look.labels[row], mark.first, look.end):
            is_within = mark.first <= one.started_at and one.ended_at <= look.end
            is_seen = any(
                of == row and first <= one.ended_at and until >= one.started_at
                for of, first, until in look.breaches
            )
            if is_within and not is_seen and not late_looks.has_event(connection, one.id, alerts.RETROACTIVE):
                alerts.note_event(connection, one.id, now, alerts.RETROACTIVE, rule=name, cleared=True)


class _Asked:
    """Which subjects of which conditions ask each channel, and for how long after it a reading tells."""

    def __init__(self, plant: Plant) -> None:
        max_gap = np.array([channel.max_gap for channel in plant.channels], np.int64)
        parts = [
            (np.array(channels, np.int32), number)
            for number, condition in enumerate(plant.conditions)
            if asks_only_readings(condition)
            for channels, _ in asked_readings(condition)
        ]
        channel = np.concatenate([np.empty(0, np.int32), *(channels for channels, _ in parts)])
        order = np.argsort(channel, kind="stable")
        self._channel = channel[order]
        self._number = np.repeat(
            np.array([number for _, number in parts], np.int32),
            np.array([len(channels) for channels, _ in parts], np.int64),
        )[order]
        rows = [np.arange(len(channels), dtype=np.int32) for channels, _ in parts]
        self._row = np.concatenate([np.empty(0, np.int32), *rows])[order]
        self._reach = np.array([_reach(one) for one in plant.conditions], np.int64)
        self._every = np.array([one.every for one in plant.conditions], np.int64)
        self._max_gap = max_gap
        self.is_asked: Bools = np.zeros(len(plant.channels), bool)
        self.is_asked[self._channel] = True

    def reached(self, channel: Ints, time: Times, late_until: Times) -> tuple[Ints, Ints, Times, Times]:
        """Return condition and row of the subjects that readings concern too late, and between which times.

        Parameters
        ----------
        channel, time
            Of the readings. [ns UTC]
        late_until
            Up to when a reading is too late for each condition. [ns UTC]
        """
        some, place = np.unique(channel, return_inverse=True)
        oldest, newest = np.full(len(some), -NEVER), np.full(len(some), NEVER)
        np.minimum.at(oldest, place, time)
        np.maximum.at(newest, place, time)
        low, high = (np.searchsorted(self._channel, some, side) for side in ("left", "right"))
        count = high - low
        of = np.repeat(np.arange(len(some)), count)
        entry = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(len(of))
        number = self._number[entry].astype(np.int64)
        late = oldest[of] <= late_until[number]
        of, entry, number = of[late], entry[late], number[late]
        last = np.minimum(newest[of], late_until[number]) + self._reach[number] + self._max_gap[some[of]]
        return _together(number, self._row[entry].astype(np.int64), oldest[of], last)


def _together(number: Ints, row: Ints, first: Times, last: Times) -> tuple[Ints, Ints, Times, Times]:
    """Return each subject once, with the stretch that holds all of its own."""
    keys, place = np.unique(number << 32 | row, return_inverse=True)
    low, high = np.full(len(keys), -NEVER), np.full(len(keys), NEVER)
    np.minimum.at(low, place, first)
    np.maximum.at(high, place, last)
    return keys >> 32, keys & 0xFFFFFFFF, low, high


def _reach(condition: Condition) -> int:
    """Return for how long after it a reading tells of a channel, beside its max_gap [ns]."""
    spans = [step.span for step in (*condition.steps, *condition.clear) if step.name == "absent"]
    return max([*spans, *(span for _, span in asked_readings(condition))], default=0)


def _rest(condition: Condition) -> int:
    """Return how long after something late came it is looked at: until then an alert would have begun, if it lasts."""
    return max(condition.hold + condition.every, SETTLE)


def _of_subjects(condition: Condition, rows: Sequence[int]) -> Condition:
    """Return a condition of some of its subjects."""
    return replace(
        condition,
        subjects=tuple(condition.subjects[row] for row in rows),
        others=tuple(tuple(channels[row] for row in rows) for channels in condition.others),
    )

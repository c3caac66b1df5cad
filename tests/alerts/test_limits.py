"""Limits are judged as a plain loop would, once, in time order, and never by what is unknown."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.engine.raised import raised
from alerts.engine.watch import ALONE, RuleWatch
from alerts.engine.watched_rule import WatchedLimit
from alerts.judging.conditions import evaluate
from alerts.judging.lifecycle import CHATTER, CHATTER_SPAN, SHELF, Phase, States, advance
from alerts.tables.alerts import begin
from alerts.tables.rule_states import StoredState, rule_states, save_rule_states
from plant.alert_rules.alerts import limit
from plant.arrays import Readings
from plant.park import Bilingual, Condition, Instants
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Quality
from proof.rule_frame import ScenarioFrame
from store.blocks import CO2E_T, MEASURED, empty, to_bytes
from store.messages.news import News
from tests.notify.state import endpoint, plant

UNHEARD = plant()
TOLD = plant(endpoint())
MINUTES = NS_PER_HOUR // NS_PER_MIN


def on_readings(operator: str = ">", number: float = 5.0) -> Condition:
    return limit(
        "co2", Instants.READINGS, 0, operator, number, "%", severity="info", summary=Bilingual("It is hot")
    )


def on_windows(number: float, delay: int) -> Condition:
    """Return a limit in t/h on windows, judged some seconds after their end."""
    made = on_readings(">", number)
    return replace(
        made, instants=Instants.WINDOWS, subject="source", unit="t/h", delay=delay * NS_PER_S, name="rate"
    )


class Memory:
    """A state in memory, as far as the rules of alerts ask it."""

    is_quiet = False
    source_ids = channel_ids = np.array([0])

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(resources.files("store").joinpath("schema.sql").read_text())
        self.connection.execute("INSERT INTO meta VALUES ('window', ?)", (NS_PER_MIN,))

    def close(self) -> None:
        self.connection.close()


@dataclass(frozen=True)
class Stand:
    """Where a limit stands: `judged` is a time [ns UTC]."""

    phase: Phase = Phase.UNKNOWN
    judged: int = 0
    is_open: bool = False


OPEN = Stand(Phase.FIRING, 10, is_open=True)
QUIET = Stand(Phase.OK, 10)
NEW = Stand()


class Bench:
    """A watch over one limit, on a state where that stands somewhere; its clock stands at `now` [ns UTC]."""

    def __init__(self, memory: Memory, rule: Condition, before: Stand, now: int, told=TOLD) -> None:
        self.memory, self.rule, self.now = memory, rule, now
        self.plant = replace(told, rules=(rule,))
        if before is not None:
            self._stand(before)
        self.watch = RuleWatch(self.plant, memory, lambda: self.now, "")

    def _stand(self, before: Stand) -> None:
        watched = WatchedLimit(self.rule, self.plant)
        watched.read({}, set(), self.now)
        [stored] = watched.stored(ALONE)
        stored = replace(stored, state=before.phase, judged=before.judged)
        if before.is_open:
            alert = raised(self.rule, {}, watched.labels[0], before.judged - 1, 9.0, self.rule.limit, 0)
            begin(self.memory.connection, alert)
            stored = replace(stored, firing=True, alert=alert.id, passed=0)
        save_rule_states(self.memory.connection, [stored])
        self.known = len(self.all_transitions())

    def read(self, readings, counting=None, message=None) -> None:
        """Let readings (time, value) arrive, all in one message, or in those that are given."""
        time, value = zip(*readings, strict=True) if readings else ((), ())
        count = len(time)
        good = np.ones(count, bool) if counting is None else np.array(counting, bool)
        new = Readings(
            channel=np.zeros(count, np.int32),
            time=np.array(time, np.int64),
            value=np.array(value, np.float64),
            quality=np.where(good, Quality.GOOD, Quality.BAD).astype(np.uint8),
            flags=np.zeros(count, np.uint8),
            verdict=np.zeros(count, np.uint8),
            boot=np.zeros(count, np.int32),
            correction=np.zeros(count, np.int32),
            message=np.array(message or [0] * count, np.int64),
        )
        none = np.empty(0, np.int64)
        self.watch.see([News(False, "", [], none, none, new, np.ones(count, bool))], self.now)

    def emit(self, starts, co2e_t, measured) -> None:
        """Store windows of the first hour, by the minutes that they start at [t]."""
        block = empty(MINUTES)
        block[starts, CO2E_T], block[starts, MEASURED] = co2e_t, measured
        self.memory.connection.execute(
            "INSERT OR REPLACE INTO emission (source, hour, revision, block) VALUES (0, 0, 1, ?)",
            (to_bytes(block),),
        )

    @property
    def stored(self) -> StoredState:
        """Where the limit stands now."""
        [one] = rule_states(self.memory.connection).values()
        return one

    @property
    def at(self) -> tuple[Phase, int]:
        """Where it stands, and how far it has judged [ns UTC]."""
        return Phase(self.stored.state), self.stored.judged

    def all_transitions(self) -> list[tuple[bool, int, float]]:
        rows = self.memory.connection.execute(
            "SELECT kind, at, detail FROM alert_event WHERE kind IN ('firing', 'resolved') ORDER BY id"
        )
        return [(kind == "firing", at, json.loads(detail)["value"]) for kind, at, detail in rows]

    @property
    def transitions(self) -> list[tuple[bool, int, float]]:
        """What began (True) and ended by what came: when [ns UTC], and by which value."""
        return self.all_transitions()[self.known :]

    @property
    def minutes(self) -> list[tuple[bool, int]]:
        return [(firing, time // NS_PER_MIN) for firing, time, _ in self.transitions]

    @property
    def late(self) -> list[tuple[int, float]]:
        return self.memory.connection.execute("SELECT time, value FROM late_breach ORDER BY time").fetchall()


@pytest.fixture
def memory():
    with closing(Memory()) as made:
        yield made


def judged(memory, before: Stand, *readings, counting=None, operator=">", number=5.0) -> Bench:
    bench = Bench(memory, on_readings(operator, number), before, 100)
    bench.read(readings, counting)
    return bench


def windows(memory, before: Stand, now: int, starts, co2e_t, measured=1.0, number=6.0, delay=60) -> Bench:
    """Judge windows of a minute; times are minutes, `delay` is seconds."""
    if before.judged == 10:
        before = replace(before, judged=10 * NS_PER_MIN)
    bench = Bench(memory, on_windows(number, delay), before, now * NS_PER_MIN)
    bench.emit(starts, co2e_t, measured)
    bench.watch.see([], bench.now)
    return bench


def test_a_rule_fires_at_the_first_reading_beyond_its_limit_and_resolves_at_the_first_within(memory):
    found = judged(memory, QUIET, (20, 4.0), (30, 6.0), (40, 7.0), (50, 5.0))

    assert found.transitions == [(True, 30, 6.0), (False, 50, 5.0)]
    assert found.at == (Phase.OK, 50)


def test_readings_are_judged_in_time_order_however_they_came(memory):
    found = judged(memory, QUIET, (50, 4.0), (30, 6.0))

    assert found.transitions == [(True, 30, 6.0), (False, 50, 4.0)]


def test_messages_are_judged_one_after_the_other_however_their_readings_lie(memory):
    """What is older than a reading of an earlier message came late, in whatever batch."""
    found = Bench(memory, on_readings(), QUIET, 100)
    found.read([(30, 4.0), (50, 4.0), (40, 9.0), (60, 7.0)], message=[0, 0, 1, 1])

    assert (found.transitions, found.late) == ([(True, 60, 7.0)], [(40, 9.0)])


def test_an_open_alert_does_not_fire_again(memory):
    found = judged(memory, OPEN, (20, 6.0))

    assert found.transitions == []
    assert found.at == (Phase.FIRING, 20)


@pytest.mark.parametrize("time", [9, 10], ids=["older", "equal"])
def test_a_reading_not_newer_than_the_newest_judged_is_a_late_breach_and_wakes_nobody(memory, time: int):
    found = judged(memory, QUIET, (time, 6.0))

    assert (found.transitions, *found.at) == ([], Phase.OK, 10)
    assert found.late == [(time, 6.0)]


def test_a_late_reading_within_the_limit_does_not_resolve(memory):
    found = judged(memory, OPEN, (9, 1.0))

    assert (found.transitions, found.at[0], found.late) == ([], Phase.FIRING, [])


def test_of_two_readings_with_one_time_only_the_first_is_judged(memory):
    found = judged(memory, QUIET, (20, 4.0), (20, 6.0))

    assert (found.transitions, found.late) == ([], [(20, 6.0)])


@pytest.mark.parametrize("number", [0.7, -0.7, 0.0, 1e9])
@pytest.mark.parametrize("operator", [">", "<"])
def test_a_value_equal_to_its_limit_within_the_slack_is_no_breach(number: float, operator: str):
    beyond = 1 if operator == ">" else -1
    near, far = (
        number + beyond * abs(number) * 0.9e-9,
        number + beyond * (abs(number) * 2e-9 + 1e-12),
    )

    truth = WatchedLimit(on_readings(operator, number), UNHEARD).truth(np.array([number, near, far]))
    assert truth.truth.tolist() == [0, 0, 1]


@pytest.mark.parametrize("operator", [">", "<"])
@pytest.mark.parametrize("before", [QUIET, OPEN, NEW])
def test_nan_never_fires_resolves_or_counts_as_judged(memory, before: Stand, operator: str):
    found = judged(memory, before, (20, np.nan), operator=operator)

    assert (found.transitions, *found.at) == ([], before.phase, before.judged)


def test_a_reading_of_bad_quality_never_fires_nor_is_late(memory):
    found = judged(memory, QUIET, (5, 9.0), (20, 9.0), counting=[False, False])

    assert (found.transitions, found.at[1], found.late) == ([], 10, [])


def test_no_readings_change_nothing(memory):
    found = judged(memory, OPEN)

    assert (found.transitions, *found.at) == ([], Phase.FIRING, 10)


def test_an_alert_that_was_open_when_its_state_became_unknown_goes_on_without_a_second_firing(memory):
    found = judged(memory, Stand(Phase.UNKNOWN, 10, is_open=True), (20, 6.0))
    assert (found.transitions, found.at[0]) == ([], Phase.FIRING)

    found.now += 2 * NS_PER_HOUR
    found.watch.see([], found.now)
    assert (found.transitions, found.at[0]) == ([], Phase.UNKNOWN)

    found.read([(30, 4.0)])
    assert found.transitions == [(False, 30, 4.0)]


def test_a_state_is_unknown_once_max_gap_has_passed_since_the_newest_counting_reading(memory):
    found = judged(memory, QUIET)
    [channel] = found.plant.channels
    found.watch.see([], 10 + channel.max_gap)
    assert found.at == (Phase.OK, 10)

    found.watch.see([], 11 + channel.max_gap)
    assert found.at == (Phase.UNKNOWN, 10)


@given(
    readings=st.lists(
        st.tuples(st.integers(1, 40), st.sampled_from([1.0, 5.0, 5.0 + 1e-12, 9.0, np.nan]), st.booleans()),
        max_size=30,
    ),
    operator=st.sampled_from("<>"),
    open_alert=st.booleans(),
    start=st.integers(2, 20),
)
def test_the_judge_of_columns_agrees_with_the_plain_loop(readings, operator, open_alert, start):
    before = Stand(Phase.FIRING if open_alert else Phase.OK, start, open_alert)
    transitions, late, newest, firing = [], {}, start, open_alert
    for time, value, good in sorted(readings, key=lambda r: r[0]):
        breach = value > 5 + 5e-9 if operator == ">" else value < 5 - 5e-9
        if not good or np.isnan(value):
            continue
        if time <= newest:
            if breach:
                late.setdefault(time, value)
            continue
        if breach != firing:
            transitions.append((breach, time, value))
        newest, firing = time, breach

    with closing(Memory()) as memory:
        found = judged(
            memory, before, *[r[:2] for r in readings], counting=[r[2] for r in readings], operator=operator
        )

        assert found.transitions == transitions
        assert found.late == sorted(late.items())
        assert found.at == (Phase.FIRING if firing else Phase.OK, newest)


@given(
    values=st.lists(st.sampled_from([1.0, 5.0, 9.0, np.nan]), min_size=1, max_size=30),
    cuts=st.sets(st.integers(1, 29)),
    restarts=st.booleans(),
)
def test_readings_in_time_order_give_the_same_alerts_and_state_however_they_are_batched(
    values, cuts, restarts
):
    readings = [(20 + i, v) for i, v in enumerate(values)]
    edges = [0, *sorted(c for c in cuts if c < len(readings)), len(readings)]
    with closing(Memory()) as one, closing(Memory()) as other:
        whole = judged(one, QUIET, *readings)
        parts = judged(other, QUIET)
        for low, high in pairwise(edges):
            parts.read(readings[low:high])
            if restarts:
                parts.watch = RuleWatch(parts.plant, other, lambda: 100, "")

        assert parts.transitions == whole.transitions
        assert parts.stored == whole.stored


@given(
    values=st.lists(st.sampled_from([1.0, 4.999999999, 5.0, 5.0 + 1e-12, 6.0]), min_size=1, max_size=20),
    operator=st.sampled_from("<>"),
)
def test_a_limit_is_the_condition_that_it_says(values, operator):
    """Judged as a condition at the instants of its readings it says the same."""
    rule = on_readings(operator)
    frame = ScenarioFrame(UNHEARD, 0, NS_PER_MIN, {0: np.array(values)}, {})
    said = []
    for place in range(len(values)):
        frame.now = place * NS_PER_MIN
        said.append(evaluate(rule, UNHEARD, frame).truth[0])

    assert WatchedLimit(rule, UNHEARD).truth(np.array(values)).truth.tolist() == said


def test_a_windows_rate_is_its_emission_per_hour(memory):
    """0.11 t in a minute is 6.6 t/h; exactly 6 t/h is no breach of 6 t/h."""
    found = windows(memory, QUIET, 13, [10, 11], [0.1, 0.11])

    assert found.minutes == [(True, 12)]
    assert found.transitions[0][2] == pytest.approx(6.6, rel=1e-12)


def test_a_window_is_judged_when_its_end_and_the_delay_have_passed_and_not_before(memory):
    found = windows(memory, QUIET, 11, [10], [0.2])
    assert found.transitions == []

    found.watch.see([], 12 * NS_PER_MIN)
    assert found.minutes == [(True, 11)]


def test_a_window_is_judged_once(memory):
    found = windows(memory, QUIET, 12, [10], [0.0])
    found.emit([10], [0.2], 1.0)
    found.watch.see([], 12 * NS_PER_MIN)
    found.watch.see([], 12 * NS_PER_MIN + NS_PER_S)

    assert (found.transitions, found.at[0]) == ([], Phase.OK)


def test_windows_are_judged_in_order(memory):
    found = windows(memory, QUIET, 20, [10, 11, 12], [0.2, 0.2, 0.0])

    assert found.minutes == [(True, 11), (False, 13)]


@pytest.mark.parametrize(("co2e_t", "measured"), [(0.2, 0.0), (np.nan, 1.0), (0.2, np.nan), (0.0, 0.0)])
@pytest.mark.parametrize("before", [QUIET, OPEN])
def test_an_unknown_window_neither_fires_nor_resolves(memory, before: Stand, co2e_t: float, measured: float):
    found = windows(memory, before, 12, [10], [co2e_t], [measured])

    assert (found.transitions, found.at[0]) == ([], Phase.UNKNOWN)


def test_a_window_that_was_unknown_at_its_time_wakes_nobody_when_it_is_filled_later(memory):
    found = windows(memory, QUIET, 12, [], [])
    assert found.at[0] == Phase.UNKNOWN

    found.emit([10, 11], [0.2, 0.0], 1.0)
    found.watch.see([], 13 * NS_PER_MIN)
    assert (found.transitions, found.at[0]) == ([], Phase.OK)


def test_a_state_is_unknown_where_the_newest_due_window_is(memory):
    found = windows(memory, QUIET, 13, [10, 11], [0.2, 0.0], [1.0, 0.0])

    assert found.minutes == [(True, 11)]
    assert found.at == (Phase.UNKNOWN, 12 * NS_PER_MIN)


def test_a_clock_that_went_back_changes_nothing(memory):
    found = windows(memory, Stand(Phase.OK, 20 * NS_PER_MIN), 21, [18], [0.2])
    found.watch.see([], 19 * NS_PER_MIN)

    assert (found.transitions, *found.at) == ([], Phase.OK, 20 * NS_PER_MIN)


# --- a limit that chatters -----------------------------------------------------------------------------------------


def flap(bench: Bench, *minutes: int) -> None:
    """Let the limit fire at these minutes, each over half a minute later, all judged at 0."""
    times = [minute * NS_PER_MIN for minute in minutes]
    bench.read([one for time in times for one in ((time, 9.0), (time + NS_PER_MIN // 2, 1.0))])


def snoozes(bench: Bench) -> list[int]:
    """Return for how long each firing was snoozed from its judgement at 0 on. [min]"""
    rows = bench.memory.connection.execute("SELECT snoozed_until FROM alert ORDER BY started_at")
    return [until // NS_PER_MIN for (until,) in rows]


def snoozed(memory, *minutes: int) -> list[int]:
    bench = Bench(memory, on_readings(), Stand(Phase.OK), 0)
    flap(bench, *minutes)
    return snoozes(bench)


@pytest.mark.parametrize(
    ("minutes", "wanted"),
    [((1, 3, 5), [0, 0, 30]), ((1, 6, 11), [0, 0, 30]), ((1, 6, 12), [0, 0, 0])],
)
def test_what_fires_three_times_in_ten_minutes_is_snoozed_for_thirty(memory, minutes, wanted) -> None:
    assert snoozed(memory, *minutes) == wanted


@pytest.mark.parametrize(
    ("minutes", "wanted"),
    [
        ((1, 2, 3, 13, 20, 32), [0, 0, 30, 20, 13, 1]),
        ((1, 2, 3, 4, 33, 34), [0, 0, 30, 29, 0, 0]),
    ],
)
def test_what_fires_while_it_is_shelved_is_snoozed_for_what_is_left_and_told_after_it(
    memory, minutes, wanted
) -> None:
    assert snoozed(memory, *minutes) == wanted


def test_a_shelf_is_over_at_its_last_instant_and_what_fires_then_is_told_at_once(memory) -> None:
    """It is no part of what it ends: the firing at 33 min is the first one after the 30 min that began at 3."""
    bench = Bench(memory, on_readings(), Stand(Phase.OK), 0)
    bench.now = 100 * NS_PER_MIN
    flap(bench, 1, 2, 3, 33)

    assert snoozes(bench) == [0, 0, 130, 0]


def test_nothing_is_snoozed_of_which_nobody_knows_and_it_counts_all_the_same(memory) -> None:
    unheard = Bench(memory, on_readings(), Stand(Phase.OK), 0, UNHEARD)
    flap(unheard, 1, 2, 3)
    assert snoozes(unheard) == [0, 0, 0]

    unheard.watch = RuleWatch(replace(TOLD, rules=(unheard.rule,)), memory, lambda: 0, "")
    flap(unheard, 4)
    assert snoozes(unheard) == [0, 0, 0, 29]


def test_an_end_is_never_snoozed_and_a_shelf_changes_no_time_and_no_value(memory) -> None:
    bench = Bench(memory, on_readings(), Stand(Phase.OK), 0)
    flap(bench, 1, 2, 3, 4)

    half = NS_PER_MIN // 2
    assert bench.transitions == [
        one
        for time in range(NS_PER_MIN, 5 * NS_PER_MIN, NS_PER_MIN)
        for one in ((True, time, 9.0), (False, time + half, 1.0))
    ]
    kinds = "SELECT kind, count(*) FROM alert_event GROUP BY kind ORDER BY kind"
    assert memory.connection.execute(kinds).fetchall() == [("firing", 4), ("resolved", 4), ("snoozed", 2)]


@given(
    pauses=st.lists(st.integers(1, 25), min_size=1, max_size=30),
    cuts=st.sets(st.integers(1, 29)),
)
def test_a_limit_is_shelved_when_a_subject_of_a_condition_would_be_however_it_is_batched(
    pauses, cuts
) -> None:
    minutes_ = np.cumsum(pauses).tolist()
    states, wanted = States.new(1, 0), []
    for minute in minutes_:
        now = minute * NS_PER_MIN
        states = advance(states, np.ones(1), np.zeros(1), now, 0, 0)
        wanted.append(int(states.shelved_until[0] - now) // NS_PER_MIN if states.shelved(now)[0] else 0)
        states = advance(states, np.zeros(1), np.ones(1), now + NS_PER_MIN // 2, 0, 0)

    edges = [0, *sorted(cut for cut in cuts if cut < len(minutes_)), len(minutes_)]
    with closing(Memory()) as memory:
        bench = Bench(memory, on_readings(), Stand(Phase.OK), 0)
        for low, high in pairwise(edges):
            flap(bench, *minutes_[low:high])

        assert snoozes(bench) == wanted
        assert len(bench.stored.fired) == CHATTER
    assert (CHATTER_SPAN, SHELF) == (10 * NS_PER_MIN, 30 * NS_PER_MIN)

"""Limits are judged as a plain loop would, once, in time order, and never by what is unknown."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.judging.lifecycle import CHATTER, CHATTER_SPAN, SHELF, States, advance
from alerts.judging.thresholds import (
    Judgement,
    RuleState,
    Shelf,
    State,
    Transition,
    judge_readings,
    judge_windows,
    shelved,
    unknown_since,
)
from plant.vocabulary import NS_PER_MIN, NS_PER_S

OPEN = RuleState(State.FIRING, 10, "alert_1")
QUIET = RuleState(State.OK, 10)


def judged(state: RuleState, *readings: tuple[int, float], counting=None, above=True, limit=5.0) -> Judgement:
    time, value = zip(*readings, strict=True) if readings else ((), ())
    mask = np.ones(len(time), bool) if counting is None else np.array(counting, bool)
    return judge_readings(
        above, limit, state,
        time=np.array(time, np.int64), value=np.array(value, np.float64), counting=mask, message=np.zeros(len(time), np.int64),
    )  # fmt: skip


def windows(state: RuleState, now: int, starts, co2e_t, coverage=None, limit=6.0, delay=60) -> Judgement:
    """Judge windows of a minute; times are minutes, `delay` is seconds."""
    start = np.array(starts, np.int64) * NS_PER_MIN
    tonnes = np.array(co2e_t, np.float64)
    covered = np.ones(len(start)) if coverage is None else np.array(coverage, np.float64)
    return judge_windows(
        True,
        limit,
        state,
        now=now * NS_PER_MIN,
        delay=delay * NS_PER_S,
        window=NS_PER_MIN,
        start=start,
        co2e_t=tonnes,
        coverage=covered,
    )


def minutes(judgement: Judgement) -> list[tuple[bool, int]]:
    return [(t.firing, t.time // NS_PER_MIN) for t in judgement.transitions]


def test_a_rule_fires_at_the_first_reading_beyond_its_limit_and_resolves_at_the_first_within():
    result = judged(QUIET, (20, 4.0), (30, 6.0), (40, 7.0), (50, 5.0))

    assert result.transitions == (Transition(True, 30, 6.0), Transition(False, 50, 5.0))
    assert (result.state, result.judged) == (State.OK, 50)


def test_readings_are_judged_in_time_order_however_they_came():
    assert judged(QUIET, (50, 4.0), (30, 6.0)).transitions == judged(QUIET, (30, 6.0), (50, 4.0)).transitions


def test_an_open_alert_does_not_fire_again():
    result = judged(OPEN, (20, 6.0))

    assert result.transitions == ()
    assert result.state == State.FIRING


@pytest.mark.parametrize("time", [9, 10], ids=["older", "equal"])
def test_a_reading_not_newer_than_the_newest_judged_is_a_late_breach_and_wakes_nobody(time: int):
    result = judged(QUIET, (time, 6.0))

    assert (result.transitions, result.state, result.judged) == ((), State.OK, 10)
    assert list(zip(result.late_time, result.late_value, strict=True)) == [(time, 6.0)]


def test_a_late_reading_within_the_limit_does_not_resolve():
    result = judged(OPEN, (9, 1.0))

    assert (result.transitions, result.state) == ((), State.FIRING)
    assert len(result.late_time) == 0


def test_of_two_readings_with_one_time_only_the_first_is_judged():
    result = judged(QUIET, (20, 4.0), (20, 6.0))

    assert result.transitions == ()
    assert result.late_time.tolist() == [20]


@pytest.mark.parametrize("limit", [0.7, -0.7, 0.0, 1e9])
@pytest.mark.parametrize("above", [True, False])
def test_a_value_equal_to_its_limit_within_the_slack_is_no_breach(limit: float, above: bool):
    beyond = 1 if above else -1
    near, far = limit + beyond * abs(limit) * 0.9e-9, limit + beyond * (abs(limit) * 2e-9 + 1e-12)

    assert judged(QUIET, (20, limit), above=above, limit=limit).state == State.OK
    assert judged(QUIET, (20, near), above=above, limit=limit).state == State.OK
    assert judged(QUIET, (20, far), above=above, limit=limit).state == State.FIRING


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("state", [QUIET, OPEN, RuleState()])
def test_nan_never_fires_resolves_or_counts_as_judged(state: RuleState, above: bool):
    result = judged(state, (20, np.nan), above=above)

    assert (result.transitions, result.state, result.judged) == ((), state.state, state.judged)


def test_a_reading_of_bad_quality_never_fires_nor_is_late():
    result = judged(QUIET, (5, 9.0), (20, 9.0), counting=[False, False])

    assert (result.transitions, result.judged, len(result.late_time)) == ((), 10, 0)


def test_no_readings_change_nothing():
    result = judged(OPEN)

    assert (result.transitions, result.state, result.judged) == ((), State.FIRING, 10)


def test_an_alert_that_was_open_when_its_state_became_unknown_goes_on_without_a_second_firing():
    lost = RuleState(State.UNKNOWN, 10, "alert_1")

    assert judged(lost, (20, 6.0)).transitions == ()
    assert judged(lost, (20, 6.0)).state == State.FIRING
    assert judged(lost, (20, 4.0)).transitions == (Transition(False, 20, 4.0),)


def test_a_state_is_unknown_once_max_gap_has_passed_since_the_newest_counting_reading():
    assert unknown_since(QUIET, now=110, max_gap=100) is None
    assert unknown_since(QUIET, now=111, max_gap=100) == 110


@given(
    readings=st.lists(
        st.tuples(st.integers(1, 40), st.sampled_from([1.0, 5.0, 5.0 + 1e-12, 9.0, np.nan]), st.booleans()),
        max_size=30,
    ),
    above=st.booleans(),
    open_alert=st.booleans(),
    start=st.integers(0, 20),
)
def test_the_judge_of_columns_agrees_with_the_plain_loop(readings, above, open_alert, start):
    state = RuleState(State.FIRING if open_alert else State.OK, start, "alert_1" if open_alert else None)
    transitions, late, newest, firing = [], [], start, open_alert
    for time, value, good in sorted(readings, key=lambda r: r[0]):
        breach = value > 5 + 5e-9 if above else value < 5 - 5e-9
        if not good or np.isnan(value):
            continue
        if time <= newest:
            late += [(time, value)] if breach else []
            continue
        if breach != firing:
            transitions.append(Transition(breach, time, value))
        newest, firing = time, breach

    result = judged(state, *[r[:2] for r in readings], counting=[r[2] for r in readings], above=above)

    assert list(result.transitions) == transitions
    assert list(zip(result.late_time, result.late_value, strict=True)) == late
    assert (result.judged, result.state) == (newest, State.FIRING if firing else State.OK)


@given(
    values=st.lists(st.sampled_from([1.0, 5.0, 9.0, np.nan]), min_size=1, max_size=30),
    cuts=st.sets(st.integers(1, 29)),
)
def test_readings_in_time_order_give_the_same_transitions_however_they_are_batched(values, cuts):
    readings = [(20 + i, v) for i, v in enumerate(values)]
    edges = [0, *sorted(c for c in cuts if c < len(readings)), len(readings)]
    whole = judged(QUIET, *readings)

    state, transitions = QUIET, []
    for low, high in pairwise(edges):
        part = judged(state, *readings[low:high])
        transitions += part.transitions
        is_open = part.transitions[-1].firing if part.transitions else state.alert is not None
        state = RuleState(part.state, part.judged, "alert_1" if is_open else None)

    assert tuple(transitions) == whole.transitions
    assert (state.state, state.judged) == (whole.state, whole.judged)


def test_a_windows_rate_is_its_emission_per_hour():
    """0.11 t in a minute is 6.6 t/h; exactly 6 t/h is no breach of 6 t/h."""
    result = windows(QUIET, 12, [9, 10], [0.1, 0.11])

    assert minutes(result) == [(True, 11)]
    assert result.transitions[0].value == pytest.approx(6.6, rel=1e-12)


def test_a_window_is_judged_when_its_end_and_the_delay_have_passed_and_not_before():
    assert windows(QUIET, 11, [10], [0.2]).transitions == ()
    assert minutes(windows(QUIET, 12, [10], [0.2])) == [(True, 11)]


def test_a_window_is_judged_once():
    first = windows(QUIET, 12, [10], [0.0])
    again = windows(RuleState(first.state, first.judged), 12, [10], [0.2])

    assert (again.transitions, again.state) == ((), State.OK)


def test_windows_are_judged_in_order():
    assert minutes(windows(QUIET, 20, [12, 10, 11], [0.0, 0.2, 0.2])) == [(True, 11), (False, 13)]


@pytest.mark.parametrize(("co2e_t", "coverage"), [(0.2, 0.0), (np.nan, 1.0), (0.2, np.nan)])
@pytest.mark.parametrize("state", [QUIET, OPEN])
def test_an_unknown_window_neither_fires_nor_resolves(state: RuleState, co2e_t: float, coverage: float):
    result = windows(state, 12, [10], [co2e_t], [coverage])

    assert (result.transitions, result.state) == ((), State.UNKNOWN)


def test_a_window_that_was_unknown_at_its_time_wakes_nobody_when_it_is_filled_later():
    absent = windows(QUIET, 12, [], [])
    filled = windows(RuleState(absent.state, absent.judged), 13, [10, 11], [0.2, 0.0])

    assert absent.state == State.UNKNOWN
    assert (filled.transitions, filled.state) == ((), State.OK)


def test_a_state_is_unknown_where_the_newest_due_window_is():
    result = windows(QUIET, 13, [10, 11], [0.2, 0.0], [1.0, 0.0])

    assert minutes(result) == [(True, 11)]
    assert (result.state, result.judged) == (State.UNKNOWN, 12 * NS_PER_MIN)


def test_a_clock_that_went_back_changes_nothing():
    state = RuleState(State.OK, 20 * NS_PER_MIN)

    result = windows(state, 12, [10], [0.2])

    assert (result.transitions, result.state, result.judged) == ((), State.OK, 20 * NS_PER_MIN)


# --- a limit that chatters -----------------------------------------------------------------------------------------


def flapping(*minutes: int) -> Judgement:
    """Return a judgement of firings at these minutes, each over half a minute later."""
    times = [minute * NS_PER_MIN for minute in minutes]
    both = [(Transition(True, t, 9.0), Transition(False, t + NS_PER_MIN // 2, 1.0)) for t in times]
    nothing = np.empty(0)
    return Judgement(
        State.OK, times[-1], tuple(one for pair in both for one in pair), nothing.astype(np.int64), nothing
    )


def snoozes(judgement: Judgement) -> list[int]:
    """Return for how long each firing is snoozed from its judgement at 0 on. [min]"""
    return [one.snoozed_until // NS_PER_MIN for one in judgement.transitions if one.firing]


def test_what_fires_three_times_in_ten_minutes_is_snoozed_for_thirty() -> None:
    assert snoozes(shelved(flapping(1, 3, 5), Shelf(), 0, is_known=True)) == [0, 0, 30]
    assert snoozes(shelved(flapping(1, 6, 11), Shelf(), 0, is_known=True)) == [0, 0, 30]
    assert snoozes(shelved(flapping(1, 6, 12), Shelf(), 0, is_known=True)) == [0, 0, 0]


def test_what_fires_while_it_is_shelved_is_snoozed_for_what_is_left_and_told_after_it() -> None:
    assert snoozes(shelved(flapping(1, 2, 3, 13, 20, 32), Shelf(), 0, is_known=True)) == [0, 0, 30, 20, 13, 1]
    assert snoozes(shelved(flapping(1, 2, 3, 4, 33, 34), Shelf(), 0, is_known=True)) == [0, 0, 30, 29, 0, 0]


def test_a_shelf_is_over_at_its_last_instant_and_what_fires_then_is_told_at_once() -> None:
    """It is no part of what it ends: the firing at 33 min is the first one after the 30 min that began at 3."""
    result = shelved(flapping(1, 2, 3, 33), Shelf(), 100 * NS_PER_MIN, is_known=True)

    assert [one.snoozed_until for one in result.transitions if one.firing] == [0, 0, 130 * NS_PER_MIN, 0]


def test_nothing_is_snoozed_of_which_nobody_knows_and_it_counts_all_the_same() -> None:
    unknown = shelved(flapping(1, 2, 3), Shelf(), 0, is_known=False)

    assert snoozes(unknown) == [0, 0, 0]
    assert snoozes(shelved(flapping(4), unknown.shelf, 0, is_known=True)) == [29]


def test_an_end_is_never_snoozed_and_a_shelf_changes_no_time_and_no_value() -> None:
    given_ = flapping(1, 2, 3, 4)
    result = shelved(given_, Shelf(), 0, is_known=True)

    assert [(t.firing, t.time, t.value) for t in result.transitions] == [
        (t.firing, t.time, t.value) for t in given_.transitions
    ]
    assert not any(one.snoozed_until for one in result.transitions if not one.firing)


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
        states, _ = advance(states, np.ones(1), np.zeros(1), now, 0, 0)
        wanted.append(int(states.shelved_until[0] - now) // NS_PER_MIN if states.shelved(now)[0] else 0)
        states, _ = advance(states, np.zeros(1), np.ones(1), now + NS_PER_MIN // 2, 0, 0)

    found, shelf = [], Shelf()
    edges = [0, *sorted(cut for cut in cuts if cut < len(minutes_)), len(minutes_)]
    for low, high in pairwise(edges):
        part = shelved(flapping(*minutes_[low:high]), shelf, 0, is_known=True)
        found, shelf = found + snoozes(part), part.shelf

    assert found == wanted
    assert len(shelf.fired) == CHATTER
    assert (CHATTER_SPAN, SHELF) == (10 * NS_PER_MIN, 30 * NS_PER_MIN)

"""Judges limits: which readings and windows cross a limit, and when that begins and ends. Tells nobody itself."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from alerts.judging.lifecycle import CHATTER, fired_again
from plant.arrays import Bools, Floats, Ints, Times
from plant.vocabulary import NEVER, NS_PER_HOUR

SLACK = 1e-9  # relative: a value this near to its limit is equal to it, and equal is no breach


class State(StrEnum):
    """What is known of a rule now."""

    OK = "ok"
    FIRING = "firing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert begins (`firing`) or ends at `time` (ns UTC), by this value; nobody is told before `snoozed_until`, 0: at once."""

    firing: bool
    time: int
    value: float
    snoozed_until: int = 0


@dataclass(frozen=True, slots=True)
class Shelf:
    """When a limit fired last, the newest last, and until when it is shelved, by the times of readings or windows (ns UTC)."""

    fired: tuple[int, ...] = (NEVER,) * CHATTER
    until: int = NEVER


@dataclass(frozen=True, slots=True)
class RuleState:
    """How far a rule has judged, and what it found there.

    `judged` is the time of the newest judged reading, or the end of the newest judged window (ns UTC; 0: none).
    `alert` is the id of the open alert. An alert outlives an unknown state: only a good value resolves it.
    """

    state: State = State.UNKNOWN
    judged: int = 0
    alert: str | None = None
    shelf: Shelf = Shelf()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule makes of new values: its state afterwards, and the transitions in time order.

    `late_time` and `late_value` are the breaches of readings that came after a newer one had been judged.
    """

    state: State
    judged: int
    transitions: tuple[Transition, ...]
    late_time: Times
    late_value: Floats
    shelf: Shelf = Shelf()


def breaches(above: bool, limit: float, value: Floats) -> Bools:
    """Return where a value is beyond the limit by more than the slack; NaN never is."""
    slack = SLACK * abs(limit)
    return value > limit + slack if above else value < limit - slack


def judge_readings(
    above: bool,
    limit: float,
    state: RuleState,
    *,
    time: Times,
    value: Floats,
    counting: Bools,
    message: Ints,
) -> Judgement:
    """Judge one channel's new readings as if message after message had been judged when it came.

    Parameters
    ----------
    above, limit
        The rule: a breach is above the limit, or below it. [channel's unit]
    state
        Where the rule stands.
    time, value, counting
        The readings [ns UTC, channel's unit], and whether their quality lets them count: columns of one length.
        Of two of a message with one time the first is judged.
    message
        Which message brought each, a number that grows in order of arrival.

    Returns
    -------
    Judgement
        Counting readings newer than `state.judged` and than those of earlier messages were judged in time order. The
        others can only be late.
    """
    known = np.flatnonzero(counting & np.isfinite(value))
    rows = known[np.lexsort((time[known], message[known]))]
    newer = time[rows] > np.maximum.accumulate(np.append(state.judged, time[rows]))[:-1]
    late = rows[~newer]
    late = late[breaches(above, limit, value[late])]
    rows = rows[newer]
    found = breaches(above, limit, value[rows])
    return Judgement(
        state=_state_after(found) if len(rows) else state.state,
        judged=int(time[rows[-1]]) if len(rows) else state.judged,
        transitions=_transitions(state, found, time[rows], value[rows]),
        late_time=time[late],
        late_value=value[late],
    )


def judge_windows(
    above: bool,
    limit: float,
    state: RuleState,
    *,
    now: int,
    delay: int,
    window: int,
    start: Times,
    co2e_t: Floats,
    coverage: Floats,
) -> Judgement:
    """Judge the emission rate of one source's windows, each once, when its end and the delay have passed.

    Parameters
    ----------
    above, limit
        The rule: a breach is above the limit, or below it. [t/h]
    state
        Where the rule stands.
    now, delay, window
        The time, the wait after a window's end, and a window's length. [ns]
    start, co2e_t, coverage
        The windows' starts on the grid [ns UTC], emissions [tCO2e] and coverages [1], each window at most once.
        A window that is absent, without coverage or not finite is unknown: neither breach nor ok.

    Returns
    -------
    Judgement
        `judged` is the end of the last window whose time has come, known or not: what fills it later wakes nobody.
    """
    due = max((now - delay) // window * window, state.judged)
    end = start + window
    rate = np.where(coverage > 0, co2e_t / (window / NS_PER_HOUR), np.nan)
    rows = np.flatnonzero((end > state.judged) & (end <= due) & np.isfinite(rate))
    rows = rows[np.argsort(start[rows], kind="stable")]
    found = breaches(above, limit, rate[rows])
    after = State.UNKNOWN if due > state.judged else state.state
    if len(rows) and end[rows[-1]] == due:
        after = _state_after(found)
    return Judgement(
        state=after,
        judged=due,
        transitions=_transitions(state, found, end[rows], rate[rows]),
        late_time=np.empty(0, np.int64),
        late_value=np.empty(0, np.float64),
    )


def shelved(judgement: Judgement, shelf: Shelf, now: int, *, is_known: bool) -> Judgement:
    """Return a judgement whose firings are snoozed where the limit chatters, as a subject of a condition would (`alerts.judging.lifecycle`).

    Whether it chatters is told by the times of its readings, so that it does not depend on when they arrived; for how long
    nobody is told, by our clock.

    Parameters
    ----------
    shelf
        As it was before.
    now
        When it was judged. [ns UTC]
    is_known
        Whether somebody was told of late that it fires; as long as nobody was, nothing is snoozed.
    """
    transitions = list(judgement.transitions)
    for i, one in enumerate(transitions):
        if one.firing:
            fired, until = fired_again(np.array([shelf.fired]), np.array([shelf.until]), one.time)
            shelf = Shelf(tuple(fired[0].tolist()), int(until[0]))
            if is_known and one.time < shelf.until:
                transitions[i] = replace(one, snoozed_until=now + shelf.until - one.time)
    return replace(judgement, transitions=tuple(transitions), shelf=shelf)


def unknown_since(state: RuleState, now: int, max_gap: int) -> int | None:
    """Return from when on a rule on a channel is unknown for want of counting readings [ns UTC]; None: it is known.

    The state changes, and nothing else: an alert that was firing stays open.
    """
    until = state.judged + max_gap
    return until if now > until else None


def _state_after(found: Bools) -> State:
    return State.FIRING if found[-1] else State.OK


def _transitions(state: RuleState, found: Bools, time: Times, value: Floats) -> tuple[Transition, ...]:
    """Return the changes between breach and no breach, beginning from whether an alert is open."""
    before = np.concatenate(([state.alert is not None], found[:-1])) if len(found) else found
    return tuple(
        Transition(bool(found[i]), int(time[i]), float(value[i])) for i in np.flatnonzero(found != before)
    )

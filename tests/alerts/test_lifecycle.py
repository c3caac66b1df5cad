"""An alert's life, minute by minute: `_` is false, `x` true, `?` unknown; `.` ok, `p` pending, `F` firing, `?` unknown.

Below the truth stands what is made of it, and in upper case what the caller is told: `B` an alert begins, `E` it ends.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.judging.lifecycle import CHATTER, CHATTER_SPAN, SHELF, Phase, States, advance
from plant.vocabulary import NEVER, NS_PER_MIN

START = 1_790_000_000 * 10**9
TRUTH = {"_": 0.0, "x": 1.0, "?": np.nan}
SHOWN = {Phase.OK: ".", Phase.PENDING: "p", Phase.FIRING: "F", Phase.UNKNOWN: "?"}


def column(marks: str) -> np.ndarray:
    return np.array([TRUTH[mark] for mark in marks])


def begun_and_ended(before: States, after: States) -> dict[int, bool]:
    """Return of each row whose alert began (True) or ended which it was."""
    return {row: bool(after.firing[row]) for row in np.flatnonzero(before.firing != after.firing).tolist()}


def played(score: str, hold: int = 0, keep: int = 0, clear: str = "") -> tuple[str, str]:
    """Return the states and the transitions of one subject; `clear` is what is false where it is left out."""
    states, shown, told = States.new(1, START), "", ""
    for minute, mark in enumerate(score):
        truth = column(mark)
        over = column(clear[minute]) if clear else 1 - truth
        now = START + minute * NS_PER_MIN
        before = states
        states = advance(states, truth, over, now, hold * NS_PER_MIN, keep * NS_PER_MIN)
        shown += SHOWN[Phase(int(states.state[0]))]
        told += "".join("B" if began else "E" for began in begun_and_ended(before, states).values()) or "-"
    return shown, told


@pytest.mark.parametrize(
    ("score", "hold", "keep", "shown", "told"),
    [
        ("_x__x_", 0, 0, ".F..F.", "-BE-BE"),
        ("_xxx_", 2, 0, ".ppF.", "---BE"),
        ("_xx_xxx", 2, 0, ".pp.ppF", "------B"),
        ("xx?xxx", 2, 0, "pp?ppF", "-----B"),
        ("xx???x", 0, 0, "FF???F", "B-----"),
        ("x??__", 0, 0, "F??..", "B--E-"),
        ("???", 0, 0, "???", "---"),
        ("x___x___", 0, 2, "FFF.FFF.", "B--EB--E"),
        ("x__x____", 0, 2, "FFFFFF..", "B-----E-"),
        ("x_?___", 0, 2, "FF?FF.", "B----E"),
        ("_xxx?x__", 1, 1, ".pFF?FF.", "--B----E"),
    ],
)
def test_an_alert_lives_by_its_score(score: str, hold: int, keep: int, shown: str, told: str) -> None:
    assert played(score, hold, keep) == (shown, told)


@pytest.mark.parametrize(
    ("score", "clear", "keep", "shown", "told"),
    [
        ("x___", "__xx", 0, "FF..", "B-E-"),
        ("x____", "_?_xx", 0, "FFF..", "B--E-"),
        ("x____", "_x_xx", 1, "FFFF.", "B---E"),
        ("x_x_", "xxxx", 0, "F.F.", "BEBE"),
        ("x?_", "_xx", 0, "F?.", "B-E"),
        ("___", "___", 0, "...", "---"),
    ],
)
def test_it_ends_where_its_clear_is_true(score: str, clear: str, keep: int, shown: str, told: str) -> None:
    assert played(score, 0, keep, clear) == (shown, told)


def test_a_state_is_entered_once() -> None:
    states = States.new(1, START)
    entered = []
    for minute, mark in enumerate("__xx??x_"):
        truth = column(mark)
        states = advance(states, truth, 1 - truth, START + minute * NS_PER_MIN, 0, 0)
        entered.append((int(states.since[0]) - START) // NS_PER_MIN)

    assert entered == [0, 0, 2, 2, 4, 4, 6, 7]


def test_a_clock_that_went_back_begins_nothing() -> None:
    states = advance(States.new(1, START), column("x"), column("_"), START, NS_PER_MIN, 0)
    after = advance(states, column("x"), column("_"), START - 60 * NS_PER_MIN, NS_PER_MIN, 0)

    assert (begun_and_ended(states, after), after.state.tolist()) == ({}, [Phase.PENDING])


def test_nothing_is_changed_that_was_given() -> None:
    before = States.new(2, START)
    advance(before, column("xx"), column("__"), START, 0, 0)

    assert (before.firing.any(), before.fired.max(), before.state.tolist()) == (
        False,
        NEVER,
        [Phase.UNKNOWN] * 2,
    )


def shelved(score: str) -> str:
    """Return where a subject is shelved, minute by minute."""
    states, shown = States.new(1, START), ""
    for minute, mark in enumerate(score):
        now = START + minute * NS_PER_MIN
        states = advance(states, column(mark), 1 - column(mark), now, 0, 0)
        shown += "s" if states.shelved(now)[0] else "-"
    return shown


def test_what_fires_three_times_in_ten_minutes_is_shelved_for_thirty() -> None:
    assert (CHATTER, CHATTER_SPAN, SHELF) == (3, 10 * NS_PER_MIN, 30 * NS_PER_MIN)
    assert shelved("x_x_x" + "_" * 40) == "----" + "s" * 30 + "-" * 11
    assert shelved("x____x____x" + "_" * 40) == "-" * 10 + "s" * 30 + "-" * 11
    assert shelved("x____x_____x" + "_" * 40) == "-" * 52


def test_no_firing_puts_off_the_end_of_a_shelf() -> None:
    assert shelved("x_x_x____x" + "_" * 40) == "----" + "s" * 30 + "-" * 16


def test_what_goes_on_is_told_of_again_after_each_shelf() -> None:
    assert shelved("x_" * 40) == "----" + "s" * 30 + "----" + "s" * 30 + "----" + "s" * 8


def test_it_goes_on_living_while_it_is_shelved() -> None:
    """So that whoever tells of it can say where it stands at the end."""
    assert played("x_x_x_x") == ("F.F.F.F", "BEBEBEB")


class Naive:
    """One subject's life as a person would write it down."""

    def __init__(self, hold: int, keep: int) -> None:
        self.hold, self.keep = hold, keep
        self.firing, self.true_since, self.over_since = False, None, None
        self.fired: list[int] = []
        self.shelf_end = NEVER

    def step(self, truth: float, clear: float, now: int) -> tuple[Phase, bool | None]:
        if np.isnan(truth):
            self.true_since = self.over_since = None
            return Phase.UNKNOWN, None
        if truth == 1:
            return self._true(now)
        self.true_since = None
        if not self.firing:
            return Phase.OK, None
        if clear != 1:
            self.over_since = None
            return Phase.FIRING, None
        self.over_since = now if self.over_since is None else self.over_since
        if now - self.over_since < self.keep:
            return Phase.FIRING, None
        self.firing, self.over_since = False, None
        return Phase.OK, False

    def _true(self, now: int) -> tuple[Phase, bool | None]:
        self.over_since = None
        if self.firing:
            return Phase.FIRING, None
        self.true_since = now if self.true_since is None else self.true_since
        if now - self.true_since < self.hold:
            return Phase.PENDING, None
        self.firing, self.true_since = True, None
        if now >= self.shelf_end > NEVER:
            self.fired, self.shelf_end = [], NEVER
        self.fired.append(now)
        if self.shelf_end == NEVER and sum(now - time <= CHATTER_SPAN for time in self.fired) >= CHATTER:
            self.shelf_end = now + SHELF
        return Phase.FIRING, True


@given(
    scores=st.lists(st.lists(st.sampled_from("__xx?"), min_size=40, max_size=40), min_size=1, max_size=6),
    clears=st.lists(st.sampled_from("_x?"), min_size=40, max_size=40),
    gaps=st.lists(st.integers(1, 4), min_size=40, max_size=40),
    hold=st.integers(0, 4),
    keep=st.integers(0, 4),
    own_clear=st.booleans(),
)
def test_columns_live_as_each_subject_would_alone(scores, clears, gaps, hold, keep, own_clear) -> None:
    naive = [Naive(hold * NS_PER_MIN, keep * NS_PER_MIN) for _ in scores]
    states, now = States.new(len(scores), START), START
    for minute, (clear, gap) in enumerate(zip(clears, gaps, strict=True)):
        now += gap * NS_PER_MIN
        truth = column("".join(score[minute] for score in scores))
        over = column(clear * len(scores)) if own_clear else 1 - truth
        before = states
        states = advance(states, truth, over, now, hold * NS_PER_MIN, keep * NS_PER_MIN)
        alone = [one.step(t, c, now) for one, t, c in zip(naive, truth, over, strict=True)]

        assert states.state.tolist() == [phase for phase, _ in alone]
        assert begun_and_ended(before, states) == {
            row: told for row, (_, told) in enumerate(alone) if told is not None
        }
        assert states.firing.tolist() == [one.firing for one in naive]
        assert (states.cleared_since[~states.firing] == NEVER).all()
        assert states.shelved(now).tolist() == [now < one.shelf_end for one in naive]

"""What each step of a register means: one reading an hour, 10 kWh/h at most unless said otherwise."""

import numpy as np
import pytest

from plant.vocabulary import NS_PER_HOUR, Verdict
from rules.registers import LIMIT_SLACK, LOOK_AHEAD, SAME_VALUE, Displays, RegisterSteps, judge

COUNTED, OUTLIER, HELD, ANOMALY, RESET, ROLLOVER, BASELINE = (
    Verdict.COUNTED,
    Verdict.OUTLIER,
    Verdict.HELD,
    Verdict.ANOMALY,
    Verdict.RESET,
    Verdict.ROLLOVER,
    Verdict.BASELINE,
)
NONE = float("nan")


def displays(
    *values: float, hours=None, meter=0, max_rate=10.0, modulus=NONE, reset=(), boot=0, in_gateway=False
) -> Displays:
    n = len(values)
    at = np.arange(n) if hours is None else np.array(hours)
    return Displays(
        meter=np.full(n, meter),
        time=(at * NS_PER_HOUR).astype(np.int64),
        value=np.array(values, np.float64),
        reset=np.isin(np.arange(n), list(reset)),
        boot=np.broadcast_to(np.array(boot, np.int32), n).copy(),
        in_gateway=np.full(n, in_gateway),
        max_rate=np.full(n, max_rate),
        modulus=np.full(n, modulus),
    )


def told(steps: RegisterSteps) -> list[tuple[Verdict, int, float | None]]:
    """Return verdict, the row it steps from, and the amount, None where nothing counts."""
    amounts = [None if np.isnan(amount) else round(amount, 9) for amount in steps.amount.tolist()]
    return list(zip(map(Verdict, steps.verdict.tolist()), steps.previous.tolist(), amounts, strict=True))


def judged(*values: float, **more) -> list[tuple[Verdict, int, float | None]]:
    return told(judge(displays(*values, **more)))


START = (BASELINE, -1, None)
NOTHING = {OUTLIER: (OUTLIER, -1, None), HELD: (HELD, -1, None), ANOMALY: (ANOMALY, -1, None)}


def test_the_first_of_a_meter_is_its_baseline_and_what_climbs_counts() -> None:
    assert judged(5.0, 7.0, 7.0, 17.0) == [START, (COUNTED, 0, 2.0), (COUNTED, 1, 0.0), (COUNTED, 2, 10.0)]
    assert judged() == []


@pytest.mark.parametrize(
    ("step", "verdict"),
    [
        (10.0, COUNTED),
        (10.0 * (1 + LIMIT_SLACK / 2), COUNTED),
        (10.0 * (1 + 4 * LIMIT_SLACK), HELD),
        (-100 * SAME_VALUE / 2, COUNTED),
        (-100 * SAME_VALUE * 100, HELD),
    ],
)
def test_a_limit_is_inclusive_and_a_last_bit_below_is_the_same_reading(step: float, verdict: Verdict) -> None:
    last = judge(displays(100.0, 100.0 + step))

    assert last.verdict.tolist() == [BASELINE, verdict]
    if verdict == COUNTED:
        assert last.amount[1] == pytest.approx(max(step, 0.0), rel=1e-6)
        assert last.amount[1] >= 0


def test_the_limit_is_per_hour() -> None:
    assert judged(0.0, 30.0, hours=(0, 3)) == [START, (COUNTED, 0, 30.0)]
    assert judged(0.0, 30.0, hours=(0, 2.9)) == [START, NOTHING[HELD]]
    assert judged(0.0, 5.0, hours=(0, 0.5)) == [START, (COUNTED, 0, 5.0)]


def test_without_a_limit_any_climb_counts_and_no_fall_does() -> None:
    assert judged(0.0, 1e9, max_rate=NONE) == [START, (COUNTED, 0, 1e9)]
    assert judged(5.0, 4.0, max_rate=NONE) == [START, NOTHING[HELD]]
    assert judged(95.0, 4.0, max_rate=NONE, modulus=100.0) == [START, NOTHING[HELD]]


# --- reset ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3.0, (RESET, 0, 3.0)),
        (0.0, (RESET, 0, 0.0)),
        (10.0, (RESET, 0, 10.0)),
        (10.0 * (1 + LIMIT_SLACK), (RESET, 0, 10.00000001)),
        (11.0, NOTHING[HELD]),
        (-1.0, NOTHING[HELD]),
        (55.0, (COUNTED, 0, 5.0)),
    ],
)
def test_a_reading_that_says_reset_counts_what_it_shows_where_that_can_be(value: float, expected) -> None:
    assert judged(50.0, value, reset=[1]) == [START, expected]


def test_a_reset_counts_whatever_the_sign_of_its_step() -> None:
    assert judged(2.0, 8.0, reset=[1]) == [START, (RESET, 0, 8.0)]


@pytest.mark.parametrize(
    ("boot", "in_gateway", "value", "expected"),
    [
        ((1, 2), True, 4.0, (RESET, 0, 4.0)),
        ((1, 1), True, 4.0, NOTHING[HELD]),
        ((0, 2), True, 4.0, NOTHING[HELD]),
        ((1, 0), True, 4.0, NOTHING[HELD]),
        ((1, 2), False, 4.0, NOTHING[HELD]),
        ((1, 2), True, 51.0, (COUNTED, 0, 1.0)),
    ],
)
def test_a_counter_in_the_gateway_falls_with_a_new_boot_alone(boot, in_gateway, value, expected) -> None:
    assert judged(50.0, value, boot=boot, in_gateway=in_gateway) == [START, expected]


# --- rollover -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modulus", "values", "expected"),
    [
        (100.0, (95.0, 3.0), (ROLLOVER, 0, 8.0)),
        (100.0, (95.0, 5.0), (ROLLOVER, 0, 10.0)),
        (100.0, (95.0, 6.0), NOTHING[HELD]),
        (100.0, (100.0, 0.0), (ROLLOVER, 0, 0.0)),
        (100.0, (105.0, 1.0), NOTHING[HELD]),
        (10.5, (9.0, 1.0), (ROLLOVER, 0, 2.5)),
        (10.0, (9.0, 1.0), NOTHING[HELD]),
    ],
)
def test_a_display_that_comes_round_counts_on_where_the_limit_tells_it_from_a_fall(
    modulus, values, expected
) -> None:
    """Not where it could have come round more than once between the two, nor for less than nothing."""
    assert judged(*values, modulus=modulus) == [START, expected]


def test_a_reset_goes_before_a_rollover() -> None:
    assert judged(95.0, 3.0, modulus=100.0, reset=[1]) == [START, (RESET, 0, 3.0)]
    assert judged(95.0, 3.0, modulus=100.0, in_gateway=True, boot=(1, 2)) == [START, (RESET, 0, 3.0)]


# --- what none of these explains ------------------------------------------------------------------------------------------


def test_a_spike_is_an_outlier_and_what_comes_after_it_counts_from_before_it() -> None:
    assert judged(5.0, 900.0, 7.0, 8.0) == [START, NOTHING[OUTLIER], (COUNTED, 0, 2.0), (COUNTED, 2, 1.0)]
    assert judged(5.0, 1.0, 7.0) == [START, NOTHING[OUTLIER], (COUNTED, 0, 2.0)]


def test_several_spikes_in_a_row_are_outliers_as_far_as_is_looked_ahead() -> None:
    spikes = [900.0 - 100 * k for k in range(LOOK_AHEAD)]
    assert judged(5.0, *spikes, 7.0, 8.0) == [
        START,
        *[NOTHING[OUTLIER]] * LOOK_AHEAD,
        (COUNTED, 0, 2.0),
        (COUNTED, LOOK_AHEAD + 1, 1.0),
    ]


def test_a_reading_too_far_ahead_explains_nothing() -> None:
    """One spike more, and the first one cannot be told from it; it is passed over because nothing continues from it."""
    spikes = [900.0 - 100 * k for k in range(LOOK_AHEAD + 1)]
    found = judged(5.0, *spikes, 7.0, 8.0)

    assert [verdict for verdict, _, _ in found] == [BASELINE, *[OUTLIER] * (LOOK_AHEAD + 1), COUNTED, COUNTED]
    assert found[-2:] == [(COUNTED, 0, 2.0), (COUNTED, LOOK_AHEAD + 2, 1.0)]


def test_a_jump_from_which_it_goes_on_is_an_anomaly_and_a_new_baseline() -> None:
    assert judged(5.0, 900.0, 905.0, 906.0) == [START, NOTHING[ANOMALY], (COUNTED, 1, 5.0), (COUNTED, 2, 1.0)]
    assert judged(500.0, 3.0, 5.0) == [START, NOTHING[ANOMALY], (COUNTED, 1, 2.0)]


def test_what_goes_on_from_before_explains_a_jump_sooner_than_what_goes_on_from_it() -> None:
    assert judged(5.0, 900.0, 905.0, 7.0) == [START, NOTHING[OUTLIER], NOTHING[OUTLIER], (COUNTED, 0, 2.0)]


def test_a_jump_with_nothing_after_it_is_held() -> None:
    assert judged(5.0, 900.0) == [START, NOTHING[HELD]]
    assert judged(5.0, 900.0, 300.0) == [START, NOTHING[OUTLIER], NOTHING[HELD]]


def test_a_step_that_only_a_rollover_or_reset_explains_is_found_behind_an_outlier() -> None:
    """Looking ahead no reset and no rollover explains anything; step by step they do."""
    assert judged(95.0, 50.0, 3.0, modulus=100.0) == [START, NOTHING[OUTLIER], (ROLLOVER, 0, 8.0)]
    assert judged(95.0, 50.0, 3.0, modulus=NONE, reset=[2]) == [START, NOTHING[OUTLIER], (RESET, 0, 3.0)]


def test_a_true_jump_is_found_again_behind_an_outlier() -> None:
    assert judged(5.0, 300.0, 900.0, 905.0) == [START, NOTHING[OUTLIER], NOTHING[ANOMALY], (COUNTED, 2, 5.0)]


def test_several_jumps_of_one_meter_are_each_settled() -> None:
    assert judged(5.0, 900.0, 7.0, 800.0, 9.0, 500.0, 505.0) == [
        START,
        NOTHING[OUTLIER],
        (COUNTED, 0, 2.0),
        NOTHING[OUTLIER],
        (COUNTED, 2, 2.0),
        NOTHING[ANOMALY],
        (COUNTED, 5, 5.0),
    ]


def test_no_look_ahead_crosses_from_one_meter_to_the_next() -> None:
    one, other = displays(5.0, 900.0), displays(7.0, 8.0, 900.0, 9.0, meter=1)
    both = Displays(*(np.concatenate([getattr(d, n) for d in (one, other)]) for n in Displays.__slots__))

    assert told(judge(both)) == [
        START,
        NOTHING[HELD],
        START,
        (COUNTED, 2, 1.0),
        NOTHING[OUTLIER],
        (COUNTED, 3, 1.0),
    ]
    only_first = displays(7.0, 8.0, 9.0, meter=1)
    both = Displays(*(np.concatenate([getattr(d, n) for d in (one, only_first)]) for n in Displays.__slots__))
    assert told(judge(both)) == [START, NOTHING[HELD], START, (COUNTED, 2, 1.0), (COUNTED, 3, 1.0)]

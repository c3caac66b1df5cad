"""Pieces and the windows that they give, without any state: against the plain loop, and what a run may begin and end with."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plant.park import Swap
from plant.vocabulary import Kind, Verdict
from rules.pieces import ChannelColumns, Pieces, Runs, pieces_and_verdicts
from rules.windows import Ranges, WindowValues, numbers, ranges_of, spread, with_events
from tests import oracle
from tests.rules.test_windows_by_set import (
    CHANNELS,
    MINUTE,
    START,
    channel,
    columns,
    long_history,
    meter,
    readings,
)

EVER = 2**62
SWAPPED = replace(
    CHANNELS[0],
    index=8,
    swaps=(
        Swap(START + 10 * MINUTE, 59.0, 2.0, "b", ratio=3.0),
        Swap(START + 60 * MINUTE, np.nan, 7.0, "c", max_rate=90.0, modulus=1000.0),
        Swap(START + 61 * MINUTE, 8.0, 0.0, "d"),
    ),
)
SCALED = (
    channel(9, Kind.INTERVAL, period=10 * MINUTE, ratio=3.0),
    channel(10, Kind.EVENT, ratio=0.5),
    channel(11, Kind.LEVEL, max_gap=3 * MINUTE, hold_last=True, ratio=4.0),
)
ALL = (*CHANNELS, SWAPPED, *SCALED)
COLUMNS = ChannelColumns.of(ALL)
Rows = list[tuple[int, oracle.Reading]]  # channel and reading


def runs_of(rows: Rows, *, until: int = EVER, whole: bool = True) -> Runs:
    """Return a run for each channel that has readings, one reading for each time."""
    found = sorted({index for index, _ in rows})
    kept = [
        (number, index, one)
        for number, index in enumerate(found)
        for one in oracle.winners([r for i, r in rows if i == index], str(ALL[index].kind))
    ]
    return Runs(
        np.array([number for number, _, _ in kept], np.int64),
        columns([(index, one) for _, index, one in kept]),
        np.array(found, np.int32),
        np.full(len(found), until),
        np.full(len(found), whole),
    )


def windows_of(rows: Rows) -> dict[int, dict[int, tuple[float, float, float]]]:
    """Return each channel's windows as the rules have them: value, measured and interpolated share."""
    runs = runs_of(rows)
    pieces, _ = pieces_and_verdicts(runs, COLUMNS)
    ranges = ranges_of(pieces.run, pieces.start, pieces.end, MINUTE)
    values = with_events(
        spread(pieces, ranges, runs.channel, COLUMNS, MINUTE), ranges, runs.channel, COLUMNS, {}, MINUTE
    )
    found: dict[int, dict[int, tuple[float, float, float]]] = {}
    for of, number, *value in zip(
        values.channel.tolist(),
        values.window.tolist(),
        values.value,
        values.measured,
        values.interpolated,
        strict=True,
    ):
        found.setdefault(of, {})[number] = tuple(value)
    return found


def check(rows: Rows) -> None:
    found = windows_of(rows)
    for one in ALL:
        expected = oracle.windows([r for index, r in rows if index == one.index], meter(one), MINUTE)
        got = found.get(one.index, {})
        assert set(got) == set(expected), one
        for number, values in expected.items():
            np.testing.assert_allclose(got[number], values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_windows_of_all_channels_at_once_are_those_of_the_plain_loop_channel_by_channel(seed: int) -> None:
    rng = np.random.default_rng(seed)

    check([(one.index, r) for one in ALL for r in long_history(rng, one.kind, length=60)])


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_windows_of_few_readings_with_all_that_goes_wrong_are_those_of_the_plain_loop(
    data: st.DataObject,
) -> None:
    check([(one.index, r) for one in ALL for r in data.draw(readings(one.kind))])


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.index}-{one.kind}")
def test_a_channel_alone_and_without_readings_is_judged_too(one) -> None:
    rng = np.random.default_rng(one.index)
    check([(one.index, r) for r in long_history(rng, one.kind, length=30)])
    pieces, verdict = pieces_and_verdicts(runs_of([]), COLUMNS)

    assert (len(pieces.run), len(verdict)) == (0, 0)


# --- swaps and verdicts ---------------------------------------------------------------------------------------------------


def shown(index: int, *pairs: tuple[float, float], **more) -> Rows:
    """Return readings of a channel at minutes after the start."""
    return [(index, oracle.Reading(START + round(minute * MINUTE), value, **more)) for minute, value in pairs]


def test_a_swap_is_put_in_only_where_the_run_reaches_it() -> None:
    """Before the run, where readings come before it, it was counted already; after its end it is none of its business."""
    rows = shown(8, (8, 58.0), (9, 58.5), (11, 2.5), (12, 3.0))

    soon = START + 30 * MINUTE

    whole, verdict = pieces_and_verdicts(runs_of(rows, until=soon), COLUMNS)
    assert verdict.tolist() == [Verdict.BASELINE, *[Verdict.COUNTED] * 3]
    assert [(s - START) / MINUTE for s in whole.start.tolist()] == [8, 9, 10, 11]
    assert whole.first.tolist() == pytest.approx([0.5 * 40, 0.5 * 40, 0.5 * 3, 0.5 * 3])

    cut, _ = pieces_and_verdicts(runs_of(rows[:2], until=START + 10 * MINUTE - 1), COLUMNS)
    assert cut.start.tolist() == whole.start.tolist()[:1]
    reached, _ = pieces_and_verdicts(runs_of(rows[:2], until=START + 10 * MINUTE), COLUMNS)
    assert reached.start.tolist() == whole.start.tolist()[:2]

    begun_before, _ = pieces_and_verdicts(runs_of(rows, until=soon, whole=False), COLUMNS)
    assert begun_before.start.tolist() == whole.start.tolist()
    begun_after, _ = pieces_and_verdicts(runs_of(rows[2:], until=soon, whole=False), COLUMNS)
    assert begun_after.start.tolist() == whole.start.tolist()[3:]


def test_a_swap_brings_its_own_limit_and_modulus_and_keeps_the_ratio_that_it_does_not_change() -> None:
    """From 60 min on 90 kWh/h and 1,000 kWh: the third meter comes round there, and not at 100."""
    rows = shown(8, *((62 + k, 989.5 + 1.4 * k) for k in range(8)), (70, 0.5))
    pieces, verdict = pieces_and_verdicts(runs_of(rows), COLUMNS)

    assert verdict.tolist() == [Verdict.ANOMALY, *[Verdict.COUNTED] * 7, Verdict.ROLLOVER]
    assert pieces.first[-8:].tolist() == pytest.approx([*[1.4 * 3] * 7, 1.2 * 3])


def test_a_reading_at_the_instant_of_a_swap_is_the_new_meters_and_makes_no_piece_of_no_length() -> None:
    pieces, verdict = pieces_and_verdicts(
        runs_of(shown(8, (9, 58.5), (10, 2.0), (11, 2.5)), until=START + 30 * MINUTE), COLUMNS
    )

    assert [(s - START) // MINUTE for s in pieces.start.tolist()] == [9, 10]
    assert pieces.first.tolist() == pytest.approx([0.5 * 40, 0.5 * 3])
    assert verdict.tolist() == [Verdict.BASELINE, Verdict.COUNTED, Verdict.COUNTED]


def test_of_a_run_that_goes_on_the_first_reading_keeps_the_verdict_that_it_had() -> None:
    rows = shown(0, (0, 5.0), (1, 5.5), (2, 5.7))
    runs = runs_of(rows, whole=False)
    runs.readings.verdict[:] = Verdict.ANOMALY
    _, verdict = pieces_and_verdicts(runs, COLUMNS)
    assert verdict.tolist() == [Verdict.ANOMALY, Verdict.COUNTED, Verdict.COUNTED]

    _, verdict = pieces_and_verdicts(runs_of(rows), COLUMNS)
    assert verdict.tolist() == [Verdict.BASELINE, Verdict.COUNTED, Verdict.COUNTED]
    two = runs_of(rows + shown(1, (0, 5.0), (1, 5.5)), whole=False)
    two.readings.verdict[:] = Verdict.RESET
    _, verdict = pieces_and_verdicts(two, COLUMNS)
    assert verdict.tolist() == [Verdict.RESET, *[Verdict.COUNTED] * 2, Verdict.RESET, Verdict.COUNTED]


def test_what_does_not_count_is_left_out_and_says_so() -> None:
    rows = shown(0, (0, 5.0), (2, 6.0)) + shown(0, (1, 5.5), quality=2)
    pieces, verdict = pieces_and_verdicts(runs_of(rows), COLUMNS)

    assert verdict.tolist() == [Verdict.BASELINE, Verdict.UNCOUNTED, Verdict.COUNTED]
    assert (pieces.end - pieces.start).tolist() == [2 * MINUTE]


@pytest.mark.parametrize(("gap", "interpolated"), [(5 * MINUTE, False), (5 * MINUTE + 1, True)])
def test_a_register_over_more_than_max_gap_is_interpolated(gap: int, interpolated: bool) -> None:
    rows = [(0, oracle.Reading(START, 5.0)), (0, oracle.Reading(START + gap, 6.0))]
    pieces, _ = pieces_and_verdicts(runs_of(rows), COLUMNS)

    assert pieces.interpolated.tolist() == [interpolated]


# --- windows --------------------------------------------------------------------------------------------------------------


def pieces_at(*spans: tuple[int, int], amount: float = 6.0, run: int = 0) -> Pieces:
    start, end = np.array(spans, np.int64).T
    amounts, no = np.full(len(spans), amount), np.zeros(len(spans), bool)
    return Pieces(np.full(len(spans), run), start, end, start, amounts, amounts, no, no)


def test_the_mean_of_a_level_that_does_not_move_is_that_level_however_much_of_a_window_is_covered() -> None:
    rows = shown(5, (0.25, 7.0), (1, 7.0), (9, 7.0), (12.5, 7.0))

    for mean, _, _ in windows_of(rows)[5].values():
        assert mean == pytest.approx(7.0, rel=1e-15)


def test_a_windows_bits_do_not_depend_on_which_other_windows_are_asked_for() -> None:
    rng = np.random.default_rng(1)
    runs = runs_of([(one.index, r) for one in ALL for r in long_history(rng, one.kind, length=40)])
    pieces, _ = pieces_and_verdicts(runs, COLUMNS)
    ranges = ranges_of(pieces.run, pieces.start, pieces.end, MINUTE)
    whole = spread(pieces, ranges, runs.channel, COLUMNS, MINUTE)
    run, number = numbers(ranges)
    some = rng.permutation(len(run))[: len(run) // 3]
    some = some[np.lexsort((number[some], run[some]))]
    part = spread(pieces, Ranges(run[some], number[some], number[some] + 1), runs.channel, COLUMNS, MINUTE)

    asked = {
        (int(runs.channel[r]), n) for r, n in zip(run[some].tolist(), number[some].tolist(), strict=True)
    }
    rows = [
        k
        for k, key in enumerate(zip(whole.channel.tolist(), whole.window.tolist(), strict=True))
        if key in asked
    ]
    for name in WindowValues.__slots__:
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows])


def test_a_piece_over_several_ranges_gives_each_its_share() -> None:
    pieces = pieces_at((0, 4 * MINUTE), amount=8.0)
    ranges = Ranges(np.array([0, 0]), np.array([0, 3]), np.array([1, 4]))
    found = spread(pieces, ranges, np.zeros(1, np.int32), COLUMNS, MINUTE)

    assert (found.window.tolist(), found.value.tolist(), found.measured.tolist()) == (
        [0, 3],
        [2.0, 2.0],
        [1.0, 1.0],
    )


def test_runs_of_one_channel_that_share_a_window_add_up() -> None:
    first, second = pieces_at((0, MINUTE // 2)), pieces_at((MINUTE // 2, 2 * MINUTE), run=1)
    both = Pieces(*(np.concatenate([getattr(p, n) for p in (first, second)]) for n in Pieces.__slots__))
    ranges = ranges_of(both.run, both.start, both.end, MINUTE)
    found = spread(both, ranges, np.zeros(2, np.int32), COLUMNS, MINUTE)

    assert (found.channel.tolist(), found.window.tolist()) == ([0, 0], [0, 1])
    assert found.value.tolist() == pytest.approx([6.0 + 2.0, 4.0])
    assert found.measured.tolist() == [1.0, 1.0]


def test_ranges_are_sorted_disjoint_and_have_the_window_of_an_empty_stretch() -> None:
    run = np.array([1, 0, 0, 0, 1, 0])
    start = np.array([0, 5, 0, 30, 10, 20]) * MINUTE
    end = np.array([1, 5, 2, 31, 11, 22]) * MINUTE + np.array([0, 0, 1, 0, 0, 0])
    found = ranges_of(run, start, end, MINUTE)

    assert found.run.tolist() == [0, 0, 0, 0, 1, 1]
    assert list(zip(found.first.tolist(), found.stop.tolist(), strict=True)) == [
        (0, 3), (5, 6), (20, 22), (30, 31), (0, 1), (10, 11),
    ]  # fmt: skip
    nothing = ranges_of(run[:0], start[:0], end[:0], MINUTE)
    assert [len(getattr(nothing, name)) for name in Ranges.__slots__] == [0, 0, 0]
    touching = ranges_of(np.zeros(2, np.int64), np.array([0, 2]) * MINUTE, np.array([2, 3]) * MINUTE, MINUTE)
    assert numbers(touching)[1].tolist() == [0, 1, 2]


def test_a_window_that_nobody_has_is_unknown() -> None:
    values = WindowValues(
        np.array([0, 0, 2]),
        np.array([5, 7, 5]),
        np.array([1.0, 2.0, 3.0]),
        np.array([0.5, 0.6, 0.7]),
        np.array([0.1, 0.2, 0.3]),
    )
    value, measured, interpolated = values.at(np.array([0, 0, 1, 2, 2]), np.array([7, 6, 5, 5, 8]))

    np.testing.assert_array_equal(value, [2.0, np.nan, np.nan, 3.0, np.nan])
    assert (measured.tolist(), interpolated.tolist()) == ([0.6, 0, 0, 0.7, 0], [0.2, 0, 0, 0.3, 0])
    none = WindowValues(*(column[:0] for column in (values.channel, values.window, *[values.value] * 3)))
    assert np.isnan(none.at(np.array([0]), np.array([5]))[0]).all()


def test_a_value_that_is_not_finite_is_unknown_and_covers_nothing() -> None:
    pieces = pieces_at((0, MINUTE), (MINUTE, 2 * MINUTE))
    pieces.first[1] = np.inf
    found = spread(
        pieces,
        ranges_of(pieces.run, pieces.start, pieces.end, MINUTE),
        np.zeros(1, np.int32),
        COLUMNS,
        MINUTE,
    )

    np.testing.assert_array_equal(found.value, [6.0, np.nan])
    assert found.measured.tolist() == [1.0, 0.0]


# --- events ---------------------------------------------------------------------------------------------------------------


EVENT = 7


@given(
    holes=st.lists(st.tuples(st.integers(0, 600), st.integers(1, 90)), max_size=5),
    events=st.lists(st.integers(0, 599), max_size=5),
)
def test_of_an_event_channel_holes_alone_are_missing_and_an_event_covers_its_instant(holes, events) -> None:
    """Ten windows, second by second."""
    second = MINUTE // 60
    base = START // MINUTE
    stretches, reach = [], 0
    for start, length in sorted(holes):
        low = max(start, reach)
        reach = max(reach, start + length)
        if low < reach:
            stretches.append((START + low * second, START + reach * second))
    rows = [(EVENT, oracle.Reading(START + at * second, 2.0)) for at in sorted(set(events))]
    runs = runs_of(rows) if rows else replace(runs_of([]), channel=np.array([EVENT], np.int32))
    pieces, _ = pieces_and_verdicts(runs, COLUMNS)
    ranges = Ranges(np.array([0]), np.array([base]), np.array([base + 10]))
    values = spread(pieces, ranges, runs.channel, COLUMNS, MINUTE)
    found = with_events(values, ranges, runs.channel, COLUMNS, {EVENT: stretches}, MINUTE)

    assert found.window.tolist() == list(range(base, base + 10))
    assert found.channel.tolist() == [EVENT] * 10
    missing = {s for a, b in stretches for s in range((a - START) // second, (b - START) // second)}
    for window in range(10):
        seconds = range(60 * window, 60 * window + 60)
        came = 2.0 * len([at for at in set(events) if at in seconds])
        known = 1 - len(missing & set(seconds)) / 60
        assert found.measured[window] == pytest.approx(known if known or not came else 1 / MINUTE, rel=1e-9)
        assert found.interpolated[window] == 0
        if known or came:
            assert found.value[window] == pytest.approx(came)
        else:
            assert np.isnan(found.value[window])


def test_an_event_by_itself_covers_nothing() -> None:
    runs = runs_of(shown(EVENT, (0, 2.0), (0.5, 3.0), (7, 4.0)))
    pieces, _ = pieces_and_verdicts(runs, COLUMNS)
    found = spread(
        pieces, ranges_of(pieces.run, pieces.start, pieces.end, MINUTE), runs.channel, COLUMNS, MINUTE
    )

    assert found.value.tolist() == [5.0, 4.0]
    assert found.measured.tolist() == [0.0, 0.0]


def test_an_amount_of_events_that_cannot_be_counted_with_is_unknown_and_other_kinds_are_left_as_they_are() -> (
    None
):
    runs = runs_of(shown(0, (0, 5.0), (1, 5.5)) + shown(EVENT, (0, np.inf)))
    pieces, _ = pieces_and_verdicts(runs, COLUMNS)
    ranges = ranges_of(pieces.run, pieces.start, pieces.end, MINUTE)
    values = spread(pieces, ranges, runs.channel, COLUMNS, MINUTE)
    found = with_events(values, ranges, runs.channel, COLUMNS, {}, MINUTE)

    assert found.channel.tolist() == [0, EVENT]
    np.testing.assert_allclose(found.value, [20.0, np.nan])
    assert found.measured.tolist() == [1.0, 0.0]


def test_columns_are_those_of_the_configuration() -> None:
    one = channel(
        0, Kind.INTERVAL, max_gap=7, period=9, ratio=3.0, max_rate=5.0, modulus=11.0, hold_last=True
    )
    made = ChannelColumns.of((one, *CHANNELS[1:3]))

    assert [getattr(made, name)[0] for name in ChannelColumns.__slots__[:-2]] == [
        list(Kind).index(Kind.INTERVAL), 7, 9, True, False, 3.0, 5.0, 11.0, False,
    ]  # fmt: skip
    assert made.in_gateway.tolist() == [False, False, True]
    assert list(made.swaps) == [2]

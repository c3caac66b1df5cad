"""What stands for a missing hour: against subpart D written as a loop, and each line of its tables by name."""

import math
import statistics
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.american.part75.look_back import Percentile
from rules.american.part75.missing_data import PROCEDURES, Procedure, monitor_availability, substitute
from rules.american.substitution import NO_RANGE, Rule, Substituted, mrr
from tests.rules.subpart_d import Record, substituted

CO2, O2, FLOW, NOX = (PROCEDURES[name] for name in ("co2", "o2", "flow", "nox-rate"))
NAN = math.nan


@st.composite
def records(draw: st.DrawFn) -> tuple[Record, list[float]]:
    """Draw runs of good, missing and idle hours, so that gaps of all lengths occur, and an availability of each hour."""
    runs = draw(st.lists(st.tuples(st.sampled_from("ggmmi"), st.integers(1, 14)), min_size=1, max_size=14))
    kinds = [kind for kind, length in runs for _ in range(length)]
    count = len(kinds)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    value = [
        NAN if kind == "m" else round(float(v), 1)
        for kind, v in zip(kinds, rng.uniform(0, 50, count), strict=True)
    ]
    availability = rng.choice([70.0, 79.9, 80.0, 89.9, 90.0, 94.9, 95.0, 99.0], count).tolist()
    load_range = rng.integers(1, draw(st.integers(2, 11)), count).tolist()
    return Record(value, [kind != "i" for kind in kinds], load_range), availability


def run(
    record: Record, procedure: Procedure, availability: list[float], potential: float = 99.0
) -> Substituted:
    return substitute(
        np.array(record.value),
        np.array(record.operating),
        procedure,
        potential,
        load_range=np.array(record.load_range),
        availability=np.array(availability),
    )


@pytest.mark.parametrize("name", PROCEDURES)
@pytest.mark.parametrize("look_back", [1, 10, 30])
@given(drawn=records())
@settings(max_examples=60)
def test_every_hour_agrees_with_the_loop(
    name: str, look_back: int, drawn: tuple[Record, list[float]]
) -> None:
    """A short look-back brings the standard procedure into short records."""
    record, availability = drawn
    procedure = replace(PROCEDURES[name], look_back=look_back)

    found = run(record, procedure, availability)

    expected = [substituted(record, h, procedure, 99.0, availability[h]) for h in range(len(record.value))]
    assert [Rule(rule) for rule in found.rule] == [rule for _, rule in expected]
    np.testing.assert_allclose(found.value, [value for value, _ in expected], rtol=1e-12)


def after_720_hours(gap: int, *, end: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """Return 720 good hours of 1 to 720 hundredths, a gap, and one good hour; all operating."""
    value = np.concatenate((np.arange(1, 721) / 100, np.full(gap, NAN), [end]))
    return value, np.ones(len(value), bool)


def filled(
    gap: int, availability: float, procedure: Procedure = CO2, *, end: float = 0.0, potential: float = 20.0
) -> tuple[float, Rule]:
    """Return what the first hour of a gap gets."""
    value, operating = after_720_hours(gap, end=end)
    found = substitute(value, operating, procedure, potential, availability=np.full(len(value), availability))
    return float(found.value[720]), Rule(found.rule[720])


@pytest.mark.parametrize(
    ("availability", "gap", "value", "rule"),
    [
        (95.0, 1, 3.6, Rule.BEFORE_AFTER),
        (95.0, 24, 3.6, Rule.BEFORE_AFTER),
        (95.0, 25, 6.48, Rule.PERCENTILE_90),
        (94.9, 8, 3.6, Rule.BEFORE_AFTER),
        (94.9, 9, 6.84, Rule.PERCENTILE_95),
        (90.0, 9, 6.84, Rule.PERCENTILE_95),
        (89.9, 1, 7.2, Rule.EXTREME),
        (80.0, 100, 7.2, Rule.EXTREME),
        (79.9, 1, 20.0, Rule.POTENTIAL),
    ],
)
def test_every_line_of_table_1(availability: float, gap: int, value: float, rule: Rule) -> None:
    """720 h of 0.01 to 7.20: rank 648 is 6.48, rank 684 is 6.84; before is 7.2, after 0."""
    assert filled(gap, availability) == (value, rule)


@pytest.mark.parametrize(
    ("availability", "gap", "value", "rule"),
    [
        (95.0, 24, 3.6, Rule.BEFORE_AFTER),
        (95.0, 25, 0.72, Rule.PERCENTILE_90),
        (90.0, 9, 0.36, Rule.PERCENTILE_95),
        (80.0, 1, 0.01, Rule.EXTREME),
        (79.9, 1, 0.0, Rule.POTENTIAL),
    ],
)
def test_every_line_turned_round_for_oxygen(availability: float, gap: int, value: float, rule: Rule) -> None:
    assert filled(gap, availability, O2, potential=0.0) == (value, rule)


def test_the_mean_of_before_and_after_wins_where_it_is_worse() -> None:
    assert filled(25, 95.0, end=30.0) == (18.6, Rule.PERCENTILE_90)
    assert filled(25, 95.0, O2, end=-7.2) == (0.0, Rule.PERCENTILE_90)


def test_the_mean_of_before_and_after_is_rounded_as_it_is_reported() -> None:
    """(7.2 + 0.1) / 2 is 3.65, reported 3.7."""
    assert filled(1, 99.0, end=0.1) == (3.7, Rule.BEFORE_AFTER)


def test_each_hour_of_a_gap_has_the_tier_of_its_own_availability() -> None:
    value, operating = after_720_hours(4, end=0.0)
    availability = np.full(len(value), 99.0)
    availability[721:724] = [92.0, 85.0, 70.0]

    found = substitute(value, operating, CO2, 20.0, availability=availability)

    assert [Rule(r) for r in found.rule[720:724]] == [
        Rule.BEFORE_AFTER,
        Rule.BEFORE_AFTER,
        Rule.EXTREME,
        Rule.POTENTIAL,
    ]


def test_idle_hours_neither_count_in_a_gap_nor_end_it() -> None:
    """Twelve missing hours, thirteen idle ones, twelve missing: a gap of 24 h."""
    value, operating = after_720_hours(37, end=0.0)
    operating[732:745] = False

    found = substitute(value, operating, CO2, 20.0, availability=np.full(len(value), 95.0))

    assert {Rule(r) for r in found.rule[720:732]} == {Rule.BEFORE_AFTER}
    assert {Rule(r) for r in found.rule[732:745]} == {Rule.NOT_OPERATING}
    assert np.isnan(found.value[732:745]).all()


def test_nothing_stands_in_a_gap_that_is_still_open() -> None:
    value, operating = after_720_hours(10)

    found = substitute(value[:-1], operating[:-1], CO2, 20.0)

    assert {Rule(r) for r in found.rule[720:]} == {Rule.OPEN}
    assert np.isnan(found.value[720:]).all()


def test_in_the_first_720_hours_a_long_gap_is_the_mean_of_before_and_after_too() -> None:
    value, operating = after_720_hours(100, end=0.0)

    found = substitute(value[1:], operating[1:], CO2, 20.0, availability=np.full(len(value) - 1, 50.0))

    assert (found.value[719], Rule(found.rule[719])) == (3.6, Rule.BEFORE_AFTER)


def test_hours_before_the_record_count_towards_the_720() -> None:
    value, operating = after_720_hours(1, end=0.0)
    share = np.full(len(value) - 1, 50.0)

    found = substitute(value[1:], operating[1:], CO2, 20.0, availability=share, earlier=1)

    assert Rule(found.rule[719]) == Rule.POTENTIAL


def test_a_monitor_that_has_never_measured_takes_the_potential_value() -> None:
    found = substitute(np.array([NAN, 5.0]), np.ones(2, bool), CO2, 20.0)

    assert (found.value[0], Rule(found.rule[0])) == (20.0, Rule.POTENTIAL)


@pytest.mark.parametrize(("missing", "rule"), [(26_279, Rule.BEFORE_AFTER), (26_280, Rule.POTENTIAL)])
def test_the_initial_procedure_ends_three_years_after_certification(missing: int, rule: Rule) -> None:
    """After 26,280 clock hours, however few of them were good."""
    value, operating = np.full(26_300, NAN), np.zeros(26_300, bool)
    operating[[0, missing, 26_290]] = True
    value[[0, 26_290]] = 4.0

    found = substitute(value, operating, CO2, 20.0, availability=np.full(26_300, 50.0))

    assert Rule(found.rule[missing]) == rule


def test_a_look_back_ends_three_years_before_the_gap() -> None:
    """Of two good hours only the one within 26,280 h is looked at."""
    value, operating = np.full(26_300, NAN), np.zeros(26_300, bool)
    operating[[0, 10, 26_285, 26_286]] = True
    value[[0, 10, 26_286]] = [9.0, 7.0, 5.0]

    found = substitute(value, operating, replace(CO2, look_back=2), 20.0, availability=np.full(26_300, 85.0))

    assert (found.value[26_285], Rule(found.rule[26_285])) == (7.0, Rule.EXTREME)


def loads(gap_range: int) -> Substituted:
    """Return hours of ranges 2, 4 and 4, and a missing hour of another range."""
    return substitute(
        np.array([10_000.0, 20_000.0, 31_000.0, NAN, 90_000.0]),
        np.ones(5, bool),
        FLOW,
        99_000.0,
        load_range=np.array([2, 4, 4, gap_range, 9]),
    )


@pytest.mark.parametrize(
    ("gap_range", "value", "rule", "looked_at"),
    [
        (2, 10_000.0, Rule.MEAN, 2),
        (4, 25_500.0, Rule.MEAN, 4),
        (3, 25_500.0, Rule.MEAN, 4),
        (1, 10_000.0, Rule.MEAN, 2),
        (5, 99_000.0, Rule.POTENTIAL, NO_RANGE),
    ],
)
def test_flow_is_the_mean_in_its_load_range_or_the_next_higher(
    gap_range: int, value: float, rule: Rule, looked_at: int
) -> None:
    found = loads(gap_range)

    assert (found.value[3], Rule(found.rule[3]), found.load_range[3]) == (value, rule, looked_at)


def test_a_later_hour_is_no_history() -> None:
    """The hour of range 9 comes after the gap."""
    assert Rule(loads(9).rule[3]) == Rule.POTENTIAL


@pytest.mark.parametrize(
    ("availability", "gap", "value", "rule"),
    [
        (95.0, 24, 1080.5, Rule.MEAN),
        (95.0, 25, 1944.0, Rule.PERCENTILE_90),
        (90.0, 8, 1080.5, Rule.MEAN),
        (90.0, 9, 2052.0, Rule.PERCENTILE_95),
        (80.0, 1, 2160.0, Rule.EXTREME),
        (79.9, 1, 9999.0, Rule.POTENTIAL),
    ],
)
def test_every_line_of_table_2(availability: float, gap: int, value: float, rule: Rule) -> None:
    """2,160 h of 1 to 2160 in one range, twice, so that the look-back has to forget the first."""
    history = np.arange(1.0, 2161.0)
    values = np.concatenate((history + 5000, history, np.full(gap, NAN), [0.0]))

    found = substitute(
        values, np.ones(len(values), bool), NOX, 9999.0,
        load_range=np.full(len(values), 3), availability=np.full(len(values), availability),
    )  # fmt: skip

    assert (found.value[4320], Rule(found.rule[4320])) == (value, rule)


def test_a_percentile_may_be_interpolated_instead() -> None:
    """0.9 of 719 steps from 0.01 is 6.481 in a straight line."""
    value, operating = after_720_hours(25, end=0.0)
    share = np.full(len(value), 95.0)

    found = substitute(value, operating, CO2, 20.0, availability=share, percentile=Percentile.LINEAR)

    np.testing.assert_allclose(found.value[720], np.percentile(value[:720], 90), rtol=1e-12)


def test_no_input_is_changed() -> None:
    value, operating = after_720_hours(3)
    copy = value.copy()

    substitute(value, operating, CO2, 20.0)

    np.testing.assert_array_equal(value, copy)


def test_nothing_happens_to_a_record_without_hours_or_without_operation() -> None:
    none = substitute(np.empty(0), np.empty(0, bool), CO2, 20.0)
    idle = substitute(np.full(3, NAN), np.zeros(3, bool), FLOW, 20.0, load_range=np.ones(3, np.int64))

    assert len(none.value) == 0
    assert {Rule(r) for r in idle.rule} == {Rule.NOT_OPERATING}


def availability_by_loop(known: list[bool], operating: list[bool]) -> list[float]:
    """Equations 8 and 9, hour by hour."""
    window: deque[tuple[int, bool]] = deque()
    good, shares = 0, []
    for hour, (is_known, ran) in enumerate(zip(known, operating, strict=True)):
        if ran:
            window.append((hour, is_known))
            good += is_known
        while window and (len(window) > 8760 or window[0][0] <= hour - 26_280):
            good -= window.popleft()[1]
        shares.append(100 * good / len(window) if window else NAN)
    return shares


@pytest.mark.parametrize(("count", "running"), [(300, 0.7), (9_400, 0.99), (27_000, 0.02)])
def test_availability_agrees_with_the_loop(count: int, running: float) -> None:
    """Less than a year, more than 8,760 operating hours, and more than three years with few of them."""
    rng = np.random.default_rng(7)
    operating, known = rng.random(count) < running, rng.random(count) < 0.9

    found = monitor_availability(known, operating)

    expected = availability_by_loop(known.tolist(), operating.tolist())
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_availability_of_the_record_itself_decides_unless_another_is_given() -> None:
    """720 good hours and 40 missing ones: 94.7 % at the last of them, and 95 % until the 37th."""
    value, operating = after_720_hours(40, end=0.0)

    found = substitute(value, operating, CO2, 20.0)

    assert [Rule(r) for r in found.rule[720:760]] == [Rule.PERCENTILE_90] * 37 + [Rule.PERCENTILE_95] * 3


def test_mrr_equation_4_is_the_mean_and_two_sample_deviations() -> None:
    value = np.array([10.0, 14.0, NAN, 12.0, NAN])
    operating = np.array([True, True, True, True, False])

    found = mrr(value, operating)

    np.testing.assert_allclose(found.value, [10, 14, 12 + 2 * statistics.stdev([10, 14, 12]), 12, NAN])
    assert [Rule(r) for r in found.rule] == [
        Rule.MEASURED, Rule.MEASURED, Rule.MRR_EQUATION_4, Rule.MEASURED, Rule.NOT_OPERATING,
    ]  # fmt: skip


def test_mrr_with_the_deviation_of_a_population() -> None:
    found = mrr(np.array([10.0, 14.0, NAN]), np.ones(3, bool), ddof=0)

    np.testing.assert_allclose(found.value[2], 12 + 2 * statistics.pstdev([10, 14]))


def test_mrr_over_hours_that_were_agreed_as_representative() -> None:
    value = np.array([10.0, 14.0, 1000.0, NAN])

    found = mrr(value, np.ones(4, bool), representative=np.array([True, True, False, False]))

    np.testing.assert_allclose(found.value[3], 12 + 2 * statistics.stdev([10, 14]))


@given(values=st.lists(st.floats(0, 1000), min_size=2, max_size=50), gaps=st.integers(1, 20))
def test_mrr_agrees_with_the_standard_library(values: list[float], gaps: int) -> None:
    found = mrr(np.array([*values, *[NAN] * gaps]), np.ones(len(values) + gaps, bool))

    expected = statistics.fmean(values) + 2 * statistics.stdev(values)
    np.testing.assert_allclose(found.value[len(values) :], expected, rtol=1e-9, atol=1e-9)


def test_one_valid_hour_is_no_deviation() -> None:
    found = mrr(np.array([10.0, NAN]), np.ones(2, bool))

    assert np.isnan(found.value[1])
    assert Rule(found.rule[1]) == Rule.OPEN

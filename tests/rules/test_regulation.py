"""Hours that count, against a plain reading of the rules: one hour at a time, no numpy."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.park import Regulation
from rules.american.part75.missing_data import PROCEDURES
from rules.american.regulation import (
    HourlyRecord,
    Status,
    Windows,
    enough,
    load_ranges,
    means,
    quadrants_seen,
    running,
    share_of_readings,
    statuses,
    substituted,
)
from rules.american.substitution import Rule
from tests.rules import subpart_d

NAN = math.nan
MINUTE, HOUR = 60 * 10**9, 3600 * 10**9


def law(
    rule: str,
    substitute: dict[str, float],
    maximum: float = NAN,
    low_is_worse: tuple[str, ...] = ("moisture",),
) -> Regulation:
    stated = tuple(sorted(substitute.items()))
    return Regulation(rule, stated, -1, 0.0, maximum, 0, low_is_worse=low_is_worse)


def record(values: dict[str, list[float]], operating=None, load=None, period=None) -> HourlyRecord:
    count = len(next(iter(values.values())))
    return HourlyRecord(
        {role: np.array(value, np.float64) for role, value in values.items()},
        np.array(operating if operating is not None else [True] * count, bool),
        np.array(load if load is not None else [NAN] * count, np.float64),
        np.array(period if period is not None else [0] * count, np.int64),
    )


# --- which hours are valid ----------------------------------------------------------------------------------------


def windows(run: list[list[bool]], length: int = MINUTE) -> Windows:
    ran = np.array(run, bool)
    return Windows(np.ones_like(ran), ran, length)


def test_eighty_percent_of_an_hour_is_enough_and_less_is_not() -> None:
    value = np.full((2, 100), 7.0)
    coverage = np.ones((2, 100))
    coverage[0, 79:] = 0
    coverage[1, 80:] = 0

    found = means(value, coverage, windows([[True] * 100] * 2, HOUR // 100), level=True)

    assert found.share.tolist() == pytest.approx([0.79, 0.8])
    assert enough(found.share).tolist() == [False, True]
    assert enough(np.array([0.8 * (1 - 1e-12)])).tolist() == [True]


def test_an_amount_becomes_one_per_hour_of_the_time_that_is_known() -> None:
    value = np.array([[10.0] * 48 + [NAN] * 12])
    coverage = np.where(np.isnan(value), 0.0, 1.0)

    found = means(value, coverage, windows([[True] * 60]), level=False)

    assert found.value.tolist() == pytest.approx([600.0])
    assert found.share.tolist() == pytest.approx([0.8])


def test_only_the_time_in_which_the_unit_ran_counts() -> None:
    run = [[True] * 30 + [False] * 30]
    value = np.array([[12.0] * 30 + [0.1] * 30])

    found = means(value, np.ones((1, 60)), windows(run), level=True)

    assert found.value.tolist() == pytest.approx([12.0])
    assert found.share.tolist() == [1.0]
    assert windows(run).operating_hours.tolist() == [0.5]


def test_what_is_unknown_all_hour_is_nan_and_never_zero() -> None:
    unknown = np.full((1, 60), NAN)
    for level in (True, False):
        found = means(unknown, np.zeros((1, 60)), windows([[True] * 60]), level=level)
        assert math.isnan(found.value[0])
        assert found.share[0] == 0


def test_a_load_that_nobody_knows_means_that_the_unit_ran() -> None:
    inside = np.array([[True, True, True, False]])
    assert running(inside, np.array([[NAN, 5.0, 5.1, 9.0]]), 5.0).tolist() == [[True, False, True, False]]


def test_readings_are_counted_against_those_that_the_operating_time_could_have() -> None:
    half = windows([[True] * 30 + [False] * 30])
    minute = np.array([*range(24), 40, 41])

    assert share_of_readings(np.zeros(26, np.int64), minute, half, MINUTE).tolist() == pytest.approx([0.8])


@pytest.mark.parametrize(
    ("minutes", "run", "calibrating", "valid"),
    [
        ([0, 15, 30, 45], range(60), [], True),
        ([0, 15, 30], range(60), [], False),
        ([0, 15, 30], range(45), [], True),  # no fuel in the last quadrant
        ([0, 15], range(60), [50], True),  # maintenance: two readings 15 minutes apart
        ([0, 14], range(60), [50], False),
        ([0], range(60), [], False),
        ([], [], [], False),
    ],
)
def test_an_hour_needs_a_reading_in_each_quadrant_that_burned(minutes, run, calibrating, valid) -> None:
    ran = windows([[minute in run for minute in range(60)]])
    times, tests = (np.array(one, np.int64) * MINUTE for one in (minutes, calibrating))

    assert quadrants_seen(times, tests, ran).tolist() == [valid]


@pytest.mark.parametrize("length", [MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR])
def test_quadrants_are_those_that_a_running_window_reaches(length: int) -> None:
    count = HOUR // length
    only_first = windows([[True] + [False] * (count - 1)], length)
    reached = math.ceil(length / (15 * MINUTE))
    times = np.arange(reached) * 15 * MINUTE

    assert quadrants_seen(times, times[:0], only_first).tolist() == [True]
    assert quadrants_seen(times[:-1], times[:0], only_first).tolist() == [False]


# --- what stands for the others -----------------------------------------------------------------------------------

maybe = st.one_of(st.just(NAN), st.floats(1, 20))


def plain_mrr(values: list[float], operating: list[bool], period: list[int], role: str, stated: float):
    """Article 45 as one would do it by hand."""
    for hour, value in enumerate(values):
        if not operating[hour]:
            yield NAN, Rule.NOT_OPERATING
        elif not math.isnan(value):
            yield value, Rule.MEASURED
        elif not any(
            operating[later] and not math.isnan(values[later]) for later in range(hour + 1, len(values))
        ):
            yield NAN, Rule.OPEN
        elif role != "co2":
            yield stated, Rule.NOTHING if math.isnan(stated) else Rule.STATED
        else:
            among = [
                v
                for v, ran, year in zip(values, operating, period, strict=True)
                if ran and year == period[hour] and not math.isnan(v)
            ]
            if len(among) < 2:
                yield NAN, Rule.OPEN
            else:
                yield statistics.fmean(among) + 2 * statistics.stdev(among), Rule.MRR_EQUATION_4


@given(st.data(), st.sampled_from(["co2", "flow", "moisture"]), st.sampled_from([NAN, 9.0]))
def test_the_mrr_equals_a_plain_loop(data, role, stated) -> None:
    count = data.draw(st.integers(1, 40))
    values = data.draw(st.lists(maybe, min_size=count, max_size=count))
    operating = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    period = sorted(data.draw(st.lists(st.sampled_from([2025, 2026]), min_size=count, max_size=count)))
    one = law("mrr", {} if math.isnan(stated) else {role: stated})

    found = substituted(one, record({role: values}, operating, period=period))[role]
    expected = list(plain_mrr(values, operating, period, role, stated))

    assert found.rule.tolist() == [rule for _, rule in expected]
    assert found.value.tolist() == pytest.approx([value for value, _ in expected], nan_ok=True, rel=1e-9)


@given(st.data(), st.sampled_from(["co2", "moisture", "flow"]))
def test_part_75_equals_a_plain_loop(data, role) -> None:
    count = data.draw(st.integers(1, 60))
    values = [round(v, 1) for v in data.draw(st.lists(maybe, min_size=count, max_size=count))]
    operating = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    load = data.draw(st.lists(st.one_of(st.just(NAN), st.floats(0, 120)), min_size=count, max_size=count))

    found = substituted(law("part-75", {role: 99.0}, 100.0), record({role: values}, operating, load))[role]

    ranges = [plain_range(one) if role == "flow" else 0 for one in load]
    monitor = subpart_d.Record(values, operating, ranges)
    for hour in range(count):
        # The record is shorter than any look-back: the initial procedure holds, whatever the availability.
        value, rule = subpart_d.substituted(monitor, hour, PROCEDURES[role], 99.0, 100.0)
        assert found.rule[hour] == rule
        assert found.value[hour] == pytest.approx(value, nan_ok=True)


def plain_range(load: float) -> int:
    return 10 if math.isnan(load) else min(max(math.ceil(load / 100.0 * 10), 1), 10)


@pytest.mark.parametrize(
    ("missing", "rule", "value"),
    [
        (40, Rule.BEFORE_AFTER, 10.0),  # 95 % and more available, short gaps
        (100, Rule.PERCENTILE_95, 19.0),  # 90 to 95 %
        (200, Rule.EXTREME, 20.0),  # 80 to 90 %
        (400, Rule.POTENTIAL, 16.0),  # below
    ],
)
def test_part_75_has_four_tiers_by_availability(missing: int, rule: Rule, value: float) -> None:
    """1,000 known hours, 1 to 20 % in turn; then short gaps use availability up, then one of ten hours."""
    known = [float(1 + hour % 20) for hour in range(1000)]
    used_up = [NAN if hour % 2 else 10.0 for hour in range(2 * missing)]
    values = [*known, *used_up, *([NAN] * (1 if missing == 40 else 10)), 10.0]

    found = substituted(law("part-75", {"co2": 16.0}), record({"co2": values}))["co2"]

    assert found.rule[-2] == rule
    assert found.value[-2] == value


def test_load_ranges_are_ten_and_an_unknown_load_is_in_the_highest() -> None:
    assert load_ranges(np.array([0.0, 10.0, 10.1, 99.0, 100.0, 130.0, NAN]), 100.0).tolist() == [
        1, 1, 2, 10, 10, 10, 10,
    ]  # fmt: skip
    assert load_ranges(np.array([1.0]), NAN) is None


def test_solid_b5_a_load_a_last_bit_above_its_range_is_in_it() -> None:
    assert load_ranges(np.array([24.000000000000007, 24.00001]), 120.0).tolist() == [2, 3]
    inside = np.ones((1, 2), bool)
    assert running(inside, np.array([[5.000000000000001, 5.00001]]), 5.0).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("low_is_worse", "rule_95", "extreme"), [((), 19.0, 20.0), (("moisture",), 2.0, 1.0)]
)
def test_solid_b5_moisture_is_substituted_so_that_it_does_not_lower_the_emission(
    low_is_worse: tuple[str, ...], rule_95: float, extreme: float
) -> None:
    """A dry flow is divided by the dry share, so that more moisture is more CO2: the high end stands for a missing value."""
    known = [float(1 + hour % 20) for hour in range(1000)]
    for missing, value in ((100, rule_95), (200, extreme)):
        used_up = [NAN if hour % 2 else 10.0 for hour in range(2 * missing)]
        values = [*known, *used_up, *([NAN] * 10), 10.0]
        one = law("part-75", {"moisture": 99.0}, low_is_worse=low_is_worse)

        found = substituted(one, record({"moisture": values}))["moisture"]

        assert found.value[-2] == value


def test_an_hour_is_as_its_worst_input() -> None:
    by_role = substituted(
        law("mrr", {}),
        record(
            {"co2": [10, NAN, 12, 11, 12, NAN], "flow": [1, 1, NAN, 1, 1, 1]},
            [True, True, True, False, True, True],
        ),
    )

    assert statuses(by_role, np.array([True, True, True, False, True, True])).tolist() == [
        Status.VALID, Status.SUBSTITUTED, Status.UNKNOWN, Status.NOT_OPERATING, Status.VALID, Status.PENDING,
    ]  # fmt: skip

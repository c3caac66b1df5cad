"""Budgets beside totals, the time before, and the way to net zero."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from plant.commitments import Budget, Target
from plant.periods import DAY, MONTH, month_of
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from tests.api.conftest import Api
from tests.api.state import BERLIN, MIDNIGHT, State, ns, plant, windows
from tests.api.test_inventory import ALL_OF_HAI_PHONG, MILL, seen_by

MONTHS = (0.05, 0.05, *[0.09] * 10)
NEW_YEAR = ns("2026-01-01T00:00:00+07:00")


def built(directory, *, park=(), mill=(), rhein=(), targets=()):
    base = plant()
    hp, de = base.parks
    first, *others = base.facilities
    parks = (replace(hp, budgets=tuple(park), targets=tuple(targets)), replace(de, budgets=tuple(rhein)))
    facilities = (replace(first, budgets=tuple(mill)), *others)
    return Api(State(directory / "state.db", replace(base, parks=parks, facilities=facilities)))


@pytest.fixture
def make(tmp_path):
    made = []

    def make(**given):
        made.append(built(tmp_path, **given))
        return made[-1]

    yield make
    for api in made:
        api.reader.close()
        api.state.close()


def budget(year, t, **more):
    return Budget(year, t, f"plan {year}", **more)


def total(api, beside="budget", **params):
    [found] = api.get("/v1/totals", with_=beside, **params)["totals"]
    return found


def by_days(start, end, tonnes_of_day):
    """Return the sum over the local days of [start, end), both midnights written like 2026-11-24."""
    day, last = (datetime.fromisoformat(text) for text in (start, end))
    found = 0.0
    while day < last:
        found += tonnes_of_day(day)
        day += timedelta(days=1)
    return found


# --- budgets


def test_a_period_has_its_share_of_the_years_budget(make):
    api = make(mill=[budget(2026, 365.0), budget(2027, 730.0)])
    mill = {"park": "hai-phong", "facility": "mill"}

    assert total(api, **mill)["budget_t"] == pytest.approx(1.0, rel=1e-12)
    assert total(api, period="2026-11", **mill)["budget_t"] == pytest.approx(30.0, rel=1e-12)
    assert total(api, period="2026", **mill)["budget_t"] == pytest.approx(365.0, rel=1e-12)
    over_new_year = {"from": "2026-12-30T00:00:00+07:00", "to": "2027-01-03T00:00:00+07:00"}
    assert total(api, **mill, **over_new_year)["budget_t"] == pytest.approx(2 + 4, rel=1e-12)


def test_months_have_the_shares_that_the_budget_states(make):
    api = make(mill=[budget(2026, 1000.0, months=MONTHS)])

    def tonnes_of_day(day):
        following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        return 1000.0 * MONTHS[day.month - 1] / (following - timedelta(days=1)).day

    for start, end in [
        ("2026-01-01", "2027-01-01"),
        ("2026-02-20", "2026-03-07"),
        ("2026-11-24", "2026-11-25"),
    ]:
        span = {"from": f"{start}T00:00:00+07:00", "to": f"{end}T00:00:00+07:00"}
        found = total(api, park="hai-phong", facility="mill", **span)["budget_t"]

        assert found == pytest.approx(by_days(start, end, tonnes_of_day), rel=1e-12)


def test_what_was_emitted_is_a_share_of_the_budget(make):
    api = make(mill=[budget(2026, 730.0)])
    api.state.begins(0, MIDNIGHT)
    api.state.windows(0, MIDNIGHT, windows(600, 0.001))

    found = total(api, park="hai-phong", facility="mill")

    assert found["budget_used_share"] == pytest.approx(0.6 / 2.0, rel=1e-12)
    assert total(api, park="hai-phong", facility="mill", period="2025")["budget_used_share"] is None


def test_a_budget_is_of_all_that_it_is_for_or_of_nothing(make):
    api = make(park=[budget(2026, 365.0)], mill=[budget(2026, 73.0)])

    assert total(api, level="park", park="hai-phong")["budget_t"] == pytest.approx(1.0)
    assert total(api, level="park", park="hai-phong", facility="mill")["budget_t"] is None
    assert total(api, level="park", park="rhein")["budget_t"] is None
    assert total(api, level="all")["budget_t"] is None  # the Rhine has none
    assert total(api, level="source", facility="mill", source="grid")["budget_t"] is None
    assert {
        one["budget_t"]
        for one in api.get("/v1/totals", with_="budget", by="scope", facility="mill")["totals"]
    } == {None}
    [mill] = seen_by(api, MILL).get("/v1/totals", with_="budget", level="park")["totals"]
    assert mill["budget_t"] is None


def test_the_budget_of_all_is_the_sum_of_the_parks(make):
    api = make(park=[budget(2026, 365.0)], rhein=[budget(2026, 730.0)])

    assert total(api, level="all")["budget_t"] == pytest.approx(3.0)


def test_a_year_without_a_budget_leaves_the_period_without(make):
    api = make(mill=[budget(2026, 365.0)])
    span = {"from": "2026-12-30T00:00:00+07:00", "to": "2027-01-03T00:00:00+07:00"}

    assert total(api, park="hai-phong", facility="mill", **span)["budget_t"] is None
    assert "budget_t" not in api.get("/v1/totals", facility="mill")["totals"][0]


# --- the time before


def test_the_time_before_is_as_long_and_ends_where_the_period_begins(make):
    """Yesterday was known in its first twelve hours; until now ten hours of today have passed."""
    api = make()
    yesterday = MIDNIGHT - NS_PER_DAY
    api.state.begins(0, yesterday - NS_PER_HOUR)
    values = np.concatenate([windows(660, 0.002), windows(60, 0.003), windows(720, 0.0, coverage=0)])
    api.state.windows(0, yesterday, values)
    api.state.windows(0, MIDNIGHT, windows(600, 0.001))

    found = total(api, "previous", park="hai-phong", facility="mill")

    assert found["co2e_t"] == pytest.approx(0.6)
    assert found["previous"] == {
        "from": "2026-11-22T17:00:00Z", "to": "2026-11-23T17:00:00Z",
        "co2e_t": pytest.approx(660 * 0.002 + 60 * 0.003), "coverage": pytest.approx(0.5),
        "known_from": None, "unheard": ["hai-phong/mill/boiler"],
        "elapsed_co2e_t": pytest.approx(600 * 0.002),
    }  # fmt: skip


def test_the_time_before_is_the_total_of_that_time(make, morning_of):
    api = make()
    morning_of(api.state)
    span = {"from": "2026-11-24T05:00:00+07:00", "to": "2026-11-24T10:00:00+07:00"}
    before = {"from": "2026-11-24T00:00:00+07:00", "to": "2026-11-24T05:00:00+07:00"}
    for level in ("all", "park", "facility", "source"):
        told = [
            one["previous"] for one in api.get("/v1/totals", with_="previous", level=level, **span)["totals"]
        ]
        real = api.get("/v1/totals", level=level, **before)["totals"]

        assert [(one["co2e_t"], one["coverage"]) for one in told] == [
            (one["co2e_t"], one["coverage"]) for one in real
        ]
        assert [one["elapsed_co2e_t"] for one in told] == [one["co2e_t"] for one in real]


@pytest.fixture
def morning_of():
    def fill(state):
        state.begins(0, MIDNIGHT - NS_PER_HOUR)
        state.windows(0, MIDNIGHT, windows(600, 0.001))
        state.begins(1, MIDNIGHT + 2 * NS_PER_HOUR)
        state.windows(1, MIDNIGHT + 2 * NS_PER_HOUR, windows(400, 0.002, coverage=0.5))

    return fill


# --- the way to net zero


def roadmap(api, **params):
    [way] = api.get("/v1/roadmap", **params)["roadmap"]
    return {one["year"]: one for one in way["years"]}


TARGETS = [
    Target(2025, 100.0, "inventory 2025"),
    Target(2030, 50.0, "plan", provisional=True),
    Target(2032, 0.0, "plan"),
]


def test_targets_lie_on_straight_lines_between_the_given_ones(make):
    api = make(targets=TARGETS)
    [park, *_] = api.get("/v1/roadmap", park="hai-phong")["roadmap"]
    years = {one["year"]: one for one in park["years"]}

    assert (park["facility"], park["base_year"]) == (None, 2025)
    assert {year: one["target_t"] for year, one in years.items()} == pytest.approx(
        {2025: 100, 2026: 90, 2027: 80, 2028: 70, 2029: 60, 2030: 50, 2031: 25, 2032: 0}
    )
    assert years[2025]["target_source"] == "inventory 2025"
    assert years[2026]["target_source"] is None
    assert [years[year]["target_provisional"] for year in (2025, 2026, 2030, 2031, 2032)] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_r50a_half_in_a_year_and_nothing_in_five_more(make):
    """The golden case: 100,000 t in 2024, half in 2025, none in 2030."""
    api = make(targets=[Target(2024, 100_000, ""), Target(2025, 50_000, ""), Target(2030, 0, "")])
    park, *_ = api.get("/v1/roadmap", park="hai-phong")["roadmap"]
    path = {one["year"]: one["target_t"] for one in park["years"]}

    assert path == pytest.approx(
        {2024: 100_000, 2025: 50_000, 2026: 40_000, 2027: 30_000, 2028: 20_000, 2029: 10_000, 2030: 0},
        abs=1e-9,
    )
    assert sum(path.values()) - 100_000 == pytest.approx(150_000, abs=1e-9)


def test_a_year_has_its_budget_beside_what_was_emitted(make):
    api = make(mill=[budget(2026, 365.0, provisional=True)])
    api.state.begins(0, MIDNIGHT)
    api.state.windows(0, MIDNIGHT, windows(600, 0.001))

    found = roadmap(api, park="hai-phong", facility="mill")[2026]
    real = total(api, park="hai-phong", facility="mill", period="2026")

    assert (found["budget_t"], found["budget_source"], found["budget_provisional"]) == (
        365.0,
        "plan 2026",
        True,
    )
    assert (found["actual_t"], found["coverage"]) == (real["co2e_t"], real["coverage"])
    assert (found["projected_t"], found["projection"]) == (None, "not_complete")


@pytest.mark.parametrize(
    ("as_of", "first", "coverage", "why"),
    [
        (NEW_YEAR + 50 * NS_PER_DAY, NEW_YEAR, 1.0, "linear"),
        (NEW_YEAR + 50 * NS_PER_DAY, NEW_YEAR + NS_PER_MIN, 1.0, "not_complete"),
        (NEW_YEAR + 50 * NS_PER_DAY, NEW_YEAR, 0.98, "not_complete"),
        (NEW_YEAR + 30 * NS_PER_DAY - 1, NEW_YEAR, 1.0, "too_early"),
    ],
)
def test_the_present_year_is_projected_from_complete_data_only(make, as_of, first, coverage, why):
    api = make()
    api.as_of = as_of
    for source in (0, 1):
        api.state.begins(source, first)
        for day in range(50):
            api.state.windows(source, NEW_YEAR + day * NS_PER_DAY, windows(1440, 0.001, coverage=coverage))

    found = roadmap(api, park="hai-phong", facility="mill")[2026]

    assert found["projection"] == why
    if why == "linear":
        assert found["projected_t"] == pytest.approx(2 * 365 * 1440 * 0.001, rel=1e-9)
    else:
        assert found["projected_t"] is None


LAST = [900, 700, 950, 940, 980, 960, 990, 1000, 960, 970, 980, 1000]  # the golden cases R50c and R50b
THIS = [860, 690, 900, 900, 930, 905]
BERLIN_JULY = ns("2026-07-01T00:00:00+02:00")


def works(make, last=LAST, this=THIS, per_day=None, budget_t=40_000.0):
    """Return the API of a works whose months are known as sums, and the last 28 days as sums of theirs."""
    api = make(rhein=[budget(2026, budget_t)])
    api.as_of = BERLIN_JULY
    api.state.begins(4, ns("2025-01-01T00:00:00+01:00"))
    starts = [month_of(f"{year}-{month:02}", BERLIN) for year in (2025, 2026) for month in range(1, 13)]
    for start, end, tonnes in zip(starts, starts[1:], [*last, *this], strict=False):
        if tonnes is not None:
            known_sum(api, MONTH, start, (end - start) // NS_PER_MIN, tonnes)
    for day in range(28 if per_day else 0):
        known_sum(api, DAY, BERLIN_JULY - (day + 1) * NS_PER_DAY, 1440, per_day)
    return api


def known_sum(api, level, start, count, tonnes):
    row = np.array([[tonnes, tonnes * 1000, 0.0, 0.0, 0.0, 1.0, count, 0.0, 0.0]])
    api.state._total(4, level, start, row, count, 1)


def this_year(api):
    [park, _] = api.get("/v1/roadmap", park="rhein")["roadmap"]
    return next(one for one in park["years"] if one["year"] == 2026)


def test_r50c_the_year_is_projected_by_the_seasons_of_the_last_with_an_interval(make):
    found = this_year(works(make))

    assert (found["projection"], found["not_seasonal"]) == ("seasonal", None)
    assert [found[name] for name in ("projected_t", "projected_low_t", "projected_high_t")] == pytest.approx(
        [10811.976107566272, 10703.359960439337, 10920.592254693207], abs=1e-6
    )


def test_a_month_that_is_not_known_widens_the_projection(make):
    found = this_year(works(make, this=[860, 690, None, 900, 930, 905]))

    assert found["projection"] == "seasonal"
    assert found["projected_t"] == pytest.approx(10811.976, rel=0.01)
    assert found["projected_high_t"] - found["projected_low_t"] > 10920.592254693207 - 10703.359960439337


@pytest.mark.parametrize(
    ("changes", "projection", "why"),
    [
        ({"last": [*LAST[:8], None, *LAST[9:]]}, "linear", "last_year_not_complete"),
        ({"this": [860, 690, None, None, None, None]}, "not_complete", "fewer_than_three_months"),
    ],
)
def test_what_the_seasons_cannot_tell_is_projected_as_a_line_or_not_at_all(make, changes, projection, why):
    found = this_year(works(make, **changes))

    assert (found["projection"], found["not_seasonal"]) == (projection, why)
    assert (found["projected_low_t"], found["projected_high_t"]) == (None, None)
    passed = (181 - 1 / 24) / 365  # the clock was moved on by an hour
    assert found["projected_t"] == (
        pytest.approx(sum(THIS) / passed, rel=1e-9) if projection == "linear" else None
    )


def test_a_budget_is_told_how_fast_it_is_used_and_for_how_long_it_lasts(make):
    found = this_year(works(make, per_day=110.0))

    assert [found[f"burn_{days}d"] for days in (1, 7, 28)] == pytest.approx(3 * [110 / (40_000 / 365)])
    assert found["days_to_exhaustion"] == pytest.approx((40_000 - sum(THIS)) / 110)


def test_a_budget_that_is_used_up_lasts_for_no_day(make):
    assert this_year(works(make, per_day=110.0, budget_t=5000.0))["days_to_exhaustion"] == 0


def test_how_fast_is_not_known_from_days_that_are_not(make):
    found = this_year(works(make))

    assert [found[f"burn_{days}d"] for days in (1, 7, 28)] == [None, None, None]
    assert found["days_to_exhaustion"] is None


def test_years_that_are_over_or_to_come_are_not_projected(make):
    api = make(mill=[budget(2025, 1.0), budget(2027, 1.0)])
    found = roadmap(api, park="hai-phong", facility="mill")

    assert {year: one["projection"] for year, one in found.items()} == {
        2025: "year_is_over", 2026: "no_data", 2027: "year_is_to_come",
    }  # fmt: skip
    assert found[2027]["actual_t"] is None


def test_a_park_is_shown_to_those_who_see_all_of_it(make):
    api = make(targets=TARGETS)

    def places(caller):
        return [(one["park"], one["facility"]) for one in seen_by(api, caller).get("/v1/roadmap")["roadmap"]]

    assert places(MILL) == [("hai-phong", "mill")]
    assert places(ALL_OF_HAI_PHONG) == [("hai-phong", None), ("hai-phong", "foundry"), ("hai-phong", "mill")]


def test_what_one_facility_sold_to_another_counts_once_in_the_park(tmp_path):
    base = plant()
    bought = replace(base.sources[2], sold_by="hai-phong/mill")
    api = Api(
        State(tmp_path / "state.db", replace(base, sources=(*base.sources[:2], bought, *base.sources[3:])))
    )
    for source in (0, 2):
        api.state.begins(source, MIDNIGHT)
        api.state.windows(source, MIDNIGHT, windows(600, 0.001 * (source + 1)))

    park, foundry, _ = api.get("/v1/roadmap", park="hai-phong")["roadmap"]

    assert (
        park["years"][-1]["actual_t"]
        == total(api, "previous", level="park", park="hai-phong", period="2026")["co2e_t"]
    )
    assert park["years"][-1]["actual_t"] == pytest.approx(0.6)
    assert foundry["years"][-1]["actual_t"] == pytest.approx(1.8)
    api.reader.close()
    api.state.close()

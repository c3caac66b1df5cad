"""Budgets beside totals, the time before, and the way to net zero."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from plant.yearly import Budget, Target
from tests.api.conftest import Api
from tests.api.state import MIDNIGHT, State, ns, plant, windows
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

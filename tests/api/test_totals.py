"""Totals: what is known, how well, and how far."""

import numpy as np
import pytest

from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, Verdict
from tests.api.state import AS_OF, MIDNIGHT, ns, one_by_one, windows

TEN = MIDNIGHT + 10 * NS_PER_HOUR


def one(api, **params):
    [total] = api.get("/v1/totals", **params)["totals"]
    return total


def test_the_default_is_today_by_facility(api, morning):
    body = api.get("/v1/totals", park="hai-phong")

    assert body["as_of"] == "2026-11-24T03:00:30Z"
    assert body["period"] == {"from": "2026-11-23T17:00:00Z", "to": "2026-11-24T17:00:00Z"}
    assert body["gwp"] == "AR5"
    assert [(t["park"], t["facility"], t["source"]) for t in body["totals"]] == [
        ("hai-phong", "foundry", None), ("hai-phong", "mill", None),
    ]  # fmt: skip


def test_a_source_shows_everything_of_it(api, morning):
    total = one(api, level="source", facility="mill", source="grid")

    assert total == {
        "park": "hai-phong", "facility": "mill", "source": "grid", "scope": 2, "method": "electricity-location",
        "co2e_t": pytest.approx(0.6, rel=1e-12), "co2_kg": pytest.approx(600, rel=1e-12),
        "co2_biogenic_kg": 0.0, "ch4_kg": 0.0, "n2o_kg": 0.0, "activity": 900.0, "activity_unit": "kWh",
        "now_t_per_h": pytest.approx(0.06, rel=1e-12), "now_at": "2026-11-24T03:00:00Z",
        "now_unknown": [], "coverage": 600 / 601, "known_from": None, "unheard": [],
        "shares": {"measured": 600 / 601, "interpolated": 0.0, "substituted": 0.0, "missing": pytest.approx(1 / 601)},
        "worst_source": "grid", "complete_until": "2026-11-24T03:00:00Z", "stale": [], "revision": 1,
    }  # fmt: skip


def test_a_facility_is_the_sum_of_its_sources_in_the_order_of_their_names(api, morning):
    total = one(api, park="hai-phong", facility="mill")
    boiler = one(api, level="source", facility="mill", source="boiler")
    grid = one(api, level="source", facility="mill", source="grid")

    assert total["co2e_t"] == boiler["co2e_t"] + grid["co2e_t"]
    assert total["now_t_per_h"] == boiler["now_t_per_h"] + grid["now_t_per_h"]
    assert total["now_at"] == total["complete_until"][:17] + "00Z" == "2026-11-24T02:56:00Z"
    assert total["complete_until"] == "2026-11-24T02:56:30Z"
    assert total["worst_source"] == "boiler"
    assert total["revision"] == 3
    assert (total["scope"], total["method"], total["activity"]) == (None, None, None)


def test_coverage_is_the_plain_mean_over_the_windows_that_were_due(api, morning):
    """The grid owes 601 windows, the boiler 121 from eight o'clock on, of which 120 are half covered."""
    total = one(api, facility="mill")

    assert total["coverage"] == pytest.approx((600 + 60) / (601 + 121), rel=1e-12)
    assert total["shares"]["missing"] == pytest.approx(1 - total["coverage"], abs=1e-15)


def test_by_scope_and_by_method_split_a_facility(api, morning):
    scopes = api.get("/v1/totals", facility="mill", by="scope")["totals"]
    methods = api.get("/v1/totals", facility="mill", by="method")["totals"]

    assert [(t["scope"], t["method"], t["activity"]) for t in scopes] == [(1, None, None), (2, None, None)]
    assert [(t["scope"], t["method"], t["activity_unit"]) for t in methods] == [
        (1, "fuel", "Nm3"), (2, "electricity-location", "kWh"),
    ]  # fmt: skip
    assert [t["co2e_t"] for t in scopes] == [t["co2e_t"] for t in methods]


def test_all_parks_are_summed_park_by_park(api, state):
    """Three numbers whose sum depends on the order."""
    amounts = {0: 1e-3, 2: 1e13, 4: -1e13}
    for source, amount in amounts.items():
        state.begins(source, MIDNIGHT)
        state.windows(source, MIDNIGHT, windows(1, amount))
    span = {"from": "2026-11-23T17:00:00Z", "to": "2026-11-23T18:00:00Z"}

    total = one(api, level="all", **span)

    assert total["co2e_t"] == (1e13 + 1e-3) + -1e13
    assert (total["park"], total["facility"]) == (None, None)


def test_each_park_has_its_own_day(api, state):
    """Midnight in Hai Phong is still the day before on the Rhine."""
    state.begins(4, MIDNIGHT - 100 * NS_PER_HOUR)
    state.windows(4, MIDNIGHT - NS_PER_HOUR, windows(120, 1.0))
    api.as_of = MIDNIGHT + NS_PER_HOUR

    body = api.get("/v1/totals", level="park", period="today")

    rhine = next(t for t in body["totals"] if t["park"] == "rhein")
    assert rhine["co2e_t"] == 120.0
    assert body["period"] == {"from": "2026-11-22T23:00:00Z", "to": "2026-11-24T17:00:00Z"}


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("2026", "2025-12-31T17:00:00Z", "2026-12-31T17:00:00Z"),
        ("year", "2025-12-31T17:00:00Z", "2026-12-31T17:00:00Z"),
        ("2026-02", "2026-01-31T17:00:00Z", "2026-02-28T17:00:00Z"),
        ("month", "2026-10-31T17:00:00Z", "2026-11-30T17:00:00Z"),
        ("2026-11-24", "2026-11-23T17:00:00Z", "2026-11-24T17:00:00Z"),
    ],
)
def test_periods_are_of_the_parks_clock(api, period, start, end):
    assert api.get("/v1/totals", park="hai-phong", period=period)["period"] == {"from": start, "to": end}


def test_a_day_the_clock_goes_back_has_25_hours(api):
    body = api.get("/v1/totals", park="rhein", period="2026-10-25")

    assert body["period"] == {"from": "2026-10-24T22:00:00Z", "to": "2026-10-25T23:00:00Z"}


def test_a_year_is_the_sum_that_plain_python_makes(api, state):
    """Windows to hours to days to months to the year, from left to right, over 40 days."""
    rng = np.random.default_rng(3)
    start = ns("2026-02-01T00:00:00+07:00")
    rows = windows(40 * 24, 0.0).repeat(1, axis=0)
    rows[:, 0] = rng.lognormal(0, 5, len(rows))
    for k, row in enumerate(rows):  # one window an hour
        if k % 24 == 0:
            day = np.concatenate([np.vstack([r, windows(59, 0, coverage=0)]) for r in rows[k : k + 24]])
            state.windows(0, start + k * NS_PER_HOUR, day)
        assert row[0] > 0
    days = [one_by_one(rows[k : k + 24, 0].tolist()) for k in range(0, len(rows), 24)]

    total = one(api, level="source", facility="mill", source="grid", period="2026")

    assert total["co2e_t"] == one_by_one([one_by_one(days[:28]), one_by_one(days[28:])])


def test_where_nothing_is_known_everything_is_null(api):
    total = one(api, facility="mill")

    unknown = {name for name, value in total.items() if value is None}
    assert {
        "co2e_t",
        "co2_kg",
        "coverage",
        "shares",
        "worst_source",
        "now_t_per_h",
        "complete_until",
    } <= unknown
    assert total["stale"] == ["gas", "mdb1"]
    assert total["revision"] == 0


def test_a_gas_that_the_factor_does_not_give_is_null(api, state):
    row = windows(1, 0.5)
    row[:, 1:5] = np.nan
    state.windows(0, MIDNIGHT, row)

    total = one(api, level="source", facility="mill", source="grid")

    assert (total["co2e_t"], total["co2_kg"], total["ch4_kg"]) == (0.5, None, None)


def test_a_channel_older_than_its_patience_is_stale_and_holds_nothing_back(api, morning):
    api.as_of = AS_OF + 57 * NS_PER_MIN

    total = one(api, facility="mill")

    assert total["stale"] == ["gas"]
    assert total["complete_until"] == "2026-11-24T03:00:00Z"


def test_an_interval_channel_is_stale_after_two_periods(api, state):
    state.reading(2, AS_OF - 30 * NS_PER_MIN, 1.0)
    api.as_of = AS_OF + 1
    assert one(api, level="source", facility="foundry", source="grid")["stale"] == ["mdb1"]

    api.as_of = AS_OF  # back, because what is shared for a second is not told of an earlier time
    assert one(api, level="source", facility="foundry", source="grid")["stale"] == []


def test_names_in_a_total_are_as_long_as_its_level_needs(api):
    assert one(api, facility="mill")["stale"] == ["gas", "mdb1"]
    park = one(api, level="park", park="rhein")
    assert park["stale"] == ["works/mdb1"]
    assert "hai-phong/mill/gas" in one(api, level="all")["stale"]


def test_a_register_is_complete_until_its_last_baseline(api, morning):
    morning.reading(0, AS_OF, 1e9, verdict=Verdict.HELD)

    assert (
        one(api, level="source", facility="mill", source="grid")["complete_until"] == "2026-11-24T03:00:00Z"
    )


def test_now_is_over_the_last_interval_of_a_slow_input(api, state):
    """A quarter of an hour at 0.004 t a minute, though the last five minutes alone are unknown to the meter."""
    quarter = AS_OF // (15 * NS_PER_MIN) * (15 * NS_PER_MIN)
    state.begins(2, quarter - 15 * NS_PER_MIN)
    state.windows(
        2, quarter - 30 * NS_PER_MIN, np.concatenate([windows(15, 9.0), windows(10, 0.001), windows(5, 0.01)])
    )
    state.reading(2, quarter, 1.0)

    total = one(api, level="source", facility="foundry", source="grid")

    assert total["now_t_per_h"] == pytest.approx((10 * 0.001 + 5 * 0.01) * 4, rel=1e-12)
    assert total["now_at"] == "2026-11-24T03:00:00Z"


def test_now_of_an_event_source_is_the_last_clock_hour(api, state):
    state.begins(3, MIDNIGHT)
    state.windows(3, TEN - 20 * NS_PER_MIN, windows(1, 0.7))

    total = one(api, level="source", facility="foundry", source="chiller")

    assert (total["now_t_per_h"], total["now_at"]) == (0.7, "2026-11-24T03:00:00Z")
    assert (total["complete_until"], total["coverage"]) == (None, 1.0)


def test_a_period_on_the_window_grid_is_taken_as_it_is(api, morning):
    total = one(
        api, level="source", facility="mill", source="grid",
        **{"from": "2026-11-24T08:30:00+07:00", "to": "2026-11-24T09:02:00+07:00"},
    )  # fmt: skip

    assert total["activity"] == 32 * 1.5
    assert total["coverage"] == 1.0


@pytest.mark.parametrize(
    ("params", "parameter", "words"),
    [
        ({"from": "2026-11-24T08:30:01Z", "to": "2026-11-24T09:00:00Z"}, "from", "grid"),
        ({"from": "2026-11-24T08:30:00Z", "to": "2026-11-24T09:00:00.5Z"}, "to", "grid"),
        ({"from": "2026-11-24T09:00:00Z", "to": "2026-11-24T09:00:00Z"}, "to", "not after"),
        ({"from": "2026-11-24T09:00:00Z"}, "to", "together"),
        ({"to": "2026-11-24T09:00:00Z"}, "from", "together"),
        (
            {"from": "2026-11-24T09:00:00Z", "to": "2026-11-25T09:00:00Z", "period": "2026"},
            "period",
            "either",
        ),
        ({"from": "2026-11-24T09:00:00", "to": "2026-11-25T09:00:00Z"}, "from", "zone"),
        ({"from": "2026-11-24 T09", "to": "2026-11-25T09:00:00Z"}, "from", "zone"),
        ({"from": "2026-11-31T09:00:00Z", "to": "2026-12-25T09:00:00Z"}, "from", "day"),
        ({"from": "0001-01-01T00:00:00Z", "to": "2026-12-25T09:00:00Z"}, "from", "1973"),
        ({"period": "2026-13"}, "period", "month"),
        ({"period": "2026-02-30"}, "period", "day"),
        ({"period": "1066"}, "period", "1973"),
        ({"period": "yesterday"}, "period", "written like 2026"),
        ({"period": ""}, "period", "written like 2026"),
        ({"level": "plant"}, "level", "facility"),
        ({"by": "gas"}, "by", "method"),
        ({"park": "hai-pong"}, "park", "did you mean hai-phong?"),
        ({"park": "rhein", "facility": "mill"}, "facility", "unknown"),
        ({"facility": "mill", "source": "boilr"}, "source", "did you mean boiler?"),
        ({"source": "\x00"}, "source", "unknown"),
    ],
)
def test_a_wrong_query_is_refused_with_the_reason(api, params, parameter, words):
    assert words in api.refused("/v1/totals", **params)[parameter]


def test_a_plus_that_became_a_space_is_explained(api):
    answer = api.ask("/v1/totals?from=2026-11-24T08:30:00+07:00&to=2026-11-24T09:00:00Z")

    assert "%2B" in answer.json()["errors"][0]["detail"]

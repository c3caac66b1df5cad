"""The quality of data, against the same in plain Python."""

import random
from itertools import pairwise

import pytest

from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, Flag, Kind, Quality, Verdict
from tests.api.state import MIDNIGHT
from tests.api.test_inventory import MILL, pages, seen_by

UNTIL_NOW = MIDNIGHT + 10 * NS_PER_HOUR + NS_PER_MIN  # the end of the window around AS_OF


def test_facilities_are_covered_as_their_totals_say(api, morning):
    body = api.get("/v1/quality", park="hai-phong")
    totals = {one["facility"]: one for one in api.get("/v1/totals", park="hai-phong")["totals"]}

    assert [one["facility"] for one in body["facilities"]] == ["foundry", "mill"]
    for one in body["facilities"]:
        for field in ("coverage", "shares", "complete_until", "stale", "worst_source"):
            assert one[field] == totals[one["facility"]][field]


def test_the_least_covered_sources_are_named_first(api, morning):
    body = api.get("/v1/quality", park="hai-phong")

    assert [(one["source"], one["coverage"]) for one in body["worst_sources"]] == [
        ("boiler", pytest.approx(60 / 121)), ("grid", pytest.approx(600 / 601)),
    ]  # fmt: skip


def test_late_readings_are_a_share_of_those_that_came_in_the_period(api, state):
    minutes = [(MIDNIGHT - NS_PER_MIN, 100, 50), (MIDNIGHT, 60, 6), (MIDNIGHT + 3 * NS_PER_HOUR, 20, 2)]
    for minute, received, late in minutes:
        state.balance("hai-phong/mill/gw1", minute, "readings", received, received - late, late, 0, 0, 0)
        state.balance("hai-phong/foundry/gw1", minute, "readings", 7, 7, 0, 0, 0, 0)
    state.code("hai-phong/mill/gw1", MIDNIGHT, "range", 3)

    foundry, mill = api.get("/v1/quality", park="hai-phong")["facilities"]

    assert mill["readings"] == {
        "received": 80, "late": 8, "late_share": 0.1, "duplicate": 0, "quarantined": 0,
    }  # fmt: skip
    assert (mill["refused"], foundry["refused"], foundry["readings"]["received"]) == ({"range": 3}, {}, 14)


def channel(api, name, facility="mill", **params):
    [found] = api.get("/v1/quality/channels", park="hai-phong", facility=facility, channel=name, **params)[
        "channels"
    ]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_readings_are_counted_and_gaps_found_as_a_loop_does(api, state, seed):
    chance = random.Random(seed)
    times = sorted(chance.sample(range(MIDNIGHT - NS_PER_HOUR, UNTIL_NOW + NS_PER_HOUR, NS_PER_MIN), 40))
    rows = [
        (
            time,
            chance.choice([0, 0, 0, Quality.BAD]),
            chance.choice([0, Flag.CONFLICT]),
            chance.choice(list(Verdict)),
        )
        for time in times
    ]
    for time, quality, flags, verdict in rows:
        state.insert("reading", 102, time, 1.0, quality, flags, verdict, 0, 0, 0)

    found = channel(api, "gas")

    inside = [row for row in rows if MIDNIGHT <= row[0] < UNTIL_NOW]
    assert found["readings"] == len(inside)
    assert found["uncounted"] == sum(row[1] > 1 for row in inside)
    assert found["conflicts"] == sum(row[2] == Flag.CONFLICT for row in inside)
    for field, verdict in [("outliers", Verdict.OUTLIER), ("held", Verdict.HELD), ("anomalies", Verdict.ANOMALY),
                           ("resets", Verdict.RESET), ("rollovers", Verdict.ROLLOVER)]:  # fmt: skip
        assert found[field] == sum(row[3] == verdict for row in inside)
    counting = [row[0] for row in rows if row[1] <= 1 and row[0] < UNTIL_NOW]
    before = [time for time in counting if time < MIDNIGHT]
    marks = [before[-1] if before else MIDNIGHT, *(time for time in counting if time >= MIDNIGHT), UNTIL_NOW]
    steps = list(pairwise(marks))
    assert found["gaps"] == sum(end - start > NS_PER_HOUR for start, end in steps)
    assert found["longest_gap"]["duration_s"] * 10**9 == max(
        end - max(start, MIDNIGHT) for start, end in steps
    )


def test_a_channel_without_readings_is_one_gap_until_now(api):
    found = channel(api, "gas")

    assert (found["readings"], found["gaps"]) == (0, 1)
    assert found["longest_gap"] == {
        "from": "2026-11-23T17:00:00Z", "to": "2026-11-24T03:01:00Z", "duration_s": 36060.0,
    }  # fmt: skip


def test_an_event_channel_has_no_gaps(api):
    found = channel(api, "refill", facility="foundry")

    assert found["kind"] == Kind.EVENT
    assert (found["coverage"], found["gaps"], found["longest_gap"]) == (None, None, None)


def test_the_coverage_of_a_channel_is_of_what_has_passed(api, state):
    """Half an hour lies between the two readings, ten hours and a minute have begun."""
    for minute in (0, 30):
        state.reading(1, MIDNIGHT + minute * NS_PER_MIN, 1.0)

    assert channel(api, "gas")["coverage"] == pytest.approx(30 / 601)


def test_nothing_is_known_of_a_period_that_is_to_come(api):
    found = channel(api, "gas", period="2027")

    assert (found["coverage"], found["readings"], found["gaps"], found["longest_gap"]) == (None, 0, 0, None)


def test_a_page_too_long_to_look_at_is_refused(api):
    assert (
        "days of channels"
        in api.refused("/v1/quality/channels", from_="1980-01-01T00:00:00Z", to="2026-01-01T00:00:00Z")[
            "limit"
        ]
    )


def test_channels_come_in_pages(api):
    found, count = pages(api, "/v1/quality/channels", "channels", 4)

    assert (len(found), count) == (6, 2)


def test_a_viewer_sees_the_quality_of_their_places_only(api, morning):
    seen_by(api, MILL)

    assert [one["facility"] for one in api.get("/v1/quality")["facilities"]] == ["mill"]
    assert {one["facility"] for one in api.get("/v1/quality/channels")["channels"]} == {"mill"}
    assert set(api.refused("/v1/quality", park="rhein")) == {"park"}

"""Series: whole steps of a park's clock, gaps null."""

import numpy as np
import pytest

from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, Kind
from tests.api.state import MIDNIGHT, windows

MORNING = {"from": "2026-11-24T00:00:00+07:00", "to": "2026-11-24T03:00:00+07:00"}
QUARTER = {"from": "2026-11-24T00:00:00+07:00", "to": "2026-11-24T00:03:00+07:00"}


def test_a_step_begins_on_the_clock_of_the_park(api):
    body = api.get("/v1/series", kind="emission", park="hai-phong", every="1d", **MORNING)

    unheard = body.pop("unheard")
    assert body == {
        "unit": "t", "times": ["2026-11-23T17:00:00Z"], "values": [None], "coverage": [None], "known_from": None,
    }  # fmt: skip
    assert unheard == [
        "hai-phong/foundry/chiller", "hai-phong/foundry/grid", "hai-phong/mill/boiler", "hai-phong/mill/grid",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("every", "first", "count"),
    [
        ("1m", "2026-11-23T17:00:00Z", 60),
        ("15m", "2026-11-23T17:00:00Z", 4),
        ("1h", "2026-11-23T17:00:00Z", 1),
        ("1d", "2026-11-23T17:00:00Z", 1),
        ("1mo", "2026-10-31T17:00:00Z", 1),
    ],
)
def test_a_series_is_of_whole_steps(api, every, first, count):
    span = {"from": "2026-11-23T17:00:01Z", "to": "2026-11-23T17:59:59Z"}
    times = api.get("/v1/series", kind="emission", park="hai-phong", every=every, **span)["times"]

    assert (times[0], len(times)) == (first, count)


def test_readings_of_a_rate_are_averaged_and_bad_ones_left_out(api, state):
    for k, (value, quality) in enumerate([(1.0, 0), (2.0, 1), (100.0, 2)]):
        state.reading(1, MIDNIGHT + k * 10**9, value, quality)
    body = api.get("/v1/series", kind="reading", facility="mill", channel="gas", every="1m", **QUARTER)

    assert (body["unit"], body["values"], body["coverage"]) == ("kW", [1.5, None, None], [None] * 3)


def test_of_a_register_the_last_reading_is_shown(api, state):
    for k in range(3):
        state.reading(0, MIDNIGHT + k * 10**9, 100.0 + k)
    body = api.get("/v1/series", kind="reading", facility="mill", channel="mdb1", every="1m", **QUARTER)

    assert body["values"] == [102.0, None, None]


def test_an_interval_that_ends_with_a_step_belongs_to_it(api, state):
    state.reading(2, MIDNIGHT, 1.0)
    state.reading(2, MIDNIGHT + NS_PER_MIN, 2.0)
    state.reading(2, MIDNIGHT + 3 * NS_PER_MIN, 4.0)
    body = api.get("/v1/series", kind="reading", facility="foundry", channel="mdb1", every="1m", **QUARTER)

    assert body["values"] == [2.0, None, 4.0]


def test_an_event_at_the_start_of_a_step_belongs_to_it(api, state):
    state.reading(3, MIDNIGHT, 1.0)
    state.reading(3, MIDNIGHT + 1, 2.0)
    state.reading(3, MIDNIGHT + NS_PER_MIN, 4.0)
    body = api.get("/v1/series", kind="reading", facility="foundry", channel="refill", every="1m", **QUARTER)

    assert body["values"] == [3.0, 4.0, None]


def test_activity_adds_the_windows_of_a_channel(api, state):
    """Of each quarter of an hour that a reading ends, its windows have a fifteenth: 4 and 2 kWh a minute."""
    state.reading(2, MIDNIGHT + 30 * 10**9, 60.0)
    state.reading(2, MIDNIGHT + 17 * NS_PER_MIN, 30.0)
    body = api.get("/v1/series", kind="activity", facility="foundry", channel="mdb1", every="1m", **QUARTER)
    hours = api.get("/v1/series", kind="activity", facility="foundry", channel="mdb1", every="1h", **MORNING)

    assert body["unit"] == "kWh"
    assert body["values"] == [pytest.approx(2.0), None, pytest.approx(2.0)]
    assert body["coverage"] == pytest.approx([0.5, 0.0, 1.0])
    assert hours["values"] == [pytest.approx(2.0 + 30.0), None, None]
    assert hours["coverage"] == pytest.approx([(0.5 + 15) / 60, 0.0, 0.0])


def test_activity_of_a_level_is_a_mean(api, state):
    """A minute of mean 1, and half a minute of mean 2.5."""
    assert api.state.plant.channels[5].kind is Kind.LEVEL
    for seconds, value in ((0, 1.0), (60, 1.0), (90, 4.0)):
        state.reading(5, MIDNIGHT + seconds * 10**9, value)
    hours = api.get("/v1/series", kind="activity", facility="mill", channel="stack", every="1h", **MORNING)

    assert hours["values"] == [pytest.approx((1.0 + 2.5 * 0.5) / 1.5), None, None]


def test_emissions_of_an_hour_are_its_stored_sum(api, morning):
    body = api.get("/v1/series", kind="emission", facility="mill", source="grid", every="1h", **MORNING)

    assert body["values"] == pytest.approx([0.06] * 3, rel=1e-12)
    assert body["coverage"] == [1.0] * 3


def test_emissions_of_several_sources_add_and_coverage_is_the_mean_of_what_was_due(api, morning):
    span = {"from": "2026-11-24T07:00:00+07:00", "to": "2026-11-24T09:00:00+07:00"}
    body = api.get("/v1/series", kind="emission", facility="mill", every="1h", **span)

    assert body["values"] == pytest.approx([0.06, 0.18], rel=1e-12)
    assert body["coverage"] == [1.0, 0.75]


def test_emissions_of_minutes_are_windows(api, morning):
    span = {"from": "2026-11-24T09:58:00+07:00", "to": "2026-11-24T10:02:00+07:00"}
    body = api.get(
        "/v1/series", kind="emission", facility="mill", source="grid", every="1m", field="activity", **span
    )

    assert body["unit"] == "kWh"
    assert body["values"] == [1.5, 1.5, None, None]
    assert body["coverage"] == [1.0, 1.0, 0.0, None]


@pytest.mark.parametrize("every", ["1m", "1h"])
def test_silence_of_an_event_source_is_zero_up_to_now(api, state, every):
    state.begins(3, MIDNIGHT + 9 * NS_PER_HOUR)
    state.windows(3, MIDNIGHT + 9 * NS_PER_HOUR, windows(60, 0, coverage=0))
    api.as_of = MIDNIGHT + 11 * NS_PER_HOUR
    span = {"from": "2026-11-24T08:00:00+07:00", "to": "2026-11-24T12:00:00+07:00"}
    body = api.get("/v1/series", kind="emission", facility="foundry", source="chiller", every=every, **span)

    per_hour = len(body["values"]) // 4
    assert body["values"][::per_hour] == [None, None, 0.0, None]
    assert body["coverage"][::per_hour] == [None, 0.0, 1.0, None]


def test_what_is_not_a_number_never_reaches_json(api, state):
    state.reading(1, MIDNIGHT, np.inf)
    body = api.get("/v1/series", kind="reading", facility="mill", channel="gas", every="1m", **QUARTER)

    assert body["values"] == [None] * 3


@pytest.mark.parametrize(
    ("params", "parameter", "words"),
    [
        ({"kind": "emission", "channel": "gas"}, "channel", "no channel"),
        ({"kind": "reading", "channel": "gas", "source": "grid"}, "source", "no source"),
        ({"kind": "reading", "channel": "gas", "field": "co2_kg"}, "field", "no field"),
        ({"kind": "reading"}, "channel", "of a channel"),
        ({"kind": "reading", "channel": "mdb1"}, "channel", "name the park"),
        ({"kind": "activity", "channel": "gaz"}, "channel", "did you mean gas?"),
        ({"kind": "emission"}, "park", "name a park"),
        ({"kind": "emission", "facility": "mill", "field": "activity"}, "field", "one source"),
        ({"kind": "emission", "facility": "mill", "every": "1s"}, "every", "15m"),
        ({"kind": "totals"}, "kind", "reading"),
    ],
)
def test_a_wrong_series_is_refused_with_the_reason(api, params, parameter, words):
    assert words in api.refused("/v1/series", **MORNING, **params)[parameter]


def test_too_many_points_are_refused(api):
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-11-24T00:00:00Z"}
    refused = api.refused("/v1/series", kind="emission", park="hai-phong", every="1m", **span)

    assert "50,000 points" in refused["every"]


def test_a_long_series_of_hours_is_answered(api):
    """Five years of hours are fewer than the limit."""
    span = {"from": "2021-12-01T00:00:00Z", "to": "2026-11-24T00:00:00Z"}
    body = api.get("/v1/series", kind="emission", park="rhein", every="1h", **span)

    assert len(body["values"]) > 40_000


def test_a_series_needs_a_time_to_end_after_it_begins(api):
    span = {"from": "2026-11-24T00:00:00Z", "to": "2026-11-24T00:00:00Z"}

    assert "not after" in api.refused("/v1/series", kind="emission", park="rhein", **span)["to"]


def test_a_series_needs_its_times(api):
    assert set(api.refused("/v1/series", kind="emission", park="rhein")) == {"from", "to"}


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("source", ["foundry/chiller", "foundry/grid", "mill/boiler", "mill/grid"]),
        ("facility", ["foundry", "mill"]),
        ("scope", ["1", "2"]),
    ],
)
def test_the_parts_of_a_series_are_those_of_its_totals(api, morning, by, names):
    """And add up to the series, where nothing of it is of scope 3."""
    span = {"from": "2026-11-24T00:00:00+07:00", "to": "2026-11-25T00:00:00+07:00"}
    body = api.get("/v1/series", kind="emission", park="hai-phong", every="1d", by=by, **span)
    level, parted = ("park", "scope") if by == "scope" else (by, "none")
    totals = api.get("/v1/totals", park="hai-phong", level=level, by=parted, **span)["totals"]

    found = {one["name"].removeprefix("hai-phong/"): one["values"] for one in body["parts"]}
    assert sorted(found) == names
    expected = {
        str(one["scope"]) if by == "scope" else "/".join(filter(None, (one["facility"], one["source"]))): one[
            "co2e_t"
        ]
        for one in totals
    }
    assert {name: value for name, [value] in found.items()} == pytest.approx(expected, nan_ok=True)
    assert sum(value or 0.0 for [value] in found.values()) == pytest.approx(body["values"][0])


def test_only_emissions_are_parted(api):
    asked = {"kind": "reading", "facility": "mill", "channel": "gas", "every": "1m", "by": "scope"}

    assert list(api.refused("/v1/series", **asked, **QUARTER)) == ["by"]

"""Parks, facilities, sources, gateways and channels: what is configured, and how each does."""

from dataclasses import replace

import numpy as np
import pytest

from api.access.caller import Caller, Role, caller_of
from plant.park import Coordinates, Facility, Swap
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Flag, Quality, Verdict
from tests.api.conftest import Api
from tests.api.state import AS_OF, State, plant

MILL = Caller("lan", Role.VIEWER, (("hai-phong", "mill"),))
ALL_OF_HAI_PHONG = Caller("minh", Role.VIEWER, (("hai-phong", ""),))
MILL_GATEWAY = "hai-phong/mill/gw1"


def seen_by(api, caller):
    api.app.dependency_overrides[caller_of] = lambda: caller
    return api


def pages(api, path, key, limit, **params):
    """Return all items, and how many pages they came on."""
    found, count, cursor = [], 0, {}
    while True:
        body = api.get(path, limit=limit, **params, **cursor)
        found, count = found + body[key], count + 1
        if body["next"] is None:
            return found, count
        cursor = {"cursor": body["next"]}


# --- what is configured


def test_parks_have_their_clock_and_their_facilities(api):
    assert api.get("/v1/parks")["parks"] == [
        {"park": "hai-phong", "title": "Hai Phong", "zone": "Asia/Ho_Chi_Minh", "coordinates": None,
         "facilities": ["foundry", "mill"]},
        {"park": "rhein", "title": "Rhein", "zone": "Europe/Berlin", "coordinates": None, "facilities": ["works"]},
    ]  # fmt: skip


def test_a_facility_says_where_it_is_and_what_it_has(tmp_path):
    base = plant()
    mill, *others = base.facilities
    placed = replace(mill, title="The mill", coordinates=Coordinates(20.9, 106.6))
    state = State(tmp_path / "state.db", replace(base, facilities=(placed, *others)))
    api = Api(state)

    [found] = api.get("/v1/facilities", park="hai-phong", facility="mill")["facilities"]

    assert found == {
        "park": "hai-phong", "facility": "mill", "title": "The mill", "zone": "Asia/Ho_Chi_Minh",
        "coordinates": {"lat": 20.9, "lon": 106.6}, "gateways": 1, "channels": 3, "sources": 2,
    }  # fmt: skip
    api.reader.close()
    state.close()


def test_a_source_says_how_it_is_calculated(api, state):
    state.begins(0, AS_OF)

    [grid] = api.get("/v1/sources", park="hai-phong", facility="mill", method="electricity-location")[
        "sources"
    ]

    assert grid["inputs"] == [{"role": "energy", "channel": "mdb1", "unit": "kWh"}]
    assert (grid["source"], grid["scope"], grid["activity_unit"]) == ("grid", 2, "kWh")
    assert (grid["factor"], grid["uncertainty"], grid["regulation"]) == (None, None, None)
    assert grid["first_reading"] == "2026-11-24T03:00:30Z"


@pytest.mark.parametrize(
    ("path", "key", "count"),
    [
        ("facilities", "facilities", 3),
        ("sources", "sources", 5),
        ("channels", "channels", 6),
        ("gateways", "gateways", 3),
    ],
)
def test_a_list_comes_whole_in_pages_of_any_size(api, path, key, count):
    whole = api.get(f"/v1/{path}")[key]
    assert len(whole) == count
    assert [(one["park"], one["facility"]) for one in whole] == sorted(
        (one["park"], one["facility"]) for one in whole
    )
    for limit in (1, 2, count):
        assert pages(api, f"/v1/{path}", key, limit) == (whole, -(-count // limit))


@pytest.mark.parametrize("cursor", ["x", "!!", "W10", "WzFd", "WyJhIiwiYiIsImMiLCJkIl0", "bnVsbA", "W1tdXQ"])
def test_a_cursor_of_something_else_is_refused(api, cursor):
    assert set(api.refused("/v1/channels", cursor=cursor)) == {"cursor"}


def test_an_unknown_place_is_refused_with_the_likely_one(api):
    assert "did you mean mill" in api.refused("/v1/sources", facility="mil")["facility"]


def test_a_place_that_has_none_is_an_empty_list_and_one_that_is_not_there_is_refused(tmp_path):
    base = plant()
    yard = Facility("hai-phong", "yard", "The yard")
    state = State(tmp_path / "state.db", replace(base, facilities=(*base.facilities, yard)))
    api = Api(state)

    lists = {
        "sources": "sources",
        "channels": "channels",
        "gateways": "gateways",
        "indicators": "places",
        "quality/channels": "channels",
    }
    for path, key in lists.items():
        assert api.get(f"/v1/{path}", facility="yard")[key] == []
        assert "did you mean yard" in api.refused(f"/v1/{path}", facility="yerd")["facility"]
    api.reader.close()
    state.close()


@pytest.mark.parametrize("path", ["parks", "facilities", "sources", "channels", "gateways"])
def test_who_may_see_one_facility_sees_no_other(api, path):
    found = seen_by(api, MILL).get(f"/v1/{path}")[path]

    assert {
        (one["park"], *one["facilities"]) if path == "parks" else (one["park"], one["facility"])
        for one in found
    } == {("hai-phong", "mill")}


@pytest.mark.parametrize("path", ["facilities", "sources", "channels", "gateways"])
def test_what_may_not_be_seen_is_refused_like_what_is_not_there(api, path):
    seen_by(api, MILL)
    hidden, missing = (api.refused(f"/v1/{path}", park=name)["park"] for name in ("rhein", "rhain"))

    assert hidden.replace("rhein", "rhain") == missing


# --- gateways


def test_a_gateway_that_was_never_heard_is_unknown(api):
    [found] = api.get("/v1/gateways", park="rhein")["gateways"]

    assert found == {
        "park": "rhein", "facility": "works", "gateway": "gw1", "online": None, "said_at": None, "heard_at": None,
        "silence_s": None, "lag_s": None, "clock_skew_s": None, "source_class": None, "boots": [], "absent_devices": [],
        "sparkplug_nodes": [], "refused_24h": {},
    }  # fmt: skip


def test_a_gateway_says_whether_it_is_online_and_since_when_it_is_silent(api, state):
    heard = AS_OF - 90 * NS_PER_S
    state.insert("gateway_status", MILL_GATEWAY, heard - NS_PER_MIN, 0, 1, b'{"online": false}')
    offsets = np.full(10, np.inf)
    minute = heard // NS_PER_MIN
    offsets[minute % 10], offsets[(minute - 3) % 10] = 0.7e9, 0.2e9
    state.insert("gateway_heard", MILL_GATEWAY, heard, minute, offsets.astype("<f8").tobytes())

    [found] = api.get("/v1/gateways", park="hai-phong", facility="mill")["gateways"]

    assert (found["online"], found["said_at"]) == (False, "2026-11-24T02:58:00Z")
    assert (found["heard_at"], found["silence_s"]) == ("2026-11-24T02:59:00Z", 90.0)
    assert (found["lag_s"], found["clock_skew_s"], found["source_class"]) == (0.7, 0.2, "C")


def test_a_clock_is_unknown_when_nothing_came_for_ten_minutes(api, state):
    minute = AS_OF // NS_PER_MIN - 10
    offsets = np.full(10, np.inf)
    offsets[minute % 10] = 0.7e9
    state.insert("gateway_heard", MILL_GATEWAY, minute * NS_PER_MIN, minute, offsets.astype("<f8").tobytes())

    [found] = api.get("/v1/gateways", park="hai-phong", facility="mill")["gateways"]

    assert (found["lag_s"], found["clock_skew_s"]) == (0.7, None)


def test_the_missing_numbers_of_boots_are_those_of_the_ack(api, state):
    """What a gateway reads in its ack, for each boot of the last seven days: also where the list is cut."""
    sent = {
        "b7": [(3, 979), (984, 1042)],
        "b6": [(1, 77)],
        "b5": [(2 + 2 * number, 2 + 2 * number) for number in range(150)],
        "b1": [(1, 2)],
    }
    for number, (boot, days) in enumerate([("b7", 0), ("b6", 5), ("b5", 6), ("b1", 8)]):
        state.insert("boot", number + 1, MILL_GATEWAY, boot, AS_OF - days * NS_PER_DAY)
        for low, high in sent[boot]:
            state.insert("sequence", MILL_GATEWAY, boot, low, high, None, None)

    [found] = api.get("/v1/gateways", park="hai-phong", facility="mill")["gateways"]

    assert found["source_class"] == "A"
    odd = [[number, number] for number in range(1, 200, 2)]
    acked = [("b7", 1042, [[1, 2], [980, 983]]), ("b6", 77, []), ("b5", 200, odd)]
    assert [(one["boot"], one["received_through"], one["missing"]) for one in found["boots"]] == acked


def test_refusals_of_a_day_are_counted_by_code(api, state):
    for hours, code, count in [
        (1, "unit_unknown", 2),
        (3, "unit_unknown", 1),
        (2, "range", 5),
        (25, "range", 9),
    ]:
        state.code(MILL_GATEWAY, AS_OF - hours * NS_PER_HOUR, code, count)
    state.code("rhein/works/gw1", AS_OF - NS_PER_HOUR, "range", 50)

    [found] = api.get("/v1/gateways", park="hai-phong", facility="mill")["gateways"]

    assert found["refused_24h"] == {"range": 5, "unit_unknown": 3}


def test_a_gateway_says_which_devices_are_not_there(api, state):
    for node, device, online in [("G/E", "M2", None), ("G/E", "M1", 0), ("G/E", "", 0)]:
        state.insert("sparkplug_away", node, device, online, AS_OF, 1, "[]", MILL_GATEWAY, "[]")
    state.insert("sparkplug_away", "G/F", "M3", 0, AS_OF, 1, "[]", "rhein/works/gw1", "[]")

    [found] = api.get("/v1/gateways", park="hai-phong", facility="mill")["gateways"]

    assert found["absent_devices"] == [
        {"node": "G/E", "device": "M1", "online": False, "since": "2026-11-24T03:00:30Z"},
        {"node": "G/E", "device": "M2", "online": None, "since": "2026-11-24T03:00:30Z"},
    ]


# --- channels


def channel(api, name, **params):
    found = api.get("/v1/channels", park="hai-phong", facility="mill", **params)["channels"]
    return next(one for one in found if one["channel"] == name)


def test_a_channel_shows_its_newest_reading_whatever_its_quality(api, state):
    state.reading(0, AS_OF - 90 * NS_PER_S, 1.5)
    state.insert(
        "reading", 101, AS_OF - 30 * NS_PER_S, 2.5, Quality.BAD, Flag.CONFLICT, Verdict.UNCOUNTED, 0, 0, 0
    )

    found = channel(api, "mdb1")

    assert found["latest"] == {
        "time": "2026-11-24T03:00:00Z", "value": 2.5, "age_s": 30.0, "quality": "bad", "verdict": "uncounted",
        "conflict": True,
    }  # fmt: skip
    assert (found["stale"], found["used_by"], found["unit"], found["kind"]) == (
        False,
        ["grid"],
        "kWh",
        "register",
    )


def test_a_channel_is_stale_when_nothing_counts_for_longer_than_its_gap(api, state):
    state.reading(1, AS_OF - NS_PER_HOUR, 1.0)
    assert channel(api, "gas")["stale"] is False
    api.as_of += 1
    assert channel(api, "gas")["stale"] is True


def test_what_never_came_is_stale_and_null_but_an_event_owes_nothing(api):
    assert (channel(api, "gas")["latest"], channel(api, "gas")["stale"]) == (None, True)
    [event] = api.get("/v1/channels", facility="foundry", park="hai-phong")["channels"][1:]
    assert (event["channel"], event["stale"]) == ("refill", False)


def test_a_channel_whose_device_is_away_is_stale_unless_something_newer_came(api, state):
    """Newer in both: what came before its death may be dated after it, what came after it may be late."""
    state.insert("sparkplug_away", "G/E", "M1", 0, AS_OF - NS_PER_MIN, 7, "[]", MILL_GATEWAY, "[102, 106]")
    assert [channel(api, name)["stale"] for name in ("gas", "stack")] == [True, True]
    for time, message in ((AS_OF - 2 * NS_PER_MIN, 8), (AS_OF - 2, 7)):
        state.insert("reading", 102, time, 1.0, 0, 0, Verdict.COUNTED, 0, 0, message)
        assert channel(api, "gas")["stale"] is True
    state.insert("reading", 102, AS_OF - 1, 1.0, 0, 0, Verdict.COUNTED, 0, 0, 8)
    assert channel(api, "gas")["stale"] is False


def test_an_event_channel_is_stale_where_its_device_is_away(api, state):
    state.insert("sparkplug_away", "G/E", "", 0, AS_OF, 1, "[]", "hai-phong/foundry/gw1", "[104]")
    found = api.get("/v1/channels", facility="foundry", park="hai-phong")["channels"]
    assert [(one["channel"], one["stale"]) for one in found][1:] == [("refill", True)]


def test_the_serial_number_is_that_of_the_meter_in_place(tmp_path):
    base = plant()
    first, *others = base.channels
    swaps = (
        Swap(AS_OF - 2, 1.0, 0.0, "second"),
        Swap(AS_OF, 1.0, 0.0, "third"),
        Swap(AS_OF + 1, 1.0, 0.0, "fourth"),
    )
    made = replace(base, channels=(replace(first, serial="first", swaps=swaps), *others))
    state = State(tmp_path / "state.db", made)
    api = Api(state)

    assert channel(api, "mdb1")["serial"] == "third"
    assert channel(api, "gas")["serial"] is None
    api.reader.close()
    state.close()

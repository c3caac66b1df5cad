"""Advice for a battery: from a facility's meters and its tariff, in money and in tonnes, and what it held."""

from dataclasses import replace

import pytest

from plant.commitments import Battery, Billing
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, Kind
from rules.catalogue import load_catalogue
from tests.api.conftest import Api
from tests.api.state import AS_OF, State, channel, ns, plant, windows
from tests.api.test_inventory import MILL, seen_by

CHARGED, DISCHARGED = 6, 7
OCTOBER = ns("2026-10-25T00:00:00+07:00")
WEDNESDAY = ns("2026-11-18T00:00:00+07:00")
GRID = 0.6592e-3  # t/kWh
BATTERY = Battery(1800.0, 500.0, 0.9)


def built(directory, battery=BATTERY, **changes):
    """Return the API of a mill with a tariff and a battery."""
    base = plant()
    long = {"max_gap": 40 * NS_PER_DAY}
    more = tuple(
        channel(index, "hai-phong", "mill", name, Kind.REGISTER, **long)
        for index, name in ((CHARGED, "battery/in"), (DISCHARGED, "battery/out"))
    )
    mill, *others = base.facilities
    bills = Billing("vn-manufacturing-22kv", 0, 1.0, -1, 1.0, 30 * NS_PER_MIN)
    of = replace(
        base,
        channels=(replace(base.channels[0], **long), *base.channels[1:], *more),
        facilities=(replace(mill, billing=replace(bills, battery=battery, **changes)), *others),
    )
    return Api(State(directory / "state.db", of), load_catalogue(None))


@pytest.fixture
def make(tmp_path):
    made = []

    def make(battery=BATTERY, **changes):
        made.append(built(tmp_path, battery, **changes))
        return made[-1]

    yield make
    for api in made:
        api.reader.close()
        api.state.close()


def count(api, index, kw, start=OCTOBER, end=AS_OF):
    """Let a register count a flat power."""
    api.state.reading(index, start, 0.0)
    api.state.reading(index, end, kw * (end - start) / NS_PER_HOUR)


def advice(api, **asked):
    [found] = api.get("/v1/advice", **asked)["advice"]
    return found


def test_a_battery_charges_in_the_low_slot_for_the_peak_and_its_losses_cost_tonnes(make):
    api = make()
    count(api, 0, 1000.0)
    api.state.windows(0, WEDNESDAY, windows(600, 1000 / 60 * GRID))
    found = advice(api)

    assert (found["day"], found["reason"], found["method"]) == (
        "2026-11-25", None, "same_weekday_of_4_weeks",
    )  # fmt: skip
    assert found["days"] == ["2026-11-18", "2026-11-11", "2026-11-04", "2026-10-28"]
    assert found["load_kwh"] == pytest.approx(24_000)
    assert (found["charged_kwh"], found["discharged_kwh"]) == pytest.approx((2000, 1800))
    saved = 1800 * 3398 - 2000 * 1190
    assert (found["saved"], found["cost_without"] - found["cost_with"]) == pytest.approx((saved, saved))
    assert found["extra_t"] == pytest.approx(200 * GRID)
    assert {one["action"]: one["slot"] for one in found["stretches"]} == {
        "charge": "low", "discharge": "peak",
    }  # fmt: skip
    assert all(one["kw"] <= 500 + 1e-6 for one in found["stretches"])
    slots = {one["slot"]: one for one in found["slots"]}
    assert slots["low"]["charged_kwh"] == pytest.approx(2000)
    assert slots["peak"]["load_kwh"] == pytest.approx(5000)
    assert found["provisional"]


def test_without_a_load_or_a_price_there_is_no_advice_and_why_is_told(make):
    api = make()
    found = advice(api)
    assert (found["reason"], found["saved"], found["stretches"], found["slots"]) == (
        "load_not_known", None, [], [],
    )  # fmt: skip
    assert found["why"].startswith("the load of the same weekday")
    assert advice(api, language="vi")["why"].startswith("phụ tải cùng ngày trong tuần")

    count(api, 0, 1000.0)
    api.as_of = ns("2020-01-01T00:00:00+07:00")
    assert advice(api)["reason"] == "price_not_known"


def test_without_a_source_of_its_own_nothing_is_said_in_tonnes(make):
    api = make(energy=CHARGED)
    count(api, CHARGED, 1000.0)

    assert advice(api)["extra_t"] is None
    assert advice(api)["saved"] > 0


def test_the_load_is_that_without_the_battery_and_a_tank_says_whose_tonnes_it_held(make):
    api = make(replace(BATTERY, charged=CHARGED, discharged=DISCHARGED))
    start = ns("2026-11-23T00:00:00+07:00")
    count(api, 0, 1000.0)
    count(api, CHARGED, 100.0)
    count(api, DISCHARGED, 80.0)
    api.state.windows(0, start, windows(1440, 1000 / 60 * GRID))
    found = advice(api)
    tank = found["tank"]

    assert found["load_kwh"] == pytest.approx(24 * 980)
    assert (tank["from"], tank["to"]) == ("2026-10-27T03:00:00Z", "2026-11-24T03:00:00Z")
    assert tank["charged_kwh"] == pytest.approx(28 * 24 * 100)
    assert tank["drawn_kwh"] == pytest.approx(28 * 24 * 80)
    assert tank["unknown_kwh"] == pytest.approx(27 * 24 * 100)
    assert (tank["coverage"], tank["uncharged_kwh"]) == pytest.approx((1.0, 0.0))
    assert tank["in_t"] == pytest.approx(2400 * GRID)
    parts = tank["drawn_t"] + tank["lost_t"] + tank["stored_t"]
    assert parts == pytest.approx(tank["in_t"], rel=1e-12)
    assert tank["stored_kwh"] <= 1800 / 0.9 + 1e-6


def test_a_day_on_which_clocks_change_has_as_many_hours_as_it_has(tmp_path):
    """On 25 October 2026 Berlin's clock shows the hour from 2 to 3 twice; the days before show it once."""
    base = plant()
    mill, foundry, works = base.facilities
    bills = Billing("vn-manufacturing-22kv", 4, 1.0, -1, 1.0, 30 * NS_PER_MIN, BATTERY)
    meter = replace(base.channels[4], max_gap=60 * NS_PER_DAY)
    channels = (*base.channels[:4], meter, *base.channels[5:])
    facilities = (mill, foundry, replace(works, billing=bills))
    api = Api(
        State(tmp_path / "state.db", replace(base, channels=channels, facilities=facilities)),
        load_catalogue(None),
    )
    count(api, 4, 1000.0, start=ns("2026-09-20T00:00:00+02:00"), end=ns("2026-10-24T12:00:00+02:00"))
    api.as_of = ns("2026-10-24T12:00:00+02:00")
    found = advice(api)

    assert (found["day"], found["reason"]) == ("2026-10-25", None)
    assert found["load_kwh"] == pytest.approx(25_000)
    api.reader.close()
    api.state.close()


def test_who_has_no_battery_is_not_advised_and_a_key_sees_its_own(make):
    api = make()
    assert api.get("/v1/advice", facility="foundry")["advice"] == []
    assert seen_by(api, MILL).get("/v1/advice")["only"]
    assert "unknown: 'mil'" in api.refused("/v1/advice", facility="mil")["facility"]


def test_without_a_battery_nobody_is_advised(make):
    assert make(None).get("/v1/advice")["advice"] == []

"""Bills of a month: from a facility's meters, by slot, beside its tonnes."""

import csv
import io
from dataclasses import replace

import pytest

from plant.commitments import Billing
from plant.units import unit
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, Kind
from rules.catalogue import load_catalogue
from tests.api.conftest import Api
from tests.api.state import State, channel, ns, plant, windows
from tests.api.test_inventory import MILL, seen_by

NOVEMBER, DECEMBER = ns("2026-11-01T00:00:00+07:00"), ns("2026-12-01T00:00:00+07:00")
KVARH = 6
FOUNDRY = 2


@pytest.fixture
def billed(tmp_path):
    """The mill has a register and a register of reactive energy, the foundry a meter of quarters of an hour and no reactive one."""
    base = plant()
    long = {"max_gap": 40 * NS_PER_DAY}
    reactive = channel(KVARH, "hai-phong", "mill", "mdb1/reactive", Kind.REGISTER, unit=unit("kvarh"), **long)
    channels = (replace(base.channels[0], **long), *base.channels[1:], reactive)
    bills = Billing("vn-manufacturing-22kv", 0, 1.0, KVARH, 1.0, 30 * NS_PER_MIN)
    mill, foundry, works = base.facilities
    facilities = (
        replace(mill, billing=bills),
        replace(foundry, billing=replace(bills, tariff="vn-manufacturing-6kv", energy=FOUNDRY, reactive=-1)),
        works,
    )
    made = replace(base, channels=channels, facilities=facilities)
    api = Api(State(tmp_path / "state.db", made), load_catalogue(None))
    api.as_of = DECEMBER + NS_PER_HOUR
    yield api
    api.reader.close()
    api.state.close()


def month_of(api, kw=1000.0, kvar=619.748):
    """Let the mill's registers count a flat load all November: cos phi is 0.85."""
    for index, power in ((0, kw), (KVARH, kvar)):
        api.state.reading(index, NOVEMBER, 0.0)
        api.state.reading(index, DECEMBER, power * 720)


def bill(api, facility="mill", **asked):
    [found] = api.get("/v1/tariff", facility=facility, **({"period": "2026-11"} | asked))["bills"]
    return found


def test_r53a_the_bill_of_a_month_from_a_meter(billed):
    month_of(billed)

    found = bill(billed)

    kwh = {one["slot"]: one["kwh"] for one in found["slots"]}
    assert kwh == pytest.approx({"normal": 415_000, "low": 180_000, "peak": 125_000}, rel=1e-9)
    assert found["whole"]["energy_charge"] == pytest.approx(1_399_645_000, abs=0.5)
    assert found["whole"]["average_per_kwh"] == pytest.approx(1_399_645_000 / 720_000)
    assert (found["whole"]["coverage"], found["unpriced_kwh"], found["unknown_intervals"]) == (1.0, 0.0, 0)
    assert found["whole"]["peak_kw"] == pytest.approx(1000)
    assert [point["kw"] for point in found["load_duration"]] == pytest.approx([1000] * 9)
    assert (found["until"], found["currency"]) == ("2026-11-30T17:00:00Z", "VND")


def test_reactive_energy_and_tax_are_part_of_what_is_to_be_paid(billed):
    month_of(billed)

    found = bill(billed)

    energy, reactive = found["whole"]["energy_charge"], found["reactive"]
    assert (reactive["cos_phi"], reactive["percent"], reactive["coverage"]) == (0.85, 5.88, 1.0)
    assert reactive["charge"] == pytest.approx(energy * 0.0588)
    assert found["vat"] == pytest.approx(energy * 1.0588 * 0.08)
    assert found["total"] == pytest.approx(energy * 1.0588 * 1.08)


def test_without_a_reactive_channel_nothing_is_said_of_it(billed):
    """R53a with its tax, at 6 kV: 100 kWh of a quarter of an hour at noon."""
    noon = ns("2026-11-24T12:15:00+07:00")
    billed.state.reading(FOUNDRY, noon, 100.0)

    found = bill(billed, "foundry")

    assert found["reactive"] is None
    assert found["total"] == pytest.approx(100 * 1899 * 1.08)
    assert found["whole"]["coverage"] == pytest.approx(15 / (30 * 24 * 60))
    assert (found["whole"]["peak_kw"], found["unknown_intervals"]) == (None, 30 * 48)
    assert [one["kwh"] for one in found["slots"]] == [pytest.approx(100), None, None]


def test_a_month_of_which_nothing_is_known_has_no_bill_of_zero(billed):
    found = bill(billed)

    assert (found["whole"]["kwh"], found["whole"]["energy_charge"], found["total"]) == (None, None, None)
    assert (found["whole"]["coverage"], found["reactive"]["charge"]) == (0.0, None)


def test_a_month_that_is_not_over_is_told_until_now(billed):
    month_of(billed)
    billed.as_of = NOVEMBER + NS_PER_DAY + NS_PER_HOUR

    found = bill(billed, period="2026-11")

    assert found["until"] == "2026-11-01T18:00:00Z"
    assert found["whole"]["kwh"] == pytest.approx(25_000, rel=1e-9)
    assert found == bill(billed, period="2026-11")


def test_the_month_before_the_prices_is_told_without_a_charge(billed):
    april = ns("2025-04-01T00:00:00+07:00")
    billed.state.reading(0, april, 0.0)
    billed.state.reading(0, april + 30 * NS_PER_DAY, 720.0)

    found = bill(billed, period="2025-04")

    assert (found["whole"]["kwh"], found["unpriced_kwh"]) == pytest.approx((720.0, 720.0))
    assert (found["whole"]["energy_charge"], found["vat"], found["total"], found["rows"]) == (
        None,
        None,
        None,
        [],
    )


def test_tonnes_of_the_source_that_takes_the_meter_stand_beside_each_slot(billed):
    """An hour from 17:00 on: half of it is normal, half peak."""
    start = ns("2026-11-24T17:00:00+07:00")
    billed.state.windows(0, start, windows(60, 0.01))

    found = bill(billed)

    assert found["source"] == "hai-phong/mill/grid"
    assert {one["slot"]: one["co2e_t"] for one in found["slots"]} == {
        "normal": pytest.approx(0.3), "low": None, "peak": pytest.approx(0.3),
    }  # fmt: skip
    assert found["whole"]["co2e_t"] == pytest.approx(0.6)


def test_a_bill_says_which_rows_it_rests_on_and_that_some_are_not_settled(billed):
    found = bill(billed)

    assert {one["row"]: (one["status"], one["mark"]) for one in found["rows"]} == {
        "vn-manufacturing-22kv/2025-05-10": ("official", "V2"),
        "vn-hours/2026-04-22": ("provisional", "V2"),
        "vn-vat/2025-07-01": ("official", "V2"),
        "vn-reactive/2025-05-10": ("provisional", "V2"),
    }
    assert found["provisional"]


def test_a_month_with_a_change_of_hours_rests_on_both(billed):
    rows = {one["row"] for one in bill(billed, period="2026-04")["rows"]}

    assert {"vn-hours/2025-05-10", "vn-hours/2026-04-22"} <= rows


def test_as_csv_a_line_is_a_slot_and_the_last_has_the_bill(billed):
    month_of(billed)

    answer = billed.ask(
        "/v1/tariff?facility=mill&period=2026-11",
        headers={"Authorization": "Bearer t0p-secret", "Accept": "text/csv"},
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert [one["slot"] for one in rows] == ["normal", "low", "peak", ""]
    assert float(rows[2]["energy [kWh]"]) == pytest.approx(125_000)
    assert [bool(one["total [currency]"]) for one in rows] == [False, False, False, True]
    assert float(rows[-1]["total [currency]"]) == pytest.approx(bill(billed)["total"])
    assert "vn-hours/2026-04-22 (provisional)" in rows[-1]["rows"]


def test_facilities_with_a_tariff_have_bills_as_far_as_the_caller_sees_them(billed):
    everybody = billed.get("/v1/tariff", period="2026-11")
    none = billed.get("/v1/tariff", facility="works")
    mill = seen_by(billed, MILL).get("/v1/tariff", period="2026-11")

    assert [one["facility"] for one in everybody["bills"]] == ["mill", "foundry"]
    assert "only" not in everybody
    assert none["bills"] == []
    assert [one["facility"] for one in mill["bills"]] == ["mill"]
    assert mill["only"]


@pytest.mark.parametrize(
    ("asked", "parameter", "detail"),
    [
        ({"facility": "mil"}, "facility", "unknown: 'mil' (did you mean mill?)"),
        ({"period": "2027-01"}, "period", "has not begun: no window of it is over"),
        ({"period": "2026"}, "period", "should be a month such as 2026-10"),
        ({"period": "0001-01"}, "period", "a period lies between"),
    ],
)
def test_what_is_no_month_or_place_is_refused(billed, asked, parameter, detail):
    assert detail in billed.refused("/v1/tariff", **asked)[parameter]

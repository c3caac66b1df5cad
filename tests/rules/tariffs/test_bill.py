"""Bills against the golden cases, a plain loop, and what must hold of any month."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, NS_PER_S
from rules.tariffs.bill import SHARES, EnergyBill, energy_bill, stretches
from rules.tariffs.reactive import cos_phi, reactive_charge
from rules.tariffs.register import Tariff, load_tariffs

HAI_PHONG, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")
TARIFFS = load_tariffs(None).tariffs
KV22 = TARIFFS["vn-manufacturing-22kv"]
HALF_HOUR = 30 * NS_PER_MIN

OLD_HOURS = {"peak": [(range(6), "09:30", "11:30"), (range(6), "17:00", "20:00")], "low": [(range(7), "22:00", "24:00"), (range(7), "00:00", "04:00")]}  # fmt: skip
NEW_HOURS = {"peak": [(range(6), "17:30", "22:30")], "low": [(range(7), "00:00", "06:00")]}


def times(first: str, last: str, zone: ZoneInfo = HAI_PHONG, window: int = NS_PER_MIN) -> np.ndarray:
    """Return the starts of the windows between two local times. [ns UTC]"""
    start, end = (
        int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * NS_PER_S
        for text in (first, last)
    )
    return np.arange(start, end, window)


def billed(
    tariff: Tariff, starts: np.ndarray, kwh: np.ndarray, zone: ZoneInfo = HAI_PHONG, window: int = NS_PER_MIN
) -> EnergyBill:
    """Return the bill of windows that are all measured, where they are not NaN."""
    known = np.isfinite(kwh).astype(float)
    cut = stretches(tariff, starts, window, HALF_HOUR, zone)
    return energy_bill(cut, kwh, known, np.zeros(len(starts)))


def kwh_of(bill: EnergyBill) -> dict[str, float]:
    return {one.name: one.kwh for one in bill.slots}


def looped(starts: np.ndarray, kwh: np.ndarray, zone: ZoneInfo) -> dict[str, float]:
    """Return the energy of each slot by a plain loop over the clock, with the hours of Vietnamese tariffs."""
    found = {"normal": 0.0, "low": 0.0, "peak": 0.0}
    change = datetime(2026, 4, 22, tzinfo=HAI_PHONG)
    for start, energy in zip(starts.tolist(), kwh.tolist(), strict=True):
        moment = datetime.fromtimestamp(start / NS_PER_S, zone)
        hours = NEW_HOURS if moment >= change else OLD_HOURS
        clock = f"{moment:%H:%M}"
        slot = [
            name
            for name, parts in hours.items()
            if any(moment.weekday() in days and first <= clock < last for days, first, last in parts)
        ]
        found[slot[0] if slot else "normal"] += energy
    return found


@pytest.mark.parametrize("minutes", [1, 15, 30])
def test_r53a_a_flat_load_of_a_month(minutes: int) -> None:
    """25 days Monday to Saturday and 5 Sundays; 8 % tax."""
    window = minutes * NS_PER_MIN
    starts = times("2026-11-01", "2026-12-01", window=window)

    bill = billed(KV22, starts, np.full(len(starts), 1000 * minutes / 60), window=window)

    assert kwh_of(bill) == pytest.approx({"peak": 125_000, "low": 180_000, "normal": 415_000}, rel=1e-12)
    assert bill.whole.charge == pytest.approx(1_399_645_000, abs=0.5)
    assert bill.whole.charge + bill.vat == pytest.approx(1_511_616_600, abs=0.5)


def test_r53a_with_the_former_hours_a_flat_load_has_the_same_bill() -> None:
    """November 2025 too has 25 days Monday to Saturday and 5 Sundays."""
    starts = times("2025-11-01", "2025-12-01")

    bill = billed(KV22, starts, np.full(len(starts), 1000 / 60))

    assert bill.whole.charge == pytest.approx(1_399_645_000, abs=0.5)


def test_r53b_a_slot_ends_on_a_half_hour() -> None:
    starts = times("2026-11-30T17:00", "2026-11-30T18:00")

    bill = billed(KV22, starts, np.full(60, 1000 / 60))

    assert kwh_of(bill)["normal"] == pytest.approx(500) == kwh_of(bill)["peak"]
    assert bill.whole.charge == pytest.approx(2_615_500, abs=0.5)


def test_r53c_a_bill_by_its_slots() -> None:
    """100 kWh at noon, 50 at night and 10 in the evening of a Monday."""
    starts = times("2026-11-30", "2026-12-01", window=HALF_HOUR)
    kwh = np.zeros(48)
    kwh[[2, 24, 36]] = 50, 100, 10

    bill = billed(TARIFFS["vn-manufacturing-110kv"], starts, kwh, window=HALF_HOUR)

    assert bill.whole.charge + bill.vat == pytest.approx(292_744.8, abs=1e-6)


@pytest.mark.parametrize(
    ("tariff", "normal", "low", "peak"),
    [
        ("vn-manufacturing-110kv", 1811, 1146, 3266),
        ("vn-manufacturing-22kv", 1833, 1190, 3398),
        ("vn-manufacturing-6kv", 1899, 1234, 3508),
        ("vn-manufacturing-low-voltage", 1987, 1300, 3640),
    ],
)
def test_each_row_by_hand_in_the_month_in_which_the_hours_change(
    tariff: str, normal: float, low: float, peak: float
) -> None:
    """April 2026, 1,000 kW: 26 days Monday to Saturday, 4 Sundays; both kinds of hours have 6 low and 5 peak ones a day."""
    starts = times("2026-04-01", "2026-05-01")

    bill = billed(TARIFFS[tariff], starts, np.full(len(starts), 1000 / 60))

    hours = {"low": 30 * 6, "peak": 26 * 5, "normal": 30 * 18 - 26 * 5}
    assert kwh_of(bill) == pytest.approx({name: 1000 * found for name, found in hours.items()}, rel=1e-12)
    by_hand = 1000 * (hours["normal"] * normal + hours["low"] * low + hours["peak"] * peak)
    assert bill.whole.charge == pytest.approx(by_hand, rel=1e-12)
    assert bill.vat == pytest.approx(0.08 * by_hand, rel=1e-12)


@pytest.mark.parametrize(
    ("month", "end", "zone"),
    [
        ("2026-04-01", "2026-05-01", HAI_PHONG),  # the hours change on the 22nd
        ("2026-03-01", "2026-04-01", BERLIN),  # a day of 23 hours
        ("2026-10-01", "2026-11-01", BERLIN),  # a day of 25 hours
    ],
)
def test_slots_are_those_of_a_plain_loop_over_the_clock(month: str, end: str, zone: ZoneInfo) -> None:
    window = 15 * NS_PER_MIN
    starts = times(month, end, zone, window)
    kwh = np.random.default_rng(53).uniform(0, 50, len(starts))

    assert kwh_of(billed(KV22, starts, kwh, zone, window)) == pytest.approx(
        looped(starts, kwh, zone), rel=1e-12
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40 * 48), st.integers(1, 200), st.data())
def test_parts_add_up_and_what_is_unknown_is_left_out_of_sum_and_coverage(
    skipped: int, count: int, data: st.DataObject
) -> None:
    starts = times("2026-04-01", "2026-07-01", window=HALF_HOUR)[skipped : skipped + count]
    unknown = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    kwh = np.where(unknown, np.nan, np.arange(1.0, count + 1))

    bill = billed(KV22, starts, kwh, window=HALF_HOUR)

    assert sum(np.nan_to_num(one.kwh) for one in bill.slots) == pytest.approx(np.nansum(kwh))
    assert sum(np.nan_to_num(one.charge) for one in bill.slots) == pytest.approx(
        np.nan_to_num(bill.whole.charge)
    )
    assert bill.whole.coverage == pytest.approx(1 - unknown.mean())
    assert np.isnan(bill.whole.kwh) == unknown.all()
    assert bill.unknown_intervals == unknown.sum()


def test_energy_without_a_price_is_in_no_charge_and_told() -> None:
    """The shipped prices begin on 10 May 2025; an hour at noon of the day before, and of it."""
    before, after = (
        times("2025-05-09T12:00", "2025-05-09T13:00"),
        times("2025-05-10T12:00", "2025-05-10T13:00"),
    )

    bill = billed(KV22, before, np.ones(60))

    assert (bill.whole.kwh, bill.unpriced) == (60.0, 60.0)
    assert np.isnan(bill.whole.charge)
    assert billed(KV22, after, np.ones(60)).whole.charge == pytest.approx(60 * 1833)


def test_the_tax_of_a_time_of_which_nobody_knows_it_is_unknown() -> None:
    starts = times("2026-12-31T23:00", "2027-01-01T01:00")

    bill = billed(KV22, starts, np.ones(120))

    assert np.isnan(bill.vat)
    assert bill.whole.charge == pytest.approx(60 * 1833 + 60 * 1190)


def test_a_peak_is_of_a_wholly_known_half_hour_and_says_when() -> None:
    starts = times("2026-11-30T17:00", "2026-11-30T19:00")
    kwh = np.ones(120)
    kwh[30:60] = 2.0  # 17:30, all known: 120 kW
    kwh[60:90] = 9.0  # 18:00, a minute unknown
    kwh[75] = np.nan
    guessed = np.zeros(120)
    guessed[40] = 1.0

    cut = stretches(KV22, starts, NS_PER_MIN, HALF_HOUR, HAI_PHONG)
    bill = energy_bill(cut, kwh, np.isfinite(kwh).astype(float), guessed)

    assert (bill.whole.peak, bill.whole.peak_at) == (pytest.approx(120), starts[30])
    assert bill.whole.peak_interpolated
    assert bill.unknown_intervals == 1
    peaks = {one.name: one.peak for one in bill.slots}
    assert (peaks["normal"], peaks["peak"]) == pytest.approx((60, 120))
    assert np.isnan(peaks["low"])
    assert bill.whole.interpolated == pytest.approx(1 / 120)


def test_a_half_hour_that_is_not_over_has_no_peak() -> None:
    starts = times("2026-11-30T12:00", "2026-11-30T12:31")
    kwh = np.append(np.ones(30), 100.0)

    assert billed(KV22, starts, kwh).whole.peak == pytest.approx(60)


def test_an_interval_that_a_slot_cuts_has_a_mean_in_each() -> None:
    """Of an hour, 17:00 to 17:30 is normal and the rest is peak."""
    starts = times("2026-11-30T17:00", "2026-11-30T18:00")
    kwh = np.append(np.ones(30), np.full(30, 3.0))

    cut = stretches(KV22, starts, NS_PER_MIN, NS_PER_HOUR, HAI_PHONG)
    bill = energy_bill(cut, kwh, np.ones(60), np.zeros(60))

    assert {one.name: one.peak for one in bill.slots if one.peak_at >= 0} == pytest.approx(
        {"normal": 60, "peak": 180}
    )


def test_load_duration_falls_from_the_peak_to_the_least() -> None:
    starts = times("2026-11-01", "2026-11-03", window=HALF_HOUR)
    kwh = np.random.default_rng(7).permutation(np.arange(1.0, len(starts) + 1))

    bill = billed(KV22, starts, kwh, window=HALF_HOUR)

    for share, load in zip(SHARES, bill.duration, strict=True):
        assert (2 * kwh >= load).mean() >= share
        assert (2 * kwh > load).mean() <= share
    assert (bill.duration[0], bill.duration[-1]) == (bill.whole.peak, 2.0)


def test_r53d_a_charge_for_reactive_energy() -> None:
    charge = TARIFFS["vn-manufacturing-22kv"].reactive
    assert charge is not None
    table = charge.tables[1]
    assert table is not None

    found = cos_phi(425_000, 263_393)

    assert (found, table.percent(found)) == (0.85, 5.88)
    assert reactive_charge(table, found, 1000.0, 1_000_000) == pytest.approx(58_800, abs=1e-6)
    assert reactive_charge(table, found, 39.9, 1_000_000) == 0.0
    assert np.isnan(reactive_charge(table, found, np.nan, 1_000_000))
    assert np.isnan(reactive_charge(table, np.nan, 1000.0, 1_000_000))


def test_the_table_of_cos_phi_is_its_formula() -> None:
    """`(0.9 / cos phi - 1) x 100` in two decimals, half up; 0.59 and less as 0.59, 0.90 and more nothing."""
    charge = KV22.reactive
    assert charge is not None
    table = charge.tables[1]
    assert table is not None
    for hundredths in range(101):
        cos = max(hundredths, 59) / 100
        expected = max(np.floor((0.9 / cos - 1) * 1e4 + 0.5 + 1e-9) / 100, 0)
        assert table.percent(hundredths / 100) == pytest.approx(expected), hundredths


def test_what_gives_reactive_energy_back_is_charged_nothing_and_silence_is_unknown() -> None:
    assert cos_phi(100, -50) == 1.0
    assert np.isnan(cos_phi(0, 50))
    assert np.isnan(cos_phi(100, np.nan))


def test_a_month_of_minutes_is_cut_into_its_half_hours() -> None:
    """So that the columns of a bill are as long as its half hours, whatever the windows."""
    starts = times("2026-11-01", "2026-12-01")

    assert len(stretches(KV22, starts, NS_PER_MIN, HALF_HOUR, HAI_PHONG).first) == 30 * 48
    assert timedelta(minutes=len(starts)) == timedelta(days=30)

"""What comes late, twice under one name, in the wrong unit, or not at all; and factors that change amid the hour."""

import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alerts.judging.lifecycle import Phase
from plant.configuration.load import load
from rules.catalogue import load_catalogue
from stackmeter.health import HealthReport
from stackmeter.threads import Threads
from store.accounting.closing import Decision
from store.accounting.ledger import CHANGE, raw_changes
from store.influx.sender import InfluxSender
from store.influx.sink import InfluxSink
from store.messages.journal import Journal, JournalReader, Message
from store.state import State
from tests.faults.bench import Report
from tests.faults.invariants import (
    MEMORY,
    check_ledger,
    new_line,
    outcome,
    points,
    rows,
    shown,
    stored_windows,
    total_of,
)
from tests.faults.test_meaning import ARRIVAL, pipeline
from tests.faults.truth import Sent, trial
from tests.semantics.world import DAY, GRID, HOUR, MINUTE, NOON, SITE, World, ns, reading, rfc3339
from tests.servers import InfluxDB

BASELINE, COUNTED, OUTLIER, ANOMALY = 7, 0, 2, 4  # verdicts
PARK = """\
settings: {settings}
parks:
  - name: park-a
    title: Park A (invented)
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works (invented)
        gateways: [{{name: gw}}]
        channels:
          - {{name: meter, gateway: gw, unit: kWh, quantity: electricity, {channel}}}
        sources:
          - {{name: meter, method: electricity-location, inputs: {{energy: meter}}, factor: {factor}}}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as made:
        yield Path(made)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    made = World(folder)
    yield made
    made.close()


def park(
    folder: Path, channel: str, factor: str = "vn-grid", settings: str = "{}", factors: str = ""
) -> Path:
    """Write the configuration of one meter and one source, and return its folder."""
    config = folder / "config"
    config.mkdir()
    (config / "park.yaml").write_text(PARK.format(channel=channel, factor=factor, settings=settings))
    if factors:
        (config / "factors.yaml").write_text(factors)
    return config


def verdicts(world: World, channel: str) -> list[int]:
    query = "SELECT verdict FROM reading JOIN channel c ON c.id = channel WHERE name = ? ORDER BY time"
    return [verdict for (verdict,) in world.rows(query, channel)]


# --- F-087, F-088: a block that comes three days late ----------------------------------------------------------------

MARCH_31 = ns("2026-03-31T12:00:00+07:00")
FIRST = [(0, 100.0), (60, 160.0)]
BLOCK = [(10, 115.0), (20, 130.0), (30, 145.0), (45, 152.5), (120, 170.0)]  # minutes, kWh


@pytest.fixture
def april(world: World) -> World:
    """An hour that was measured on the last of March, three days ago."""
    for minute, kwh in FIRST:
        world.now = MARCH_31 + minute * MINUTE
        world.send(reading("reg", world.now, kwh))
    world.tick(MARCH_31 + 3 * DAY)
    return world


def decided(world: World, action: str, by: str = "lan", generation: int = -1) -> None:
    number = f"d{world.rows('SELECT count(*) FROM decision')[0][0]}"
    world.decide(Decision(number, by, action, "park-a", "2026-03", generation))
    assert world.rows("SELECT outcome FROM decision WHERE id = ?", number) == [("done",)]


def send_block(world: World) -> None:
    world.send(*[reading("reg", MARCH_31 + m * MINUTE, kwh) for m, kwh in BLOCK])
    assert world.balance()[1]["late"] == len(BLOCK)


def project(world: World, influx: InfluxDB) -> dict[tuple[str, int], dict[str, float]]:
    """Bring to InfluxDB whatever waits for it, and return its emissions."""
    with closing(InfluxSink(influx.url, influx.token, influx.org, influx.bucket)) as sink:
        sender = InfluxSender(world.folder / "state.db", sink, world.point_names(), lambda: world.now)
        with closing(sender):
            while sender.step():
                pass
    return points(influx, "emission", "source")


def expected(minute: int, displays: list[tuple[float, float]]) -> float:
    """Return the tonnes of a minute between two displays."""
    (m0, a), (m1, b) = next(p for p in pairwise(displays) if p[0][0] <= minute < p[1][0])
    return (b - a) / (m1 - m0) * GRID


def reported(world: World) -> float:
    return float(world.total("reg", period="2026-03")["co2e_t"])


def test_f087_a_block_three_days_late_corrects_a_provisional_month_in_ledger_api_and_influxdb(
    april: World, influx: InfluxDB
) -> None:
    decided(april, "provisional")
    before = project(april, influx)

    send_block(april)

    after, displays = project(april, influx), sorted(FIRST + BLOCK)
    assert reported(april) == pytest.approx(70 * GRID, rel=1e-12)
    assert {f["revision"] for f in before.values()} == {1.0}
    for (_, start), fields in after.items():
        minute = (start - MARCH_31) // MINUTE
        assert fields["co2e_t"] == pytest.approx(expected(minute, displays), rel=1e-12)
        assert fields["revision"] == (2.0 if minute < 60 else 1.0)
    assert len(after) == 120
    [(packed, cause)] = april.rows("SELECT changes, cause FROM ledger ORDER BY id DESC LIMIT 1")
    changes = np.frombuffer(raw_changes(packed), CHANGE)
    delta = np.nansum(changes["new_co2e_t"]) - np.nansum(changes["old_co2e_t"])
    assert (cause, len(changes)) == ("readings", 120)
    assert delta == pytest.approx(10 * GRID, rel=1e-12)


def test_f088_a_block_three_days_late_waits_in_a_final_month_and_influxdb_shows_what_is_published(
    april: World, influx: InfluxDB
) -> None:
    decided(april, "final")
    before = project(april, influx)

    send_block(april)

    assert project(april, influx) == before
    assert reported(april) == pytest.approx(60 * GRID, rel=1e-12)
    [period] = [p for p in april.get("/v1/periods", park="park-a")["periods"] if p["month"] == "2026-03"]
    waits = period["pending_restatement"]
    assert (waits["delta_t"], waits["windows"]) == (pytest.approx(10 * GRID, rel=1e-12), 120)

    for by in ("lan", "minh"):
        decided(april, "approve", by, waits["generation"])

    after = project(april, influx)
    assert reported(april) == pytest.approx(70 * GRID, rel=1e-12)
    assert sum(fields["co2e_t"] for fields in after.values()) == pytest.approx(70 * GRID, rel=1e-12)
    stored = stored_windows(april.folder / "state.db")
    assert after == {(s, n * MINUTE): shown(fields) for (s, n), fields in stored.items()}


# --- F-092: two meters on one channel, for a while --------------------------------------------------------------------

SWAPPED = """kind: register, max_rate: 600, serial: OLD-1,
             swaps: [{time: "2026-03-10T12:10:00+07:00", final_old: 1010, first_new: 5, serial: NEW-2}]"""
OLD = [(0, 1000.0), (5, 1005.0), (9, 1009.0)]
OLD_GOES_ON = [(11, 1011.0), (13, 1013.0), (15, 1015.0)]
NEW = [(12, 7.0), (14, 9.0), (16, 11.0), (18, 13.0), (20, 15.0)]


@pytest.mark.parametrize("overlap", [[], OLD_GOES_ON], ids=["one after the other", "overlapping"])
@pytest.mark.parametrize("seed", range(3))
def test_f092_two_serials_are_two_segments_without_a_jump(
    folder: Path, overlap: list[tuple[int, float]], seed: int
) -> None:
    """The old meter counts 10 up to the swap, the new one 10 after it, whatever the old one says once it is out."""
    told = OLD + overlap + NEW
    with closing(World(folder, park(folder, SWAPPED))) as world:
        for minute, display in random.Random(seed).sample(told, len(told)):
            world.send(reading("meter", NOON + minute * MINUTE, display))

        minutes = world.activity("meter", NOON, NOON + 20 * MINUTE).values()
        assert [value for value, _ in minutes] == pytest.approx([1.0] * 20, rel=1e-9)
        assert {coverage for _, coverage in minutes} == {1.0}
        assert verdicts(world, "meter").count(OUTLIER) == len(overlap)
        assert [meter_at(world, minute) for minute in (9, 10)] == ["OLD-1", "NEW-2"]


def meter_at(world: World, minute: int) -> str:
    at = rfc3339(NOON + minute * MINUTE)
    told = world.get("/v1/explain", park="park-a", facility="works", source="meter", at=at)
    return str(told["window"]["inputs"][0]["meter"]["serial"])


# --- F-094: a gateway starts anew, or its counter of messages comes round ------------------------------------------------


def fill(world: World, boot: str, *numbered: tuple[int, int]) -> None:
    """Let a gateway tell of 10 L of diesel in each message: (seq, minute)."""
    world.now = NOON + 10 * MINUTE
    world.publish(
        *[
            {"boot": boot, "seq": seq, "readings": [reading("diesel", NOON + minute * MINUTE, 10, "L")]}
            for seq, minute in numbered
        ]
    )


def filled(world: World, minutes: int) -> tuple[float, set[float]]:
    """Return the litres of the first minutes, and the coverages that their windows have."""
    windows = world.activity("diesel", NOON, NOON + minutes * MINUTE)
    return sum(value or 0.0 for value, _ in windows.values()), {coverage for _, coverage in windows.values()}


def test_f094_a_gateway_that_starts_anew_numbers_from_1_without_a_duplicate_or_a_hole(world: World) -> None:
    fill(world, "b1", (1, 0), (2, 1), (3, 2))
    fill(world, "b2", (1, 3), (2, 4), (3, 5))

    assert world.balance() == ({"accepted": 6}, {"accepted": 6})
    assert filled(world, 6) == (60.0, {1.0})
    assert {
        (through, tuple(missing)) for _, through, missing in world.line.acknowledgements(f"{SITE}/gw")
    } == {(3, ())}


@pytest.mark.parametrize("last", [2**8 - 1, 2**16 - 1, 2**32 - 1, 2**53])
def test_f094_a_number_larger_than_a_device_s_word_follows_the_one_before(world: World, last: int) -> None:
    fill(world, "b", *[(last + step, step + 1) for step in range(-1, 3)])

    assert world.balance() == ({"accepted": 4}, {"accepted": 4})
    assert filled(world, 4) == (40.0, {1.0})
    [(_, through, missing)] = world.line.acknowledgements(f"{SITE}/gw")
    assert (through, missing) == (last + 2, [[1, last - 2]])


@pytest.mark.parametrize("last", [2**8 - 1, 2**32 - 1])
def test_f094_a_counter_that_comes_round_within_one_boot_is_told_and_costs_no_reading(
    world: World, last: int
) -> None:
    """The contract has a new boot for that: 0 is no number, and 1 and 2 are known already."""
    fill(world, "b", (1, 0), (2, 1), (last - 1, 2), (last, 3))
    fill(world, "b", (0, 4), (1, 5), (2, 6))

    assert world.codes() == {"seq": 1, "conflict_seq": 2}
    assert world.balance()[1] == {"accepted": 7}
    assert filled(world, 7)[0] == 70.0


# --- F-096: two gateways of one identity ------------------------------------------------------------------------------


def degradations(world: World) -> tuple[str, ...]:
    """Return what /readyz says of a service with this line."""
    well: Any = SimpleNamespace(
        line=lambda: world.line, line_waits=str, influx=None, threads=Threads(threading.Event(), str), plant=world.plant,
        intake=SimpleNamespace(waits=""), subscriber=SimpleNamespace(ready=True, where="", last_error="", notices=list), sparkplug=None,
        webhooks=SimpleNamespace(statistics=list), audit=SimpleNamespace(trouble=""), tidying=SimpleNamespace(trouble=""), archiver=None, strays=None,
        feeds=SimpleNamespace(troubles=list), reader=world.reader,
    )  # fmt: skip
    return HealthReport(well, list).health().degradations


@pytest.mark.parametrize("boots", [("b", "b"), ("b1", "b2")], ids=["one boot", "boots of their own"])
def test_f096_two_meters_under_one_name_are_told_and_their_difference_is_never_energy(
    world: World, boots: tuple[str, str]
) -> None:
    """The second gateway took over a configuration, and reads a meter of its own half a minute after the first."""
    for step in range(30):
        for boot, display, half in zip(boots, (100 + step, 5_000 + step), (0, MINUTE // 2), strict=True):
            world.now = NOON + step * MINUTE + half
            world.send(reading("reg", world.now, display), boot=boot, seq=step + 1)

    told = (f"channel_conflict: two meters seem to speak on {SITE}/reg",)
    assert degradations(world) == told
    world.restart()
    assert degradations(world) == told
    assert world.codes() == ({"conflict_seq": 30} if boots[0] == boots[1] else {})
    assert world.balance()[1] == {"accepted": 60}
    span = {"from_": "2026-03-10T12:00:00+07:00", "to": "2026-03-10T12:30:00+07:00"}
    assert 0 < world.total("reg", **span)["activity"] <= 30


def of_meters(seed: int) -> list[Sent]:
    return [one for one in trial(300, seed).messages if "/meters/" in one.topic]


def test_f096_two_gateways_that_say_otherwise_of_the_same_times_end_as_the_same_set_in_either_order() -> None:
    """They number alike and read at the same instants, as a cloned gateway does."""
    one, other = of_meters(96), of_meters(97)
    ends = []
    for first, second in ((one, other), (other, one)):
        with pipeline() as line:
            line.take(first)
            line.take(second)
            check_ledger(line.state)
            told = rows(line.state, "SELECT code, count(*) FROM quarantine GROUP BY code")
            marked = rows(line.state, "SELECT count(*) FROM reading WHERE flags & 2")[0][0]
            kept = rows(line.state, "SELECT count(*) FROM reading_lost")[0][0]
            ends.append(outcome(line.state))
            assert [code for code, _ in told] == ["conflict_seq"]
            assert min(marked, kept, told[0][1]) > 20

    assert ends[0] == ends[1]


# --- F-097: another unit, or a thousand times too much --------------------------------------------------------------------


def scaled(world: World, first: int, last: int, scale: float, unit: str = "kWh") -> None:
    """Let a meter that counts 1 kWh a minute be read for 20 minutes, from `first` to before `last` with a scale."""
    for minute in range(21):
        wrong = first <= minute < last
        value = (100 + minute) * (scale if wrong else 1)
        world.send(reading("pulses", NOON + minute * MINUTE, value, unit if wrong else "kWh"))


HOUR_OF_NOON = {"from_": "2026-03-10T12:00:00+07:00", "to": "2026-03-10T13:00:00+07:00"}


def energy(world: World, source: str) -> float:
    return float(world.total(source, **HOUR_OF_NOON)["activity"])


def test_f097_a_unit_that_changes_and_says_so_changes_nothing(world: World) -> None:
    scaled(world, 10, 21, 1 / 1000, "MWh")

    assert energy(world, "pulses") == pytest.approx(20, rel=1e-9)
    assert set(verdicts(world, "pulses")) == {BASELINE, COUNTED}


@pytest.mark.parametrize("scale", [1000, 1 / 1000])
def test_f097_a_scale_that_is_wrong_for_a_while_is_held_out_and_costs_nothing(
    world: World, scale: float
) -> None:
    scaled(world, 5, 10, scale)

    assert energy(world, "pulses") == pytest.approx(20, rel=1e-9)
    assert verdicts(world, "pulses").count(OUTLIER) == 5


def test_f097_a_thousand_times_too_much_that_stays_counts_nothing(world: World) -> None:
    scaled(world, 10, 21, 1000)

    assert energy(world, "pulses") == pytest.approx(9, rel=1e-9)
    assert verdicts(world, "pulses")[10:].count(COUNTED) == 0
    windows = world.activity("pulses", NOON + 9 * MINUTE, NOON + 20 * MINUTE)
    assert set(windows.values()) == {(None, 0.0)}


def test_f097_a_thousandth_that_stays_is_a_gap_and_no_step_down(world: World) -> None:
    scaled(world, 10, 21, 1 / 1000)

    assert verdicts(world, "pulses")[10] == ANOMALY
    assert world.activity("pulses", NOON + 9 * MINUTE, NOON + 10 * MINUTE)[0] == (None, 0.0)
    assert energy(world, "pulses") == pytest.approx(9 + 10 / 1000, rel=1e-9)


def test_f097_a_power_of_another_scale_is_refused_by_its_limits(world: World) -> None:
    world.send(*[reading("power", NOON + m * MINUTE, 60_000, "kW") for m in range(5)])

    assert (world.codes(), world.balance()[1]) == ({"range": 1}, {"quarantined": 5})


# --- F-098: a factor that changes amid the hour, and one that ends ----------------------------------------------------------

FACTORS = """\
zone: Asia/Kolkata
factors:
  - name: own
    title: A supplier half an hour beside our clock (invented)
    basis: electricity
    units: {co2e: kgCO2e/kWh}
    rows:
      - {valid_from: 2026-03-01, valid_to: 2026-03-10, values: {co2e: 0.5}, source: invented, evidence: invented}
      - {valid_from: 2026-03-10, valid_to: 2026-03-11, values: {co2e: 0.3}, source: invented, evidence: invented}
"""
CHANGE_AT = ns("2026-03-10T01:30:00+07:00")  # midnight in Kolkata
END_AT = CHANGE_AT + DAY


def around(folder: Path, instant: int) -> World:
    """Return a service that counts 1 kWh a minute in the clock hour around an instant."""
    world = World(folder, park(folder, "kind: register", "own", factors=FACTORS), now=instant + DAY)
    world.send(*[reading("meter", instant + m * MINUTE, 100.0 + m) for m in (-30, 30)])
    return world


def total_around(world: World, instant: int) -> Any:
    return world.total("meter", from_=rfc3339(instant - 30 * MINUTE), to=rfc3339(instant + 30 * MINUTE))


def test_f098_a_factor_that_changes_amid_the_hour_holds_from_its_instant_on(folder: Path) -> None:
    with closing(around(folder, CHANGE_AT)) as world:
        windows = world.windows("meter", CHANGE_AT - 30 * MINUTE, CHANGE_AT + 30 * MINUTE)
        assert windows == [(1.0 * 0.5 / 1000, 1.0)] * 30 + [(1.0 * 0.3 / 1000, 1.0)] * 30
        assert total_around(world, CHANGE_AT)["co2e_t"] == pytest.approx(30 * 0.0008, rel=1e-12)


def test_f098_where_no_factor_is_in_force_there_is_no_number_and_no_zero(folder: Path) -> None:
    with closing(around(folder, END_AT)) as world:
        windows = world.windows("meter", END_AT - 30 * MINUTE, END_AT + 30 * MINUTE)
        assert windows == [(1.0 * 0.3 / 1000, 1.0)] * 30 + [(None, 0.0)] * 30
        whole = total_around(world, END_AT)
        assert (whole["co2e_t"], whole["coverage"]) == (pytest.approx(30 * 0.0003, rel=1e-12), 0.5)
        after = world.total("meter", from_=rfc3339(END_AT), to=rfc3339(END_AT + 30 * MINUTE))
        assert (after["co2e_t"], after["coverage"]) == (None, 0.0)


# --- F-099: a sensor that is stuck, says NaN, or nothing --------------------------------------------------------------------


def rule_state(world: World) -> str:
    return Phase(world.rows("SELECT state FROM rule_state WHERE rule = 'hot'")[0][0]).name.lower()


def told(world: World, channel: str, unit: str, *minutes: int, value: float = 60, **more: Any) -> None:
    world.send(*[reading(channel, NOON + m * MINUTE, value, unit, **more) for m in minutes])


def test_f099_an_hour_without_readings_is_unknown_and_not_zero(world: World) -> None:
    told(world, "power", "kW", *range(-60, 1, 10))
    world.now = NOON + 30 * MINUTE
    assert world.total("power")["stale"] == ["power"]

    world.now = NOON + 2 * HOUR
    told(world, "power", "kW", *range(60, 121, 10))

    hours = world.get(
        "/v1/series", kind="emission", source="power", every="1h",
        from_="2026-03-10T11:00:00+07:00", to="2026-03-10T14:00:00+07:00",
    )  # fmt: skip
    assert hours["values"] == [pytest.approx(60 * GRID), None, pytest.approx(60 * GRID)]
    assert hours["coverage"] == [1.0, 0.0, 1.0]
    whole = world.total("power", from_="2026-03-10T11:00:00+07:00", to="2026-03-10T14:00:00+07:00")
    assert whole["shares"]["missing"] == pytest.approx(1 / 3)


def test_f099_a_burst_of_nan_is_quarantined_and_leaves_its_hour_incomplete(world: World) -> None:
    told(world, "power", "kW", *range(0, 21, 5))
    for minute in range(25, 45, 5):
        text = rfc3339(NOON + minute * MINUTE)
        body = f'{{"channel": "power", "time": "{text}", "value": NaN, "unit": "kW"}}'
        world.publish(f'{{"readings": [{body}]}}'.encode())
    told(world, "power", "kW", 45, 50, 55, 60)

    assert world.codes() == {"non_finite": 4}
    whole = world.total("power", **HOUR_OF_NOON)
    assert (whole["activity"], whole["coverage"]) == (pytest.approx(35), pytest.approx(35 / 60))
    assert set(world.windows("power", NOON + 20 * MINUTE, NOON + 45 * MINUTE)) == {(None, 0.0)}


def test_f099_a_sensor_that_says_its_last_reading_again_and_again_is_stale_and_its_rule_unknown(
    world: World,
) -> None:
    world.now = NOON
    for _ in range(5):
        told(world, "heat", "°C", 0, value=300)
        told(world, "power", "kW", 0)
    assert (rule_state(world), world.balance()[1]) == ("ok", {"accepted": 2, "duplicate": 8})

    world.tick(NOON + 11 * MINUTE)

    assert rule_state(world) == "unknown"
    assert world.total("power")["stale"] == ["power"]
    assert world.total("power")["co2e_t"] is None


def test_f099_a_stuck_sensor_whose_quality_says_so_counts_nothing(world: World) -> None:
    told(world, "power", "kW", 0, 10)
    told(world, "power", "kW", *range(11, 41), quality="fault")

    windows = world.windows("power", NOON, NOON + 40 * MINUTE)
    assert [coverage for _, coverage in windows] == [1.0] * 10 + [0.0] * 30
    assert {value for value, _ in windows[10:]} == {None}


# --- BC-09: readings older than InfluxDB keeps any ------------------------------------------------------------------------


def test_bc09_what_influxdb_keeps_no_more_is_refused_and_counted_and_the_state_has_it_all(
    world: World, influx: InfluxDB
) -> None:
    """What is late may be 45 days old, and InfluxDB is set to keep 10: nothing waits for ever, and the rest arrives."""
    influx.query(f"ALTER RETENTION POLICY autogen ON {influx.bucket} DURATION 10d")
    world.now = time.time_ns() // MINUTE * MINUTE
    for ago in (40 * DAY, DAY):
        world.send(*[reading("power", world.now - ago + m * MINUTE, 60, "kW") for m in range(3)])

    with closing(InfluxSink(influx.url, influx.token, influx.org, influx.bucket)) as sink:
        sender = InfluxSender(world.folder / "state.db", sink, world.point_names(), lambda: world.now)
        with closing(sender):
            while sender.step():
                pass
            refused, reasons = sender.statistics.refused, sender.statistics.refused_by_reason

    kept = [start for _, start in points(influx, "emission", "source")]
    assert (len(kept), min(kept) > world.now - 10 * DAY) == (2, True)
    assert (refused, sum(reasons.values())) == (5, 5)
    assert world.rows("SELECT count(*) FROM influx_emission") == [(0,)]
    span = {"from_": rfc3339(world.now - 44 * DAY), "to": rfc3339(world.now)}
    assert world.total("power", **span)["activity"] == pytest.approx(4)


# --- F-100: a year from the archive -----------------------------------------------------------------------------------------

QUARTER = 15 * MINUTE
YEAR = """kind: interval, period: 15min"""
DAYS = 365
NEW_YEAR = ns("2025-01-01T00:00:00+07:00")


def day_of(day: int, hundredths: list[int]) -> Message:
    """Return a day's quarters in one message; hundredths of a kWh are hard to add up in floats."""
    start = NEW_YEAR + day * DAY
    ends = [rfc3339(start + quarter * QUARTER) for quarter in range(1, 97)]
    values = [one / 100 for one in hundredths]
    body = {
        "boot": "b",
        "seq": day + 1,
        "time": ends,
        "columns": {"meter": {"unit": "kWh", "values": values}},
    }
    return Message(ARRIVAL, f"sm/v1/{SITE}/gw/readings".encode(), json.dumps(body).encode())


def projected(state: Path, journal: Path, config: Path) -> None:
    """Bring a state up to its journal."""
    plant = load(config, load_catalogue(config))
    with closing(State(state, plant)) as opened, closing(JournalReader(journal)) as reader:
        line = new_line(plant, opened, reader, config)
        while line.step():
            pass


def test_f100_a_year_replayed_from_the_journal_has_the_same_bits(folder: Path, report: Report) -> None:
    """It came month by month in any order, some days twice; two replays take it at once, and end in one hash."""
    config = park(folder, YEAR, settings="{window: 15min, max_late: 20000d}")
    hundredths = np.random.default_rng(100).integers(0, 15_718, (DAYS, 96)).tolist()
    days = [day_of(day, one) for day, one in enumerate(hundredths)]
    random.Random(100).shuffle(days)
    lived, again, once_more, journal = (folder / f"{name}.db" for name in ("state", "a", "b", "journal"))
    with closing(Journal(journal)) as archive:
        for start in range(0, DAYS, 31):
            archive.append(days[start : start + 31] + days[:2])
            projected(lived, journal, config)

    began = time.perf_counter()
    projected(again, journal, config)
    seconds = time.perf_counter() - began
    projected(once_more, journal, config)

    assert outcome(lived) == outcome(again)
    assert total_of(again, "meter", "activity") == pytest.approx(sum(map(sum, hundredths)) / 100, rel=1e-12)
    check_ledger(again)
    assert last_told(lived) == last_told(again)
    assert ledger_head(again) == ledger_head(once_more)
    report("F-100", readings=DAYS * 96, difference=0, readings_per_s=round(DAYS * 96 / seconds))


def last_told(state: Path) -> dict[int, float]:
    """Return the tonnes that the ledger told last of each window, by its start."""
    packed = b"".join(
        raw_changes(changes) for (changes,) in rows(state, "SELECT changes FROM ledger ORDER BY id")
    )
    every = np.frombuffer(packed, CHANGE)
    return dict(zip(every["start"].tolist(), every["new_co2e_t"].tolist(), strict=True))


def ledger_head(state: Path) -> bytes:
    return bytes(rows(state, "SELECT hash FROM ledger ORDER BY id DESC LIMIT 1")[0][0])

"""Conditions over a frame: each function and the logic against plain loops over readings, None for unknown."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alerts.judging.conditions import GatewayColumns, Judge, Truth, evaluate
from alerts.judging.histories import History
from plant.alert_rules.condition_terms import checked
from plant.alert_rules.conditions import Subject, parse
from plant.alert_rules.terms import Fact
from plant.configuration.load import load
from plant.park import Condition, Dated, Plant
from plant.periods import time_of_day
from plant.units import unit
from plant.vocabulary import NEVER, NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Kind
from tests.plant.catalogue import SmallCatalogue

NOW = 1_790_000_000 * NS_PER_S // NS_PER_HOUR * NS_PER_HOUR + 20 * NS_PER_MIN
UTC_OFFSET = {"north": 7 * NS_PER_HOUR, "south": 5 * NS_PER_HOUR + 30 * NS_PER_MIN}
PARK = """\
parks:
  - name: north
    title: North
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: g1}, {name: g2}]
        channels:
          - {name: a, gateway: g1, kind: level, unit: "%", quantity: q}
          - {name: b, gateway: g1, kind: level, unit: "%", quantity: q, max_gap: 5min}
          - {name: c, gateway: g1, kind: interval, unit: kWh, quantity: e, period: 15min}
          - {name: d, gateway: g1, kind: event, unit: kWh, quantity: e}
        sources:
          - {name: one, method: electricity-location, inputs: {energy: c}, factor: grid}
          - {name: two, method: electricity-location, inputs: {energy: d}, factor: grid, sold_by: shop}
      - name: shop
        title: Shop
        gateways: [{name: g1}]
        channels:
          - {name: a, gateway: g1, kind: level, unit: "%", quantity: q}
          - {name: c, gateway: g1, kind: interval, unit: kWh, quantity: e, period: 15min}
        sources:
          - {name: one, method: electricity-location, inputs: {energy: c}, factor: grid}
  - name: south
    title: South
    zone: Asia/Kolkata
    facilities:
      - name: dye
        title: Dye
        gateways: [{name: g1}]
        channels:
          - {name: a, gateway: g1, kind: level, unit: "%", quantity: q}
          - {name: c, gateway: g1, kind: interval, unit: kWh, quantity: e, period: 15min}
        sources:
          - {name: one, method: electricity-location, inputs: {energy: c}, factor: grid}
"""
BLANK = Condition(
    "x", "channel", (), "", (), (), "", (), 0, 0, 0, 0, "info", (), None, None, None, ""  # type: ignore[arg-type]
)  # fmt: skip


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    folder: Path = tmp_path_factory.mktemp("config")
    (folder / "park.yaml").write_text(PARK, encoding="utf-8")
    return load(folder, SmallCatalogue(), {})


@dataclass
class Paper:
    """A frame that looks everything up in lists, row by row, and notes what it was asked."""

    now: int = NOW
    readings: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    rates: dict[int, float] = field(default_factory=dict)
    emitted: dict[int, list[tuple[int, float]]] = field(default_factory=dict)  # by source: time, t
    owed: dict[int, tuple[float, float]] = field(default_factory=dict)  # by source: windows due, and covered
    online: dict[int, float] = field(default_factory=dict)
    heard: dict[int, int] = field(default_factory=dict)
    asked: list[tuple] = field(default_factory=list)

    def of(self, channel: int) -> list[tuple[int, float]]:
        return sorted(r for r in self.readings.get(channel, []) if r[0] <= self.now)

    def latest(self, channels):
        self.asked.append(("latest", tuple(channels)))
        newest = [(self.of(c) or [(NEVER, np.nan)])[-1] for c in channels.tolist()]
        return np.array([t for t, _ in newest], np.int64), np.array([v for _, v in newest])

    def history(self, channels, span):
        self.asked.append(("history", tuple(channels), span))
        rows = []
        for run, channel in enumerate(channels.tolist()):
            known = self.of(channel)
            before = [r for r in known if r[0] <= self.now - span][-1:]
            rows += [(run, *r) for r in before + [r for r in known if r[0] > self.now - span]]
        run, time, value = zip(*rows, strict=True) if rows else ((), (), ())
        return History(np.array(run, np.int64), np.array(time, np.int64), np.array(value, np.float64))

    def emission_rate(self, sources):
        return np.array([self.rates.get(s, np.nan) for s in sources.tolist()])

    def tonnes(self, sources, start, end):
        self.asked.append(("tonnes", tuple(sources), start, end))
        inside = [[t for at, t in self.emitted.get(s, []) if start <= at < end] for s in sources.tolist()]
        return np.array([sum(found) if found else np.nan for found in inside])

    def covered(self, sources, start, end):
        self.asked.append(("covered", tuple(sources), start, end))
        return np.array([self.owed.get(s, (0.0, 0.0)) for s in sources.tolist()]).T

    def gateways(self, gateways):
        self.asked.append(("gateways", tuple(gateways)))
        rows = gateways.tolist()
        return GatewayColumns(
            np.array([self.online.get(g, np.nan) for g in rows]),
            np.array([self.heard.get(g, NEVER) for g in rows], np.int64),
            np.array([float(g) for g in rows]),
        )


def condition(
    plant: Plant, text: str, subject: str = "channel", clear: str = "", limit: Dated = ()
) -> Condition:
    """Return a condition on all subjects; of channels, on those in % unless it sums."""
    summed = "sum_over" in text
    rows = {
        "source": plant.sources,
        "facility": plant.facilities,
        "park": plant.parks,
        "gateway": plant.gateways,
    }
    mine = [c.index for c in plant.channels if str(c.unit) == ("kWh" if summed else "%")]
    subjects = mine if subject == "channel" else range(len(rows[subject]))
    kind = Kind.INTERVAL if summed else Kind.LEVEL
    facts = [Fact("", unit("kWh" if summed else "%"), kind)] if subject == "channel" else []
    others: tuple[tuple[int, ...], ...] = ()
    if "channel(" in text:
        facts.append(Fact("a", unit("%"), Kind.LEVEL))
        sites = [(plant.channels[c].park, plant.channels[c].facility) for c in subjects]
        others = (
            tuple(
                next(c.index for c in plant.channels if (c.park, c.facility, c.name) == (*s, "a"))
                for s in sites
            ),
        )
    given = {"p": 2.0, "limit": limit}
    terms = [checked(parse(one, Subject(subject), given), facts) for one in (text, clear) if one]
    return replace(
        BLANK, subject=subject, subjects=tuple(subjects), steps=terms[0].steps, others=others,
        clear=terms[1].steps if clear else (), comparisons=terms[0].comparisons,
    )  # fmt: skip


def known(column: np.ndarray) -> list[float | None]:
    return [None if np.isnan(x) else float(x) for x in column]


# --- functions of readings ----------------------------------------------------------------------------------------

Rows = list[tuple[int, float]]
SPAN = 10 * NS_PER_MIN


def within(rows: Rows, now: int) -> list[float]:
    return [v for t, v in rows if now - SPAN < t <= now]


def change(rows: Rows, now: int) -> tuple[float, float] | None:
    """Return the change over the span and the hours it took."""
    inside = [r for r in rows if now - SPAN < r[0] <= now]
    before = [r for r in rows if r[0] <= now - SPAN]
    used = before[-1:] + inside
    if not inside or len(used) < 2:
        return None
    return used[-1][1] - used[0][1], (used[-1][0] - used[0][0]) / NS_PER_HOUR


ORACLES: dict[str, Callable[[Rows, int], float | None]] = {
    "avg": lambda r, now: sum(within(r, now)) / len(within(r, now)) if within(r, now) else None,
    "max_over": lambda r, now: max(within(r, now), default=None),
    "min_over": lambda r, now: min(within(r, now), default=None),
    "spread": lambda r, now: max(within(r, now)) - min(within(r, now)) if len(within(r, now)) > 1 else None,
    "count": lambda r, now: float(len(within(r, now))),
    "delta": lambda r, now: found[0] if (found := change(r, now)) else None,
    "rate": lambda r, now: found[0] / found[1] if (found := change(r, now)) else None,
}
series = st.dictionaries(st.integers(0, 130), st.integers(-4, 12), max_size=12).map(
    lambda found: [
        (NOW - age * 10 * NS_PER_S, float(value)) for age, value in sorted(found.items(), reverse=True)
    ]
)  # up to 22 minutes before now, and at the edge of the span
frames = st.dictionaries(st.integers(0, 10), series, max_size=11)


@pytest.mark.parametrize("name", ORACLES)
@given(readings=frames)
def test_a_function_of_readings_is_that_of_the_plain_loop(plant: Plant, name: str, readings) -> None:
    one = condition(plant, f"{name}(value, '10min') > 3")

    found = evaluate(one, plant, Paper(readings=readings))

    expected = [ORACLES[name](sorted(readings.get(c, [])), NOW) for c in one.subjects]
    assert known(found.value) == pytest.approx(expected)
    assert known(found.truth) == [None if x is None else float(x > 3 + 3e-9) for x in expected]
    assert known(found.clear) == [None if x is None else float(not x > 3 + 3e-9) for x in expected]
    assert found.limit.tolist() == [3.0] * len(expected)


@given(readings=frames)
def test_readings_now_are_the_newest_that_are_not_too_old(plant: Plant, readings) -> None:
    paper = Paper(readings=readings)
    one = condition(plant, "value > 3 and age < 60 or absent('2min')")
    newest = {c: max(readings.get(c) or [(None, None)], key=lambda r: r[0] or 0) for c in one.subjects}
    gap = {c: plant.channels[c].max_gap for c in one.subjects}

    def alone(text: str) -> list[float | None]:
        return known(evaluate(condition(plant, text), plant, paper).value)

    fresh = [v if t is not None and NOW - t <= gap[c] else None for c, (t, v) in newest.items()]
    ages = [None if t is None else (NOW - t) / NS_PER_S for t, _ in newest.values()]
    assert alone("value > 3") == fresh
    assert alone("age > 60") == ages
    assert alone("absent('2min') == 1") == [float(age is None or age >= 120) for age in ages]


@given(readings=frames)
def test_sums_know_that_no_event_is_no_amount(plant: Plant, readings) -> None:
    of = condition(plant, "sum_over(value, '10min') > 3")
    events = replace(of, steps=(replace(of.steps[0], number=1.0), *of.steps[1:]))
    rows = [within(readings.get(c, []), NOW) for c in of.subjects]

    assert known(evaluate(of, plant, Paper(readings=readings)).value) == [sum(r) if r else None for r in rows]
    assert known(evaluate(events, plant, Paper(readings=readings)).value) == [float(sum(r)) for r in rows]


@given(
    missing=st.sets(st.integers(0, 59), max_size=58),
    doubled=st.sets(st.integers(0, 59), max_size=10),
    minute=st.integers(0, 59),
)
def test_an_hour_mean_is_that_of_the_last_whole_clock_hour_if_enough_came(
    plant, missing, doubled, minute
) -> None:
    """Hours begin at the half in Kolkata; a reading covers up to the next, for max_gap at the most."""
    one = condition(plant, "hour_mean(value) > 30")
    now = NOW // NS_PER_HOUR * NS_PER_HOUR + minute * NS_PER_MIN
    expected, readings = [], {}
    for channel in one.subjects:
        ahead = UTC_OFFSET[plant.channels[channel].park]
        end = now - (now + ahead) % NS_PER_HOUR
        kept = [m for m in range(60) if m not in missing]
        mine = [(end - NS_PER_HOUR + m * NS_PER_MIN, float(m)) for m in kept]
        mine += [(end - NS_PER_HOUR + m * NS_PER_MIN + NS_PER_S, 60.0) for m in kept if m in doubled]
        outside = [(end - NS_PER_HOUR - 1, 1e6), (end, 1e6)]
        readings[channel] = mine + outside
        times = sorted(t for t, _ in mine + outside)
        gap, start = plant.channels[channel].max_gap, end - NS_PER_HOUR
        covered = sum(
            max(0, min(t + gap, later, end) - max(t, start))
            for t, later in pairwise([*times, times[-1] + gap])
        )
        expected.append(sum(v for _, v in mine) / len(mine) if covered >= 0.8 * NS_PER_HOUR else None)

    found = evaluate(one, plant, Paper(now=now, readings=readings))

    assert known(found.value) == pytest.approx(expected)


@pytest.mark.parametrize(("missing_s", "is_known"), [(0, True), (1, False)])
def test_four_fifths_of_an_hour_are_enough_however_often_it_is_read(
    plant: Plant, missing_s: int, is_known: bool
) -> None:
    """Readings as far apart as max_gap, and the first of them at a fifth of the hour, or a second later."""
    start, gap = NOW // NS_PER_HOUR * NS_PER_HOUR - NS_PER_HOUR, plant.channels[0].max_gap
    one = replace(condition(plant, "hour_mean(value) > 1"), subjects=(0,))
    first = start + NS_PER_HOUR // 5 + missing_s * NS_PER_S
    times = range(first, start + NS_PER_HOUR, gap)

    found = evaluate(one, plant, Paper(readings={0: [(t, 4.0) for t in times]}))

    assert known(found.value) == [4.0 if is_known else None]


def test_a_value_is_known_up_to_its_max_gap_and_absence_begins_with_its_span(plant: Plant) -> None:
    gap = plant.channels[1].max_gap
    edge, beyond = Paper(readings={1: [(NOW - gap, 9.0)]}), Paper(readings={1: [(NOW - gap - 1, 9.0)]})
    within = Paper(readings={1: [(NOW - gap + 1, 9.0)]})
    value, absent = (
        replace(condition(plant, text), subjects=(1,)) for text in ("value > 1", "absent('5min')")
    )

    assert [known(evaluate(value, plant, paper).truth) for paper in (edge, beyond)] == [[1.0], [None]]
    assert [known(evaluate(absent, plant, paper).truth) for paper in (within, edge)] == [[0.0], [1.0]]


def test_an_hour_of_quarters_needs_each_and_takes_those_that_end_in_it(plant: Plant) -> None:
    c = [c.index for c in plant.channels if c.name == "c" and c.park == "north"]
    one = replace(condition(plant, "hour_mean(value) > 1"), subjects=tuple(c))
    end = NOW // NS_PER_HOUR * NS_PER_HOUR
    quarters = [(end - k * 15 * NS_PER_MIN, float(k)) for k in range(5)]  # the last ends with the hour before

    found = evaluate(one, plant, Paper(readings={c[0]: quarters, c[1]: quarters[1:]}))

    assert known(found.value) == [(0 + 1 + 2 + 3) / 4, None]


# --- by the clock -------------------------------------------------------------------------------------------------

hour_values = st.lists(
    st.integers(0, 9) | st.none(), min_size=50, max_size=50
)  # None: an hour without readings
LOCAL = {"north": ZoneInfo("Asia/Ho_Chi_Minh"), "south": ZoneInfo("Asia/Kolkata")}


def midnight(now: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(now // NS_PER_S, zone).replace(hour=0, minute=0, second=0)
    return int(local.timestamp()) * NS_PER_S


def by_hour(now: int, zone: ZoneInfo, values: list[int | None]) -> list[tuple[int, float]]:
    """Return readings each 10 minutes of the local hours that end up to the day before yesterday, in their order back."""
    last = midnight(now, zone) + NS_PER_DAY
    return [
        (last - (k + 1) * NS_PER_HOUR + minute * NS_PER_MIN, float(value))
        for k, value in enumerate(values)
        if value is not None
        for minute in range(0, 60, 10)
        if last - (k + 1) * NS_PER_HOUR + minute * NS_PER_MIN <= now
    ]


def whole_hours(now: int, zone: ZoneInfo, values: list[int | None], first: int, end: int) -> list[float]:
    """Return the values of the hours within [first, end) that are over and have readings."""
    last = midnight(now, zone) + NS_PER_DAY
    starts = [(last - (k + 1) * NS_PER_HOUR, value) for k, value in enumerate(values)]
    return [
        float(value)
        for start, value in starts
        if value is not None and first <= start and start + NS_PER_HOUR <= min(end, now)
    ]


@given(values=hour_values, minute=st.integers(0, 24 * 60), enough=st.integers(1, 24))
def test_a_day_mean_is_that_of_the_valid_hours_of_the_last_whole_local_day(
    plant: Plant, values, minute: int, enough: int
) -> None:
    now = NOW // NS_PER_HOUR * NS_PER_HOUR + minute * NS_PER_MIN
    one = condition(plant, f"day_mean(value, {enough}) > 3")
    one = replace(
        one, subjects=tuple(c for c in one.subjects if plant.channels[c].max_gap >= 10 * NS_PER_MIN)
    )
    zones = [LOCAL[plant.channels[c].park] for c in one.subjects]
    readings = {c: by_hour(now, zone, values) for c, zone in zip(one.subjects, zones, strict=True)}

    found = evaluate(one, plant, Paper(now=now, readings=readings))

    expected = []
    for zone in zones:
        end = midnight(now, zone)
        mine = whole_hours(now, zone, values, end - NS_PER_DAY, end)
        expected.append(sum(mine) / len(mine) if len(mine) >= enough else None)
    assert known(found.value) == pytest.approx(expected)


@given(values=hour_values, minute=st.integers(0, 24 * 60))
def test_hours_over_a_limit_are_counted_from_midnight_to_the_midnight_that_ends_the_day(
    plant: Plant, values, minute: int
) -> None:
    now = NOW // NS_PER_HOUR * NS_PER_HOUR + minute * NS_PER_MIN
    one = condition(plant, "hours_over(value, 2 * parameter('p'), 'today') >= 3")
    one = replace(
        one, subjects=tuple(c for c in one.subjects if plant.channels[c].max_gap >= 10 * NS_PER_MIN)
    )
    zones = [LOCAL[plant.channels[c].park] for c in one.subjects]
    readings = {c: by_hour(now, zone, values) for c, zone in zip(one.subjects, zones, strict=True)}

    found = evaluate(one, plant, Paper(now=now, readings=readings))

    expected = []
    for zone in zones:
        mine = whole_hours(now, zone, values, midnight(now - 1, zone), now)
        expected.append(float(sum(value > 4 for value in mine)) if mine else None)
    assert known(found.value) == expected


@pytest.mark.parametrize("interval", ["15min", "30min", "1h", "today"])
@given(
    missing=st.sets(st.integers(0, 23 * 12), max_size=60),
    minute=st.integers(0, 24 * 60),
    value=st.integers(1, 9),
)
def test_a_mean_so_far_is_of_the_clocks_interval_that_goes_on(
    plant: Plant, interval: str, missing: set[int], minute: int, value: int
) -> None:
    """A reading each 5 minutes, whose value is its place; where more than a fifth lacks, nothing is known."""
    now = NOW // NS_PER_HOUR * NS_PER_HOUR + minute * NS_PER_MIN
    one = replace(condition(plant, f"mean_so_far(value, '{interval}') > {value}"), subjects=(1,))
    zone, step = LOCAL[plant.channels[1].park], 5 * NS_PER_MIN  # max_gap too
    ahead, minutes = UTC_OFFSET["north"], {"15min": 15, "30min": 30, "1h": 60}
    start = (
        midnight(now, zone) if interval == "today" else now - (now + ahead) % (minutes[interval] * NS_PER_MIN)
    )
    times = [start + k * step for k in range(-12, 24 * 12) if k not in missing and start + k * step <= now]

    found = evaluate(one, plant, Paper(now=now, readings={1: [(t, float(t // step % 97)) for t in times]}))

    mine = [t for t in times if start <= t < now]
    covered = sum(min(t + step, now) - max(t, start) for t in times if t + step > start and t < now)
    enough = now > start and covered >= 0.8 * (now - start)
    expected = sum(t // step % 97 for t in mine) / len(mine) if mine and enough else None
    assert known(found.value) == pytest.approx([expected])


@pytest.mark.parametrize("interval", ["1min", "15min", "30min", "1h"])
@given(minutes=st.integers(0, 3 * 24 * 60))
def test_an_interval_of_the_clock_goes_by_from_0_to_1(plant: Plant, interval: str, minutes: int) -> None:
    now = NOW + minutes * NS_PER_MIN + 13 * NS_PER_S
    span = {"1min": 1, "15min": 15, "30min": 30, "1h": 60}[interval] * NS_PER_MIN
    one = condition(plant, f"elapsed('{interval}') >= 0.5 and value > 1")

    found = evaluate(one, plant, Paper(now=now))

    expected = [(now + UTC_OFFSET[plant.channels[c].park]) % span / span for c in one.subjects]
    assert found.value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hours", "inside"),
    [("00:00-05:00", range(5)), ("22:00-02:00", [22, 23, 0, 1]), ("12:00-24:00", range(12, 24))],
)
@given(values=hour_values)
def test_readings_of_some_hours_of_the_day_are_those_that_the_parks_clock_shows(
    plant: Plant, hours: str, inside, values
) -> None:
    one = condition(plant, f"min_over(value, '2d', '{hours}') > 3 and count(value, '2d', '{hours}') > 1")
    readings = {c: by_hour(NOW, LOCAL[plant.channels[c].park], values) for c in one.subjects}

    found = evaluate(one, plant, Paper(readings=readings))

    for row, channel in enumerate(one.subjects):
        zone = LOCAL[plant.channels[channel].park]
        mine = [
            value
            for time, value in readings[channel]
            if time > NOW - 2 * NS_PER_DAY and datetime.fromtimestamp(time // NS_PER_S, zone).hour in inside
        ]
        is_by_count = len(mine) < 2 and min(mine, default=9) > 3  # then that is what makes it false
        assert known(found.value[row : row + 1]) == [len(mine) if is_by_count else min(mine)]


def test_the_clock_of_a_summer_time_tells_the_hours_of_the_day() -> None:
    """Night of the 25th of October 2026 in Berlin: 01:59 UTC is 02:59 after the clock was put back, 00:30 is 02:30 before."""
    utc = [datetime.fromisoformat(f"2026-10-25T{at}:00+00:00") for at in ("00:30", "01:30", "01:59", "23:00")]
    times = np.array([int(one.timestamp()) * NS_PER_S for one in utc], np.int64)

    shown = time_of_day(times, ZoneInfo("Europe/Berlin")) / NS_PER_HOUR

    assert shown == pytest.approx([2.5, 2.5, 2 + 59 / 60, 0])


DATES: Dated = (("2026-01-01", 200.0), ("2026-09-22", 150.0), ("2027-07-01", 100.0))


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("value > parameter('limit')", lambda now, zone: now),
        (
            "hour_mean(value) > parameter('limit')",
            lambda now, zone: now - (now + AHEAD[zone]) % NS_PER_HOUR - NS_PER_HOUR,
        ),
        (
            "day_mean(value, 18) > parameter('limit')",
            lambda now, zone: midnight(midnight(now, zone) - 1, zone),
        ),
    ],
)
@given(hours=st.integers(-400 * 24, 400 * 24))
def test_a_number_with_dates_is_the_one_in_force_by_each_parks_clock(
    plant: Plant, text: str, back: Callable[[int, ZoneInfo], int], hours: int
) -> None:
    now = NOW + hours * NS_PER_HOUR
    one = condition(plant, text, limit=DATES)

    found = evaluate(one, plant, Paper(now=now))

    expected = []
    for channel in one.subjects:
        zone = LOCAL[plant.channels[channel].park]
        day = datetime.fromtimestamp(back(now, zone) // NS_PER_S, zone).date().isoformat()
        held = [number for start, number in DATES if start <= day]
        expected.append(held[-1] if held else None)
    assert known(found.limit) == expected


AHEAD = {LOCAL[park]: offset for park, offset in UTC_OFFSET.items()}


def test_days_until_a_day_are_counted_to_its_local_midnight(plant: Plant) -> None:
    now = int(datetime.fromisoformat("2027-02-27T12:00:00+07:00").timestamp()) * NS_PER_S

    found = evaluate(condition(plant, "days_until('2027-03-01') < 2", "park"), plant, Paper(now=now))
    after = evaluate(condition(plant, "days_until('2027-02-27') < 2", "park"), plant, Paper(now=now))

    assert found.value == pytest.approx([1.5, 1.5 + 1.5 / 24])
    assert after.value == pytest.approx([-0.5, -0.5 + 1.5 / 24])
    assert found.truth.tolist() == [1.0, 1.0]


# --- percentiles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("percent", [0, 50, 90, 99.9, 100])
@given(readings=frames)
def test_a_percentile_is_that_of_numpy(plant: Plant, percent: float, readings) -> None:
    one = condition(plant, f"percentile(value, '10min', {percent}) > 3")

    found = evaluate(one, plant, Paper(readings=readings))

    rows = [within(readings.get(c, []), NOW) for c in one.subjects]
    assert known(found.value) == pytest.approx(
        [float(np.percentile(r, percent)) if r else None for r in rows]
    )


@given(readings=frames)
def test_a_percentile_of_rates_is_of_the_changes_from_reading_to_reading(plant: Plant, readings) -> None:
    one = condition(plant, "rate_percentile(value, '10min', 90) > 3")

    found = evaluate(one, plant, Paper(readings=readings))

    expected = []
    for channel in one.subjects:
        pairs = [
            abs(v - u) / ((t - s) / NS_PER_HOUR)
            for (s, u), (t, v) in pairwise(sorted(readings.get(channel, [])))
            if NOW - SPAN < t <= NOW
        ]
        expected.append(float(np.percentile(pairs, 90)) if pairs else None)
    assert known(found.value) == pytest.approx(expected)


# --- CUSUM --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["above", "below"])
@given(readings=frames, limit=st.sampled_from([-1.5, 0, 2.5]))
def test_a_cusum_is_that_of_a_plain_loop_over_the_readings(
    plant: Plant, side: str, readings, limit: float
) -> None:
    one = condition(plant, f"cusum_{side}(value, '10min', {limit}) > 3")

    found = evaluate(one, plant, Paper(readings=readings))

    sums: list[float | None] = []
    for channel in one.subjects:
        row = within(readings.get(channel, []), NOW)
        total = 0.0
        for value in row:
            total = max(0.0, total + (value - limit if side == "above" else limit - value))
        sums.append(total if row else None)
    assert known(found.value) == pytest.approx(sums)


def test_a_cusum_is_unknown_where_its_limit_is(plant: Plant) -> None:
    one = condition(plant, "cusum_above(value, '10min', avg(value, '1min')) > 1")
    old = {channel: [(NOW - 5 * NS_PER_MIN, 9.0)] for channel in one.subjects}

    assert known(evaluate(one, plant, Paper(readings=old)).truth) == [None] * len(one.subjects)


# --- logic --------------------------------------------------------------------------------------------------------

Tree = tuple
ATOMS = {"value > 3": lambda v: v > 3, "value <= 3": lambda v: v <= 3, "value == 5": lambda v: v == 5}
ATOMS |= {
    'channel("a") >= 5': lambda v: v >= 5,
    'channel("a") != 1': lambda v: v != 1,
    'channel("a") < 5': lambda v: v < 5,
}
trees = st.recursive(
    st.sampled_from(sorted(ATOMS)).map(lambda atom: ("atom", atom)),
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=8,
)


def text_of(tree: Tree) -> str:
    if tree[0] == "atom":
        return tree[1]
    if tree[0] == "not":
        return f"not ({text_of(tree[1])})"
    return f"({text_of(tree[1])}) {tree[0]} ({text_of(tree[2])})"


def kleene(tree: Tree, own: float | None, other: float | None) -> bool | None:
    if tree[0] == "atom":
        value = other if "channel" in tree[1] else own
        return None if value is None else ATOMS[tree[1]](value)
    parts = [kleene(part, own, other) for part in tree[1:]]
    if tree[0] == "not":
        return None if parts[0] is None else not parts[0]
    decides = tree[0] == "or"
    return decides if decides in parts else None if None in parts else not decides


@given(tree=trees, values=st.lists(st.sampled_from([1.0, 3.0, 5.0, None]), min_size=11, max_size=11))
def test_logic_is_kleenes(plant: Plant, tree: Tree, values: list[float | None]) -> None:
    readings = {c: [(NOW, v)] for c, v in enumerate(values) if v is not None}
    one = condition(plant, text_of(tree))
    others = one.others[0] if one.others else one.subjects

    found = evaluate(one, plant, Paper(readings=readings)).truth

    expected = [kleene(tree, values[c], values[o]) for c, o in zip(one.subjects, others, strict=True)]
    assert known(found) == [None if x is None else float(x) for x in expected]


@pytest.mark.parametrize("own", [1.0, 9.0, None])
@pytest.mark.parametrize("other", [1.0, 9.0, None])
@pytest.mark.parametrize("name", ["and", "or"])
def test_each_line_of_the_truth_tables(
    plant: Plant, name: str, own: float | None, other: float | None
) -> None:
    tree = (name, ("atom", "value > 3"), ("atom", 'channel("a") >= 5'))
    readings = {c: [(NOW, v)] for c, v in ((1, own), (0, other)) if v is not None}
    one = replace(condition(plant, text_of(tree)), subjects=(1,), others=((0,),))

    expected = kleene(tree, own, other)
    assert known(evaluate(one, plant, Paper(readings=readings)).truth) == [
        None if expected is None else float(expected)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("value / (value - 5) > 0", [None, 1.0]),
        ("min(value, 7) == max(7, 2)", [0.0, 1.0]),
        ("abs(-value) + 1 == 6", [1.0, 0.0]),
        ("hypot(value, 12) == 13", [1.0, 0.0]),
        ("hypot(2 * value, 3 * value, 6 * value) == 7 * value", [1.0, 1.0]),
        ("hypot(-value) == 5", [1.0, 0.0]),
        ("clip(value, 0, 8) == 8", [0.0, 1.0]),
        ("value * 2 - 1 == 9", [1.0, 0.0]),
        ("value == parameter('p') + 3", [1.0, 0.0]),
        ("value > 5 * (1 + 1e-12)", [0.0, 1.0]),
        ("value >= 5 * (1 + 1e-12)", [1.0, 1.0]),
        ("value < 5 * (1 + 1e-12)", [0.0, 0.0]),
        ("value != 5 * (1 + 1e-12)", [0.0, 1.0]),
    ],
)
def test_arithmetic_and_the_slack_of_limits(plant: Plant, text: str, expected: list[float | None]) -> None:
    one = replace(condition(plant, text), subjects=(0, 1))

    assert known(evaluate(one, plant, Paper(readings={0: [(NOW, 5.0)], 1: [(NOW, 9.0)]})).truth) == expected


# --- what is shown, and what is asked -----------------------------------------------------------------------------


def test_the_first_comparison_is_shown_and_a_clear_is_judged_with_it(plant: Plant) -> None:
    one = replace(
        condition(plant, "not absent('5min') and value > 8 or value < 2", clear="value < 4"), subjects=(0, 1)
    )

    found = evaluate(one, plant, Paper(readings={0: [(NOW, 9.0)], 1: [(NOW, 3.0)]}))

    assert [c.tolist() for c in (found.truth, found.clear, found.value, found.limit)] == [
        [1, 0],
        [0, 1],
        [9, 3],
        [8, 8],
    ]


PH = "value < 5.5 or value > 9.0"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        (PH, 9.9, (9.9, ">", 9.0)),
        (PH, 4.1, (4.1, "<", 5.5)),
        (PH, 7.0, (7.0, "<", 5.5)),  # over: nothing is passed, and the first one is shown
        ("value > 2 and value > 5", 9, (9, ">", 2)),
        ("value > 2 and (value < 1 or value >= 5)", 9, (9, ">", 2)),
        ("not absent('5min') and value > 8", 9, (9, ">", 8)),
        ("absent('5min') or value > 8", 9, (9, ">", 8)),
        ("not (value >= 5.5 and value <= 9)", 9.9, (9.9, ">", 9)),
        ("not (value >= 5.5 and value <= 9)", 5, (5, "<", 5.5)),
        ("not (value < 9)", 9.9, (9.9, ">=", 9)),
        ("9 < value", 9.9, (9.9, ">", 9)),
        ("5.5 >= value or 9 <= value", 9.9, (9.9, ">=", 9)),
        ("elapsed('1h') > 0.9 or value - 1 > 5", 9, (8, ">", 5)),
    ],
)
def test_solid_b8_1_the_limit_that_was_passed_is_shown_with_what_passed_it(
    plant: Plant, text: str, value: float, expected: tuple[float, str, float]
) -> None:
    one = replace(condition(plant, text), subjects=(0,))

    found = evaluate(one, plant, Paper(readings={0: [(NOW, value)]})).passed()

    operator = one.comparisons[found.of[0]].operator
    assert (pytest.approx(found.value[0]), operator, found.limit[0]) == expected


def test_solid_b8_1_no_limit_is_shown_of_what_fires_by_a_flag(plant: Plant) -> None:
    one = replace(condition(plant, "absent('5min') or value > 8"), subjects=(0,))

    found = evaluate(one, plant, Paper()).passed()

    assert found.of.tolist() == [-1]
    assert np.isnan([found.value, found.limit]).all()


def test_solid_b8_1_each_comparison_has_its_own_unit_and_its_value_is_known_by_it(plant: Plant) -> None:
    one = replace(condition(plant, "value > 8 or age > 90"), subjects=(0, 1))
    truth = evaluate(one, plant, Paper(readings={0: [(NOW, 9.0)], 1: [(NOW - 100 * NS_PER_S, 3.0)]}))

    found = truth.passed()

    assert [one.comparisons[of].unit for of in found.of] == [one.comparisons[0].unit, "s"]
    assert found.value.tolist() == [9, 100]
    assert known(truth.values(np.array([1, 0]), np.array([0, 1]))) == [0, 3]
    assert known(truth.values(np.array([-1, 7]), np.array([0, 1]))) == [None, None]


COMPARED = st.builds(
    lambda turned, operator, limit: f"{limit} {operator} value" if turned else f"value {operator} {limit}",
    st.booleans(),
    st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
    st.integers(0, 5),
)
EXPRESSIONS = st.recursive(
    st.one_of(COMPARED, COMPARED, st.just("absent('5min')")),
    lambda inner: st.one_of(
        st.builds(lambda one: f"not ({one})", inner),
        st.builds(
            lambda name, parts: f"({f' {name} '.join(parts)})",
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=2, max_size=3),
        ),
    ),
    max_leaves=8,
)
HOLDS = {
    ">": float.__gt__, ">=": float.__ge__, "<": float.__lt__, "<=": float.__le__, "==": float.__eq__, "!=": float.__ne__,
}  # fmt: skip


@given(text=EXPRESSIONS, values=st.lists(st.integers(0, 5) | st.none(), min_size=2, max_size=2))
def test_solid_b8_1_what_is_shown_of_a_true_condition_is_true(
    plant: Plant, text: str, values: list[int | None]
) -> None:
    assume("value" in text)
    one = replace(condition(plant, text), subjects=(0, 1))
    readings = {row: [(NOW, float(value))] for row, value in enumerate(values) if value is not None}

    truth = evaluate(one, plant, Paper(readings=readings))

    shown = truth.passed()
    for row in np.flatnonzero(truth.truth == 1).tolist():
        if shown.of[row] >= 0:
            operator = one.comparisons[shown.of[row]].operator
            assert HOLDS[operator](float(shown.value[row]), float(shown.limit[row])), text
        else:
            assert "absent" in text


def test_nothing_is_shown_where_nothing_is_compared(plant: Plant) -> None:
    found: Truth = evaluate(condition(plant, "absent('5min')", clear="value < 4"), plant, Paper())

    assert np.isnan(found.value).all()
    assert np.isnan(found.limit).all()
    assert found.truth.tolist() == [1.0] * len(found.truth)


def test_each_history_is_asked_once(plant: Plant) -> None:
    text = "avg(value, '10min') > 1 and spread(value, '10min') > 1 and value > avg(value, '1h') and age < 60"
    judge, paper = (
        Judge(condition(plant, text, clear="max_over(value, '10min') < 0 and value < 0"), plant),
        Paper(),
    )

    judge.truth(paper)

    assert sorted(asked[0] for asked in paper.asked) == ["history", "history", "latest"]


# --- sources, facilities, parks, gateways -------------------------------------------------------------------------


@given(
    emitted=st.dictionaries(
        st.integers(0, 3), st.dictionaries(st.integers(0, 400), st.integers(0, 9), max_size=20), max_size=4
    ),
    period=st.sampled_from(["1h", "1d", "7d", "28d", "today", "month", "year"]),
)
def test_tonnes_are_those_of_the_span_by_each_parks_clock(plant: Plant, emitted, period: str) -> None:
    paper = Paper(
        now=NOW + 17 * NS_PER_S,
        emitted={
            s: [(NOW - d * NS_PER_DAY // 4 - 1, float(t)) for d, t in of.items()] + [(NOW + NS_PER_S, 1e6)]
            for s, of in emitted.items()  # the last in a window that is not over
        },
    )

    def expected(sources, zone: str) -> float | None:
        local = datetime.fromtimestamp(NOW / NS_PER_S, ZoneInfo(zone)).replace(hour=0, minute=0)
        first = {"today": local, "month": local.replace(day=1), "year": local.replace(day=1, month=1)}
        hours = {"1h": 1, "1d": 24, "7d": 168, "28d": 672}
        start = (
            NOW - hours[period] * NS_PER_HOUR
            if period in hours
            else int(first[period].timestamp()) * NS_PER_S
        )
        found = [t for s in sources for at, t in paper.emitted.get(s, []) if start <= at < NOW]
        return sum(found) if found else None

    def told(subject: str) -> list[float | None]:
        return known(evaluate(condition(plant, f"tonnes('{period}') > 1", subject), plant, paper).value)

    north, south = "Asia/Ho_Chi_Minh", "Asia/Kolkata"
    assert told("source") == [expected([s], zone) for s, zone in enumerate([north, north, north, south])]
    assert told("facility") == [
        expected(of, zone) for of, zone in (([0, 1], north), ([2], north), ([3], south))
    ]
    assert told("park") == [
        expected([0, 2], north),
        expected([3], south),
    ]  # what shop sold to mill counts once


@pytest.mark.parametrize("period", ["1d", "year"])
def test_coverage_is_the_share_of_what_all_sources_owe(plant: Plant, period: str) -> None:
    paper = Paper(owed={0: (100.0, 50.0), 1: (300.0, 300.0), 2: (10.0, 0.0)}, emitted={0: [(NOW - 1, 6.0)]})

    def told(text: str, subject: str) -> list[float | None]:
        return known(evaluate(condition(plant, text, subject), plant, paper).value)

    assert told(f"coverage('{period}') > 1", "source") == [0.5, 1.0, 0.0, None]
    assert told(f"coverage('{period}') > 1", "facility") == [0.875, 0.0, None]
    assert told(f"coverage('{period}') > 1", "park") == [pytest.approx(50 / 110), None]  # 1 is sold to mill
    assert told(f"tonnes('{period}', 0.5) > 1", "source") == [6.0, None, None, None]
    assert told(f"tonnes('{period}', 0.51) > 1", "source") == [None, None, None, None]
    assert told(f"tonnes('{period}') / coverage('{period}') > 1", "source") == [12.0, None, None, None]


def test_rates_are_the_sums_of_what_is_known(plant: Plant) -> None:
    paper = Paper(rates={0: 1.0, 1: 2.0, 2: 4.0})

    assert known(evaluate(condition(plant, "value > 1", "source"), plant, paper).value) == [
        1.0,
        2.0,
        4.0,
        None,
    ]
    assert known(evaluate(condition(plant, "rate_now > 1", "facility"), plant, paper).value) == [
        3.0,
        4.0,
        None,
    ]
    assert known(evaluate(condition(plant, "rate_now > 1", "park"), plant, paper).value) == [5.0, None]


@pytest.mark.parametrize("period", ["today", "month", "year"])
@given(minutes=st.integers(0, 3 * 366 * 24 * 60))
def test_a_period_goes_by_from_0_to_1(plant: Plant, period: str, minutes: int) -> None:
    now = NOW + minutes * NS_PER_MIN
    found = evaluate(condition(plant, f"elapsed('{period}') > 0.5", "park"), plant, Paper(now=now)).value
    by_facility = condition(plant, f"elapsed('{period}') > 0.5", "facility")

    assert evaluate(by_facility, plant, Paper(now=now)).value.tolist() == [found[0], found[0], found[1]]
    for share, zone in zip(found, (park.zone for park in plant.parks), strict=True):
        start = datetime.fromtimestamp(now / NS_PER_S, zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        start = (
            start if period == "today" else start.replace(day=1, month=1 if period == "year" else start.month)
        )
        after = start + timedelta(days={"today": 1, "month": 32, "year": 367}[period])
        end = (
            after if period == "today" else after.replace(day=1, month=1 if period == "year" else after.month)
        )
        assert share == pytest.approx((now / NS_PER_S - start.timestamp()) / (end - start).total_seconds())
        assert 0 <= share < 1


def test_gateways_are_online_silent_or_askew(plant: Plant) -> None:
    paper = Paper(online={0: 1.0, 1: 0.0}, heard={0: NOW - 90 * NS_PER_S, 2: NOW})

    assert known(evaluate(condition(plant, "not online", "gateway"), plant, paper).truth) == [
        0.0,
        1.0,
        None,
        None,
    ]
    assert known(evaluate(condition(plant, "silence > 60", "gateway"), plant, paper).value) == [
        90.0,
        None,
        0.0,
        None,
    ]
    assert known(evaluate(condition(plant, "skew > 1", "gateway"), plant, paper).truth) == [
        0.0,
        0.0,
        1.0,
        1.0,
    ]
    both = condition(plant, "online == 0 or silence > 60 or skew > 9", "gateway")
    paper.asked.clear()
    assert known(evaluate(both, plant, paper).truth) == [1.0, 1.0, None, None]
    assert paper.asked == [("gateways", (0, 1, 2, 3))]

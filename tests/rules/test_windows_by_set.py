"""The windows are a function of the set of readings: any order, repetition and batch split gives the same bits."""

import itertools
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.line.evaluate import Evaluator
from plant.arrays import Readings
from plant.catalogue import MethodSpec, Role
from plant.park import Channel, Facility, Gateway, Input, Park, Plant, Source, Swap
from plant.units import unit
from plant.vocabulary import Kind
from rules.engine import Engine
from rules.factors.gases import Gases
from rules.factors.gwp import gwp_set
from store import blocks
from store.state import State
from tests import oracle

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # thousands of commits need no disk here
MINUTE = 60_000_000_000
START = 1_790_000_000 * 1_000_000_000 // (60 * MINUTE) * (60 * MINUTE)
BOOTS = {1: "b1", 2: "b2"}


class Identity:
    """One method that passes its input through, so that a source's activity is its channel's window."""

    methods = MappingProxyType({"identity": MethodSpec("identity", 1, "", "", (Role("x", "kWh"),), "x")})

    def emissions(self, _method):
        return lambda inputs, _factor, _parameters: Gases.co2_only(inputs["x"], inputs["x"] * 0)

    def factor_at(self, _name, _times):
        return {}

    def gwp_set(self, name):
        return gwp_set(name)


def channel(index, kind, **given):
    facts = {
        "quantity": "q", "minimum": np.nan, "maximum": np.nan, "max_rate": np.nan, "max_gap": 60 * MINUTE,
        "modulus": np.nan, "period": 0, "hold_last": False, "counter_in_gateway": False, "ratio": 1.0, "serial": "",
        "swaps": (),
    } | given  # fmt: skip
    return Channel(
        index=index,
        park="p",
        facility="f",
        gateway="g",
        name=f"c{index}",
        kind=kind,
        unit=unit("kWh"),
        **facts,
    )


def plant_of(channels):
    sources = tuple(
        Source(
            c.index, "p", "f", f"s{c.index}", 1, "", "identity", "", (Input("x", c.index, 1.0),), (), "kWh"
        )
        for c in channels
    )
    return Plant(
        parks=(Park("p", "", ZoneInfo("Asia/Ho_Chi_Minh")),), facilities=(Facility("p", "f", ""),),
        gateways=(Gateway(0, "p", "f", "g"),), channels=tuple(channels), sources=sources, rules=(), webhooks=(),
        window=MINUTE, gwp="AR5", max_late=0, allowed_lateness=0, hash="",
    )  # fmt: skip


def meter(c: Channel) -> oracle.Meter:
    def maybe(x):
        return None if x is None or np.isnan(x) else x

    swaps = [
        oracle.Swap(s.time, maybe(s.final_old), s.first_new, s.ratio, maybe(s.max_rate), maybe(s.modulus))
        for s in c.swaps
    ]
    return oracle.Meter(
        str(c.kind),
        c.max_gap,
        maybe(c.max_rate),
        maybe(c.modulus),
        c.period,
        c.hold_last,
        c.counter_in_gateway,
        c.ratio,
        swaps,
    )


def columns(rows):
    """(channel, Reading) pairs, in order of arrival, as columns."""
    names = {name: number for number, name in BOOTS.items()} | {"": 0}
    n = len(rows)
    return Readings(
        channel=np.array([c for c, _ in rows], np.int32), time=np.array([r.time for _, r in rows], np.int64),
        value=np.array([r.value for _, r in rows], np.float64), quality=np.array([r.quality for _, r in rows], np.uint8),
        flags=np.array([int(r.reset) for _, r in rows], np.uint8), verdict=np.zeros(n, np.uint8),
        boot=np.array([names[r.boot] for _, r in rows], np.int32),
        correction=np.array([r.correction for _, r in rows], np.int32), message=np.zeros(n, np.int64),
    )  # fmt: skip


@contextmanager
def fresh_state(plant):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        state = State(Path(folder) / "state.db", plant)
        yield state, Path(folder) / "state.db"
        state.close()


def take(plant, evaluator, state, rows):
    with state.transaction():
        e = evaluator.take(columns(rows), lambda _numbers: BOOTS).emissions
        fields = (
            e.co2e_t,
            e.co2_kg,
            e.co2_biogenic_kg,
            e.ch4_kg,
            e.n2o_kg,
            e.activity,
            e.measured,
            e.interpolated,
            e.substituted,
        )
        state.emissions.apply(state.source_ids[e.source], e.window * plant.window, np.stack(fields, axis=1))


def outcome(state):
    """Everything that must not depend on history: windows, sums and verdicts."""
    windows = {}
    for source, hour, block in state.connection.execute("SELECT source, hour, block FROM emission"):
        b = blocks.from_bytes(block)
        for place in np.flatnonzero((blocks.coverage(b) > 0) | ~np.isnan(b[:, 0])).tolist():
            windows[source - 1, hour // MINUTE + place] = b[place, : blocks.REVISION].tobytes()
    query = "SELECT source, level, start, windows, co2e_t, activity, measured, interpolated FROM total WHERE windows > 0 ORDER BY 1, 2, 3"
    totals = state.connection.execute(query).fetchall()
    readings = state.connection.execute(
        "SELECT channel, time, value, quality, flags, verdict, boot, correction FROM reading"
    ).fetchall()
    return windows, totals, readings


def offline(plant, rows):
    with fresh_state(plant) as (state, _):
        evaluator = Evaluator(plant, Engine(plant, Identity()), state)
        take(plant, evaluator, state, rows)
        return outcome(state)


times = st.one_of(
    st.integers(0, 40).map(lambda k: START + k * MINUTE),
    st.integers(0, 40 * 60).map(lambda k: START + k * MINUTE // 60),
    st.integers(0, 30).map(lambda k: START + k * 10 * MINUTE),
)
values = st.one_of(
    st.integers(0, 120).map(float),
    st.floats(0, 130, allow_nan=False).map(lambda x: round(x, 3)),
    st.sampled_from([0.0, 0.1, 99.9, 100.0, 5000.0]),
)


@st.composite
def readings(draw, kind):
    """Return a channel's readings: mostly a meter that climbs, with everything that goes wrong with meters."""
    n = draw(st.integers(0, 24))
    rows = []
    level = draw(st.floats(0, 90))
    at = START + draw(st.integers(0, 5)) * MINUTE // 4
    for _ in range(n):
        if draw(st.integers(0, 9)) < 7:
            at += draw(st.sampled_from([MINUTE // 4, MINUTE // 2, MINUTE, 90 * MINUTE, 61 * MINUTE // 60]))
            level += draw(st.sampled_from([0.0, 0.001, 0.2, 0.5, 1.0]))
            rows.append(oracle.Reading(at, round(level % 100.0, 4) if kind is Kind.REGISTER else level))
        else:
            rows.append(oracle.Reading(draw(times), draw(values)))
        r = rows[-1]
        if draw(st.integers(0, 9)) == 0:
            r.quality = draw(st.integers(0, 4))
        if draw(st.integers(0, 9)) == 0:
            r.reset = True
        r.boot = draw(st.sampled_from(["", "b1", "b2"]))
        if draw(st.integers(0, 19)) == 0:
            r.correction = 1
    return rows


SWAPS = (
    Swap(START + 15 * MINUTE, 50.0, 3.0, "n2", 2.0, None, None),
    Swap(START + 95 * MINUTE, np.nan, 0.0, "n3", None, 90.0, 1000.0),
)
CHANNELS = [
    channel(0, Kind.REGISTER, max_rate=60.0, modulus=100.0, max_gap=5 * MINUTE, ratio=40.0),
    channel(1, Kind.REGISTER),
    channel(2, Kind.REGISTER, max_rate=60.0, counter_in_gateway=True, max_gap=30 * MINUTE, swaps=SWAPS),
    channel(3, Kind.RATE, max_gap=10 * MINUTE, ratio=2.0),
    channel(4, Kind.RATE, max_gap=3 * MINUTE, hold_last=True),
    channel(5, Kind.LEVEL, max_gap=10 * MINUTE),
    channel(6, Kind.INTERVAL, period=15 * MINUTE),
    channel(7, Kind.EVENT),
]


@st.composite
def histories(draw):
    """Return the set of readings, and one way in which it might arrive: repeated, shuffled, cut into batches."""
    rows = [(c.index, r) for c in CHANNELS for r in draw(readings(c.kind))]
    again = draw(st.lists(st.sampled_from(rows), max_size=10)) if rows else []
    arrival = draw(st.permutations(rows + again))
    cuts = sorted(draw(st.lists(st.integers(0, len(arrival)), max_size=12)))
    batches = [arrival[a:b] for a, b in zip([0, *cuts], [*cuts, len(arrival)], strict=True)]
    return rows, batches, draw(st.integers(1, 4))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_any_order_repetition_and_split_gives_the_bits_of_one_sorted_batch(history):
    """Restarts between batches included."""
    rows, batches, restart_every = history
    plant = plant_of(CHANNELS)
    expected = offline(plant, sorted(rows, key=lambda row: (row[1].time, row[0])))

    with fresh_state(plant) as (state, _):
        evaluator = Evaluator(plant, Engine(plant, Identity()), state)
        for number, batch in enumerate(batches):
            take(plant, evaluator, state, batch)
            if number % restart_every == 0:
                evaluator = Evaluator(plant, Engine(plant, Identity()), state)
        got = outcome(state)

    assert got == expected


def test_a_change_that_reaches_back_to_a_baseline_keeps_that_baselines_whole_window():
    """A history that Hypothesis found: six outliers lie between the last baseline and what comes late."""

    def at(minute, value, reset=True, correction=0):
        time = START + round(minute * 60) * MINUTE // 60
        return 2, oracle.Reading(time, value, 0, reset, "", correction)

    high = 62.0763
    batches = [
        [
            at(36, 0.0, False, 1),
            at(5.5, high, True, 1),
            at(95.75, high, True, 1),
            at(95.5, high),
            at(4.5, high),
        ],
        [at(33, 59.0, True, 1), at(270, 0.0), at(27, 0.0, False), at(96, high)],
        [at(96.25, high, True, 1)],
    ]
    plant = plant_of(CHANNELS)
    expected = offline(plant, sorted(itertools.chain(*batches), key=lambda row: row[1].time))

    with fresh_state(plant) as (state, _):
        for batch in batches:
            take(plant, Evaluator(plant, Engine(plant, Identity()), state), state, batch)
        got = outcome(state)

    assert got == expected


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.parametrize("one", CHANNELS, ids=lambda c: f"{c.index}-{c.kind}")
def test_windows_are_those_of_the_plain_loop(one, data):
    """Against an independent reading of the rules, one reading and one window at a time."""
    rows = data.draw(readings(one.kind))
    plant = plant_of(CHANNELS)
    windows, _, _ = offline(plant, [(one.index, r) for r in rows])

    expected = oracle.windows(rows, meter(one), MINUTE)

    got = {}
    for (source, number), raw in windows.items():
        assert source == one.index
        b = np.frombuffer(raw)
        got[number] = (b[blocks.ACTIVITY], b[blocks.MEASURED], b[blocks.INTERPOLATED])
    if one.kind is Kind.EVENT:  # a window without events is 0 and covered, whether it is stored or not
        got = {n: v for n, v in got.items() if n in expected or v != (0.0, 1.0, 0.0)}
    assert set(got) == set(expected)
    for number, (value, measured, interpolated) in expected.items():
        np.testing.assert_allclose(got[number], (value, measured, interpolated), rtol=1e-9, atol=1e-12)


def long_history(rng, kind, length=300):
    """Return a channel's readings over hours: steady, with spikes, steps back, gaps, bad quality and new boots."""
    rows, level, at = [], 50.0, START
    for _ in range(length):
        at += int(rng.choice([MINUTE // 6, MINUTE // 2, MINUTE, 7 * MINUTE]))
        level += float(rng.choice([0.0, 0.01, 0.2, 0.4]))
        shown = round(level % 100.0, 3) if kind is Kind.REGISTER else level
        if rng.random() < 0.06:
            shown = float(rng.choice([0.0, 99.0, 20.0, shown - 0.01, shown + 3.0]))
        if rng.random() < 0.03:
            level += float(rng.choice([30.0, -30.0]))
        quality = int(rng.choice([0, 0, 0, 0, 0, 0, 0, 1, 2]))
        rows.append(
            oracle.Reading(at, shown, quality, bool(rng.random() < 0.01), str(rng.choice(["b1", "b1", "b2"])))
        )
    return rows


@pytest.mark.parametrize("seed", range(12))
def test_a_long_history_in_any_order_is_judged_by_stretches_as_it_is_at_once(seed):
    """Far more readings than memory keeps: late ones are judged within stretches that the state gives."""
    rng = np.random.default_rng(seed)
    plant = plant_of(CHANNELS)
    rows = [(c.index, r) for c in CHANNELS for r in long_history(rng, c.kind)]
    expected = offline(plant, rows)

    with fresh_state(plant) as (state, _):
        evaluator = Evaluator(plant, Engine(plant, Identity()), state)
        arrival = [rows[k] for k in rng.permutation(len(rows))]
        cuts = [0, *sorted(rng.integers(0, len(arrival), 60).tolist()), len(arrival)]
        for number, (a, b) in enumerate(itertools.pairwise(cuts)):
            take(plant, evaluator, state, arrival[a:b])
            if number % 20 == 7:
                evaluator = Evaluator(plant, Engine(plant, Identity()), state)
        got = outcome(state)

    assert got == expected
    for one in CHANNELS:
        mine = oracle.windows([r for c, r in rows if c == one.index], meter(one), MINUTE)
        known = {n for s, n in got[0] if s == one.index}
        assert known >= set(mine), one.name


@pytest.mark.parametrize("seed", range(12))
def test_a_few_late_readings_among_many_disturb_no_more_than_they_change(seed):
    """Nearly in order, as gateways send: most readings take the way through memory, some come an hour late."""
    rng = np.random.default_rng(1000 + seed)
    plant = plant_of(CHANNELS)
    rows = sorted(
        ((c.index, r) for c in CHANNELS for r in long_history(rng, c.kind)), key=lambda row: row[1].time
    )
    expected = offline(plant, rows)

    late = rng.random(len(rows)) < 0.05
    key = np.arange(len(rows)) + np.where(
        late, rng.integers(0, 600, len(rows)), rng.integers(0, 4, len(rows))
    )
    arrival = [rows[k] for k in np.argsort(key, kind="stable")]
    with fresh_state(plant) as (state, _):
        evaluator = Evaluator(plant, Engine(plant, Identity()), state)
        for a in range(0, len(arrival), 37):
            take(plant, evaluator, state, arrival[a : a + 37])
        got = outcome(state)

    assert got == expected

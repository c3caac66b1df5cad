"""Formulas over window values: against plain arithmetic, and the same bits however the readings come."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.line.evaluate import Evaluator
from ingest.line.recompute import Recompute
from plant.configuration.formulas import Nature, checked, reference
from plant.expressions import names, parse
from plant.park import Input, Virtual
from plant.units import unit
from plant.vocabulary import Kind
from rules.engine import Engine
from rules.virtuals import values_at
from rules.windows import WindowValues
from store import blocks
from tests import oracle
from tests.rules.test_windows_by_set import (
    CHANNELS,
    MINUTE,
    START,
    Identity,
    fresh_state,
    offline,
    outcome,
    plant_of,
    readings,
    take,
)

NATURES = {Kind.LEVEL: Nature.LEVEL, Kind.EVENT: Nature.EVENTS}


def virtual(index, name, text, channels, virtuals=()):
    """Return a virtual channel over channels in kWh, which count as plain where they are levels."""
    terms = {
        one.name: reference(
            one.name,
            NATURES.get(one.kind, Nature.AMOUNT),
            unit("1") if one.kind is Kind.LEVEL else unit("kWh"),
            one.index,
        )
        for one in channels
    }
    terms |= {one.name: reference(one.name, Nature.AMOUNT, one.unit, one.index) for one in virtuals}
    formula = parse(text)
    steps = checked(formula, terms, unit("kWh")).steps
    below = {one.name: (one.index,) for one in channels} | {one.name: one.channels for one in virtuals}
    measured = tuple(sorted({k for one in names(formula) for k in below[one]}))
    return Virtual(index, "p", "f", name, name, unit("kWh"), False, text, steps, measured)


def ask(text, columns, channels=CHANNELS):
    """Return value and coverage of a formula in one window, where channels have (value, coverage)."""
    one = virtual(len(channels), "v", text, channels)
    known = sorted(columns)
    values = WindowValues(
        channel=np.array(known), window=np.full(len(known), 7), value=np.array([columns[k][0] for k in known]),
        measured=np.array([columns[k][1] for k in known]), interpolated=np.zeros(len(known)),
    )  # fmt: skip
    value, measured, interpolated = values_at(np.array([one.index]), np.array([7]), values, {one.index: one})
    return float(value[0]), float(measured[0] + interpolated[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("c0 - c1 - c3", 10.0 - 4.0 - 1.5),
        ("c0 - (c1 - c3)", 10.0 - (4.0 - 1.5)),
        ("-c0 * 2 / 4", -5.0),
        ("c0 * c5", 10.0 * 0.25),
        ("c1 / c0 * c3", 4.0 / 10.0 * 1.5),
        ("min(c0, c1, c3)", 1.5),
        ("max(c1 - c0, 0)", 0.0),
        ("abs(c1 - c0)", 6.0),
        ("clip(c0, c3, c1)", 4.0),
        ("clip(c3 - c1, c3, c0)", 1.5),
        ("clip(c5, 0.5, 1) * c0", 5.0),
    ],
)
def test_a_formula_is_the_arithmetic_it_says(text, value):
    columns = {0: (10.0, 1.0), 1: (4.0, 1.0), 3: (1.5, 1.0), 5: (0.25, 1.0)}

    assert ask(text, columns) == (value, 1.0)


def test_coverage_is_that_of_the_least_covered_channel():
    assert ask("c0 - c1 + c3", {0: (10.0, 1.0), 1: (4.0, 0.25), 3: (1.0, 0.5)}) == (7.0, 0.25)


@pytest.mark.parametrize(
    "text", ["c0 - c1", "c0 * 0 + c1 * 0", "min(c0, c1)", "max(c1, c0, 0)", "clip(c0, c1, c0)"]
)
def test_a_formula_is_unknown_where_one_of_its_channels_is(text):
    value, coverage = ask(text, {0: (10.0, 1.0)})

    assert np.isnan(value)
    assert coverage == 0


@pytest.mark.parametrize(
    "text", ["c0 / c1 * c0", "c5 / (c0 / c1) * c0", "(c0 - c0) / c1 * c0", "c0 / (c5 - c5)"]
)
def test_division_by_zero_is_unknown_and_never_infinite(text):
    """Nor does a number divided by an infinite one come back as 0."""
    value, _ = ask(text, {0: (10.0, 1.0), 1: (0.0, 1.0), 5: (1.0, 1.0)})

    assert np.isnan(value)


def test_what_no_float_holds_is_unknown():
    value, _ = ask("c0 * 1e300", {0: (1e300, 1.0)})

    assert np.isnan(value)


# --- whatever the order in which readings come --------------------------------------------------------------------

BASE = [CHANNELS[0], CHANNELS[1], CHANNELS[3], CHANNELS[5], CHANNELS[7]]


def plant_with_virtuals():
    """Sources on a difference, on one virtual channel upon another, on a quotient, and on events beside a rate."""
    channels = [replace(one, index=k, name=f"c{k}") for k, one in enumerate(BASE)]
    n = len(channels)
    rest = virtual(n, "rest", "c0 - c1 - c2", channels)
    shared = virtual(n + 1, "shared", "max(rest, 0) * c3 + c2", channels, [rest])
    part = virtual(n + 2, "part", "c1 / (c0 + c1) * c2", channels)
    tank = virtual(n + 3, "tank", "c4 + c2", channels)
    virtuals = (rest, shared, part, tank)
    plain = plant_of(channels)
    sources = tuple(
        replace(plain.sources[0], index=n + k, name=f"v{k}", inputs=(Input("x", one.index, 1.0),))
        for k, one in enumerate(virtuals)
    )
    return replace(plain, sources=(*plain.sources, *sources), virtuals=virtuals)


@st.composite
def histories(draw):
    rows = [(k, r) for k, c in enumerate(BASE) for r in draw(readings(c.kind))]
    again = draw(st.lists(st.sampled_from(rows), max_size=10)) if rows else []
    arrival = draw(st.permutations(rows + again))
    cuts = sorted(draw(st.lists(st.integers(0, len(arrival)), max_size=12)))
    return rows, [arrival[a:b] for a, b in zip([0, *cuts], [*cuts, len(arrival)], strict=True)]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_any_order_repetition_and_split_gives_the_bits_of_one_batch(history):
    rows, batches = history
    plant = plant_with_virtuals()
    expected = offline(plant, sorted(rows, key=lambda row: (row[1].time, row[0])))

    with fresh_state(plant) as (state, _):
        evaluator = Evaluator(plant, Engine(plant, Identity()), state)
        for number, batch in enumerate(batches):
            take(plant, evaluator, state, batch)
            if number % 3 == 0:
                evaluator = Evaluator(plant, Engine(plant, Identity()), state)
        got = outcome(state)

    assert got == expected


def test_each_channel_below_reaches_the_sources_above_and_recompute_agrees():
    """Readings of one channel at a time: every batch changes only what stands on it."""
    rng = np.random.default_rng(5)
    plant = plant_with_virtuals()
    rows = [(channel, reading) for channel, one in enumerate(BASE) for reading in steady(rng, one.kind)]
    with fresh_state(plant) as (state, _):
        engine = Engine(plant, Identity())
        evaluator = Evaluator(plant, engine, state)
        for channel in rng.permutation(len(BASE)).tolist():
            take(plant, evaluator, state, [row for row in rows if row[0] == channel])
        windows, _, _ = outcome(state)
        again = Recompute(plant, engine, state.connection).emissions(
            np.arange(len(plant.sources)), START, START + 30 * MINUTE
        )

    known = {
        (int(s), int(w)): a
        for s, w, a in zip(again.source, again.window, again.activity, strict=True)
        if not np.isnan(a)
    }
    stored = {
        at: np.frombuffer(bits)[blocks.ACTIVITY]
        for at, bits in windows.items()
        if at[1] < START // MINUTE + 30
    }
    assert {source for source, _ in stored} == set(range(len(plant.sources)))
    assert stored == {at: known[at] for at in stored}
    assert len(stored) >= len(plant.sources) * 25


def steady(rng, kind):
    """Return readings of half an hour, every half minute; a register climbs."""
    values = np.cumsum(rng.uniform(0.1, 0.9, 61)) if kind is Kind.REGISTER else rng.uniform(5, 9, 61)
    return [oracle.Reading(START + k * MINUTE // 2, float(v)) for k, v in enumerate(values)]

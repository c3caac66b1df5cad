"""What the language's functions by the clock and of coverage need of the line's frame."""

import random
from dataclasses import replace

import numpy as np
import pytest

from alerts.engine.frame import asked_spans
from plant.alert_rules.condition_terms import checked
from plant.alert_rules.conditions import Subject, parse
from plant.alert_rules.terms import Fact
from plant.units import unit
from plant.vocabulary import NS_PER_HOUR, Kind
from store.totals.sums import Period, source_sums
from tests.alerts.test_frame import FrameWorld, world
from tests.semantics.world import DAY, HOUR, MINUTE, NOON, reading

__all__ = ["world"]  # the fixture


def test_coverage_is_that_of_the_totals(world: FrameWorld) -> None:
    """Over some hours with gaps, from before the first reading on, and of a source that was never heard."""
    rng = random.Random(7)
    sources = np.array([world.source("power"), world.source("reg")])
    world.frame.look(NOON, NOON)
    assert world.frame.covered(sources, NOON - DAY, NOON)[0].tolist() == [0, 0]
    for step in range(12):
        world.now = NOON + step * 23 * MINUTE
        world.send(
            *(reading("power", world.now - k * 6 * MINUTE, 9.0, "kW") for k in range(rng.randrange(1, 4)))
        )
        end = world.now // MINUTE * MINUTE
        for start in (NOON - DAY, NOON, end - HOUR):
            world.frame.look(world.now, world.now)
            due, covered = world.frame.covered(sources, start, end)
            with world.reader.snapshot() as state:
                told = source_sums(
                    state, sources.tolist(), Period(start, end, world.plant.parks[0].zone), end
                )
            assert due.tolist() == told.due.tolist()
            assert covered == pytest.approx(told.shares.sum(axis=1))
    assert 0 < covered[0] < due[0]
    assert (covered[1], due[1]) == (0, 0)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("hour_mean(value) > 1", 2),
        ("day_mean(value, 18) > 1", 50),
        ("hours_over(value, avg(value, '3h'), 'today') > 1", 25),
        ("hours_over(value, avg(value, '30h'), 'today') > 1", 30),
        ("mean_so_far(value, '30min') > 1 or elapsed('year') > 0.5", 0.5),
        ("mean_so_far(value, 'today') > 1", 25),
        ("percentile(value, '28d', 50) > 1", 28 * 24),
        ("cusum_above(value, '31d', avg(value, '1d')) > 1", 31 * 24),
        ("min_over(value, '2d', '00:00-05:00') > 1", 48),
    ],
)
def test_readings_are_kept_for_as_long_as_a_function_looks_back(
    world: FrameWorld, text: str, hours: float
) -> None:
    [hot] = [one for one in world.plant.conditions if one.name == "hot"]
    steps = checked(parse(text, Subject.CHANNEL, {}), [Fact("", unit("°C"), Kind.LEVEL)]).steps
    one = replace(hot, steps=steps, clear=(), every=NS_PER_HOUR, delay=0)

    assert set(asked_spans([one]).values()) == {int((hours + 1) * NS_PER_HOUR)}

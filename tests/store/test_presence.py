"""How long channels are wont to be silent, read once for each newest reading."""

import pytest

from store.messages.presence import TypicalSteps
from store.reader import Reader
from tests.api.state import State, plant

S = 10**9


@pytest.fixture
def state(tmp_path):
    built = State(tmp_path / "state.db", plant())
    yield built
    built.close()


def steps(state: State, known: TypicalSteps, **newest: int) -> dict[int, int]:
    return known.of(state.db, {int(name.removeprefix("c")): time for name, time in newest.items()})


def test_the_median_is_of_the_newest_twenty_steps_of_counting_readings(state):
    times = [k * S for k in range(30)] + [29 * S + 60 * S * k for k in range(1, 21)]
    for time in times:
        state.reading(0, time, 1.0)
    state.reading(0, times[-1] - S, 1.0, quality=2)

    assert steps(state, TypicalSteps(), c101=times[-1]) == {101: 60 * S}


@pytest.mark.parametrize(("given", "median"), [([10, 30], 20), ([10, 30, 90], 30), ([7], 7)])
def test_fewer_steps_have_a_median_too(state, given, median):
    time = 0
    state.reading(0, time, 1.0)
    for step in given:
        time += step
        state.reading(0, time, 1.0)

    assert steps(state, TypicalSteps(), c101=time) == {101: median}


def test_one_reading_has_no_step_and_others_are_told_beside_it(state):
    state.reading(0, 5, 1.0)
    for time in (10, 20, 40):
        state.reading(1, time, 1.0)

    assert steps(state, TypicalSteps(), c101=5, c102=40) == {102: 15}
    assert steps(state, TypicalSteps(), c101=5) == {}


def test_solid_b2_it_is_read_once_for_each_newest_reading(state):
    """A dashboard asks every second; a meter of quarters of an hour is read anew four times an hour."""
    asked = []
    for time in (10, 20, 40):
        state.reading(0, time, 1.0)
    known = TypicalSteps()
    state.db.set_trace_callback(asked.append)

    assert steps(state, known, c101=40) == {101: 15}
    assert asked
    asked.clear()
    for _ in range(2):
        assert steps(state, known, c101=40) == {101: 15}
    assert asked == []
    state.db.set_trace_callback(None)
    state.reading(0, 50, 1.0)
    assert steps(state, known, c101=50) == {101: 10}


def test_a_reader_keeps_them_over_snapshots(state):
    for time in (10, 20, 40):
        state.reading(0, time, 1.0)
    reader = Reader(state.path, state.plant)
    with reader.snapshot() as view:
        assert view.typical_steps({0: 40}) == {0: 15}
    state.db.execute("DELETE FROM reading")
    state.db.commit()
    with reader.snapshot() as view:
        assert view.typical_steps({0: 40}) == {0: 15}
        assert view.typical_steps({0: 50}) == {}
    reader.close()

"""Where sources begin, kept beside the readings."""

from pathlib import Path

import numpy as np
import pytest

from plant.arrays import Readings
from plant.park import Plant
from store.state import State
from store.totals.beginnings import UNHEARD
from tests.api.state import plant

GRID, BOILER, FOUNDRY = 0, 1, 2
QUARTER = 15 * 60 * 10**9


@pytest.fixture
def state(tmp_path: Path):
    opened = State(tmp_path / "state.db", plant())
    yield opened
    opened.close()


def rows(*given: tuple[int, int, int]) -> Readings:
    """Return readings of (channel, time, quality)."""
    channel, time, quality = (np.array(column) for column in zip(*given, strict=True))
    nothing = np.zeros(len(channel), np.int64)
    return Readings(
        channel.astype(np.int32), time.astype(np.int64), nothing.astype(float), quality.astype(np.uint8),
        nothing.astype(np.uint8), nothing.astype(np.uint8), nothing.astype(np.int32), nothing.astype(np.int32), nothing,
    )  # fmt: skip


def take(state: State, *given: tuple[int, int, int]) -> None:
    found = rows(*given)
    stored = rows(*given)
    stored.channel = state.channel_ids[found.channel].astype(np.int32)
    state.readings.write(stored)
    state.beginnings.take(found)


def stored(state: State) -> list[int | None]:
    return [row[0] for row in state.connection.execute("SELECT begins FROM source ORDER BY id")]


def test_nothing_begins_unheard(state):
    assert state.beginnings.times.tolist() == [UNHEARD] * 5
    assert stored(state) == [None] * 5


def test_a_source_begins_with_its_first_counting_reading_in_any_order(state):
    with state.transaction():
        take(state, (0, 500, 0), (0, 300, 2), (1, 900, 1))
        take(state, (0, 400, 0))

    assert stored(state)[:2] == [400, 900]


def test_an_interval_begins_with_its_period(state):
    with state.transaction():
        take(state, (2, 2 * QUARTER, 0))

    assert stored(state)[FOUNDRY] == QUARTER


def test_what_is_rolled_back_has_begun_nothing(state):
    with state.transaction():
        take(state, (0, 500, 0))

    def fail() -> None:
        with state.transaction():
            take(state, (0, 300, 0), (1, 300, 0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert state.beginnings.times[:2].tolist() == [500, UNHEARD]
    with state.transaction():
        take(state, (0, 400, 0), (1, 700, 0))
    assert stored(state)[:2] == [400, 700]


def test_a_source_that_is_configured_over_channels_that_were_read_begins_with_them(tmp_path: Path):
    whole = plant()
    before = State(
        tmp_path / "state.db", Plant(**{**_fields(whole), "sources": (_renumbered(whole.sources[1]),)})
    )
    with before.transaction():
        channel = rows((0, 500, 0))
        channel.channel = before.channel_ids[channel.channel].astype(np.int32)
        before.readings.write(channel)
    before.close()

    state = State(tmp_path / "state.db", whole)

    assert state.beginnings.times[GRID] == 500
    state.close()


def test_begun_is_what_was_configured_once_a_source_was_heard(tmp_path: Path):
    configured = plant()
    sources = tuple(_with_since(one, 77) for one in configured.sources)
    state = State(tmp_path / "state.db", Plant(**{**_fields(configured), "sources": sources}))
    with state.transaction():
        take(state, (0, 500, 0))

    assert state.begun().tolist() == [77, UNHEARD, UNHEARD, UNHEARD, UNHEARD]
    state.close()


def _with_since(source, since):
    return type(source)(**{**_fields(source), "since": since})


def _fields(one):
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def _renumbered(source):
    return type(source)(**{**_fields(source), "index": 0})

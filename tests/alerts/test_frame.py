"""What conditions ask of the line, against the tables themselves and the totals of the API."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from alerts.engine.frame import LineFrame
from alerts.engine.heard import GatewaysHeard
from plant.vocabulary import NEVER
from store.totals.sums import Period, source_sums
from tests.semantics.conftest import MEMORY
from tests.semantics.world import DAY, GRID, HOUR, MINUTE, NOON, SECOND, World, reading, rfc3339

CONFIGURATION = Path(__file__).with_name("conditions")


class FrameWorld(World):
    """A service with a frame of its own beside that of its line."""

    def _open(self) -> None:
        super()._open()
        self.gateways = GatewaysHeard(self.plant, self.state.connection)
        self.frame = LineFrame(self.plant, self.state, self.plant.conditions, self.gateways)
        watch = self.line._following._watch  # type: ignore[attr-defined]
        see = watch.see

        def both(untold, now):
            for new in untold:
                self.gateways.take(new.gateways, new.received, new.last)
                self.frame.take(new.readings)
            see(untold, now)

        watch.see = both

    def channel(self, name: str) -> int:
        return next(c.index for c in self.plant.channels if c.name == name)

    def source(self, name: str) -> int:
        return next(s.index for s in self.plant.sources if s.name == name)

    def naive(self, name: str, now: int, span: int) -> list[tuple[int, float]]:
        query = (
            "SELECT time, value FROM reading JOIN channel c ON c.id = channel"
            " WHERE name = ? AND quality <= 1 AND time <= ? ORDER BY time"
        )
        known = self.rows(query, name, now)
        before = [row for row in known if row[0] <= now - span][-1:]
        return before + [row for row in known if row[0] > now - span]

    def asked(self, name: str, now: int, span: int) -> list[tuple[int, float]]:
        self.frame.look(now, self.now)
        found = self.frame.history(np.array([self.channel("heat"), self.channel(name)]), span)
        mine = found.run == 1
        return list(zip(found.time[mine].tolist(), found.value[mine].tolist(), strict=True))


@pytest.fixture
def world() -> Iterator[FrameWorld]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = FrameWorld(Path(folder), CONFIGURATION, NOON)
        yield made
        made.close()


def arrivals(rng: random.Random) -> list[dict]:
    """Return readings of half an hour in a random order: some twice, some of no count, some with another value later."""
    times = [NOON - 30 * MINUTE + k * 20 * SECOND for k in range(90)]
    found = [reading("power", at, float(rng.randrange(1000)), "kW") for at in times]
    changes = ({}, {"value": 7.0}, {"quality": "bad"}, {"value": 999.0, "correction": 1})
    found += [{**one, **rng.choice(changes)} for one in rng.sample(found, 20)]
    found += [{**one, "quality": "bad", "correction": 2} for one in rng.sample(found, 5)]
    rng.shuffle(found)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_history_is_what_the_table_says_in_whatever_order_it_came(world: FrameWorld, seed: int) -> None:
    rng = random.Random(seed)
    found = arrivals(rng)
    while found:
        part, found = found[: (size := rng.randrange(1, 30))], found[size:]
        world.send(*part)
        if rng.random() < 0.2:
            world.frame.forget()
        for now in (NOON, NOON - 20 * SECOND - 1):
            assert world.asked("power", now, 5 * MINUTE) == world.naive("power", now, 5 * MINUTE)
            time, value = world.frame.latest(np.array([world.channel("power"), world.channel("cold")]))
            known = world.naive("power", now, 0) or [(NEVER, np.nan)]
            assert (time[0], time[1]) == (known[-1][0], NEVER)
            assert str(value[0]) == str(known[-1][1])


def test_what_is_older_than_any_span_is_dropped_but_for_the_last_before(
    world: FrameWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.engine.reading_pool._SPARE", 0)
    for minute in range(0, 240, 3):
        world.now = NOON + minute * MINUTE
        world.send(*(reading("power", world.now + k * SECOND, float(minute + k), "kW") for k in range(3)))
        assert world.asked("power", world.now, 5 * MINUTE) == world.naive("power", world.now, 5 * MINUTE)

    kept = world.frame._pool._rows
    assert kept is not None
    assert len(kept.time) < 30


def test_rollback_and_restart_forget_nothing(world: FrameWorld) -> None:
    world.send(*(reading("power", NOON - k * MINUTE, float(k), "kW") for k in range(9)))
    before = world.asked("power", NOON, 5 * MINUTE)
    world.restart()

    assert world.asked("power", NOON, 5 * MINUTE) == before == world.naive("power", NOON, 5 * MINUTE)


def tonnes(world: FrameWorld, source: str, start: int, end: int) -> float:
    return float(world.frame.tonnes(np.array([world.source("reg"), world.source(source)]), start, end)[1])


def test_tonnes_are_the_totals(world: FrameWorld) -> None:
    """Over days that go by, with late readings of hours and days before in between, and a source of events."""
    rng = random.Random(5)
    midnight = NOON - 12 * HOUR
    late: list[int] = []
    for step in range(60):
        world.now = midnight + step * 47 * MINUTE
        late.append(world.now - rng.randrange(30) * HOUR)
        world.send(
            *(
                reading("power", world.now - k * 6 * MINUTE, float(rng.randrange(900)), "kW")
                for k in range(rng.randrange(1, 9))
            ),
            reading("power", late[step], 100.0, "kW"),
        )
        if step % 17 == 3:
            world.send(reading("diesel", world.now, 5.0, "L"), gateway="gw2")
        end = world.now // MINUTE * MINUTE
        for start in (midnight, end - HOUR, midnight - 9 * DAY):
            for source in ("power", "diesel", "reg"):
                if start < end:
                    with world.reader.snapshot() as state:
                        period = Period(start, end, world.plant.parks[0].zone)
                        [told] = source_sums(state, [world.source(source)], period, world.now).amounts[:, 0]
                    assert str(tonnes(world, source, start, end)) == str(float(told)), (step, source)
    asked = world.total("power", from_=rfc3339(midnight), to=rfc3339(end))
    assert tonnes(world, "power", midnight, end) == asked["co2e_t"]


def test_a_rate_is_that_of_the_newest_whole_window(world: FrameWorld) -> None:
    world.send(*(reading("power", NOON - k * MINUTE, 100.0 + k, "kW") for k in range(1, 9)))
    sources = np.array([world.source("power"), world.source("reg")])

    world.frame.look(NOON + MINUTE, NOON + MINUTE)
    rate, unknown = world.frame.emission_rate(sources).tolist()
    assert rate == pytest.approx(101.5 * GRID)
    assert np.isnan(unknown)
    world.frame.look(NOON + 10 * MINUTE + SECOND, NOON + 11 * MINUTE)
    assert np.isnan(world.frame.emission_rate(sources)).all()  # older than its max_gap


def test_a_source_of_events_is_still_while_none_comes(world: FrameWorld) -> None:
    diesel = np.array([world.source("diesel")])
    world.frame.look(NOON, NOON)
    assert np.isnan(world.frame.emission_rate(diesel)[0])

    world.send(reading("diesel", NOON - 90 * SECOND, 5.0, "L"), gateway="gw2")
    rates = []
    for minute in (-2, -1, 0, 1):
        world.frame.look(NOON + minute * MINUTE, world.now)
        rates.append(float(world.frame.emission_rate(diesel)[0]))
    assert np.isnan(rates[0])
    assert rates[1] > 0
    assert rates[2:] == [0.0, 0.0]


def test_a_gateway_is_heard_by_any_message_and_its_clock_by_its_newest_readings(world: FrameWorld) -> None:
    both = np.array([0, 1])
    world.now = NOON + 7 * SECOND
    world.send(reading("heat", NOON + 37 * SECOND, 20.0, "°C"), reading("heat", NOON, 20.0, "°C"))
    world.publish({"online": False}, leaf="status", at=NOON + 8 * SECOND)
    world.publish(b"{", gateway="gw2", at=NOON + 9 * SECOND)
    for _ in range(2):
        world.frame.look(NOON + 10 * SECOND, NOON + 10 * SECOND)
        known = world.frame.gateways(both)
        assert known.heard_at.tolist() == [NOON + 8 * SECOND, NOON + 9 * SECOND]
        assert (known.online[0], np.isnan(known.online[1])) == (0.0, True)
        assert (known.skew_s[0], np.isnan(known.skew_s[1])) == (-30.0, True)
        world.restart()
    world.send(reading("heat", NOON + 9 * MINUTE, 20.0, "°C"), boot="b", seq=1)


def test_a_clock_is_unknown_ten_minutes_after_the_last_reading(world: FrameWorld) -> None:
    world.send(reading("heat", NOON - 5 * SECOND, 20.0, "°C"))
    world.now = NOON + 5 * MINUTE
    world.send(reading("heat", world.now - 9 * SECOND, 20.0, "°C"))
    skew = {}
    for minute in (5, 9, 10, 14, 15):
        world.frame.look(NOON + minute * MINUTE, NOON + minute * MINUTE)
        skew[minute] = str(float(world.frame.gateways(np.array([0])).skew_s[0]))

    assert skew == {5: "5.0", 9: "5.0", 10: "9.0", 14: "9.0", 15: "nan"}

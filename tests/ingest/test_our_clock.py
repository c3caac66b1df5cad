"""Our own clock is wrong: it is said, and what it refused is taken once it was set, judged by when it truly came."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plant.vocabulary import NS_PER_S
from stackmeter.clock_watch import ClockMemory
from store.messages.clock_steps import ClockStep
from store.messages.replays import Replay
from tests.ingest.test_replay import configured, started
from tests.semantics.conftest import MEMORY
from tests.semantics.world import HOUR, MINUTE, NOON, SECOND, World, reading

WRONG = 2 * HOUR  # how far our clock is behind
CHANNELS = {"gw": ("reg", "kWh"), "gw2": ("other", "L"), "gw3": ("meter", "kWh")}


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        made = started(Path(name), configured(Path(name)))
        yield made
        made.close()


def say(world: World, true: int, *gateways: str, ahead: int = 0) -> None:
    """Let gateways speak at a true time, their clocks ahead of it; ours stamps what it says."""
    for gateway in gateways:
        name, unit = CHANNELS[gateway]
        world.send(reading(name, true + ahead, 100 + (true - NOON) / MINUTE, unit), gateway=gateway)


def set_clock(world: World, by: int, first: int = 1) -> None:
    """Set the clock, as the service notes it."""
    world.now += by
    world.journal.append([ClockStep(first, by).message(world.now)])
    while world.line.step():
        pass


def replay(world: World, number: str = "r") -> dict[str, int]:
    world.decide(Replay(number, "lan", code="ts_future"))
    return world.balance()[0] | world.balance("gw2")[0] | world.balance("gw3")[0]


def refused(world: World) -> list[tuple[Any, ...]]:
    return world.rows("SELECT gateway, code FROM quarantine ORDER BY message")


def test_solid_b11_it_is_said_that_we_are_behind_and_after_the_repair_everything_counts(world: World) -> None:
    world.now = NOON - WRONG
    for minute in (0, 10, 20):
        world.now = NOON - WRONG + minute * MINUTE
        say(world, NOON + minute * MINUTE, *CHANNELS)
    [told] = world.line.troubles()
    assert told.startswith("this machine's clock seems to be 2 h behind: 3 of 3 gateways are ahead of it")
    assert world.line.gateways_ahead == 3
    assert len(refused(world)) == 9

    world.now += MINUTE
    set_clock(world, WRONG)
    assert world.line.troubles() == []
    assert replay(world) == {"accepted": 3}

    assert refused(world) == []
    span = {"from_": "2026-03-10T12:00:00+07:00", "to": "2026-03-10T12:20:00+07:00"}
    assert world.total("reg", **span)["activity"] == pytest.approx(20)
    assert world.total("meter", **span)["activity"] == pytest.approx(20)


def test_solid_b11_a_gateway_that_was_ahead_itself_stays_refused(world: World) -> None:
    """One that is ahead of the others, and one whose message came after our clock was right again."""
    world.now = NOON - WRONG
    say(world, NOON, "gw", "gw2")
    say(world, NOON, "gw3", ahead=HOUR)
    set_clock(world, WRONG)
    world.now += MINUTE
    say(world, NOON + MINUTE, "gw", ahead=HOUR)
    world.now += 5 * HOUR

    replay(world)

    assert refused(world) == [("park-a/works/gw3", "ts_future"), ("park-a/works/gw", "ts_future")]


def test_solid_b11_two_steps_that_undo_each_other_change_nothing_before_them(world: World) -> None:
    world.now = NOON
    say(world, NOON, "gw", ahead=HOUR)
    set_clock(world, -WRONG)
    say(world, NOON + MINUTE, "gw2")
    world.now += MINUTE
    set_clock(world, WRONG)

    replay(world)

    assert refused(world) == [("park-a/works/gw", "ts_future")]


def test_solid_b11_what_came_between_the_step_and_the_moment_it_was_noticed_is_as_it_came(
    world: World,
) -> None:
    world.now = NOON - WRONG
    say(world, NOON, "gw2")
    world.now = NOON
    say(world, NOON, "gw", ahead=HOUR)
    world.journal.append([ClockStep(1, WRONG).message(NOON + SECOND)])

    replay(world)

    assert refused(world) == [("park-a/works/gw", "ts_future")]


def test_solid_b11_what_came_before_the_process_began_was_stamped_by_another_clock(world: World) -> None:
    world.now = NOON - WRONG
    say(world, NOON, "gw")
    say(world, NOON, "gw2")
    set_clock(world, WRONG, first=2)

    replay(world)

    assert refused(world) == [("park-a/works/gw", "ts_future")]


@pytest.mark.parametrize(
    ("ahead", "right", "said"),
    [
        (("gw",), ("gw2", "gw3"), None),
        (("gw",), ("gw2",), None),
        (("gw", "gw2"), ("gw3",), "2 of 3 gateways are ahead"),
        (("gw",), (), "the one gateway that was heard lately is 60 min ahead"),
        ((), ("gw", "gw2", "gw3"), None),
    ],
)
def test_solid_b11_one_gateway_that_is_ahead_is_its_own_fault(
    world: World, ahead: tuple[str, ...], right: tuple[str, ...], said: str | None
) -> None:
    world.now = NOON
    say(world, NOON, *ahead, ahead=HOUR if len(ahead) == 1 else WRONG)
    say(world, NOON, *right)

    told = world.line.troubles()

    assert bool(told) == bool(said)
    assert said is None or said in told[0]
    world.now += HOUR
    assert world.line.troubles() == []


def test_solid_b11_a_step_between_two_runs_is_known_too_in_one_life_of_the_machine(tmp_path: Path) -> None:
    file, ahead, machine = tmp_path / "clock.json", [5 * NS_PER_S], ["one"]

    def started_at(offset: int) -> ClockMemory:
        return ClockMemory(file, offset, lambda: machine[0], lambda: ahead[0])

    assert started_at(10).missed == 0
    ahead[0] += 7200 * NS_PER_S
    memory = started_at(50)
    assert memory.missed == 7200 * NS_PER_S
    assert memory.step(memory.missed) == ClockStep(10, 7200 * NS_PER_S)
    assert started_at(60).missed == 0

    ahead[0] -= 3600 * NS_PER_S
    machine[0] = "two"
    another = started_at(90)
    assert (another.missed, another.step(NS_PER_S)) == (0, ClockStep(90, NS_PER_S))
    file.write_bytes(b"no JSON")
    assert started_at(99).missed == 0

"""F-119 for conditions: what late readings show of the past is noted once, wakes nobody, and holds up nothing."""

import random
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from alerts.engine import late_looks
from alerts.tables.views import alert_events
from proof.backtest import backtest
from tests.alerts.test_condition_watch import CONFIGURATION, Conditions, failing, opened
from tests.semantics.world import DAY, MINUTE, NOON, SECOND, ns, reading

HEAT = {"park": "park-a", "facility": "works", "gateway": "gw", "channel": "heat"}


class Late(Conditions):
    """A service that has judged since noon."""

    def events(self) -> list[dict[str, Any]]:
        """Return what was noted of late data, in order."""
        kept = alert_events(self.state.connection, "")
        return [dict(event.detail) for event in kept if event.kind == "retroactive"]

    def kept(self, *minutes: int, value: float = 150, **more: Any) -> list[dict[str, Any]]:
        """Return temperatures that a gateway kept."""
        return [reading("heat", NOON + k * MINUTE, value, "°C", **more) for k in minutes]

    def settled(self, time: int) -> None:
        """Let time pass until so long after noon, and all that waits be looked at."""
        self.at(time)
        for _ in range(10_000):
            if not self.waiting():
                return
            self.tick(self.now + SECOND)
        raise AssertionError(f"still waiting: {self.rows('SELECT * FROM late_look')}")

    def waiting(self) -> int:
        [(count,)] = self.rows("SELECT count(*) FROM late_look")
        return int(count)


@pytest.fixture
def world() -> Iterator[Late]:
    yield from late(CONFIGURATION)


def late(configuration: Path) -> Iterator[Late]:
    for made in opened(configuration, Late):
        made.heat(0, 80)
        yield made


def looked(world: Late) -> int:
    """Return how many instants the look that is under way has judged so far, 0 where none is."""
    look = world.line._following._watch._late._look  # type: ignore[attr-defined]
    return 0 if look is None else (look.next - look.start) // look.condition.every


def breach(world: Late) -> None:
    """Let 57 minutes of an hour arrive at its end, ten minutes of them hot."""
    world.at(59 * MINUTE)
    hot = range(10, 20)
    mild = [k for k in range(1, 58) if k not in hot]
    worst = world.kept(13, value=170)
    world.at(60 * MINUTE, *world.kept(*mild, value=80), *world.kept(10, 11, 12, *range(14, 20)), *worst)


def noted(first: int, last: int, count: int, worst: float) -> dict[str, Any]:
    return {
        "rule": "hot", "labels": HEAT, "first": NOON + first * MINUTE, "last": NOON + last * MINUTE,
        "count": count, "worst": worst, "unit": "°C",
    }  # fmt: skip


# --- one event, and nobody is told ---------------------------------------------------------------------------------------


def test_f119_late_readings_of_a_breach_leave_one_retroactive_event_and_wake_nobody(world: Late) -> None:
    breach(world)
    assert world.events() == []
    world.settled(70 * MINUTE)

    assert world.events() == [noted(10, 19, 10, 170)]
    assert world.told("hot") == []
    assert world.rows("SELECT * FROM webhook") == []


def test_f119_a_breach_shorter_than_for_is_none(world: Late) -> None:
    world.at(59 * MINUTE)
    world.at(60 * MINUTE, *world.kept(10, 11), *world.kept(*range(12, 58), value=80))
    world.settled(70 * MINUTE)

    assert world.events() == []


def test_f119_what_breaks_an_alert_that_somebody_was_told_of_is_no_news(world: Late) -> None:
    for minute in range(1, 20):
        world.at(minute * MINUTE, *(world.kept(minute) if minute not in (3, 4) else []))
    world.at(20 * MINUTE, *world.kept(3, 4))
    world.settled(40 * MINUTE)

    assert world.told("hot") == [("hot", "heat", 3, None)]
    assert world.events() == []


def test_f119_a_breach_that_lasts_until_its_alert_begins_is_told_by_that(world: Late) -> None:
    world.at(59 * MINUTE)
    world.at(60 * MINUTE, *world.kept(*range(40, 61)))
    for minute in range(61, 80):
        world.heat(minute * MINUTE, 150)
    world.settled(80 * MINUTE)

    assert world.told("hot") == [("hot", "heat", 62, None)]
    assert world.events() == []


def test_f119_a_breach_that_ends_before_its_alert_could_begin_is_noted(world: Late) -> None:
    world.at(59 * MINUTE)
    world.at(60 * MINUTE, *world.kept(*range(40, 61)))
    for minute in range(61, 80):
        world.heat(minute * MINUTE, 80)
    world.settled(80 * MINUTE)

    assert world.told("hot") == []
    assert world.events() == [noted(40, 60, 21, 150)]


def test_f119_a_breach_whose_alert_is_pending_when_it_is_due_waits_for_that(world: Late) -> None:
    """It is due at the 63rd minute, the second hot one of three; until then it was not clear for long enough to be over."""
    world.at(59 * MINUTE)
    world.at(60 * MINUTE, *world.kept(*range(40, 60)), *world.kept(60, value=80))
    world.heat(61 * MINUTE, 80)
    world.heat(62 * MINUTE, 150)
    world.heat(63 * MINUTE, 150)
    assert world.waiting() == 1
    world.heat(64 * MINUTE, 150)
    world.settled(75 * MINUTE)

    assert world.told("hot") == [("hot", "heat", 64, None)]
    assert world.events() == []


def test_f119_what_was_missed_and_never_judged_is_noted(world: Late) -> None:
    """The service was away for 50 minutes, and everything waited at the broker."""
    world.now = NOON + 50 * MINUTE + 30 * SECOND
    world.send(*world.kept(*range(5, 30)), *world.kept(*range(30, 51), value=80))
    world.settled(70 * MINUTE)

    assert world.told("hot") == []
    assert world.events() == [noted(5, 29, 25, 150)]


def test_f119_what_was_before_a_condition_was_judged_is_left(world: Late) -> None:
    world.at(30 * MINUTE, *world.kept(*range(-50, -20)))
    assert world.waiting() == 0
    world.at(
        31 * MINUTE, *world.kept(*range(-10, 0))
    )  # tells of the first five minutes too, but for the one at noon
    world.settled(50 * MINUTE)

    assert world.events() == []


def test_f119_gateways_and_windows_of_sources_are_not_looked_at_again(world: Late) -> None:
    world.at(59 * MINUTE)
    world.at(60 * MINUTE, *(reading("power", NOON + k * MINUTE, 4900, "kW") for k in range(1, 40)))

    assert {rule for (rule,) in world.rows("SELECT condition FROM late_look")} == {"flap", "peak"}
    world.settled(90 * MINUTE)
    assert {event["rule"] for event in world.events()} == {"flap", "peak"}


def test_f119_an_alert_that_late_data_shows_to_have_been_none_is_said_so_once(world: Late) -> None:
    for minute in range(1, 9):
        world.heat(minute * MINUTE, 150 if minute < 5 else 80)
    world.at(20 * MINUTE, *world.kept(1, 2, 3, 4, value=80, correction=1))
    world.settled(40 * MINUTE)
    world.at(41 * MINUTE, *world.kept(2, value=81, correction=2))
    world.settled(60 * MINUTE)

    assert world.told("hot") == [("hot", "heat", 3, 8)]
    [(number,)] = world.rows("SELECT id FROM alert WHERE rule = 'hot'")
    events = alert_events(world.state.connection, number)
    assert [event.kind for event in events] == ["firing", "resolved", "retroactive"]
    assert events[-1].detail == {"rule": "hot", "cleared": True}
    shown = world.get(f"/v1/alerts/{number}")["events"][-1]
    assert (shown["kind"], shown["detail"]) == ("retroactive", {"rule": "hot", "cleared": True})
    assert world.events() == []


# --- the same once --------------------------------------------------------------------------------------------------------


def test_f119_the_same_again_adds_nothing(world: Late) -> None:
    breach(world)
    world.settled(70 * MINUTE)
    world.at(71 * MINUTE, *world.kept(*range(14, 20)))  # a gateway sends again
    assert world.waiting() == 0

    late_one = reading("heat", NOON + 15 * MINUTE + 30 * SECOND, 150, "°C")  # new, and shows nothing new
    world.at(72 * MINUTE, late_one)
    assert world.waiting() == 1
    world.settled(90 * MINUTE)
    assert world.events() == [noted(10, 19, 10, 170)]


def test_f119_a_breach_that_grows_by_what_comes_later_is_summed_up_anew(world: Late) -> None:
    breach(world)
    world.settled(70 * MINUTE)
    world.at(71 * MINUTE, *world.kept(20, 21, value=150, correction=1))
    world.settled(90 * MINUTE)

    assert world.events() == [noted(10, 19, 10, 170), noted(10, 21, 12, 170)]


def restarted(world: Late) -> None:
    world.restart()


def rolled_back(world: Late) -> None:
    """Let the alert rules fail in a step, after they looked; the line itself goes on."""
    world.is_rebuilt = False  # no step says that a fault took its work back
    with failing(world.line._following._watch._teller, "tell"):  # type: ignore[attr-defined]
        world.line.step()


@pytest.mark.parametrize("between", [restarted, rolled_back])
@pytest.mark.parametrize("last", [60, 62, 63, 64, 66])
def test_f119_a_restart_or_a_rollback_adds_none_and_loses_none(
    world: Late, between: Callable[[Late], None], last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is due, when it is, with half of the look done, and after its end."""
    monkeypatch.setattr(late_looks, "LOOKS", 15)
    breach(world)
    for minute in range(61, last + 1):
        world.at(minute * MINUTE)
    between(world)
    world.settled(70 * MINUTE)
    between(world)
    world.settled(80 * MINUTE)

    assert world.events() == [noted(10, 19, 10, 170)]
    world.check_rebuild()  # by the numbers that it was made with


def test_f119_a_stop_in_every_pause_delays_a_look_and_loses_none(
    world: Late, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each restart begins the look anew; once it is let be it comes to its end."""
    monkeypatch.setattr(late_looks, "LOOKS", 10)
    breach(world)
    world.at(63 * MINUTE)
    for _ in range(5):
        world.restart()
        world.tick(world.now + SECOND)
    world.settled(70 * MINUTE)

    assert world.events() == [noted(10, 19, 10, 170)]
    world.check_rebuild()  # by the numbers that it was made with


def test_f119_what_comes_behind_a_look_that_is_under_way_is_looked_at_after_it(
    world: Late, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_looks, "LOOKS", 10)
    breach(world)
    world.at(63 * MINUTE)
    assert looked(world) == 10
    world.at(63 * MINUTE + SECOND, *world.kept(3, 4, 5, value=140, correction=1))
    world.settled(80 * MINUTE)

    assert world.events() == [noted(10, 19, 10, 170), noted(3, 5, 3, 140)]
    world.check_rebuild()  # by the numbers that it was made with


def test_f119_what_is_configured_no_longer_is_not_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIGURATION, config)
    for world in late(config):
        breach(world)
        page = config / "plant.yaml"
        page.write_text(page.read_text().replace("name: hot\n", "name: hotter\n"))
        world._shut()
        Late.__init__(world, world.folder, config, world.now)
        world.settled(70 * MINUTE)

        assert world.events() == []


# --- a little at a time -----------------------------------------------------------------------------------------------------


def twenty_hot(minute: int) -> float:
    return 150 if 700 <= minute < 720 else 80


def test_f119_two_days_that_come_late_are_looked_at_a_little_in_each_step(world: Late) -> None:
    world.now = NOON + 2 * DAY
    for first in range(1, 2 * 1440, 960):
        world.send(*(one for k in range(first, first + 960) for one in world.kept(k, value=twenty_hot(k))))
    world.at(2 * DAY + 3 * MINUTE)
    done = [looked(world)]
    while world.waiting():
        world.tick(world.now + SECOND)
        done.append(looked(world))

    steps = [after - before for before, after in pairwise(done[:-1])]
    assert max([done[0], *steps]) <= late_looks.LOOKS
    assert len(done) > 2 * 1440 / late_looks.LOOKS
    assert world.events() == [noted(700, 719, 20, 150)]


def test_f119_a_look_reads_so_many_readings_in_a_step_and_judges_once_they_are_there(
    world: Late, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_looks, "READINGS", 7)
    breach(world)
    world.at(63 * MINUTE)
    reads = [0]
    frame = world.line._following._watch._late._look.frame  # type: ignore[attr-defined]
    inner = frame.read_on
    frame.read_on = lambda until, most: reads.append(most) or inner(until, most)
    world.settled(70 * MINUTE)

    assert len(reads) >= 58 / 7
    assert world.events() == [noted(10, 19, 10, 170)]
    world.check_rebuild()  # by the numbers that it was made with


def test_f119_more_subjects_than_are_looked_at_together_have_their_turn(
    world: Late, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_looks, "SUBJECTS", 1)
    breach(world)
    cold = [reading("cold", NOON + k * MINUTE, 150 if k < 30 else 80, "°C") for k in range(20, 59)]
    world.at(60 * MINUTE, *cold, gateway="gw2")
    world.settled(70 * MINUTE)

    assert [event["labels"]["channel"] for event in world.events()] == ["cold", "heat"]

    # --- against the past as it is known in the end -----------------------------------------------------------------------------
    world.check_rebuild()  # by the numbers that it was made with


@pytest.mark.parametrize("seed", range(8))
def test_f119_every_breach_is_told_or_noted_and_nothing_else_is(seed: int) -> None:
    """Two hours of heat of which parts come late, in any order: the backtest over all of them is the judge."""
    rng = random.Random(seed)
    for world in late(CONFIGURATION):
        value, due = 80.0, []
        for minute in range(1, 120):
            value = rng.choice([80.0, 120.0]) if rng.random() < 0.15 else value
            is_late = rng.random() < 0.5
            due.append((minute + (rng.randrange(1, 50) if is_late else 0), minute, value))
        for minute in range(1, 180):
            come = [reading("heat", NOON + at * MINUTE, v, "°C") for when, at, v in due if when == minute]
            world.at(minute * MINUTE, *come)
        world.settled(200 * MINUTE)

        would = [
            (ns(one.started_at) - 2 * MINUTE, world.now if one.ended_at is None else ns(one.ended_at))
            for one in backtest(world.state.connection, world.plant, NOON, world.now, "hot", lambda *_: None)
        ]
        told = world.rows("SELECT started_at, coalesce(ended_at, ?) FROM alert WHERE rule = 'hot'", world.now)
        spans = world.rows("SELECT first, last FROM late_span WHERE condition = 'hot'")
        assert would, "nothing was to be found"
        assert [one for one in would if not meets(one, told + spans)] == []
        assert [one for one in spans if not meets(one, would)] == []
        [(retroactive,)] = world.rows(
            "SELECT count(*) FROM alert_event WHERE kind = 'retroactive' AND alert = ''"
        )
        assert retroactive >= len(spans)


def meets(one: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(start <= one[1] and end >= one[0] for start, end in others)

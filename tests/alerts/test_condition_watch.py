"""Conditions through the whole line: what begins and ends which alert, when, and that nothing does so twice."""

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from alerts.judging.lifecycle import SHELF
from tests.semantics.conftest import MEMORY
from tests.semantics.world import DAY, HOUR, MINUTE, NOON, SECOND, World, reading

CONFIGURATION = Path(__file__).with_name("conditions")
Alert = tuple[str, str, float, float | None]  # rule, subject, began and ended [min after noon]


class Conditions(World):
    """A service whose conditions are judged as its clock ticks."""

    cut = False  # whether every micro-batch fails at its end, and is taken again

    def at(self, time: int, *readings: dict[str, Any], gateway: str = "gw") -> None:
        """Let readings arrive so long after noon."""
        self.now = NOON + time
        if readings and self.cut:
            with failing(self.line, "_crash"), pytest.raises(RuntimeError, match="cut"):
                self.send(*readings, gateway=gateway)
            while self.line.step():
                pass
        elif readings:
            self.send(*readings, gateway=gateway)
        self.line.step()

    def heat(self, time: int, value: float, **more: Any) -> None:
        """Let one temperature arrive, read when it arrives."""
        self.at(time, reading("heat", NOON + time, value, "°C", **more))

    def power(self, time: int, value: float) -> None:
        """Let one power arrive, read when it arrives."""
        self.at(time, reading("power", NOON + time, value, "kW"))

    def told(self, *rules: str) -> list[Alert]:
        """Return the alerts of some rules, or of all but those of gateways, which are silent in most tests."""
        found = self.rows(
            "SELECT rule, labels, started_at, ended_at FROM alert ORDER BY started_at, rule, labels"
        )
        return [
            (rule, subject(json.loads(labels)), (began - NOON) / MINUTE, None if ended is None else (ended - NOON) / MINUTE)
            for rule, labels, began, ended in found
            if (rule in rules if rules else rule not in ("silent", "clock", "offline"))
        ]  # fmt: skip


Kind = TypeVar("Kind", bound=Conditions)


@contextmanager
def failing(of: object, name: str) -> Iterator[None]:
    """Let a function of an object fail for a while."""

    def fail(*_given: object) -> None:
        raise RuntimeError("cut")

    before = getattr(of, name)
    setattr(of, name, fail)
    try:
        yield
    finally:
        setattr(of, name, before)


def subject(labels: dict[str, str]) -> str:
    return next(
        labels[name] for name in ("channel", "source", "gateway", "facility", "park") if name in labels
    )


@pytest.fixture
def world() -> Iterator[Conditions]:
    yield from opened(CONFIGURATION)


def opened(configuration: Path, kind: type[Kind] = Conditions) -> Iterator[Kind]:  # type: ignore[assignment]  # its default
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        made = kind(Path(folder), configuration, NOON)
        yield made
        made.close()


# --- the life of an alert ------------------------------------------------------------------------------------------


def test_it_begins_after_for_and_ends_after_keep_firing_for(world: Conditions) -> None:
    for minute, value in enumerate((80, 120, 120, 120, 95, 95, 80, 80, 80, 80, 80)):
        world.heat(minute * MINUTE, value)

    assert world.told() == [("hot", "heat", 3, 9)]


def test_what_is_neither_hot_nor_clear_goes_on(world: Conditions) -> None:
    for minute, value in enumerate((120, 120, 120, 80, 80, 95, 80, 80, 80)):
        world.heat(minute * MINUTE, value)
    assert world.told() == [("hot", "heat", 2, None)]

    world.heat(9 * MINUTE, 80)
    assert world.told() == [("hot", "heat", 2, 9)]


def test_a_break_begins_for_anew(world: Conditions) -> None:
    for minute, value in enumerate((120, 120, 80, 120, 120)):
        world.heat(minute * MINUTE, value)
    assert world.told() == []

    world.heat(5 * MINUTE, 120)
    assert world.told() == [("hot", "heat", 5, None)]


def test_unknown_neither_begins_nor_ends(world: Conditions) -> None:
    for minute in range(2):
        world.heat(minute * MINUTE, 120)
    for minute in range(2, 12):  # unknown from the 7th minute on; it is pending until then
        world.at(minute * MINUTE)
    assert world.told() == [("hot", "heat", 2, None)]

    world.heat(12 * MINUTE, 80, quality="bad")
    world.at(30 * MINUTE)
    assert world.told() == [("hot", "heat", 2, None)]
    for minute in range(31, 35):
        world.heat(minute * MINUTE, 80)
    assert world.told() == [("hot", "heat", 2, 34)]


def test_a_subject_that_was_never_heard_has_no_alert(world: Conditions) -> None:
    for minute in range(30):
        world.at(minute * MINUTE)

    assert world.rows("SELECT * FROM alert") == []
    assert world.rows("SELECT * FROM rule_state WHERE firing = 1 OR alert != ''") == []


def test_what_was_missed_wakes_nobody(world: Conditions) -> None:
    """Of an absence only the newest instant is judged, and it is judged by what is known then."""
    world.power(0, 10)
    world.now = NOON + 50 * MINUTE + 30 * SECOND
    world.send(*(reading("power", NOON + k * MINUTE, 4500, "kW") for k in range(5, 30)))
    world.send(reading("power", NOON + 50 * MINUTE, 10, "kW"))

    assert world.told() == []
    judged = [since for (since,) in world.rows("SELECT since FROM rule_state WHERE rule = 'peak'")]
    assert judged == [NOON + 50 * MINUTE]


def test_the_alerts_of_a_subject_that_chatters_are_snoozed_until_its_shelf_ends(world: Conditions) -> None:
    for k in range(3):
        world.power(k * 10 * SECOND, 4500)
        world.power((k * 10 + 5) * SECOND, 10)
    world.power(40 * SECOND, 4500)

    assert [began * MINUTE / SECOND for _, _, began, _ in world.told("flap")] == [0, 10, 20, 40]
    ends = world.rows("SELECT snoozed_until FROM alert WHERE rule = 'flap' ORDER BY started_at")
    assert [end for (end,) in ends] == [0, 0, *2 * (NOON + 20 * SECOND + SHELF,)]


# --- gateways --------------------------------------------------------------------------------------------------------


def test_a_gateway_that_falls_silent_gives_one_alert(world: Conditions) -> None:
    for time in range(0, 30 * MINUTE, 30 * SECOND):
        world.at(time, *([reading("heat", NOON + time, 20, "°C")] if time <= 2 * MINUTE else []))
    [(rule, who, began, ended)] = world.told("silent")
    assert (rule, who, ended) == ("silent", "gw", None)
    assert began == 12.5

    world.heat(30 * MINUTE, 20)
    assert world.told("silent") == [("silent", "gw", 12.5, 30)]


def test_a_last_will_gives_one_alert_and_a_birth_ends_it(world: Conditions) -> None:
    for online in (True, False, True):
        world.now += SECOND
        world.publish({"online": online}, leaf="status")
        for _ in range(19):
            world.tick(world.now + SECOND)

    assert world.told("offline") == [("offline", "gw", 25 / 60, 45 / 60)]


def test_a_gateway_that_is_away_stands_for_what_is_behind_it_and_one_whose_clock_is_off_does_not(
    world: Conditions,
) -> None:
    world.publish({"online": False}, leaf="status")
    world.now = NOON + 2 * MINUTE
    world.send(reading("cold", NOON, 5, "°C"), gateway="gw2")

    labels = {alert["rule"]: alert["labels"] for alert in world.alerts()}
    assert labels["offline"] == {"park": "park-a", "facility": "works", "gateway": "gw", "covers": "gateway"}
    assert labels["clock"] == {"park": "park-a", "facility": "works", "gateway": "gw2"}


# --- sources and facilities ---------------------------------------------------------------------------------------------


def test_a_source_is_judged_by_its_rate_and_a_facility_by_its_tonnes(world: Conditions) -> None:
    """2,000 kW are 1.318 t/h, and come to two tonnes after an hour and 31 minutes."""
    for minute in range(100):
        world.power(minute * MINUTE, 2000)

    assert world.told("rate") == [("rate", "power", 1, None)]
    assert world.told("budget") == [("budget", "works", 95, None)]
    [summary] = world.rows("SELECT summary FROM alert WHERE rule = 'budget'")
    assert summary[0].startswith("works 2.0")


# --- what an alert says ---------------------------------------------------------------------------------------------------


def test_its_texts_are_filled_in_both_languages(world: Conditions) -> None:
    for minute in range(3):
        world.heat(minute * MINUTE, 120.5)

    [alert] = [one for one in world.alerts() if one["rule"] == "hot"]
    assert alert["labels"] == {
        "park": "park-a", "facility": "works", "gateway": "gw", "channel": "heat", "team": "boiler-house",
    }  # fmt: skip
    english = "heat of gw is hot, 120.5 °C above 100, says boiler-house"
    assert (alert["summary"], alert["value"], alert["limit"], alert["unit"]) == (english, 120.5, 100, "°C")
    [(texts,)] = world.rows("SELECT texts FROM alert WHERE rule = 'hot'")
    assert json.loads(texts) == {
        "summary": {"vi": "heat nóng: 120,5 °C", "en": english},
        "first_action": {"vi": "Mở van.", "en": "Open the valve."},
        "runbook": "https://example.com/hot",
        "passed": {"vi": "trên ngưỡng 100,0 °C", "en": "above 100.0 °C"},
    }


def test_a_limit_fills_in_the_same_words(world: Conditions) -> None:
    world.heat(0, 300.5)

    [summary] = [alert["summary"] for alert in world.alerts() if alert["rule"] == "burning"]
    assert summary == "park-a/works/heat at gw: 300.5 °C"


# --- restarts, rollbacks, configurations ----------------------------------------------------------------------------------


def score(rng: random.Random) -> list[tuple[int, list[dict[str, Any]], str]]:
    """Return what arrives in 20 minutes: time, readings and gateway, with silences and readings that come late."""
    found = []
    for step in range(0, 20 * MINUTE, 40 * SECOND):
        heat = rng.choice([80.0, 95.0, 120.0, 120.0, 120.0])
        some = [reading("heat", NOON + step - rng.choice([0, 0, 0, 90]) * SECOND, heat, "°C")]
        some.append(reading("power", NOON + step, rng.choice([10.0, 900.0, 4500.0]), "kW"))
        is_silent = 4 * MINUTE < step < 16 * MINUTE
        found.append((step, [] if is_silent else some, "gw"))
        found.append((step, [reading("cold", NOON + step, rng.choice([99.0, 140.0]), "°C")], "gw2"))
    return found


def played(seed: int, between: Callable[[Conditions, random.Random], None]) -> tuple[Any, Any, Any]:
    """Return all alerts, their events and where the conditions stand, after a score with something between its steps."""
    [content] = [
        (
            one.rows("SELECT id, rule, started_at, ended_at, value, labels FROM alert ORDER BY id"),
            one.rows("SELECT alert, at, kind, detail FROM alert_event ORDER BY alert, at, kind"),
            one.rows("SELECT * FROM rule_state ORDER BY 1, 2"),
        )
        for one in finished(seed, between)
    ]
    return content


def finished(seed: int, between: Callable[[Conditions, random.Random], None]) -> Iterator[Conditions]:
    for one in opened(CONFIGURATION):
        rng = random.Random(0)
        for time, readings, gateway in score(random.Random(seed)):
            one.at(time, *readings, gateway=gateway)
            between(one, rng)
        yield one


def restarted(world: Conditions, rng: random.Random) -> None:
    world.restart()


def forgotten(world: Conditions, rng: random.Random) -> None:
    """Let an idle step fail after it judged."""
    world.is_rebuilt = False  # no step says that a fault took its work back
    now = world.now
    world.now += rng.randrange(20) * SECOND
    with failing(world.line._following._watch._teller, "tell"):  # type: ignore[attr-defined]
        world.line.step()
    world.line.step()  # it rests for a moment
    world.now = now


def cut(world: Conditions, rng: random.Random) -> None:
    world.cut = True


@pytest.mark.parametrize(("seed", "between"), [(0, restarted), (1, forgotten), (2, cut)])
def test_whatever_happens_between_the_steps_the_alerts_are_the_same_once(
    seed: int, between: Callable[[Conditions, random.Random], None]
) -> None:
    plain = played(seed, lambda world, rng: None)

    assert plain == played(seed, between)
    assert {kind for _, _, kind, _ in plain[1]} >= {"firing", "resolved"}
    assert len(plain[0]) > 3


def test_the_alert_of_a_condition_that_is_configured_no_longer_ends(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIGURATION, config)
    for world in opened(config):
        for minute in range(3):
            world.heat(minute * MINUTE, 120)
        page = config / "plant.yaml"
        page.write_text(page.read_text().split("alerts:")[0])
        world.now = NOON + 5 * MINUTE
        world._shut()
        World.__init__(world, world.folder, config, world.now)
        world.line.step()

        assert world.told() == [("hot", "heat", 2, 5)]
        assert world.rows("SELECT * FROM rule_state") == []


# --- readings that come late ----------------------------------------------------------------------------------------------


def test_f119_what_is_learned_too_late_wakes_nobody_and_stands_in_the_histories(world: Conditions) -> None:
    """An hour of heat and power that a gateway had kept: nobody is woken for it, but what still lasts is found."""
    world.heat(0, 80)
    world.at(59 * MINUTE)
    kept = [reading("heat", NOON + k * MINUTE, 150, "°C") for k in range(1, 59)]
    kept += [reading("power", NOON + k * MINUTE, 4900, "kW") for k in range(1, 59)]
    world.at(60 * MINUTE, *kept, reading("heat", NOON + HOUR, 80, "°C"))
    world.at(61 * MINUTE)

    assert world.told("hot") == []
    assert world.told("peak") == [("peak", "power", 60, None)]  # the mean of five minutes is still above
    for minute in range(62, 70):
        world.at(minute * MINUTE, reading("power", NOON + minute * MINUTE, 10, "kW"))
    assert world.told("peak") == [("peak", "power", 60, 63)]


def test_f119_days_that_come_late_begin_nothing(world: Conditions) -> None:
    world.heat(0, 80)
    world.now = NOON + 2 * DAY
    world.heat(2 * DAY, 80)
    world.send(*(reading("heat", NOON + k * MINUTE, 150, "°C") for k in range(1, 600)))
    world.at(2 * DAY + 5 * MINUTE)

    assert world.told() == []

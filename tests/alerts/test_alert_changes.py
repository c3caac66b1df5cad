"""Alerts while their rules, routes and receivers are changed: nothing stops the line, and nobody is woken by what was before."""

import json
from collections import defaultdict

import pytest

from alerts.judging.lifecycle import SHELF
from alerts.tables.alerts import alert_id
from tests.alerts.clockwork import DESK, LIMITS, MIDNIGHT, Clockwork, Started
from tests.semantics.world import DAY, HOUR, MINUTE, SECOND, reading

MILD = "  - {name: mild, facility: works, channel: t2, above: 50, severity: info, summary: It is mild}\n"
WITHOUT_HOT = LIMITS.replace("  - {name: hot", "  # - {name: hot")
HEAT = """
alerts:
  - {name: heat, expr: value > 400, match: {channel: t0}, severity: critical, summary: Hot}
"""


def since_midnight(clock: str) -> int:
    hour, minute = clock.split(":")
    return MIDNIGHT + int(hour) * HOUR + int(minute) * MINUTE


def correct(plant: Clockwork, channel: str, clock: str, value: float, correction: int = 1) -> None:
    """Let a corrected reading of a time arrive now."""
    plant.send(reading(channel, since_midnight(clock), value, "°C", correction=correction))


def lives(plant: Clockwork) -> dict[str, list[str]]:
    """Return what began and ended each alert, in order."""
    found = defaultdict(list)
    for alert, kind in plant.rows(
        "SELECT alert, kind FROM alert_event WHERE kind IN ('firing', 'resolved') ORDER BY id"
    ):
        found[alert].append(kind)
    return dict(found)


# --- limits -------------------------------------------------------------------------------------------------------


def test_solid_a2_a_limit_that_is_added_again_is_not_woken_by_a_correction_of_what_it_fired_for(
    started: Started,
) -> None:
    plant = started("09:00", LIMITS + DESK)
    plant.at("09:01", t0=500)
    plant.configure(WITHOUT_HOT + DESK)
    plant.at("09:03")
    plant.configure(LIMITS + DESK)
    plant.at("09:04")
    correct(plant, "t0", "09:01", 510)
    plant.restart()
    plant.at("09:05")

    assert plant.told() == ["09:01 day: hot firing", "09:01:30 day: hot resolved after 0min"]
    assert plant.rows("SELECT rule, value FROM late_breach") == [("hot", 510)]
    assert list(lives(plant).values()) == [["firing", "resolved"]]

    plant.at("09:06", t0=500)
    assert plant.told()[2:] == ["09:06 day: hot firing"]


def test_solid_a2_a_new_limit_is_not_woken_by_what_was_read_before_it(started: Started) -> None:
    plant = started("20:00", LIMITS + DESK)
    plant.at("20:01", t2=20)
    plant.configure(LIMITS + MILD + DESK)
    plant.at("20:03")
    plant.send(reading("t2", since_midnight("00:01"), 60, "°C"))
    plant.send(reading("t2", since_midnight("20:00"), 61, "°C"))
    assert plant.told() == []
    assert plant.rows("SELECT rule, value FROM late_breach ORDER BY time") == [("mild", 60), ("mild", 61)]

    plant.send(reading("t2", since_midnight("20:02"), 62, "°C"))  # configured at 20:01
    assert plant.told() == ["20:03 day: mild firing"]


def test_solid_a2_a_limit_begins_when_it_is_configured_whatever_restarts_follow(started: Started) -> None:
    plant = started("09:00", LIMITS + DESK)
    plant.at("09:01", t0=20)
    for minute in (2, 3, 4):
        plant.at(f"09:0{minute}")
        plant.restart()
    plant.at("09:05")

    plant.send(reading("t0", since_midnight("09:01") + SECOND, 500, "°C"))
    assert plant.told() == ["09:05 day: hot firing"]


def test_solid_a2_a_state_that_is_made_again_has_the_alerts_and_who_was_on_them(started: Started) -> None:
    """Its limits judge from the first message of the journal on."""
    plant = started("09:00", LIMITS + DESK)
    plant.at("09:01", t0=500)
    plant.act("acknowledge", "hot")
    plant.at("10:00", t1=150)
    before = plant.rows("SELECT id, rule, started_at, acknowledged_by FROM alert ORDER BY id")
    plant._shut()
    for file in plant.folder.glob("state.db*"):
        file.unlink()
    plant.now += DAY
    plant._open()
    while plant.line.step():
        pass

    assert plant.rows("SELECT id, rule, started_at, acknowledged_by FROM alert ORDER BY id") == before


def test_solid_a2_a_limit_that_is_moved_to_another_channel_is_another_limit(started: Started) -> None:
    plant = started("09:00", LIMITS + DESK)
    plant.at("09:01", t0=500)
    plant.at("09:05", t2=500)
    plant.configure(LIMITS.replace("channel: t0", "channel: t2") + DESK)
    plant.at("09:06", t0=20)
    assert plant.told() == ["09:01 day: hot firing", "09:05:30 day: hot resolved after 4min"]

    plant.at("09:07", t2=500)
    [(labels,)] = plant.rows("SELECT labels FROM alert WHERE ended_at IS NULL")
    assert json.loads(labels)["channel"] == "t2"
    assert plant.told()[2:] == ["09:07 day: hot firing"]


def test_solid_a2_no_alert_is_over_before_it_began(started: Started) -> None:
    plant = started("09:00", LIMITS + DESK)
    plant.send(reading("t0", plant.now + 100 * SECOND, 500, "°C"))
    plant.configure(WITHOUT_HOT + DESK)
    plant.tick(plant.now + SECOND)

    [(lasted,)] = plant.rows("SELECT ended_at - started_at FROM alert")
    assert lasted == 0


def test_solid_a2_an_open_alert_that_no_rule_has_open_ends(started: Started) -> None:
    plant = started("09:00", LIMITS + DESK)
    plant.at("09:01", t0=500)
    plant.state.connection.execute("UPDATE rule_state SET alert = ''")
    plant.is_rebuilt = False  # which no step says
    plant.restart()
    plant.at("09:02")
    assert plant.told()[1:] == ["09:01:30 day: hot resolved after 0min"]

    plant.at("09:03", t0=500)
    assert plant.told()[2:] == ["09:03 day: hot firing"]


def test_solid_a2_a_rule_whose_alert_is_lost_goes_on(started: Started) -> None:
    plant = started("09:00", LIMITS + DESK)
    plant.at("09:01", t0=500)
    plant.state.connection.execute("DELETE FROM alert")
    plant.is_rebuilt = False  # which no step says
    plant.restart()
    plant.at("09:03", t0=20)
    plant.at("09:04", t0=500)

    assert [line for line in plant.told() if "09:04" in line] == ["09:04 day: hot firing"]


# --- conditions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", ["2min", "30min"])
def test_solid_a2_no_instant_is_judged_twice_where_the_delay_is_raised(started: Started, delay: str) -> None:
    plant = started("09:00", HEAT + DESK)
    plant.at("09:00", t0=500)
    plant.at("09:01", t0=20)
    plant.at("09:02")
    assert plant.told() == ["09:00 day: heat firing", "09:02 day: heat resolved after 2min"]

    plant.configure(HEAT.replace("severity", f"delay: {delay}, severity") + DESK)
    correct(plant, "t0", "09:00", 510)
    correct(plant, "t0", "09:01", 510)
    plant.at("09:40")

    # What was judged is over; the next instant is judged when its delay is over, by what is known then.
    began = plant.rows("SELECT started_at FROM alert ORDER BY started_at")
    assert began[1:] == [(since_midnight("09:03"),)]
    assert list(lives(plant).values()) == [["firing", "resolved"], ["firing"]]


def test_solid_a2_every_and_delay_may_change_while_an_alert_is_open(started: Started) -> None:
    plant = started("09:00", HEAT + DESK)
    plant.at("09:01", t0=500)
    for k, grid in enumerate(("every: 7s", "delay: 10min", "every: 1h, delay: 3min", "every: 90s")):
        plant.configure(HEAT.replace("severity", f"{grid}, severity") + DESK)
        plant.at(f"09:{10 + 5 * k}", t0=500)
    plant.at("09:40", t0=20)
    plant.at("09:45")

    assert [line.split(" day: ")[1].split(" after")[0] for line in plant.told()] == [
        "heat firing",
        "heat resolved",
    ]


def test_solid_a2_a_new_condition_judges_no_instant_before_it_was_configured(started: Started) -> None:
    plant = started("09:00", DESK)
    plant.at("09:01", t0=500)
    plant.at("09:10", t0=20)
    plant.configure(HEAT.replace("severity", "delay: 30min, severity") + DESK)
    plant.at("10:30")

    assert plant.rows("SELECT count(*) FROM alert") == [(0,)]


def test_solid_a2_a_condition_that_was_away_begins_anew(started: Started) -> None:
    """What came meanwhile is neither an alert nor a retroactive event."""
    plant = started("09:00", HEAT + DESK)
    plant.at("09:05", t0=20)
    plant.configure(DESK)
    plant.at("09:10", t0=500)
    plant.at("09:12", t0=20)
    plant.configure(HEAT + DESK)
    plant.at("09:20", t0=20)
    plant.send(reading("t0", since_midnight("09:11"), 500, "°C"))
    plant.at("09:40")

    assert plant.told() == []
    assert plant.rows("SELECT count(*) FROM alert_event") == [(0,)]


# --- our clock ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [2 * HOUR, 365 * DAY], ids=["two hours", "a year"])
def test_solid_a2_a_clock_that_ran_ahead_and_is_put_back_silences_nothing(
    started: Started, ahead: int
) -> None:
    """Gateways ran by the same wrong clock; an alert was told of it, and one had been shelved."""
    routes = "routes:\n  - {receivers: [day], group_wait: 0s, group_interval: 10min, repeat_interval: 4h}\n"
    rules = LIMITS + HEAT.removeprefix("\nalerts:\n")
    plant = started("09:00", rules + routes)
    plant.at("09:01", t0=20, t1=20)
    plant.now += ahead
    for value in (500, 20, 500, 20, 500, 20):
        plant.tick(plant.now + MINUTE)
        plant.send(*(reading(name, plant.now, value, "°C") for name in ("t0", "t1")))
    plant.now -= ahead
    plant.at("09:30", t0=20, t1=20)
    heard = len(plant.told())

    plant.at("09:45", t0=500, t1=500)
    plant.at("10:20", t0=500)
    assert {rule for (rule,) in plant.rows("SELECT rule FROM alert WHERE ended_at IS NULL")} == {
        "heat", "hot", "warm",
    }  # fmt: skip
    told = " ".join(plant.told()[heard:])
    assert all(f"{rule} firing" in told for rule in ("heat", "hot", "warm"))
    for life in lives(plant).values():
        assert life in (["firing"], ["firing", "resolved"])


def test_solid_a2_a_shelf_of_a_clock_that_ran_ahead_ends(started: Started) -> None:
    plant = started("09:00", LIMITS)
    plant.at("09:01", t0=20)
    plant.now += 30 * DAY
    for value in (500, 20, 500, 20, 500):
        plant.tick(plant.now + MINUTE)
        plant.send(reading("t0", plant.now, value, "°C"))
    assert plant.rows("SELECT status FROM alert WHERE ended_at IS NULL") == [("silenced",)]
    plant.now -= 30 * DAY
    plant.restart()
    plant.tick(plant.now + MINUTE)

    [(until,)] = plant.rows("SELECT snoozed_until FROM alert WHERE ended_at IS NULL")
    assert until <= plant.now + SHELF


def test_solid_a2_the_id_of_an_alert_is_of_one_rule_subject_and_instant(started: Started) -> None:
    """Where our clock stands at an instant twice, the second alert is the first one, and what lasts begins another."""
    plant = started("09:00", HEAT + DESK)
    plant.at("09:00", t0=500)
    plant.at("09:01", t0=20)
    plant.at("09:02")
    correct(plant, "t0", "09:01", 500)
    plant.now -= 10 * MINUTE
    plant.at("09:00")
    assert plant.rows("SELECT id, ended_at FROM alert") == [
        (alert_id("heat/park-a/works/t0", since_midnight("09:00")), since_midnight("09:02"))
    ]

    plant.at("09:01")
    assert plant.rows("SELECT started_at FROM alert WHERE ended_at IS NULL") == [(since_midnight("09:01"),)]
    assert plant.told()[2:] == ["09:01 day: heat firing"]

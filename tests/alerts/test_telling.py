"""Who hears of an alert through the whole line: the clock of the park on the left, what was told on the right."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from alerts.tables.alerts import alert_id
from alerts.tables.links import Link, read_link
from alerts.telling.groups import event_id
from tests.alerts.clockwork import (
    BEHIND,
    DESK,
    EITHER_WAY,
    KEY,
    LIMITS,
    MIDNIGHT,
    ROTA,
    Clockwork,
    Started,
    clock,
)
from tests.semantics.world import DAY, HOUR, MINUTE, SECOND, reading

# --- without routes: each alert alone, at once, to every webhook ----------------------------------------------------


def test_without_routes_every_webhook_is_told_of_each_transition_at_once(started: Started) -> None:
    plant = started("09:00", LIMITS)
    plant.at("09:01", t0=500, t1=150)
    plant.at("09:03", t0=20)
    plant.at("15:00")

    everybody = ("boss", "day", "night")
    assert plant.told() == [
        *(f"09:01 {who}: {rule} firing" for who in everybody for rule in ("hot", "warm")),
        *(f"09:03 {who}: hot resolved after 2min" for who in everybody),
    ]


def test_an_alert_that_begins_and_ends_within_one_message_is_told_as_both_in_order(started: Started) -> None:
    """Each transition has an id, that of its alert and kind, and waits behind those of its own alert only."""
    plant = started("09:00", LIMITS)
    begin = plant.now
    plant.send(*(reading("t0", begin + k * SECOND, value, "°C") for k, value in enumerate((500, 20, 510))))

    first, second = alert_id("hot", begin), alert_id("hot", begin + 2 * SECOND)
    rows = plant.rows("SELECT event_id, alert FROM webhook WHERE endpoint = 'boss' ORDER BY id")
    assert rows == [
        (event_id(first, "alert.firing"), first),
        (event_id(first, "alert.resolved"), first),
        (event_id(second, "alert.firing"), second),
    ]
    values = [body["data"]["value"] for _, who, _, body in plant.bodies() if who == "boss"]
    assert values == [500, 20, 510]
    assert len(set(plant.rows("SELECT event_id FROM webhook"))) == 3


def test_without_routes_a_maintenance_window_and_quiet_hours_hold_what_is_expected(started: Started) -> None:
    calm = (
        "maintenance:\n  - {name: clean, match: ['rule=\"hot\"'], reason: Probe, hours: 09:00-10:00}\n"
        "quiet:\n  - {receivers: [day, night], hours: 09:00-11:00}\n"
    )
    plant = started("09:00", LIMITS + calm)
    plant.at("09:01", t0=500, t1=150)
    plant.at("09:02", t1=20)
    plant.at("09:03", t1=150)
    plant.at("11:30", t1=20)

    everybody = ("boss", "day", "night")
    assert sorted(plant.told()) == sorted([
        "09:01 boss: warm firing",
        "09:02 boss: warm resolved after 1min",
        "09:03 boss: warm firing",
        *(f"10:00 {who}: hot firing" for who in everybody),
        *(f"11:00 {who}: warm firing" for who in ("day", "night")),
        *(f"11:30 {who}: warm resolved after 147min" for who in everybody),
    ])  # fmt: skip


@contextmanager
def dying(plant: Clockwork) -> Iterator[None]:
    def dies(_point: str) -> None:
        raise RuntimeError("killed before the commit")

    plant.line._crash = dies
    with pytest.raises(RuntimeError, match="killed"):
        yield
    plant.line._crash = lambda _point: None


@EITHER_WAY
def test_a_step_that_is_rolled_back_and_a_restart_lose_nothing_and_tell_nothing_twice(
    started: Started, routes: str
) -> None:
    plant = started("09:00", LIMITS + routes)
    plant.at("09:01", t0=500)
    with dying(plant):
        plant.at("09:02", t0=20, t1=150)
    assert {line.split(": ")[1] for line in plant.told()} == {"hot firing"}
    while plant.line.step():
        pass
    plant.restart()
    plant.at("10:00")

    heard = [line.removeprefix("09:02 day: ") for line in plant.told() if "09:02 day" in line]
    assert sorted(", ".join(heard).split(", ")) == ["hot resolved after 1min", "warm firing"]
    ids = plant.rows("SELECT event_id, endpoint FROM webhook")
    assert len(set(ids)) == len(ids)


@EITHER_WAY
def test_a_step_in_which_nothing_happened_asks_one_question(started: Started, routes: str) -> None:
    plant = started("09:00", LIMITS + routes)
    plant.at("09:01", t0=500)
    plant.at("09:02")
    asked: list[str] = []

    plant.state.connection.set_trace_callback(asked.append)
    plant.line._following._watch._teller.tell(plant.now + SECOND)
    plant.state.connection.set_trace_callback(None)

    assert [re.sub(r"\s+", " ", text) for text in asked] == ["SELECT coalesce(max(id), 0) FROM alert_event"]


@EITHER_WAY
def test_every_firing_has_a_link_of_its_webhooks_own_to_acknowledge_it_by(
    started: Started, routes: str
) -> None:
    plant = started("09:00", LIMITS + routes)
    plant.at("09:01", t0=500, t1=150)
    plant.at("09:02", t0=20, t1=20)

    began = plant.now - MINUTE
    links, ends = [], 0
    for _, who, _, body in plant.bodies():
        for one in body["data"].get("alerts", [body["data"]]):
            if one["status"] == "resolved":
                assert "acknowledge" not in one.get("links", {})
                ends += 1
                continue
            token = one["links"]["acknowledge"].removeprefix("https://sm.example/a/")
            assert read_link(KEY, token) == Link(alert_id(one["rule"], began), who, began + DAY)
            links.append(token)
    assert len(set(links)) == len(links) == ends == (2 if routes else 6)


# --- a limit that flaps ---------------------------------------------------------------------------------------------


def of_day(plant: Clockwork) -> list[str]:
    """Return what the webhook `day` was told."""
    return [line.replace(" day: ", " ") for line in plant.told() if " day: " in line]


FLAPPED = [
    "09:01 hot firing",
    "09:02 hot resolved after 1min",
    "09:03 hot firing",
    "09:04 hot resolved after 1min",
]


def flapped(started: Started, routes: str) -> Clockwork:
    """Return a service whose limit fires at 09:01, 09:03 and 09:05, in a micro-batch that is cut and taken again."""
    plant = started("09:00", LIMITS + routes)
    for minute in range(1, 5):
        plant.at(f"09:0{minute}", t0=500 if minute % 2 else 20)
    with dying(plant):
        plant.at("09:05", t0=500)
    while plant.line.step():
        pass
    plant.restart()
    return plant


@EITHER_WAY
def test_a_limit_that_fires_a_third_time_is_seen_and_told_when_its_shelf_ends(
    started: Started, routes: str
) -> None:
    plant = flapped(started, routes)
    plant.at("09:34")
    assert of_day(plant) == FLAPPED
    [(status, by, until)] = plant.rows(
        "SELECT status, muted_by, snoozed_until FROM alert WHERE ended_at IS NULL"
    )
    assert (status, by, until) == ("silenced", "snooze", MIDNIGHT + 9 * HOUR + 35 * MINUTE)
    plant.restart()
    plant.at("09:40", t0=20)

    assert of_day(plant) == [*FLAPPED, "09:35 hot firing", "09:40 hot resolved after 35min"]


@EITHER_WAY
def test_nobody_hears_of_what_began_and_ended_on_the_shelf(started: Started, routes: str) -> None:
    plant = flapped(started, routes)
    plant.at("09:20", t0=20)
    plant.at("09:30", t0=500)  # the shelf of 09:05 lasts
    plant.at("09:31", t0=20)
    plant.at("10:20")
    assert of_day(plant) == FLAPPED

    plant.at("10:21", t0=500)
    assert of_day(plant) == [*FLAPPED, "10:21 hot firing"]


@EITHER_WAY
def test_late_readings_do_not_chatter(started: Started, routes: str) -> None:
    plant = started("09:00", LIMITS + routes)
    plant.at("09:01", t0=500)
    plant.at("09:06", t0=20)
    for minute in (2, 3, 4, 5):
        value = 20 if minute % 2 else 500
        plant.send(reading("t0", MIDNIGHT + 9 * HOUR + minute * MINUTE, value, "°C"))
    plant.at("09:07", t0=500)

    assert plant.rows("SELECT count(*) FROM late_breach") == [(2,)]
    assert of_day(plant) == ["09:01 hot firing", "09:06 hot resolved after 5min", "09:07 hot firing"]


@EITHER_WAY
def test_flaps_in_one_message_are_told_a_few_times(started: Started, routes: str) -> None:
    """A gateway that was away sends what it had kept."""
    plant = started("09:00", LIMITS + routes)
    plant.at("10:00")
    began = MIDNIGHT + 9 * HOUR + 50 * MINUTE
    plant.send(*(reading("t0", began + k * SECOND, 20 if k % 2 else 500, "°C") for k in range(101)))
    assert len(of_day(plant)) == (1 if routes else 4)

    plant.at("11:00", t0=20)
    assert plant.rows("SELECT count(*) FROM alert") == [(51,)]
    assert of_day(plant)[-1] == "11:00 hot resolved after 68min"


# --- the configuration changes --------------------------------------------------------------------------------------


def test_the_alert_of_a_limit_that_is_configured_no_longer_ends_at_the_next_start(started: Started) -> None:
    plant = started("09:00", LIMITS + DESK)
    plant.at("09:01", t0=500, t1=150)
    plant.at("09:05")
    plant.configure(LIMITS.replace("name: hot,", "name: hotter,") + DESK)
    plant.at("09:06")

    assert plant.told()[1:] == ["09:05:30 day: hot resolved after 4min"]
    assert plant.rows("SELECT rule, value FROM alert WHERE ended_at IS NOT NULL") == [("hot", None)]
    assert [rule for (rule,) in plant.rows("SELECT rule FROM rule_state")] == ["warm"]


def test_whoever_was_told_is_not_told_again_when_the_routes_are_written_anew(started: Started) -> None:
    plant = started("09:00", LIMITS + DESK)
    plant.at("09:01", t0=500)
    narrower = DESK.replace("receivers", "match: ['park=\"park-a\"'], group_by: [park], receivers")
    plant.configure(LIMITS + narrower + "  - {receivers: [boss]}\n")
    plant.at("09:03", t1=150)
    plant.at("09:05", t0=20)

    assert plant.told() == [
        "09:01 day: hot firing",
        "09:03 day: warm firing",
        "09:05 day: hot resolved after 4min",
    ]


def test_what_a_route_had_held_back_is_told_when_there_are_routes_no_more(started: Started) -> None:
    """One alert waits for its group, one is in a maintenance window; what was told is told to whoever does not know it."""
    window = "maintenance:\n  - {name: clean, match: ['rule=\"warm\"'], reason: Probe, hours: 09:00-12:00}\n"
    waits = '  - {match: [severity="critical"], receivers: [day], group_by: [rule], group_wait: 1h}\n'
    third = "  - {name: mild, facility: works, channel: t2, above: 50, severity: info, summary: It is mild}\n"
    plant = started("09:00", LIMITS + third + DESK.replace("routes:\n", f"routes:\n{waits}") + window)
    plant.at("09:01", t0=500, t1=150, t2=60)
    plant.at("09:02")
    assert plant.told() == ["09:01 day: mild firing"]

    plant.configure(LIMITS + third)
    plant.at("09:05", t2=20)

    told = plant.told()[1:]
    assert sorted(line for line in told if " boss: " in line) == [
        "09:02:30 boss: hot firing",
        "09:02:30 boss: mild firing",
        "09:02:30 boss: warm firing",
        "09:05 boss: mild resolved after 4min",
    ]
    assert sorted(line for line in told if " day: " in line) == [
        "09:02:30 day: hot firing", "09:02:30 day: warm firing", "09:05 day: mild resolved after 4min",
    ]  # fmt: skip
    assert plant.rows("SELECT status FROM alert WHERE ended_at IS NULL") == [("firing",), ("firing",)]


# --- on call --------------------------------------------------------------------------------------------------------


def test_the_rota_wakes_whoever_has_the_shift_then_the_boss_and_the_end_goes_to_all_who_were_told(
    started: Started,
) -> None:
    plant = started("18:00", LIMITS + ROTA)
    plant.at("18:45", t0=500)
    plant.at("20:00")
    plant.act("acknowledge", "hot")
    plant.at("29:45", t0=20)

    assert plant.told() == [
        "18:45 day: hot firing",
        "18:55 boss: hot firing (1:boss)",
        "19:45 night: hot firing (repeat 1)",
        "29:45 night: hot resolved after 660min",
        "29:45 day: hot resolved after 660min",
        "29:45 boss: hot resolved after 660min",
    ]


def test_who_acknowledges_in_time_lets_the_boss_sleep(started: Started) -> None:
    plant = started("21:00", LIMITS + ROTA)
    plant.at("21:10", t0=500)
    plant.at("21:19")
    plant.act("acknowledge", "hot")
    plant.at("24:00")

    assert plant.told() == ["21:10 night: hot firing"]


def test_quiet_hours_keep_a_warning_until_the_morning_and_let_a_critical_alert_through(
    started: Started,
) -> None:
    """A warning that is over before the morning is told to nobody."""
    quiet = "quiet:\n  - {receivers: [day], hours: 22:00-06:00}\n"
    plant = started("22:00", LIMITS + DESK + quiet)
    plant.at("22:30", t1=150)
    plant.at("23:00", t1=20)
    plant.at("23:30", t0=500)
    plant.at("26:00", t1=160)
    plant.at("30:10", t0=20)

    assert plant.told() == [
        "23:30 day: hot firing",
        "30:00 day: warm firing",
        "30:10 day: hot resolved after 400min",
    ]


def test_a_weekly_maintenance_window_keeps_what_is_expected_and_tells_what_outlasts_it(
    started: Started,
) -> None:
    window = (
        "maintenance:\n"
        "  - {name: span-gas, match: ['rule=\"warm\"'], reason: Calibration, days: [tue], hours: 14:00-14:30}\n"
    )
    plant = started("13:00", LIMITS + DESK + window)
    plant.at("14:05", t1=150)
    plant.at("14:10", t1=20)
    plant.at("14:20", t0=500, t1=150)
    plant.at("14:29")
    assert plant.rows("SELECT rule, status FROM alert WHERE ended_at IS NULL ORDER BY rule") == [
        ("hot", "firing"), ("warm", "silenced"),
    ]  # fmt: skip
    plant.at("15:00", t1=20)

    assert plant.told() == [
        "14:20 day: hot firing",
        "14:30 day: warm firing",
        "15:00 day: warm resolved after 40min",
    ]


# --- a gateway dies -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Silence:
    """After how many minutes a channel is said to be silent, and what the desk is told of the gateway by when."""

    channel: int
    told: tuple[str, ...]
    listed: tuple[int, ...]


def silent_after(minutes: int) -> str:
    return f"""
alerts:
  - {{name: gateway, expr: silence > 299, each: gateway, match: {{gateway: gw}}, severity: critical, summary: "{{gateway}}"}}
  - {{name: silent, expr: 'absent("{minutes}min")', match: {{gateway: gw}}, severity: warning, summary: "{{channel}}"}}
"""


@pytest.mark.parametrize("minutes", [5, 15], ids=["at once with its channels", "before its channels"])
def test_without_routes_a_dead_gateway_is_one_alert_and_not_sixty(started: Started, minutes: int) -> None:
    """It lists what it stands for when it is told."""
    plant = started("09:00", silent_after(minutes))
    plant.at("09:00", **{f"t{n}": 20 for n in range(BEHIND)})
    plant.at("10:00")
    everybody = ("boss", "day", "night")
    assert plant.told() == [f"09:05 {who}: gateway firing" for who in everybody]
    covered = [body["data"].get("covered_count", 0) for *_, body in plant.bodies()]
    assert covered == [BEHIND if minutes == 5 else 0] * 3
    assert plant.rows("SELECT status, count(*) FROM alert GROUP BY status") == [
        ("firing", 1),
        ("inhibited", BEHIND),
    ]

    plant.at("10:10", **{f"t{n}": 20 for n in range(BEHIND)})
    plant.at("10:12")
    assert plant.told()[3:] == [f"10:11 {who}: gateway resolved after 66min" for who in everybody]


@EITHER_WAY
def test_a_gateway_that_is_back_before_its_channels_are_is_told_alone(started: Started, routes: str) -> None:
    """One channel stays away, and is told of five minutes later; a restart in between changes nothing."""
    plant = started("09:00", silent_after(5) + routes)
    plant.at("09:00", **{f"t{n}": 20 for n in range(BEHIND)})
    plant.at("09:30", t0=20)  # the gateway is heard again
    plant.at("09:33", **{f"t{n}": 20 for n in range(BEHIND - 1)})
    plant.restart()
    plant.at("09:40")

    heard = [line for line in plant.told() if " day: " in line]
    assert [line.split(" after ")[0] for line in heard] == [
        "09:05 day: gateway firing",
        "09:31 day: gateway resolved",
        "09:36 day: silent firing",
        "09:38 day: gateway firing",
    ]
    [told] = [body for at, who, _, body in plant.bodies() if clock(at) == "09:36" and who == "day"]
    assert told["data"]["labels"]["channel"] == f"t{BEHIND - 1}"


@pytest.mark.parametrize(
    "case",
    [
        Silence(5, ("09:05 day: gateway firing",), (60,)),
        Silence(15, ("09:05 day: gateway firing", "10:05 day: gateway firing (repeat 1)"), (0, 60)),
    ],
    ids=["at once with its channels", "before its channels"],
)
def test_a_dead_gateway_is_one_alert_that_lists_its_sixty_silent_channels(
    started: Started, case: Silence
) -> None:
    rules = silent_after(case.channel)
    routes = "routes:\n  - {receivers: [day], group_by: [facility], group_wait: 0s, group_interval: 0s, repeat_interval: 1h}\n"
    plant = started("09:00", rules + routes)
    plant.at("09:00", **{f"t{n}": 20 for n in range(BEHIND)})
    plant.at("10:05" if len(case.told) > 1 else "09:30")

    assert plant.told() == list(case.told)
    alerts = [body["data"]["alerts"][0] for *_, body in plant.bodies()]
    assert [one.get("covered_count", 0) for one in alerts] == list(case.listed)
    assert len({one["channel"] for one in alerts[-1]["covered"]}) == BEHIND
    assert plant.rows("SELECT status, count(*) FROM alert GROUP BY status") == [
        ("firing", 1),
        ("inhibited", 60),
    ]

    plant.at("10:10", **{f"t{n}": 20 for n in range(BEHIND)})
    plant.at("10:12")
    assert plant.told()[-1] == "10:11 day: gateway resolved after 66min"
    assert not [line for line in plant.told() if "silent" in line]


OUTAGE = """
alerts:
  - {name: gateway-offline, use: gateway-offline, match: {gateway: gw}}
  - {name: gateway-silent, use: gateway-silent, match: {gateway: gw}, parameters: {silent_for: 5min}}
  - {name: gap, expr: 'absent("4min")', match: {channel: t0}, severity: warning, summary: "{channel} is not read"}
  - {name: hot, expr: value > 400, match: {channel: "t*"}, severity: critical, summary: "{channel} is hot"}
"""


@EITHER_WAY
def test_solid_b8_2_a_gateway_that_says_that_it_is_away_and_then_is_silent_is_one_page(
    started: Started, routes: str
) -> None:
    plant = started("09:00", OUTAGE + routes)
    plant.at("09:00", t0=20)
    plant.at("09:01", t0=20)
    plant.publish({"online": False}, leaf="status")
    plant.at("09:30")
    assert of_day(plant) == ["09:01:30 gateway-offline firing"]
    shown = plant.rows("SELECT rule, status FROM alert WHERE ended_at IS NULL ORDER BY rule")
    assert shown == [("gap", "inhibited"), ("gateway-offline", "firing"), ("gateway-silent", "inhibited")]

    plant.publish({"online": True}, leaf="status")
    plant.at("09:30", t0=20)
    plant.at("09:33", t0=20)
    assert [line.split(" ", 1)[1].split(" after")[0] for line in of_day(plant)[1:]] == [
        "gateway-offline resolved"
    ]


def test_solid_b8_3_a_limit_that_was_passed_is_told_at_once_though_its_gateway_was_just_away(
    started: Started,
) -> None:
    routes = "routes:\n  - {receivers: [day], group_wait: 0s, group_interval: 5min}\n"
    plant = started("09:00", OUTAGE + routes)
    plant.at("09:00", t0=20, t1=20)
    plant.at("09:01", t0=20, t1=20)
    plant.publish({"online": False}, leaf="status")
    plant.at("09:20")
    plant.publish({"online": True}, leaf="status")
    plant.at("09:20", t0=500, t1=20)
    plant.at("09:22", t0=500, t1=500)
    plant.at("09:23")

    assert [line.split(" after")[0] for line in of_day(plant)] == [
        "09:01:30 gateway-offline firing",
        "09:20:30 gateway-offline resolved",
        "09:21 hot firing",
        "09:23 hot firing",
    ]

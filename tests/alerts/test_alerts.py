"""A judgement becomes an alert, a line for InfluxDB and one frozen webhook for each endpoint, all or nothing."""

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.judging.lifecycle import Phase
from alerts.tables.alerts import alert_id
from alerts.tables.links import Link, read_link
from alerts.tables.rule_states import rule_states, save_rule_states
from alerts.telling.groups import event_id
from plant.park import Bilingual, Condition
from plant.vocabulary import NEVER, NS_PER_DAY
from tests.notify.state import GRID, STACK, endpoint, judged, new_state, plant, stood

DESK, PAGER = endpoint("desk"), endpoint("pager")
TOLD = plant(DESK, PAGER)
T0 = 1_795_500_000_000_000_000  # 2026-11-24T06:00:00Z
T1 = T0 + 90_500_000_000


@pytest.fixture
def line(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(new_state(tmp_path / "state.db")) as connection:
        yield connection


def applied(line, *transitions, rule: Condition = STACK, alert="", told=TOLD, now=T1, **more):
    return judged(line, told, rule, *transitions, before=stood(rule, told, alert), now=now, **more)


def bodies(line: sqlite3.Connection, name: str = "desk") -> list[dict]:
    rows = line.execute("SELECT body FROM webhook WHERE endpoint = ? ORDER BY id", (name,))
    return [json.loads(body) for (body,) in rows]


def test_a_firing_is_an_open_alert_with_its_rules_texts_filled_in(line):
    applied(line, (True, T0, 13.25))

    row = line.execute(
        'SELECT rule, status, severity, started_at, ended_at, value, "limit", unit, summary FROM alert'
    )
    assert row.fetchall() == [
        (
            *("stack-co2", "firing", "critical", T0, None, 13.25, 12.5, "%"),
            "stack1/co2 at mill, nam-cau-kien: 13.25 % is above 12.5 %",
        )
    ]


def test_a_resolved_alert_keeps_its_texts_and_shows_the_value_that_resolved_it(line):
    alert = applied(line, (True, T0, 13.25))
    after = applied(line, (False, T1, 12.0), alert=alert)

    assert after is None
    row = line.execute("SELECT status, started_at, ended_at, value, summary FROM alert").fetchone()
    assert row == ("resolved", T0, T1, 12.0, "stack1/co2 at mill, nam-cau-kien: 13.25 % is above 12.5 %")


def test_the_rules_state_names_the_alert_that_is_open(line):
    applied(line, (True, T0, 13.0))

    [stored] = rule_states(line).values()
    assert (stored.state, stored.judged, stored.alert) == (Phase.FIRING, T0, alert_id("stack-co2", T0))


def test_the_rules_state_has_its_shelf(line):
    wanted = replace(stood(STACK, TOLD, shelved_until=T1), fired=(NEVER, T0 - 1, T0))
    save_rule_states(line, [wanted])

    assert rule_states(line) == {("stack-co2", "channel nam-cau-kien/mill/stack1/co2 %"): wanted}


def test_an_alert_of_a_rule_that_is_shelved_is_snoozed_by_nobody_and_told_when_that_ends(line):
    shelved = stood(STACK, TOLD, shelved_until=T1)
    alert = judged(line, TOLD, STACK, (True, T0, 13.0), before=shelved, now=T0)
    assert bodies(line) == []
    events = line.execute("SELECT kind, actor, detail FROM alert_event WHERE alert = ?", (alert,)).fetchall()
    assert [(kind, by) for kind, by, _ in events] == [("firing", ""), ("snoozed", "")]
    assert json.loads(events[1][2]) == {"until": T1}
    assert line.execute("SELECT status, muted_by, snoozed_until FROM alert").fetchall() == [
        ("silenced", "snooze", T1)
    ]

    applied(line, now=T1, alert=alert)
    assert [(body["type"], body["data"]["id"]) for body in bodies(line)] == [("alert.firing", alert)]


def test_an_open_alert_stays_open_while_its_state_is_unknown(line):
    alert = applied(line, (True, T0, 13.0))
    assert (
        judged(line, TOLD, STACK, (math.nan, T1, math.nan), before=stood(STACK, TOLD, alert), now=T1) == alert
    )

    [stored] = rule_states(line).values()
    assert (stored.state, stored.alert) == (Phase.UNKNOWN, alert)
    assert line.execute("SELECT status FROM alert").fetchall() == [("firing",)]
    assert len(bodies(line)) == 1


def test_every_transition_is_told_to_every_endpoint_once_and_in_order(line):
    applied(line, (True, T0, 13.0), (False, T0 + 1, 12.0), (True, T1, 14.0))

    told = line.execute("SELECT endpoint, alert, event_id FROM webhook ORDER BY endpoint, id").fetchall()
    first, second = alert_id("stack-co2", T0), alert_id("stack-co2", T1)
    events = [(first, "alert.firing"), (first, "alert.resolved"), (second, "alert.firing")]
    assert told == [
        (name, alert, event_id(alert, kind)) for name in ("desk", "pager") for alert, kind in events
    ]


def test_the_body_has_the_shape_that_was_promised(line):
    alert = applied(line, (True, T0, 2.5), (False, T1, 1.5), rule=GRID, api_url="https://stackmeter.example")
    assert alert is None

    data = {
        "id": alert_id("grid-rate", T0),
        "rule": "grid-rate",
        "status": "firing",
        "severity": "warning",
        "started_at": "2026-11-24T06:00:00Z",
        "ended_at": None,
        "value": 2.5,
        "comparison": ">",
        "limit": 2.0,
        "unit": "t/h",
        "labels": {"park": "nam-cau-kien", "facility": "mill", "source": "grid"},
        "summary": "grid emits 2.5 t/h",
        "description": "Ask the shift leader.",
        "texts": {
            "summary": {"vi": "grid emits 2,5 t/h", "en": "grid emits 2.5 t/h"},
            "description": {"vi": "Ask the shift leader.", "en": "Ask the shift leader."},
            "passed": {"vi": "trên ngưỡng 2,0 t/h", "en": "above 2.0 t/h"},
        },
        "links": {"alerts": "https://stackmeter.example/v1/alerts"},
    }
    ended = {"status": "resolved", "ended_at": "2026-11-24T06:01:30.5Z", "value": 1.5, "duration_s": 90.5}
    assert bodies(line) == [
        {"type": "alert.firing", "timestamp": "2026-11-24T06:00:00Z", "data": data},
        {"type": "alert.resolved", "timestamp": "2026-11-24T06:01:30.5Z", "data": data | ended},
    ]


def test_all_endpoints_get_the_same_bytes_where_there_are_no_links(line):
    applied(line, (True, T0, 13.0))

    assert line.execute("SELECT count(DISTINCT body), count(*) FROM webhook").fetchone() == (1, 2)


def test_a_firing_has_a_link_to_acknowledge_it_by_and_its_end_has_none(line):
    applied(line, (True, T0, 13.0), (False, T1, 12.0), api_url="https://sm.example", key=b"key")

    alert = alert_id("stack-co2", T0)
    for name in ("desk", "pager"):
        firing, resolved = (body["data"]["links"] for body in bodies(line, name))
        address, token = firing["acknowledge"].rsplit("/", 1)
        assert address == "https://sm.example/a"
        assert read_link(b"key", token) == Link(alert, name, T0 + NS_PER_DAY)
        assert resolved == {"alerts": "https://sm.example/v1/alerts"}


def test_bw15_ids_are_constant_and_without_a_dot():
    """They go into a signature whose parts are joined by dots, and a receiver knows an event again by them."""
    assert alert_id("stack.co2", T0) == "alert_1b19524c013be38786387fa559fd5ecd"
    assert event_id("a", "alert.firing") == "event_672c01f47c3ba86395984d47a7dbfc92"


def test_ids_differ_where_the_rule_the_time_or_the_transition_does():
    assert len({alert_id("a", 1), alert_id("a", 11), alert_id("a1", 1), alert_id("b", 1)}) == 4
    assert event_id("a", "alert.firing") != event_id("a", "alert.resolved")


def test_a_transaction_that_fails_leaves_nothing(line):
    with pytest.raises(UnicodeEncodeError):
        applied(
            line,
            (True, T0, 13.0),
            told=replace(TOLD, webhooks=(DESK, replace(PAGER, name="\ud800"))),
            late=((1, 13.0),),
        )

    counts = "SELECT (SELECT count(*) FROM {}) + (SELECT count(*) FROM {}) + (SELECT count(*) FROM {})"
    assert line.execute(counts.format("alert", "webhook", "influx_alert")).fetchone() == (0,)
    assert line.execute(counts.format("rule_state", "late_breach", "webhook")).fetchone() == (0,)


def test_a_late_breach_is_noted_once_and_told_to_nobody(line):
    applied(line, late=((5, 13.0), (6, 14.0)))
    applied(line, late=((5, 13.0),))

    assert line.execute("SELECT * FROM late_breach").fetchall() == [
        ("stack-co2", 5, 13.0),
        ("stack-co2", 6, 14.0),
    ]
    assert line.execute("SELECT count(*) FROM webhook").fetchone() == (0,)
    assert line.execute("SELECT count(*) FROM influx_alert").fetchone() == (0,)


def test_influxdb_is_told_of_each_transition_with_state_1_and_0(line):
    applied(line, (True, T0, 13.0), (False, T1, 12.0))

    key = "alert,facility=mill,park=nam-cau-kien,rule=stack-co2,severity=critical"
    assert [row[0] for row in line.execute("SELECT line FROM influx_alert ORDER BY id")] == [
        f"{key} state=1.0,value=13.0,limit=12.5 {T0}",
        f"{key} state=0.0,value=12.0,limit=12.5 {T1}",
    ]


@pytest.mark.parametrize(
    "template",
    ["{value.__class__}", "{value!r}", "{value:>99999999}", "{secret}", "{0}", "{", "%(value)s", "{{limit"],
)
def test_a_template_knows_its_placeholders_and_nothing_else(line, template: str):
    applied(line, (True, T0, 13.0), rule=replace(STACK, summary=Bilingual(template)))

    assert line.execute("SELECT summary FROM alert").fetchone() == (template,)


def test_a_word_that_looks_like_a_placeholder_is_not_filled_again(line):
    applied(
        line,
        (True, T0, 13.0),
        rule=replace(STACK, summary=Bilingual("{channel}")),
        told=plant(DESK, channel="{limit}"),
    )

    assert line.execute("SELECT summary FROM alert").fetchone() == ("{limit}",)


def test_control_characters_of_a_name_are_escaped_in_texts(line):
    """A name could otherwise forge a line in a log, colour a terminal, or turn the direction of the text."""
    told = plant(DESK, channel="a\r\nb\x1b[31m\u202e\u2028é")
    applied(line, (True, T0, 13.0), rule=replace(STACK, summary=Bilingual("{channel}")), told=told)

    assert line.execute("SELECT summary FROM alert").fetchone() == ("a\\r\\nb\\x1b[31m\\u202e\\u2028é",)

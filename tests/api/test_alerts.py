"""Alerts and silences over HTTP: what is told, what people do, and how it is refused."""

import pytest

from api.accounting import periods
from plant.vocabulary import NS_PER_MIN, NS_PER_S
from tests.api.alerts import LABELS, START, TEXTS, Alerts, routed
from tests.api.state import State


@pytest.fixture
def api(tmp_path):
    state = State(tmp_path / "state.db", routed("desk", "lan"))
    made = Alerts(state)
    yield made
    made.reader.close()
    state.close()


def ids(answer):
    return [one["id"].removeprefix("alert_").rstrip("0") for one in answer["alerts"]]


def test_an_alert_has_what_it_had_and_what_people_did(api):
    which = api.add(texts=TEXTS, ended_at=START + 90 * NS_PER_S, status="resolved", value=None)

    assert api.get("/v1/alerts") == {
        "alerts": [
            {
                "id": which, "rule": "stack-high", "status": "resolved", "severity": "critical",
                "started_at": "2026-11-24T02:50:30Z", "ended_at": "2026-11-24T02:52:00Z", "value": None, "comparison": "", "limit": 10.0,
                "unit": "mg/Nm3", "labels": LABELS, "summary": "Too much", "description": "", "texts": TEXTS,
                "duration_s": 90.0, "muted_by": None, "acknowledged_at": None, "acknowledged_by": None,
                "assigned_to": None, "snoozed_until": None,
            }
        ],
        "next": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["c", "b", "a"]),
        ({"status": "open"}, ["c", "a"]),
        ({"status": "resolved"}, ["b"]),
        ({"severity": "info"}, ["c"]),
        ({"facility": "foundry"}, ["b"]),
        ({"park": "hai-phong", "rule": "much"}, ["a"]),
        ({"park": "rhein"}, []),
    ],
)
def test_alerts_are_the_newest_first_and_all_that_is_asked_for(api, asked, found):
    api.add("a", rule="much")
    api.add(
        "b",
        started_at=START + 1,
        ended_at=START + 2,
        status="resolved",
        labels={**LABELS, "facility": "foundry"},
    )
    api.add("c", started_at=START + 3, severity="info")

    assert ids(api.get("/v1/alerts", **asked)) == found


def test_pages_follow_one_another_though_alerts_come_meanwhile(api):
    for place, name in enumerate("abcde"):
        api.add(name, started_at=START + place // 2)
    seen, cursor = [], {}

    while cursor is not None:
        page = api.get("/v1/alerts", limit=2, **cursor)
        api.add(f"f{len(seen)}", started_at=START + 60)
        seen.append(ids(page))
        cursor = {"cursor": page["next"]} if page["next"] else None

    assert seen == [["e", "d"], ["c", "b"], ["a"]]


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"status": "burning"}, "status"),
        ({"severity": "urgent"}, "severity"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "???"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "bm9uZQ"}, "cursor"),
        ({"cursor": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS5h"}, "cursor"),
        ({"sverity": "info"}, "sverity"),
        ({"park": "hai-fong"}, "park"),
        ({"rule": "nothing"}, "rule"),
    ],
)
def test_a_question_that_means_nothing_is_refused(api, asked, wrong):
    assert set(api.refused("/v1/alerts", **asked)) == {wrong}


def test_one_alert_is_told_with_all_that_happened_to_it(api):
    which = api.add()
    api.act(which, "snooze", until="2026-11-24T11:00:00+07:00", comment="coffee")
    api.later(1)
    api.act(which, "assign", to="minh")

    told = api.get(f"/v1/alerts/{which}")

    assert (told["assigned_to"], told["snoozed_until"]) == ("minh", "2026-11-24T04:00:00Z")
    assert [(one["at"], one["kind"], one["by"], one["detail"]) for one in told["events"]] == [
        ("2026-11-24T03:00:30Z", "snoozed", "lan", {"until": "2026-11-24T04:00:00Z", "comment": "coffee"}),
        ("2026-11-24T03:01:30Z", "assigned", "lan", {"to": "minh"}),
    ]


def test_an_alert_that_is_not_there_is_a_problem(api):
    for answer in (api.ask("/v1/alerts/alert_1"), api.act("alert_1")):
        assert answer.status_code == 404
        assert "alert_1" in answer.json()["detail"]
    assert api.taken == []


def test_the_first_acknowledgement_counts_and_a_second_is_told_who_it_was(api):
    which = api.add()

    first, second = api.act(which, comment="I look"), api.act(which, by="minh")

    assert (first.status_code, first.json()["outcome"]) == (200, "done")
    assert first.json()["alert"]["status"] == "acknowledged"
    assert first.json()["alert"]["acknowledged_by"] == "lan"
    assert second.status_code == 409
    assert "lan has acknowledged it at 2026-11-24T03:00:30Z" in second.json()["detail"]


def test_an_action_that_the_line_has_not_come_to_waits(api, monkeypatch):
    monkeypatch.setattr(periods, "WAIT_S", 0)
    which, api.asleep = api.add(), True

    answer = api.act(which)

    assert (answer.status_code, answer.json()["outcome"]) == (202, "waiting")
    assert answer.json()["alert"]["acknowledged_by"] is None


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"action": "resolve", "by": "lan"}, {"action"}),
        ({"action": "acknowledge"}, {"by"}),
        ({"action": "acknowledge", "by": "  "}, {"by"}),
        ({"action": "acknowledge", "by": "lan", "until": "2026-11-24T11:00:00+07:00"}, {"until"}),
        ({"action": "snooze", "by": "lan"}, {"until"}),
        ({"action": "snooze", "by": "lan", "until": "2026-11-24T11:00:00"}, {"until"}),
        ({"action": "assign", "by": "lan", "until": "x"}, {"until", "to"}),
        ({"action": "comment", "by": "lan", "comment": " "}, {"comment"}),
        ({"action": "comment", "by": "lan", "comment": "x" * 2001}, {"comment"}),
        ({"action": "comment", "by": "lan", "comment": "x", "force": True}, {"force"}),
    ],
)
def test_an_action_that_does_not_say_what_is_refused_before_it_is_kept(api, body, wrong):
    answer = api.ask(f"/v1/alerts/{api.add()}/actions", "POST", json=body)

    assert answer.status_code == 422
    assert {error["parameter"] for error in answer.json()["errors"]} == wrong
    assert api.taken == []


def test_what_the_line_refuses_is_told_with_its_reason(api):
    which = api.add(ended_at=START + NS_PER_MIN, status="resolved")

    assert "over since" in api.act(which).json()["detail"]
    assert api.act(which, "comment", comment="the damper was stuck").status_code == 200


SILENCE = {
    "match": ['facility="mill"', 'channel=~"sta.*"'], "until": "2026-11-24T12:00:00+07:00", "by": "lan",
    "comment": "probe is cleaned",
}  # fmt: skip


def test_a_silence_lasts_until_its_time_or_until_somebody_ends_it(api):
    made = api.ask("/v1/silences", "POST", json=SILENCE)
    which = made.json()["id"]

    assert made.status_code == 200
    told = {
        "id": which, "match": SILENCE["match"], "start": "2026-11-24T03:00:30Z", "until": "2026-11-24T05:00:00Z",
        "by": "lan", "comment": "probe is cleaned", "ended_by": None,
    }  # fmt: skip
    assert made.json()["silence"] == told
    assert api.get("/v1/silences") == {"silences": [told]}

    api.later(5)
    ended = api.ask(f"/v1/silences/{which}?by=minh", "DELETE")
    assert (ended.status_code, ended.json()["silence"]["ended_by"]) == (200, "minh")
    assert api.get("/v1/silences") == {"silences": []}
    assert [one["until"] for one in api.get("/v1/silences", ended="true")["silences"]] == [
        "2026-11-24T03:05:30Z"
    ]

    again = api.ask(f"/v1/silences/{which}?by=lan", "DELETE")
    assert again.status_code == 409
    assert "by minh" in again.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"match": []}, 422),
        ({"comment": ""}, 422),
        ({"until": "tomorrow"}, 422),
        ({"match": ["facility=mill"]}, 422),
        ({"until": "2026-11-24T09:00:00+07:00"}, 409),
    ],
)
def test_a_silence_that_cannot_be_is_refused(api, changes, status):
    answer = api.ask("/v1/silences", "POST", json={**SILENCE, **changes})

    assert answer.status_code == status
    assert api.get("/v1/silences", ended="true") == {"silences": []}


def test_to_end_a_silence_says_who_and_which(api):
    assert api.ask("/v1/silences/silence_1", "DELETE").status_code == 422
    assert api.ask("/v1/silences/silence_1?by=lan", "DELETE").status_code == 404


def test_a_silence_with_all_its_matchers_is_not_too_long_to_say(api):
    body = {**SILENCE, "match": [f'facility="{"x" * 190}{n}"' for n in range(20)], "comment": "ồ" * 2000}

    assert api.ask("/v1/silences", "POST", json=body).status_code == 200


def test_solid_b12_a_silence_of_a_label_that_no_alert_has_is_refused_with_the_likely_one(api):
    answer = api.ask("/v1/silences", "POST", json={**SILENCE, "match": ['facility="mill"', 'facilty="mill"']})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"parameter": "match[1]", "detail": "no alert has a label facilty (did you mean facility?)"}
    ]


def test_an_alert_of_another_program_that_cannot_be_taken_costs_itself(api):
    broken = TOLD["alerts"][0] | {"startsAt": "today"}
    wordy = TOLD["alerts"][0] | {
        "labels": {f"l{n:03}": "x" * 5000 for n in range(100)} | {"alertname": "Wordy"}
    }
    answer = api.ask("/v1/told-alerts", "POST", json={**TOLD, "alerts": [broken, *TOLD["alerts"], wordy]})

    assert (answer.status_code, answer.json()["detail"]) == (200, "3 alerts of grafana")
    assert [one.partition(":")[0] for one in answer.json()["refused"]] == ["alerts.0.startsAt"]
    assert {one["rule"] for one in api.get("/v1/alerts")["alerts"]} == {"Emissions have stopped", "Wordy"}


TOLD = {
    "receiver": "grafana", "status": "firing", "version": "1", "title": "[FIRING:1]",
    "alerts": [
        {
            "status": "firing", "labels": {"alertname": "Emissions have stopped", "severity": "critical", "team": "x"},
            "annotations": {"summary": "No\nwindow", "runbook_url": "https://example.com/a", "more": "left"},
            "startsAt": "2026-11-24T10:00:00+07:00", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "57c6", "values": {"A": 1},
        },
        {"status": "resolved", "labels": {"alertname": "Low", "severity": "page"}, "startsAt": "2026-11-24T09:00:00+07:00", "endsAt": "2026-11-24T09:30:00+07:00"},
    ],
}  # fmt: skip


def test_alerts_are_taken_as_grafana_and_alertmanager_send_them(api):
    answer = api.ask("/v1/told-alerts", "POST", json=TOLD)

    assert (answer.status_code, answer.json()["detail"]) == (200, "2 alerts of grafana")
    [view] = api.get("/v1/alerts")["alerts"]
    assert (view["rule"], view["severity"], view["summary"], view["labels"]) == (
        "Emissions have stopped", "critical", "No window", {"team": "x", "told_by": "grafana"},
    )  # fmt: skip
    assert view["texts"]["runbook"] == "https://example.com/a"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"labels": {"severity": "info"}}, "alerts.0.labels"),
        ({"startsAt": "today"}, "alerts.0.startsAt"),
        ({"status": "resolved", "endsAt": None}, "alerts.0.endsAt"),
    ],
)
def test_an_alert_without_name_or_time_is_refused(api, change, wrong):
    answer = api.ask("/v1/told-alerts", "POST", json={**TOLD, "alerts": [TOLD["alerts"][0] | change]})

    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [wrong]
    assert api.taken == []

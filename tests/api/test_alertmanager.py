"""What an Alertmanager's clients read of us, beside what a real Alertmanager answers."""

import httpx
import pytest

from tests.api.alerts import LABELS, START, Alerts, number, routed
from tests.api.state import State, plant
from tests.servers import Alertmanager, wait_until


@pytest.fixture
def api(tmp_path):
    state = State(tmp_path / "state.db", routed("desk", "lan"))
    made = Alerts(state)
    yield made
    made.reader.close()
    state.close()


@pytest.fixture
def filled(api):
    """Four open alerts (told, silenced, inhibited, acknowledged by hand) and one that is over."""
    api.add("a", labels={**LABELS, "team": "boiler"})
    api.add("b", rule="weak", severity="warning", status="silenced", muted_by="silence_1")
    api.add(
        "c", rule="weak", severity="warning", status="inhibited", muted_by=number("a"), started_at=START + 1
    )
    api.add("d", rule="late", severity="info", started_at=START - 1)
    api.act(number("d"))
    api.add("e", status="resolved", ended_at=START + 1)
    return api


def read(api, path):
    """Return the answer to a path with a query as it is written."""
    answer = api.ask(f"/api/v2/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(answer):
    return [one["annotations"]["alert"].removeprefix("alert_").rstrip("0") for one in answer]


def test_an_alert_has_alertmanagers_shape_with_our_webhooks_labels(filled):
    one = next(one for one in filled.get("/api/v2/alerts") if one["annotations"]["alert"] == number("a"))

    assert len(one.pop("fingerprint")) == 16
    assert one == {
        "labels": {**LABELS, "team": "boiler", "alertname": "stack-high", "severity": "critical"},
        "annotations": {
            "alert": number("a"), "summary": "Too much", "value": "12.5 mg/Nm3", "limit": "10 mg/Nm3",
        },
        "startsAt": "2026-11-24T02:50:30Z", "endsAt": "2026-11-24T03:05:30Z", "updatedAt": "2026-11-24T02:50:30Z",
        "generatorURL": "https://sm.example/v1/alerts", "receivers": [{"name": "shift"}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
    }  # fmt: skip


def test_what_keeps_an_alert_from_being_told_is_said(filled):
    told = {one["annotations"]["alert"]: one for one in filled.get("/api/v2/alerts")}

    assert told[number("b")]["status"]["silencedBy"] == ["silence_1"]
    assert told[number("c")]["status"]["inhibitedBy"] == [told[number("a")]["fingerprint"]]
    assert {told[number(n)]["status"]["state"] for n in "bc"} == {"suppressed"}
    assert told[number("d")]["annotations"]["acknowledged_by"] == "lan"
    assert told[number("d")]["status"]["state"] == "active"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "cbad"),
        ("active=false", "cb"),
        ("silenced=false", "cad"),
        ("inhibited=false", "bad"),
        ("unprocessed=false&muted=false", "cbad"),
        ('filter=alertname="weak"', "cb"),
        ("filter=alertname=weak", "cb"),
        ("filter=alertname%3D~%22w.*%22&filter=severity!=critical", "cb"),
        ("filter=team!~%22b.*%22", "cbd"),
        ("filter=rule=late", "d"),
        ("receiver=shif.", "a"),
        ("receiver=nobody", ""),
    ],
)
def test_alerts_are_those_that_are_asked_for(filled, query, found):
    assert "".join(names(read(filled, f"alerts?{query}"))) == found


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("filter=alertname", "filter"),
        ("filter=a=~(", "filter"),
        ("active=perhaps", "active"),
        ("active=true&active=false", "active"),
        ("silence=false", "silence"),
        ("receiver=(a%2B)%2B", "receiver"),
    ],
)
def test_a_question_that_means_nothing_is_refused(api, query, wrong):
    answer = api.ask(f"/api/v2/alerts?{query}")

    assert answer.status_code == 422, answer.text
    assert {error["parameter"] for error in answer.json()["errors"]} == {wrong}


def test_groups_are_those_in_which_receivers_are_told(filled):
    told = [
        (one["receiver"]["name"], one["labels"], "".join(names(one["alerts"])))
        for one in filled.get("/api/v2/alerts/groups")
    ]

    assert told == [
        ("desk", {"alertname": "late", "park": "hai-phong"}, "d"),
        ("desk", {"alertname": "weak", "park": "hai-phong"}, "cb"),
        ("shift", {"facility": "mill"}, "a"),
    ]
    assert [one["receiver"]["name"] for one in read(filled, "alerts/groups?receiver=shift")] == ["shift"]
    assert len(read(filled, 'alerts/groups?filter=severity="info"')) == 1


def test_without_routes_each_alert_is_a_group_and_without_webhooks_nobody_is_told(tmp_path):
    state = State(tmp_path / "bare.db", plant())
    bare = Alerts(state)
    bare.add()

    (group,) = bare.get("/api/v2/alerts/groups")
    (one,) = group["alerts"]
    assert (group["receiver"], group["labels"]) == ({"name": "nobody"}, one["labels"])
    assert bare.get("/api/v2/receivers") == [{"name": "nobody"}]
    bare.reader.close()
    state.close()


def test_silences_last_or_have_ended_in_the_last_days(api):
    body = {
        "match": ['rule="weak"', 'channel!~"s.*"'],
        "until": "2026-11-24T12:00:00+07:00",
        "by": "lan",
        "comment": "why",
    }
    which = api.ask("/v1/silences", "POST", json=body).json()["id"]

    assert api.get("/api/v2/silences") == [
        {
            "id": which, "status": {"state": "active"}, "startsAt": "2026-11-24T03:00:30Z",
            "endsAt": "2026-11-24T05:00:00Z", "updatedAt": "2026-11-24T03:00:30Z", "createdBy": "lan", "comment": "why",
            "matchers": [
                {"name": "alertname", "value": "weak", "isRegex": False, "isEqual": True},
                {"name": "channel", "value": "s.*", "isRegex": True, "isEqual": False},
            ],
        }
    ]  # fmt: skip
    assert read(api, "silences?filter=alertname=weak") != []
    assert read(api, "silences?filter=alertname=strong") == []
    api.later(125)
    assert api.get("/api/v2/silences")[0]["status"] == {"state": "expired"}
    api.later(6 * 24 * 60)
    assert api.get("/api/v2/silences") == []


def test_receivers_are_webhooks_and_rotas(api):
    assert api.get("/api/v2/receivers") == [{"name": "desk"}, {"name": "lan"}, {"name": "shift"}]


def test_a_stranger_reads_nothing_and_nobody_writes(api):
    for path in ("status", "alerts", "alerts/groups", "silences", "receivers"):
        assert api.ask(f"/api/v2/{path}", headers={}).status_code == 401
        assert api.ask(f"/api/v2/{path}", "POST", json=[]).status_code == 405


def test_a_real_alertmanager_answers_in_the_same_shapes(api):
    api.add(status="silenced", muted_by="silence_1")
    silence = {
        "match": ['rule="stack-high"'],
        "until": "2036-11-24T12:00:00+07:00",
        "by": "lan",
        "comment": "why",
    }
    api.ask("/v1/silences", "POST", json=silence)
    with Alertmanager() as server:
        ours = api.get("/api/v2/alerts")
        post = [{name: ours[0][name] for name in ("labels", "annotations", "generatorURL")}]
        httpx.post(f"{server.url}/api/v2/alerts", json=post).raise_for_status()
        (known,) = api.get("/api/v2/silences")
        new = {name: known[name] for name in ("matchers", "startsAt", "endsAt", "createdBy", "comment")}
        httpx.post(f"{server.url}/api/v2/silences", json=new).raise_for_status()
        wait_until(lambda: len(theirs(server, "alerts/groups")) == 1, "the Alertmanager shows the alert")

        for path in ("status", "alerts", "alerts/groups", "silences", "receivers"):
            missing = shape(theirs(server, path)) - shape(api.get(f"/api/v2/{path}"))
            assert (path, missing) == (path, set())


def theirs(server, path):
    return httpx.get(f"{server.url}/api/v2/{path}").json()


def shape(body, place=""):
    """Return the place and the type of every value, whatever is in a map of labels."""
    if isinstance(body, list):
        return set().union(*(shape(one, f"{place}[]") for one in body), {f"{place}[]"})
    if isinstance(body, dict) and not place.endswith(("labels", "annotations")):
        return set().union(*(shape(value, f"{place}.{key}") for key, value in body.items()))
    return {f"{place}:{type(body).__name__}"}

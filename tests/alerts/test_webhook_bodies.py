"""One alert in each shape that endpoints take, the same bytes whenever they are made."""

import json

import pytest

from alerts.tables.webhook_bodies import body

FIRING = {
    "id": "alert_1b19", "rule": "stack-co2", "status": "firing", "severity": "critical",
    "started_at": "2026-11-24T06:00:00Z", "ended_at": None, "value": 13.25, "limit": 12.5, "unit": "%",
    "labels": {"park": "nam-cau-kien", "facility": "mill", "channel": "stack1/co2", "source": "", "a-b": "x"},
    "summary": "CO2 is above its limit", "description": "",
}  # fmt: skip
RESOLVED = FIRING | {"status": "resolved", "ended_at": "2026-11-24T06:01:30.5Z", "value": 12.0}
LABELS = {
    "a_b": "x", "alertname": "stack-co2", "channel": "stack1/co2", "facility": "mill", "park": "nam-cau-kien",
    "severity": "critical",
}  # fmt: skip
API = "https://stackmeter.example"


def made(form: str, alert: dict, external_url: str = API):
    return json.loads(body(form, alert, "desk", external_url))


@pytest.mark.parametrize("form", ["alert", "alertmanager", "alertmanager-api"])
def test_a_body_is_the_same_whenever_it_is_made(form):
    assert body(form, FIRING, "desk", API) == body(form, dict(FIRING), "desk", API)
    assert b"\n" not in body(form, FIRING | {"summary": "a\r\nb"}, "desk", API)


def test_our_own_body_is_the_alert_with_links():
    assert made("alert", RESOLVED) == {
        "type": "alert.resolved",
        "timestamp": "2026-11-24T06:01:30.5Z",
        "data": {**RESOLVED, "links": {"alerts": f"{API}/v1/alerts"}},
    }
    assert made("alert", FIRING, "")["data"]["links"] == {}


def test_alertmanagers_webhook_has_the_shape_of_version_4():
    annotations = {
        "alert": "alert_1b19", "summary": "CO2 is above its limit", "value": "13.25 %", "limit": "12.5 %",
    }  # fmt: skip
    told = made("alertmanager", FIRING)

    (one,) = told.pop("alerts")
    fingerprint = one.pop("fingerprint")
    assert one == {
        "status": "firing", "labels": LABELS, "annotations": annotations, "startsAt": "2026-11-24T06:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": f"{API}/v1/alerts",
    }  # fmt: skip
    key = told.pop("groupKey")
    assert key.startswith('{}:{a_b="x", alertname="stack-co2", ')
    assert told == {
        "version": "4", "truncatedAlerts": 0, "status": "firing", "receiver": "desk", "groupLabels": LABELS,
        "commonLabels": LABELS, "commonAnnotations": annotations, "externalURL": API,
    }  # fmt: skip
    assert len(fingerprint) == 16


def test_a_firing_and_its_end_have_one_fingerprint_and_one_group():
    firing, resolved = made("alertmanager", FIRING), made("alertmanager", RESOLVED)

    assert firing["groupKey"] == resolved["groupKey"]
    assert firing["alerts"][0]["fingerprint"] == resolved["alerts"][0]["fingerprint"]
    assert resolved["alerts"][0]["endsAt"] == "2026-11-24T06:01:30.5Z"
    other = made("alertmanager", FIRING | {"rule": "other"})
    assert other["alerts"][0]["fingerprint"] != firing["alerts"][0]["fingerprint"]


def test_alertmanagers_api_gets_an_end_only_where_there_is_one():
    assert [set(one) for one in made("alertmanager-api", FIRING, "")] == [
        {"labels", "annotations", "startsAt"}
    ]
    (resolved,) = made("alertmanager-api", RESOLVED)
    assert (resolved["labels"], resolved["endsAt"]) == (LABELS, "2026-11-24T06:01:30.5Z")
    assert resolved["generatorURL"] == f"{API}/v1/alerts"


def test_an_unknown_value_is_null_and_never_0():
    unknown = FIRING | {"value": None}

    assert made("alert", unknown)["data"]["value"] is None
    assert "value" not in made("alertmanager", unknown)["alerts"][0]["annotations"]


def test_bw17_names_stay_text_in_json():
    """Quotes and line ends are escaped by JSON; what a chat would read as markup is escaped for chats alone."""
    nasty = 'a"b\r\n<!here> @channel </script>'
    for form in ("alert", "alertmanager", "alertmanager-api"):
        raw = body(form, FIRING | {"summary": nasty}, "desk", API)
        assert b"\r" not in raw
        assert nasty in json.dumps(json.loads(raw), ensure_ascii=False).encode().decode("unicode_escape")

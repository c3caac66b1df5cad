"""How endpoints stand, what was tried, what was given up, and sending it again."""

from contextlib import closing

import pytest

from alerts.tables import webhook_acts
from alerts.tables.webhook_acts import Delivery, DropEvents
from alerts.tables.webhooks import WebhookOutbox, address_of
from store.once import keyed_id
from tests.api.state import AS_OF, TOKEN
from tests.notify.state import endpoint

S = 10**9


@pytest.fixture
def outbox(state):
    """Three events: one delivered, one dead, one waiting; the pager answered 410."""
    rows = [("e1", "desk", "a", 0), ("e2", "desk", "b", 1), ("e3", "pager", "c", 2)]
    state.db.executemany(
        "INSERT INTO webhook (event_id, endpoint, alert, body, created, due) VALUES (?, ?, ?, '{}', ?, 0)",
        [(event, name, alert, AS_OF - 90 * S + age) for event, name, alert, age in rows],
    )
    state.db.commit()
    with closing(WebhookOutbox(state.path)) as found:
        found.mark_delivered(1, Delivery(1, "desk", "e1", AS_OF, 204, "", 7))
        found.mark_failed(2, AS_OF, Delivery(2, "desk", "e2", AS_OF, 503, "HTTP 503", 8), dead=True)
        gone = address_of(endpoint())
        found.mark_failed(3, AS_OF, Delivery(3, "pager", "e3", AS_OF + S, 410, "HTTP 410", 9), gone=gone)
        yield found


def post(api, body):
    return api.ask("/v1/webhooks/replay", "POST", json=body)


def test_each_endpoint_stands_with_what_waits_and_what_was_given_up(api, outbox):
    assert api.get("/v1/webhooks")["webhooks"] == [
        {
            "endpoint": "desk", "configured": False, "waiting": 0, "oldest_s": None, "delivered": 1, "failed": 1,
            "dead": 1, "disabled": False, "last_error": "HTTP 503", "last_delivered": "2026-11-24T03:00:30Z",
        },
        {
            "endpoint": "pager", "configured": False, "waiting": 1, "oldest_s": pytest.approx(90), "delivered": 0,
            "failed": 1, "dead": 0, "disabled": True, "last_error": "HTTP 410", "last_delivered": None,
        },
    ]  # fmt: skip


def test_attempts_are_told_the_newest_first_by_endpoint_and_event(api, outbox):
    tried = api.get("/v1/webhooks/deliveries")["deliveries"]

    assert [(one["event"], one["status"], one["took_ms"]) for one in tried] == [
        ("e3", 410, 9),
        ("e2", 503, 8),
        ("e1", 204, 7),
    ]
    chosen = api.get("/v1/webhooks/deliveries", endpoint="desk", event="e2", limit=1)["deliveries"]
    assert [one["event"] for one in chosen] == ["e2"]
    assert "endpoint" in api.refused("/v1/webhooks/deliveries", endpoint="dest")


def test_attempts_are_told_by_the_alert_that_they_told_of_alone_or_with_others(api, outbox, state):
    about = [(1, "f", "fire"), (2, "f", "fire"), (2, "g", "smoke")]
    state.db.executemany(
        "INSERT INTO webhook_about (webhook, fingerprint, alert, endpoint, is_end) VALUES (?, ?, ?, 'desk', 0)",
        about,
    )
    state.db.commit()

    def events(alert):
        return [one["event"] for one in api.get("/v1/webhooks/deliveries", alert=alert)["deliveries"]]

    assert (events("fire"), events("smoke"), events("water")) == (["e2", "e1"], ["e2"], [])


def test_an_attempt_without_an_answer_has_no_status(api, outbox):
    outbox.note(Delivery(None, "desk", "heartbeat_1", AS_OF, 0, "ReadError", 7))

    assert api.get("/v1/webhooks/deliveries", event="heartbeat_1")["deliveries"][0]["status"] is None


def test_the_dead_are_listed(api, outbox):
    (dead,) = api.get("/v1/webhooks/dead")["dead"]

    assert (dead["event"], dead["alert"], dead["attempts"], dead["error"]) == ("e2", "b", 1, "HTTP 503")
    assert api.get("/v1/webhooks/dead", endpoint="pager") == {"dead": []}


def test_a_replay_of_the_dead_makes_them_due_under_their_ids(api, outbox):
    answer = post(api, {"dead_only": True})

    assert (answer.status_code, answer.json()) == (200, {"replayed": 1, "detail": ""})
    assert [one.event_id for one in outbox.due("desk", AS_OF, 1)] == ["e2"]
    assert api.get("/v1/webhooks/dead") == {"dead": []}


def test_a_replay_enables_an_endpoint_that_answered_410(api, outbox):
    assert post(api, {"endpoint": "pager"}).json()["replayed"] == 1

    assert not api.get("/v1/webhooks")["webhooks"][1]["disabled"]


def test_a_replay_can_be_of_a_time(api, outbox):
    body = {"since": "2026-11-24T02:59:00Z", "until": "2026-11-24T02:59:00.000000002Z"}

    assert post(api, body).json() == {"replayed": 2, "detail": ""}


def test_a_replay_of_what_is_kept_no_more_says_so(api, outbox):
    since = "2026-08-01T00:00:00Z"

    detail = post(api, {"endpoint": "desk", "since": since}).json()["detail"]

    assert detail == "what was delivered and made before 2026-08-26T03:00:30Z is not kept"
    refused = post(api, {"event": "e9"})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"parameter": "event", "detail": "no such event is kept: what was delivered is, for 90 days"}
    ]


def test_only_what_was_given_up_is_dropped(api, outbox):
    assert api.ask("/v1/webhooks/drop", "POST", json={"endpoint": "desk"}).json() == {"dropped": 1}

    assert api.get("/v1/webhooks/dead") == {"dead": []}
    assert post(api, {"event": "e1"}).json()["replayed"] == 1
    assert post(api, {"event": "e2"}).status_code == 422
    assert [one.event_id for one in outbox.due("pager", AS_OF, 1)] == ["e3"]


@pytest.mark.parametrize("body", [{}, {"endpoint": None}, {"dead_only": True}, {"endpoint": "dest"}])
def test_a_drop_that_does_not_say_what_is_refused_and_changes_nothing(api, outbox, body):
    assert api.ask("/v1/webhooks/drop", "POST", json=body).status_code == 422
    assert len(outbox.dead()) == 1


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "endpoint"),
        ({"endpoint": None}, "endpoint"),
        ({"endpoint": "dest"}, "endpoint"),
        ({"since": "2026-11-24T03:00:00"}, "since"),
        ({"endpiont": "desk"}, "endpiont"),
    ],
    ids=["nothing chosen", "nothing chosen in words", "no such endpoint", "no zone", "unknown key"],
)
def test_a_replay_that_does_not_say_what_is_refused_and_changes_nothing(api, outbox, body, wrong):
    answer = post(api, body)

    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [wrong]
    assert len(outbox.dead()) == 1


@pytest.mark.parametrize("path", ["replay", "drop"])
def test_solid_b12_what_is_asked_of_the_outbox_again_with_its_key_is_done_once(api, outbox, state, path):
    def ask(key, **body):
        headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
        return api.ask(f"/v1/webhooks/{path}", "POST", headers=headers, json=body)

    first = ask("k", endpoint="desk")
    outbox.mark_failed(2, AS_OF, Delivery(2, "desk", "e2", AS_OF, 503, "HTTP 503", 8), dead=True)
    stored = state.db.execute("SELECT * FROM webhook ORDER BY id").fetchall()
    api.as_of += 60 * S
    again = ask("k", endpoint="desk")

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert state.db.execute("SELECT * FROM webhook ORDER BY id").fetchall() == stored
    assert ask("k", endpoint="pager").status_code == 422
    assert ask("k2", endpoint="desk").status_code == 200
    assert state.db.execute("SELECT count(*) FROM webhook_request").fetchone() == (2,)


def test_solid_b12_what_was_asked_with_keys_is_kept_90_days_and_bounded(outbox, state, monkeypatch):
    monkeypatch.setattr(webhook_acts, "MOST_ASKED", 3)
    for place in range(6):
        outbox.once(keyed_id("lan", str(place), ""), AS_OF + place, DropEvents())
    kept = state.db.execute("SELECT at FROM webhook_request ORDER BY at").fetchall()
    assert kept == [(AS_OF + place,) for place in (2, 3, 4, 5)]
    outbox.once(keyed_id("lan", "later", ""), AS_OF + 91 * 24 * 3600 * S, DropEvents())
    assert state.db.execute("SELECT count(*) FROM webhook_request").fetchone() == (1,)

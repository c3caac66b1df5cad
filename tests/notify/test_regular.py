"""Heartbeats and repetitions come at their interval, are never made up for, and stop when they should."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
import standardwebhooks

from alerts.tables.webhooks import WebhookOutbox
from notify.regular import Heartbeat
from plant.networks import PRIVATE
from plant.park import Plant, Webhook
from plant.vocabulary import NS_PER_MIN
from tests.notify.state import GRID, SECRET, Clock, endpoint, plant
from tests.servers import WebhookReceiver


@pytest.fixture
def beating(webhook_receiver: WebhookReceiver) -> Plant:
    return plant(replace(endpoint(url=webhook_receiver.url), heartbeat=NS_PER_MIN))


@pytest.fixture
def alertmanager(webhook_receiver: WebhookReceiver) -> Plant:
    """Give a plant that forwards to something that listens like an Alertmanager."""
    return plant(
        Webhook(
            "am", f"{webhook_receiver.url}/", "", PRIVATE, kind="alertmanager-api", format="alertmanager-api"
        )
    )


def test_a_heartbeat_is_signed_and_has_an_id_of_its_own(bench, beating, webhook_receiver):
    with closing(bench.sender(beating)) as sender:
        sender.step()
        bench.clock.move(60)
        sender.step()

    first, second = webhook_receiver.requests
    body = standardwebhooks.Webhook(SECRET).verify(first.body, first.headers)
    assert (body["type"], body["data"]) == ("heartbeat", {"service": "stackmeter"})
    ids = [request.headers["webhook-id"] for request in (first, second)]
    assert len(set(ids)) == 2
    assert all(one.startswith("heartbeat_") and "." not in one for one in ids)


def test_a_heartbeat_comes_once_an_interval_and_one_that_failed_is_not_sent_later(
    bench, beating, webhook_receiver
):
    webhook_receiver.script(500)
    with closing(bench.sender(beating)) as sender:
        for seconds in (0, 30, 29.9):
            bench.clock.move(seconds)
            sender.step()
        assert len(webhook_receiver.requests) == 1
        bench.clock.move(0.1)
        sender.step()
        bench.clock.move(600)  # ten were missed
        sender.step()

    assert len(webhook_receiver.requests) == 3
    assert bench.line.execute("SELECT count(*) FROM webhook").fetchone() == (0,)
    with closing(WebhookOutbox(bench.database)) as outbox:
        assert [(one.webhook, one.error) for one in outbox.deliveries()] == [(None, "HTTP 500")]


def test_heartbeats_go_on_beside_events(bench, beating, webhook_receiver):
    bench.raise_alert(beating, 1)
    with closing(bench.sender(beating)) as sender:
        assert sender.step() == 1

    types = [json.loads(request.body)["type"] for request in webhook_receiver.requests]
    assert types == ["heartbeat", "alert.firing"]


def test_there_are_no_heartbeats_unless_asked_for(bench, webhook_receiver):
    with closing(bench.sender(plant(endpoint(url=webhook_receiver.url)))) as sender:
        sender.step()

    assert webhook_receiver.requests == []


def test_a_clock_that_went_back_does_not_stop_the_heart(bench):
    clock, heart = Clock(), Heartbeat(replace(endpoint(), heartbeat=NS_PER_MIN))
    with closing(WebhookOutbox(bench.database)) as outbox:
        assert heart.due(outbox, clock())
        clock.move(-86_400)
        assert heart.due(outbox, clock())
        assert heart.due(outbox, clock()) is None


def posted(receiver: WebhookReceiver) -> list[list[tuple[str, bool]]]:
    """Return (rule, whether it ended) of all alerts, for each request."""
    bodies = [json.loads(request.body) for request in receiver.requests]
    return [[(one["labels"]["alertname"], "endsAt" in one) for one in body] for body in bodies]


def test_an_alertmanager_is_posted_unsigned_alerts_at_its_api(bench, alertmanager, webhook_receiver):
    bench.raise_alert(alertmanager, 1)
    with closing(bench.sender(alertmanager)) as sender:
        sender.step()

    (request,) = webhook_receiver.requests
    assert request.path == "/api/v2/alerts"
    assert not any(name.startswith("webhook-") for name in request.headers)


def test_what_fires_is_repeated_each_minute_until_its_end_is_on_the_way(
    bench, alertmanager, webhook_receiver
):
    with closing(bench.sender(alertmanager)) as sender:
        sender.step()
        bench.raise_alert(alertmanager, 1)
        bench.raise_alert(alertmanager, 1, 2, GRID)
        sender.step()
        for _ in range(2):
            bench.clock.move(60)
            sender.step()
        assert posted(webhook_receiver) == [
            [("stack-co2", False)],
            [("grid-rate", False)],
            [("grid-rate", True)],
            [("stack-co2", False)],
            [("stack-co2", False)],
        ]


def test_a_restart_goes_on_repeating(bench, alertmanager, webhook_receiver):
    bench.raise_alert(alertmanager, 1)
    bench.raise_alert(alertmanager, 1, 2, GRID)
    with closing(bench.sender(alertmanager)) as sender:
        sender.step()
    seen = len(webhook_receiver.requests)

    with closing(bench.sender(alertmanager)) as restarted:
        restarted.step()

    assert posted(webhook_receiver)[seen:] == [[("stack-co2", False)]]


def test_what_ends_while_the_alertmanager_refuses_is_not_repeated_as_firing(
    bench, alertmanager, webhook_receiver
):
    bench.raise_alert(alertmanager, 1, 2)
    webhook_receiver.script(204, 500)
    with closing(bench.sender(alertmanager)) as sender:
        sender.step()  # the end is refused
        bench.clock.move(60)
        sender.step()

    assert posted(webhook_receiver) == [
        [("stack-co2", False)],
        [("stack-co2", True)],
        [("stack-co2", True)],
    ]

"""Receivers that are away, broken, gone or slow, and what comes of every event meanwhile (docs/faults.md, F-110 to F-118)."""

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
import standardwebhooks

from alerts.engine.telling import Teller
from alerts.tables.alerts import alert_id
from alerts.tables.webhooks import WebhookOutbox
from notify.schedule import DELAYS
from plant.alerting import Escalation, Hours, Rota, Route, Routing, Shift
from plant.networks import PRIVATE
from plant.park import Plant, Webhook
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN
from store.sqlite import transaction
from tests.notify.state import GRID, OTHER_SECRET, SECRET, Bench, endpoint, of_line, plant, running
from tests.servers import RESET, Answer, Request, WebhookReceiver, wait_until

NEW_SECRET = "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWNyZXQ="
TARPIT_S = 10.0  # below what one attempt may take, far above what the others need

HTTP_2_GOODBYE = bytes.fromhex("0000000400000000000000080700000000000000000000000001")  # SETTINGS, GOAWAY


@pytest.fixture
def outbox(bench: Bench) -> Iterator[WebhookOutbox]:
    with closing(WebhookOutbox(bench.database)) as found:
        yield found


@pytest.fixture
def told(webhook_receiver: WebhookReceiver) -> Plant:
    return plant(endpoint(url=f"{webhook_receiver.url}/hook"))


def order(requests: list[Request], alert: str) -> list[str]:
    data = [json.loads(request.body)["data"] for request in requests]
    return [one["status"] for one in data if one["id"] == alert]


def test_f110_500_transitions_while_the_receiver_is_away_six_hours_arrive_once_each_and_in_order(
    bench, told, webhook_receiver
):
    webhook_receiver.stop()
    starts = range(1, 501, 2)
    with closing(bench.sender(told)) as sender:
        for batch in range(10):  # 6 h, 25 alerts that begin and end in each tenth of it
            for start in starts[batch * 25 : batch * 25 + 25]:
                bench.raise_alert(told, start, start + 1)
            sender.step()
            bench.clock.move(6 * 360)
        webhook_receiver.start()
        bench.clock.move(DELAYS[7])
        sender.step()

    ids = [request.headers["webhook-id"] for request in webhook_receiver.requests]
    assert (len(ids), len(set(ids)), bench.waiting()) == (500, 500, 0)
    for start in starts:
        alert = alert_id("stack-co2", start)
        assert order(webhook_receiver.requests, alert) == ["firing", "resolved"]


def test_f111_a_tarpit_and_a_flood_hold_up_nobody_else(bench, webhook_receiver, pager):
    """What one attempt may cost at most is tested with the client, as BW-12."""
    with WebhookReceiver() as flood:
        told = plant(
            endpoint("tarpit", webhook_receiver.url),
            endpoint("flood", flood.url, OTHER_SECRET),
            endpoint("pager", pager.url, NEW_SECRET),
        )
        webhook_receiver.default = Answer(204, delay=TARPIT_S)
        flood.default = Answer(200, body=bytes(1_000_000))
        for start in range(20):
            bench.raise_alert(told, start, rule=of_line(start))

        with running(bench.sender(told)):
            pager.wait_for(20)
            flood.wait_for(20)
            assert len(webhook_receiver.requests) <= 1, "the pager waited for the tarpit"

    errors = bench.line.execute("SELECT DISTINCT error FROM webhook WHERE endpoint = 'flood'").fetchall()
    assert errors == [("AnswerTooLongError: an answer of more than 65536 bytes",)]


@pytest.mark.parametrize(
    ("answers", "attempts_at"),
    [
        ([500] * 7, [0, 5, 20, 80, 380, 2_180, 9_380, 27_380]),
        ([Answer(429, {"Retry-After": "30"})], [0, 30]),
        ([Answer(301, {"Location": "http://127.0.0.1/"})], [0, 5]),
        ([400, 404], [0, 5, 20]),
        ([RESET], [0, 5]),
        ([204], [0]),
        ([200], [0]),
        ([Answer(100)], [0, 5]),
    ],
    ids=["500 x7", "429", "301", "4xx", "reset", "204", "200", "1xx"],
)
def test_f112_attempts_follow_the_table_until_one_is_taken(
    bench, told, webhook_receiver, outbox, answers, attempts_at
):
    webhook_receiver.script(*answers)
    bench.raise_alert(told, 1)
    began, now = bench.clock(), 0

    with closing(bench.sender(told)) as sender:
        for at in attempts_at:
            bench.clock.move(at - now)
            now = at
            assert sender.step() == 1
        bench.clock.move(86_400)
        assert sender.step() == 0

    logged = [round((one.at - began) / 1e9) for one in reversed(outbox.deliveries())]
    assert logged == attempts_at
    assert {request.path for request in webhook_receiver.requests} == {"/hook"}


def test_f112_410_disables_and_a_replay_enables(bench, told, webhook_receiver, outbox):
    webhook_receiver.script(410)
    bench.raise_alert(told, 1)
    with closing(bench.sender(told)) as sender:
        sender.step()
        bench.clock.move(10 * 86_400)
        assert sender.step() == 0
        assert outbox.replay(bench.clock(), endpoint="desk") == 1
        assert sender.step() == 1

    assert [one.status for one in outbox.deliveries()] == [204, 410]


def test_f112_an_alert_that_is_always_refused_parks_itself_alone(bench, told, webhook_receiver):
    webhook_receiver.script(400)
    bench.raise_alert(told, 1, 2)
    bench.raise_alert(told, 1, 2, GRID)

    with closing(bench.sender(told)) as sender:
        sender.step()

    assert order(webhook_receiver.requests, alert_id("stack-co2", 1)) == ["firing"]
    assert order(webhook_receiver.requests, alert_id("grid-rate", 1)) == ["firing", "resolved"]


def test_f112_what_is_refused_for_ever_is_given_up_after_all_steps(bench, told, webhook_receiver, outbox):
    webhook_receiver.default = Answer(422)
    bench.raise_alert(told, 1)

    three_days_away(bench, told)

    assert len(webhook_receiver.requests) == len(DELAYS)
    assert [(one.attempts, one.error) for one in outbox.dead()] == [(len(DELAYS), "HTTP 422")]


def test_f112_what_answers_no_http_is_tried_again(bench, outbox):
    """One that speaks HTTP/2 alone says goodbye, another speaks something else; then it is taken."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = plant(endpoint(url=f"http://127.0.0.1:{listener.getsockname()[1]}/hook"))
        answers = [HTTP_2_GOODBYE, b"220 mail.example ESMTP\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"]

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    while not connection.recv(65536).endswith(b"}"):
                        pass
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        bench.raise_alert(told, 1)
        with closing(bench.sender(told)) as sender:
            for seconds in (0, 5, 15):
                bench.clock.move(seconds)
                assert sender.step() == 1
        thread.join(10)

    assert [one.error for one in outbox.deliveries()] == ["", "RemoteProtocolError", "RemoteProtocolError"]


@pytest.mark.parametrize("known", [SECRET, NEW_SECRET])
def test_f117_a_receiver_with_either_secret_takes_all_while_it_changes(bench, webhook_receiver, known):
    """Four configurations, as they follow each other; only with both secrets do both kinds of receivers verify."""
    before = endpoint(url=webhook_receiver.url)
    during = replace(before, secret=NEW_SECRET, previous_secret=SECRET)
    for start in range(1, 21):
        one = during if start > 1 else replace(during, secret=SECRET, previous_secret=NEW_SECRET)
        told = plant(one)
        bench.raise_alert(told, start)
        with closing(bench.sender(told)) as sender:
            sender.step()

    assert len(webhook_receiver.requests) == 20
    for request in webhook_receiver.requests:
        assert standardwebhooks.Webhook(known).verify(request.body, request.headers)
        assert len(request.headers["webhook-signature"].split(" ")) == 2


def test_f117_after_the_change_the_old_secret_verifies_nothing(bench, webhook_receiver):
    told = plant(replace(endpoint(url=webhook_receiver.url), secret=NEW_SECRET))
    bench.raise_alert(told, 1)
    with closing(bench.sender(told)) as sender:
        sender.step()

    (request,) = webhook_receiver.requests
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(request.body, request.headers)


def three_days_away(bench: Bench, told: Plant) -> None:
    with closing(bench.sender(told)) as sender:
        for seconds in DELAYS:
            bench.clock.move(seconds)
            sender.step()


def test_f118_after_three_days_events_are_dead_and_listed_and_a_replay_delivers_them(
    bench, told, webhook_receiver, outbox, caplog
):
    webhook_receiver.stop()
    began = bench.clock()
    bench.raise_alert(told, 1)
    bench.raise_alert(told, 1, rule=GRID)

    three_days_away(bench, told)

    dead = outbox.dead()
    assert {one.alert for one in dead} == {alert_id("stack-co2", 1), alert_id("grid-rate", 1)}
    assert all(one.attempts == len(DELAYS) and one.dead - began >= 3 * 86_400 * 10**9 for one in dead)
    assert "given up" in caplog.text
    with closing(bench.sender(told)) as sender:
        (state,) = sender.statistics()
        assert (state.waiting, state.dead, state.failed) == (0, 2, 2 * len(DELAYS))
        webhook_receiver.start()
        assert sender.step() == 0
        assert outbox.replay(bench.clock(), dead_only=True) == 2
        assert sender.step() == 2
        assert sender.statistics()[0].dead == 0

    assert {request.headers["webhook-id"] for request in webhook_receiver.requests} == {
        one.event_id for one in dead
    }


def test_f118_who_is_next_is_told_of_an_alert_whose_first_receiver_is_dead(
    bench, webhook_receiver, pager, outbox
):
    always = Hours(tuple(range(7)), 0, 24 * 60)
    rota = Rota(
        "on-call", ZoneInfo("UTC"), (Shift("desk", always),), (Escalation(15 * NS_PER_MIN, ("pager",)),)
    )
    route = Route("", (), ("on-call",), (), True, 0, NS_PER_MIN, 365 * NS_PER_DAY, False)
    two = plant(endpoint("desk", webhook_receiver.url), endpoint("pager", pager.url, OTHER_SECRET))
    told = replace(two, routing=Routing((route,), rotas=(rota,)))
    webhook_receiver.stop()
    bench.raise_alert(told, bench.clock())
    with closing(bench.sender(told)) as sender:
        sender.step()
        assert pager.requests == []
        bench.clock.move(15 * 60)
        with transaction(bench.line):
            Teller(told, bench.line, "").tell(bench.clock())
        sender.step()

    (request,) = pager.requests
    assert json.loads(request.body)["data"]["rule"] == "stack-co2"
    three_days_away(bench, told)
    assert [one.endpoint for one in outbox.dead()] == ["desk"]
    webhook_receiver.start()
    assert outbox.replay(bench.clock(), dead_only=True) == 1
    with closing(bench.sender(told)) as sender:
        sender.step()
    assert len(webhook_receiver.requests) == 1


def test_f118_the_next_event_of_a_dead_one_s_alert_goes_on(bench, told, webhook_receiver, outbox):
    webhook_receiver.stop()
    bench.raise_alert(told, 1, 2)
    three_days_away(bench, told)
    webhook_receiver.start()
    bench.clock.move(DELAYS[1])

    with closing(bench.sender(told)) as sender:
        sender.step()

    assert order(webhook_receiver.requests, alert_id("stack-co2", 1)) == ["resolved"]
    assert len(outbox.dead()) == 1


def test_the_sender_forgets_what_was_delivered_90_days_ago_and_no_event_that_waits(
    bench, told, webhook_receiver, outbox
):
    webhook_receiver.script(*[204] * 2, *[500] * 100)
    bench.raise_alert(told, 1, 2)
    with closing(bench.sender(told)) as sender:
        sender.step()
        bench.raise_alert(told, 3, 4, GRID)
        sender.step()
        bench.clock.move(89 * 86_400)
        sender.step()
        assert bench.line.execute("SELECT count(*) FROM webhook").fetchone() == (4,)
        bench.clock.move(2 * 86_400)
        sender.step()

    left = bench.line.execute("SELECT alert, delivered IS NULL FROM webhook").fetchall()
    assert left == [(alert_id("grid-rate", 3), True)] * 2
    assert {one.at for one in outbox.deliveries()} == {bench.clock() - 2 * 86_400 * 10**9, bench.clock()}


def test_what_was_delivered_long_ago_is_forgotten_while_it_runs_though_its_endpoint_is_gone(bench, told):
    bench.raise_alert(told, 1, 2)
    bench.line.execute("UPDATE webhook SET delivered = created, created = 0")

    with running(bench.sender(plant())):
        wait_until(
            lambda: bench.line.execute("SELECT count(*) FROM webhook").fetchone() == (0,), "it is forgotten"
        )


def test_errors_in_the_log_hold_no_secret(bench, webhook_receiver, outbox):
    url = webhook_receiver.url.replace("http://", "http://user:canary1@") + "/canary2?token=canary3"
    told = plant(Webhook("desk", url, SECRET, PRIVATE))
    webhook_receiver.script(500, RESET)
    bench.raise_alert(told, 1)
    with closing(bench.sender(told)) as sender:
        for seconds in (0, 5, 15):
            bench.clock.move(seconds)
            if seconds == 15:
                webhook_receiver.stop()
            sender.step()

    said = repr(outbox.deliveries()) + repr(bench.line.execute("SELECT * FROM endpoint_state").fetchall())
    assert "Connection refused" in said
    assert "canary" not in said
    assert SECRET[6:20] not in said


def test_the_delivery_log_of_a_state_that_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        WebhookOutbox(tmp_path / "no-such-folder" / "state.db")

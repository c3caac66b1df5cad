"""Every event reaches every endpoint, in order, with one id and one body, however the endpoints behave."""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate

import pytest
import standardwebhooks

from alerts.tables.alerts import alert_id
from alerts.tables.webhooks import EndpointState, WebhookOutbox
from alerts.telling.groups import event_id
from notify.sender import WebhookSender
from notify.webhook import Attempt, EndpointError, WebhookClient
from plant.park import Plant, Webhook
from tests.notify.state import (
    GRID,
    OTHER_SECRET,
    SECRET,
    endpoint,
    of_line,
    plant,
    running,
)
from tests.servers import RESET, Answer, Request, WebhookReceiver

DAY = 86_400.0


@pytest.fixture
def told(webhook_receiver: WebhookReceiver) -> Plant:
    return plant(endpoint(url=f"{webhook_receiver.url}/hook"))


def statuses(requests: list[Request]) -> list[tuple[str, str]]:
    """Return (alert's id, status) of each request."""
    data = [json.loads(request.body)["data"] for request in requests]
    return [(one["id"], one["status"]) for one in data]


def verified(request: Request, one: Webhook) -> object:
    """Verify against the time of signing: a test's clock may be far from the real one."""
    stamp = request.headers["webhook-timestamp"]
    signer = standardwebhooks.Webhook(one.secret)
    signed = signer.sign(request.headers["webhook-id"], _moment(stamp), request.body.decode())
    assert signed == request.headers["webhook-signature"]
    return json.loads(request.body)


def _moment(stamp: str) -> datetime:
    return datetime.fromtimestamp(int(stamp), UTC)


def test_firing_and_resolved_arrive_in_order_and_signed_for_each_endpoint(bench, webhook_receiver, pager):
    desk = endpoint("desk", webhook_receiver.url)
    phone = endpoint("pager", pager.url, OTHER_SECRET)
    told = plant(desk, phone)
    bench.raise_alert(told, 1, 2)

    with closing(bench.sender(told)) as sender:
        assert sender.step() == 4

    for receiver, one in ((webhook_receiver, desk), (pager, phone)):
        bodies = [standardwebhooks.Webhook(one.secret).verify(r.body, r.headers) for r in receiver.requests]
        assert [body["type"] for body in bodies] == ["alert.firing", "alert.resolved"]
    assert bench.waiting() == 0


def test_a_webhook_holds_its_texts_in_both_languages(bench, told, webhook_receiver):
    bench.raise_alert(told, 1, rule=GRID)
    with closing(bench.sender(told)) as sender:
        sender.step()

    data = json.loads(webhook_receiver.requests[0].body)["data"]
    same = {name: {"vi": data[name], "en": data[name]} for name in ("summary", "description")}
    assert data["texts"] == {**same, "passed": {"en": "above 2 t/h", "vi": "trên ngưỡng 2 t/h"}}
    assert data["description"] == "Ask the shift leader."


def test_a_webhook_is_sent_once(bench, told, webhook_receiver):
    bench.raise_alert(told, 1)
    with closing(bench.sender(told)) as sender:
        assert [sender.step(), sender.step()] == [1, 0]

    with closing(bench.sender(told)) as restarted:
        assert restarted.step() == 0


def test_every_attempt_has_the_same_id_and_bytes_and_a_time_and_signature_of_its_own(
    bench, told, webhook_receiver
):
    webhook_receiver.script(500, 500, RESET)
    bench.raise_alert(told, 1)

    with closing(bench.sender(told)) as sender:
        for seconds in (0, 5, 15, 60):
            bench.clock.move(seconds)
            assert sender.step() == 1

    requests = webhook_receiver.requests
    assert [r.answered for r in requests] == [500, 500, 0, 204]
    assert {(r.headers["webhook-id"], r.body) for r in requests} == {
        (event_id(alert_id("stack-co2", 1), "alert.firing"), requests[0].body)
    }
    stamps = [int(r.headers["webhook-timestamp"]) for r in requests]
    assert [stamp - stamps[0] for stamp in stamps] == [0, 5, 20, 80]
    assert len({r.headers["webhook-signature"] for r in requests}) == 4
    for request in requests:
        verified(request, told.webhooks[0])


def test_attempts_follow_the_schedule_and_not_before(bench, told, webhook_receiver):
    webhook_receiver.default = Answer(500)
    bench.raise_alert(told, 1)

    with closing(bench.sender(told)) as sender:
        sender.step()
        for seconds in (5, 15, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400):
            bench.clock.move(seconds - 0.001)
            assert sender.step() == 0
            bench.clock.move(0.001)
            assert sender.step() == 1


def test_nothing_is_given_up_within_three_days_however_often_it_was_tried(bench, told, webhook_receiver):
    webhook_receiver.default = Answer(503, {"Retry-After": "1"})
    bench.raise_alert(told, 1)

    with closing(bench.sender(told)) as sender:
        for _ in range(20):
            assert sender.step() == 1
            bench.clock.move(1)
        bench.clock.move(3 * DAY - 21)
        assert (sender.step(), bench.waiting()) == (1, 1)
        bench.clock.move(1)
        assert (sender.step(), bench.waiting()) == (1, 0)


def test_a_resolved_waits_for_its_failing_firing_while_another_alert_goes_on(bench, told, webhook_receiver):
    stack, grid = alert_id("stack-co2", 1), alert_id("grid-rate", 1)
    webhook_receiver.script(500)
    bench.raise_alert(told, 1, 2)
    bench.raise_alert(told, 1, 2, GRID)

    with closing(bench.sender(told)) as sender:
        sender.step()
        bench.clock.move(5)
        sender.step()

    order = [(stack, "firing"), (grid, "firing"), (grid, "resolved"), (stack, "firing"), (stack, "resolved")]
    assert statuses(webhook_receiver.requests) == order


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30), ("0", 1), ("-1", 1), ("1000000000", 600), ("abc", 5), ("1e9", 5), (None, 5)],
)
def test_a_throttled_event_waits_as_it_was_asked_to(bench, told, webhook_receiver, status, header, seconds):
    webhook_receiver.script(Answer(status, {} if header is None else {"Retry-After": header}))
    bench.raise_alert(told, 1)

    with closing(bench.sender(told)) as sender:
        sender.step()

    assert bench.seconds_until_due() == pytest.approx(seconds, abs=1e-6)


def test_a_retry_after_may_be_a_date(bench, told, webhook_receiver):
    webhook_receiver.script(
        Answer(429, {"Retry-After": formatdate(bench.clock() // 10**9 + 90, usegmt=True)})
    )
    bench.raise_alert(told, 1)

    with closing(bench.sender(told)) as sender:
        sender.step()

    assert bench.seconds_until_due() == pytest.approx(90, abs=1.001)


def test_a_retry_after_holds_for_all_events_of_the_endpoint_and_for_no_other(bench, webhook_receiver, pager):
    told = plant(endpoint("desk", webhook_receiver.url), endpoint("pager", pager.url))
    webhook_receiver.script(Answer(429, {"Retry-After": "30"}))
    bench.raise_alert(told, 1)
    bench.raise_alert(told, 1, rule=GRID)

    with closing(bench.sender(told)) as sender:
        sender.step()
        assert (len(webhook_receiver.requests), len(pager.requests)) == (1, 2)
        bench.clock.move(30)
        sender.step()

    assert len(webhook_receiver.requests) == 3


def test_410_leaves_an_endpoint_alone_over_restarts_until_a_replay_and_says_so(
    bench, webhook_receiver, pager, caplog
):
    told = plant(endpoint("desk", webhook_receiver.url), endpoint("pager", pager.url))
    webhook_receiver.script(410)
    bench.raise_alert(told, 1)
    bench.raise_alert(told, 1, rule=GRID)

    with closing(bench.sender(told)) as sender:
        sender.step()
        bench.clock.move(DAY)
        assert sender.step() == 0
        disabled = [(one.endpoint, one.disabled, one.waiting) for one in sender.statistics()]

    assert (len(webhook_receiver.requests), len(pager.requests)) == (1, 2)
    assert disabled == [("desk", True, 2), ("pager", False, 0)]
    assert "HTTP 410" in caplog.text
    with closing(bench.sender(told)) as restarted, closing(WebhookOutbox(bench.database)) as outbox:
        assert restarted.step() == 0
        outbox.replay(bench.clock(), endpoint="desk")
        assert restarted.step() == 2
        assert not restarted.statistics()[0].disabled


def test_410_of_an_old_url_does_not_hold_for_a_new_one(bench, webhook_receiver, pager):
    webhook_receiver.script(410)
    bench.raise_alert(plant(endpoint("desk", webhook_receiver.url)), 1)
    with closing(bench.sender(plant(endpoint("desk", webhook_receiver.url)))) as sender:
        sender.step()
        bench.clock.move(DAY)

    with closing(bench.sender(plant(endpoint("desk", pager.url)))) as moved:
        assert moved.step() == 1
        assert not moved.statistics()[0].disabled
    assert len(pager.requests) == 1


def test_a_slow_endpoint_does_not_hold_up_another(bench, webhook_receiver, pager):
    told = plant(endpoint("desk", webhook_receiver.url), endpoint("pager", pager.url))
    webhook_receiver.default = Answer(204, delay=2.0)
    for start in range(5):
        bench.raise_alert(told, start)

    with running(bench.sender(told)):
        pager.wait_for(5)
        assert len(webhook_receiver.requests) <= 1, "the pager waited for the desk"


def test_what_is_added_while_it_runs_is_sent_at_once(bench, told, webhook_receiver):
    with running(bench.sender(told)):
        bench.raise_alert(told, 1, 2)
        webhook_receiver.wait_for(2, patience=5)

    assert [status for _, status in statuses(webhook_receiver.requests)] == ["firing", "resolved"]


def test_a_receiver_that_was_away_gets_all_in_the_order_of_each_alert(bench, told, webhook_receiver):
    webhook_receiver.stop()
    for start in range(1, 41, 2):
        bench.raise_alert(told, start, start + 1, of_line(start))
    with closing(bench.sender(told)) as sender:
        assert sender.step() == 20
        webhook_receiver.start()
        bench.clock.move(5)
        sender.step()

    seen = statuses(webhook_receiver.requests)
    assert len({r.headers["webhook-id"] for r in webhook_receiver.requests}) == len(seen) == 40
    for start in range(1, 41, 2):
        assert [status for alert, status in seen if alert == alert_id(f"stack-{start}", start)] == [
            "firing",
            "resolved",
        ]


class Killed(BaseException):
    """The process ends here."""


def killer(point: str) -> Callable[[str], None]:
    def crash(reached: str) -> None:
        if reached == point:
            raise Killed

    return crash


@pytest.mark.parametrize(("point", "deliveries"), [("webhook_before_send", 1), ("webhook_after_2xx", 2)])
def test_a_kill_around_a_delivery_loses_nothing_and_repeats_only_the_same_id(
    bench, told, webhook_receiver, point, deliveries
):
    bench.raise_alert(told, 1)
    with closing(bench.sender(told, killer(point))) as sender, pytest.raises(Killed):
        sender.step()
    assert bench.waiting() == 1

    with closing(bench.sender(told)) as restarted:
        restarted.step()

    ids = [r.headers["webhook-id"] for r in webhook_receiver.requests]
    assert len(ids) == deliveries
    assert len(set(ids)) == 1
    assert bench.waiting() == 0


def test_solid_a_an_error_that_nobody_foresaw_is_raised_by_the_thread_of_that_endpoint_alone(
    bench, webhook_receiver, pager
):
    told = plant(endpoint("desk", webhook_receiver.url), endpoint("pager", pager.url))
    bench.raise_alert(told, 1)
    left = [Killed()]

    def crash(reached: str) -> None:
        if reached == "webhook_after_2xx" and left:
            raise left.pop()

    stop = threading.Event()
    with closing(bench.sender(told, crash)) as sender:
        works = dict(sender.workers(stop))
        with pytest.raises(Killed):
            works["webhook desk"]()
        with running(sender):  # the same works, begun again
            pager.wait_for(1)
            webhook_receiver.wait_for(2)


def test_solid_a_an_event_that_cannot_be_sent_costs_itself_alone(
    bench, told, webhook_receiver, monkeypatch, caplog
):
    """Whatever a body or an answer provokes is a failed attempt: those behind it are told."""
    post = WebhookClient.post

    def fails(client: WebhookClient, event_id: str, body: bytes, now: int) -> Attempt:
        if event_id == poison:
            raise KeyError("nobody foresaw it")
        return post(client, event_id, body, now)

    bench.raise_alert(told, 1)
    poison = bench.line.execute("SELECT event_id FROM webhook").fetchone()[0]
    monkeypatch.setattr(WebhookClient, "post", fails)
    bench.raise_alert(told, 2, rule=GRID)
    with closing(bench.sender(told)) as sender:
        assert sender.step() == 2
        [state] = sender.statistics()

    assert [one.headers["webhook-id"] == poison for one in webhook_receiver.requests] == [False]
    assert (state.failed, state.delivered, bench.waiting()) == (1, 1, 1)
    assert "please report this" in caplog.text


def test_a_busy_database_is_waited_for(bench, told, webhook_receiver, caplog):
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    left = [busy]

    def crash(_: str) -> None:
        if left:
            raise left.pop()

    with running(bench.sender(told, crash)):
        bench.raise_alert(told, 1)
        webhook_receiver.wait_for(1, patience=10)

    assert "the outbox cannot be used" in caplog.text


def test_a_clock_that_went_back_does_not_stop_anything(bench, told, webhook_receiver):
    webhook_receiver.script(Answer(503, {"Retry-After": "60"}))
    bench.raise_alert(told, 1)

    with closing(bench.sender(told)) as sender:
        sender.step()
        bench.clock.move(-2 * DAY)
        assert sender.step() == 1

    assert bench.waiting() == 0


def test_statistics_count_attempts_and_what_waits(bench, told, webhook_receiver):
    began = bench.clock()
    webhook_receiver.script(204, 500)
    bench.raise_alert(told, 1, 2)

    with closing(bench.sender(told)) as sender:
        sender.step()

        assert sender.statistics() == [
            EndpointState(
                endpoint="desk",
                delivered=1,
                failed=1,
                last_error="HTTP 500",
                last_delivered=began,
                waiting=1,
                oldest=began,
            )
        ]


def test_no_endpoints_are_no_reason_to_fail(bench):
    with closing(bench.sender(plant())) as sender:
        assert (sender.step(), sender.statistics()) == (0, [])
    with running(bench.sender(plant())):
        pass


def test_a_private_address_gets_nothing_unless_it_was_allowed(bench, told, webhook_receiver):
    secure = plant(replace(endpoint(url=webhook_receiver.url.replace("http:", "https:")), allow_private=()))
    bench.raise_alert(secure, 1)
    with closing(WebhookSender(bench.database, secure.webhooks, bench.clock, lambda _: None)) as sender:
        sender.step()
        (statistics,) = sender.statistics()

    assert statistics.last_error.startswith("AddressRefused: 127.0.0.1")
    assert webhook_receiver.requests == []


def test_a_broken_endpoint_is_refused_before_anything_is_sent(bench):
    with pytest.raises(EndpointError, match="webhook desk"):
        bench.sender(plant(endpoint(secret="whsec_short")))


def test_secrets_are_in_no_log_line_statistic_or_row(bench, webhook_receiver, caplog):
    caplog.set_level(logging.DEBUG)
    url = webhook_receiver.url.replace("http://", "http://user:canary1@") + "/canary2?token=canary3"
    told = plant(endpoint(url=url))
    webhook_receiver.script(204, 500, RESET)
    bench.raise_alert(told, 1, 2)
    with closing(bench.sender(told)) as sender:
        for _ in range(3):
            sender.step()
            bench.clock.move(DAY)
        webhook_receiver.stop()
        bench.raise_alert(told, 3)
        sender.step()
        said = [repr(sender), repr(sender.statistics())]

    rows = bench.line.execute("SELECT event_id, endpoint, alert, body, error FROM webhook").fetchall()
    everything = caplog.text + "".join(said) + repr(rows)
    assert "Connection refused" in everything
    assert "canary" not in everything
    assert SECRET[6:20] not in everything

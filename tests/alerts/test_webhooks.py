"""The outbox gives events in order, keeps them until they were delivered or given up, and logs each attempt."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alerts.tables.webhook_acts import BITE, Delivery
from alerts.tables.webhook_order import note_about
from alerts.tables.webhooks import DeadWebhook, EndpointState, WebhookOutbox, address_of
from tests.notify.state import endpoint, new_state

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
NOW = 1_000 * DAY
OLD = NOW - 91 * DAY


@pytest.fixture
def line(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(new_state(tmp_path / "state.db")) as connection:
        yield connection


@pytest.fixture
def outbox(line: sqlite3.Connection, tmp_path: Path) -> Iterator[WebhookOutbox]:
    with closing(WebhookOutbox(tmp_path / "state.db")) as found:
        yield found


def add(
    line: sqlite3.Connection,
    event: str,
    alert: str,
    endpoint: str = "desk",
    *,
    due: int = NOW,
    created: int = NOW,
):
    number = line.execute(
        "INSERT INTO webhook (event_id, endpoint, alert, body, created, due) VALUES (?, ?, ?, ?, ?, ?)",
        (event, endpoint, alert, event.encode(), created, due),
    ).lastrowid
    note_about(line, number, [{"rule": "hot", "labels": {"channel": alert}, "id": alert, "status": event}])


def due(outbox: WebhookOutbox, now: int = NOW, endpoint: str = "desk", most: int = 50) -> list[str]:
    return [row.event_id for row in outbox.due(endpoint, now, 10 * HOUR, most)]


def id_of(outbox: WebhookOutbox, event: str) -> int:
    return next(row.id for row in outbox.due("desk", NOW, 10 * HOUR) if row.event_id == event)


def attempt(event: str, error: str = "", at: int = NOW, endpoint: str = "desk", status: int = 0) -> Delivery:
    return Delivery(None, endpoint, event, at, status, error, 3)


def delivered(outbox: WebhookOutbox, event: str, at: int = NOW) -> None:
    outbox.mark_delivered(id_of(outbox, event), attempt(event, at=at))


def failed(outbox: WebhookOutbox, event: str, next_due: int = NOW, error: str = "HTTP 500", **more) -> None:
    outbox.mark_failed(id_of(outbox, event), next_due, attempt(event, error), **more)


def test_a_later_event_of_an_alert_is_not_offered_before_the_earlier_one_was_delivered(line, outbox):
    add(line, "firing", "a")
    add(line, "resolved", "a")

    assert due(outbox) == ["firing"]
    failed(outbox, "firing", NOW + HOUR)
    assert due(outbox) == []
    assert due(outbox, NOW + HOUR) == ["firing"]


def test_the_later_event_follows_once_the_earlier_one_was_delivered(line, outbox):
    add(line, "firing", "a")
    add(line, "resolved", "a")

    delivered(outbox, "firing")

    assert due(outbox) == ["resolved"]


def test_solid_b8_4_a_look_costs_no_more_the_longer_the_queue_behind_one_event_is(line, outbox):
    """Counted in steps of SQLite's machine, also where all of a queue was replayed."""

    def steps() -> int:
        counted = []
        outbox._connection.set_progress_handler(lambda: counted.append(1), 10)
        found = due(outbox)
        outbox._connection.set_progress_handler(None, 0)
        assert found == ["e0"]
        return len(counted)

    line.execute("BEGIN")
    for n in range(100):
        add(line, f"e{n}", "a")
    line.execute("COMMIT")
    before = steps()
    line.execute("BEGIN")
    for n in range(100, 2000):
        add(line, f"e{n}", "a")
    line.execute("COMMIT")

    assert steps() <= 2 * before
    assert outbox.replay(NOW) == 2000
    assert steps() <= 2 * before


def test_a_failing_alert_does_not_hold_up_another(line, outbox):
    add(line, "firing", "a", due=NOW + HOUR)
    add(line, "other", "b")

    assert due(outbox) == ["other"]


def test_an_endpoints_failure_does_not_hold_up_the_same_alert_elsewhere(line, outbox):
    add(line, "firing", "a", "desk", due=NOW + HOUR)
    add(line, "firing", "a", "pager")

    assert due(outbox, endpoint="pager") == ["firing"]


def test_the_longest_due_comes_first_and_no_more_than_asked_for(line, outbox):
    for event, time in [("b", NOW - 1), ("c", NOW), ("a", NOW - 2)]:
        add(line, event, event, due=time)

    assert due(outbox) == ["a", "b", "c"]
    assert due(outbox, most=2) == ["a", "b"]


def test_a_due_time_beyond_any_planned_wait_counts_as_come(line, outbox):
    """The clock went back: nobody shall wait until it is where it was."""
    add(line, "firing", "a", due=NOW + 10 * HOUR)
    add(line, "other", "b", due=NOW + 10 * HOUR + 1)

    assert due(outbox) == ["other"]


def test_attempts_and_the_last_error_are_kept(line, outbox):
    add(line, "firing", "a")
    failed(outbox, "firing")

    assert [row.attempts for row in outbox.due("desk", NOW, HOUR)] == [1]
    assert line.execute("SELECT error, delivered FROM webhook").fetchone() == ("HTTP 500", None)


def test_a_delivered_event_stays_with_its_time_and_without_its_error(line, outbox):
    add(line, "firing", "a")
    failed(outbox, "firing")
    delivered(outbox, "firing", NOW + 7)

    assert line.execute("SELECT delivered, attempts, error FROM webhook").fetchone() == (NOW + 7, 2, "")


def test_the_state_of_an_endpoint_counts_what_waits_and_since_when(line, outbox):
    add(line, "firing", "a", created=NOW - 9)
    add(line, "resolved", "a", created=NOW - 5)
    add(line, "firing", "a", "pager", created=NOW - 3)
    failed(outbox, "firing")
    delivered(outbox, "firing")

    assert outbox.endpoints() == {
        "desk": EndpointState("desk", 1, 1, last_delivered=NOW, waiting=1, oldest=NOW - 5),
        "pager": EndpointState("pager", waiting=1, oldest=NOW - 3),
    }


def test_the_last_error_is_that_of_the_latest_attempt(line, outbox):
    for event in ("one", "two"):
        add(line, event, event)
    delivered(outbox, "one")
    failed(outbox, "two", error="HTTP 503")

    assert outbox.endpoints()["desk"].last_error == "HTTP 503"


def test_a_dead_event_is_offered_no_more_and_holds_up_nothing(line, outbox):
    add(line, "firing", "a", created=NOW - 9)
    add(line, "resolved", "a")
    failed(outbox, "firing", dead=True)

    assert due(outbox) == ["resolved"]
    assert outbox.dead() == [DeadWebhook("firing", "desk", "a", NOW - 9, NOW, 1, "HTTP 500")]
    assert outbox.dead("pager") == []
    state = outbox.endpoints()["desk"]
    assert (state.waiting, state.dead, state.oldest) == (1, 1, NOW)


def test_a_replay_can_be_of_dead_events_only_and_begins_anew(line, outbox):
    add(line, "one", "a")
    add(line, "two", "b")
    failed(outbox, "one", dead=True)
    delivered(outbox, "two")

    assert outbox.replay(NOW + 1, dead_only=True) == 1

    (waiting,) = outbox.due("desk", NOW + 1, HOUR)
    assert (waiting.event_id, waiting.attempts, waiting.tried) == ("one", 0, None)
    assert outbox.dead() == []


def test_when_an_event_was_tried_first_is_kept_over_its_failures(line, outbox):
    add(line, "firing", "a")
    outbox.mark_failed(id_of(outbox, "firing"), NOW, attempt("firing", "HTTP 500", NOW - 7))
    outbox.mark_failed(id_of(outbox, "firing"), NOW, attempt("firing", "HTTP 500", NOW - 3))

    assert [one.tried for one in outbox.due("desk", NOW, HOUR)] == [NOW - 7]


def test_410_lasts_until_a_replay_or_another_url(line, outbox):
    old, new = endpoint("desk", "https://receiver.example/a"), endpoint("desk", "https://receiver.example/b")
    add(line, "firing", "a")
    failed(outbox, "firing", error="HTTP 410", gone=address_of(old))

    assert outbox.is_disabled("desk", address_of(old))
    assert not outbox.is_disabled("desk", address_of(new))
    assert outbox.endpoints([old])["desk"].disabled
    assert not outbox.endpoints([new])["desk"].disabled

    outbox.replay(NOW, endpoint="pager")
    assert outbox.is_disabled("desk", address_of(old))
    outbox.replay(NOW, endpoint="desk")
    assert not outbox.is_disabled("desk", address_of(old))


def test_each_attempt_is_logged_the_newest_first(line, outbox):
    add(line, "one", "a")
    add(line, "two", "b", "pager")
    failed(outbox, "one")
    delivered(outbox, "one", NOW + 1)
    outbox.note(attempt("heartbeat_1", "ReadError", NOW + 2, "pager"))

    everything = [(one.event_id, one.at, one.error, one.took_ms) for one in outbox.deliveries()]
    assert everything == [
        ("heartbeat_1", NOW + 2, "ReadError", 3),
        ("one", NOW + 1, "", 3),
        ("one", NOW, "HTTP 500", 3),
    ]
    assert [one.at for one in outbox.deliveries("desk", most=1)] == [NOW + 1]
    assert [one.event_id for one in outbox.deliveries("pager", "heartbeat_1")] == ["heartbeat_1"]
    assert outbox.deliveries("desk", "heartbeat_1") == []


def test_the_log_keeps_the_newest_attempts(outbox):
    for number in range(7):
        outbox.note(attempt(f"heartbeat_{number}"))

    while outbox.prune_deliveries(NOW, 3):
        pass

    assert [one.event_id for one in outbox.deliveries()] == ["heartbeat_6", "heartbeat_5", "heartbeat_4"]


def test_the_log_keeps_attempts_for_90_days(outbox):
    for days in (91, 90, 1):
        outbox.note(attempt(f"heartbeat_{days}", at=NOW - days * DAY))

    assert [outbox.prune_deliveries(NOW), outbox.prune_deliveries(NOW)] == [True, False]

    assert [one.event_id for one in outbox.deliveries()] == ["heartbeat_1", "heartbeat_90"]


def test_old_attempts_are_forgotten_a_bite_at_a_time(outbox):
    for number in range(BITE + 1):
        outbox.note(attempt(f"heartbeat_{number}", at=OLD))

    assert outbox.prune_deliveries(NOW)
    assert len(outbox.deliveries()) == 1


def events(line: sqlite3.Connection) -> list[str]:
    return [event for (event,) in line.execute("SELECT event_id FROM webhook ORDER BY id")]


def prune_all(outbox: WebhookOutbox, now: int = NOW) -> None:
    after = outbox.prune(now)
    while after:
        after = outbox.prune(now, after)


def test_what_was_delivered_is_kept_for_90_days(line, outbox):
    for event, days in [("old", 91), ("edge", 90), ("new", 1)]:
        add(line, event, event, created=NOW - days * DAY)
        delivered(outbox, event)

    prune_all(outbox)

    assert events(line) == ["edge", "new"]


def test_what_waits_or_was_given_up_is_never_forgotten(line, outbox):
    for event in ("waiting", "dead", "told"):
        add(line, event, event, created=OLD, due=NOW + HOUR if event == "waiting" else NOW)
    failed(outbox, "dead", dead=True)
    delivered(outbox, "told")

    prune_all(outbox, NOW + 1000 * DAY)

    assert events(line) == ["waiting", "dead"]
    assert due(outbox, NOW + HOUR) == ["waiting"]


@pytest.mark.parametrize("dead", [True, False])
def test_an_alert_s_events_stay_together_while_one_of_them_is_not_delivered(line, outbox, dead):
    """Else a replay of the beginning would tell of an alert whose end nobody would tell again."""
    for event, alert, receiver in [
        ("a1", "a", "desk"),
        ("a2", "a", "desk"),
        ("p", "a", "pager"),
        ("b", "b", "desk"),
    ]:
        add(line, event, alert, receiver, created=OLD)
    line.execute("UPDATE webhook SET delivered = 1")
    line.execute(f"UPDATE webhook SET delivered = NULL, dead = {1 if dead else 'NULL'} WHERE event_id = 'a1'")

    prune_all(outbox)

    assert events(line) == ["a1", "a2"]


def test_the_events_of_an_alert_that_goes_on_stay(line, outbox):
    """An Alertmanager is told again, after a restart, of what it was told last."""
    for alert, end in [("open", None), ("over", 7)]:
        line.execute(
            "INSERT INTO alert (id, rule, status, severity, started_at, ended_at, unit, labels, summary, description)"
            " VALUES (?, 'r', 'firing', 'info', 1, ?, '', '{}', '', '')",
            (alert, end),
        )
        add(line, f"{alert}1", alert, created=OLD)
        delivered(outbox, f"{alert}1")

    prune_all(outbox)

    assert events(line) == ["open1"]
    assert outbox.newest_delivered("desk") == {"open": b"open1"}


def test_old_events_are_forgotten_a_bite_at_a_time(line, outbox):
    for number in range(BITE + 10):
        add(line, f"e{number}", "a", created=OLD)
    line.execute("UPDATE webhook SET delivered = 1")

    after = outbox.prune(NOW)

    assert (after, len(events(line))) == (BITE, 10)
    assert outbox.prune(NOW, outbox.prune(NOW, after)) == 0
    assert events(line) == []


def test_only_what_was_given_up_is_dropped(line, outbox):
    for event, receiver in [("one", "desk"), ("two", "desk"), ("three", "pager"), ("four", "desk")]:
        add(line, event, event, receiver, created=NOW - 1 if event == "one" else NOW)
    line.execute("UPDATE webhook SET dead = 1 WHERE event_id != 'four'")

    assert outbox.drop(endpoint="desk", since=NOW) == 1
    assert events(line) == ["one", "three", "four"]
    assert outbox.drop(event_id="four") == 0
    assert outbox.drop(until=NOW) == 1
    assert events(line) == ["three", "four"]


def test_the_newest_delivered_body_of_an_alert_is_none_where_a_newer_one_was_given_up(line, outbox):
    for event, alert in [
        ("a1", "a"),
        ("a2", "a"),
        ("b1", "b"),
        ("b2", "b"),
        ("c1", "c"),
        ("d1", "d"),
        ("d2", "d"),
    ]:
        add(line, event, alert)
    for event in ("a1", "a2", "b1", "d1"):
        delivered(outbox, event)
    failed(outbox, "b2", dead=True)

    assert outbox.newest_delivered("desk") == {"a": b"a2", "d": b"d1"}
    assert outbox.waiting_alerts("desk") == {"c", "d"}


def test_a_replay_sends_delivered_events_again_in_their_order(line, outbox):
    for event in ("firing", "resolved"):
        add(line, event, "a")
        delivered(outbox, event)
    assert due(outbox) == []

    assert outbox.replay(NOW) == 2

    assert due(outbox) == ["firing"]


@pytest.mark.parametrize(
    ("chosen", "events"),
    [
        ({"endpoint": "pager"}, ["two"]),
        ({"event_id": "three"}, ["three"]),
        ({"since": NOW - 2}, ["two", "three"]),
        ({"until": NOW - 1}, ["one", "two"]),
        ({"since": NOW - 2, "until": NOW - 1}, ["two"]),
    ],
)
def test_a_replay_can_be_of_an_endpoint_an_event_or_a_time(line, outbox, chosen, events):
    for event, receiver, created in [
        ("one", "desk", NOW - 3),
        ("two", "pager", NOW - 2),
        ("three", "desk", NOW - 1),
    ]:
        add(line, event, event, receiver, created=created)
    line.execute("UPDATE webhook SET delivered = 1")

    assert outbox.replay(NOW, **chosen) == len(events)

    assert [row[0] for row in line.execute("SELECT event_id FROM webhook WHERE delivered IS NULL")] == events


def test_a_waiting_event_does_not_show_its_body(line, outbox):
    add(line, "event", "a")

    assert "b'event'" not in repr(outbox.due("desk", NOW, HOUR))

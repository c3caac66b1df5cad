"""The outbox gives events in order and keeps them until they were delivered."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from store.webhooks import Backlog, WebhookOutbox
from tests.notify.state import new_state

HOUR = 3_600_000_000_000
NOW = 1_000 * HOUR


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
    line.execute(
        "INSERT INTO webhook (event_id, endpoint, alert, body, created, due) VALUES (?, ?, ?, ?, ?, ?)",
        (event, endpoint, alert, event.encode(), created, due),
    )


def due(outbox: WebhookOutbox, now: int = NOW, endpoint: str = "desk", most: int = 50) -> list[str]:
    return [row.event_id for row in outbox.due(endpoint, now, 10 * HOUR, most)]


def id_of(outbox: WebhookOutbox, event: str) -> int:
    return next(row.id for row in outbox.due("desk", NOW, 10 * HOUR) if row.event_id == event)


def test_a_later_event_of_an_alert_is_not_offered_before_the_earlier_one_was_delivered(line, outbox):
    add(line, "firing", "a")
    add(line, "resolved", "a")

    assert due(outbox) == ["firing"]
    outbox.mark_failed(id_of(outbox, "firing"), NOW + HOUR, "HTTP 500")
    assert due(outbox) == []
    assert due(outbox, NOW + HOUR) == ["firing"]


def test_the_later_event_follows_once_the_earlier_one_was_delivered(line, outbox):
    add(line, "firing", "a")
    add(line, "resolved", "a")

    outbox.mark_delivered(id_of(outbox, "firing"), NOW)

    assert due(outbox) == ["resolved"]


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
    outbox.mark_failed(id_of(outbox, "firing"), NOW, "HTTP 500")

    assert [row.attempts for row in outbox.due("desk", NOW, HOUR)] == [1]
    assert line.execute("SELECT error, delivered FROM webhook").fetchone() == ("HTTP 500", None)


def test_a_delivered_event_stays_with_its_time_and_without_its_error(line, outbox):
    add(line, "firing", "a")
    number = id_of(outbox, "firing")
    outbox.mark_failed(number, NOW, "HTTP 500")
    outbox.mark_delivered(number, NOW + 7)

    assert line.execute("SELECT delivered, attempts, error FROM webhook").fetchone() == (NOW + 7, 2, "")


def test_the_backlog_counts_what_waits_and_since_when(line, outbox):
    add(line, "firing", "a", created=NOW - 9)
    add(line, "resolved", "a", created=NOW - 5)
    add(line, "firing", "a", "pager", created=NOW - 3)
    outbox.mark_delivered(id_of(outbox, "firing"), NOW)

    assert outbox.backlog() == {"desk": Backlog(1, NOW - 5), "pager": Backlog(1, NOW - 3)}


def test_a_replay_sends_delivered_events_again_in_their_order(line, outbox):
    for event in ("firing", "resolved"):
        add(line, event, "a")
        outbox.mark_delivered(id_of(outbox, event), NOW)
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
    for event, endpoint, created in [
        ("one", "desk", NOW - 3),
        ("two", "pager", NOW - 2),
        ("three", "desk", NOW - 1),
    ]:
        add(line, event, event, endpoint, created=created)
    line.execute("UPDATE webhook SET delivered = 1")

    assert outbox.replay(NOW, **chosen) == len(events)

    assert [row[0] for row in line.execute("SELECT event_id FROM webhook WHERE delivered IS NULL")] == events


def test_a_waiting_event_does_not_show_its_body(line, outbox):
    add(line, "event", "a")

    assert "b'event'" not in repr(outbox.due("desk", NOW, HOUR))

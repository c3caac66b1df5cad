"""What a notice says in each format, and in which order a webhook hears of a group."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from alerts.tables.alerts import Raised, begin, end
from alerts.tables.notices import MOST_COVERED, save_group, send
from alerts.tables.views import alert, alert_events, find_alerts
from store.sqlite import transaction
from tests.notify.state import endpoint, new_state

DESK = endpoint("desk")
S = 1_000_000_000
T0 = 1_795_500_000 * S  # 2026-11-24T06:00:00Z


@dataclass(frozen=True)
class Told:
    firing: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    repeat: int = 0
    id: str = "event_1"
    endpoint: str = "desk"
    receiver: str = "shift"
    group: str = '/{}:{"facility": "mill"}'
    labels: str = '{"facility": "mill"}'
    escalation: str = ""


@pytest.fixture
def line(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(new_state(tmp_path / "state.db")) as connection:
        yield connection


def raised(line, number: str, severity: str = "warning", start: int = T0, **more) -> str:
    labels = {"park": "north", "facility": "mill", "channel": f"c-{number}", **more.pop("labels", {})}
    made = Raised(number, "hot", severity, start, 5.0, 4.0, "t/h", labels, f"{number} is hot", "", **more)
    with transaction(line):
        begin(line, made)
    return number


def ended(line, number: str, time: int) -> None:
    with transaction(line):
        end(line, number, time, 3.0)


def told(line, notice: Told, form: str = "alert", covered=None) -> list[tuple[str, str, object]]:
    with transaction(line):
        send(line, replace(DESK, format=form), notice, covered or {}, now=T0, api_url="https://sm.example")
    rows = line.execute("SELECT event_id, alert, body FROM webhook ORDER BY id")
    return [(event, about, json.loads(body)) for event, about, body in rows]


def test_texts_are_in_both_languages_though_one_was_given(line):
    raised(line, "a")
    raised(
        line,
        "b",
        texts={"summary": {"vi": "b quá nóng", "en": "b is hot"}, "runbook": "https://runbook.example"},
    )

    assert alert(line, "a").texts == {"summary": {"vi": "a is hot", "en": "a is hot"}}
    assert alert(line, "b").texts == {
        "summary": {"vi": "b quá nóng", "en": "b is hot"},
        "runbook": "https://runbook.example",
    }


def test_a_transition_alone_tells_nobody(line):
    raised(line, "a")
    ended(line, "a", T0 + S)

    assert line.execute("SELECT count(*) FROM webhook").fetchone() == (0,)
    assert [event.kind for event in alert_events(line, "a")] == ["firing", "resolved"]


def test_a_notice_is_its_worst_alert_with_all_of_them_beside(line):
    for number, severity in (("a", "warning"), ("b", "critical"), ("c", "info")):
        raised(line, number, severity)
    ended(line, "c", T0 + 90 * S)
    [(event, about, body)] = told(line, Told(("a", "b"), ("c",), repeat=2))

    assert (event, about.startswith("group_"), body["type"]) == ("event_1", True, "alert.firing")
    data = body["data"]
    assert (data["id"], data["summary"], data["repeat"]) == ("b", "b is hot (and 2 more)", 2)
    assert [(one["id"], one["status"], one.get("duration_s")) for one in data["alerts"]] == [
        ("a", "firing", None), ("b", "firing", None), ("c", "resolved", 90.0)
    ]  # fmt: skip
    assert data["notice"] == {
        "receiver": "shift", "group": {"facility": "mill"}, "firing": 2, "resolved": 1, "repeat": 2, "escalation": "",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["alert", "alertmanager", "alertmanager-api"])
def test_an_alert_alone_is_told_as_itself_under_the_notices_id(line, form):
    raised(line, "a")
    [(event, about, body)] = told(line, Told(("a",), group=""), form)

    assert (event, about) == ("event_1", "a")
    if form == "alert":
        assert (body["data"]["id"], body["type"]) == ("a", "alert.firing")
        assert not {"alerts", "notice", "repeat"} & body["data"].keys()
    else:
        [one] = body["alerts"] if form == "alertmanager" else body
        assert one["labels"]["channel"] == "c-a"


def test_that_an_alert_fired_is_told_with_its_value_of_then_though_it_is_over(line):
    raised(line, "a")
    ended(line, "a", T0 + S)
    [(_, _, body)] = told(line, Told(("a",), group=""))

    assert (body["type"], body["data"]["value"], body["data"]["ended_at"]) == ("alert.firing", 5.0, None)


def test_a_firing_and_its_end_are_of_one_conversation(line):
    raised(line, "a")
    told(line, Told(("a",)))
    ended(line, "a", T0 + S)
    [(_, first, _), (_, second, body)] = told(line, Told(resolved=("a",), id="event_2"))

    assert first == second
    assert (body["type"], body["data"]["duration_s"]) == ("alert.resolved", 1.0)


def test_texts_of_a_rule_are_told_and_unknown_numbers_are_null(line):
    texts = {"summary": {"vi": "Nóng", "en": "Hot"}, "runbook": "https://runbook.example/hot"}
    made = Raised("a", "hot", "info", T0, float("nan"), float("nan"), "", {"park": "north"}, "Hot", "", texts)
    with transaction(line):
        begin(line, made)
    [(_, _, body)] = told(line, Told(("a",)))

    assert (body["data"]["value"], body["data"]["limit"], body["data"]["texts"]) == (None, None, texts)
    assert line.execute("SELECT line FROM influx_alert").fetchone() == (
        f"alert,park=north,rule=hot,severity=info state=1.0 {T0}",
    )


def test_alertmanagers_webhook_is_a_group_with_what_its_alerts_share(line):
    raised(line, "a")
    raised(line, "b")
    [(_, _, body)] = told(line, Told(("a", "b")), "alertmanager")

    assert (body["version"], body["status"], body["groupLabels"]) == ("4", "firing", {"facility": "mill"})
    assert [one["labels"]["channel"] for one in body["alerts"]] == ["c-a", "c-b"]
    assert body["commonLabels"]["facility"] == "mill"
    assert "channel" not in body["commonLabels"]


def test_an_alertmanager_is_told_of_each_alert_under_an_id_of_its_own(line):
    raised(line, "a")
    raised(line, "b")
    rows = told(line, Told(("a", "b")), "alertmanager-api")

    assert [about for _, about, _ in rows] == ["a", "b"]
    assert len({event for event, _, _ in rows}) == 2


def test_what_an_alert_covers_is_listed_up_to_a_bound_and_counted(line):
    behind = [raised(line, f"n{n}") for n in range(MOST_COVERED + 5)]
    raised(line, "gateway", "critical")
    [(_, _, body)] = told(line, Told(("gateway",)), covered={"gateway": behind})

    assert (len(body["data"]["covered"]), body["data"]["covered_count"]) == (MOST_COVERED, MOST_COVERED + 5)
    assert body["data"]["covered"][0] == {
        "id": "n0", "rule": "hot", "started_at": "2026-11-24T06:00:00Z", "channel": "c-n0",
    }  # fmt: skip


def test_groups_are_kept_until_they_are_over(line):
    save_group(line, "shift", "g", b"1")
    save_group(line, "shift", "g", b"2")
    assert line.execute("SELECT content FROM alert_group").fetchall() == [(b"2",)]

    save_group(line, "shift", "g", None)
    assert line.execute("SELECT content FROM alert_group").fetchall() == []


def test_alerts_are_listed_newest_first_page_by_page(line):
    for number in range(7):
        raised(line, f"a{number}", start=T0 + number // 2 * S)
    pages, after = [], ""
    while True:
        page = find_alerts(line, after=after, most=3)
        pages.append([one.id for one in page.alerts])
        after = page.after
        if not after:
            break

    assert pages == [["a6", "a5", "a4"], ["a3", "a2", "a1"], ["a0"]]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"status": "resolved"}, ["b"]),
        ({"status": "open"}, ["a"]),
        ({"status": "firing", "park": "north"}, ["a"]),
        ({"facility": "food"}, ["b"]),
        ({"severity": "critical", "rule": "hot"}, ["b"]),
        ({"rule": "cold"}, []),
        ({"park": "x' OR 1 --"}, []),
    ],
)
def test_alerts_are_found_by_all_that_is_asked_for(line, wanted, found):
    raised(line, "a")
    raised(line, "b", "critical", labels={"facility": "food"})
    ended(line, "b", T0 + S)

    assert [one.id for one in find_alerts(line, **wanted).alerts] == found


@pytest.mark.parametrize("cursor", ["x", "1", "x.a", ".", "1."])
def test_a_cursor_of_somebody_else_is_refused(line, cursor):
    with pytest.raises(ValueError, match="is no cursor"):
        find_alerts(line, after=cursor)


def test_an_id_that_nobody_gave_is_no_alert(line):
    assert alert(line, "x") is None

"""Time as a score: what happens on the line at which second, and who is told of what by the end of it."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.semantics.world as module
from alerts.tables.actions import AlertAction, silence_id
from alerts.tables.views import alert, alert_events, find_alerts, silences
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, HOUR, MINUTE, NOON, SECOND, World, reading

START = NOON + HOUR
ON_CALL = """
webhooks:
  - {name: boss, url: "http://127.0.0.1:9/boss", secret_env: BOSS_SECRET, allow_private: true}
rotas:
  - {name: shift, people: [{webhook: receiver}], escalate: [{after: 10min, receivers: [boss]}]}
inhibit:
  - {source: ['rule="hot"'], target: ['rule="weak"'], equal: [facility]}
maintenance:
  - {name: calibration, match: ['rule="weak"'], reason: Span gas, from: "2026-03-10T14:00:00+07:00", to: "2026-03-10T15:00:00+07:00"}
alerts:
  - {name: weak, facility: works, channel: co2, below: 1, severity: warning, summary: No flue gas}
routes:
  - {receivers: [shift], group_by: [facility], group_wait: 30s, group_interval: 5min, repeat_interval: 1h}
"""


class Score(World):
    """A service whose alerts go by routes; `at` moves its clock to so long after the start."""

    def fire(self, channel: str = "heat") -> str:
        self._value(channel, 500 if channel == "heat" else 0.5)
        return self.newest(channel)

    def calm(self, channel: str = "heat") -> None:
        self._value(channel, 20 if channel == "heat" else 12)

    def _value(self, channel: str, value: float) -> None:
        self.send(reading(channel, self.now, value, "°C" if channel == "heat" else "%"))

    def newest(self, channel: str = "heat") -> str:
        return next(one.id for one in self.views() if one.labels["channel"] == channel)

    def views(self):
        return find_alerts(self.state.connection).alerts

    def status(self, channel: str = "heat") -> str:
        return alert(self.state.connection, self.newest(channel)).status

    def at(self, time: int) -> None:
        self.tick(START + time)

    def act(self, action: str, by: str = "lan", **more) -> tuple[str, str]:
        number = f"a{self.rows('SELECT count(*) FROM decision')[0][0]}"
        self.journal.append([AlertAction(number, by, action, **more).message(self.now)])
        while self.line.step():
            pass
        [(outcome, detail)] = self.rows("SELECT outcome, detail FROM decision WHERE id = ?", number)
        return outcome, detail

    def told(self) -> list[tuple[int, str, str, str]]:
        """Return second, webhook, what of, and its repeat or escalation, of every notice in order."""
        rows = self.rows("SELECT created, endpoint, body FROM webhook ORDER BY id")
        found = []
        for created, endpoint, body in rows:
            data = json.loads(body)["data"]
            extra = f"repeat {data['repeat']}" if data["repeat"] else data["notice"]["escalation"]
            alerts = ", ".join(f"{one['rule']} {one['status']}" for one in data["alerts"])
            found.append(((created - START) // SECOND, endpoint, alerts, extra))
        return found


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as made:
        yield Path(made)


@pytest.fixture
def score(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Score]:
    config = folder / "config"
    shutil.copytree(CONFIGURATION, config)
    (config / "on-call.yaml").write_text(ON_CALL)
    made = configured(folder, config, monkeypatch)
    yield made
    made.close()


def configured(folder: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    real = module.load
    secrets = {"SEMANTICS_SECRET": "whsec_" + "A" * 40, "BOSS_SECRET": "whsec_" + "B" * 40}
    monkeypatch.setattr(module, "load", lambda path, catalogue, _secrets: real(path, catalogue, secrets))
    return Score(folder, config, START)


def test_a_firing_waits_for_its_group_and_its_end_for_the_interval(score):
    score.fire()
    score.at(29 * SECOND)
    assert score.told() == []

    score.at(30 * SECOND)
    score.at(60 * SECOND)
    score.calm()
    score.at(329 * SECOND)
    assert score.told() == [(30, "receiver", "hot firing", "")]
    score.at(330 * SECOND)
    score.at(4 * HOUR)

    assert score.told()[1:] == [(330, "receiver", "hot resolved", "")]
    [_, (last,)] = score.rows("SELECT body FROM webhook ORDER BY id")
    body = json.loads(last)
    assert (body["type"], body["data"]["duration_s"]) == ("alert.resolved", 60.0)


def test_what_was_over_before_anybody_was_told_is_told_to_nobody(score):
    score.fire()
    score.at(10 * SECOND)
    score.calm()
    score.at(HOUR)

    assert score.told() == []


def test_nobody_answers_so_the_boss_is_told_once_and_the_shift_again_each_hour(score):
    score.fire()
    for minute in range(1, 200):
        score.at(minute * MINUTE)
    score.calm()

    assert score.told() == [
        (60, "receiver", "hot firing", ""),
        (660, "boss", "hot firing", "1:boss"),
        (3660, "receiver", "hot firing", "repeat 1"),
        (7260, "receiver", "hot firing", "repeat 2"),
        (10860, "receiver", "hot firing", "repeat 3"),
        (11940, "receiver", "hot resolved", ""),
        (11940, "boss", "hot resolved", ""),
    ]


def test_an_acknowledged_alert_is_neither_repeated_nor_escalated_but_resolved(score):
    number = score.fire()
    score.at(30 * SECOND)
    score.at(5 * MINUTE)
    assert score.act("acknowledge", about=number)[0] == "done"
    assert score.status() == "acknowledged"
    score.at(3 * HOUR)
    score.calm()

    assert [what for _, _, what, _ in score.told()] == ["hot firing", "hot resolved"]


def test_who_did_what_and_when_is_kept(score):
    number = score.fire()
    score.at(MINUTE)
    score.act("acknowledge", about=number, comment="on my way")
    score.at(2 * MINUTE)
    score.act("assign", by="lan", about=number, to="minh")
    score.act("comment", by="minh", about=number, comment="valve closed")

    events = alert_events(score.state.connection, number)
    assert [(e.kind, e.actor, (e.at - START) // MINUTE) for e in events] == [
        ("firing", "", 0), ("acknowledged", "lan", 1), ("assigned", "lan", 2), ("commented", "minh", 2)
    ]  # fmt: skip
    assert [e.detail.get("comment") for e in events[1:]] == ["on my way", None, "valve closed"]
    view = alert(score.state.connection, number)
    assert (view.acknowledged_by, view.assigned_to) == ("lan", "minh")


@pytest.mark.parametrize("change", ["UPDATE alert_event SET actor = 'x'", "DELETE FROM alert_event"])
def test_events_are_append_only(score, change):
    score.fire()

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        score.rows(change)


def test_a_refusal_says_what_stands(score):
    number = score.fire()
    score.act("acknowledge", about=number)

    assert score.act("acknowledge", by="minh", about=number) == (
        "refused",
        "lan has acknowledged it at 2026-03-10T06:00:00Z: assign it to hand it over",
    )
    assert score.act("acknowledge", about="alert_x") == ("refused", "there is no alert 'alert_x'")
    assert score.act("open", about=number)[0] == "refused"
    assert score.act("snooze", about=number, until=score.now)[0] == "refused"
    assert score.act("comment", about=number)[0] == "refused"
    assert score.act("silence", until=score.now + HOUR, match=("hot",), comment="x")[0] == "refused"
    assert score.act("unsilence", about="silence_x") == ("refused", "there is no silence 'silence_x'")
    score.at(MINUTE)
    score.calm()
    assert score.act("assign", about=number, to="minh") == (
        "refused",
        "it is over since 2026-03-10T06:01:00Z: only comments are taken",
    )


def test_a_snooze_ends_and_is_told_then(score):
    number = score.fire()
    score.at(30 * SECOND)
    score.act("snooze", about=number, until=START + 20 * MINUTE)
    score.at(MINUTE)
    assert score.status() == "silenced"
    score.at(19 * MINUTE)
    score.at(20 * MINUTE)

    assert score.told() == [
        (30, "receiver", "hot firing", ""),
        (1200, "receiver", "hot firing", "repeat 1"),
        (1200, "boss", "hot firing", "1:boss"),
    ]


def test_a_silence_holds_what_begins_and_tells_it_when_it_ends(score):
    assert (
        score.act("silence", match=('channel=~"he.*"',), until=START + HOUR, comment="welding")[0] == "done"
    )
    number = score.fire()
    score.at(30 * MINUTE)
    assert (score.status(), score.told()) == ("silenced", [])
    [silence] = silences(score.state.connection)
    assert (silence.match, silence.actor, silence.comment) == (['channel=~"he.*"'], "lan", "welding")

    assert score.act("unsilence", by="minh", about=silence_id("a0"))[0] == "done"
    score.at(31 * MINUTE)

    assert score.told() == [(1860, "receiver", "hot firing", "")]
    kinds = [event.kind for event in alert_events(score.state.connection, number)]
    assert kinds == ["firing", "silenced"]
    assert "by minh" in score.act("unsilence", about=silence_id("a0"))[1]


def test_the_end_is_told_under_a_later_silence(score):
    score.fire()
    score.at(30 * SECOND)
    score.act("silence", match=('rule="hot"',), until=START + 2 * HOUR, comment="known")
    score.at(10 * MINUTE)
    score.calm()

    assert score.told()[1:] == [(600, "receiver", "hot resolved", "")]


def test_an_alert_that_another_one_explains_is_inhibited_and_listed(score):
    score.fire()
    score.fire("co2")
    score.at(30 * SECOND)

    assert score.status("co2") == "inhibited"
    assert score.told() == [(30, "receiver", "hot firing", "")]
    [(body,)] = score.rows("SELECT body FROM webhook")
    data = json.loads(body)["data"]
    assert [(one["rule"], one["channel"]) for one in data["covered"]] == [("weak", "co2")]
    assert data["covered_count"] == 1


def test_a_maintenance_window_silences(score):
    score.at(HOUR)  # 14:00 on the park's clock
    score.fire("co2")
    score.at(HOUR + 50 * MINUTE)
    assert score.status("co2") == "silenced"
    score.at(2 * HOUR)
    score.at(2 * HOUR + 30 * SECOND)

    assert score.told() == [(7230, "receiver", "weak firing", "")]


def test_alerts_of_one_group_are_one_notice(score):
    score.fire("co2")
    score.at(10 * SECOND)
    score.at(31 * SECOND)
    score.fire()
    score.at(6 * MINUTE)

    assert [what for _, _, what, _ in score.told()] == ["weak firing", "hot firing"]


def test_a_step_that_is_rolled_back_and_taken_again_tells_once(score):
    score.fire()
    score.now = START + 30 * SECOND

    def dies(_point: str) -> None:
        raise RuntimeError("killed before the commit")

    score.line._crash = dies
    score.journal.append(
        [AlertAction("k", "lan", "comment", about=score.newest(), comment="x").message(score.now)]
    )
    with pytest.raises(RuntimeError):
        score.line.step()
    assert score.told() == []
    score.line._crash = lambda _point: None
    score.line.step()
    [(first,)] = score.rows("SELECT event_id FROM webhook")
    score.restart()
    score.at(40 * SECOND)

    assert score.told() == [(30, "receiver", "hot firing", "")]
    assert score.rows("SELECT event_id FROM webhook") == [(first,)]
    assert len(alert_events(score.state.connection, score.newest())) == 2


def test_a_restart_in_the_waiting_time_changes_nothing(score):
    score.fire()
    score.at(20 * SECOND)
    score.restart()
    score.at(29 * SECOND)
    assert score.told() == []
    score.at(30 * SECOND)

    assert score.told() == [(30, "receiver", "hot firing", "")]


def test_late_breaches_leave_one_retroactive_event_and_wake_nobody(score):
    score.calm()
    score.send(reading("heat", START - 5 * MINUTE, 450, "°C"), reading("heat", START - 4 * MINUTE, 480, "°C"))
    score.at(HOUR)

    [event] = alert_events(score.state.connection, "")
    assert (event.kind, event.detail["rule"], event.detail["count"], event.detail["worst"]) == (
        "retroactive", "hot", 2, 480,
    )  # fmt: skip
    assert score.told() == []


def test_without_routes_an_alert_is_acknowledged_snoozed_and_silenced_all_the_same(folder, monkeypatch):
    score = configured(folder, CONFIGURATION, monkeypatch)
    try:
        number = score.fire()
        assert score.act("acknowledge", about=number)[0] == "done"
        assert score.act("snooze", about=number, until=score.now + MINUTE)[0] == "done"
        score.now += SECOND
        score.calm()
        assert score.act("silence", match=('rule="hot"',), until=score.now + HOUR, comment="x")[0] == "done"
        score.now += SECOND
        score.fire()
        assert (score.status(), len(score.rows("SELECT 1 FROM webhook"))) == ("silenced", 2)
    finally:
        score.close()

"""SA-06, BH-19, SD-04, SD-05: who did what, as the audit log has it, and that a second person is one."""

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest

from alerts.tables.links import acknowledge_link, link_key
from api.access.guard import Access
from ingest.line.decisions import Decisions
from plant.periods import month_of
from store.accounting.closing import Closing, Decision, Period, Status
from store.blocks import FIELDS, REVISION, from_bytes, to_bytes
from tests.api.alerts import LABELS, routed
from tests.api.conftest import Api
from tests.api.keyed import Keyed, state_of
from tests.api.state import AS_OF, HAI_PHONG, TOKEN, windows
from tests.api.test_alerts import SILENCE

OCTOBER = month_of("2026-10", HAI_PHONG)
END = month_of("2026-11", HAI_PHONG)


@pytest.fixture
def state(tmp_path):
    made = state_of(tmp_path, routed("desk"))
    yield made
    made.close()


@pytest.fixture
def api(state):
    made = Keyed(state)
    yield made
    made.reader.close()


def test_what_people_do_with_alerts_and_silences_is_recorded_with_who_and_from_where(api):
    which, key = api.add(), api.key("lan", "operator")
    api.as_(key, f"/v1/alerts/{which}/actions", "POST", json={"action": "acknowledge", "comment": "I look"})
    made = {name: text for name, text in SILENCE.items() if name != "by"}
    silence = api.as_(key, "/v1/silences", "POST", json=made).json()["id"]
    api.as_(key, f"/v1/silences/{silence}", "DELETE")

    told = [(row.who, row.what, row.about, row.old, row.new, row.origin) for row in api.told()[1:]]
    match = 'facility="mill", channel=~"sta.*"'
    assert told == [
        ("lan", "alert.acknowledge", which, "firing", "acknowledge by lan I look", "127.0.0.1"),
        (
            "lan", "silence.made", silence, "", f"{match} until 2026-11-24T12:00:00+07:00 by lan: probe is cleaned",
            "127.0.0.1",
        ),
        ("lan", "silence.ended", silence, f"{match} until 2026-11-24T05:00:00Z", "by lan", "127.0.0.1"),
    ]  # fmt: skip
    assert api.log.first_broken() is None


def test_what_the_line_refuses_is_recorded_too(api):
    which = api.add(ended_at=AS_OF, status="resolved")

    assert api.act(which).status_code == 409
    assert [(row.what, row.who) for row in api.told()] == [
        ("alert.acknowledge", "token"),
        ("alert.refused", "token"),
    ]


def test_a_replay_of_webhooks_is_recorded(api):
    api.ask("/v1/webhooks/replay", "POST", json={"endpoint": "desk", "dead_only": True})

    [row] = api.told("webhooks.replayed")
    assert (row.about, row.new) == ("desk", '{"endpoint":"desk","dead_only":true}')


def test_sd05_what_callers_write_stays_in_one_line(api):
    which = api.add()
    api.act(which, "comment", comment="one\ntwo\r\x1b[31mred\u202eturned\x00")

    [row] = api.told("alert.comment")
    assert row.new == "comment by lan one\\ntwo\\r\\x1b[31mred\\u202eturned\\x00"


def test_the_log_is_read_page_by_page_by_administrators(api):
    for name in "abcde":
        api.key(name)
    key = api.key("root", "admin")
    seen, before = [], {}
    while before is not None:
        page = api.as_(key, "/v1/audit", params={"limit": 2, "what": "key.created", **before}).json()
        seen += [row["new"][0] for row in page["rows"]]
        before = {"before": page["next"]} if page["next"] else None

    assert seen == ["r", "e", "d", "c", "b", "a"]
    assert api.as_(key, "/v1/audit", params={"who": "me"}).json()["rows"][0]["origin"] == "command line"


@pytest.mark.parametrize("role", ["operator", "approver"])
def test_who_acts_is_the_keys_name_and_no_other(api, role):
    which, key = api.add(), api.key("lan", role)
    path = f"/v1/alerts/{which}/actions"

    other = api.as_(key, path, "POST", json={"action": "acknowledge", "by": "minh"})
    own = api.as_(key, path, "POST", json={"action": "acknowledge", "by": "lan"})

    assert other.status_code == 422
    assert "this key is of lan" in other.json()["errors"][0]["detail"]
    assert own.json()["alert"]["acknowledged_by"] == "lan"


def test_behind_a_shared_key_the_request_says_who(api):
    which, key = api.add(), api.key("shift", "operator", shared=True)
    path = f"/v1/alerts/{which}/actions"

    assert api.as_(key, path, "POST", json={"action": "acknowledge"}).status_code == 422
    told = api.as_(key, path, "POST", json={"action": "acknowledge", "by": "minh"}).json()
    assert told["alert"]["acknowledged_by"] == "minh"
    assert api.told("alert.acknowledge")[0].who == "shift"


class Month(Keyed):
    """An API whose line takes decisions of October, in which a large change waits."""

    def __init__(self, state) -> None:
        super().__init__(state)
        state.windows(0, OCTOBER, windows(60, 0.001))
        with closing(sqlite3.connect(state.path, isolation_level=None)) as line:
            held = Closing(line, {101: ("hai-phong", HAI_PHONG)})
            held.write(Period("hai-phong", OCTOBER, END, Status.FINAL))
            [(block,)] = line.execute(
                "SELECT block FROM emission WHERE source = 101 AND hour = ?", (OCTOBER,)
            )
            line.execute("INSERT INTO pending_emission VALUES (101, ?, ?)", (OCTOBER, _doubled(block)))

    def _take(self, action) -> None:
        self.taken.append(action)
        if not isinstance(action, Decision):
            return
        with closing(sqlite3.connect(self.state.path, isolation_level=None)) as line:
            memory = SimpleNamespace(
                connection=line,
                closing=Closing(line, {101: ("hai-phong", HAI_PHONG)}),
                emissions=SimpleNamespace(block=lambda source, hour: _block(line, source, hour), apply=None),
            )
            decisions = Decisions(self.state.plant, memory, lambda: self.as_of, lambda *_: iter(()))
            decisions._restate = lambda period, actor, offset: self.restated.append(actor)
            decisions.take(action.message(self.as_of), len(self.taken))

    restated: list

    def generation(self):
        """Return what names what waits."""
        [one] = [p for p in self.get("/v1/periods", park="hai-phong")["periods"] if p["month"] == "2026-10"]
        return one["pending_restatement"]["generation"]

    def approve(self, key=None, **by):
        seen = self.generation()
        body = {"park": "hai-phong", "month": "2026-10", "action": "approve", "generation": seen, **by}
        if key is None:
            return self.ask("/v1/periods", "POST", json=body)
        return self.as_(key, "/v1/periods", "POST", json=body)


def _block(line, source, hour):
    [(block,)] = line.execute("SELECT block FROM emission WHERE source = ? AND hour = ?", (source, hour))
    return from_bytes(block)


def _doubled(block):
    rows = from_bytes(block).copy()
    rows[:, : REVISION - 3] *= 2
    assert rows.shape[1] == len(FIELDS)
    return to_bytes(rows)


@pytest.fixture
def month(state):
    made = Month(state)
    made.restated = []
    yield made
    made.reader.close()


def test_sa06_bh19_two_people_are_two_keys(month):
    lan, minh = month.key("lan", "approver"), month.key("minh", "approver")

    assert "a second person must approve" in month.approve(lan).json()["detail"]
    assert month.approve(lan).status_code == 409
    assert month.approve(lan, by="minh").status_code == 422
    assert month.restated == []
    assert month.approve(minh).status_code == 200
    assert month.restated == ["lan, minh"]


def test_sa06_the_token_is_one_person_whatever_names_it_gives(month):
    assert "a second person must approve" in month.approve(by="lan").json()["detail"]
    assert month.approve(by="minh").status_code == 409
    assert month.restated == []
    assert month.approve(month.key("vu", "approver")).status_code == 200
    assert month.restated == ["token, vu"]


def test_sa06_a_shared_key_is_one_person_too(month):
    key, seen = month.key("board", "approver", shared=True), month.generation()

    assert month.approve(key, by="lan").status_code == 200
    assert month.approve(key, by="minh").status_code == 409
    assert [row.new for row in month.told("period.approve")] == [
        f"approve by lan, of generation {seen}",
        f"approve by minh, of generation {seen}",
    ]


def test_sa06_an_operator_approves_nothing(month):
    assert month.approve(month.key("vu", "operator")).status_code == 403
    assert month.taken == []


def test_bh19_an_approval_of_what_has_changed_is_refused(month):
    key = month.key("lan", "approver")

    assert month.approve(key, generation=7).status_code == 409
    assert [row.what for row in month.told()[1:]] == ["period.approve", "period.refused"]


def test_a_month_that_no_clock_has_is_refused_before_it_is_kept(month):
    for text in ("0000-01", "9999-12"):
        answer = month.ask(
            "/v1/periods", "POST", json={"park": "hai-phong", "month": text, "action": "final", "by": "lan"}
        )
        assert answer.status_code == 422
    assert month.taken == []


def test_an_api_without_a_log_does_what_it_is_asked(state):
    made = Api(state, access=Access())

    assert made.ask("/v1/audit").status_code == 404
    assert made.ask("/v1/webhooks/replay", "POST", json={"endpoint": "desk"}).status_code == 200
    made.reader.close()


def test_an_acknowledgement_by_a_link_is_recorded(api):
    which = api.add(labels=LABELS)
    link = acknowledge_link("", link_key(TOKEN), which, "desk", AS_OF)
    answer = api.ask(link, "POST", headers={}, content="by=minh")

    assert answer.status_code == 200
    [row] = api.told("alert.acknowledge")
    assert (row.who, row.new) == ("", "acknowledge by minh, with a link")

"""Taking refused messages anew, and the inbox: who may, of what, and how it is answered."""

import json
import sqlite3
from contextlib import closing

import pytest

from api.accounting import periods
from store.messages import replays
from store.messages.replays import Became, Replay
from tests.api.alerts import routed
from tests.api.keyed import Keyed, state_of
from tests.api.state import AS_OF
from tests.api.test_quarantine import insert

PATH = "/v1/quarantine/replay"


class Replaying(Keyed):
    """An API whose line does every replay at once, with nothing but a fixed end."""

    def _take(self, action):
        self.taken.append(action)
        if self.asleep:
            return
        with closing(sqlite3.connect(self.state.path, isolation_level=None)) as line:
            replays.begin(line, action, len(self.taken), AS_OF)
            standing = replays.replay_of(line, action.id)
            standing.became.add(Became({"accepted": 2}, {"accepted": 9}, {}, {}))
            replays.finish(line, standing, AS_OF)
            line.execute(
                "INSERT INTO decision VALUES (?, ?, 1, ?, 'replay', '', 0, 'done', 'told')", (action.id, AS_OF, action.by)
            )  # fmt: skip


@pytest.fixture
def api(tmp_path):
    state = state_of(tmp_path, routed("desk"))
    made = Replaying(state)
    yield made
    made.reader.close()
    state.close()


def replay(api, key, **body):
    return api.as_(key, PATH, "POST", json=body)


def test_an_operator_replays_and_is_told_what_became_of_it(api):
    answer = replay(api, api.key("lan", "operator"), code="unmapped", messages=[4, 7])

    assert answer.status_code == 200, answer.text
    body = answer.json()
    [made] = api.taken
    assert made == Replay(made.id, "lan", code="unmapped", messages=(4, 7))
    assert body == {
        "id": made.id, "outcome": "done", "detail": "told", "messages": {"accepted": 2}, "readings": {"accepted": 9},
        "codes": {}, "left": {},
    }  # fmt: skip
    assert api.as_(api.key("mai", "operator"), f"/v1/quarantine/replays/{made.id}").json() == body
    [row] = api.told("quarantine.replayed")
    assert (row.who, json.loads(row.new)) == ("lan", {"messages": [4, 7], "code": "unmapped"})


def test_a_viewer_may_not(api):
    assert replay(api, api.key("v", "viewer"), all=True).status_code == 403
    assert api.as_(api.key("v2", "viewer"), "/v1/inbox").status_code == 403
    assert api.taken == []


def test_a_caller_of_some_places_replays_what_is_theirs(api):
    key = api.key("lan", "operator", ("hai-phong", "mill"), ("rhein", ""))
    assert replay(api, key, all=True).status_code == 200
    assert api.taken[0].places == ("hai-phong/mill/", "rhein/")


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "messages"),
        ({"by": "lan"}, "messages"),
        ({"all": True, "code": "unmapped"}, "all"),
        ({"from": "yesterday"}, "from"),
        ({"code": "nonsense"}, "code"),
        ({"all": True, "role": "admin"}, "role"),
        ({"messages": [-1]}, "greater than or equal to 0"),
        ({"messages": list(range(1001))}, "messages"),
    ],
)
def test_what_is_not_said_clearly_is_not_done(api, body, parameter):
    answer = replay(api, api.key("lan", "operator"), **body)
    assert answer.status_code == 422
    assert parameter in json.dumps(answer.json()["errors"])
    assert api.taken == []


def test_behind_a_shared_key_somebody_signs(api):
    key = api.key("shift", "operator", shared=True)
    assert replay(api, key, all=True).status_code == 422
    assert replay(api, key, all=True, by="mai").status_code == 200
    assert api.taken[0].by == "mai"


def test_what_takes_longer_is_asked_for_again(api, monkeypatch):
    monkeypatch.setattr(periods, "WAIT_S", 0.0)
    api.asleep = True
    key = api.key("lan", "operator")
    answer = replay(api, key, all=True)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "waiting")
    assert api.as_(key, f"/v1/quarantine/replays/{answer.json()['id']}").json()["outcome"] == "waiting"


def test_one_refused_message_is_asked_for_by_its_offset(api):
    insert(api.state, 3, "hai-phong/mill/gw1", "range", b"{}")
    insert(api.state, 4, "hai-phong/mill/gw1", "range", b"{}")
    [found] = api.as_(api.key("v"), "/v1/quarantine/messages?message=4").json()["messages"]
    assert found["message"] == 4


def test_the_inbox_shows_devices_of_the_callers_places_in_pages(api):
    payload = json.dumps({"power_w": 5}).encode()
    for number, gateway in enumerate(["hai-phong/mill/new", "hai-phong/foundry/new", "rhein/works/new", ""]):
        insert(api.state, number, gateway, "unmapped", payload)
    everywhere, mill = api.key("all", "operator"), api.key("mill", "operator", ("hai-phong", "mill"))

    first = api.as_(everywhere, "/v1/inbox?limit=3").json()
    rest = api.as_(everywhere, f"/v1/inbox?limit=3&cursor={first['next']}").json()
    names = [one["device"] for page in (first, rest) for one in page["devices"]]

    assert names == ["hai-phong/foundry/new", "hai-phong/mill/new", "rhein/works/new", "sm/v1//readings"]
    assert rest["next"] is None
    assert [one["device"] for one in api.as_(mill, "/v1/inbox").json()["devices"]] == ["hai-phong/mill/new"]


def test_a_topic_that_is_no_text_is_shown_escaped(api):
    insert(api.state, 1, "", "topic", b"{}")
    api.state.db.execute("UPDATE quarantine SET topic = ?", (b"a/\xff\n",))
    api.state.db.commit()
    key = api.key("o", "operator")
    assert [one["device"] for one in api.as_(key, "/v1/inbox").json()["devices"]] == [r"a/\xff\n"]
    assert api.as_(key, "/v1/inbox?cursor=WyJ6eiJd").status_code == 422


def test_what_a_device_sends_cannot_hide_what_it_is(api):
    insert(api.state, 1, "", "topic", b'{"a\\u202eb\\u0007": {"value": 1, "unit": "kWh"}, "\\ud800": 1}')
    [device] = api.as_(api.key("o", "operator"), "/v1/inbox").json()["devices"]
    assert [one["path"].isprintable() for one in device["values"]] == [True, True]

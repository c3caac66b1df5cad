"""BH-06 to BH-12, BH-17, BH-20, BH-29, BH-30, BH-32, SA-05, SA-07, SA-08, SA-10, SA-14, SA-15, SA-19, F-121, F-122."""

import asyncio
import json
import sqlite3
import tracemalloc

import httpx
import numpy as np
import pytest

from api import app
from api.access import guard
from api.access.caller import Caller, Role
from api.live import stream as live
from api.live.event_ids import EventIds
from api.live.stream import Live
from api.totals import series
from plant.vocabulary import NS_PER_S
from store.access_log import Entry
from tests.api.alerts import routed
from tests.api.conftest import Api
from tests.api.keyed import Keyed, every_route, state_of
from tests.api.roles import example
from tests.api.state import AS_OF, MIDNIGHT, TOKEN, windows

LEDGER = "/v1/ledger"
HOUR = "from=2026-11-24T00:00:00%2B07:00&to=2026-11-24T01:00:00%2B07:00"
VERBS = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def keyed(tmp_path):
    state = state_of(tmp_path, routed("desk"))
    made = Keyed(state)
    yield made
    made.reader.close()
    state.close()


# --- paths and methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/totals/..", "/v1/%2e%2e%2fetc", "/v1/totals%00", "/v1/totals;jsessionid=1", "//v1/totals", "/v1//totals",
        "/v1/totals/", "/V1/totals", "/v1/totals%2f", "/v1/alerts/%2e%2e%2f%2e%2e", "/assets/%2e%2e%2findex.html",
        "/assets/..%5cindex.html", "/a/%00", "/" + "x" * 4000,
    ],
)  # fmt: skip
def test_bh06_a_path_in_other_clothes_is_none(api, path):
    answer = api.ask(path)

    assert answer.status_code in (400, 404)
    assert "location" not in answer.headers


def test_bh06_a_path_that_is_too_long_is_refused(api):
    assert api.ask("/v1/" + "x" * 8192).status_code == 414


@pytest.mark.parametrize("method", ["HEAD", "TRACE", "CONNECT", "PROPFIND", "OPTIONS", "PATCH", "QUERY"])
def test_bh07_a_method_that_a_path_does_not_take_is_refused_with_those_that_it_does(api, method):
    for path, methods in (("/v1/totals", "GET"), ("/v1/silences", "GET, POST"), ("/v1/silences/x", "DELETE")):
        answer = api.ask(path, method)

        assert (answer.status_code, answer.headers["allow"]) == (405, methods)


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_bh07_a_header_makes_no_other_method(keyed, name):
    headers = {"Authorization": f"Bearer {TOKEN}", name: "DELETE"}

    assert keyed.ask("/v1/silences/x", "POST", headers=headers).status_code == 405


# --- parameters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1", "limit=0", "limit=1e21", "limit=1e3", "limit=1_0", "limit=%2B1", "limit=%201", "limit=01", "limit=1.0",
        "limit=1&limit=2", "limit=%00", "limit=1%00", "limit=", "limit=0x10", "limit=%D9%A1", "limit=true", "limit=1001",
    ],
)  # fmt: skip
def test_bh09_a_number_is_written_in_digits_once_and_in_its_bounds(api, query):
    assert "limit" in {one["parameter"] for one in api.ask(f"/v1/alerts?{query}").json()["errors"]}


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "inf",
        "1e400",
        "-1",
        "0",
        "1763946000",
        "2026-11-24",
        "2026-11-24T00:00:00",
        "9999-12-31T23:59:59Z",
    ],
)
def test_bh10_what_is_no_time_of_ours_is_refused(api, text):
    for parameter in ("from", "to"):
        span = {"from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z"} | {parameter: text}
        assert parameter in api.refused("/v1/totals", **span)


@pytest.mark.parametrize("text", ["yes", "2", "", "1", "on", "True", "t", "no"])
def test_bh11_yes_and_no_are_true_and_false(api, text):
    assert "ended" in api.refused("/v1/silences", ended=text)


def test_bh11_true_and_false_are_taken(api):
    assert [api.ask(f"/v1/silences?ended={text}").status_code for text in ("true", "false")] == [200, 200]


def test_bh12_every_route_refuses_a_parameter_that_it_does_not_have(keyed):
    """Those of no key and the page itself apart: a chat or a browser may add what it likes to a link."""
    answers = {
        (method, path): keyed.ask(f"{example(path)}?lmit=1", method).status_code
        for method, path, _ in every_route(keyed.app)
        if not guard.OPEN_PATHS.fullmatch(example(path)) and path != "/openapi.json"
    }

    assert {key for key, status in answers.items() if status != 422} == set()


@pytest.mark.parametrize("field", ["role", "id", "status", "places", "name", "approved_by", "outcome"])
def test_bh17_nothing_can_be_slipped_into_a_body(keyed, field):
    """Of what is described beside, nothing else is done either."""
    which = keyed.add()
    bodies = {
        "/v1/periods": {"park": "hai-phong", "month": "2026-10", "action": "provisional", "by": "lan"},
        f"/v1/alerts/{which}/actions": {"action": "acknowledge", "by": "lan"},
        "/v1/silences": {
            "match": ['park="hai-phong"'],
            "until": "2026-11-25T00:00:00Z",
            "by": "lan",
            "comment": "x",
        },
        "/v1/webhooks/replay": {"endpoint": "desk"},
        "/v1/webhooks/drop": {"endpoint": "desk"},
        "/v1/quarantine/replay": {"all": True, "by": "lan"},
    }
    for path, body in bodies.items():
        answer = keyed.ask(path, "POST", json={**body, field: "admin"})

        assert (path, answer.status_code) == (path, 422)
        assert field in {one["parameter"] for one in answer.json()["errors"]}
    assert keyed.taken == []


@pytest.mark.parametrize("field", ["generation", "dead_only"])
def test_bh17_a_text_is_no_number_and_no_yes(keyed, field):
    path = {"generation": "/v1/periods", "dead_only": "/v1/webhooks/replay"}[field]
    body = {"park": "hai-phong", "month": "2026-10", "action": "approve"} if field == "generation" else {}
    for value in ("1", "true", 1.0, "yes"):
        answer = keyed.ask(path, "POST", json={**body, field: value})

        assert field in {one["parameter"] for one in answer.json()["errors"]}


# --- what cannot be done --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [LEDGER, "/v1/audit", "/v1/totals", "/v1/quarantine/1"])
def test_bh20_what_is_recorded_takes_no_verb_that_changes_it(keyed, path):
    for method in VERBS:
        answer = keyed.ask(path, method)

        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("change", ["DELETE FROM ledger", "UPDATE ledger SET actor = 'me'"])
def test_bh20_the_database_refuses_too(state, change):
    columns = len(state.db.execute("PRAGMA table_info(ledger)").fetchall())
    state.db.execute(f"INSERT INTO ledger VALUES (1{', 0' * (columns - 1)})")

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        state.db.execute(change)


def test_bh29_a_regular_expression_that_could_run_for_long_is_refused(api):
    """Of those that are taken, test_matchers shows that none can."""
    for pattern in ("(a+)+$", "(a|a)*b", "a" * 201, "(?:a*)*", "a{9999}", r"(a)\1"):
        assert "receiver" in api.refused("/api/v2/alerts", receiver=pattern)
        assert "filter" in api.refused("/api/v2/alerts", filter=f'alertname=~"{pattern}"')


@pytest.mark.parametrize("worst", [np.inf, -np.inf, np.nan])
def test_bh30_sa10_a_number_that_is_none_is_null_whatever_stands_in_the_state(api, state, worst):
    """The state refuses such; a file that was damaged, or written by others, may hold one."""
    state.begins(0, MIDNIGHT)
    state.windows(0, MIDNIGHT, windows(60, worst))
    state.reading(1, AS_OF - NS_PER_S, worst if not np.isnan(worst) else 1.0)

    for path in (
        "/v1/totals?level=source",
        f"/v1/series?kind=emission&source=grid&park=hai-phong&facility=mill&every=1m&{HOUR}",
        "/v1/channels",
    ):
        answer = api.ask(path)

        assert answer.status_code == 200
        json.loads(answer.content, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/metrics", "/debug", "/admin", "/v1/audit", "/.env"]
)
def test_bh32_nothing_is_told_to_strangers(api, path):
    assert api.ask(path, headers={}).status_code == 401


# --- limits ---------------------------------------------------------------------------------------------------------


class Limited(Api):
    """An API that takes few requests a second, and callers at several addresses."""

    RATE = 2

    def from_(self, address, path="/v1/balance", key=TOKEN):
        async def ask():
            transport = httpx.ASGITransport(self.app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.get(path, headers={"X-API-Key": key})

        return asyncio.run(ask())


@pytest.fixture
def limited(state, monkeypatch):
    made = Limited(state)
    made.app = app.create_app(
        made.reader, state.plant, TOKEN, health=lambda: made.health, metrics=dict, clock=lambda: made.as_of,
        decide=None, rate_limit=Limited.RATE,
    )  # fmt: skip
    yield made
    made.reader.close()


BURST = Limited.RATE * guard.BURST_S


def test_sa05_an_address_that_asks_too_often_waits_and_others_do_not(limited):
    answers = [limited.from_("192.0.2.1", "/assets/none", key="none") for _ in range(BURST + 1)]

    assert answers[-1].status_code == 429
    assert {one.status_code for one in answers[:-1]} == {404}
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert limited.from_("192.0.2.2").status_code == 200
    limited.as_of += NS_PER_S
    assert limited.from_("192.0.2.1").status_code == 200


def test_sa05_a_key_that_asks_too_often_from_everywhere_waits(limited):
    answers = [limited.from_(f"192.0.2.{n}").status_code for n in range(BURST + 1)]

    assert answers == [200] * BURST + [429]


def test_sa05_whether_the_process_lives_is_told_always(limited):
    assert {limited.from_("192.0.2.1", "/livez").status_code for _ in range(3 * BURST)} == {200}


def test_f121_two_hundred_dashboards_of_one_key_at_one_address_pass():
    """Each asks ten things every 5 s, all at the same moment, for a minute."""
    address, caller = (
        guard.RateLimiter(guard.RATE * guard.BURST_S, NS_PER_S // guard.RATE, 10) for _ in range(2)
    )
    for second in range(0, 60, 5):
        assert all(one.allows("x", second * NS_PER_S) for _ in range(200 * 10) for one in (address, caller))


def test_sa05_live_streams_are_counted_apart(monkeypatch):
    monkeypatch.setattr(live, "MOST_STREAMS_OF_ONE", 2)
    lan, vu = Caller("lan", Role.VIEWER), Caller("vu", Role.VIEWER)

    async def talk():
        streams = Live(dict, None, "", lambda: AS_OF, EventIds("t"))
        opened = [streams.stream(lan, None) for _ in range(2)]
        assert (streams.has_enough(lan), streams.has_enough(vu)) == (True, False)
        opened[0]._left()
        assert not streams.has_enough(lan)
        streams._looking.cancel()

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/v1/series?kind=emission&park=hai-phong&every=1h", "every"),
        ("/v1/series?kind=emission&park=hai-phong&every=1m", "every"),
        ("/v1/series?kind=reading&channel=gas&every=15m", "every"),
        ("/v1/series?kind=activity&park=hai-phong&facility=mill&channel=mdb1&every=1mo", "to"),
        ("/v1/quality/channels?limit=1000", "limit"),
    ],
)
def test_f122_ten_years_of_everything_are_refused(api, path, what):
    span = "from=2016-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"
    answer = api.ask(f"{path}&{span}")

    assert answer.status_code == 422
    assert what in {one["parameter"] for one in answer.json()["errors"]}


def test_f122_all_sources_together_are_bounded(api, morning, monkeypatch):
    """Windows of some thousand sources over a month would keep everybody else waiting."""
    monkeypatch.setattr(series, "MOST_SUMMED", 4 * 24)
    span = {"from": "2026-11-23T00:00:00+07:00", "to": "2026-11-24T00:00:00+07:00"}

    assert api.ask("/v1/series", params={"kind": "emission", "park": "hai-phong", **span}).status_code == 200
    assert "to" in api.refused("/v1/series", kind="emission", park="hai-phong", every="15m", **span)


def test_f122_sa05_ten_years_of_days_stay_small_in_memory(api, state):
    """What is answered is as long as its steps; what is read for it is let go of source by source."""
    state.begins(0, MIDNIGHT)
    state.windows(0, MIDNIGHT, windows(600, 0.001))
    path = (
        "/v1/series?kind=emission&park=hai-phong&every=1d&from=2016-01-01T00:00:00Z&to=2026-12-01T00:00:00Z"
    )
    tracemalloc.start()
    try:
        answer = api.ask(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert answer.status_code == 200
    assert len(answer.json()["times"]) == 3988
    assert peak < 50_000_000  # bytes


# --- the rest of the door -------------------------------------------------------------------------------------------


def test_sa07_no_question_takes_an_address_to_connect_to(keyed):
    """Whom the service calls stands in its configuration; those addresses are checked: tests/notify, bw01 to bw11."""
    described = keyed.get("/openapi.json")
    names = {
        parameter["name"]
        for methods in described["paths"].values()
        for one in methods.values()
        for parameter in one.get("parameters", [])
    } | {
        field
        for methods in described["paths"].values()
        for one in methods.values()
        if "application/json" in one.get("requestBody", {"content": ()})["content"]
        for field in described["components"]["schemas"][
            one["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        ]["properties"]
    }

    assert not [
        name
        for name in names
        if any(word in name.lower() for word in ("url", "uri", "host", "address", "callback"))
    ]


def test_sa08_answers_give_away_nothing_of_the_server(api):
    for path, method in (
        ("/v1/totals", "GET"),
        ("/v1/nothing", "GET"),
        ("/v1/totals", "TRACE"),
        ("/livez", "OPTIONS"),
    ):
        answer = api.ask(path, method)

        assert not {"server", "x-powered-by", "via"} & set(answer.headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", '"; DROP TABLE total; --', "%", "_", "\\", "{{7*7}}", "${x}", "<script>"]
)
def test_sa14_a_name_is_a_name(api, morning, text):
    """It is compared, and neither run nor matched as a pattern."""
    for path in ("/v1/totals", "/v1/alerts", "/v1/ledger", "/v1/balance"):
        parameter = "gateway" if path == "/v1/balance" else "park"
        assert parameter in api.refused(path, **{parameter: text})
    assert api.get("/v1/totals", level="all")["totals"][0]["co2e_t"] is not None


def test_sa14_a_log_has_one_line_for_each_entry_whatever_it_says(keyed):
    keyed.log.note(Entry(AS_OF, "a\r\nb\x1b[31m", "x\ny", "c\u2028d", "", "", "e"))
    [row] = keyed.told()

    assert all("\n" not in text and "\r" not in text and "\x1b" not in text for text in (row.who, row.what))


def test_sa15_a_grafana_key_reads_and_changes_nothing(keyed):
    """A viewer of some places, as the data sources of an organisation have one, wherever they are led."""
    grafana = keyed.key("grafana", "viewer", ("hai-phong", ""))
    changing = [
        (method, example(path))
        for method, path, _ in every_route(keyed.app)
        if method != "GET" and not path.startswith("/a/")
    ]

    assert {keyed.as_(grafana, path, method).status_code for method, path in changing} == {403}
    assert keyed.as_(grafana, "/v1/audit").status_code == 403
    assert keyed.as_(grafana, "/v1/totals").status_code == 200


def test_sa19_there_are_no_cookies(keyed):
    """So no other site can ask in somebody's name; a credential is always a header that a page must add."""
    for path in ("/", "/v1/totals", "/livez", "/a/x", "/v1/nothing"):
        assert "set-cookie" not in keyed.ask(path).headers
    assert (
        keyed.ask(
            "/v1/totals", headers={"Cookie": f"token={TOKEN}; authorization=Bearer {TOKEN}"}
        ).status_code
        == 401
    )


@pytest.mark.parametrize(
    ("path", "body", "parameter", "words"),
    [
        (
            "/v1/periods",
            {"park": "hai-phong", "month": "soon", "action": "final"},
            "month",
            "a month such as 2026-10",
        ),
        (
            "/v1/periods",
            {"park": "hai-phong", "month": "2026-10", "action": "close"},
            "action",
            "is not 'provisional'",
        ),
        (
            "/v1/periods",
            {"prak": "x", "park": "x", "month": "2026-10", "action": "final"},
            "prak",
            "did you mean park?",
        ),
        ("/v1/periods", {"month": "2026-10", "action": "final"}, "park", "is required"),
        ("/v1/silences", {"match": [], "until": "x", "comment": "c"}, "match", "at least 1 of them, not 0"),
        ("/v1/silences", {"match": [3], "until": "x", "comment": "c"}, "match[0]", "should be text, not 3"),
        ("/v1/quarantine/replay", {"messages": [1, -1]}, "messages[1]", "greater than or equal to 0, not -1"),
        ("/v1/quarantine/replay", {"all": "yes"}, "all", "should be true or false"),
        ("/v1/webhooks/replay", [], "body", "a mapping of keys to values"),
    ],
)
def test_solid_c_what_is_wrong_with_a_body_is_said_in_our_words(keyed, path, body, parameter, words):
    answer = keyed.ask(path, "POST", json=body)

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["parameter"], words in error["detail"]) == (parameter, True), error
    assert "Input" not in answer.text

"""Who may ask, and what every error looks like."""

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from api.access.guard import Access, Guard
from tests.api.state import TOKEN

GOOD = {"Authorization": f"Bearer {TOKEN}"}
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "errors"}


def routes(api):
    """Return every path that the app answers, whatever made it."""
    found = [r.path for r in every_route(api.app.routes) if isinstance(r, Route | APIRoute)]
    assert {"/livez", "/readyz", "/metrics", "/openapi.json", "/v1/totals", "/v1/series"} <= set(found)
    return found


def every_route(within):
    for route in within:
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", []
        )
        yield from every_route(inner)
        yield route


def problem(answer, status):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) >= PROBLEM_MEMBERS
    assert body["status"] == status
    return body


def test_every_route_but_livez_asks_for_the_token(api):
    without = {
        "/livez": 200,
        "/a/{token}": 404,
        "/": 200,
        "/records": 200,
        "/month-end": 200,
        "/city": 200,
        "/plan": 200,
        "/position": 200,
        "/energy": 200,
        "/eco-park": 200,
        "/assets/{name}": 404,
    }  # /a/ has a token of its own in its path, and this is none; the page and its files hold no data

    for path in routes(api):
        status = api.ask(path, headers={}).status_code

        assert (path, status) == (path, without.get(path, 401))


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/nothing",
        "/docs",
        "/redoc",
        "/a",
        "/a/",
        "/a/x/y",
        "/livez/",
        "/livez/x",
        "/LIVEZ",
    ],
)
def test_a_stranger_does_not_learn_which_paths_there_are(api, path):
    answer = api.ask(path, headers={})

    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"bearer {TOKEN}", f"Bearer  {TOKEN}", f"Bearer {TOKEN} ",
        f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Bearer {TOKEN.upper()}", f"Token {TOKEN}", "Bearer \xff",
    ],
)  # fmt: skip
def test_anything_but_the_token_is_refused(api, header):
    answer = api.ask("/v1/totals", headers=[(b"authorization", header.encode("latin-1"))])

    problem(answer, 401)


def test_two_tokens_are_none(api):
    problem(api.ask("/v1/totals", headers=[("Authorization", f"Bearer {TOKEN}")] * 2), 401)


def test_a_token_in_the_address_is_none(api):
    problem(api.ask(f"/v1/totals?token={TOKEN}&access_token={TOKEN}", headers={}), 401)


def test_an_empty_token_guards_nothing_and_is_refused():
    with pytest.raises(ValueError, match="everybody"):
        Guard(lambda *_: None, "", Access(), lambda: 0)


def test_a_path_that_is_not_there_is_a_problem(api):
    body = problem(api.ask("/v1/nothing"), 404)

    assert body["instance"] == "/v1/nothing"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/v1/totals", "/v1/alerts", "/livez"])
def test_nothing_can_be_changed(api, path, method):
    answer = api.ask(path, method)

    problem(answer, 405)
    assert answer.headers["allow"] == "GET"


def test_an_unknown_parameter_is_refused_with_the_likely_one(api):
    assert api.refused("/v1/totals", levle="park") == {"levle": "unknown parameter (did you mean level?)"}


def test_a_parameter_of_our_code_is_none_of_the_api(api):
    assert set(api.refused("/v1/totals", start="2026-11-24T00:00:00Z")) == {"start"}


def test_a_repeated_parameter_is_refused(api):
    body = problem(api.ask("/v1/totals?level=park&level=all"), 422)

    assert body["errors"] == [{"parameter": "level", "detail": "given more than once"}]


@pytest.mark.parametrize("path", ["/v1/balance", "/v1/silences", "/readyz", "/metrics", "/v1/series"])
def test_every_route_knows_its_parameters(api, path):
    assert "limit" in api.refused(path, limit="1")


def test_all_that_is_wrong_is_said_at_once(api):
    body = problem(api.ask("/v1/totals?levle=park&by=none&by=scope"), 422)

    assert {error["parameter"] for error in body["errors"]} == {"levle", "by"}


def test_a_long_value_is_refused(api):
    assert "200" in api.refused("/v1/totals", park="x" * 201)["park"]


def test_a_state_that_cannot_be_read_is_our_problem_and_passes(api, state):
    state.db.execute("ALTER TABLE source RENAME TO hidden")
    answer = api.ask("/v1/totals")

    body = problem(answer, 503)
    assert answer.headers["retry-after"] == "5"
    assert "source" not in body["detail"]


def test_a_failure_nobody_foresaw_says_nothing_of_itself(api):
    class Broken(dict):
        def items(self):
            raise ZeroDivisionError("secret detail")

    api.families = Broken()
    body = problem(api.ask("/metrics"), 500)

    assert "secret" not in str(body)


def test_reads_work_while_the_writer_holds_the_database(api, state):
    state.db.execute("BEGIN IMMEDIATE")

    assert api.ask("/v1/totals").status_code == 200


def test_nobody_gets_a_cors_grant(api):
    answer = api.ask("/v1/totals", headers=GOOD | {"Origin": "https://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control")]

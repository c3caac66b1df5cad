"""SA-01, SA-03, BH-05: every route states the least role that it takes, and takes no less."""

from pathlib import Path

import pytest

from api.access.caller import Role
from api.access.guard import OPEN_PATHS, least_role
from tests.api.alerts import routed
from tests.api.keyed import Keyed, every_route, state_of
from tests.api.roles import STREAMS, example, matrix

GOLDEN = Path(__file__).parent / "golden" / "roles.txt"


@pytest.fixture
def api(tmp_path):
    state = state_of(tmp_path, routed("desk"))
    made = Keyed(state)
    yield made
    made.reader.close()
    state.close()


def stated(route):
    dependant = getattr(route, "dependant", None)
    return None if dependant is None else least_role(dependant)


def test_sa01_every_route_that_is_not_open_states_a_least_role(api):
    without = {
        path
        for _, path, route in every_route(api.app)
        if not OPEN_PATHS.fullmatch(example(path)) and stated(route) is None
    }

    assert without == {"/openapi.json"}  # the framework's own; the guard lets nobody but a caller to it


def test_sa01_nobody_gets_an_answer_without_a_key(api):
    answers = {
        (method, path): api.ask(example(path), method, headers={}).status_code
        for method, path, _ in every_route(api.app)
        if not OPEN_PATHS.fullmatch(example(path))
    }

    assert set(answers.values()) == {401}


def test_sa03_the_matrix_of_roles_and_routes_is_as_committed(api):
    assert matrix(api) == GOLDEN.read_text(), (
        "changed on purpose? python -m tests.api.roles > tests/api/golden/roles.txt"
    )


def test_what_a_route_states_is_what_callers_meet(api):
    lines = [line.split() for line in GOLDEN.read_text().splitlines()[2:]]
    met = {(method, path): said for path, method, *said in lines}

    for method, path, route in every_route(api.app):
        least = stated(route)
        if least is not None and path not in STREAMS:
            assert met[method, path] == ["yes" if role.may(least) else "no" for role in Role]


def test_bh05_a_viewer_on_an_administrators_route_is_refused_and_recorded(api):
    answer = api.as_(api.key("vu"), "/v1/audit")

    assert answer.status_code == 403
    assert "admin" in answer.json()["detail"]
    [row] = api.told("access.denied")
    assert (row.who, row.about, row.origin) == ("vu", "GET /v1/audit", "127.0.0.1")


def test_refusals_do_not_fill_the_log(api):
    key = api.key("vu")
    for _ in range(30):
        assert api.as_(key, "/v1/audit").status_code == 403
    api.later(2)
    api.as_(key, "/v1/audit")

    assert [row.new for row in api.told("access.denied")] == ["", "and 29 more since the row before"]


@pytest.mark.parametrize("path", ["/v1/webhooks", "/v1/webhooks/deliveries", "/v1/webhooks/dead"])
def test_what_belongs_to_no_park_is_not_for_a_key_of_some_places(api, path):
    assert api.as_(api.key("a", "operator"), path).status_code == 200
    assert api.as_(api.key("b", "operator", ("hai-phong", "")), path).status_code == 403


def test_the_token_is_an_administrators(api):
    for path in ("/v1/audit", "/v1/audit", "/v1/totals", "/readyz", "/openapi.json"):
        assert api.ask(path).status_code == 200

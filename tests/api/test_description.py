"""SA-09, SA-04: the API's description is complete, and what is committed of it is what the code gives."""

import re
from pathlib import Path

import pytest

from api.access.caller import Role
from tests.api.alerts import routed
from tests.api.description import text
from tests.api.keyed import Keyed, every_route, state_of
from tests.api.test_roles import stated

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
EVERYWHERE = {"400", "414", "429", "431", "503"}


@pytest.fixture
def api(tmp_path):
    state = state_of(tmp_path, routed("desk"))
    made = Keyed(state)
    yield made
    made.reader.close()
    state.close()


@pytest.fixture
def described(api):
    return api.get("/openapi.json")


def operations(described):
    return [
        (f"{method.upper()} {path}", one)
        for path, methods in described["paths"].items()
        for method, one in methods.items()
    ]


def test_sa09_the_committed_description_is_what_the_code_gives(api):
    assert COMMITTED.read_text() == text(api), (
        "changed on purpose? python -m tests.api.description > docs/openapi.json"
    )


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own(described):
    names = [one["operationId"] for _, one in operations(described)]

    assert len(names) == len(set(names))
    assert [name for name, one in operations(described) if not (one["summary"] and one["description"])] == []


def test_every_operation_but_livez_wants_a_key(described):
    assert [name for name, one in operations(described) if "security" not in one] == ["GET /livez"]


def test_an_example_of_every_field_is_given(described):
    bare = [
        (name, field)
        for name, schema in described["components"]["schemas"].items()
        for field, shape in schema.get("properties", {}).items()
        if not {"examples", "$ref", "items", "additionalProperties", "anyOf"} & set(shape)
    ]

    assert bare == []


def test_every_answer_that_is_no_error_has_a_type(described):
    untyped = [
        (name, status)
        for name, one in operations(described)
        for status, answer in one["responses"].items()
        if status < "300" and not all(form.get("schema") for form in answer["content"].values())
    ]

    assert untyped == []


def test_every_error_is_a_problem_and_what_every_route_may_answer_stands_at_every_route(described):
    shared = described["components"]["responses"]
    for name, one in operations(described):
        errors = {status: answer["$ref"] for status, answer in one["responses"].items() if status >= "400"}

        assert (name, set(errors) & EVERYWHERE) == (name, EVERYWHERE)
        assert all(shared[where.rpartition("/")[2]]["content"] == PROBLEM for where in errors.values())
        assert {"413", "415"} <= set(errors) or "requestBody" not in one
        assert "401" in errors or name == "GET /livez"


def test_a_route_that_takes_more_than_a_key_says_that_it_may_be_refused(api, described):
    """403 stands at exactly the routes that not every viewer gets an answer of."""
    may_refuse = {name for name, one in operations(described) if "403" in one["responses"]}
    known = {name for name, _ in operations(described)}
    takes_more = {
        f"{method} {path}"
        for method, path, route in every_route(api.app)
        if stated(route) not in (None, Role.VIEWER)
    }

    assert takes_more & known <= may_refuse
    assert may_refuse - takes_more == {
        "GET /metrics",
        "GET /v1/members",
        "GET /v1/strays",
    }  # not for a key of some places


def test_what_names_a_thing_in_its_path_may_find_none(described):
    without = [n for n, one in operations(described) if "{" in n and "404" not in one["responses"]]

    assert without == [
        "GET /v1/quarantine/replays/{replay}"
    ]  # one that nobody asked for waits, like one not come to


def test_sa04_bh17_no_body_takes_a_field_that_is_not_described(described):
    """Nothing privileged can be slipped in: who, which role, which state."""
    bodies = {
        one["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for _, one in operations(described)
        if "application/json" in one.get("requestBody", {"content": ()})["content"]
    }

    assert len(bodies) >= 5
    bodies.remove("ToldBody")  # of Grafana and Alertmanager, which send more; what is not described is left
    assert {described["components"]["schemas"][name]["additionalProperties"] for name in bodies} == {False}


def test_what_may_be_long_is_bounded(described):
    """BH-08: every text and every number in a question has a bound or a pattern, and every list one too."""
    unbounded = [
        (name, parameter["name"])
        for name, one in operations(described)
        for parameter in one.get("parameters", [])
        if not bounded(parameter["schema"])
    ]

    assert unbounded == []


def bounded(schema):
    if "anyOf" in schema:
        return all(bounded(one) for one in schema["anyOf"])
    if "$ref" in schema or "enum" in schema or "const" in schema or schema["type"] in ("boolean", "null"):
        return True
    if schema["type"] == "integer":
        return {"maximum", "exclusiveMaximum"} & set(schema) != set()
    if schema["type"] == "array":
        return "maxItems" in schema and bounded(schema["items"])
    return "maxLength" in schema or re.search(r"[*+]|{\d+,}", schema.get("pattern", "*")) is None


def test_the_description_names_no_module_of_ours(described):
    """Where two models have one name, FastAPI tells them apart by where they stand, which is nobody's business."""
    assert [name for name in described["components"]["schemas"] if "__" in name] == []

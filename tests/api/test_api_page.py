"""docs/api.md and README.md against the API: every route is in the page, and their clients work."""

import re
from typing import Any

import pytest
from mypy import api as mypy

from api.access.guard import Access
from api.serve import Server
from rules.catalogue import load_catalogue
from store.access_log import AccessLog
from tests.api.conftest import Api
from tests.api.state import TOKEN
from tests.frame.repository import text

PAGE = text("docs/api.md")
[CLIENT], [FIRST] = (re.findall(r"```python\n(.*?)```", one, re.DOTALL) for one in (PAGE, text("README.md")))


@pytest.fixture
def whole(state, tmp_path):
    """An API with everything that an app may have."""
    log = AccessLog(tmp_path / "access.db")
    api = Api(state, load_catalogue(None), access=Access(log=log))
    yield api
    api.reader.close()


def test_every_route_is_in_the_page_and_no_other(whole):
    described = {
        f"{method.upper()} {path}"
        for path, methods in whole.get("/openapi.json")["paths"].items()
        for method in methods
    }

    assert set(re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \|", PAGE, re.MULTILINE)) == described


def run(client: str, api: Api) -> dict[str, Any]:
    """Run an example against the API; return the names that it leaves."""
    server = Server(api.app)
    server.start()
    names: dict[str, Any] = {}
    try:
        exec(client.replace("http://127.0.0.1:8080", server.url).replace("…", TOKEN), names)
    finally:
        server.stop()
    return names


def test_the_client_of_the_page_brings_every_page(whole, state):
    state.reading(1, whole.as_of, 1.0)

    assert run(CLIENT, whole)["silent"] == ["mdb1", "mdb1", "stack", "mdb1"]


def test_the_client_of_the_readme_brings_what_the_totals_say(whole):
    said = {one["facility"]: one["co2e_t"] for one in whole.get("/v1/totals")["totals"]}

    assert said
    assert run(FIRST, whole)["tonnes"] == said


@pytest.mark.parametrize("client", [CLIENT, FIRST], ids=["page", "readme"])
def test_the_clients_are_typed(client):
    report, errors, _ = mypy.run(["--strict", "--no-incremental", "--config-file=", "-c", client])

    assert (errors, report.splitlines()[-1]) == ("", "Success: no issues found in 1 source file")

"""docs/api.md against the API: every route is in it, and its client works."""

import re

import pytest
from mypy import api as mypy

from api.guard import Access
from api.serve import Server
from rules.catalogue import load_catalogue
from store.access_log import AccessLog
from tests.api.conftest import Api
from tests.api.state import TOKEN
from tests.frame.repository import text

PAGE = text("docs/api.md")
[CLIENT] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


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


def test_the_client_of_the_page_brings_every_page(whole, state):
    state.reading(1, whole.as_of, 1.0)
    server = Server(whole.app)
    server.start()
    names: dict[str, list[str]] = {}
    try:
        exec(CLIENT.replace("http://127.0.0.1:8080", server.url).replace("…", TOKEN), names)
    finally:
        server.stop()

    assert names["silent"] == ["mdb1", "mdb1", "stack", "mdb1"]


def test_the_client_of_the_page_is_typed():
    report, errors, _ = mypy.run(["--strict", "--no-incremental", "--config-file=", "-c", CLIENT])

    assert (errors, report.splitlines()[-1]) == ("", "Success: no issues found in 1 source file")

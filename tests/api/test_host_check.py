"""SA-18, BH-21, BH-27: host names, security headers, and that errors tell nothing."""

import pytest

from api.access.host_check import KnownHosts
from tests.api.state import TOKEN

HOSTS = KnownHosts(["meter.example.org", "*.park.example"], "https://sm.example:8443/x")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080", "[::1]:8080", "192.0.2.7", "localhost", "a.localhost:80", "stackmeter:8080", "STACKMETER",
        "sm.example", "meter.example.org:8080", "METER.example.org", "meter.example.org.", "a.park.example",
    ],
)  # fmt: skip
def test_a_name_that_no_stranger_can_have_is_ours(host):
    assert HOSTS.has(host.encode())


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "sm.example.evil.example", "xmeter.example.org", "park.example", "127.0.0.1.evil.example",
        "evil.example:80@127.0.0.1", "a b", "sm.example:", "127.0.0.1:999999", "1.2.3", "localhost.evil.example", "\xff",
    ],
)  # fmt: skip
def test_bh21_anothers_name_is_refused(host):
    assert not HOSTS.has(host.encode("latin-1"))


def test_a_star_lets_any_name_through():
    assert KnownHosts(["*"], "").has(b"anything.example")


def test_bh21_a_request_to_another_host_is_a_problem_before_anything_else(api):
    answer = api.ask("/v1/totals", headers={"Host": "evil.example", "Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 400
    assert "allowed_hosts" in answer.json()["detail"]
    assert api.ask("/v1/totals", headers={"Host": "sm.example"}).status_code == 401


@pytest.mark.parametrize("path", ["/v1/balance", "/livez", "/v1/nothing", "/metrics", "/a/none"])
def test_every_answer_has_the_security_headers(api, path):
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
        answer = api.ask(path, headers=headers)

        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_bh27_a_preflight_gets_no_grant(api):
    answer = api.ask(
        "/v1/totals", "OPTIONS", headers={"Origin": "null", "Access-Control-Request-Method": "GET"}
    )

    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_sa18_a_failure_tells_nothing_of_itself(api):
    class Broken(dict):
        def items(self):
            raise ZeroDivisionError("/secret/path in line 7")

    api.families = Broken()
    answer = api.ask("/metrics")

    assert answer.status_code == 500
    assert answer.json() == {
        "type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": "Internal Server Error",
        "instance": "/metrics", "errors": [],
    }  # fmt: skip
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_description_and_its_pages_are_behind_the_guard(api):
    assert api.ask("/openapi.json", headers={}).status_code == 401
    assert api.ask("/openapi.json").status_code == 200
    for path in ("/docs", "/redoc"):
        assert api.ask(path, headers={}).status_code == 401
        assert api.ask(path).status_code == 404

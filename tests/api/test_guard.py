"""BH-01, BH-02, BH-33, SA-11, SA-12, SA-13: keys and the token, and what is refused."""

import asyncio
import re
from pathlib import Path

import pytest

from api.access import guard
from api.access.rate_limit import RateLimiter
from plant.vocabulary import NS_PER_MIN, NS_PER_S
from store.keys import NEVER
from tests.api.alerts import routed
from tests.api.keyed import ME, Keyed, state_of
from tests.api.state import AS_OF, TOKEN

ROOT = Path(__file__).parents[2]


@pytest.fixture
def api(tmp_path):
    state = state_of(tmp_path, routed("desk"))
    made = Keyed(state)
    yield made
    made.reader.close()
    state.close()


def status(api, *headers):
    given = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return api.ask("/v1/totals", headers=given).status_code


def test_a_key_lets_in_by_either_header(api):
    key = api.key("vu")

    assert status(api, ("authorization", f"Bearer {key}")) == 200
    assert status(api, ("x-api-key", key)) == 200
    assert status(api, ("x-api-key", TOKEN)) == 200


def test_bh01_nothing_or_more_than_one_is_none(api):
    key = api.key("vu")
    for headers in (
        [],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("x-api-key", "")],
        [("authorization", f"Bearer {key}")] * 2,
        [("x-api-key", key)] * 2,
        [("authorization", f"Bearer {key}"), ("x-api-key", key)],
    ):
        answer = api.ask("/v1/totals", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="stackmeter"'


def test_bh02_another_scheme_or_the_address_is_none(api):
    key = api.key("vu")
    for scheme in ("bearer", "Basic", "Token", "BEARER"):
        assert status(api, ("authorization", f"{scheme} {key}")) == 401
    for name in ("token", "access_token", "key", "api_key", "x-api-key"):
        assert api.ask(f"/v1/totals?{name}={key}", headers={}).status_code == 401


@pytest.mark.parametrize("change", ["secret", "id", "short", "long", "upper", "bytes"])
def test_anything_but_the_key_is_refused(api, change):
    key = api.key("vu")
    wrong = {
        "secret": key[:-1] + ("0" if key[-1] != "0" else "1"),
        "id": key[:4] + "0" * 12 + key[16:],
        "short": key[:-1],
        "long": key + "0",
        "upper": key.upper(),
        "bytes": key[:-1] + "\xff",
    }[change]

    assert status(api, ("x-api-key", wrong)) == 401


def test_a_key_works_until_it_expires(api):
    key = api.key("vu", expires=AS_OF + NS_PER_MIN)

    assert api.as_(key, "/readyz").status_code == 200
    api.later(1)
    assert api.as_(key, "/readyz").status_code == 401


def test_sa11_a_revoked_key_is_dead_at_the_next_request(api):
    key = api.key("vu")
    assert api.as_(key, "/readyz").status_code == 200

    api.keys.revoke("vu", AS_OF, ME)

    assert api.as_(key, "/readyz").status_code == 401


def test_sa11_a_rotated_secret_works_for_the_overlap_and_no_longer(api):
    old = api.key("vu")
    _, new = api.keys.rotate("vu", 5 * NS_PER_S, AS_OF, ME)

    assert [api.as_(key, "/readyz").status_code for key in (old, new)] == [200, 200]
    api.later(5 / 60)
    assert [api.as_(key, "/readyz").status_code for key in (old, new)] == [401, 200]


def test_sa11_without_an_overlap_it_is_dead_at_once(api):
    old = api.key("vu")
    api.keys.rotate("vu", 0, AS_OF, ME)

    assert api.as_(old, "/readyz").status_code == 401


def test_a_key_that_cannot_be_looked_up_lets_nobody_in_and_the_token_still_does(api):
    key = api.key("vu")
    api.file.write_bytes(b"no database at all" * 100)

    answer = api.as_(key, "/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert api.ask("/readyz").status_code == 200

    api.file.unlink()
    assert api.as_(key, "/readyz").status_code == 503
    assert not api.file.exists()


def test_nothing_is_done_that_cannot_be_recorded(api):
    which = api.add()
    api.file.unlink()

    assert api.act(which).status_code == 503
    assert api.taken == []


def test_sa13_bh33_wrong_tokens_are_few_a_minute_from_an_address(api):
    answers = [status(api, ("x-api-key", f"guess {n}")) for n in range(40)]

    assert answers == [401] * guard.GUESSES + [429] * (40 - guard.GUESSES)
    api.later(guard.GUESS_EVERY / NS_PER_MIN)
    assert [status(api, ("x-api-key", "guess")) for _ in range(2)] == [401, 429]


def test_solid_b12_the_right_token_is_not_locked_out_by_wrong_ones(api):
    for n in range(40):
        status(api, ("x-api-key", f"guess {n}"))

    assert status(api, ("x-api-key", TOKEN)) == 200
    assert status(api, ("x-api-key", "guess")) == 429


def test_bh33_keys_cannot_be_guessed_and_so_are_never_locked_out(api):
    key = api.key("vu")
    for n in range(40):
        status(api, ("x-api-key", f"guess {n}"))

    assert status(api, ("x-api-key", key)) == 200


def test_bh33_others_are_not_locked_out(api):
    async def ask(address):
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request"}

        scope = {
            "type": "http", "method": "GET", "path": "/readyz", "raw_path": b"/readyz", "query_string": b"",
            "headers": [(b"host", b"api"), (b"x-api-key", b"guess")], "client": (address, 1), "server": ("api", 80),
            "scheme": "http", "root_path": "", "http_version": "1.1",
        }  # fmt: skip
        await api.app(scope, receive, send)
        return sent[0]["status"]

    def last(address):
        return [asyncio.run(ask(address)) for _ in range(guard.GUESSES + 1)][-1]

    assert last("2001:db8::1") == 429
    assert asyncio.run(ask("2001:db8::2")) == 429  # the same network of 64 bits is one client's
    assert asyncio.run(ask("2001:db8:0:1::1")) == 401
    assert asyncio.run(ask("192.0.2.1")) == 401
    assert status(api, ("x-api-key", TOKEN)) == 200


def test_bh33_denied_logins_are_recorded_once_a_minute(api):
    for n in range(40):
        status(api, ("x-api-key", f"guess {n}"))

    assert [(row.what, row.origin, row.about) for row in api.told() if row.what.startswith("login")] == [
        ("login.denied", "127.0.0.1", "GET /v1/totals"),
        ("login.blocked", "127.0.0.1", "GET /v1/totals"),
    ]
    assert not any("guess" in str(row) for row in api.told())


def test_bh33_memory_is_bounded():
    limiter = RateLimiter(10, NS_PER_S, 100)
    for n in range(10_000):
        limiter.allows(str(n), 0)

    assert len(limiter) == 100


def test_an_allowance_fills_again_and_a_clock_that_is_set_back_locks_nobody_out():
    limiter = RateLimiter(2, NS_PER_S, 10)

    assert [limiter.allows("a", 100 * NS_PER_S) for _ in range(3)] == [True, True, False]
    assert limiter.allows("a", 101 * NS_PER_S)
    assert [limiter.allows("a", 0) for _ in range(3)] == [True, True, False]


def test_sa12_secrets_are_compared_in_constant_time():
    """No `==` on what is secret, in the files that know secrets."""
    for name in ("src/api/access/guard.py", "src/store/keys.py", "src/alerts/tables/links.py"):
        text = (ROOT / name).read_text()
        assert "hmac.compare_digest" in text
        assert re.findall(r"(?:token|secret|digest|given|mac)\b\s*[!=]=", text) == []


def test_a_stream_ends_when_its_key_does(api):
    """What is sent after the key was revoked never leaves, and the stream is closed in order."""
    key = api.key("vu")
    sent = []

    async def stream(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        api.later(5 / 60)
        await send({"type": "http.response.body", "body": b"two", "more_body": True})
        api.keys.revoke("vu", AS_OF, ME)
        api.later(5 / 60)
        await send({"type": "http.response.body", "body": b"three", "more_body": True})
        await send({"type": "http.response.body", "body": b"four", "more_body": False})

    async def send(message):
        sent.append(message)

    guarded = guard.Guard(stream, TOKEN, guard.Access(api.keys, api.log), lambda: api.as_of)
    scope = {
        "type": "http", "method": "GET", "path": "/v1/live", "headers": [(b"x-api-key", key.encode())],
        "client": ("192.0.2.1", 1),
    }  # fmt: skip
    asyncio.run(guarded(scope, None, send))

    assert [one.get("body") for one in sent[1:]] == [b"one", b"two", b""]
    assert sent[-1]["more_body"] is False


def test_a_key_of_nobody_is_not_asked_for_where_there_are_none(api):
    """A plain API without keys takes the token alone."""
    answer = asyncio.run(
        _status(guard.Guard(None, TOKEN, guard.Access(), lambda: 0), api.key("vu", expires=NEVER))
    )

    assert answer == 401


async def _status(guarded, key):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [(b"x-api-key", key.encode())]}
    await guarded(scope, None, send)
    return sent[0]["status"]

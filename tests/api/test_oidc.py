"""Tokens of an identity provider that really serves its keys by HTTP, and every way in which one is not valid."""

import base64
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from api.access.caller import Caller, Role
from api.access.oidc import ASK_AGAIN_S, Provider, ProviderTokens, bearer
from tests.api.alerts import routed
from tests.api.keyed import Keyed, state_of

RSA, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
OCT = b"a shared secret of thirty-two by"


def public(key, kid, kind):
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig"}


class Idp:
    """An identity provider on this machine: its description and its keys, and how often these were asked for."""

    def __init__(self):
        self.keys = [
            public(RSA, "rsa", jwt.algorithms.RSAAlgorithm),
            public(EC, "ec", jwt.algorithms.ECAlgorithm),
            public(ED, "ed", jwt.algorithms.OKPAlgorithm),
            {**json.loads(jwt.algorithms.HMACAlgorithm.to_jwk(OCT)), "kid": "oct"},
        ]
        self.asked, self.names = 0, None
        idp = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                idp.asked += self.path == "/keys"
                said = {"issuer": idp.names or idp.url, "jwks_uri": f"{idp.url}/keys"}
                body = json.dumps({"keys": idp.keys} if self.path == "/keys" else said).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def token(self, key=RSA, kid="rsa", algorithm="RS256", **changes):
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": "stackmeter", "sub": "lan@park.example", "exp": now + 300, "iat": now,
            "stackmeter": ["operator"],
        } | changes  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)


def by_hand(token, secret):
    """Return a token that says the same and is signed with a public text as the secret, as no library does it."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa","typ":"JWT"}').rstrip(b"=")
    signed = header + b"." + token.split(".")[1].encode()
    mac = base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + mac).decode()


@pytest.fixture
def idp():
    made = Idp()
    yield made
    made.close()


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def tokens(idp, clock):
    return ProviderTokens(Provider(idp.url, "stackmeter", "stackmeter", "sub"), lambda: clock[0])


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"), [(RSA, "rsa", "RS256"), (EC, "ec", "ES256"), (ED, "ed", "EdDSA")]
)
def test_a_token_of_the_provider_tells_who_it_is(idp, tokens, key, kid, algorithm):
    assert tokens.caller(idp.token(key, kid, algorithm)) == Caller("lan@park.example", Role.OPERATOR)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"exp": None},
        {"exp": int(time.time()) - 3600}, {"nbf": int(time.time()) + 3600}, {"sub": None}, {"stackmeter": None},
        {"stackmeter": []}, {"stackmeter": "root"}, {"stackmeter": ["viewer", "admin"]}, {"stackmeter": {"admin": 1}},
    ],
)  # fmt: skip
def test_a_token_that_says_something_else_is_none(idp, tokens, changes):
    assert tokens.caller(idp.token(**changes)) is None


def test_a_token_that_another_key_signed_is_none(idp, tokens):
    assert tokens.caller(idp.token(OTHER)) is None
    assert tokens.caller(idp.token(EC, "rsa", "ES256")) is None
    assert tokens.caller(idp.token()[:-8] + "AAAAAAAA") is None


def test_a_shared_secret_and_no_signature_are_never_taken(idp, tokens):
    public_text = json.dumps(idp.keys[0])

    assert tokens.caller(idp.token(OCT, "oct", "HS256")) is None
    assert tokens.caller(by_hand(idp.token(), public_text.encode())) is None
    assert tokens.caller(idp.token(None, "rsa", "none")) is None
    for nonsense in ("", "a.b.c", "..", "é.é.é", "x" * 100_000):
        assert tokens.caller(nonsense) is None


def test_a_new_key_of_the_provider_is_looked_for_and_not_for_every_stranger(idp, tokens, clock):
    tokens.caller(idp.token())
    idp.keys.append(public(OTHER, "new", jwt.algorithms.RSAAlgorithm))
    asked = idp.asked

    assert tokens.caller(idp.token(OTHER, "new")) is not None
    assert idp.asked == asked + 1
    for n in range(20):
        assert tokens.caller(idp.token(OTHER, f"stranger {n}")) is None
    assert idp.asked == asked + 1
    clock[0] += ASK_AGAIN_S
    assert tokens.caller(idp.token(OTHER, "stranger")) is None
    assert idp.asked == asked + 2


@pytest.mark.parametrize("url", ["http://idp.example", "ftp://127.0.0.1", "idp.example"])
def test_a_provider_is_asked_where_nobody_on_the_way_can_answer(url):
    with pytest.raises(ValueError, match="https"):
        ProviderTokens(Provider(url, "a", "b", "sub"))


@pytest.mark.parametrize(
    ("claim", "caller"),
    [
        ("viewer", Caller("n", Role.VIEWER)),
        (["operator@hp/mill", "operator@rh"], Caller("n", Role.OPERATOR, (("hp", "mill"), ("rh", "")))),
        (["admin"], Caller("n", Role.ADMIN)),
        (["admin@hp"], None),
        (["viewer", "viewer@hp"], None),
        (["viewer@"], None),
        (["viewer@hp/"], None),
        (["viewer@/mill"], None),
        (["Viewer"], None),
        ([1], None),
        (None, None),
    ],
)
def test_what_is_written_otherwise_gives_nothing(claim, caller):
    assert bearer("n", claim) == caller


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, None, 7])
def test_who_has_no_name_is_nobody(name):
    assert bearer(name, "viewer") is None


def test_the_api_takes_them_beside_keys(tmp_path, idp, tokens):
    state = state_of(tmp_path, routed("desk"))
    api = Keyed(state, tokens)

    assert api.as_(idp.token(stackmeter=["viewer@rhein"]), "/v1/totals").json()["only"] == ["rhein"]
    assert api.as_(idp.token(), "/v1/audit").status_code == 403
    assert api.as_(idp.token(OTHER), "/v1/totals").status_code == 401
    assert api.as_(api.key("vu"), "/v1/totals").status_code == 200
    which = api.add()
    told = api.as_(idp.token(), f"/v1/alerts/{which}/actions", "POST", json={"action": "acknowledge"}).json()
    assert told["alert"]["acknowledged_by"] == "lan@park.example"
    api.reader.close()
    state.close()


@pytest.mark.parametrize("why", ["away", "another"])
def test_a_provider_that_cannot_be_asked_lets_nobody_in(tmp_path, why):
    idp = Idp()
    token = idp.token()
    if why == "another":
        idp.names = "https://another.example"
    else:
        idp.close()
    state = state_of(tmp_path, routed("desk"))
    api = Keyed(state, ProviderTokens(Provider(idp.url, "stackmeter", "stackmeter", "sub")))

    assert api.as_(token, "/v1/totals").status_code == 503
    assert api.as_(api.key("vu"), "/v1/totals").status_code == 200
    api.reader.close()
    state.close()
    if why == "another":
        idp.close()

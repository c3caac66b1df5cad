"""Tokens of an identity provider, as a resource server takes them: OpenID Connect, signed by keys that it publishes.

References
----------
.. [1] OpenID Connect Discovery 1.0, section 4.
.. [2] RFC 9068, JWT Profile for OAuth 2.0 Access Tokens, section 4.
.. [3] RFC 8725, JSON Web Token Best Current Practices, sections 3.1 and 3.2.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
from jwt.exceptions import PyJWKClientError, PyJWKSetError, PyJWTError

from api.access.caller import Caller, Role
from api.access.guard import CannotTell
from plant.documents.json_text import json_of

# Asymmetric ones only [3]_: with a shared secret, whoever can check tokens could make them.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
TIMEOUT_S = 5.0
KEPT_S = 300  # how long the provider's keys are taken to stand
ASK_AGAIN_S = 30.0  # between two looks for a key that is not there: anybody can name one
LEEWAY_S = 30
LONGEST = 16_384  # [characters] of a token
_LONGEST_NAME = 200
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Provider:
    """What tokens must say: who made them, for whom, and in which claims role and places, and the name, stand."""

    issuer: str
    audience: str
    claim: str
    name: str


class ProviderTokens:
    """Tells who bears a token; the provider's keys are fetched when the first one comes."""

    def __init__(self, provider: Provider, monotonic: Callable[[], float] = time.monotonic) -> None:
        _check_address(provider.issuer)
        self._provider, self._monotonic = provider, monotonic
        self._lock = threading.Lock()
        self._client: jwt.PyJWKClient | None = None
        self._asked = -ASK_AGAIN_S

    def caller(self, token: str) -> Caller | None:
        """Return who bears it, None where it is not valid or gives no role; raise CannotTell where the provider is away."""
        if len(token) > LONGEST:
            return None
        try:
            number = str(jwt.get_unverified_header(token).get("kid", ""))
        except (PyJWTError, RecursionError):
            return None
        try:
            key = self._key(number)
        except (PyJWKClientError, PyJWKSetError, httpx.HTTPError, RecursionError) as error:
            raise CannotTell(f"the keys of {self._provider.issuer}: {error}") from error
        try:
            claims = None if key is None else self._claims(token, key)
        except (PyJWTError, RecursionError):
            return None
        if claims is None:
            return None
        return bearer(claims.get(self._provider.name), claims.get(self._provider.claim))

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token, key, algorithms=list(ALGORITHMS), audience=self._provider.audience,
            issuer=self._provider.issuer, leeway=LEEWAY_S, options={"require": ["exp", "iss", "aud", "sub"]},
        )  # fmt: skip

    def _key(self, number: str) -> jwt.PyJWK | None:
        with self._lock:
            client = self._client = self._client or self._found()
            found = _named(client.get_jwk_set(), number)
            if found is None and self._monotonic() - self._asked >= ASK_AGAIN_S:
                self._asked = self._monotonic()
                found = _named(client.get_jwk_set(refresh=True), number)
        return found

    def _found(self) -> jwt.PyJWKClient:
        """Return a client for the keys that the provider says are its own [1]_."""
        answer = httpx.get(
            f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration", timeout=TIMEOUT_S
        )
        answer.raise_for_status()
        try:
            said = json_of(answer.content)
            issuer, address = said["issuer"], said["jwks_uri"]
            _check_address(address)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CannotTell(f"{self._provider.issuer} does not describe itself: {error}") from error
        if issuer != self._provider.issuer:
            raise CannotTell(f"{self._provider.issuer} calls itself {issuer!r}")
        return jwt.PyJWKClient(address, lifespan=KEPT_S, timeout=TIMEOUT_S)


def bearer(name: object, claim: object) -> Caller | None:
    """Return the caller that claims describe: a list of `role` or `role@park` or `role@park/facility`, all of one role.

    None where they describe none: what is written otherwise gives nothing, rather than too much.
    """
    entries = [claim] if isinstance(claim, str) else claim
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        return None
    if not isinstance(entries, list) or not entries or not all(isinstance(one, str) for one in entries):
        return None
    roles, places = set(), set()
    for entry in entries:
        role, at, place = entry.partition("@")
        park, slash, facility = place.partition("/")
        if role not in list(Role) or bool(at) != bool(park) or bool(slash) != bool(facility):
            return None
        roles.add(Role(role))
        places.add((park, facility))
    if len(roles) > 1 or (("", "") in places and len(places) > 1):
        return None
    role, some = roles.pop(), ("", "") not in places
    if role is Role.ADMIN and some:
        return None
    return Caller(name, role, tuple(sorted(places)) if some else ())


def _named(keys: jwt.PyJWKSet, number: str) -> jwt.PyJWK | None:
    usable = [key for key in keys.keys if key.public_key_use in (None, "sig")]
    if not number and len(usable) == 1:
        return usable[0]
    return next((key for key in usable if key.key_id == number), None)


def _check_address(url: str) -> None:
    """Refuse an address where whoever is on the way could answer."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError(f"an identity provider is asked by https, not {url!r}")

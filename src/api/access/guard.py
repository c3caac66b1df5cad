"""Who may ask what, and that a query says only what we understand.

The guard stands before routing, so that no path is forgotten: it finds out who asks. What a route asks of callers stands
with the route, as `needs(…)`.
"""

import hmac
import logging
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol, get_args, get_origin

from fastapi import Depends, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.addresses import Clients
from api.access.bodies import check_body
from api.access.caller import TOKEN, Asking, Caller, Role
from api.access.rate_limit import RateLimiter
from api.access.recorder import Clock, Denials, Recorder
from api.problems import NotAsDescribed, problem
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_S
from store.access_log import AccessLog
from store.keys import PREFIX, Keys

# A page with its parts tells nothing by itself; what begins with /a/ has a token of its own: api.acknowledge.
OPEN_PATHS = re.compile(
    r"/livez|/records|/month-end|/plan|/position|/energy|/eco-park|/city|/a/[^/]{1,1024}|/|/assets/[^/]+|/favicon\.ico"
)
NOBODY = Caller("", Role.VIEWER, places=(("", "nowhere"),))  # on an open path: sees nothing
GUESSES = 10  # wrong tokens of an address before they are answered with 429
GUESS_EVERY = 6 * NS_PER_S  # one more is answered with 401 then
LOOK_AGAIN = 4 * NS_PER_S  # after which a stream's key must still be good
MOST_ADDRESSES = 10_000  # that are remembered, and as many callers
RATE = 500  # requests a second of one address, and of one caller; 200 dashboards with ten panels each ask 400
BURST_S = 5  # a second's worth so many times at once
log = logging.getLogger(__name__)

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_WWW = {"WWW-Authenticate": 'Bearer realm="stackmeter"'}


class Denied(Exception):
    """Nobody is let in by what a request bears; `wait_s` [s] where it is not even looked at."""

    def __init__(self, wait_s: int = 0) -> None:
        self.wait_s = wait_s
        super().__init__(f"wait {wait_s} s" if wait_s else "wrong")


class CannotTell(Exception):
    """Who asks cannot be found out at the moment."""


class Issuer(Protocol):
    """Tells who bears a signed token of an identity provider."""

    def caller(self, token: str) -> Caller | None:
        """Return who, None where it is not valid; raise CannotTell where the provider is away."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What lets callers in beside the token, where it is recorded, None where there is no such, and from where they come."""

    keys: Keys | None = None
    log: AccessLog | None = None
    issuer: Issuer | None = None
    clients: Clients = field(default_factory=Clients)


class Guard:
    """Lets a request through that bears the token, a key or a token of the identity provider, once and in a header."""

    def __init__(self, app: ASGIApp, token: str, access: Access, clock: Clock, rate: int = RATE) -> None:
        if not token:
            raise ValueError("an empty token would let everybody in")
        self._app, self._access, self._clock = app, access, clock
        self._addresses, self._callers = (
            RateLimiter(rate * BURST_S, NS_PER_S // rate, MOST_ADDRESSES) for _ in range(2)
        )
        self._token = token.encode()
        self._guesses = RateLimiter(GUESSES, GUESS_EVERY, MOST_ADDRESSES)
        self._denials = Denials()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the API speaks HTTP, not {scope['type']}")
        address = self._access.clients.address(scope)
        # Whoever asks whether the process lives must not take it for dead because of its neighbours.
        if scope["path"] != "/livez" and not self._addresses.allows(address, self._clock()):
            await _too_many("your address")(scope, receive, send)
            return
        try:
            caller = NOBODY if OPEN_PATHS.fullmatch(scope["path"]) else await self._caller(scope, address)
        except Denied as denied:
            await self._refuse(denied, address, scope, receive, send)
            return
        except (sqlite3.Error, OSError, CannotTell):
            detail = "who you are cannot be found out at the moment"
            await problem(scope["path"], 503, detail, headers={"Retry-After": "5"})(scope, receive, send)
            return
        if caller is not NOBODY and not self._callers.allows(caller.name, self._clock()):
            await _too_many(f"the key of {caller.name}")(scope, receive, send)
            return
        recorder = Recorder(self._access.log, self._clock, caller.name, address)
        scope.setdefault("state", {}).update(caller=caller, recorder=recorder)
        watched = self._watched(scope, send, recorder)
        await self._app(scope, receive, watched if caller is NOBODY else self._ending(scope, watched, caller))

    async def _caller(self, scope: Scope, address: str) -> Caller:
        given = _credential(scope)
        if given is None:
            raise Denied
        if given.startswith(PREFIX.encode()) and self._access.keys is not None:
            caller = await run_in_threadpool(self._of_key, self._access.keys, given)
        elif given.count(b".") == 2 and self._access.issuer is not None:
            caller = await run_in_threadpool(self._access.issuer.caller, given.decode("latin-1"))
        else:
            return self._of_token(given, address)
        if caller is None:
            raise Denied
        return caller

    def _of_key(self, keys: Keys, given: bytes) -> Caller | None:
        key = keys.bearer(given.decode("latin-1"), self._clock())
        if key is None:
            return None
        if key.role not in list(Role):
            raise CannotTell(f"{keys.path} is damaged: key {key.id} has no role")
        return Caller(key.name, Role(key.role), key.places, key.shared)

    def _of_token(self, given: bytes, address: str) -> Caller:
        """Return who bears the token. The right one is never made to wait, so that nobody's wrong ones lock it out."""
        if hmac.compare_digest(given, self._token):
            return TOKEN
        if not self._guesses.allows(address, self._clock()):
            raise Denied(wait_s=GUESS_EVERY // NS_PER_S)
        raise Denied

    async def _refuse(self, denied: Denied, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        if _bears_something(scope):
            recorder = Recorder(self._access.log, self._clock, "", address)
            what = "login.blocked" if denied.wait_s else "login.denied"
            await self._note(recorder, what, scope)
        if denied.wait_s:
            headers = {"Retry-After": str(denied.wait_s)}
            detail = (
                "too many wrong tokens from your address: the right one works at once, whatever came before"
            )
            answer = problem(scope["path"], 429, detail, headers=headers)
        else:
            detail = (
                "send a key or the token as `Authorization: Bearer …` or `X-API-Key: …`, one of them once"
            )
            answer = problem(scope["path"], 401, detail, headers=_WWW)
        await answer(scope, receive, send)

    def _watched(self, scope: Scope, send: Send, recorder: Recorder) -> Send:
        """Return a `send` that enters what is refused to somebody whom we know."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 403:
                await self._note(recorder, "access.denied", scope)
            await send(message)

        return watched

    def _ending(self, scope: Scope, send: Send, caller: Caller) -> Send:
        """Return a `send` that ends a stream once whoever asked for it is let in no more."""
        looked, has_ended = self._clock(), False

        async def ending(message: Message) -> None:
            nonlocal looked, has_ended
            if has_ended:
                return
            if message.get("more_body") and self._clock() - looked >= LOOK_AGAIN:
                looked = self._clock()
                has_ended = not await self._is_still(scope, caller)
                if has_ended:
                    message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        return ending

    async def _is_still(self, scope: Scope, caller: Caller) -> bool:
        try:
            return await self._caller(scope, self._access.clients.address(scope)) == caller
        except (Denied, sqlite3.Error, OSError, CannotTell):
            return False

    async def _note(self, recorder: Recorder, what: str, scope: Scope) -> None:
        about = f"{scope['method']} {scope['path']}"
        try:
            await run_in_threadpool(self._denials.note, recorder, what, about)
        except sqlite3.Error as error:
            # The refusal stands without its row.
            log.error("%s of %s cannot be recorded: %s", what, recorder.origin, error)  # noqa: TRY400 - the row alone failed


def _too_many(of: str) -> ASGIApp:
    """Return the answer to one request too many."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"too many requests of {of}: ask less often, or raise the setting rate_limit"
        await problem(scope["path"], 429, detail, headers={"Retry-After": "1"})(scope, receive, send)

    return answer


def _credential(scope: Scope) -> bytes | None:
    """Return what a request bears in either header; None where that is nothing, something else, or more than one."""
    found = [(name, value) for name, value in scope["headers"] if name in (b"authorization", b"x-api-key")]
    if len(found) != 1:
        return None
    name, value = found[0]
    if name == b"x-api-key":
        return value or None
    scheme, _, credential = value.partition(b" ")
    return credential or None if scheme == b"Bearer" else None


def _bears_something(scope: Scope) -> bool:
    return any(name in (b"authorization", b"x-api-key") for name, _ in scope["headers"])


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency that lets callers of a role and above through; `whole`: only those from whom nothing is hidden."""

    least: Role
    whole: bool = False

    async def __call__(self, caller: Asking) -> None:
        """Raise 403 for others."""
        if not caller.role.may(self.least):
            raise HTTPException(403, f"this takes the role {self.least}, and your key has {caller.role}")
        if self.whole and not caller.sees_all:
            raise HTTPException(403, "this is of no park, and your key is for some places only")


def needs(least: Role, *, whole: bool = False) -> Any:
    """Return the dependency by which a route states the least role that it takes.

    A route of what belongs to no park is for callers from whom nothing is hidden: `whole`.
    """
    return Depends(Needs(least, whole))


def least_role(dependant: Dependant) -> Role | None:
    """Return the least role that a route takes, None where it states none."""
    stated = [part.call.least for part in _parts(dependant) if isinstance(part.call, Needs)]
    return max(stated, key=list(Role).index, default=None)


def _parts(dependant: Dependant) -> list[Dependant]:
    return [part for one in dependant.dependencies for part in (one, *_parts(one))]


async def known_parameters_only(request: Request) -> None:
    """Refuse a query parameter that the route does not have, that comes twice where it is no list, or that is no plain word.

    A mistyped filter that is ignored would silently answer with the wrong tonnes; so would `1_0` that is read as 10.
    """
    known = _parameters(request.scope["route"].dependant)
    given = request.query_params.multi_items()
    counts = Counter(name for name, _ in given)
    unknown = [
        (name[:64], f"unknown parameter{did_you_mean(name, known)}") for name in counts if name not in known
    ]
    repeated = [
        (name, "given more than once")
        for name, count in counts.items()
        if name in known and count > 1 and not _has(known[name], list)
    ]
    unclear = [(name, what) for name, value in given if (what := _unclear(known.get(name), value))]
    if unknown or repeated or unclear:
        raise NotAsDescribed(*unknown, *repeated, *unclear)


def _parameters(dependant: Dependant) -> dict[str, Any]:
    """Return the parameters and their types."""
    own = {field.alias: field.field_info.annotation for field in dependant.query_params}
    for part in dependant.dependencies:
        own |= _parameters(part)
    return own


def _unclear(annotation: Any, value: str) -> str:
    """Return what is wrong with how a number or a yes and no is written, "" where nothing is."""
    if _has(annotation, bool):
        return "" if value in ("true", "false") else "write true or false"
    if _has(annotation, int):
        return "" if _WHOLE.fullmatch(value) else "write a whole number in digits"
    return ""


def _has(annotation: Any, kind: type) -> bool:
    """Return whether a type is of a kind, or has it among its parts."""
    return kind in (annotation, get_origin(annotation)) or any(
        _has(one, kind) for one in get_args(annotation)
    )


# The first two only describe in OpenAPI what `Guard` asks for. A route that takes more than a viewer says so beside it.
WITH_BYTES = [  # of a route whose body is a file
    Security(HTTPBearer(auto_error=False)),
    Security(APIKeyHeader(name="X-API-Key", auto_error=False)),
    needs(Role.VIEWER),
    Depends(known_parameters_only),
]
GUARDED = [*WITH_BYTES, Depends(check_body)]

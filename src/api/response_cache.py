"""What many ask at the same moment is answered once: 200 dashboards of one park cost one sum and one JSON, not 200."""

import asyncio
import logging
import sqlite3
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plant.vocabulary import NS_PER_S

# For how long an answer is told again at most; it says as of when it is.
FRESH = NS_PER_S
CROWD, CROWD_S = 10, 1.0  # times in so long [s]: who ask the same so often do not wait for a newer answer
MOST = 500  # questions that are remembered
MOST_BYTES = 2**25  # of all their answers

_ANSWERS = {200, 304}  # what else comes is of one request
_ASKED_BY = {b"accept", b"if-none-match"}  # header fields that an answer depends on
_NO_CACHE = (b"cache-control", b"no-cache")  # RFC 9111, section 5.2.1.4
_BODY = {b"content-length", b"transfer-encoding"}
_Question = tuple[object, ...]

_log = logging.getLogger(__name__)


class ResponseCache:
    """Answers again what was asked before, as long as nothing was committed since, and no longer than `FRESH`.

    It stands behind the guard: callers who see the same places share answers. Who asks while an answer is made waits
    without a thread, so that a question that is slow to answer holds up no other. A crowd does not wait: it is told
    the last answer, no older than `FRESH`, while the next one is made; only `Cache-Control: no-cache` excludes that.

    Parameters
    ----------
    paths
        Of GET, where an answer depends on the question, what the caller sees, the state and the time alone.
    version
        Tells, as a number and without waiting, which state there is: another one after every commit.
    clock
        Tells the time [ns UTC].
    """

    def __init__(
        self, app: ASGIApp, paths: Collection[str], version: Callable[[], int], clock: Callable[[], int]
    ) -> None:
        self._app, self._paths, self._version, self._clock = app, paths, version, clock
        self._kept: OrderedDict[_Question, _Kept] = OrderedDict()
        self._renewals: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        question = self._question(scope)
        if question is None:
            await self._app(scope, receive, send)
            return
        for message in await self._answer(question, scope):
            await send(dict(message))

    def _question(self, scope: Scope) -> _Question | None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] not in self._paths:
            return None
        if any(name in _BODY for name, _ in scope["headers"]):
            return None
        asked_by = tuple((name, value) for name, value in scope["headers"] if name in _ASKED_BY)
        return scope["state"]["caller"].places, scope["path"], scope["query_string"], asked_by

    async def _answer(self, question: _Question, scope: Scope) -> list[Message]:
        arrived = monotonic()
        kept = self._kept.setdefault(question, _Kept())
        self._kept.move_to_end(question)
        if kept.is_of_a_crowd(arrived) and self._is_fresh(kept) and _NO_CACHE not in scope["headers"]:
            if self._is_outdated(kept) and not kept.lock.locked():
                self._renew_behind(question, kept, scope)
            return kept.messages
        async with kept.lock:
            # What was looked at after we came is as new as we could make it.
            if not kept.messages or kept.looked < arrived:
                return await self._renewed(question, kept, scope)
            return kept.messages

    def _is_fresh(self, kept: "_Kept") -> bool:
        return bool(kept.messages) and 0 <= self._clock() - kept.as_of < FRESH

    def _is_outdated(self, kept: "_Kept") -> bool:
        try:
            return self._version() != kept.version
        except sqlite3.Error:
            return True

    def _renew_behind(self, question: _Question, kept: "_Kept", scope: Scope) -> None:
        async def renew() -> None:
            async with kept.lock:
                await self._renewed(question, kept, scope)

        renewal = asyncio.create_task(renew())
        self._renewals.add(renewal)
        renewal.add_done_callback(self._has_ended)

    def _has_ended(self, renewal: asyncio.Task[None]) -> None:
        self._renewals.discard(renewal)
        if not renewal.cancelled() and (error := renewal.exception()):
            _log.error("an answer cannot be renewed, so it soon grows too old: %s", error, exc_info=error)

    async def _renewed(self, question: _Question, kept: "_Kept", scope: Scope) -> list[Message]:
        # Both before the answer is made: it is never older than it seems.
        looked, now = monotonic(), self._clock()
        try:
            version = self._version()
        except sqlite3.Error:
            return await self._made(scope)  # which says so
        if kept.version != version or not self._is_fresh(kept):
            made = await self._made(scope)
            if made[0]["status"] not in _ANSWERS:
                return made
            self._keep(question, kept, made)
            kept.version, kept.as_of = version, now
        kept.looked = looked
        return kept.messages

    async def _made(self, scope: Scope) -> list[Message]:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._app({**scope, "state": dict(scope["state"])}, _no_body, collect)
        return messages

    def _keep(self, question: _Question, kept: "_Kept", made: list[Message]) -> None:
        """Keep an answer in place of those that nobody asked for longest."""
        kept.messages = made
        self._kept[question] = kept  # again, where it was given up meanwhile
        size = sum(one.size for one in self._kept.values())
        while len(self._kept) > MOST or size > MOST_BYTES:
            size -= self._kept.popitem(last=False)[1].size


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


class _Kept:
    """An answer, the lock of those who wait for it, and when it was asked for lately."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.messages: list[Message] = []
        self.version = self.as_of = 0
        self.looked = 0.0
        self._asked: deque[float] = deque(maxlen=CROWD)

    def is_of_a_crowd(self, arrived: float) -> bool:
        """Take note that somebody asks, and return whether many do."""
        self._asked.append(arrived)
        return len(self._asked) == CROWD and arrived - self._asked[0] < CROWD_S

    @property
    def size(self) -> int:
        return sum(len(one.get("body", b"")) for one in self.messages)

"""Passes a question about one park on to its shard, and the answer back, both as they are: bounded in size and time."""

import time
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from api.access.bodies import LONGEST
from api.problems import problem
from plant.documents.json_text import json_of
from plant.shards.shards_file import Shard
from stackmeter.front.asking import ShardAsker, headers_of
from stackmeter.front.standing import told_away
from stackmeter.heard import why

LARGEST_BODY = 11 << 20  # bytes of a question: a file of evidence, and its frame
LARGEST_ANSWER = 256 << 20  # bytes of an answer: a year of readings as a table
CONNECT_S, STEP_S, WHOLE_S = 5.0, 60.0, 600.0  # a paper of a year is made for a while before its first byte
PASSED_BACK = (
    "allow", "cache-control", "content-disposition", "content-encoding", "content-length", "content-type", "etag", "retry-after",
    "stackmeter-known-from", "stackmeter-only", "vary", "www-authenticate",
)  # fmt: skip
# What a shard says is data: no page of its own with the rights of the front's.
_AS_DATA = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
}


class TooLarge(Exception):
    """A question has a larger body than any that is taken."""


class _CutOff(Exception):
    """An answer is larger, or takes longer, than any that is passed on."""


def body_of(request: Request) -> AsyncIterator[bytes] | None:
    """Return the body of a question as it comes, None where it has none; raise TooLarge where it goes on."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    return _bounded(request, LARGEST_BODY) if has_body else None


async def small_body_of(request: Request) -> bytes:
    """Return the body of a question that is read before it is known whose it is; raise TooLarge."""
    return b"".join([piece async for piece in _bounded(request, LONGEST)])


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise TooLarge
        if piece:
            yield piece


def park_in(body: bytes) -> str | None:
    """Return the park that a body of JSON names, None where it names none."""
    try:
        said = json_of(body)
    except ValueError:
        return None
    park = said.get("park") if isinstance(said, dict) else None
    return park if isinstance(park, str) else None


async def passed(
    asking: ShardAsker, request: Request, shard: Shard, body: bytes | AsyncIterator[bytes] | None
) -> Response:
    """Return what a shard answers, 503 where it is away; raise TooLarge."""
    path = request.url.path
    away = asking.standing.away(shard)
    if away is not None:
        return _away(path, told_away(shard, away))
    asked = asking.client.build_request(
        request.method,
        f"{shard.url}{_target(request)}",
        content=body or None,
        headers={
            "accept-encoding": request.headers.get("accept-encoding", "identity"),
            **headers_of(request),
        },
        timeout=httpx.Timeout(STEP_S, connect=CONNECT_S),
    )
    try:
        answer = await asking.client.send(asked, stream=True)
    except httpx.HTTPError as error:
        return _away(path, told_away(shard, asking.standing.since(shard, why(error))))
    if answer.is_redirect:
        await answer.aclose()
        detail = f"shard {shard.name} answers with a redirect: is it a Stackmeter?"
        return problem(path, 502, detail)
    headers = {name: value for name, value in answer.headers.items() if name in PASSED_BACK}
    return StreamingResponse(_pieces(answer), answer.status_code, headers | _AS_DATA)


def _target(request: Request) -> str:
    """Return path and query as they were asked; they begin with a slash, so that no host of theirs follows the shard's."""
    raw = request.scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1")
    path = raw if raw.startswith("/") else quote(request.url.path)
    return f"{path}?{request.url.query}" if request.url.query else path


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Yield an answer as it comes; one without end breaks off, so that nobody takes it for whole."""
    size, until = 0, time.monotonic() + WHOLE_S
    try:
        async for piece in answer.aiter_raw():
            size += len(piece)
            if size > LARGEST_ANSWER or time.monotonic() > until:
                raise _CutOff(f"more than {LARGEST_ANSWER >> 20} MiB, or than {WHOLE_S:g} s")
            yield piece
    finally:
        await answer.aclose()


def _away(path: str, sentence: str) -> Response:
    return problem(path, 503, sentence, headers={"Retry-After": "5"})

"""What was refused and is kept: by cause, message by message, and raw."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import GUARDED, needs
from api.access.recorder import Recording
from api.accounting.periods import once_taken
from api.once import OnceOnly
from api.pages import Cursor, Limit, Next, opened, sealed
from api.parameters import time_of
from api.problems import InvalidQuery, documented, problem
from plant.clock import format_time
from plant.vocabulary import Code
from store.messages.quarantine import SAMPLE, Cause, Kept, Wanted, causes, kept_message, kept_messages
from store.messages.replays import Became, Replay, replay_of
from store.reader import Reader

Decide = Callable[[Replay], None]

Word = Annotated[str | None, Query(max_length=400)]
From = Annotated[str | None, Query(alias="from", max_length=64, description="RFC 3339 with zone, of arrival")]
To = Annotated[str | None, Query(alias="to", max_length=64, description="RFC 3339 with zone, of arrival")]
Message = Annotated[int, Path(ge=0, lt=2**53, description="its offset in the journal", examples=[4711])]

One = Annotated[int | None, Query(ge=0, lt=2**53, description="its offset in the journal")]
ReplayId = Annotated[str, Path(max_length=64, examples=["0b5c"])]

RAW = {"type": "string", "format": "binary"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class KeptBody(BaseModel):
    """A message that was refused, and the beginning of its payload."""

    message: int = Field(description="its offset in the journal", examples=[4711])
    received_at: str = Field(examples=["2026-11-24T05:00:00Z"])
    gateway: str = Field(
        description="park/facility/gateway; empty where the topic did not say",
        examples=["nam-cau-kien/mill/substation"],
    )
    topic: str = Field(
        description="what is not printable is escaped",
        examples=["sm/v1/nam-cau-kien/mill/substation/readings"],
    )
    outcome: str = Field(description="quarantined or rejected", examples=["quarantined"])
    code: str = Field(examples=["unit_unknown"])
    path: str = Field(description="where in the payload", examples=["readings[0].unit"])
    detail: str = Field(examples=["there is no unit kWatt"])
    size: int = Field(description="bytes that came", examples=[120])
    kept: int = Field(description="bytes that are kept: all, of a rejected one the first KiB", examples=[120])
    digest: str = Field(description="of all its bytes, hexadecimal", examples=["9f86d081884c7d65"])
    payload_text: str = Field(
        description=f"its first {SAMPLE} bytes as text; what is no printable UTF-8 is escaped",
        examples=['{"readings": [{"channel": "mdb1"'],
    )
    payload_base64: str = Field(description=f"its first {SAMPLE} bytes", examples=["eyJyZWFkaW5ncyI6IFt7"])
    truncated: bool = Field(description="there is more than is shown here", examples=[False])


class CauseBody(BaseModel):
    """Messages that were refused for one reason."""

    code: str = Field(examples=["unit_unknown"])
    outcome: str = Field(description="quarantined or rejected", examples=["quarantined"])
    gateway: str = Field(
        description="park/facility/gateway; empty where the topic did not say",
        examples=["nam-cau-kien/mill/substation"],
    )
    path: str = Field(description="where in the payload", examples=["readings[0].unit"])
    count: int = Field(description="messages", examples=[12])
    first_at: str = Field(examples=["2026-11-24T04:00:00Z"])
    last_at: str = Field(examples=["2026-11-24T05:00:00Z"])
    sample: KeptBody = Field(description="the newest of them")


class ReplayWantedBody(BaseModel):
    """Which refused messages to take anew: all that fit what is given; at least one of the fields is."""

    model_config = {"extra": "forbid", "populate_by_name": True}

    messages: list[Annotated[int, Field(ge=0, lt=2**53, strict=True)]] | None = Field(
        None, max_length=1000, description="their offsets in the journal", examples=[[4711]]
    )
    gateway: str | None = Field(None, max_length=400, examples=["nam-cau-kien/mill/substation"])
    code: Code | None = Field(None, examples=["unmapped"])
    from_: str | None = Field(None, alias="from", max_length=64, description="RFC 3339 with zone, of arrival")
    to: str | None = Field(None, max_length=64, description="RFC 3339 with zone, of arrival")
    all: bool = Field(False, strict=True, description="everything that is kept", examples=[False])
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = Field(
        None, description="with a shared key, who does it; else it is the key's name", examples=["lan"]
    )


class ReplayedMessagesBody(BaseModel):
    """What became of messages that were taken anew, as far as it has come."""

    id: str = Field(examples=["0b5c"])
    outcome: str = Field(description="done, or waiting where there is more to take", examples=["done"])
    detail: str = Field(examples=["messages: 2 accepted; readings: 24 accepted"])
    messages: dict[str, int] = Field(
        description="by what they are now; quarantined and rejected ones are still refused",
        examples=[{"accepted": 2}],
    )
    readings: dict[str, int] = Field(
        description="by what they are now, without those that counted before", examples=[{"accepted": 24}]
    )
    codes: dict[str, int] = Field(
        description="why messages are still refused", examples=[{"unit_unknown": 1}]
    )
    left: dict[str, int] = Field(
        description="messages that cannot be taken anew, by the reason", examples=[{}]
    )


class QuarantineBody(BaseModel):
    """What was refused, by code, gateway and path."""

    causes: list[CauseBody]
    next: Next = None


class KeptMessagesBody(BaseModel):
    """Messages that were refused, the newest first."""

    messages: list[KeptBody]
    next: Next = None


def routes(reader: Reader, decide: Decide) -> APIRouter:
    """Return the routes; `decide` hands a decision to the line, which takes it in its turn."""
    router = APIRouter(
        prefix="/v1", tags=["quarantine"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    _refused(router, reader)
    _replaying(router, reader, decide)
    _byte_by_byte(router, reader)
    return router


def _refused(router: APIRouter, reader: Reader) -> None:
    @router.get("/quarantine")
    def quarantine(
        caller: Asking,
        gateway: Word = None,
        code: Code | None = None,
        start: From = None,
        end: To = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> QuarantineBody:
        """Return why messages were refused: how often, since when, and a sample (default: all that are kept)."""
        wanted = wanted_by(caller, gateway, code, start, end)
        after = tuple(str(part) for part in opened(cursor, "ssss") or ())
        with reader.snapshot() as state:
            found = causes(state.connection, wanted, after, limit + 1)
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        return QuarantineBody(
            causes=[_cause(one) for one in page],
            next=None if last is None else sealed((last.code, last.gateway, last.path, last.outcome)),
        )

    @router.get("/quarantine/messages")
    def quarantined_messages(
        caller: Asking,
        gateway: Word = None,
        code: Code | None = None,
        start: From = None,
        end: To = None,
        message: One = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> KeptMessagesBody:
        """Return the messages that were refused, the newest first, or the one that `message` names."""
        wanted = wanted_by(caller, gateway, code, start, end)
        if message is not None:
            wanted = replace(wanted, messages=(message,))
        place = opened(cursor, "i")
        before = None if place is None else int(place[0])
        with reader.snapshot() as state:
            found = kept_messages(state.connection, wanted, before, limit + 1)
        page = found[:limit]
        following = sealed((page[-1].message,)) if len(found) > limit else None
        return KeptMessagesBody(messages=[_kept(one) for one in page], next=following)


def _replaying(router: APIRouter, reader: Reader, decide: Decide) -> None:
    @router.post(
        "/quarantine/replay",
        response_model=ReplayedMessagesBody,
        dependencies=[needs(Role.OPERATOR)],
        responses=documented(403, 409),
    )
    def replay_quarantined(
        request: Request, caller: Asking, record: Recording, once: OnceOnly, body: ReplayWantedBody
    ) -> Any:
        """Take refused messages anew, as today's configuration reads them: as if they had come right, at the time they came.

        Only what was refused before the request is meant, and of it what is of the caller's places. What is still refused
        stays, with the reason of today. Answered with 202 where there is more than is taken at once; it goes on.
        """
        by, wanted = signed(caller, body.by), _to_replay(caller, body)
        made = Replay(
            once.number(caller, body.model_dump_json()),
            by,
            wanted.gateway,
            wanted.code,
            wanted.start,
            wanted.end,
            wanted.places,
            wanted.messages,
        )
        said = body.model_dump_json(exclude_defaults=True, by_alias=True)
        entry = ("quarantine.replayed", body.gateway or "", "", said)
        outcome, detail = once_taken(reader, once, made.id, lambda: decide(made), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, detail)
        told = _replayed(reader, made.id)
        return JSONResponse(told.model_dump(), 202 if told.outcome == "waiting" else 200)

    @router.get(
        "/quarantine/replays/{replay}", dependencies=[needs(Role.OPERATOR)], responses=documented(403)
    )
    def quarantine_replay(replay: ReplayId) -> ReplayedMessagesBody:
        """Return how far a replay has come; waiting is also one that the line has not come to."""
        return _replayed(reader, replay)


def _byte_by_byte(router: APIRouter, reader: Reader) -> None:
    @router.get(
        "/quarantine/{message:int}",  # so that nothing else is taken for a number: what is beside it takes POST alone
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {"schema": RAW}}}, **documented(404)},
    )
    def quarantined_message(request: Request, caller: Asking, message: Message) -> Any:
        """Return the payload of a refused message, byte by byte; of a rejected one what is kept of it."""
        with reader.snapshot() as state:
            found = kept_message(state.connection, wanted_by(caller), message)
        if found is None:
            return problem(request.url.path, 404, f"no refused message {message} is kept")
        headers = {"Content-Disposition": f'attachment; filename="message-{message}.bin"'}
        return Response(found[1], media_type="application/octet-stream", headers=headers)


def wanted_by(
    caller: Caller,
    gateway: str | None = None,
    code: Code | None = None,
    start: str | None = None,
    end: str | None = None,
) -> Wanted:
    """Return which messages a caller asks for, of those that they may see."""
    places = tuple(f"{park}/{facility}/" if facility else f"{park}/" for park, facility in caller.places)
    return Wanted(
        gateway=gateway,
        code=None if code is None else code.value,
        start=time_of("from", start),
        end=time_of("to", end),
        places=None if caller.sees_all else places,
    )


def _to_replay(caller: Caller, body: ReplayWantedBody) -> Wanted:
    chosen = body.model_dump(exclude_defaults=True, exclude={"by"})
    if not chosen:
        raise InvalidQuery(("messages", "say which: messages, gateway, code, from, to, or all"))
    if body.all and len(chosen) > 1:
        raise InvalidQuery(("all", "is for everything that is kept: leave out the others, or this"))
    wanted = wanted_by(caller, body.gateway, body.code, body.from_, body.to)
    return wanted if body.messages is None else replace(wanted, messages=tuple(body.messages))


def _replayed(reader: Reader, number: str) -> ReplayedMessagesBody:
    with reader.snapshot() as state:
        found, decision = replay_of(state.connection, number), state.decision(number)
    became = Became() if found is None else found.became
    outcome, detail = decision or ("waiting", "it goes on by itself: ask again with GET")
    return ReplayedMessagesBody(
        id=number,
        outcome=outcome,
        detail=detail,
        messages=became.messages,
        readings=became.readings,
        codes=became.codes,
        left=became.left,
    )


def _cause(cause: Cause) -> CauseBody:
    return CauseBody(
        code=cause.code,
        outcome=cause.outcome,
        gateway=cause.gateway,
        path=cause.path,
        count=cause.count,
        first_at=format_time(cause.first),
        last_at=format_time(cause.last),
        sample=_kept(cause.sample),
    )


def _kept(kept: Kept) -> KeptBody:
    return KeptBody(
        message=kept.message,
        received_at=format_time(kept.received),
        gateway=kept.gateway,
        topic=printable(kept.topic),
        outcome=kept.outcome,
        code=kept.code,
        path=kept.path,
        detail=kept.detail,
        size=kept.size,
        kept=kept.kept,
        digest=kept.digest.hex(),
        payload_text=printable(kept.payload),
        payload_base64=base64.b64encode(kept.payload).decode(),
        truncated=kept.size > len(kept.payload),
    )


def printable(raw: bytes) -> str:
    """Return bytes as text that can neither move a cursor nor turn the direction of what stands around it."""
    text = raw.decode(errors="backslashreplace")
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)

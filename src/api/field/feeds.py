"""Feeds: how each stands, which files were frozen, and sending them again."""

import pathlib
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import GUARDED, needs
from api.access.recorder import Recording
from api.access.seen import seen_by
from api.parameters import time_of
from api.problems import InvalidQuery, documented, problem
from plant.clock import format_time
from plant.park import Plant
from plant.station.feed import Feed
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_S
from store.feeds.files import FeedFiles, FeedStanding, KeptFile, kept_files, standings

Clock = Callable[[], int]  # ns UTC

_SLOT = "2026-11-30T05:00:00Z"
Named = Annotated[str, Path(max_length=64, description="a feed's name", examples=["department"])]
State = Literal["waiting", "delivered", "differs"]


class FeedBody(BaseModel):
    """How a feed stands."""

    feed: str = Field(examples=["department"])
    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(description="null where it is the park's", examples=["mill"])
    station: str = Field(examples=["HP_NCK_OKHOI1"])
    to: str = Field(description="where it delivers, without secrets", examples=["sftp://gate.example/in"])
    every_s: float = Field(description="the length of a slot [s]", examples=[300])
    behind_s: float = Field(
        description="how long the oldest slot that was not delivered is due [s]", examples=[0]
    )
    waiting: int = Field(description="files to be delivered yet", examples=[0])
    oldest: str | None = Field(description="the slot of the oldest file that waits", examples=[None])
    differs: int = Field(
        description="files of whose name the authority had another one, which stands", examples=[0]
    )
    delivered: int = Field(description="attempts that were taken", examples=[288])
    failed: int = Field(description="attempts that were not", examples=[1])
    last_slot: str | None = Field(description="of the newest file", examples=[_SLOT])
    last_delivered: str | None = Field(examples=["2026-11-30T05:06:01Z"])
    last_error: str = Field(description="of the latest attempt; empty where it was taken", examples=[""])


class FeedsBody(BaseModel):
    """The feeds that the caller sees, by name."""

    feeds: list[FeedBody]


class FeedFileBody(BaseModel):
    """A file as it was frozen, and what became of it."""

    slot: str = Field(description="where its slot begins", examples=[_SLOT])
    name: str = Field(examples=["HP_NCK_OKHOI1_20261130120000.txt"])
    bytes: int = Field(examples=[126])
    sha256: str = Field(examples=["9ffa563c06a94b5eda1affe25d3ddc01687be848aad9ff19a007a094d18b4c53"])
    frozen: str = Field(examples=["2026-11-30T05:06:00Z"])
    state: State = Field(
        description="waiting, delivered, or differs: the authority has another file of that name, which stands",
        examples=["delivered"],
    )
    at: str | None = Field(
        description="when it was delivered, found to differ, or asked for again",
        examples=["2026-11-30T05:06:01Z"],
    )


class FeedFilesBody(BaseModel):
    """Files of a feed, the newest slot first; what was delivered is kept for 90 days."""

    files: list[FeedFileBody]


class ResendBody(BaseModel):
    """Which slots' files to send again as they are, by whom and why."""

    model_config = {"extra": "forbid", "strict": True, "populate_by_name": True}

    start: str = Field(
        alias="from",
        max_length=64,
        description="slots that begin at or after it, RFC 3339 with zone",
        examples=["2026-11-30T12:00:00+07:00"],
    )
    end: str = Field(
        alias="to",
        max_length=64,
        description="and before it, RFC 3339 with zone",
        examples=["2026-11-30T13:00:00+07:00"],
    )
    reason: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"
        ),
    ] = Field(description="it is kept in the audit log", examples=["the department lost the hour, letter 12"])
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = Field(
        None, description="with a shared key, who decides; else it is the key's name", examples=["lan"]
    )


class ResentBody(BaseModel):
    """What will be sent again."""

    resent: int = Field(
        description="files that wait again; those that waited already are not counted", examples=[12]
    )


def routes(plant: Plant, path: pathlib.Path, clock: Clock) -> APIRouter:
    """Return the routes over the file of feeds."""
    router = APIRouter(
        prefix="/v1/feeds", tags=["feeds"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("")
    def feeds(caller: Asking) -> FeedsBody:
        """Return how each feed stands."""
        seen = _seen(plant, caller)
        found = standings(path, list(seen))
        return FeedsBody(
            feeds=[_feed(feed, one, clock()) for feed, one in zip(seen.values(), found, strict=True)]
        )

    @router.get("/{name}/files", response_model=FeedFilesBody, responses=documented(404))
    def feed_files(
        request: Request,
        caller: Asking,
        name: Named,
        state: Annotated[State | None, Query(description="only those that stand so")] = None,
        before: Annotated[
            str | None,
            Query(max_length=64, description="slots before it, RFC 3339 with zone", examples=[_SLOT]),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="the newest so many")] = 100,
    ) -> Any:
        """Return files of a feed, the newest slot first."""
        if name not in (seen := _seen(plant, caller)):
            return problem(request.url.path, 404, _none_of(name, seen))
        until = None if before is None else time_of("before", before)
        found = kept_files(path, name, state=state, before=until, most=limit)
        return FeedFilesBody(files=[_file(one) for one in found])

    @router.post(
        "/{name}/resend",
        response_model=ResentBody,
        dependencies=[needs(Role.OPERATOR)],
        responses=documented(403, 404),
    )
    def resend_feed(
        request: Request, caller: Asking, record: Recording, name: Named, body: ResendBody
    ) -> Any:
        """Let files wait again and be delivered as they were frozen, the oldest first; asked twice it is done once.

        A file that the authority still has under its name is not written again.
        """
        if name not in (seen := _seen(plant, caller)):
            return problem(request.url.path, 404, _none_of(name, seen))
        by = signed(caller, body.by)
        start, end = time_of("from", body.start), time_of("to", body.end)
        if not start < end:
            raise InvalidQuery(("to", "is after from"))
        record("feed.resent", name, "", f"{body.start} to {body.end}, by {by}: {body.reason}")
        with closing(FeedFiles(path)) as files:
            return ResentBody(resent=files.resend(name, start, end, clock()))

    return router


def _seen(plant: Plant, caller: Caller) -> dict[str, Feed]:
    """Return the feeds that a caller sees, by name."""
    return {feed.name: feed for feed in seen_by(caller, plant.feeds)}


def _none_of(name: str, seen: Iterable[str]) -> str:
    return f"there is no feed {name}{did_you_mean(name, seen)}"


def _feed(feed: Feed, one: FeedStanding, now: int) -> FeedBody:
    return FeedBody(
        feed=feed.name,
        park=feed.park,
        facility=feed.facility or None,
        station=feed.station,
        to=feed.to.shown,
        every_s=feed.every / NS_PER_S,
        behind_s=one.behind(feed.every, feed.delay, now) / NS_PER_S,
        waiting=one.waiting,
        oldest=_time(one.oldest),
        differs=one.differs,
        delivered=one.delivered,
        failed=one.failed,
        last_slot=_time(one.last_slot),
        last_delivered=_time(one.last_delivered),
        last_error=one.last_error,
    )


def _file(one: KeptFile) -> FeedFileBody:
    return FeedFileBody(
        slot=format_time(one.slot),
        name=one.name,
        bytes=one.size,
        sha256=one.digest,
        frozen=format_time(one.frozen),
        state=one.state,
        at=_time(one.at),
    )


def _time(at: int | None) -> str | None:
    return None if at is None else format_time(at)

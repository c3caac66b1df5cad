"""The audit log over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.caller import Role
from api.access.guard import GUARDED, needs
from api.parameters import Word
from api.problems import documented
from plant.clock import format_time
from store.access_log import AccessLog, Row


class AuditRowBody(BaseModel):
    """What somebody did, or was refused."""

    id: int = Field(examples=[17])
    at: str = Field(examples=["2026-11-24T05:00:00Z"])
    who: str = Field(description="the key's name; empty where nobody was let in", examples=["lan"])
    what: str = Field(examples=["alert.acknowledge"])
    about: str = Field(examples=["alert_1b19524c013be38786387fa559fd5ecd"])
    old: str = Field(description="as it was", examples=["firing"])
    new: str = Field(description="as it was asked to be", examples=["acknowledge by lan"])
    origin: str = Field(description="the client's address, or command line", examples=["192.0.2.17"])
    hash: str = Field(
        description="SHA-256 over the row and the hash of the one before", examples=["9f86d081…"]
    )


class AuditBody(BaseModel):
    """Rows of the audit log, the newest first."""

    rows: list[AuditRowBody]
    next: int | None = Field(
        description="`before` of the question for those after them; null: there are none", examples=[None]
    )


def routes(log: AccessLog) -> APIRouter:
    """Return the route."""
    router = APIRouter(
        prefix="/v1",
        tags=["operations"],
        dependencies=[*GUARDED, needs(Role.ADMIN, whole=True)],
        responses=documented(401, 403, 422, 503),
    )

    @router.get("/audit")
    def audit(
        who: Word = None,
        what: Word = None,
        before: Annotated[int | None, Query(ge=1, lt=2**53, description="older than this row")] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="at most so many")] = 100,
    ) -> AuditBody:
        """Return what was changed and refused, by whom, when and from where, the newest first."""
        found = log.rows(who=who, what=what, before=before, most=limit + 1)
        more = len(found) > limit
        return AuditBody(
            rows=[row_body(row) for row in found[:limit]], next=found[limit - 1].id if more else None
        )

    return router


def row_body(row: Row) -> AuditRowBody:
    """Return a row as it is told."""
    entry = row.entry
    return AuditRowBody(
        id=row.id,
        at=format_time(entry.at),
        who=entry.who,
        what=entry.what,
        about=entry.about,
        old=entry.old,
        new=entry.new,
        origin=entry.origin,
        hash=row.hash.hex(),
    )

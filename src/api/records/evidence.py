"""Evidence: a file is handed in once, kept under its digest, and given back to those who see what it stands for."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, StringConstraints

from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import GUARDED, WITH_BYTES, needs
from api.access.recorder import Recording
from api.accounting.periods import once_taken
from api.once import OnceOnly
from api.parameters import InLanguage
from api.problems import InvalidQuery, documented, problem, taken_later
from api.records.kinds import MEDIA, NoEvidence, kind_of
from api.refusals import in_language
from store.kept_files import Altered, KeptFiles, NotKept, digest_of
from store.reader import Reader, Snapshot
from store.records.decisions import EvidenceDecision
from store.records.table import evidence_kind, handed_in_by, places_of

Decide = Callable[[EvidenceDecision], None]

LARGEST = 10 << 20  # bytes of a file
DIGEST = r"^sha256:[0-9a-f]{64}$"
AnyDigest = Annotated[str, StringConstraints(pattern=DIGEST)]
BY = Annotated[
    str | None,
    Query(
        min_length=1, max_length=100, description="with a shared key, who does it; else it is the key's name"
    ),
]


def bytes_of(example: str, media: tuple[str, ...]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that is a file."""
    schema = {"schema": {"type": "string", "format": "binary"}, "example": example}
    return {"requestBody": {"required": True, "content": dict.fromkeys(media, schema)}}


async def raw_body(request: Request) -> bytes:
    """Return the body as it came."""
    return await request.body()


RawBody = Annotated[bytes, Depends(raw_body)]


class EvidenceBody(BaseModel):
    """A file that was handed in."""

    digest: str = Field(description="what records name it by", examples=[f"sha256:{'0' * 64}"])
    kind: str = Field(description="pdf, png, jpeg, xml, xlsx or csv, by what is in it", examples=["pdf"])
    size: int = Field(description="[bytes]", examples=[48213])
    outcome: str = Field(
        description="done, or waiting where the line has not come to it yet", examples=["done"]
    )


def routes(reader: Reader, files: KeptFiles, decide: Decide) -> APIRouter:
    """Return the routes; `decide` hands over that a file was handed in, which is on disk by then."""
    router = APIRouter(prefix="/v1", tags=["records"], responses=documented(401, 422, 503))

    @router.post(
        "/evidence",
        response_model=EvidenceBody,
        dependencies=[*WITH_BYTES, needs(Role.OPERATOR)],
        responses={202: taken_later(EvidenceBody), **documented(403, 409)},
        openapi_extra=bytes_of("day,kWh\n2026-10-12,310000\n", ("application/octet-stream",)),
        max_body_size=LARGEST,
    )
    def hand_in(
        request: Request,
        caller: Asking,
        record: Recording,
        once: OnceOnly,
        content: RawBody,
        by: BY = None,
        language: InLanguage = "en",
    ) -> Any:
        """Hand in a file as evidence: PDF, PNG, JPEG, XML, XLSX without macros or CSV, at most 10 MiB, as the body.

        What it is says its content alone. It is on disk when this is answered; the same file twice is kept once.
        """
        name = signed(caller, by)
        try:
            kind = kind_of(content)
        except NoEvidence as error:
            raise InvalidQuery(("body", in_language(str(error), language))) from None
        digest = digest_of(content)
        made = EvidenceDecision(once.number(caller, f"{digest} {by}"), name, digest, kind, len(content))

        def keep() -> None:
            files.put(content)
            decide(made)

        entry = ("evidence.handed_in", digest, "", f"{kind}, {len(content)} bytes")
        try:
            outcome, detail = once_taken(reader, once, made.id, keep, record, entry)
        except OSError as error:
            return problem(request.url.path, 503, f"it cannot be kept: {error.strerror}")
        if outcome == "refused":
            return problem(request.url.path, 409, in_language(detail, language))
        told = EvidenceBody(digest=digest, kind=kind, size=len(content), outcome=outcome)
        return JSONResponse(told.model_dump(), 202 if outcome == "waiting" else 200)

    @router.get(
        "/evidence/{digest}",
        dependencies=GUARDED,
        response_class=Response,
        responses={200: _FILE, **documented(404)},
    )
    def evidence(request: Request, caller: Asking, digest: Annotated[str, Path(pattern=DIGEST)]) -> Response:
        """Return a file as an attachment, to those who see a place whose record names it, and who handed it in."""
        with reader.snapshot() as state:
            kind = evidence_kind(state.connection, digest)
            if kind not in MEDIA or not may_see(state, caller, digest):
                return problem(request.url.path, 404, "there is no such evidence")
        try:
            content = files.read(digest)
        except (NotKept, Altered) as error:
            return problem(request.url.path, 503, str(error))
        name = f"{digest.removeprefix('sha256:')[:16]}.{kind}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return Response(content, media_type=MEDIA[kind], headers=headers)

    return router


def may_see(state: Snapshot, caller: Caller, digest: str, by: str | None = None) -> bool:
    """Whether somebody may see a file: who sees all, who handed it in, and who sees a place whose record names it."""
    names = {caller.name, by or caller.name}
    return (
        caller.sees_all
        or any(handed_in_by(state.connection, digest, name) for name in sorted(names))
        or any(caller.sees(*place) for place in places_of(state.connection, digest))
    )


def lacking_evidence(state: Snapshot, files: KeptFiles, caller: Caller, by: str, digest: str) -> str:
    """Return why nothing can stand on a file, "" where it can: it is there, whole, and may be seen."""
    if evidence_kind(state.connection, digest) is None or not may_see(state, caller, digest, by):
        return "no such evidence was handed in: hand in the file first"
    try:
        files.read(digest)
    except (NotKept, Altered) as error:
        return f"{error}; hand it in again"
    return ""


_FILE = {
    "description": "the file",
    "content": {
        media: {"schema": {"type": "string", "format": "binary"}, "example": ""} for media in MEDIA.values()
    },
}

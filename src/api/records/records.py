"""Records: what was entered, by whom and on what evidence, and what becomes of it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import GUARDED, WITH_BYTES, needs
from api.access.recorder import Recording
from api.accounting.periods import once_taken
from api.once import OnceOnly
from api.pages import Cursor, Limit, opened, sealed
from api.parameters import From, InLanguage, To, Word, time_of
from api.problems import InvalidQuery, documented, problem, taken_later
from api.records.bodies import (
    ActBody,
    EnterBody,
    ImportedBody,
    RecordDecidedBody,
    RecordsBody,
    RowProblemBody,
    bodies,
    entered_of,
    records_csv,
)
from api.records.effects import effects
from api.records.evidence import BY, RawBody, bytes_of, lacking_evidence
from api.records.table_of_rows import COLUMNS, ReadRow, read_rows
from api.refusals import in_language
from api.tables import CSV, JSON, documented_as, preferred
from plant.languages import Language
from plant.park import Plant
from rules.catalogue import Register
from rules.engine import Engine
from store.kept_files import KeptFiles
from store.reader import Reader, Snapshot
from store.records.checks import RecordRules
from store.records.decisions import Entered, RecordDecision
from store.records.table import Record, RecordStanding, find, of_message
from store.records.views import WantedRecords, select

Decide = Callable[[RecordDecision], None]

LARGEST_TABLE = 1 << 20  # bytes of an import
MOST_TOLD = 100  # problems of an import
LEAST = {
    "approve": Role.APPROVER,
    "refuse": Role.APPROVER,
    "strike": Role.APPROVER,
    "withdraw": Role.OPERATOR,
}
AnyRecord = Annotated[str, Path(max_length=40, pattern=r"^[0-9]{1,18}-[0-9]{1,18}$")]


class _Desk:
    """What the routes need of the service."""

    def __init__(
        self,
        reader: Reader,
        plant: Plant,
        files: KeptFiles,
        decide: Decide,
        clock: Callable[[], int],
        register: Register | None,
    ) -> None:
        self.reader, self.plant, self.decide, self.clock = reader, plant, decide, clock
        self.rules, self._register, self._files = RecordRules(plant), register, files

    @cached_property
    def engine(self) -> Engine | None:
        """What calculates tonnes, made when it is asked for first; None where there is no register of factors."""
        return None if self._register is None else Engine(self.plant, self._register)

    def check_evidence(self, state: Snapshot, caller: Caller, by: str, digest: str) -> str:
        """Return why a record cannot stand on a file, "" where it can."""
        return lacking_evidence(state, self._files, caller, by, digest)

    def taken(
        self,
        request: Request,
        once: OnceOnly,
        record: Recording,
        made: RecordDecision,
        entry: tuple[str, str, str, str],
        language: Language,
    ) -> Any:
        """Hand over a decision and tell what became of it."""
        outcome, detail = once_taken(self.reader, once, made.id, lambda: self.decide(made), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, in_language(detail, language))
        with self.reader.snapshot() as state:
            found = self.about(state, made)
        told = RecordDecidedBody(id=made.id, outcome=outcome, detail=detail, records=bodies(found))
        return JSONResponse(told.model_dump(by_alias=True), 202 if outcome == "waiting" else 200)

    def about(self, state: Snapshot, made: RecordDecision) -> Sequence[Record]:
        """Return the records that a decision was about, those that it entered too."""
        if made.records:
            return [one for number in made.records if (one := find(state.connection, number)) is not None]
        row = state.connection.execute("SELECT message FROM decision WHERE id = ?", (made.id,)).fetchone()
        return [] if row is None else of_message(state.connection, int(row[0]))


def routes(
    reader: Reader,
    plant: Plant,
    files: KeptFiles,
    decide: Decide,
    clock: Callable[[], int],
    register: Register | None,
) -> APIRouter:
    """Return the routes; `decide` hands a decision to the line, which takes it in its turn."""
    router = APIRouter(prefix="/v1", tags=["records"], responses=documented(401, 422, 503))
    desk = _Desk(reader, plant, files, decide, clock, register)
    _looking(router, desk)
    _importing(router, desk)  # before what a record's number may stand for
    _entering(router, desk)
    return router


def _looking(router: APIRouter, desk: _Desk) -> None:
    @router.get(
        "/records", dependencies=GUARDED, response_model=RecordsBody, responses={**documented_as(CSV)}
    )
    def records(
        request: Request,
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        channel: Word = None,
        state: RecordStanding | None = None,
        start: From = None,
        end: To = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Return records, those that were entered last first: of a place, as they stand, of a time (default: all).

        As CSV where `Accept` says so.
        """
        media = preferred(request.headers, (JSON, CSV))
        span = time_of("from", start), time_of("to", end)
        wanted = WantedRecords(park, facility, channel, state, *span, caller.places)
        place = opened(cursor, "ii")
        before = None if place is None else (int(place[0]), int(place[1]))
        with desk.reader.snapshot() as now:
            found = select(now.connection, wanted, before, limit + 1)
        page = found[:limit]
        following = sealed((page[-1].message, page[-1].row)) if len(found) > limit else None
        body = RecordsBody(records=bodies(page), next=following)
        content = records_csv(body) if media == CSV else body.model_dump_json(by_alias=True).encode()
        return Response(content, media_type=media, headers={"Vary": "Accept, Authorization, X-API-Key"})


def _entering(router: APIRouter, desk: _Desk) -> None:
    @router.post(
        "/records",
        response_model=RecordDecidedBody,
        dependencies=[*GUARDED, needs(Role.OPERATOR)],
        responses={202: taken_later(RecordDecidedBody), **documented(403, 409)},
    )
    def enter_record(
        request: Request,
        caller: Asking,
        record: Recording,
        once: OnceOnly,
        body: EnterBody,
        language: InLanguage = "en",
    ) -> Any:
        """Enter an amount that no meter sees, or a level that holds, or replace an approved one. Another person approves it.

        It counts once it is approved: spread evenly over its stretch, as interpolated. Its file is handed in before.
        """
        by, said = signed(caller, body.by), entered_of(desk.plant, body)
        _must_see(caller, said)
        with desk.reader.snapshot() as state:
            lacking = desk.check_evidence(state, caller, by, said.evidence)
        number = once.number(caller, body.model_dump_json())
        if lacking and once.is_new(desk.reader, number):
            raise InvalidQuery(("evidence", in_language(lacking, language)))
        made = RecordDecision(number, by, "enter", (said,), key=caller.name)
        told = f"{said.value:g} {said.unit}, {said.source}" + (
            f", replaces {said.replaces}" * bool(said.replaces)
        )
        return desk.taken(request, once, record, made, ("record.entered", body.channel, "", told), language)

    @router.post(
        "/records/{number}",
        response_model=RecordDecidedBody,
        dependencies=[*GUARDED, needs(Role.OPERATOR)],
        responses={202: taken_later(RecordDecidedBody), **documented(403, 404, 409)},
    )
    def decide_of_record(
        request: Request,
        caller: Asking,
        record: Recording,
        once: OnceOnly,
        number: AnyRecord,
        body: ActBody,
        language: InLanguage = "en",
    ) -> Any:
        """Approve, refuse or strike a record, as an approver, or withdraw one that you have entered.

        Who entered it does not approve it; a shared key or the token is one person, whatever names it gives. What is struck counts no longer.
        """
        by = signed(caller, body.by)
        if not caller.role.may(LEAST[body.action]):
            return problem(request.url.path, 403, f"to {body.action} takes the role {LEAST[body.action]}")
        if body.reason is None and body.action in ("refuse", "strike"):
            why = f"say why: what is to {body.action} is kept with it"
            raise InvalidQuery(("reason", in_language(why, language)))
        with desk.reader.snapshot() as state:
            found = find(state.connection, number)
        if found is None or not caller.sees(found.park, found.facility):
            return problem(request.url.path, 404, in_language(f"there is no record {number}", language))
        made = RecordDecision(
            once.number(caller, body.model_dump_json()),
            by,
            body.action,
            (),
            (number,),
            body.reason or "",
            caller.name,
        )
        entry = (f"record.{body.action}", number, found.standing, body.reason or "")
        return desk.taken(request, once, record, made, entry, language)


def _importing(router: APIRouter, desk: _Desk) -> None:
    @router.post(
        "/records/import",
        response_model=ImportedBody,
        dependencies=[*WITH_BYTES, needs(Role.OPERATOR)],
        responses={202: taken_later(ImportedBody), **documented(403, 409)},
        openapi_extra=bytes_of(f"{','.join(COLUMNS)}\n", ("text/csv", "application/octet-stream")),
        max_body_size=LARGEST_TABLE,
    )
    def import_records(
        request: Request,
        caller: Asking,
        record: Recording,
        once: OnceOnly,
        content: RawBody,
        numbers: Annotated[
            Language | None, Query(description="how its numbers are written: 1.234,5 (vi) or 1,234.5 (en)")
        ] = None,
        check: Annotated[bool, Query(description="only say what would change")] = False,
        by: BY = None,
        language: InLanguage = "en",
    ) -> Any:
        """Enter a table of records: all of its rows or none. `check` says what is wrong with them, and what they would change, in tonnes.

        CSV in UTF-8 with the columns channel,from,to,value,unit,source,evidence,note, at most 1,000 rows.
        """
        name = signed(caller, by)
        rows = read_rows(content, desk.plant, numbers)
        number = once.number(caller, f"{numbers} {by} {content.decode(errors='replace')}")
        is_new = check or once.is_new(desk.reader, number)
        with desk.reader.snapshot() as state:
            problems = _problems(desk, state, caller, name, rows) if is_new else []
            entered = tuple(one.entered for one in rows if one.entered is not None)
            changed = [] if problems else effects(state, desk.rules, desk.engine, entered)
        problems = [one.model_copy(update={"detail": in_language(one.detail, language)}) for one in problems]
        if check:
            detail = (
                f"{len(problems)} rows would be refused"
                if problems
                else f"{len(rows)} records would be entered"
            )
            told = ImportedBody(
                id=None, outcome="checked", detail=detail, rows=len(rows), problems=problems[:MOST_TOLD], effect=changed, records=[]
            )  # fmt: skip
            return JSONResponse(told.model_dump())
        if problems:
            raise InvalidQuery(*((_place(one), one.detail) for one in problems[:MOST_TOLD]))
        made = RecordDecision(number, name, "enter", entered, key=caller.name)
        entry = ("record.imported", entered[0].park, "", f"{len(rows)} rows")
        outcome, detail = once_taken(desk.reader, once, number, lambda: desk.decide(made), record, entry)
        if outcome == "refused":
            return problem(request.url.path, 409, in_language(detail, language))
        with desk.reader.snapshot() as state:
            ids = [one.id for one in desk.about(state, made)]
        told = ImportedBody(
            id=number,
            outcome=outcome,
            detail=detail,
            rows=len(rows),
            problems=[],
            effect=changed,
            records=ids,
        )
        return JSONResponse(told.model_dump(), 202 if outcome == "waiting" else 200)


def _problems(
    desk: _Desk, state: Snapshot, caller: Caller, by: str, rows: Sequence[ReadRow]
) -> list[RowProblemBody]:
    """Return why rows cannot be entered together."""
    found = [one for row in rows for one in row.problems]
    readable = [(row.row, row.entered) for row in rows if row.entered is not None]
    lacking = {
        digest: desk.check_evidence(state, caller, by, digest)
        for digest in sorted({said.evidence for _, said in readable})
    }
    refused = desk.rules.refusals(state.connection, [said for _, said in readable], desk.clock())
    for place, (row, said) in enumerate(readable):
        if not caller.sees(said.park, said.facility):
            found.append(RowProblemBody(row=row, column="channel", detail=_unseen(said)))
        elif lacking[said.evidence]:
            found.append(RowProblemBody(row=row, column="evidence", detail=lacking[said.evidence]))
        elif place in refused:
            found.append(RowProblemBody(row=row, column="", detail=refused[place]))
    return sorted(found, key=lambda one: one.row)


def _place(one: RowProblemBody) -> str:
    return f"row {one.row}" + (f", {one.column}" if one.column else "")


def _must_see(caller: Caller, said: Entered) -> None:
    if not caller.sees(said.park, said.facility):
        raise InvalidQuery(("channel", _unseen(said)))


def _unseen(said: Entered) -> str:
    return f"no channel {said.park}/{said.facility}/{said.channel} is configured"

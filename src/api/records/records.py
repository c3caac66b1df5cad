"""Records: what was entered, by whom and on what evidence, and what becomes of it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import GUARDED, WITH_BYTES, needs
from api.pages import Cursor, Limit, opened, sealed
from api.parameters import From, To, Word, time_of
from api.problems import InvalidQuery, documented, taken_later
from api.records.bodies import (
    ActBody,
    EnterBody,
    ImportedBody,
    RecordDecidedBody,
    RecordsBody,
    bodies,
    entered_of,
    records_csv,
)
from api.records.desk import Deciding, DecisionDesk, HandedTable
from api.records.effects import effects
from api.records.evidence import BY, RawBody, bytes_of
from api.records.table_of_rows import COLUMNS, LARGEST_TABLE, Numbers, entered_row, read_rows
from api.tables import CSV, JSON, documented_as, preferred
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

AnyRecord = Annotated[str, Path(max_length=40, pattern=r"^[0-9]{1,18}-[0-9]{1,18}$")]


class RecordDesk(DecisionDesk[RecordDecision, Record, Entered]):
    """What the routes need of the service; `clock` tells the time [ns UTC]."""

    what = "record"

    def __init__(
        self,
        reader: Reader,
        plant: Plant,
        files: KeptFiles,
        decide: Decide,
        clock: Callable[[], int],
        register: Register | None,
    ) -> None:
        super().__init__(reader, plant, files, decide)
        self._clock, self.rules, self._register = clock, RecordRules(plant), register

    @cached_property
    def engine(self) -> Engine | None:
        """What calculates tonnes, made when it is asked for first; None where there is no register of factors."""
        return None if self._register is None else Engine(self.plant, self._register)

    def find(self, state: Snapshot, number: str) -> Record | None:
        """Return the record of an id, None where there is none."""
        return find(state.connection, number)

    def entered(self, state: Snapshot, message: int) -> Sequence[Record]:
        """Return the records that a message entered."""
        return of_message(state.connection, message)

    def act(self, number: str, by: str, body: ActBody, of: str, key: str) -> RecordDecision:
        """Return what somebody decides of a record."""
        return RecordDecision(number, by, body.action, (), (of,), body.reason or "", key)

    def told(self, made: RecordDecision, outcome: str, detail: str, found: Sequence[Record]) -> BaseModel:
        """Return what became of a decision, and the records that it was about."""
        return RecordDecidedBody(id=made.id, outcome=outcome, detail=detail, records=bodies(found))

    def refusals(self, state: Snapshot, said: dict[int, Entered]) -> dict[int, str]:
        """Return why rows cannot be entered together."""
        return self.rules.refusals(state.connection, said, self._clock())


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
    desk = RecordDesk(reader, plant, files, decide, clock, register)
    _looking(router, desk)
    _importing(router, desk)  # before what a record's number may stand for
    _entering(router, desk)
    return router


def _looking(router: APIRouter, desk: RecordDesk) -> None:
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


def _entering(router: APIRouter, desk: RecordDesk) -> None:
    @router.post(
        "/records",
        response_model=RecordDecidedBody,
        dependencies=[*GUARDED, needs(Role.OPERATOR)],
        responses={202: taken_later(RecordDecidedBody), **documented(403, 409)},
    )
    def enter_record(asked: Deciding, body: EnterBody) -> Any:
        """Enter an amount that no meter sees, or a level that holds, or replace an approved one. Another person approves it.

        It counts once it is approved: spread evenly over its stretch, as interpolated. Its file is handed in before.
        """
        by, said = signed(asked.caller, body.by), entered_of(desk.plant, body)
        _must_see(asked.caller, said)
        number = desk.number(asked, by, body, said.evidence)
        made = RecordDecision(number, by, "enter", (said,), key=asked.caller.name)
        told = f"{said.value:g} {said.unit}, {said.source}" + (
            f", replaces {said.replaces}" * bool(said.replaces)
        )
        return desk.taken(asked, made, "", ("record.entered", body.channel, "", told))

    @router.post(
        "/records/{number}",
        response_model=RecordDecidedBody,
        dependencies=[*GUARDED, needs(Role.OPERATOR)],
        responses={202: taken_later(RecordDecidedBody), **documented(403, 404, 409)},
    )
    def decide_of_record(asked: Deciding, number: AnyRecord, body: ActBody) -> Any:
        """Approve, refuse or strike a record, as an approver, or withdraw one that you have entered.

        Who entered it does not approve it; a shared key or the token is one person, whatever names it gives. What is struck counts no longer.
        """
        return desk.decided(asked, number, body)


def _importing(router: APIRouter, desk: RecordDesk) -> None:
    @router.post(
        "/records/import",
        response_model=ImportedBody,
        dependencies=[*WITH_BYTES, needs(Role.OPERATOR)],
        responses={202: taken_later(ImportedBody), **documented(403, 409)},
        openapi_extra=bytes_of(f"{','.join(COLUMNS)}\n", ("text/csv", "application/octet-stream")),
        max_body_size=LARGEST_TABLE,
    )
    def import_records(
        asked: Deciding,
        content: RawBody,
        numbers: Numbers = None,
        check: Annotated[bool, Query(description="only say what would change")] = False,
        by: BY = None,
    ) -> Any:
        """Enter a table of records: all of its rows or none. `check` says what is wrong with them, and what they would change, in tonnes.

        CSV in UTF-8 with the columns channel,from,to,value,unit,source,evidence,note, at most 1,000 rows.
        """
        caller, name = asked.caller, signed(asked.caller, by)
        read = entered_row(desk.plant, numbers, lambda said: _must_see(caller, said))
        rows = read_rows(content, COLUMNS, "value", read)
        number = asked.once.number(caller, f"{numbers} {by} {content.decode(errors='replace')}")
        is_new = check or asked.once.is_new(desk.reader, number)
        with desk.reader.snapshot() as state:
            problems = desk.problems(state, caller, name, rows) if is_new else []
            entered = tuple(one.said for one in rows if one.said is not None)
            changed = [] if problems else effects(state, desk.rules, desk.engine, entered)
        made = RecordDecision(number, name, "enter", entered, key=caller.name)

        def told(ids: list[str], of_table: dict[str, Any]) -> ImportedBody:
            return ImportedBody(**of_table, effect=changed, records=ids)

        place = entered[0].park if entered else ""
        return desk.table(asked, HandedTable(made, place, len(rows), problems, told), check=check)


def _must_see(caller: Caller, said: Entered) -> None:
    if not caller.sees(said.park, said.facility):
        name = f"{said.park}/{said.facility}/{said.channel}"
        raise InvalidQuery(("channel", f"no channel {name} is configured"))

"""The route with which a table of movements comes in: looked at as a whole, then entered row by row in the order of their days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.access.caller import Asking, Caller, Role, signed
from api.access.guard import WITH_BYTES, needs
from api.access.recorder import Recording
from api.accounting.periods import outcome_of
from api.market.bodies import EnterMovementBody, ImportedMovementsBody, check_day, moved_of
from api.market.desk import MovementDesk
from api.market.movement_table import COLUMNS, MovementRow, TableLook, movement_rows
from api.once import Once, OnceOnly
from api.parameters import InLanguage
from api.problems import InvalidQuery, documented, taken_later
from api.records.bodies import RowProblemBody
from api.records.evidence import BY, RawBody, bytes_of, lacking_evidence
from api.refusals import in_language
from plant.languages import Language
from rules.market.entering import MovementRules
from store.records.decisions import MovementDecision
from store.records.movements import counting_movements

LARGEST_TABLE = 1 << 20  # bytes
MOST_TOLD = 100  # problems


@dataclass(frozen=True, slots=True)
class _Import:
    """One table, and who hands it in."""

    desk: MovementDesk
    caller: Caller
    by: str
    once: Once
    now: int

    def made(self, rows: Sequence[MovementRow]) -> tuple[dict[int, MovementDecision], list[RowProblemBody]]:
        """Return the decisions that enter rows, by their number, in the order of their days; and why others cannot be entered."""
        with self.desk.reader.snapshot() as state:
            rules = MovementRules(self.desk.plant)
            look = TableLook(rules, counting_movements(state.connection, waiting=True), self.now)
            lacking = cache(
                lambda digest: lacking_evidence(state, self.desk.files, self.caller, self.by, digest)
            )
            look.problems += [one for row in rows for one in row.problems]
            found = dict[int, MovementDecision]()
            readable = [(row, row.said) for row in rows if row.said is not None]
            for row, said in sorted(readable, key=lambda pair: pair[1].day):
                one = self._decision(row, said, look)
                if one is None or one.moved is None:
                    continue
                if not self.once.is_new(self.desk.reader, one.id) or look.take(
                    row.row, one.moved, lacking(one.moved.evidence)
                ):
                    found[row.row] = one
        return found, sorted(look.problems, key=lambda one: one.row)

    def _decision(
        self, row: MovementRow, said: EnterMovementBody, look: TableLook
    ) -> MovementDecision | None:
        try:
            about = self.desk.instrument(self.caller, said.instrument)
            check_day(said.day)
        except InvalidQuery as error:
            look.refuse_all(row.row, error)
            return None
        moved = moved_of(said, (about.park, about.facility, about.name))
        number = self.once.number(self.caller, f"{self.by} {sorted(row.cells.items())}", row.row)
        return MovementDecision(number, self.by, "enter", moved, key=self.caller.name)

    def enter(
        self, made: dict[int, MovementDecision], record: Recording
    ) -> tuple[list[str], list[RowProblemBody], bool]:
        """Hand over decisions; return the ids of movements, what the line refused after all, and whether it has not come to all of them yet."""
        new = [one for one in made.values() if self.once.is_new(self.desk.reader, one.id)]
        if new:
            record("movement.imported", new[0].moved.place if new[0].moved else "", "", f"{len(new)} rows")
        for one in new:
            self.desk.decide(one)
        entered, refused = list[str](), list[RowProblemBody]()
        for row, one in made.items():
            outcome, detail = outcome_of(self.desk.reader, one.id)
            if outcome == "waiting":
                return entered, refused, True
            if outcome == "refused":
                refused.append(RowProblemBody(row=row, column="", detail=detail))
                continue
            with self.desk.reader.snapshot() as state:
                found = self.desk.about(state, one)
            entered += [] if found is None else [found.id]
        return entered, refused, False


def add_import(router: APIRouter, desk: MovementDesk, clock: Callable[[], int]) -> None:
    """Add the route to those of movements; `clock` tells the time [ns UTC]."""

    @router.post(
        "/movements/import",
        response_model=ImportedMovementsBody,
        dependencies=[*WITH_BYTES, needs(Role.OPERATOR)],
        responses={202: taken_later(ImportedMovementsBody), **documented(403)},
        openapi_extra=bytes_of(f"{','.join(COLUMNS)}\n", ("text/csv", "application/octet-stream")),
        max_body_size=LARGEST_TABLE,
    )
    def import_movements(
        caller: Asking,
        record: Recording,
        once: OnceOnly,
        content: RawBody,
        numbers: Annotated[
            Language | None, Query(description="how its numbers are written: 1.234,5 (vi) or 1,234.5 (en)")
        ] = None,
        check: Annotated[bool, Query(description="only say what would be refused")] = False,
        skip: Annotated[
            bool, Query(description="enter the other rows where some are refused; else none is")
        ] = False,
        by: BY = None,
        language: InLanguage = "en",
    ) -> Any:
        """Enter a table of movements, in the order of their days. Where a row would be refused nothing is entered, unless `skip` says so.

        CSV in UTF-8 with the columns instrument,act,day,amount,year,serials,source,evidence,note, at most 200 rows. Another person approves each.
        """
        rows = movement_rows(content, numbers)
        table = _Import(desk, caller, signed(caller, by), once, clock())
        made, problems = table.made(rows)
        if problems and not (check or skip):
            raise InvalidQuery(*((_place(one), one.detail) for one in _told(problems, language)))
        entered, refused, waits = ([], [], False) if check else table.enter(made, record)
        problems += refused
        told = ImportedMovementsBody(
            outcome="checked" if check else "waiting" if waits else "done",
            detail=_detail(len(made) if check else len(entered), len(problems), check=check),
            rows=len(rows),
            problems=_told(problems, language),
            movements=entered,
        )
        return JSONResponse(told.model_dump(), 202 if waits else 200)


def _detail(entered: int, refused: int, *, check: bool) -> str:
    would = "would be" if check else "are"
    return f"{entered} movements {would} entered, {refused} rows {would} refused"


def _told(problems: Sequence[RowProblemBody], language: Language) -> list[RowProblemBody]:
    shown = problems[:MOST_TOLD]
    return [one.model_copy(update={"detail": in_language(one.detail, language)}) for one in shown]


def _place(one: RowProblemBody) -> str:
    return f"row {one.row}" + (f", {one.column}" if one.column else "")

"""The route with which a table of movements comes in: all of its rows or none."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.access.caller import Caller, Role, signed
from api.access.guard import WITH_BYTES, needs
from api.market.bodies import (
    EnterMovementBody,
    ImportedMovementsBody,
    NoRange,
    check_day,
    moved_of,
    serials_of,
)
from api.market.desk import MovementDesk
from api.problems import InvalidQuery, documented, taken_later
from api.records.desk import Deciding, HandedTable
from api.records.evidence import BY, RawBody, bytes_of
from api.records.table_of_rows import LARGEST_TABLE, Numbers, read_rows
from plant.languages import Language
from plant.numbers import parse_number
from store.records.decisions import Moved, MovementDecision

_YEAR = re.compile("[0-9]{1,4}")
COLUMNS = ("instrument", "act", "day", "amount", "year", "serials", "source", "evidence", "note")


def moved_row(
    desk: MovementDesk, caller: Caller, numbers: Language | None
) -> Callable[[Mapping[str, str]], Moved]:
    """Return what reads a row of movements of instruments that the caller sees."""

    def read(cells: Mapping[str, str]) -> Moved:
        told: dict[str, Any] = {**cells, "amount": parse_number(cells["amount"], numbers)}
        year = cells["year"]
        told["year"] = int(year) if _YEAR.fullmatch(year) else year or None
        try:
            told["serials"] = serials_of(cells["serials"])
        except NoRange as error:
            raise InvalidQuery(("serials", str(error))) from error
        said = EnterMovementBody.model_validate(told)
        about = desk.instrument(caller, said.instrument)
        check_day(said.day)
        return moved_of(said, (about.park, about.facility, about.name))

    return read


def add_import(router: APIRouter, desk: MovementDesk) -> None:
    """Add the route to those of movements."""

    @router.post(
        "/movements/import",
        response_model=ImportedMovementsBody,
        dependencies=[*WITH_BYTES, needs(Role.OPERATOR)],
        responses={202: taken_later(ImportedMovementsBody), **documented(403, 409)},
        openapi_extra=bytes_of(f"{','.join(COLUMNS)}\n", ("text/csv", "application/octet-stream")),
        max_body_size=LARGEST_TABLE,
    )
    def import_movements(
        asked: Deciding,
        content: RawBody,
        numbers: Numbers = None,
        check: Annotated[bool, Query(description="only say what would be refused")] = False,
        by: BY = None,
    ) -> Any:
        """Enter a table of movements: all of its rows or none. They count in the order of their days, whatever the order of its rows.

        CSV in UTF-8 with the columns instrument,act,day,amount,year,serials,source,evidence,note, at most 1,000 rows. Another person approves each.
        """
        caller, name = asked.caller, signed(asked.caller, by)
        rows = read_rows(content, COLUMNS, "amount", moved_row(desk, caller, numbers))
        number = asked.once.number(caller, f"{numbers} {by} {content.decode(errors='replace')}")
        is_new = check or asked.once.is_new(desk.reader, number)
        with desk.reader.snapshot() as state:
            problems = desk.problems(state, caller, name, rows) if is_new else []
        moved = tuple(one.said for one in rows if one.said is not None)
        made = MovementDecision(number, name, "enter", table=moved, key=caller.name)

        def told(ids: list[str], of_table: dict[str, Any]) -> ImportedMovementsBody:
            return ImportedMovementsBody(**of_table, movements=ids)

        place = moved[0].place if moved else ""
        return desk.table(asked, HandedTable(made, place, len(rows), problems, told), check=check)

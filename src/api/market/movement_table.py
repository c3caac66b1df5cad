"""A table of movements as people write it: CSV with a header, looked at as a whole before any row of it is entered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from api.market.bodies import EnterMovementBody
from api.problems import InvalidQuery
from api.records.bodies import RowProblemBody
from api.records.table_of_rows import cells_of, mistakes
from plant.languages import Language
from plant.numbers import NoNumber, parse_number
from rules.market.entering import MovementRules
from rules.market.holdings import MovementRefused
from store.records.decisions import Moved
from store.records.movements import Movement
from store.records.table import Who

COLUMNS = ("instrument", "act", "day", "amount", "year", "serials", "source", "evidence", "note")
MOST_MOVEMENTS = 200  # of one table: each is looked at beside all that there are
_RANGE = re.compile(r"(.*\S)\s+([0-9]{1,16})(?:-([0-9]{1,16}))?")
_NOT_YET = 10**18  # before the number of a row: of a movement that no message has entered yet


class NoRange(ValueError):
    """What is no range of serials."""


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A row of the table: what it says, or what is wrong with it."""

    row: int  # the first below the header is 1
    cells: Mapping[str, str]
    said: EnterMovementBody | None = None
    problems: tuple[RowProblemBody, ...] = ()


def movement_rows(content: bytes, numbers: Language | None) -> list[MovementRow]:
    """Return every row of a table; raise InvalidQuery where it is none."""
    rows = cells_of(content, COLUMNS, MOST_MOVEMENTS)
    return [_read(place, cells, numbers) for place, cells in enumerate(rows, start=1)]


def serials_of(text: str) -> list[dict[str, Any]]:
    """Return ranges as the position tells them, `VCS-VN-2024 1-600; VCS-VN-2024 701`; raise NoRange where one is none."""
    return [_range(one.strip()) for one in text.split(";") if one.strip()]


def _range(text: str) -> dict[str, Any]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise NoRange(f'{text} is no range: "VCS-VN-2024 1-600"')
    series, first, last = found.groups()
    return {"series": series, "first": int(first), "last": int(last or first)}


def _read(place: int, cells: Mapping[str, str], numbers: Language | None) -> MovementRow:
    column = "amount"
    try:
        said: dict[str, Any] = {**cells, "amount": parse_number(cells["amount"], numbers)}
        column = "serials"
        said["serials"] = serials_of(cells["serials"])
        year = cells["year"]
        said["year"] = (int(year) if year.isascii() and year.isdecimal() else year) if year else None
        return MovementRow(place, cells, EnterMovementBody.model_validate(said))
    except (NoNumber, NoRange) as error:
        return MovementRow(
            place, cells, problems=(RowProblemBody(row=place, column=column, detail=str(error)),)
        )
    except ValidationError as error:
        return MovementRow(place, cells, problems=mistakes(place, error))


@dataclass(slots=True)
class TableLook:
    """Looks at rows one after the other, each beside those before it, as the line will.

    Parameters
    ----------
    counted
        The movements that there are, those that wait too, in the order in which they count.
    now
        When they would be entered [ns UTC].
    """

    rules: MovementRules
    counted: Sequence[Movement]
    now: int
    problems: list[RowProblemBody] = field(default_factory=list)

    def take(self, row: int, moved: Moved, lacking: str) -> bool:
        """Return whether a movement can be entered; what is wrong with it goes to the problems. `lacking` is why its file proves nothing."""
        movement = Movement.of(moved, _NOT_YET + row, Who("", ""), self.now)
        try:
            self.rules.check_said(movement, self.now)
            if lacking:
                self.refuse(row, "evidence", lacking)
                return False
            self.counted = self.rules.beside(self.counted, movement)
        except MovementRefused as refusal:
            self.refuse(row, "", str(refusal))
            return False
        return True

    def refuse(self, row: int, column: str, detail: str) -> None:
        """Note what is wrong with a row."""
        self.problems.append(RowProblemBody(row=row, column=column, detail=detail))

    def refuse_all(self, row: int, error: InvalidQuery) -> None:
        """Note all that a question is refused for."""
        for column, detail in error.errors:
            self.refuse(row, column, detail)

"""A table of records as people write it: CSV with a header, numbers as Vietnamese or English people write them."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import ValidationError

from api.problems import InvalidQuery
from api.records.bodies import EnterBody, RowProblemBody, entered_of
from plant.documents.wording import in_words
from plant.languages import Language
from plant.numbers import NoNumber, parse_number
from plant.park import Plant
from store.records.checks import MOST_ROWS
from store.records.decisions import Entered

LARGEST_TABLE = 1 << 20  # bytes
COLUMNS = ("channel", "from", "to", "value", "unit", "source", "evidence", "note")

Numbers = Annotated[
    Language | None, Query(description="how its numbers are written: 1.234,5 (vi) or 1,234.5 (en)")
]
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class ReadRow(Generic[S]):
    """A row of the table: what it says, or what is wrong with it."""

    row: int  # the first below the header is 1
    said: S | None
    problems: tuple[RowProblemBody, ...] = ()


def read_rows(
    content: bytes, columns: Sequence[str], number: str, read: Callable[[Mapping[str, str]], S]
) -> list[ReadRow[S]]:
    """Return every row of a table; cells are separated by commas, or by semicolons where the header has these.

    Parameters
    ----------
    columns
        Its columns; it may lack the last.
    number
        The column whose number `parse_number` reads.
    read
        Returns what a row says by its columns; raises NoNumber, InvalidQuery or ValidationError where it says nothing that can be entered.

    Raises
    ------
    InvalidQuery
        It is no such table: not in UTF-8, without its columns, empty or too long.
    """
    rows = list(_rows(content, columns))
    if not rows:
        raise InvalidQuery(("body", "it has no row below its header"))
    if len(rows) > MOST_ROWS:
        raise InvalidQuery(("body", f"it has {len(rows)} rows, and at most {MOST_ROWS} are entered together"))
    return [_read_row(place, cells, number, read) for place, cells in enumerate(rows, start=1)]


def entered_row(
    plant: Plant, numbers: Language | None, check: Callable[[Entered], None]
) -> Callable[[Mapping[str, str]], Entered]:
    """Return what reads a row of records; `check` raises InvalidQuery for what the caller may not enter."""

    def read(cells: Mapping[str, str]) -> Entered:
        told = {name: cells[name] for name in ("channel", "from", "unit", "source", "evidence")}
        told["note"] = cells.get("note", "")
        value = parse_number(cells["value"], numbers)
        said = entered_of(plant, EnterBody.model_validate(told | {"to": cells["to"] or None, "value": value}))
        check(said)
        return said

    return read


def _rows(content: bytes, columns: Sequence[str]) -> Iterator[Mapping[str, str]]:
    try:
        text = content.decode("utf-8-sig")
        mark = ";" if ";" in text.partition("\n")[0] else ","
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        header = [name.strip() for name in next(rows, [])]
        if sorted(header) not in (sorted(columns), sorted(columns[:-1])):
            raise InvalidQuery(("body", f"its first line names the columns {','.join(columns)}"))
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                place = f"line {rows.line_num} has {len(cells)} cells, and the header {len(header)}"
                raise InvalidQuery(("body", place))
            yield {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidQuery(("body", f"it is no CSV in UTF-8: {error}"[:200])) from None


def _read_row(
    place: int, cells: Mapping[str, str], number: str, read: Callable[[Mapping[str, str]], S]
) -> ReadRow[S]:
    try:
        return ReadRow(place, read(cells))
    except NoNumber as error:
        told = [(number, str(error))]
    except InvalidQuery as error:
        told = list(error.errors)
    except ValidationError as error:
        told = [(str(one["loc"][0]), in_words(one)) for one in error.errors(include_url=False)]
    problems = (RowProblemBody(row=place, column=column, detail=detail) for column, detail in told)
    return ReadRow(place, None, tuple(problems))

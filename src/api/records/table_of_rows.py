"""A table of records as people write it: CSV with a header, numbers as Vietnamese or English people write them."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from api.problems import InvalidQuery
from api.records.bodies import EnterBody, RowProblemBody, entered_of
from plant.documents.wording import in_words
from plant.languages import Language
from plant.numbers import NoNumber, parse_number
from plant.park import Plant
from store.records.checks import MOST_ROWS
from store.records.decisions import Entered

COLUMNS = ("channel", "from", "to", "value", "unit", "source", "evidence", "note")


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row of the table: what it enters, or what is wrong with it."""

    row: int  # the first below the header is 1
    entered: Entered | None
    problems: tuple[RowProblemBody, ...] = ()


def read_rows(content: bytes, plant: Plant, numbers: Language | None) -> list[ReadRow]:
    """Return every row of a table; cells are separated by commas, or by semicolons where the header has these.

    Raises
    ------
    InvalidQuery
        It is no such table: not in UTF-8, without its columns, empty or too long.
    """
    rows = cells_of(content, COLUMNS, MOST_ROWS)
    return [_read(place, cells, plant, numbers) for place, cells in enumerate(rows, start=1)]


def cells_of(content: bytes, columns: Sequence[str], most: int) -> list[Mapping[str, str]]:
    """Return the cells of at most so many rows by their columns, of which a table may lack the last.

    Raises
    ------
    InvalidQuery
        It is no such table.
    """
    rows = list(_rows(content, columns))
    if not rows:
        raise InvalidQuery(("body", "it has no row below its header"))
    if len(rows) > most:
        raise InvalidQuery(("body", f"it has {len(rows)} rows, and at most {most} are entered together"))
    return rows


def mistakes(place: int, error: ValidationError) -> tuple[RowProblemBody, ...]:
    """Return what is wrong with the cells of a row."""
    found = error.errors(include_url=False)
    return tuple(RowProblemBody(row=place, column=str(one["loc"][0]), detail=in_words(one)) for one in found)


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


def _read(place: int, cells: Mapping[str, str], plant: Plant, numbers: Language | None) -> ReadRow:
    try:
        value = parse_number(cells["value"], numbers)
        said = {name: cells[name] for name in ("channel", "from", "unit", "source", "evidence")}
        body = EnterBody.model_validate(
            said | {"to": cells["to"] or None, "value": value, "note": cells.get("note", "")}
        )
        return ReadRow(place, entered_of(plant, body))
    except NoNumber as error:
        return ReadRow(place, None, (RowProblemBody(row=place, column="value", detail=str(error)),))
    except InvalidQuery as error:
        told = (RowProblemBody(row=place, column=name, detail=detail) for name, detail in error.errors)
        return ReadRow(place, None, tuple(told))
    except ValidationError as error:
        return ReadRow(place, None, mistakes(place, error))

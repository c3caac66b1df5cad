"""Where each number of a paper comes from, one row a number: for the last sheet of workbooks, and for CSV."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reports.paper import Cell, Heading, Label, Number, NumberOrigin, Paper, PaperTable, Paragraph
from reports.words import Words

COLUMNS = (
    "sheet", "cell", "about", "column", "value", "unit", "place", "period", "field", "scale", "made_of", "method", "factors",
    "coverage", "revision", "address", "command",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlacedNumber:
    """A number and where it stands: in a cell of a sheet, or in a part of a paper."""

    sheet: str
    cell: str
    about: Cell
    column: Cell
    number: Number
    origin: NumberOrigin


def row_of(placed: PlacedNumber, words: Words) -> Mapping[str, str | float | None]:
    """Return a row, by `COLUMNS`."""
    origin = placed.origin
    return {
        "sheet": placed.sheet,
        "cell": placed.cell,
        "about": words.of(placed.about),
        "column": words.of(placed.column),
        "value": placed.number.value,
        "unit": placed.number.unit,
        "place": origin.place,
        "period": origin.period,
        "field": origin.field,
        "scale": origin.scale,
        "made_of": origin.made_of,
        "method": origin.method,
        "factors": ", ".join(origin.factors),
        "coverage": origin.coverage,
        "revision": None if origin.revision is None else float(origin.revision),
        "address": origin.address,
        "command": origin.command,
    }


def numbers_of(paper: Paper) -> Iterator[PlacedNumber]:
    """Yield every number of a paper that comes from somewhere, by the heading or table that it stands in."""
    part: Cell = ""
    for piece in paper.pieces:
        match piece:
            case Heading():
                part = piece.text
            case Paragraph():
                yield from _inside(piece.text, part, piece.text)
            case PaperTable():
                for row in piece.rows:
                    about = next((cell for cell in row if not isinstance(cell, Number)), "")
                    for column, cell in zip(piece.columns, row, strict=True):
                        yield from _inside(cell, piece.title, about, column)


def _inside(cell: Cell, part: Cell, about: Cell, column: Cell = "") -> Iterator[PlacedNumber]:
    if isinstance(cell, Number) and cell.origin is not None:
        yield PlacedNumber("", "", about, column or part, cell, cell.origin)
    elif isinstance(cell, Label):
        for _, value in cell.values:
            yield from _inside(value, part, "", column)

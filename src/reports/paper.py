"""What a paper is: headings, paragraphs and tables, in which every number knows where it comes from.

Nothing here is in a language: what people read is a `Label`, and `reports.words` has its texts. Texts that people gave are plain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Union


@dataclass(frozen=True, slots=True)
class NumberOrigin:
    """Where a number of a paper comes from: a field of a total at the cut, times `scale`; or `made_of` other numbers.

    `address` asks the API for that total, `command` the command line for its explanation.
    """

    place: str  # park, park/facility or park/facility/source
    period: str  # 2025 or 2025-10, on the park's clock
    field: str = ""  # of the total, such as co2e_t or scope2.market_t
    scale: float = 1.0
    made_of: str = ""  # how it follows where it is no field
    method: str = ""
    factors: tuple[str, ...] = ()  # rows
    coverage: float | None = None
    revision: int | None = None
    address: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is known, the unit, and how many decimals are shown; None is unknown, and never 0."""

    value: float | None
    unit: str
    digits: int
    origin: NumberOrigin | None = None  # None of what is no result, such as a count


@dataclass(frozen=True, slots=True)
class Label:
    """A text by its key, with what stands in its places. The key `method` names a method: its `name` and its English `title`."""

    key: str
    values: tuple[tuple[str, "Cell"], ...] = ()


Cell = Union[Label, Number, str, None]  # noqa: UP007  it names itself


def label(key: str, **values: Cell) -> Label:
    """Return a label with what stands in its places."""
    return Label(key, tuple(values.items()))


class Tone(StrEnum):
    """How a paragraph is meant."""

    SAID = "said"  # by a person, or it follows from the numbers
    DRAFTED = "drafted"  # made from the data for a person to finish
    LACKING = "lacking"  # only a person can give it, and nobody has
    NOTE = "note"  # small, below what it is about


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is a part, 2 an item of it."""

    text: Cell
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    text: Cell
    tone: Tone = Tone.SAID


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table: as many cells in each row as it has columns. One with a `sheet` has a sheet of its own in a workbook."""

    title: Cell
    columns: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sheet: str = ""  # the key of the sheet's name


Piece = Heading | Paragraph | PaperTable


@dataclass(frozen=True, slots=True)
class PaperHead:
    """What stands above the title of a form that the state prescribes, left and right."""

    left: tuple[Cell, ...]
    right: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A filled form.

    `warnings` stand on each page: that it is a draft, and that nobody who knows the law has checked its words. `properties` tell
    of the cut: in the properties of a file, and on the last sheet of a workbook.
    """

    form: str
    title: tuple[Cell, ...]
    pieces: tuple[Piece, ...]
    warnings: tuple[Cell, ...] = ()
    properties: tuple[tuple[str, Cell], ...] = ()
    head: PaperHead | None = None
    signature: tuple[Cell, ...] = ()


def cells(paper: Paper) -> Iterator[Cell]:
    """Yield every cell of a paper, those inside of labels too, in the order in which they are read."""
    stack: list[Cell] = [*paper.warnings]
    stack += [*paper.head.left, *paper.head.right] if paper.head else []
    stack += paper.title
    for piece in paper.pieces:
        match piece:
            case PaperTable():
                stack += [piece.title, *piece.columns, *(cell for row in piece.rows for cell in row)]
            case _:
                stack.append(piece.text)
    stack += [*paper.signature, *(cell for _, cell in paper.properties)]
    for cell in stack:
        yield from _inner(cell)


def _inner(cell: Cell) -> Iterator[Cell]:
    yield cell
    if isinstance(cell, Label):
        for _, value in cell.values:
            yield from _inner(value)

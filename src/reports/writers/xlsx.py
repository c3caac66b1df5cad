"""Papers as workbooks. The last sheet tells where each number comes from.

Text never becomes a formula, a link or a number: whatever a person or a gateway called something stays what it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

from reports.paper import Cell, Heading, Number, Paper, PaperTable, Paragraph, Tone, label
from reports.words import Words
from reports.writers.extra import needed
from reports.writers.provenance import COLUMNS, PlacedNumber, row_of

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001  a fixed one: the same paper has the same bytes
_PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_WIDEST, _NARROWEST = 46, 9
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
_LONGEST_NAME = 31
_A3, _A4 = 8, 9  # as the file format numbers sizes of paper
_MANY = 12  # columns from which on a sheet is printed on A3


def write(paper: Paper, words: Words) -> bytes:
    """Return a workbook; the same paper and language give the same bytes."""
    file = BytesIO()
    book = needed("xlsxwriter").Workbook(file, {"in_memory": True, **_PLAIN})
    book.set_properties({"title": _title(paper, words), "created": _CREATED, "comments": _told(paper, words)})
    book.set_size(2400, 1600)
    writer = _Book(book, paper, words)
    writer.write()
    book.close()
    return file.getvalue()


def write_table(header: Sequence[str], rows: Iterable[Iterable[str | float | None]]) -> bytes:
    """Return a workbook of one sheet; an unknown number is an empty cell, text stays text.

    Raises
    ------
    reports.writers.extra.NotInstalled
        The extra is not there.
    """
    file = BytesIO()
    book = needed("xlsxwriter").Workbook(file, {"in_memory": True, **_PLAIN})
    book.set_properties({"created": _CREATED})
    sheet, head = book.add_worksheet(), book.add_format({"bold": True})
    sheet.write_row(0, 0, header, head)
    for number, row in enumerate(rows, 1):
        sheet.write_row(number, 0, row)
    sheet.freeze_panes(1, 0)
    sheet.autofit()
    book.close()
    return file.getvalue()


def _title(paper: Paper, words: Words) -> str:
    return " ".join(words.of(line) for line in paper.title)


def _told(paper: Paper, words: Words) -> str:
    return "\n".join(
        f"{words.of(label(f'property.{name}'))}: {words.of(cell)}" for name, cell in paper.properties
    )


@dataclass(slots=True)
class _Sheet:
    sheet: Any
    name: str
    row: int = 0
    widths: dict[int, int] = field(default_factory=dict)


class _Book:
    def __init__(self, book: Any, paper: Paper, words: Words) -> None:
        self._book, self._paper, self._words = book, paper, words
        self._placed: list[PlacedNumber] = []
        self._formats: dict[str, Any] = {}
        self._names: set[str] = set()

    def write(self) -> None:
        first = self._sheet(label("sheet.paper"))
        for line in self._paper.title:
            self._text(first, 0, line, "title")
            first.row += 1
        first.row += 1
        for piece in self._paper.pieces:
            match piece:
                case PaperTable(sheet="") | Heading() | Paragraph():
                    self._piece(first, piece)
                case PaperTable():
                    own = self._sheet(label(piece.sheet))
                    own.sheet.set_paper(_A3 if len(piece.columns) > _MANY else _A4)
                    self._table(own, piece)
                    self._finish(own, after=1)
        self._finish(first)
        self._provenance()

    def _piece(self, sheet: _Sheet, piece: Heading | Paragraph | PaperTable) -> None:
        match piece:
            case Heading():
                sheet.row += 1
                self._text(sheet, 0, piece.text, f"heading{piece.level}")
                sheet.row += 1
            case Paragraph():
                self._text(sheet, 0, _toned(piece), piece.tone)
                sheet.row += 1
            case PaperTable():
                self._table(sheet, piece)
                sheet.row += 1

    def _table(self, sheet: _Sheet, table: PaperTable) -> None:
        self._text(sheet, 0, table.title, "caption")
        sheet.row += 1
        for column, head in enumerate(table.columns):
            self._text(sheet, column, head, "head")
            sheet.widths[column] = max(
                sheet.widths.get(column, _NARROWEST), min(len(self._words.of(head)), 22)
            )
        for row in table.rows:
            sheet.row += 1
            for column, cell in enumerate(row):
                self._cell(sheet, column, cell, table, row)
        sheet.row += 1

    def _cell(self, sheet: _Sheet, column: int, cell: Cell, table: PaperTable, row: tuple[Cell, ...]) -> None:
        if not isinstance(cell, Number):
            self._text(sheet, column, cell, "cell")
            wide = len(self._words.of(cell)) + 2
        elif cell.value is None:
            self._text(sheet, column, cell, "unknown")
            wide = _NARROWEST
        else:
            decimals = f".{'0' * cell.digits}" if cell.digits else ""
            sheet.sheet.write_number(
                sheet.row, column, cell.value, self._format("number", f"#,##0{decimals}")
            )
            wide = len(self._words.number(cell)) + 3
        if isinstance(cell, Number) and cell.origin is not None:
            about = row[0] if not isinstance(row[0], Number) else row[min(1, len(row) - 1)]
            self._placed.append(
                PlacedNumber(
                    sheet.name, _address(sheet.row, column), about, table.columns[column], cell, cell.origin
                )
            )
        sheet.widths[column] = max(sheet.widths.get(column, _NARROWEST), min(wide, _WIDEST))

    def _provenance(self) -> None:
        sheet = self._sheet(label("sheet.provenance"))
        for name, cell in self._paper.properties:
            self._text(sheet, 0, label(f"property.{name}"), "caption")
            self._text(sheet, 2, cell, "plain")
            sheet.row += 1
        sheet.row += 1
        for column, key in enumerate(COLUMNS):
            self._text(sheet, column, label(f"provenance.{key}"), "head")
        for placed in self._placed:
            sheet.row += 1
            for column, value in enumerate(row_of(placed, self._words).values()):
                if isinstance(value, str):
                    self._text(sheet, column, value, "raw")
                elif value is not None:
                    sheet.sheet.write_number(sheet.row, column, value, self._format("raw"))
        sheet.widths = dict.fromkeys(range(len(COLUMNS)), 16)
        self._finish(sheet, after=len(self._paper.properties) + 1)

    def _sheet(self, name: Cell) -> _Sheet:
        """Return a new sheet, which says first what stands on each page."""
        wanted = self._words.of(name).translate(_FORBIDDEN)[:_LONGEST_NAME]
        while wanted.lower() in self._names:
            wanted = f"{wanted[: _LONGEST_NAME - 2]} {len(self._names)}"
        self._names.add(wanted.lower())
        made = _Sheet(self._book.add_worksheet(wanted), wanted)
        made.sheet.set_landscape()
        made.sheet.set_paper(_A4)
        made.sheet.fit_to_pages(1, 0)
        warned = " · ".join(self._words.of(one) for one in self._paper.warnings).replace("&", "&&")
        made.sheet.set_header(f"&C{warned[:200]}")
        made.sheet.set_footer("&C&P / &N")
        for warning in self._paper.warnings:
            self._text(made, 0, warning, "warning")
            made.row += 1
        return made

    def _finish(self, sheet: _Sheet, after: int = 0) -> None:
        for column, width in sheet.widths.items():
            sheet.sheet.set_column(column, column, width)
        if after:
            sheet.sheet.freeze_panes(len(self._paper.warnings) + after + (1 if after == 1 else 0), 0)

    def _text(self, sheet: _Sheet, column: int, cell: Cell, kind: str) -> None:
        sheet.sheet.write_string(sheet.row, column, self._words.of(cell), self._format(kind))

    def _format(self, kind: str, number: str = "") -> Any:
        key = f"{kind} {number}"
        if key not in self._formats:
            self._formats[key] = self._book.add_format(
                _FORMATS.get(kind, {}) | ({"num_format": number} if number else {})
            )
        return self._formats[key]


def _toned(piece: Paragraph) -> Cell:
    return label("drafted", text=piece.text) if piece.tone is Tone.DRAFTED else piece.text


_GRID = {"border": 1, "border_color": "#999999", "valign": "top"}
_FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14},
    "heading1": {"bold": True, "font_size": 12},
    "heading2": {"bold": True},
    "caption": {"bold": True},
    "head": {
        **_GRID,
        "bold": True,
        "text_wrap": True,
        "bg_color": "#EDEDED",
        "align": "center",
        "valign": "vcenter",
    },
    "cell": {**_GRID, "text_wrap": True},
    "unknown": {**_GRID, "align": "right"},
    "number": {**_GRID, "align": "right"},
    "raw": {**_GRID},
    "warning": {"bold": True, "font_color": "#B00000"},
    Tone.DRAFTED: {"italic": True},
    Tone.LACKING: {"bg_color": "#FFF2A8"},
    Tone.NOTE: {"italic": True, "font_color": "#555555"},
}


def _address(row: int, column: int) -> str:
    return f"{''.join(_letters(column))}{row + 1}"


def _letters(column: int) -> Iterator[str]:
    if column >= 26:
        yield from _letters(column // 26 - 1)
    yield chr(ord("A") + column % 26)

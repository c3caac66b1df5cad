"""Papers as Word files, as Decree 30/2020 asks of documents: A4, Times New Roman. The same paper has the same bytes.

A prescribed form holds nothing but the form: where its numbers come from stands in the properties of the file, and in the workbook.
"""

import zipfile
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from reports.paper import Cell, Heading, Number, Paper, PaperTable, Paragraph, Tone, label
from reports.words import Words
from reports.writers.extra import needed

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001  a fixed one: the same paper has the same bytes
_CLOCK = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file knows
_FONT, _SIZE, _SMALL, _SMALLER = "Times New Roman", 13, 9.5, 7.5
_MANY = 8  # columns from which on a table is written smaller
_WIDE, _MOST = 9, 12  # columns: beyond these a table lies on its side, or is left to the workbook
_LONGEST_PROPERTY = 255  # characters


def write(paper: Paper, words: Words) -> bytes:
    """Return a Word file; a table that no page is wide enough for is left to the workbook."""
    document = needed("docx").Document()
    _Writer(document, words).write(paper)
    file = BytesIO()
    document.save(file)
    return _with_fixed_clock(file.getvalue())


def _with_fixed_clock(content: bytes) -> bytes:
    """Return a zip file packed again in the order of its names, as if at one time."""
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as given, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        names = sorted(given.namelist(), key=lambda name: (name != "[Content_Types].xml", name))
        for name in names:
            entry = zipfile.ZipInfo(name, _CLOCK)
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, given.read(name))
    return file.getvalue()


class _Writer:
    def __init__(self, document: Any, words: Words) -> None:
        self._document, self._words = document, words
        self._shared, self._enum = needed("docx").shared, needed("docx.enum.text")
        self._is_wide, self._size = False, _SMALL

    def write(self, paper: Paper) -> None:
        self._style()
        self._properties(paper)
        self._warnings(paper)
        if paper.head is not None:
            self._head(paper.head.left, paper.head.right)
        for line in paper.title:
            self._line(line, bold=True, align="CENTER", size=_SIZE + 1)
        for piece in paper.pieces:
            self._piece(piece)
        self._turn(wide=False)
        self._sign(paper.signature)

    def _style(self) -> None:
        section = self._document.sections[0]
        section.page_width, section.page_height = self._shared.Mm(210), self._shared.Mm(297)
        section.left_margin, section.right_margin = self._shared.Mm(30), self._shared.Mm(15)
        section.top_margin, section.bottom_margin = self._shared.Mm(25), self._shared.Mm(20)
        section.header_distance = self._shared.Mm(8)
        qualified = needed("docx.oxml.ns").qn
        for name in ("Normal", "Heading 1", "Heading 2"):
            style = self._document.styles[name]
            style.font.name, style.font.size = _FONT, self._shared.Pt(_SIZE)
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for kind in ("ascii", "hAnsi", "cs", "eastAsia"):
                fonts.set(qualified(f"w:{kind}"), _FONT)
            for kind in ("asciiTheme", "hAnsiTheme", "cstheme", "eastAsiaTheme"):
                fonts.attrib.pop(qualified(f"w:{kind}"), None)
            style.paragraph_format.space_after = self._shared.Pt(4)
            if name != "Normal":
                style.font.bold, style.font.color.rgb = True, self._shared.RGBColor(0, 0, 0)
                style.paragraph_format.space_before = self._shared.Pt(10)

    def _properties(self, paper: Paper) -> None:
        told = "; ".join(
            f"{self._words.of(label(f'property.{name}'))}: {self._words.of(cell)}"
            for name, cell in paper.properties
        )
        core = self._document.core_properties
        core.title = " ".join(self._words.of(line) for line in paper.title)[:_LONGEST_PROPERTY]
        core.author, core.last_modified_by = "Stackmeter", ""
        core.comments = told[:_LONGEST_PROPERTY]
        core.keywords = told[_LONGEST_PROPERTY : 2 * _LONGEST_PROPERTY]
        core.created = core.modified = _CREATED
        core.language, core.revision = self._words.language, 1

    def _warnings(self, paper: Paper) -> None:
        """Put what stands on each page into its header."""
        lines = self._document.sections[0].header.paragraphs[0]
        for place, warning in enumerate(paper.warnings):
            run = lines.add_run(("\n" if place else "") + self._words.of(warning))
            run.bold, run.font.size = True, self._shared.Pt(9)
            run.font.color.rgb = self._shared.RGBColor(0xB0, 0, 0)
        lines.alignment = self._enum.WD_ALIGN_PARAGRAPH.CENTER

    def _head(self, left: tuple[Cell, ...], right: tuple[Cell, ...]) -> None:
        """Put the name on the left and the state's on the right of one line, by a tab: a prescribed form has no table."""
        for place in range(max(len(left), len(right))):
            sides = [self._words.of(side[place]) if place < len(side) else "" for side in (left, right)]
            paragraph = self._document.add_paragraph()
            stops = paragraph.paragraph_format.tab_stops
            centre = self._enum.WD_TAB_ALIGNMENT.CENTER
            stops.add_tab_stop(self._shared.Mm(35), centre)
            stops.add_tab_stop(self._shared.Mm(120), centre)
            paragraph.paragraph_format.space_after = self._shared.Pt(0)
            run = paragraph.add_run(f"\t{sides[0]}\t{sides[1]}")
            run.bold, run.font.size = True, self._shared.Pt(11)

    def _piece(self, piece: Heading | Paragraph | PaperTable) -> None:
        match piece:
            case Heading():
                self._turn(wide=False)
                self._document.add_heading(self._words.of(piece.text), piece.level)
            case Paragraph():
                self._paragraph(piece)
            case PaperTable() if len(piece.columns) > _MOST:
                self._paragraph(Paragraph(label("in_workbook", name=piece.title), Tone.NOTE))
            case PaperTable():
                self._turn(wide=len(piece.columns) > _WIDE)
                self._table(piece)

    def _paragraph(self, piece: Paragraph) -> None:
        told = label("drafted", text=piece.text) if piece.tone is Tone.DRAFTED else piece.text
        run = self._line(told, size=10.5 if piece.tone is Tone.NOTE else _SIZE)
        run.italic = piece.tone in (Tone.DRAFTED, Tone.NOTE)
        if piece.tone is Tone.LACKING:
            run.font.highlight_color = self._enum.WD_COLOR_INDEX.YELLOW

    def _line(self, cell: Cell, *, bold: bool = False, align: str = "LEFT", size: float = _SIZE) -> Any:
        paragraph = self._document.add_paragraph()
        paragraph.alignment = getattr(self._enum.WD_ALIGN_PARAGRAPH, align)
        run = paragraph.add_run(self._words.of(cell))
        run.bold, run.font.size = bold, self._shared.Pt(size)
        return run

    def _table(self, table: PaperTable) -> None:
        caption = self._line(table.title, bold=True, size=11)
        caption._parent.paragraph_format.keep_with_next = True  # noqa: SLF001  python-docx has no other way from a run
        self._size = _SMALL if len(table.columns) < _MANY else _SMALLER
        made = self._document.add_table(rows=1, cols=len(table.columns), style="Table Grid")
        for cell, head in zip(made.rows[0].cells, table.columns, strict=True):
            self._fill(cell, head, is_head=True)
        self._repeat(made.rows[0])
        for row in table.rows:
            added = made.add_row()
            self._keep_whole(added)
            for cell, value in zip(added.cells, row, strict=True):
                self._fill(cell, value, is_head=False)
        self._set_widths(made, table)
        self._document.add_paragraph().paragraph_format.space_after = self._shared.Pt(2)

    def _fill(self, cell: Any, value: Cell, *, is_head: bool) -> None:
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = self._shared.Pt(
            1.5
        )
        run = paragraph.add_run(self._words.of(value))
        run.font.size, run.bold = self._shared.Pt(self._size), is_head
        align = self._enum.WD_ALIGN_PARAGRAPH
        if is_head:
            paragraph.alignment = align.CENTER
        elif isinstance(value, Number):
            paragraph.alignment = align.RIGHT

    def _set_widths(self, made: Any, table: PaperTable) -> None:
        """Give each column room by the longest word and the longest text in it."""
        texts = [
            [self._words.of(row[column]) for row in (table.columns, *table.rows)]
            for column in range(len(table.columns))
        ]
        weights = [_weight(column) for column in texts]
        section = self._document.sections[-1]
        room = section.page_width - section.left_margin - section.right_margin
        made.autofit = False
        for column, weight in zip(made.columns, weights, strict=True):
            width = int(room * weight / sum(weights))
            column.width = width
            for cell in column.cells:
                cell.width = width

    def _keep_whole(self, row: Any) -> None:
        """Let no page end inside of a row."""
        properties = row._tr.get_or_add_trPr()  # noqa: SLF001  python-docx has no name for it
        properties.append(needed("docx.oxml").OxmlElement("w:cantSplit"))

    def _repeat(self, row: Any) -> None:
        """Let a table's head stand on each page that it goes on."""
        properties = row._tr.get_or_add_trPr()  # noqa: SLF001  python-docx has no name for it
        properties.append(needed("docx.oxml").OxmlElement("w:tblHeader"))

    def _turn(self, *, wide: bool) -> None:
        """Begin a page that lies on its side, or stands again, where that changes."""
        if wide == self._is_wide:
            return
        section = self._document.add_section()
        sides = sorted((section.page_width, section.page_height))
        section.page_width, section.page_height = reversed(sides) if wide else sides
        orientation = needed("docx.enum.section").WD_ORIENT
        section.orientation = orientation.LANDSCAPE if wide else orientation.PORTRAIT
        section.left_margin = self._shared.Mm(15 if wide else 30)
        self._is_wide = wide

    def _sign(self, lines: tuple[Cell, ...]) -> None:
        for line in lines:
            paragraph = self._document.add_paragraph()
            paragraph.paragraph_format.space_before = self._shared.Pt(18)
            paragraph.paragraph_format.left_indent = self._shared.Mm(85)
            paragraph.alignment = self._enum.WD_ALIGN_PARAGRAPH.CENTER
            paragraph.add_run(self._words.of(line)).bold = True


def _weight(texts: Sequence[str]) -> float:
    """Return how much room a column needs: its longest word, and more where its texts are long."""
    longest = max(map(len, texts[1:]), default=0)
    if longest <= 3 and len(texts[0]) <= 4:
        return 6.5
    word = max(len(one) for text in texts for one in [*text.replace("/", "/ ").split(), ""])
    return min(max(word, 8), 18) + min(longest, 40) / 4

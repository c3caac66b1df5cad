"""Tables for a terminal of any width: no number is broken, no text is cut, and what does not fit beside each other stands below."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

LEAST = 10  # columns that a text needs to be read when it is folded
BETWEEN = 2  # columns between two cells


class Shown:
    """A table of plain text: what others wrote is no markup of ours.

    Parameters
    ----------
    heads
        The heads of the columns.
    rows
        The cells.
    right
        The heads of columns of numbers, which stand on the right; these, and those in `whole`, are never folded.
    bold
        The places of rows that stand out.
    note
        What stands below.
    """

    def __init__(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        right: Iterable[str] = (),
        whole: Iterable[str] = (),
        bold: Iterable[int] = (),
        note: str = "",
    ) -> None:
        self._heads, self._rows = list(heads), [list(row) for row in rows]
        self._right, self._bold, self._note = set(right), set(bold), note
        self._whole = self._right | set(whole)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or where it is too wide even when folded, its rows one below the other."""
        widths = self._widths(options.max_width)
        if widths is None:
            yield from self._blocks()
        else:
            yield self._table(widths)
        if self._note:
            yield Text(self._note)

    def _widths(self, most: int) -> list[int] | None:
        """Return the width of each column, None where they do not fit."""
        columns = list(zip(self._heads, *self._rows, strict=True))
        widths = [max(map(_width, column)) for column in columns]
        least = [self._least(head, column) for head, column in zip(self._heads, columns, strict=True)]
        room = most - BETWEEN * (len(widths) - 1)
        if sum(least) > room:
            return None
        while (excess := sum(widths) - room) > 0:
            spare = [width - small for width, small in zip(widths, least, strict=True)]
            widest = max(range(len(widths)), key=lambda n: (spare[n] > 0, widths[n]))
            widths[widest] -= min(excess, spare[widest], max(1, excess // 4))
        return widths

    def _least(self, head: str, column: Sequence[str]) -> int:
        """Return how narrow a column may be; its head may be folded between words."""
        word = max(map(_width, head.split()), default=1)
        cells = max(map(_width, column[1:]), default=1)
        return max(word, cells if head in self._whole else min(cells, LEAST), 1)

    def _table(self, widths: Sequence[int]) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, BETWEEN - 1, 0, 0))
        for head, width in zip(self._heads, widths, strict=True):
            justify = "right" if head in self._right else "left"
            table.add_column(head, overflow="fold", width=width, justify=justify)  # type: ignore[arg-type]  # rich's own literals
        for place, row in enumerate(self._rows):
            table.add_row(*map(Text, row), style="bold" if place in self._bold else None)
        return table

    def _blocks(self) -> Iterable[Table]:
        margin = max(map(_width, self._heads))
        for row in self._rows:
            block = Table.grid(padding=(0, BETWEEN, 0, 0))
            block.add_column(width=margin)
            block.add_column(overflow="fold")
            for head, cell in zip(self._heads, row, strict=True):
                if cell:
                    block.add_row(head, Text(cell))
            block.add_row()
            yield block


def _width(text: str) -> int:
    return max(map(cell_len, text.splitlines()), default=0)

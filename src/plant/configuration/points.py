"""Reads a point list: the CSV file in which engineers keep a facility's channels, one per line.

The first line names the columns like a channel's keys; an empty cell is a key left out. Cells are separated by `,` or
`;`, numbers have a decimal point, the text is UTF-8 with or without a byte-order mark, as spreadsheets save it.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_type_hints

from pydantic import ValidationError

from plant.configuration.channel_model import ChannelPart
from plant.documents.documents import spelled
from plant.documents.files import decode, read_bytes
from plant.documents.problems import ConfigurationError, Problem
from plant.suggest import did_you_mean

LARGEST_FILE = 64 << 20  # [bytes]

_COLUMNS = tuple(name for name in ChannelPart.model_fields if name != "swaps")
_TYPES = get_type_hints(ChannelPart)
_NUMBERS = {name for name in _COLUMNS if _TYPES[name] in (float, float | None)}
_FLAGS = {name for name in _COLUMNS if _TYPES[name] is bool}
_REQUIRED = tuple(
    name for name in _COLUMNS if ChannelPart.model_fields[name].is_required() or name == "gateway"
)
_NUMBER = re.compile(r"[-+]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "false": False}

Cell = str | float | bool


@dataclass(frozen=True, slots=True)
class Point:
    """One line of a point list."""

    line: int
    part: ChannelPart


class PointList:
    """A point list that is read line by line; `problems` and `broken` (names of refused channels) fill up on the way."""

    def __init__(self, file: Path) -> None:
        self.problems: list[Problem] = []
        self.broken: set[str] = set()
        self.file = file

    def __iter__(self) -> Iterator[Point]:
        """Yield the lines that are valid.

        Raises
        ------
        ConfigurationError
            Where the file cannot be read as a table at all.
        """
        content = read_bytes(self.file, LARGEST_FILE)
        header = decode(self.file, content).removeprefix("\ufeff").partition("\n")[0]
        lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
        rows = csv.reader(lines, delimiter=self._delimiter(header), strict=True)
        try:
            columns = self._columns([name.strip() for name in next(rows, [])])
            end = rows.line_num
            for row in rows:
                line, end = end + 1, rows.line_num
                if any(row) and (part := self._part(line, columns, row)):
                    yield Point(line, part)
        except csv.Error as error:
            raise ConfigurationError.of(self.file, rows.line_num, f"is not CSV: {error}") from error

    def _delimiter(self, header: str) -> str:
        """Return the separator of the first line, which has only names in it and so shows it safely."""
        if "," in header and ";" in header:
            raise ConfigurationError.of(self.file, 1, "separates columns with both , and ;")
        return ";" if ";" in header else ","

    def _columns(self, names: list[str]) -> list[str]:
        """Return the header's columns; a wrong header makes every line wrong, so nothing is read then."""
        mistakes = [(n, f"unknown column{_meant(n)}") for n in names if n not in _COLUMNS]
        mistakes += [(n, "is a column twice") for n in sorted(set(names)) if names.count(n) > 1]
        optional = {"gateway"} if "entered" in names else set()
        mistakes += [(n, "is a required column") for n in _REQUIRED if n not in {*names, *optional}]
        if mistakes:
            raise ConfigurationError(Problem(str(self.file), 1, name, message) for name, message in mistakes)
        return names

    def _part(self, line: int, columns: list[str], row: list[str]) -> ChannelPart | None:
        if len(row) != len(columns):
            self._report(line, "", f"has {len(row)} cells, the header has {len(columns)}")
            return None
        cells = {name: text.strip() for name, text in zip(columns, row, strict=True)}
        try:
            return ChannelPart.model_validate(
                {name: _cell(name, text) for name, text in cells.items() if text}
            )
        except ValidationError as error:
            self.broken.add(cells["name"])
            for mistake in error.errors(include_url=False):
                self._report(line, str(mistake["loc"][0]), spelled(mistake, ChannelPart))
        return None

    def _report(self, line: int, column: str, message: str) -> None:
        self.problems.append(Problem(str(self.file), line, column, message))


def _cell(name: str, text: str) -> Cell:
    """Return a cell as what YAML would have given; a text that is no number stays one and is refused as such."""
    if name in _NUMBERS and _NUMBER.fullmatch(text):
        return float(text)
    if name in _FLAGS:
        return _BOOLEANS.get(text.lower(), text)
    return text


def _meant(name: str) -> str:
    if name == "swaps":
        return "; write them under the facility's key swaps"
    return did_you_mean(name, _COLUMNS) or f"; known are {', '.join(_COLUMNS)}"

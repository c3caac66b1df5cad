"""The texts of papers, by key: files for each language in `data`, with the same keys in each."""

import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Formatter

from plant.documents.documents import parse
from plant.documents.fields import Part
from plant.languages import Language
from plant.numbers import format_number
from reports.paper import Cell, Label, Number

UNKNOWN = "–"  # noqa: RUF001  an en dash, as tables of numbers have it


class _TextsPart(Part):
    texts: dict[str, str]


@cache
def texts(language: Language) -> Mapping[str, str]:
    """Return every text of a language, by key: ours, and those that are the law's own."""
    return {**_read(f"texts.{language}"), **_read(f"law.{language}")}


@cache
def method_titles() -> Mapping[str, str]:
    """Return what each method is, in Vietnamese; in English a method says it of itself."""
    return _read("methods.vi")


def _read(name: str) -> dict[str, str]:
    with resources.as_file(resources.files("reports") / "data" / f"{name}.yaml") as path:
        return parse(path, _TextsPart).texts


class Words:
    """Says what a paper says in one language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._texts = texts(language)

    def of(self, cell: Cell) -> str:
        """Return a cell as text; a number inside of a text has its unit."""
        match cell:
            case None:
                return UNKNOWN
            case str():
                return cell
            case Number():
                return self.number(cell)
            case Label("method", (("name", str(name)), ("title", str(title)))):
                return method_titles().get(name, title) if self.language == "vi" else title
            case Label():
                return self._texts[cell.key].format(
                    **{name: self._inner(value) for name, value in cell.values}
                )

    def number(self, number: Number) -> str:
        """Return a number without its unit: 1.234.567,89 in Vietnamese, 1,234,567.89 in English."""
        if number.value is None or not math.isfinite(number.value):
            return UNKNOWN
        return format_number(number.value, self.language, number.digits)

    def text(self, key: str) -> str:
        """Return a text without places."""
        return self._texts[key]

    def word(self, kind: str, name: str) -> str:
        """Return a word that a service says, such as a status, by the key `kind.name`; one that is not known here as it is."""
        return self._texts.get(f"{kind}.{name}", name)

    def unit(self, symbol: str) -> str:
        """Return how a unit is written."""
        return self._texts.get(f"unit.{symbol}", symbol)

    def _inner(self, cell: Cell) -> str:
        text = self.of(cell)
        return f"{text} {self.unit(cell.unit)}".rstrip() if isinstance(cell, Number) else text


def places_of(text: str) -> set[str]:
    """Return the places of a text that values stand in."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}

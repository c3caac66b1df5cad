"""Reads a Vietnamese e-invoice (XML): who sold what to whom, how much of it and under which number.

The names of the elements are those of Decision 1450/QD-TCT, written here from memory and from no file of a real seller: what is read is
shown to the person who enters it, and nothing is taken unseen. The signature is not checked.

References
----------
.. [1] Decree 123/2020/ND-CP as amended by Decree 70/2025/ND-CP; Decision 1450/QD-TCT of 2021, part II.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from plant.units import UnknownUnit, unit

LARGEST = 2 * 1024 * 1024
DEEPEST = 32
_MOST_ITEMS = 1000
# As invoices write what the unit table has under another name; compared without regard to case.
_UNITS = {"lít": "L", "lit": "L", "tấn": "t", "tan": "t", "kí": "kg", "kilogam": "kg", "kg": "kg", "m³": "m3", "khối": "m3", "kwh": "kWh", "mwh": "MWh", "km": "km"}  # fmt: skip


class InvoiceError(ValueError):
    """A file that is no e-invoice, or lacks what a record needs; its text says what."""


@dataclass(frozen=True, slots=True)
class InvoiceItem:
    """A line: what was sold, how much of it, in the unit as the unit table has it; `unit` is "" where it has none."""

    title: str
    amount: float
    unit: str
    written_unit: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """What an e-invoice says of itself; `seller` and `buyer` are name and tax code."""

    number: str
    day: date
    seller: tuple[str, str]
    buyer: tuple[str, str]
    items: tuple[InvoiceItem, ...]

    @property
    def source(self) -> str:
        """Return how a record names it as its source."""
        return f"{self.seller[0] or self.seller[1]}, invoice {self.number} of {self.day.isoformat()}"


def read_invoice(content: bytes) -> Invoice:
    """Return what an e-invoice says [1]_.

    Raises
    ------
    InvoiceError
        It is no XML, too large, too deep, has a document type (no e-invoice has, and bombs need one), or lacks number, day or lines.
    """
    root = _parsed(content)
    general, body = root.find(".//DLHDon/TTChung"), root.find(".//DLHDon/NDHDon")
    if general is None or body is None:
        raise InvoiceError("is no e-invoice: there is no DLHDon/TTChung with DLHDon/NDHDon in it")
    number = f"{_text(general, 'KHMSHDon')}{_text(general, 'KHHDon')} {_required(general, 'SHDon')}".strip()
    items = tuple(_items(body))
    if not items:
        raise InvoiceError("has no line (DSHHDVu/HHDVu) with an amount (SLuong)")
    return Invoice(
        number, _day(_required(general, "NLap")), _party(body, "NBan"), _party(body, "NMua"), items
    )


class _Bounded(TreeBuilder):
    """Builds a tree that is not deeper than an invoice is, and of a file without document type."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvoiceError(f"is no e-invoice: elements stand more than {DEEPEST} deep in each other")
        return super().start(tag.rpartition("}")[2], attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag.rpartition("}")[2])

    def doctype(self, *_: object) -> None:
        raise InvoiceError("is no e-invoice: it has a document type, which none has")


def _parsed(content: bytes) -> Element:
    if len(content) > LARGEST:
        raise InvoiceError(f"is larger than {LARGEST // 1024 // 1024} MiB, which no e-invoice is")
    parser = XMLParser(target=_Bounded())  # noqa: S314 - a document type, which alone can be a bomb, is refused
    try:
        parser.feed(content)
        return parser.close()
    except (ParseError, ValueError, LookupError) as error:
        if isinstance(error, InvoiceError):
            raise
        raise InvoiceError(f"is no XML: {error}") from error


def _items(body: Element) -> Iterator[InvoiceItem]:
    lines = body.findall("DSHHDVu/HHDVu")
    if len(lines) > _MOST_ITEMS:
        raise InvoiceError(f"has {len(lines):,} lines; {_MOST_ITEMS:,} is the most that is read")
    for line in lines:
        if amount := _text(line, "SLuong"):
            written = _text(line, "DVTinh")
            yield InvoiceItem(_text(line, "THHDVu"), _number(amount), _unit(written), written)


def _number(written: str) -> float:
    """Return a number as XML writes it: digits, and a point for the decimals."""
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,10})?", written):
        raise InvoiceError(
            f"has an amount {written[:40]!r}, which is no number of an e-invoice such as 1234.5"
        )
    return float(written)


def _unit(written: str) -> str:
    name = _UNITS.get(written.casefold(), written)
    try:
        return unit(name).symbol
    except UnknownUnit:
        return ""


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise InvoiceError(f"has no day (NLap) like 2026-11-12, but {written[:40]!r}") from error


def _party(body: Element, tag: str) -> tuple[str, str]:
    return _text(body, f"{tag}/Ten"), _text(body, f"{tag}/MST")


def _required(part: Element, tag: str) -> str:
    if found := _text(part, tag):
        return found
    raise InvoiceError(f"has no {tag}")


def _text(part: Element, path: str) -> str:
    """Return the text of an element in one line, "" where there is none."""
    return " ".join((part.findtext(path) or "").split())[:300]

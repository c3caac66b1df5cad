"""How a mapping makes a reading of an item: finds its value, makes a number of it, and names its channel."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import jmespath  # type: ignore[import-untyped]  # it has no types
import jmespath.exceptions  # type: ignore[import-untyped]

from ingest.formats import fields
from ingest.formats.fields import MAX_NAME, check_name
from ingest.formats.mapped import frames as mapped_bytes
from ingest.formats.mapped.factors import mapped_factors
from ingest.formats.mapped.items import MISSING, Conditions, Item, scalar
from ingest.formats.numbers import from_decimal, from_hex
from ingest.formats.strict import PayloadError
from plant.devices.paths import Path, parse
from plant.devices.profiles import ReadingPart, SectionPart
from plant.topics import WORD
from plant.vocabulary import Code


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a channel, with its words."""

    template: str
    has_words: bool

    def of(self, item: Item) -> str:
        """Return the name; a word that nobody gave is a refusal."""
        return (
            WORD.sub(lambda match: item.words[match[1]], self.template) if self.has_words else self.template
        )


@dataclass(frozen=True, slots=True)
class MappedReading:
    """How a reading is made from an item: where its value, its unit and its time stand, and what is done with them."""

    part: ReadingPart
    name: Name
    find: Callable[[Item], Any]
    value_place: Callable[[Item], str]
    unit_at: Path | None
    time_at: Path | None
    when: Conditions
    number: Callable[[Any, Item], int | float] | None  # None where it stands there as a JSON number

    def place(self, item: Item, what: str) -> str:
        """Return where a reading, or its time or unit, stands in the payload."""
        path = {"time": self.time_at, "unit": self.unit_at}.get(what)
        return item.place(path) if path else self.value_place(item)


def mapped_reading(name: str, part: ReadingPart, section: SectionPart, time_at: Path | None) -> MappedReading:
    """Return how a reading is made; whatever can be prepared is."""
    find, place = _finder(part, section)
    return MappedReading(
        part=part,
        name=Name(name, bool(WORD.search(name))),
        find=find,
        value_place=place,
        unit_at=parse(part.unit_at) if part.unit_at is not None else None,
        time_at=time_at,
        when=Conditions(part.when),
        number=_number(part, place),
    )


def _finder(part: ReadingPart, section: SectionPart) -> tuple[Callable[[Item], Any], Callable[[Item], str]]:
    """Return what finds a reading's value in an item, and what says where that is."""
    if part.value is not None:
        path = parse(part.value)
        return lambda item: item.find(path), lambda item: item.place(path)
    if part.jmespath is not None:
        return _searcher(part.jmespath)
    byte, at = part.byte, parse(section.bytes.at) if section.bytes else None
    if byte is None or at is None:
        raise AssertionError("the model has checked that there are bytes")
    tag = byte.tag or ""

    def place(item: Item) -> str:
        return f"{item.place(at)}{' tag ' + tag if tag else ''} byte {byte.offset}"

    def find(item: Item) -> Any:
        data = item.data.get(tag)
        return MISSING if data is None else mapped_bytes.number(data, byte, place(item))

    return find, place


def _searcher(expression: str) -> tuple[Callable[[Item], Any], Callable[[Item], str]]:
    compiled = jmespath.compile(expression)

    def place(item: Item) -> str:
        return f"{item.place(parse('.'))} {expression}".strip()

    def find(item: Item) -> Any:
        try:
            return compiled.search(item.node)
        except jmespath.exceptions.JMESPathError as error:
            raise PayloadError(Code.TYPE, place(item), str(error).splitlines()[0]) from error

    return find, place


def _number(part: ReadingPart, place: Callable[[Item], str]) -> Callable[[Any, Item], int | float] | None:
    """Return what makes a number of what was found; a scale is exact: 1234 times 0.001 is 1.234."""
    ratio = Fraction(repr(part.scale)) / (1 if part.pulses is None else Fraction(repr(part.pulses)))
    over, under, offset = ratio.numerator, ratio.denominator, part.offset
    is_scaled = ratio != 1 or bool(offset)
    factors = mapped_factors(part, place)

    def plain(found: Any, item: Item) -> float:
        try:
            return fields.value(_converted(found, part), "")
        except PayloadError as error:  # only now is it worth finding out where
            raise PayloadError(error.code, place(item), error.detail) from error

    if factors is not None:
        return lambda found, item: factors(item, plain(found, item)) + offset
    if part.type == "number" and not is_scaled:
        return None
    return lambda found, item: plain(found, item) * over / under + offset if is_scaled else plain(found, item)


def _converted(found: Any, part: ReadingPart) -> Any:
    if part.type == "number":
        return found
    if not isinstance(found, str):
        raise PayloadError(Code.TYPE, "", f"{fields.told(found)}; the mapping reads a number as text here")
    return from_hex(found, "") if part.type == "hex" else from_decimal(found.strip(), part.decimal, "")


def check_optional(found: Any, reading: MappedReading, item: Item) -> None:
    """Refuse a value that is missing or null, unless that was agreed."""
    if reading.part.optional:
        return
    code, what = (Code.SCHEMA, "is not there") if found is MISSING else (Code.NULL_VALUE, "is null")
    detail = f"the mapping reads this, and it {what}; say optional: true where that may be"
    raise PayloadError(code, reading.value_place(item), detail)


def word_of(item: Item, path: Path) -> str:
    """Return what stands in a name of a channel for a word that an item has at a path."""
    text = scalar(item.find(path))
    if text and len(text) > MAX_NAME:  # where it stands costs more to say than to look
        check_name(len(text), item.place(path))
    if not text:
        detail = "the mapping makes the name of a channel of this: a text or a number"
        raise PayloadError(Code.BAD_ID, item.place(path), detail)
    return text

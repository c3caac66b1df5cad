"""JSON, CBOR or MessagePack of devices that have a format of their own, read by a mapping: which numbers are which channels, as data.

A subscription names a profile, whose mapping then stands in the options; or it gives the mapping itself as its options.
What a mapping does not name is ignored, because that was agreed; what it names and is missing is refused, unless it is
optional. docs/formats.md explains every key, and `plant.devices.profiles` declares them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ingest.formats import fields
from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.formats.decoder import Decode, OptionError, Origin
from ingest.formats.mapped import frames as mapped_bytes
from ingest.formats.mapped.items import MISSING, Conditions, Item, is_one_of, items, scalar
from ingest.formats.mapped.payload import opener, parser
from ingest.formats.mapped.readings import MappedReading, check_optional, mapped_reading, word_of
from ingest.formats.options import Only, Options, Units
from ingest.formats.rows import Rows
from ingest.formats.stamps import Stamps
from ingest.formats.strict import PayloadError
from plant.devices.paths import Path, parse
from plant.devices.profiles import OWN_UNIT, BytesPart, MappingPart, QualityPart, SectionPart, listed
from plant.documents.documents import key_path, spelled
from plant.names import Names
from plant.vocabulary import Code, Quality


def decoder(options: Mapping[str, Any]) -> Decode:
    """Return the decoder of a mapping; its options are the keys of `plant.devices.profiles.MappingPart`."""
    part = _checked({key: value for key, value in options.items() if key != "profile"})
    given = Options({"only": part.only, "units": part.units})
    names = Names.of_texts(part.names).of if part.names else None
    shared = _Shared(given.only(), given.units(), names, part.unit_names)
    parse_payload, opened = parser(part.payload), opener(part.json_at)
    sections = [_section(section, part, shared) for section in part.sections]

    def decode(payload: bytes, origin: Origin, raw: RawReadings, refusals: list[Refusal]) -> Envelope:
        document = parse_payload(payload)
        places: list[tuple[Item, MappedReading]] = []
        rows = Rows(origin, raw, refusals, lambda row, what: places[row][1].place(places[row][0], what))
        if opened is not None:
            document = opened(document, rows)
        for section in sections:
            section.read(document, rows, places)
        return rows.envelope()

    return decode


@dataclass(frozen=True, slots=True)
class _Shared:
    """What holds for all sections."""

    only: Only
    units: Units
    renamed: Callable[[str], str] | None  # None where every channel keeps its name
    unit_names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Section:
    part: SectionPart
    shared: _Shared
    each: Path
    when: Conditions
    words: list[tuple[str, Path]]
    stamps: Stamps
    time_at: tuple[Path, ...]
    quality: tuple[QualityPart, Path] | None
    bytes: tuple[BytesPart, Path, frozenset[str]] | None
    readings: list[MappedReading] = field(default_factory=list)

    def read(self, document: Any, rows: Rows, places: list[tuple[Item, MappedReading]]) -> None:
        """Add the readings of every item, or refuse them one by one."""
        for item in items(document, self.each, rows.origin.words):
            if isinstance(item, PayloadError):
                if not self.part.optional:
                    rows.refuse(item)
            elif not self.part.when or self.when.hold(item):
                try:
                    self._prepare(item)
                except PayloadError as error:
                    rows.refuse(error)
                    continue
                for reading in self.readings:
                    if not reading.part.when or reading.when.hold(item):
                        self._read(item, reading, rows, places)

    def _prepare(self, item: Item) -> None:
        """Find what the readings of an item have in common."""
        for word, path in self.words:
            item.words[word] = word_of(item, path)
        if self.bytes:
            part, path, wanted = self.bytes
            found = item.find(path)
            if found is MISSING or found is None:
                raise PayloadError(
                    Code.SCHEMA, item.place(path), "there are no bytes; say in when what has them"
                )
            item.data = mapped_bytes.split(found, part, wanted, item.place(path))

    def _read(
        self, item: Item, reading: MappedReading, rows: Rows, places: list[tuple[Item, MappedReading]]
    ) -> None:
        try:
            name = self._channel(item, reading)
            if not self.shared.only(name):
                return
            found = reading.find(item)
            if found is MISSING or found is None:
                check_optional(found, reading, item)
                return
            if reading.part.no_value and is_one_of(found, reading.part.no_value):
                return
            value = reading.number(found, item) if reading.number else found
            unit, own = self._unit(item, reading, name)
            time, quality = self._time(item, rows.origin), self._quality(item)
        except PayloadError as error:
            rows.refuse(error)
            return
        places.append((item, reading))
        rows.add(len(places) - 1, name, time, value, unit, own_unit=own, quality=quality)

    def _channel(self, item: Item, reading: MappedReading) -> str:
        try:
            name = reading.name.of(item)
        except KeyError as error:
            detail = f"the channel needs the word {error.args[0]}: name a level of the topic so"
            raise PayloadError(Code.BAD_ID, reading.value_place(item), detail) from error
        return self.shared.renamed(name) if self.shared.renamed else name

    def _unit(self, item: Item, reading: MappedReading, name: str) -> tuple[Any, bool]:
        given: Any = reading.part.unit
        if reading.unit_at is not None:
            found = item.find(reading.unit_at)
            given = None if found is MISSING else found
            if isinstance(given, str):
                given = self.shared.unit_names.get(given, given) or None
        return (None, True) if given == OWN_UNIT else self.shared.units.of(name, given)

    def _time(self, item: Item, origin: Origin) -> int | str:
        """Return the time of an item; what is wrong with it is found once, and holds for all its readings."""
        if item.time is None:
            found = None
            if self.time_at:
                found = item.find(self.time_at[0]) if len(self.time_at) == 1 else item.joined(self.time_at)
            try:
                item.time = self.stamps.of(None if found is MISSING else found, origin, "")
            except PayloadError as error:
                path = item.place(self.time_at[0]) if self.time_at else ""
                item.time = PayloadError(error.code, path, error.detail)
        if isinstance(item.time, PayloadError):
            raise item.time
        return item.time

    def _quality(self, item: Item) -> Quality:
        if self.quality is None:
            return Quality.GOOD
        part, path = self.quality
        found = item.find(path)
        text = scalar(found)
        meant = part.values.get(text, part.otherwise) if text is not None else part.otherwise
        if part.missing is not None and (found is MISSING or found is None):
            meant = part.missing
        if meant is None:
            said = "nothing" if found is MISSING else fields.told(found)
            detail = f"{said}; the mapping knows {', '.join(part.values)}; add it to values, or say otherwise"
            raise PayloadError(Code.QUALITY, item.place(path), detail)
        return fields.QUALITIES[meant]


def _checked(options: dict[str, Any]) -> MappingPart:
    try:
        return MappingPart.model_validate(options)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise OptionError(key_path(first["loc"]), spelled(first, MappingPart)) from error


def _section(part: SectionPart, mapping: MappingPart, shared: _Shared) -> _Section:
    time_at = listed(part.time_at) or listed(mapping.time_at)
    stamps = _stamps(part, mapping)
    if not time_at and not stamps.is_arrival:
        raise OptionError("time_at", "says where the time stands; without one write time: arrival")
    at = () if stamps.is_arrival else tuple(map(parse, time_at))
    return _Section(
        part=part,
        shared=shared,
        each=parse(part.each),
        when=Conditions(part.when),
        words=[(word, parse(path)) for word, path in part.words.items()],
        stamps=stamps,
        time_at=at,
        quality=(part.quality, parse(part.quality.at)) if part.quality else None,
        bytes=_bytes(part),
        readings=[
            mapped_reading(name, reading, part, at[0] if at else None)
            for name, reading in part.readings.items()
        ],
    )


def _stamps(part: SectionPart, mapping: MappingPart) -> Stamps:
    way = part.time or mapping.time
    if way is None:
        raise OptionError("time", "says how times are written: arrival, rfc3339, s, ms, or a pattern")
    needs_zone = any("%" in one and "%z" not in one for one in listed(way))
    zone = part.zone or (mapping.zone if needs_zone else None)
    shift = part.time_shift or mapping.time_shift
    given = {"time": way, "zone": zone, "time_shift": shift}
    return Options({key: value for key, value in given.items() if value is not None}).times()


def _bytes(part: SectionPart) -> tuple[BytesPart, Path, frozenset[str]] | None:
    if part.bytes is None:
        return None
    wanted = {reading.byte.tag for reading in part.readings.values() if reading.byte and reading.byte.tag}
    return part.bytes, parse(part.bytes.at), frozenset(wanted)

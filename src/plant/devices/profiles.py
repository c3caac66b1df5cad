"""Profiles of devices: which numbers of their JSON are which channels, as data and never as code.

A profile is `NAME.yaml` in the folder `profiles` of a configuration, or one of those that are shipped; the configuration's own
goes first. What it says of decoding is part of the configuration, and so of its hash. docs/formats.md explains every key.
"""

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import jmespath  # type: ignore[import-untyped]  # it has no types
import jmespath.exceptions  # type: ignore[import-untyped]
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from plant import units
from plant.clock import parse_duration, wrong_pattern
from plant.devices import paths
from plant.documents.documents import parse
from plant.documents.fields import Fault, Part, Text, exactly_one
from plant.documents.problems import ConfigurationError
from plant.names import Names
from plant.suggest import did_you_mean
from plant.topics import WORD, words_of

FOLDER = "profiles"
MOST_DEEP = 64  # of what nests in a JMESPath
OWN_UNIT = "channel"  # in the place of a unit: the value is in the unit of its channel
SMALLEST = 1e-30  # of a scale
PRESENCE = ("present", "absent", "number", "text")  # what a condition may ask for besides a value

Scalar = str | int | float | bool
Quality = Literal["good", "uncertain", "bad", "calibrating", "fault"]
Conversion = Literal["number", "text", "hex"]


def _path(text: str) -> str:
    if paths.parse(text).is_many:
        raise ValueError("[*] stands only in each; take each: a[*] and value: b, or a place such as a[0].b")
    return text


def _one_or_many(given: Any) -> Any:
    """Refuse what is neither one text nor a list of them, before a union tells it once for each of its kinds."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise ValueError(f"is a text, or a list of texts, not {given!r:.60}")
    return given


def _each_path(given: str | list[str]) -> str | list[str]:
    for text in listed(given):
        _path(text)
    return given


def listed(given: str | list[str] | None) -> list[str]:
    """Return what is given once or as a list."""
    return [] if given is None else [given] if isinstance(given, str) else given


def _many(text: str) -> str:
    paths.parse(text)
    return text


def _unit(symbol: str) -> str:
    if symbol != OWN_UNIT:
        units.unit(symbol)
    return symbol


def _zone(key: str) -> str:
    if key not in available_timezones():
        raise ValueError(f"there is no time zone {key}{did_you_mean(key, available_timezones())}")
    return key


def _expression(text: str) -> str:
    if sum(text.count(one) for one in "[({!&") > MOST_DEEP:
        raise ValueError(f"is no JMESPath that is read here: at most {MOST_DEEP} of [ ( {{ ! and &")
    try:
        jmespath.compile(text)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"is no JMESPath: {str(error).splitlines()[0]}") from error
    return text


PathText = Annotated[str, AfterValidator(_path)]
ManyText = Annotated[str, AfterValidator(_many)]
UnitText = Annotated[str, AfterValidator(_unit)]
Expression = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_expression)]
Zone = Annotated[str, AfterValidator(_zone)]
Paths = Annotated[str | list[str], BeforeValidator(_one_or_many), AfterValidator(_each_path)]
Many = Annotated[list[str], AfterValidator(lambda texts: [_many(text) for text in texts])]
SHIFT = r"[+-][0-9]{1,9}(s|min|h|d)"
_WAY = r"rfc3339|arrival|(s|ms|us|ns)(\+(s|ms|us|ns))*|.*%.*"


def _ways(given: str | list[str]) -> str | list[str]:
    for way in listed(given):
        if not re.fullmatch(_WAY, way):
            raise ValueError(
                f"{way} is no way: write rfc3339, arrival, s, ms, us, ns, s+ns, or a pattern with %"
            )
        if "%" in way and (wrong := wrong_pattern(way)):
            raise ValueError(f"{way} is no pattern of strptime: {wrong}")
    return given


def _shift(given: str) -> str:
    if not re.fullmatch(SHIFT, given):
        raise ValueError(f"is a period with its sign, such as +15min or -60s, not {given}")
    parse_duration(given[1:])
    return given


Ways = Annotated[str | list[str], BeforeValidator(_one_or_many), AfterValidator(_ways)]
Shift = Annotated[str, AfterValidator(_shift)]
ChannelText = Annotated[str, StringConstraints(pattern=r"^[^\s#+]{1,200}$")]
WordText = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Tag = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){1,4}$")]
ByteType = Annotated[str, StringConstraints(pattern=r"^([us]8|[us](16|24|32|48|64)(be|le)|f(32|64)(be|le))$")]
Conditions = dict[str, Scalar | list[Scalar]]


class QualityPart(Part):
    """What a field of the payload says of the quality of a reading."""

    at: PathText
    """Where it stands."""
    values: dict[str, Quality]
    """What each of its values means."""
    otherwise: Quality | None = None
    """What any other value means; without it, such a reading is refused."""
    missing: Quality | None = None
    """What it means that nothing stands there; without it, that is any other value."""


class BytesPart(Part):
    """Bytes that nobody has decoded, such as the frame of a LoRaWAN uplink."""

    at: PathText
    """Where their text stands."""
    encoding: Literal["base64", "hex"] = "base64"
    """How it is written."""
    tags: dict[Tag, Annotated[int, Field(ge=0, le=255)]] | None = None
    """For bytes that are pairs of a tag and its data: how many bytes follow each tag, also those that nobody reads."""

    def faults(self) -> Iterator[Fault]:
        """Yield tags of different lengths."""
        if self.tags is not None and len({len(tag) for tag in self.tags}) != 1:
            yield "tags", "all have the same number of bytes, and there is at least one"


class BytePart(Part):
    """A number among the bytes."""

    type: ByteType
    """How it is written: u16be, s32le, f32be …"""
    offset: Annotated[int, Field(ge=0, le=4096)] = 0
    """How many bytes stand before it, of all or of its tag's data."""
    tag: Tag | None = None
    """Whose data it is in, where the bytes have tags."""


class ReadingPart(Part):
    """Where a reading of a channel comes from."""

    value: PathText | None = None
    """Where its value stands. One of value, jmespath and byte."""
    jmespath: Expression | None = None
    """What finds its value where a path cannot, in JMESPath."""
    byte: BytePart | None = None
    """Which of the bytes are its value."""
    unit: UnitText | None = None
    """Its unit, or the word channel where it is the channel's own."""
    unit_at: PathText | None = None
    """Where its unit stands."""
    type: Conversion = "number"
    """How the value is written: a JSON number, a number as text, or hexadecimal digits as text."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of a number as text."""
    scale: float = 1.0
    """What it is multiplied with."""
    scale_at: Paths | None = None
    """Where numbers stand that it is multiplied with, such as the ratio of a current transformer."""
    exponent_at: PathText | None = None
    """Where the power of ten stands that it is multiplied with, a whole number."""
    pulses: float | None = None
    """How many of what is counted are one of its unit: 1000 for a meter of 1000 imp/kWh."""
    offset: float = 0.0
    """What is added after that, in the reading's unit."""
    no_value: list[Scalar] = Field(default_factory=list)
    """What the device writes where it has no value, such as 65535; such a reading is left out."""
    when: Conditions = Field(default_factory=dict)
    """What must be so for this reading to be meant."""
    optional: bool = False
    """Whether it may be missing, or null; without it, that is refused."""

    def faults(self) -> Iterator[Fault]:
        """Yield two places of one thing, conditions that are no path, and a scale of nothing."""
        yield from exactly_one(self, "value", "jmespath", "byte")
        yield from _wrong_conditions(self.when)
        if self.unit is not None and self.unit_at is not None:
            yield "unit_at", "is given beside unit: one of them"
        if self.scale == 0:
            yield "scale", "is 0, so every reading would be"
        elif not SMALLEST < abs(self.scale) < 1 / SMALLEST:
            yield "scale", f"is between {SMALLEST:g} and {1 / SMALLEST:g}"
        if self.pulses is not None and not SMALLEST < self.pulses < 1 / SMALLEST:
            yield "pulses", "is how many are one of its unit, such as 1000 for 1000 imp/kWh"
        if self.type != "text" and self.decimal != ".":
            yield "decimal", "is for type: text"
        if self.byte is not None and self.type != "number":
            yield "type", "is for value and jmespath; how bytes are written is byte.type"


class SectionPart(Part):
    """A part of the document, once or many times, and the readings in it."""

    each: ManyText = "."
    """Where the items are: a path with [*], [{word}] or {word} gives one for every place or key."""
    when: Conditions = Field(default_factory=dict)
    """What must be so for an item to be read; others are left out."""
    optional: bool = False
    """Whether the path of each may lead nowhere."""
    words: dict[WordText, PathText] = Field(default_factory=dict)
    """Further words for the names of channels, and where in the item they stand."""
    time: Ways | None = None
    """How its times are written, one way or several."""
    time_shift: Shift | None = None
    """What is added to its times, such as -60s or +15min."""
    zone: Zone | None = None
    """The time zone of a pattern without one."""
    time_at: Paths | None = None
    """Where its time stands; a list where it is made of several fields, such as date and time."""
    quality: QualityPart | None = None
    """What says how good its readings are."""
    bytes: BytesPart | None = None
    """Its bytes, where readings are among them."""
    readings: dict[ChannelText, ReadingPart] = Field(min_length=1)
    """The readings, by the name of their channel; words in braces are filled in."""

    def faults(self) -> Iterator[Fault]:
        """Yield conditions that are no path, and bytes that nobody gave."""
        yield from _wrong_conditions(self.when)
        for name, reading in self.readings.items():
            if reading.byte is None:
                continue
            if self.bytes is None:
                yield "bytes", f"is missing, and {name} is among them"
            elif (self.bytes.tags is None) != (reading.byte.tag is None):
                yield "bytes", f"{name}: a tag is named where the bytes have tags, and only there"
            elif self.bytes.tags is not None and reading.byte.tag not in self.bytes.tags:
                yield (
                    "bytes",
                    f"{name}: tag {reading.byte.tag} is not among tags, with how many bytes follow it",
                )

    def free_words(self) -> frozenset[str]:
        """Return the words that its paths and names use and that it does not name itself."""
        used: set[str] = set()
        for name, reading in self.readings.items():
            used |= {match[1] for match in WORD.finditer(name)}
            used |= _words(
                reading.value, reading.unit_at, reading.exponent_at, *listed(reading.scale_at), *reading.when
            )
        quality = self.quality.at if self.quality else None
        own = self.bytes.at if self.bytes else None
        used |= _words(quality, own, *listed(self.time_at), *self.words.values(), *self.when)
        return frozenset(used - paths.parse(self.each).words - set(self.words))


class MappingPart(Part):
    """What a mapping says of decoding; these are also the options of the format `mapping`."""

    time: Ways | None = None
    """How times are written, in sections that do not say it: rfc3339, arrival, s, ms, us, ns, units that are added such as s+ns, or a
    pattern of strptime; or a list of these, of which the first that fits counts."""
    zone: Zone | None = None
    """The time zone of a pattern without one."""
    time_at: Paths | None = None
    """Where the time stands, in sections that do not say it; a list where it is made of several fields."""
    time_shift: Shift | None = None
    """What is added to each time, such as -60s, in sections that do not say it."""
    payload: Literal["json", "cbor", "msgpack"] = "json"
    """What the payload is written in; a mapping reads all of them alike."""
    json_at: Many = Field(default_factory=list)
    """Where texts stand that hold JSON, with [*] or {word} for every place or key; what they hold takes their place."""
    only: list[str] = Field(default_factory=list)
    """Patterns of the channels that are wanted; all where empty."""
    names: dict[str, str] = Field(default_factory=dict)
    """Other names for channels, such as those that the payload writes with spaces; with * for any text, on both sides."""
    units: dict[str, str] | Literal["channel"] = Field(default_factory=dict)
    """Units by patterns of channels, where neither the reading nor the payload has one; the word channel: the channel's own."""
    unit_names: dict[str, UnitText] = Field(default_factory=dict)
    """What the payload's names of units mean."""
    sections: list[SectionPart] = Field(min_length=1)
    """What is read."""

    def faults(self) -> Iterator[Fault]:
        """Yield units that there are not, and names that cannot be meant."""
        for name, wrong in Names.wrong(self.names):
            yield "names", f"{name}: {wrong}"
        for name, symbol in self.units.items() if isinstance(self.units, dict) else ():
            try:
                _unit(symbol)
            except units.UnknownUnit as error:
                yield "units", f"{name}: {error}"

    def free_words(self) -> frozenset[str]:
        """Return the words that only a topic can give."""
        return frozenset().union(*(section.free_words() for section in self.sections))


class ProfilePart(MappingPart):
    """A profile: a mapping, and what people need to know of it."""

    title: Text
    """The device, and which of its messages."""
    sources: list[Text] = Field(min_length=1)
    """Where its payloads are described: addresses of the maker's documentation, or of who recorded them."""
    topic: Text
    """A topic to subscribe to, with the words that the mapping needs."""
    notes: Text | None = None
    """What to set in the device, and what is not read."""

    def faults(self) -> Iterator[Fault]:
        """Yield what a mapping may have wrong, and words that its own topic does not have."""
        yield from super().faults()
        for word in sorted(self.free_words() - set(words_of(self.topic))):
            yield "topic", f"has no {{{word}}}, which the mapping needs"

    def mapping(self) -> dict[str, Any]:
        """Return what it says of decoding, as options of the format `mapping`."""
        about = {"title", "sources", "topic", "notes"}
        return self.model_dump(exclude=about, exclude_unset=True)


def profile(name: str, directory: Path | None) -> ProfilePart:
    """Return a profile by its name, from a configuration's folder or shipped.

    Raises
    ------
    ConfigurationError
        There is none, or it has mistakes: with file, line and key of each.
    """
    found = profiles(directory)
    if name not in found:
        known = f"{did_you_mean(name, found)}; stackmeter profile list has them all"
        raise ConfigurationError.of(directory or FOLDER, 0, f"there is no profile {name}{known}", "profile")
    return parse(found[name], ProfilePart)


def profiles(directory: Path | None) -> Mapping[str, Path]:
    """Return the files of all profiles by name, in order; the configuration's own hide those that are shipped."""
    with resources.as_file(resources.files("plant") / "data" / FOLDER) as shipped:
        files = {path.stem: path for path in shipped.glob("*.yaml")}
    if directory is not None:
        files |= {path.stem: path for path in (directory / FOLDER).glob("*.yaml")}
    return dict(sorted(files.items()))


def _words(*texts: str | None) -> set[str]:
    return {word for text in texts if text is not None for word in paths.parse(text).words}


def _wrong_conditions(when: Conditions) -> Iterator[Fault]:
    for path in when:
        try:
            _path(path)
        except ValueError as error:
            yield "when", str(error)

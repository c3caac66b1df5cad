"""Tries payloads of devices without a broker: what a format or a profile makes of them, and what a configuration makes of that.

The same decoders and the same checks as the service's are at work here; nothing is stored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import tzinfo
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ingest.formats.columns import RawReadings, Refusal, path_of
from ingest.formats.decoder import Decode, OptionError, Origin, decoder_of, formats
from ingest.line.normalise import Normaliser
from ingest.sparkplug.nodes import Nodes
from ingest.subscriptions import Subscriptions, hear, rejection, too_large, unknown_gateway
from ingest.times import parse_time
from plant.devices.profiles import profile, profiles
from plant.documents.problems import ConfigurationError
from plant.documents.yaml12 import Reader as Yaml
from plant.park import Plant
from plant.suggest import did_you_mean
from plant.topics import SPARKPLUG, filter_of, words_of
from plant.vocabulary import Code, Quality
from stackmeter.views.local import shared_zone
from store.messages.journal import RETAIN, Message

# What to do about a refusal whose detail says only what is wrong.
HINTS: Mapping[Code, str] = {
    Code.UNMAPPED: "declare the channel in the configuration, or give it another name: names, channel",
    Code.UNIT_UNKNOWN: "write it as it is written, such as kWh, MWh, m3 or °C; in a profile, unit_names says what a name means",
    Code.UNIT_MISSING: 'give it: unit in a profile, or the option units, such as {"*/power": W}, or the word channel',
    Code.DIMENSION: "the channel measures something else than this: check which of both is meant; pulses need pulses: 1000 in the mapping",
    Code.RANGE: "check scale and unit, then max of the channel",
    Code.BELOW_MIN: "check sign, scale and unit, then min of the channel",
    Code.TS_OLD: "say when it came with --received, or raise max_late",
    Code.TS_FUTURE: "say when it came with --received, or check zone and clock of the device",
    Code.TS_NAIVE: "say the zone: a pattern in time, and zone",
    Code.DECODER: "please report this with the payload",
    Code.TOO_LARGE: "let the device send fewer readings in a message",
    Code.TOPIC: "add a subscription with this topic; a native gateway's readings go to sm/v1/PARK/FACILITY/GATEWAY/readings",
    Code.RETAINED: "let the device not retain its readings, or send the time of each",
}


class TrialError(Exception):
    """What was asked for cannot be tried; the text says what to write."""


@dataclass(frozen=True, slots=True)
class PayloadReader:
    """What reads payloads, and for which topic it is meant."""

    decode: Decode
    topic: str = ""  # with words in braces
    needs: frozenset[str] = frozenset()  # words of the topic without which nothing is read


@dataclass(frozen=True, slots=True)
class TriedReading:
    """A reading as it was read; `kept` is what a configuration makes of it."""

    channel: str
    value: float
    unit: str | None  # None is the channel's own
    time: str
    quality: str
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class TrialRefusal:
    """Why something was refused, where it stands, and what to do."""

    code: str
    path: str
    detail: str
    hint: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a payload."""

    decoded: bool
    readings: tuple[TriedReading, ...]
    refusals: tuple[TrialRefusal, ...]
    gateway: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def reader(
    name: str | None, form: str | None, options: Mapping[str, Any], config: Path | None
) -> PayloadReader:
    """Return what reads payloads by a profile or by a format.

    Raises
    ------
    ConfigurationError
        There is no such profile, or it has mistakes.
    TrialError
        An option is wrong.
    """
    topic, given, needs = "", dict(options), frozenset[str]()
    if name is not None:
        found = profile(name, config)
        topic, given, form = found.topic, {**found.mapping(), **options, "profile": name}, "mapping"
        needs = found.free_words()
    try:
        return PayloadReader(decoder_of(form or "", given), topic, needs)
    except OptionError as error:
        raise TrialError(f"{name or form}: {error.key}: {error}") from error


def words(pattern: str, topic: str) -> dict[str, str]:
    """Return the words of a topic by the pattern of a subscription.

    Raises
    ------
    TrialError
        The topic is not of that pattern.
    """
    wanted, levels = filter_of(pattern).split("/"), topic.split("/")
    head = wanted[:-1] if wanted[-1] == "#" else wanted
    fits = len(levels) >= len(head) if wanted[-1] == "#" else len(levels) == len(head)
    if not fits or any(want not in ("+", level) for want, level in zip(head, levels, strict=False)):
        raise TrialError(f"the topic {topic} is not of the form {pattern}")
    return {word: levels[number] for word, number in words_of(pattern).items()}


def read(payload: bytes, decode: Decode, origin: Origin) -> tuple[bool, RawReadings, list[Refusal]]:
    """Return whether a payload could be decoded, its readings, and what was refused."""
    raw, refusals = RawReadings(), list[Refusal]()
    envelope = decode(payload, origin, raw, refusals)
    return envelope.decoded, raw, refusals


def tried(payload: bytes, decode: Decode, origin: Origin) -> Tried:
    """Return what a payload gives, where nothing is known of whose it is."""
    if (refused := too_large(None, payload, 0)) is not None:
        return Tried(False, (), _refused([refused]))
    decoded, raw, refusals = read(payload, decode, origin)
    return Tried(decoded, tuple(row_of(raw, row) for row in range(len(raw))), _refused(refusals))


class Place:
    """A configuration, which says whose a topic is and what becomes of its readings.

    Raises
    ------
    ConfigurationError
        A subscription is wrong.
    """

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._subscriptions = Subscriptions(plant)
        self._normaliser = Normaliser(plant)

    @property
    def zone(self) -> tzinfo:
        """The clock on which its times are shown."""
        return shared_zone(str(park.zone) for park in self._plant.parks)

    def takes(self, topic: str) -> bool:
        """Return whether a topic is somebody's in this configuration."""
        return self._subscriptions.route(topic.encode()) is not None

    def tried(
        self, payload: bytes, topic: str, given: PayloadReader | None, received: int, *, retained: bool
    ) -> Tried:
        """Return what the service makes of a message; `given` reads it in the place of the topic's own format.

        Raises
        ------
        TrialError
            The topic tells a status, and no readings.
        """
        message = Message(received, topic.encode(), payload, RETAIN * retained)
        route = self._subscriptions.route(message.topic)
        if (refused := rejection(route, message, 0)) is not None or route is None:
            return Tried(False, (), _refused([refused] if refused else []))
        raw, refusals = RawReadings(), list[Refusal]()
        meant = replace(route, decode=given.decode) if given else route
        spoken = hear(meant, message, 0, Nodes(), raw, refusals)
        if spoken is None:
            raise TrialError(f"the topic {topic} tells whether {route.id} is there, and has no readings")
        if not self._normaliser.knows(route.id):
            refusals.append(unknown_gateway(route.id, 0))
        kept = self._kept(route.id, raw, received, refusals)
        rows = tuple(row_of(raw, row, kept.get(row, "refused")) for row in range(len(raw)))
        known = self._names(route.id) or [gateway.id for gateway in self._plant.gateways]
        return Tried(spoken.envelope.decoded, rows, _refused(refusals, known, raw, route.id), route.id)

    def _kept(self, gateway: str, raw: RawReadings, received: int, refusals: list[Refusal]) -> dict[int, str]:
        """Return each raw reading that counts as come, in its channel's unit; the others are refused."""
        index = np.array(self._normaliser.channels(gateway, raw.channel), np.int32)
        came = np.full(len(raw), received, np.int64)
        readings, rows = self._normaliser.normalise(raw, index, came, refusals)
        channels = [self._plant.channels[number] for number in readings.channel.tolist()]
        told = zip(rows.tolist(), readings.value.tolist(), channels, strict=True)
        return {row: f"{value:.12g} {channel.unit.symbol}" for row, value, channel in told}

    def _names(self, gateway: str) -> list[str]:
        place = [(c.name, f"{c.park}/{c.facility}/{c.gateway}") for c in self._plant.channels]
        return [name for name, of in place if of == gateway]


def row_of(raw: RawReadings, row: int, kept: str | None = None) -> TriedReading:
    """Return a reading as it was read."""
    time = raw.stamped[row] if row in raw.stamped else parse_time(raw.time[row])
    return TriedReading(
        channel=raw.channel[row],
        value=raw.value[row],
        unit=None if row in raw.own_unit else raw.unit[row],
        time=instant_text(time) if isinstance(time, int) else raw.time[row],
        quality=raw.quality.get(row, Quality.GOOD).name.lower(),
        kept=kept,
    )


def instant_text(time: int) -> str:
    """Return ns UTC as RFC 3339 text, with as many digits as it has."""
    return str(np.datetime64(time, "ns")).rstrip("0").rstrip(".") + "Z"


def _refused(
    refusals: Sequence[Refusal], known: Sequence[str] = (), raw: RawReadings | None = None, gateway: str = ""
) -> tuple[TrialRefusal, ...]:
    names = {path_of(raw, row, "channel"): raw.channel[row] for row in range(len(raw))} if raw else {}
    made = []
    for one in refusals:
        near = did_you_mean(names.get(one.path, gateway), known) if one.code is Code.UNMAPPED else ""
        made.append(TrialRefusal(one.code, one.path, f"{one.detail}{near}", HINTS.get(one.code, "")))
    return tuple(made)


def all_formats() -> dict[str, str]:
    """Return what each format is, by its name: the first paragraph of its module."""
    places = {name: f"ingest.formats.{name.replace('-', '_')}" for name in formats()} | {
        SPARKPLUG: "ingest.sparkplug"
    }
    return {name: _first_paragraph(import_module(place)) for name, place in sorted(places.items())}


def _first_paragraph(module: ModuleType) -> str:
    return (module.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def file_of(name: str, config: Path | None) -> Path:
    """Return the file of a profile.

    Raises
    ------
    TrialError
        There is none of that name.
    """
    known = profiles(config)
    if name not in known:
        raise TrialError(
            f"there is no profile {name}{did_you_mean(name, known)}; stackmeter profile list has all"
        )
    return known[name]


def options_of(texts: Sequence[str]) -> dict[str, Any]:
    """Return options from KEY=VALUE, values as YAML.

    Raises
    ------
    ConfigurationError, TrialError
        One is not of that form.
    """
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[a-z_]+", key):
            raise TrialError(f"--option {text}: write KEY=VALUE, such as columns='[time, a]'")
        yaml = Yaml(Path(f"--option {key}"), value)
        found[key] = yaml.value()
        if yaml.problems:
            raise ConfigurationError(yaml.problems)
    return found

"""MQTT topics besides the native ones: which are taken, what their levels name, and in which format they speak."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from plant.devices.profiles import MappingPart, profile, profiles
from plant.documents.documents import Placed
from plant.documents.fields import Fault, Part, Word, exactly_one
from plant.documents.findings import Findings
from plant.documents.problems import ConfigurationError
from plant.park import Gateway
from plant.suggest import did_you_mean
from plant.topics import NATIVE_FILTER, SPARKPLUG, WORD, Subscription, filter_of, words_of

Topic = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Template = Annotated[str, StringConstraints(pattern=r"^[^\s#+]{1,200}$")]

_SPARKPLUG_WORDS = ["node", "device"]
_BRACES = re.compile(r"\{([^{}]*)\}")
_CHANNEL = "channel"  # what the format itself calls a channel, as a word of `channel`


class SubscriptionPart(Part):
    """Topics of devices that do not speak the native contract."""

    topic: Topic
    """An MQTT topic filter; a level in braces, as in meters/{gateway}/{device}/data, stands for + and gives it a name."""
    format: Word | None = None
    """What the payloads are, such as senml-json; `stackmeter formats` lists them. One of format, profile, status and discover."""
    profile: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] | None = None
    """The profile of the device, in profiles/NAME.yaml beside the configuration or shipped; `stackmeter profile list`."""
    status: dict[str, bool] | None = None
    """For topics that tell whether the gateway is there, such as a last will: what each payload means, {Online: true}."""
    discover: Literal[True] | None = None
    """For topics of devices that nobody has configured yet: the newest messages are kept and shown by `stackmeter inbox`."""
    park: Template = "{park}"
    """The park, a name or a level of the topic in braces."""
    facility: Template = "{facility}"
    """The facility, likewise."""
    gateway: Template = "{gateway}"
    """The gateway, likewise."""
    channel: Template = "{channel}"
    """The name of the channel: {channel} is what the payload calls it, other words are levels of the topic."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the format needs to be told besides; of a profile, what takes the place of its own keys. docs/formats.md."""

    def faults(self) -> Iterator[Fault]:
        """Yield a filter that MQTT does not know, and words that the topic does not have."""
        yield from exactly_one(self, "format", "profile", "status", "discover")
        levels = self.topic.split("/")
        names = [match[1] for level in levels if (match := WORD.fullmatch(level))]
        for level in levels:
            if level not in ("+", "#") and not WORD.fullmatch(level) and set(level) & set("+#{}"):
                yield "topic", f"{level} is no level: write a name, +, a word in braces, or # at the end"
        if self.format == SPARKPLUG:
            names += _SPARKPLUG_WORDS
            if self.channel != "{channel}":
                yield (
                    "channel",
                    "is for other formats: here a channel is DEVICE/METRIC, and the option names gives others",
                )
            if len(levels) != 3 or levels[0] != "spBv1.0" or levels[2] != "#":
                yield (
                    "topic",
                    "is spBv1.0/GROUP/# for this format, GROUP a name or {group}; words of it are {node} and {device}",
                )
        if "#" in levels[:-1]:
            yield "topic", "# stands only at the end"
        if len(names) != len(set(names)):
            yield "topic", "a word stands twice"
        if _CHANNEL in names:
            yield "topic", "{channel} is what the payload calls a channel: give the level another name"
        if levels[0] == NATIVE_FILTER.split("/")[0] or filter_of(levels[0]) in ("+", "#"):
            yield "topic", f"may reach into {NATIVE_FILTER}, which is native: begin with another name"
        if not self.discover:
            yield from self._unknown_words(names)

    def _unknown_words(self, names: list[str]) -> Iterator[Fault]:
        """Yield words of park, facility, gateway and channel that the topic does not have."""
        for key, more in (("park", ()), ("facility", ()), ("gateway", ()), ("channel", (_CHANNEL,))):
            known = (*names, *more)
            for word in _BRACES.findall(getattr(self, key)):
                if word not in known:
                    hint = did_you_mean(word, known) or ": name it there in braces, or write the name itself"
                    yield key, f"{{{word}}} is no level of the topic{hint}"


def resolve(
    parts: Iterable[Placed[SubscriptionPart]],
    gateways: Iterable[Gateway],
    directory: Path,
    findings: Findings,
) -> tuple[Subscription, ...]:
    """Return the subscriptions in their order; what leads to no gateway or profile, or stands twice, is a problem."""
    known = [(gateway.park, gateway.facility, gateway.name) for gateway in gateways]
    sound = [part for part in parts if _is_sound(part, known, findings)]
    return tuple(_resolved(part, _options(part, directory, findings)) for part in sound)


def _options(part: Placed[SubscriptionPart], directory: Path, findings: Findings) -> dict[str, Any]:
    """Return what the format is told; of a profile its mapping, where the subscription's own options take its place."""
    one = part.value
    if one.format == "mapping":
        _check_mapping(part, findings)
    if one.profile is None:
        return one.options
    known = profiles(directory)
    if one.profile not in known:
        findings.unknown(part, "profile", one.profile, known, "profile")
        return {}
    try:
        found = profile(one.profile, directory)
    except ConfigurationError as error:
        findings.problems += error.problems
        return {}
    for word in sorted(found.free_words() - set(words_of(one.topic))):
        message = f"has no {{{word}}}, which the profile {one.profile} needs: {found.topic} has it"
        findings.refuse(part, message, "topic")
    return {**found.mapping(), **one.options, "profile": one.profile}


def _check_mapping(part: Placed[SubscriptionPart], findings: Findings) -> None:
    """Refuse words of a mapping that nothing gives; what else is wrong with it the format itself says."""
    try:
        found = MappingPart.model_validate(part.value.options)
    except ValidationError:
        return
    known = words_of(part.value.topic)
    for word in sorted(found.free_words() - set(known)):
        hint = did_you_mean(word, known) or ": name it there in braces, or give it in `words`"
        findings.refuse(part, f"{{{word}}} is no level of the topic{hint}", "options")


def _is_sound(part: Placed[SubscriptionPart], known: list[tuple[str, str, str]], findings: Findings) -> bool:
    one = part.value
    left = known
    for place, key in enumerate(("park", "facility", "gateway")):
        name = getattr(one, key)
        if WORD.search(name):
            continue
        found = [gateway for gateway in left if gateway[place] == name]
        if not found:
            findings.unknown(part, key, name, {gateway[place] for gateway in left}, key)
            return False
        left = found
    message = f"{one.topic} is subscribed to twice"
    return findings.is_only(part, message, ("subscription", filter_of(one.topic)), "topic")


def _resolved(part: Placed[SubscriptionPart], options: dict[str, Any]) -> Subscription:
    one = part.value
    here = part.problem("", "topic")
    return Subscription(
        topic=one.topic,
        format="mapping" if one.profile else one.format or "",
        status=tuple(sorted((one.status or {}).items())),
        park=one.park,
        facility=one.facility,
        gateway=one.gateway,
        channel=one.channel,
        options=options,
        place=(here.file, here.line, here.path),
        discover=bool(one.discover),
    )

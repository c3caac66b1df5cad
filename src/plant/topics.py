"""Topics as a configuration writes them: MQTT topic filters whose levels may have names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NATIVE_FILTER = "sm/v1/#"
SPARKPLUG = "sparkplug"  # the format whose topics have levels and an order of their own

WORD = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription, resolved; templates have words in braces, as in its topic."""

    topic: str
    format: str  # "" where it tells a status
    status: tuple[tuple[str, bool], ...]  # payload, whether it means that the gateway is there
    park: str
    facility: str
    gateway: str
    channel: str
    options: Mapping[str, Any]
    place: tuple[str, int, str] = field(
        compare=False
    )  # file, line, key: where it stands, for problems with its options
    discover: bool = False  # its messages are only looked at by people

    @property
    def filter(self) -> str:
        """The MQTT topic filter."""
        return filter_of(self.topic)


def park_filter(park: str) -> str:
    """Return the MQTT topic filter of a park's own topics."""
    return f"{NATIVE_FILTER.removesuffix('#')}{park}/#"


def overlap(one: str, other: str) -> bool:
    """Tell whether there is a topic that two MQTT topic filters both take."""
    return _overlap(one.split("/"), other.split("/"))


def _overlap(one: list[str], other: list[str]) -> bool:
    for level, beside in zip(one, other, strict=False):
        if "#" in (level, beside):
            return True
        if "+" not in (level, beside) and level != beside:
            return False
    longer, length = (one, len(other)) if len(one) > len(other) else (other, len(one))
    return longer[length:] in ([], ["#"])  # a/# takes a, too


def filter_of(topic: str) -> str:
    """Return a topic with its words in braces as +."""
    return "/".join("+" if WORD.fullmatch(level) else level for level in topic.split("/"))


def words_of(topic: str) -> dict[str, int]:
    """Return the words of a topic, each with its level."""
    levels = topic.split("/")
    return {match[1]: number for number, level in enumerate(levels) if (match := WORD.fullmatch(level))}


def fill(template: str, words: Mapping[str, str]) -> str:
    """Return a template with its words filled in, once: what a word holds is not read again."""
    return WORD.sub(lambda match: words[match[1]], template)

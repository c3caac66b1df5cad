"""What an MQTT topic says: which gateway speaks, and whether it sends readings or its status."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

MAX_TOPIC = 1024  # bytes; bounds what the cache may hold
_CACHED = 16_384

_ROOT = ["sm", "v1"]


class TopicClass(StrEnum):
    """What a topic is for; `OURS` are the ack and totals topics that we publish ourselves."""

    READINGS = "readings"
    STATUS = "status"
    OURS = "ours"
    INVALID = "invalid"


_CLASSES = {"readings": TopicClass.READINGS, "status": TopicClass.STATUS, "ack": TopicClass.OURS}


@dataclass(frozen=True, slots=True)
class GatewayTopic:
    """A topic of one gateway, `sm/v1/{park}/{facility}/{gateway}/{readings|status|ack}`."""

    park: str
    facility: str
    gateway: str
    use: TopicClass
    id: str = field(init=False)  # the gateway's full name: park/facility/gateway

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.park}/{self.facility}/{self.gateway}")


def parse(topic: bytes) -> GatewayTopic | None:
    """Return what a gateway's topic says; None for any other topic. Names are taken exactly as they came."""
    parsed = _parse(topic) if len(topic) <= MAX_TOPIC else TopicClass.INVALID
    return parsed if isinstance(parsed, GatewayTopic) else None


def classify(topic: bytes) -> TopicClass:
    """Return what a topic is for.

    `INVALID` is all that is outside the contract: too long, not UTF-8, with an empty level, a wildcard or a
    character that does not print.
    """
    parsed = _parse(topic) if len(topic) <= MAX_TOPIC else TopicClass.INVALID
    return parsed.use if isinstance(parsed, GatewayTopic) else parsed


def levels(topic: bytes) -> list[str] | None:
    """Return the levels of a topic; None where it is not UTF-8, or a level is empty or holds what does not print."""
    try:
        names = topic.decode().split("/")
    except UnicodeDecodeError:
        return None
    return names if all(map(_is_name, names)) else None


@lru_cache(_CACHED)
def _parse(topic: bytes) -> GatewayTopic | TopicClass:
    names = levels(topic)
    if names is None or names[:2] != _ROOT:
        return TopicClass.INVALID
    match names[2:]:
        case [_, "totals"]:
            return TopicClass.OURS
        case [park, facility, gateway, leaf] if leaf in _CLASSES:
            return GatewayTopic(park, facility, gateway, _CLASSES[leaf])
        case _:
            return TopicClass.INVALID


def _is_name(level: str) -> bool:
    return level != "" and level.isprintable() and not {"+", "#"} & set(level)

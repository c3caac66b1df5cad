"""Which of the plant's channels or sources a query is about."""

from collections.abc import Sequence
from typing import TypeVar

from api.problems import InvalidQuery
from plant.park import Channel, Plant, Source, Virtual
from plant.suggest import did_you_mean

_Item = TypeVar("_Item", bound=Channel | Virtual | Source)
_COMPARED = 5000  # names that a mistyped one is compared with; more would cost seconds


def select_sources(plant: Plant, park: str | None, facility: str | None, source: str | None) -> list[Source]:
    """Return the sources that all given names fit, by park, facility and name.

    Raises
    ------
    InvalidQuery
        A name is not known inside what the names before it leave.
    """
    return _select(plant.sources, "source", park, facility, source)


def select_channel(plant: Plant, park: str | None, facility: str | None, channel: str) -> Channel | Virtual:
    """Return the one channel, virtual or not, that all given names fit.

    Raises
    ------
    InvalidQuery
        There is none, or more than one.
    """
    known: list[Channel | Virtual] = [*plant.channels, *plant.virtuals]
    found = _select(known, "channel", park, facility, channel)
    if len(found) > 1:
        places = ", ".join(f"{one.park}/{one.facility}" for one in found[:5])
        raise InvalidQuery(("channel", f"found in {places}: name the park and the facility"))
    return found[0]


def _select(
    items: Sequence[_Item], kind: str, park: str | None, facility: str | None, name: str | None
) -> list[_Item]:
    left = list(items)
    for parameter, field, wanted in (
        ("park", "park", park),
        ("facility", "facility", facility),
        (kind, "name", name),
    ):
        if wanted is not None:
            left = _narrowed(left, parameter, field, wanted)
    return sorted(left, key=lambda one: (one.park, one.facility, one.name))


def _narrowed(items: list[_Item], parameter: str, field: str, wanted: str) -> list[_Item]:
    left = [one for one in items if getattr(one, field) == wanted]
    if not left:
        known = dict.fromkeys(getattr(one, field) for one in items[:_COMPARED])
        raise InvalidQuery((parameter, f"unknown: {wanted[:64]!r}{did_you_mean(wanted, known)}"))
    return left

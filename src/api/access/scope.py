"""What a query is about, and what of it the caller may see: channels, sources, alerts and silences.

What a caller may not see is left out before anything is looked for, so that it is answered like what does not exist.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from api.access.caller import Caller
from api.access.seen import seen_by
from api.problems import InvalidQuery
from plant.alert_rules.matchers import matcher
from plant.alerting import Matcher
from plant.park import Channel, Plant, Source, Virtual
from plant.suggest import did_you_mean
from store.keys import place_text

_Item = TypeVar("_Item", bound=Channel | Virtual | Source)
_COMPARED = 5000  # names that a mistyped one is compared with; more would cost seconds


def select_sources(
    plant: Plant, caller: Caller, park: str | None, facility: str | None, source: str | None
) -> list[Source]:
    """Return the sources that a caller may see and all given names fit, by park, facility and name.

    Raises
    ------
    InvalidQuery
        A name is not known inside what the names before it leave.
    """
    return _select(seen_by(caller, plant.sources), "source", park, facility, source)


def select_channel(
    plant: Plant, caller: Caller, park: str | None, facility: str | None, channel: str
) -> Channel | Virtual:
    """Return the one channel, virtual or not, that a caller may see and all given names fit.

    Raises
    ------
    InvalidQuery
        There is none, or more than one.
    """
    known: list[Channel | Virtual] = seen_by(caller, [*plant.channels, *plant.virtuals])
    found = _select(known, "channel", park, facility, channel)
    if len(found) > 1:
        places = ", ".join(f"{one.park}/{one.facility}" for one in found[:5])
        raise InvalidQuery(("channel", f"found in {places}: name the park and the facility"))
    return found[0]


def sees_labels(caller: Caller, labels: Mapping[str, str]) -> bool:
    """Return whether what has these labels may be seen: an alert. What names no park belongs to none."""
    return caller.sees_all or caller.sees(labels.get("park", ""), labels.get("facility", ""))


def sees_matchers(caller: Caller, match: Sequence[str]) -> bool:
    """Return whether a silence may be seen and made: its matchers can fit nothing but what the caller sees.

    That is so where they name the park, or park and facility, with `=`; matchers that cannot be read name nothing.
    """
    return sees_labels(caller, {one.label: one.value for one in _readable(match) if one.operator == "="})


def only(caller: Caller) -> dict[str, list[str]]:
    """Return the field of an answer that says over which places alone its sums are, nothing where that is all."""
    return {} if caller.sees_all else {"only": sorted(map(place_text, caller.places))}


def _readable(match: Sequence[str]) -> Iterator[Matcher]:
    for text in match:
        with suppress(ValueError):
            yield matcher(text)


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

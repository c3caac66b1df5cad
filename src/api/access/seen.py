"""What of the plant a caller may see: what they may not is like what does not exist."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from api.access.caller import Caller
from api.problems import InvalidQuery
from plant.park import Facility
from plant.suggest import did_you_mean


class HasPlace(Protocol):
    """What is of a facility."""

    @property
    def park(self) -> str:
        """The park's name."""
        ...

    @property
    def facility(self) -> str:
        """The facility's name, "" where it is of the park as a whole."""
        ...


@dataclass(frozen=True, slots=True)
class FacilityPlace:
    """Where a facility is."""

    park: str
    facility: str


_Item = TypeVar("_Item", bound=HasPlace)
_COMPARED = 5000  # names that a mistyped one is compared with


def seen_by(caller: Caller, items: Iterable[_Item]) -> list[_Item]:
    """Return the items that a caller may see."""
    return [one for one in items if caller.sees(one.park, one.facility)]


def within(
    caller: Caller,
    facilities: Iterable[Facility],
    items: Iterable[_Item],
    park: str | None,
    facility: str | None,
) -> list[_Item]:
    """Return the items of a place that a caller may see; a place that has none of them gives none.

    Raises
    ------
    InvalidQuery
        There is no such place.
    """
    places = [FacilityPlace(one.park, one.name) for one in facilities]
    narrowed(seen_by(caller, places), park=park, facility=facility)
    return [
        one for one in seen_by(caller, items) if park in (None, one.park) and facility in (None, one.facility)
    ]


def narrowed(items: Sequence[_Item], **wanted: str | None) -> list[_Item]:
    """Return the items whose fields are all that is asked for.

    Raises
    ------
    InvalidQuery
        No item has a name inside what the names before it leave.
    """
    left = list(items)
    for field, word in wanted.items():
        if word is None:
            continue
        known = dict.fromkeys(str(getattr(one, field)) for one in left[:_COMPARED])
        left = [one for one in left if str(getattr(one, field)) == word]
        if not left:
            raise InvalidQuery((field, f"unknown: {word[:64]!r}{did_you_mean(word, known)}"))
    return left

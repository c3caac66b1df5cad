"""What may be entered, approved and struck of movements: asked when a table of them is looked at, and by the line when it takes each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from plant.park import Plant
from plant.vocabulary import NS_PER_S
from rules.market.holdings import (
    EnteredMovement,
    MovementRefused,
    accounts,
    check_said,
    holdings,
    move_of,
)


class CountedMovement(EnteredMovement, Protocol):
    """A movement with its place among those of its day."""

    @property
    def park(self) -> str:
        """Whose clock says which day it is."""
        ...

    @property
    def message(self) -> int:
        """What entered it."""
        ...

    @property
    def approved_in(self) -> int | None:
        """What approved it, None where nobody has."""
        ...


M = TypeVar("M", bound=CountedMovement)


class MovementRules:
    """Knows the instruments; one instance for the life of a configuration."""

    def __init__(self, plant: Plant) -> None:
        self._accounts = accounts(plant)
        self._zones = {park.name: park.zone for park in plant.parks}

    def check_said(self, movement: CountedMovement, now: int) -> None:
        """Refuse what cannot be entered at a time [ns UTC], whatever is held.

        Raises
        ------
        MovementRefused
            Its instrument is nowhere, its day is not yet, or what it says does not fit the instrument.
        """
        if movement.place not in self._accounts:
            raise MovementRefused(f"no instrument {movement.place} is configured")
        check_said(self._accounts[movement.place], move_of(movement))
        today = datetime.fromtimestamp(now // NS_PER_S, UTC).astimezone(self._zones[movement.park]).date()
        if movement.day > today.isoformat():
            raise MovementRefused(f"it is of {movement.day}, and that is not yet")

    def beside(self, before: Sequence[M], movement: M) -> list[M]:
        """Return movements with one more, in the order in which they count; refuse one that cannot be beside them, or after which one of them could not."""
        after = sorted([*before, movement], key=_place)
        found = self._new_refusals(before, after)
        if movement.id in found:
            raise MovementRefused(found[movement.id])
        for number, why in found.items():
            raise MovementRefused(f"movement {number} could not be any more: {why}")
        return after

    def check_without(self, before: Sequence[M], movement: M) -> None:
        """Refuse to take away a movement on which another rests."""
        after = [one for one in before if one.message != movement.message]
        for number, why in self._new_refusals(before, after).items():
            raise MovementRefused(f"movement {number} rests on it: {why}")

    def _new_refusals(self, before: Sequence[M], after: Sequence[M]) -> Mapping[str, str]:
        """Return which movements cannot be among some, and could among others or were not there; in their order."""
        known = holdings(self._accounts, map(move_of, before)).refused
        found = holdings(self._accounts, map(move_of, after)).refused
        return {number: why for number, why in found.items() if number not in known}


def _place(one: CountedMovement) -> tuple[str, bool, int, int]:
    return one.day, one.approved_in is None, one.approved_in or 0, one.message

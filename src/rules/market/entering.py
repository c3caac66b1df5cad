"""What may be entered, approved and struck of movements: asked when a table of them is looked at, and by the line when it takes each."""

from collections.abc import Iterable, Mapping, Sequence
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
    def row(self) -> int:
        """Which of those that came with it it is."""
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

    def refusals(self, before: Sequence[M], entered: Mapping[int, M], now: int) -> dict[int, str]:
        """Return why movements, given by their rows, cannot be entered together at a time [ns UTC] beside others; nothing where they can."""
        found = dict[int, str]()
        for row, one in entered.items():
            try:
                self._check_said(one, now)
            except MovementRefused as refusal:
                found[row] = str(refusal)
        return found | self._together(before, {row: one for row, one in entered.items() if row not in found})

    def check_beside(self, before: Sequence[M], movement: M) -> None:
        """Refuse a movement that cannot be beside others, or after which one of them could not."""
        for why in self._together(before, {0: movement}).values():
            raise MovementRefused(why)

    def check_without(self, before: Sequence[M], movement: M) -> None:
        """Refuse to take away a movement on which another rests."""
        known, after = self._refused(before), [one for one in before if one.id != movement.id]
        for number, why in self._refused(after).items():
            if number not in known:
                raise MovementRefused(f"movement {number} rests on it: {why}")

    def _check_said(self, movement: CountedMovement, now: int) -> None:
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

    def _together(self, before: Sequence[M], entered: Mapping[int, M]) -> dict[int, str]:
        """Return why some of `entered` cannot be beside others, taken with all of them in the order in which they count."""
        known, rows = self._refused(before), {one.id: row for row, one in entered.items()}

        def refused_with(some: Iterable[M]) -> dict[str, str]:
            beside: list[M] = sorted([*before, *some], key=_place)
            found = self._refused(beside)
            return {number: why for number, why in found.items() if number not in known}

        refused = refused_with(entered.values())
        found = {rows[number]: why for number, why in refused.items() if number in rows}
        if len(found) < len(refused):  # what was there before could not be any more: by the first of a row
            taken = sorted((one for row, one in entered.items() if row not in found), key=_place)
            low, high = 0, len(taken)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if refused_with(taken[:middle]) else (middle, high)
            number, why = next(iter(refused_with(taken[:high]).items()))
            found[rows[taken[high - 1].id]] = f"movement {number} could not be any more: {why}"
        return found

    def _refused(self, movements: Iterable[EnteredMovement]) -> Mapping[str, str]:
        """Return why movements cannot be, taken in their order, by their ids."""
        return holdings(self._accounts, map(move_of, movements)).refused


def _place(one: CountedMovement) -> tuple[str, bool, int, int, int]:
    return one.day, one.approved_in is None, one.approved_in or 0, one.message, one.row

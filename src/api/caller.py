"""Who asks, and what they may see and do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request


class Role(StrEnum):
    """What a caller may do; each may do all that those before it may."""

    VIEWER = "viewer"  # sees
    OPERATOR = "operator"  # acts on alerts and silences
    APPROVER = "approver"  # closes and approves reporting periods
    ADMIN = "admin"  # keys, webhooks, metrics of the service

    def may(self, least: "Role") -> bool:
        """Whether this is `least` or more."""
        order = list(Role)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, slots=True)
class Caller:
    """The bearer of a key: `places` are the parks and facilities that it is for, () for all."""

    name: str
    role: Role
    places: tuple[tuple[str, str], ...] = ()  # (park, facility), with "" for all of a park

    def sees(self, park: str, facility: str = "") -> bool:
        """Whether what is of a facility, or with "" of a park as a whole, may be seen."""
        return (
            not self.places
            or (park, "") in self.places
            or (bool(facility) and (park, facility) in self.places)
        )

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden, so that what belongs to no park may be seen too."""
        return not self.places


def caller_of(request: Request) -> Caller:
    """Return who asks; the guard that stands before routing has put it there."""
    caller: Caller = request.state.caller
    return caller


Asking = Annotated[Caller, Depends(caller_of)]

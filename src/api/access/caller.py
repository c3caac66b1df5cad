"""Who asks, and what they may see and do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request

from api.problems import InvalidQuery


class Role(StrEnum):
    """What a caller may do; each may do all that those before it may."""

    VIEWER = "viewer"  # sees
    OPERATOR = "operator"  # acts on alerts and silences, replays quarantine, asks for births
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
    shared: bool = False  # several people bear the key, so that requests say by whom

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


SERVICE = Caller("stackmeter", Role.VIEWER)  # what the service asks itself, for nobody in particular
TOKEN = Caller("token", Role.ADMIN, shared=True)  # whoever bears the token of the state directory


def signed(caller: Caller, given: str | None) -> str:
    """Return who does something: the caller, or behind a shared key whoever the request says.

    Raises
    ------
    InvalidQuery
        The request names nobody where it must, or somebody else.
    """
    if caller.shared:
        if not given:
            raise InvalidQuery(("by", "say who does it: this key is of several people"))
        return given
    if given not in (None, caller.name):
        raise InvalidQuery(("by", f"this key is of {caller.name}: leave it out"))
    return caller.name


# This and the other dependencies are coroutines, though they wait for nothing: the others cost a thread each.
async def caller_of(request: Request) -> Caller:
    """Return who asks; the guard that stands before routing has put it there."""
    caller: Caller = request.state.caller
    return caller


Asking = Annotated[Caller, Depends(caller_of)]

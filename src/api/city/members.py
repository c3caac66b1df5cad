"""The route of members: what each park of the city says of itself, how old that is, and a sum that says of how many it is."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Role
from api.access.guard import GUARDED, needs
from api.field.inventory import CoordinatesBody
from api.problems import documented
from plant.clock import format_time
from plant.park import Coordinates
from plant.vocabulary import NS_PER_S

FRESH_S = 150  # for which what a member said counts: two rounds and what one may take


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """What a member says of its park's present year; None is unknown, or not told."""

    year: int | None = None
    co2e_t: float | None = None
    coverage: float | None = None
    known_from: str | None = None
    target_t: float | None = None
    projected_t: float | None = None
    projected_low_t: float | None = None
    projected_high_t: float | None = None
    months_closed: int | None = None
    limits_outside: int | None = None  # hours and days
    criteria_met: int | None = None  # of an eco-park
    criteria_not_met: int | None = None
    criteria_unknown: int | None = None


@dataclass(frozen=True, slots=True)
class MemberStanding:
    """A park, what it said last and when [ns UTC; 0: never], and why it was not heard since ("": it was)."""

    name: str
    title: str
    own: bool
    coordinates: Coordinates | None
    facts: MemberFacts = MemberFacts()
    heard_at: int = 0
    trouble: str = ""


Standings = Callable[[], Sequence[MemberStanding]]  # what is known of each park of the city


class MemberBody(BaseModel):
    """A park of the city. Everything of the year is null until it was heard, and as old as `age_s` says."""

    park: str = Field(description="its name here", examples=["deep-c"])
    title: str = Field(examples=["DEEP C Hai Phong"])
    own: bool = Field(description="it is a park of this service", examples=[False])
    coordinates: CoordinatesBody | None
    fresh: bool = Field(description=f"heard within {FRESH_S} s: what it says counts", examples=[True])
    heard_at: str | None = Field(examples=["2026-11-24T05:00:00Z"])
    age_s: float | None = Field(examples=[12.0])
    trouble: str | None = Field(description="why it is not heard", examples=[None])
    year: int | None = Field(examples=[2026])
    co2e_t: float | None = Field(description="of the year so far, scopes 1 and 2", examples=[1200.5])
    coverage: float | None = Field(examples=[0.998])
    known_from: str | None = Field(examples=[None])
    target_t: float | None = Field(description="of its path for the year", examples=[40000.0])
    projected_t: float | None = Field(examples=[38000.0])
    projected_low_t: float | None = Field(examples=[36500.0])
    projected_high_t: float | None = Field(examples=[39500.0])
    months_closed: int | None = Field(description="of the year, final", examples=[10])
    limits_outside: int | None = Field(
        description="hours and days of the year outside limits of its stacks and outfalls; null: of one it is not known",
        examples=[3],
    )
    criteria_met: int | None = Field(
        description="criteria of an eco-park that are met now; null where it does not say", examples=[2]
    )
    criteria_not_met: int | None = Field(examples=[1])
    criteria_unknown: int | None = Field(description="for which it lacks a fact", examples=[1])


class CitySumBody(BaseModel):
    """The sum over the parks that know it now, and of how many it is."""

    parks: int = Field(examples=[14])
    known_parks: int = Field(examples=[12])
    known_t: float | None = Field(description="of those that know it; null: nobody does", examples=[2000.5])
    least_coverage: float | None = Field(
        description="of those that know it, of the one that is covered least; null while one does not say",
        examples=[0.92],
    )
    all_known: bool = Field(examples=[False])
    total_t: float | None = Field(description="of all; null while one does not know it", examples=[None])


class MembersBody(BaseModel):
    """All parks of the city, by name."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    sum: CitySumBody
    members: list[MemberBody]


def routes(standings: Standings, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `standings` tells what is known of each park, `clock` the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1",
        tags=["city"],
        dependencies=[*GUARDED, needs(Role.VIEWER, whole=True)],
        responses=documented(401, 403, 422, 503),
    )

    @router.get("/members")
    def members() -> MembersBody:
        """Return what each park of the city says of its present year, other Stackmeters' as they said it last.

        Nothing of theirs is in our ledger or our totals. Where no members are configured there are none.
        """
        now = clock()
        told = [_member(one, now) for one in standings()]
        return MembersBody(as_of=format_time(now), sum=city_sum(told), members=told)

    return router


def city_sum(members: Sequence[MemberBody]) -> CitySumBody:
    """Return the sum over those that are heard and know their tonnes; what is unknown is not 0."""
    fresh = [one for one in members if one.fresh and one.co2e_t is not None]
    known = [one.co2e_t for one in fresh if one.co2e_t is not None]
    covered = [one.coverage for one in fresh if one.coverage is not None]
    known_t = sum(known) if known else None
    all_known = bool(members) and len(known) == len(members)
    return CitySumBody(
        parks=len(members),
        known_parks=len(known),
        known_t=known_t,
        least_coverage=min(covered) if covered and len(covered) == len(fresh) else None,
        all_known=all_known,
        total_t=known_t if all_known else None,
    )


def _member(one: MemberStanding, now: int) -> MemberBody:
    age = (now - one.heard_at) / NS_PER_S if one.heard_at else None
    return MemberBody(
        park=one.name,
        title=one.title,
        own=one.own,
        coordinates=_place(one.coordinates),
        fresh=age is not None and age <= FRESH_S,
        heard_at=format_time(one.heard_at) if one.heard_at else None,
        age_s=age,
        trouble=one.trouble or None,
        **asdict(one.facts),
    )


def _place(one: Coordinates | None) -> CoordinatesBody | None:
    return None if one is None else CoordinatesBody(lat=one.lat, lon=one.lon)

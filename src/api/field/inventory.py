"""What is configured: parks, facilities and sources. What is measured of gateways and channels is in modules of their own."""

from collections import Counter
from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.seen import narrowed, seen_by, within
from api.pages import Cursor, Limit, Next, page_of
from api.parameters import Word
from api.problems import documented
from plant.arrays import number
from plant.clock import format_time
from plant.park import Coordinates, Facility, Input, Plant, Source
from store.reader import Reader, Snapshot
from store.totals.beginnings import UNHEARD


class CoordinatesBody(BaseModel):
    """A place on the map, WGS 84."""

    lat: float = Field(description="degrees north", examples=[20.9])
    lon: float = Field(description="degrees east", examples=[106.6])


class ParkBody(BaseModel):
    """An industrial park."""

    park: str = Field(examples=["nam-cau-kien"])
    title: str = Field(examples=["Nam Cau Kien Industrial Park"])
    zone: str = Field(description="the time zone of its clock", examples=["Asia/Ho_Chi_Minh"])
    coordinates: CoordinatesBody | None = Field(description="null where not configured")
    facilities: list[str] = Field(examples=[["foundry", "mill"]])


class ParksBody(BaseModel):
    """Parks by name."""

    parks: list[ParkBody]


class FacilityBody(BaseModel):
    """A company's plant inside a park."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    title: str = Field(examples=["Rolling mill (invented)"])
    zone: str = Field(description="the time zone of its park's clock", examples=["Asia/Ho_Chi_Minh"])
    coordinates: CoordinatesBody | None = Field(description="null where not configured")
    gateways: int = Field(description="how many", examples=[3])
    channels: int = Field(description="how many", examples=[24])
    sources: int = Field(description="how many", examples=[4])


class FacilitiesBody(BaseModel):
    """Facilities by park and name."""

    facilities: list[FacilityBody]
    next: Next = None


class InputBody(BaseModel):
    """A channel, virtual or not, in a role of a source's method."""

    role: str = Field(examples=["energy"])
    channel: str = Field(examples=["mdb1/active_energy"])
    unit: str = Field(
        description="of the channel's readings, or of a virtual one's windows", examples=["kWh"]
    )


class SourceBody(BaseModel):
    """Something that emits."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    source: str = Field(examples=["grid-1"])
    scope: int = Field(examples=[2])
    scope3_category: int | None = Field(
        description="of scope 3: the category, 1 to 15; null where nobody said", examples=[None]
    )
    category: str = Field(examples=["purchased-electricity"])
    method: str = Field(examples=["electricity-location"])
    factor: str | None = Field(description="null where the method takes none", examples=["vn-grid"])
    activity_unit: str = Field(examples=["kWh"])
    inputs: list[InputBody]
    uncertainty: float | None = Field(
        description="half-width of the 95 % interval of its activity, relative; null where unknown",
        examples=[0.02],
    )
    regulation: str | None = Field(description="the rule by which its hours count too", examples=[None])
    sold_by: str | None = Field(
        description="park/facility that sells it and whose emissions hold it already", examples=[None]
    )
    since: str | None = Field(
        description="when it or its meter was commissioned, from when on it owes windows; null where nobody said: then it"
        " owes them from first_reading on",
        examples=[None],
    )
    first_reading: str | None = Field(
        description="beginning of what its first counting reading tells of; null where nothing came yet",
        examples=["2026-01-01T00:00:00Z"],
    )


class SourcesBody(BaseModel):
    """Sources by park, facility and name."""

    sources: list[SourceBody]
    next: Next = None


def routes(reader: Reader, plant: Plant) -> APIRouter:
    """Return the routes."""
    router = APIRouter(
        prefix="/v1", tags=["inventory"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/parks")
    def parks(caller: Asking) -> ParksBody:
        """Return the parks, each with those of its facilities that may be seen."""
        return ParksBody(parks=_parks(plant, caller))

    @router.get("/facilities")
    def facilities(
        caller: Asking, park: Word = None, facility: Word = None, limit: Limit = 100, cursor: Cursor = None
    ) -> FacilitiesBody:
        """Return the facilities, and how much is configured of each."""
        found = _chosen(plant, caller, park, facility)
        page, following = page_of(found, lambda one: (one.park, one.name), limit, cursor, "ss")
        return FacilitiesBody(facilities=_facilities(plant, page), next=following)

    @router.get("/sources")
    def sources(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        method: Word = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> SourcesBody:
        """Return what emits, and how it is calculated."""
        seen = sorted(within(caller, plant.facilities, plant.sources, park, facility), key=_place)
        found = narrowed(seen, method=method)
        page, following = page_of(found, _place, limit, cursor, "sss")
        with reader.snapshot() as state:
            return SourcesBody(sources=_sources(state, page), next=following)

    return router


def _parks(plant: Plant, caller: Caller) -> list[ParkBody]:
    """Return the parks of which a caller sees anything."""
    found = []
    for park in sorted(plant.parks, key=lambda one: one.name):
        inside = [one.name for one in plant.facilities if one.park == park.name]
        seen = sorted(name for name in inside if caller.sees(park.name, name))
        if seen or caller.sees(park.name):
            found.append(
                ParkBody(
                    park=park.name,
                    title=park.title,
                    zone=park.zone.key,
                    coordinates=_coordinates(park.coordinates),
                    facilities=seen,
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class _Named:
    """A facility as what is in it names it."""

    park: str
    facility: str
    item: Facility


def _chosen(plant: Plant, caller: Caller, park: str | None, facility: str | None) -> list[Facility]:
    """Return the facilities that are asked for and may be seen, by park and name."""
    named = [_Named(one.park, one.name, one) for one in plant.facilities]
    seen = sorted(seen_by(caller, named), key=lambda one: (one.park, one.facility))
    return [one.item for one in narrowed(seen, park=park, facility=facility)]


def _facilities(plant: Plant, page: list[Facility]) -> list[FacilityBody]:
    zones = {park.name: park.zone.key for park in plant.parks}
    gateways, channels, sources = (
        Counter((item.park, item.facility) for item in items)
        for items in (plant.gateways, plant.channels, plant.sources)
    )
    return [
        FacilityBody(
            park=one.park,
            facility=one.name,
            title=one.title,
            zone=zones[one.park],
            coordinates=_coordinates(one.coordinates),
            gateways=gateways[one.park, one.name],
            channels=channels[one.park, one.name],
            sources=sources[one.park, one.name],
        )
        for one in page
    ]


def _coordinates(given: Coordinates | None) -> CoordinatesBody | None:
    return None if given is None else CoordinatesBody(lat=given.lat, lon=given.lon)


def _place(source: Source) -> tuple[str, str, str]:
    return source.park, source.facility, source.name


def _sources(state: Snapshot, page: list[Source]) -> list[SourceBody]:
    begins = state.begins([one.index for one in page]).tolist()
    return [_source(state.plant, one, time) for one, time in zip(page, begins, strict=True)]


def _source(plant: Plant, source: Source, begins: int) -> SourceBody:
    return SourceBody(
        park=source.park,
        facility=source.facility,
        source=source.name,
        scope=source.scope,
        scope3_category=source.scope3_category,
        category=source.category,
        method=source.method,
        factor=source.factor or None,
        activity_unit=source.activity_unit,
        inputs=[_input(plant, given) for given in source.inputs],
        uncertainty=number(source.uncertainty),
        regulation=None if source.regulation is None else source.regulation.rule,
        sold_by=source.sold_by or None,
        since=None if source.since is None else format_time(source.since),
        first_reading=None if begins == UNHEARD else format_time(begins),
    )


def _input(plant: Plant, given: Input) -> InputBody:
    channel = plant.channel(given.channel)
    return InputBody(role=given.role, channel=channel.name, unit=channel.unit.symbol)

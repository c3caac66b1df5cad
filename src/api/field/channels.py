"""Channels: what each measures, its newest reading, and whether it has fallen silent."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.seen import narrowed, within
from api.pages import Cursor, Limit, Next, page_of
from api.parameters import Word
from api.problems import documented
from api.totals.now import away, is_stale
from plant.clock import format_time
from plant.park import Channel, Plant
from plant.vocabulary import NS_PER_S, Flag, Kind, Quality, Verdict
from store.reader import Reader, Snapshot
from store.readings.views import Latest, latest_readings
from store.rows import Newest


class LatestBody(BaseModel):
    """A channel's newest reading, whatever its quality."""

    time: str = Field(examples=["2026-11-24T05:00:00Z"])
    value: float = Field(description="in the channel's unit, before any ratio", examples=[123456.7])
    age_s: float = Field(description="since its time [s]; below 0 where its clock is ahead", examples=[30.0])
    quality: str = Field(description="good, uncertain, bad, calibrating or fault", examples=["good"])
    verdict: str = Field(description="what the windows made of it", examples=["counted"])
    conflict: bool = Field(description="another value came for the same time", examples=[False])


class ChannelBody(BaseModel):
    """One measurement point."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    channel: str = Field(examples=["mdb1/active_energy"])
    gateway: str = Field(examples=["substation"])
    quantity: str = Field(examples=["electricity"])
    kind: Kind = Field(examples=["register"])
    unit: str = Field(examples=["kWh"])
    entered: bool = Field(description="people enter it as records; no gateway reads it", examples=[False])
    max_gap_s: float = Field(
        description="longest time between readings that is measured [s]", examples=[86400.0]
    )
    serial: str | None = Field(
        description="of the meter in place; null where not given", examples=["NCK-M-0107"]
    )
    latest: LatestBody | None = Field(description="null where nothing came yet")
    stale: bool = Field(
        description="nothing that counts came for longer than max_gap, of an interval channel two periods (an event channel"
        " owes nothing), or its Sparkplug node or device is not there",
        examples=[False],
    )
    away: bool = Field(
        description="stale, or its gateway said that it is not there, or it has been silent for longer than three times its"
        " cadence: the present rate of its sources is unknown",
        examples=[False],
    )
    used_by: list[str] = Field(description="sources of its facility", examples=[["grid-1"]])


class ChannelsBody(BaseModel):
    """Channels by park, facility and name; virtual ones have no readings and are not among them."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    channels: list[ChannelBody]
    next: Next = None


def routes(reader: Reader, plant: Plant, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["inventory"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    ordered, users = sorted(plant.channels, key=place), _users(plant)

    @router.get("/channels")
    def channels(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        gateway: Word = None,
        quantity: Word = None,
        entered: bool | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> ChannelsBody:
        """Return the channels with their newest readings; `entered` leaves those that people enter, or the others."""
        here = within(caller, plant.facilities, ordered, park, facility)
        seen = [one for one in here if entered in (None, one.entered)]
        found = narrowed(seen, gateway=gateway, quantity=quantity)
        page, following = page_of(found, place, limit, cursor, "sss")
        as_of = clock()
        with reader.snapshot() as state:
            return ChannelsBody(
                as_of=format_time(as_of), channels=_channels(state, page, users, as_of), next=following
            )

    return router


def place(channel: Channel) -> tuple[str, str, str]:
    """Return what channels are ordered by."""
    return channel.park, channel.facility, channel.name


def _channels(
    state: Snapshot, page: list[Channel], users: Mapping[int, list[str]], as_of: int
) -> list[ChannelBody]:
    numbers = [one.index for one in page]
    newest = state.newest(numbers)
    latest = latest_readings(state.connection, state.channel_ids(numbers))
    gone = away(state, newest, as_of)
    return [
        _channel(one, latest.get(one.index), newest[one.index], users, as_of, is_away=one.index in gone)
        for one in page
    ]


def _users(plant: Plant) -> Mapping[int, list[str]]:
    """Return which sources use a channel, also through virtual ones."""
    found: dict[int, list[str]] = defaultdict(list)
    for source in plant.sources:
        for channel in sorted({k for given in source.inputs for k in plant.measured(given.channel)}):
            found[channel].append(source.name)
    return found


def _channel(
    channel: Channel,
    latest: Latest | None,
    newest: Newest,
    users: Mapping[int, list[str]],
    as_of: int,
    *,
    is_away: bool,
) -> ChannelBody:
    return ChannelBody(
        park=channel.park,
        facility=channel.facility,
        channel=channel.name,
        gateway=channel.gateway,
        quantity=channel.quantity,
        kind=channel.kind,
        unit=channel.unit.symbol,
        entered=channel.entered,
        max_gap_s=channel.max_gap / NS_PER_S,
        serial=_serial(channel, as_of) or None,
        latest=None if latest is None else _latest(latest, as_of),
        stale=is_stale(channel, newest, as_of),
        away=is_away,
        used_by=sorted(users.get(channel.index, [])),
    )


def _serial(channel: Channel, as_of: int) -> str:
    """Return the serial number of the meter that is in place."""
    swapped = [swap for swap in channel.swaps if swap.time <= as_of]
    return max(swapped, key=lambda swap: swap.time).serial if swapped else channel.serial


def _latest(latest: Latest, as_of: int) -> LatestBody:
    return LatestBody(
        time=format_time(latest.time),
        value=latest.value,
        age_s=(as_of - latest.time) / NS_PER_S,
        quality=Quality(latest.quality).name.lower(),
        verdict=Verdict(latest.verdict).name.lower(),
        conflict=bool(latest.flags & Flag.CONFLICT),
    )

"""How good the data of a period is: of facilities and sources what covers them, of channels what their readings are like."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter
from fastapi import Query as QueryParameter
from pydantic import BaseModel, Field

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.seen import within
from api.field.channels import place
from api.models import KnownFrom, SharesBody, TotalBody, Unheard
from api.pages import Cursor, Next, page_of
from api.parameters import When, Word, time_of
from api.problems import InvalidQuery, documented
from api.totals.totals import PeriodOf, Query, chosen_period, totals
from plant.arrays import number
from plant.clock import PeriodBody, format_time
from plant.park import Channel, Plant
from plant.vocabulary import NS_PER_DAY, NS_PER_S, Kind
from proof.channel_windows import ChannelActivity
from store.reader import Reader, Snapshot
from store.readings.views import Gaps, reading_counts, reading_gaps
from store.rows import Balance
from store.totals.sums import Period

MOST_CHANNEL_DAYS = 5000  # of a page: all their readings are looked at
WORST = 10  # sources that are named

From = Annotated[str | None, QueryParameter(alias="from", max_length=64, description="RFC 3339 with zone")]
To = Annotated[
    str | None,
    QueryParameter(alias="to", max_length=64, description="RFC 3339 with zone; not part of the period"),
]


class CoveredBody(BaseModel):
    """How far emissions are known: of a source, or of all sources of a facility."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    coverage: float | None = Field(
        description="mean coverage of the due windows; null where none was due", examples=[0.998]
    )
    known_from: KnownFrom
    unheard: Unheard
    shares: SharesBody | None = Field(description="how they are known; the four add to 1")
    complete_until: str | None = Field(
        description="all channels but the stale ones are read to here", examples=["2026-11-24T05:00:00Z"]
    )
    stale: list[str] = Field(
        description="channels that have fallen silent, or whose Sparkplug node or device is not there",
        examples=[[]],
    )


class SourceQualityBody(CoveredBody):
    """How far a source's emissions are known."""

    source: str = Field(examples=["grid-1"])


class ReadingsBody(BaseModel):
    """Readings that came in the minutes of the period, whatever time they are of, by how they ended."""

    received: int = Field(examples=[1440])
    late: int = Field(description="new, and older than allowed_lateness", examples=[12])
    late_share: float | None = Field(description="of those received; null where none came", examples=[0.0083])
    duplicate: int = Field(examples=[3])
    quarantined: int = Field(examples=[0])


class FacilityQualityBody(CoveredBody):
    """How good a facility's data is."""

    worst_source: str | None = Field(description="the least covered source", examples=["grid-1"])
    readings: ReadingsBody
    refused: dict[str, int] = Field(
        description="messages rejected or quarantined in those minutes, by code",
        examples=[{"unit_unknown": 3}],
    )


class QualityBody(BaseModel):
    """The quality of a period's data."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    period: PeriodBody
    facilities: list[FacilityQualityBody]
    worst_sources: list[SourceQualityBody] = Field(
        description=f"at most {WORST}, the least covered first; such that are wholly covered are not among them"
    )


class GapBody(BaseModel):
    """A stretch of time without a reading that counts."""

    from_: str = Field(serialization_alias="from", validation_alias="from", examples=["2026-11-24T01:00:00Z"])
    to: str = Field(examples=["2026-11-24T03:00:00Z"])
    duration_s: float = Field(description="[s]", examples=[7200.0])


class ChannelQualityBody(BaseModel):
    """What a channel's readings of a period are like."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    channel: str = Field(examples=["mdb1/active_energy"])
    kind: Kind = Field(examples=["register"])
    coverage: float | None = Field(
        description="known share of the period until now; null of an event channel, and where it has not begun",
        examples=[0.998],
    )
    readings: int = Field(examples=[1440])
    uncounted: int = Field(description="of quality bad, calibrating or fault", examples=[2])
    outliers: int = Field(examples=[1])
    held: int = Field(description="implausible, and nothing has come after that could tell", examples=[0])
    anomalies: int = Field(description="steps of a register that nothing explains", examples=[0])
    resets: int = Field(examples=[0])
    rollovers: int = Field(examples=[0])
    conflicts: int = Field(description="another value came for the same time", examples=[0])
    gaps: int | None = Field(
        description="times between readings that are longer than max_gap, of an interval channel than its period;"
        " null of an event channel",
        examples=[1],
    )
    longest_gap: GapBody | None = Field(
        description="longest time inside the period, until now, without a reading that counts; null of an event channel"
    )


class ChannelsQualityBody(BaseModel):
    """The readings of channels by park, facility and name."""

    as_of: str = Field(examples=["2026-11-24T05:00:00Z"])
    channels: list[ChannelQualityBody]
    next: Next = None


def routes(reader: Reader, plant: Plant, clock: Callable[[], int]) -> APIRouter:
    """Return the routes; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["quality"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/quality")
    def quality(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        period: When = None,
        start: From = None,
        end: To = None,
    ) -> QualityBody:
        """Return how far the emissions of a period are known, by facility (default: today on each park's clock)."""
        as_of = clock()
        chosen = chosen_period(plant, period, time_of("from", start), time_of("to", end), as_of)
        query = Query("facility", park=park, facility=facility, caller=caller)
        with reader.snapshot() as state:
            return _quality(state, query, chosen, as_of)

    @router.get("/quality/channels")
    def channels_quality(
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        channel: Word = None,
        period: When = None,
        start: From = None,
        end: To = None,
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="at most so many")] = 50,
        cursor: Cursor = None,
    ) -> ChannelsQualityBody:
        """Return what the readings of a period are like, by channel (default: today on each park's clock)."""
        as_of = clock()
        chosen = chosen_period(plant, period, time_of("from", start), time_of("to", end), as_of)
        found = _chosen_channels(plant, caller, park, facility, channel)
        page, following = page_of(found, place, limit, cursor, "sss")
        spans = _spans(plant, page, chosen, as_of)
        with reader.snapshot() as state:
            activity = ChannelActivity(state)
            bodies = [_channel(state, one, *spans[one.park], activity) for one in page]
        return ChannelsQualityBody(as_of=format_time(as_of), channels=bodies, next=following)

    return router


# --- facilities and sources -----------------------------------------------------------------------------------------


def _quality(state: Snapshot, query: Query, chosen: PeriodOf, as_of: int) -> QualityBody:
    facilities = totals(state, query, chosen, as_of)
    by_source = totals(state, replace(query, level="source"), chosen, as_of)
    periods = {park.name: chosen(park) for park in state.plant.parks}
    books = {
        (period.start, period.end): state.balance(period.start, period.end)  # both are on whole minutes
        for period in periods.values()
    }
    return QualityBody(
        as_of=facilities.as_of,
        period=facilities.period,
        facilities=[_facility(one, books, periods) for one in facilities.totals],
        worst_sources=[_source(one) for one in _worst(by_source.totals)],
    )


def _worst(totals: Iterable[TotalBody]) -> list[TotalBody]:
    lacking = [(one.coverage, one) for one in totals if one.coverage is not None and one.coverage < 1]
    return [one for _, one in sorted(lacking, key=lambda pair: pair[0])[:WORST]]


def _source(total: TotalBody) -> SourceQualityBody:
    return SourceQualityBody(**_covered(total), source=str(total.source))


def _covered(total: TotalBody) -> dict[str, Any]:
    return {name: getattr(total, name) for name in CoveredBody.model_fields}


def _facility(
    total: TotalBody,
    books: Mapping[tuple[int, int], Mapping[str, Balance]],
    periods: Mapping[str, Period],
) -> FacilityQualityBody:
    period = periods[str(total.park)]
    inside = f"{total.park}/{total.facility}/"
    own = [book for name, book in books[period.start, period.end].items() if name.startswith(inside)]
    readings = {
        name: sum(book.readings[name] for book in own)
        for name in ("received", "late", "duplicate", "quarantined")
    }
    codes = sorted({code for book in own for code in book.codes})
    late_share = readings["late"] / readings["received"] if readings["received"] else None
    return FacilityQualityBody(
        **_covered(total),
        worst_source=total.worst_source,
        readings=ReadingsBody(**readings, late_share=late_share),
        refused={code: sum(book.codes.get(code, 0) for book in own) for code in codes},
    )


# --- channels -------------------------------------------------------------------------------------------------------


def _chosen_channels(
    plant: Plant, caller: Caller, park: str | None, facility: str | None, name: str | None
) -> list[Channel]:
    found = sorted(within(caller, plant.facilities, plant.channels, park, facility), key=place)
    if name is None:
        return found
    named = [one for one in found if one.name == name]
    if not named:
        raise InvalidQuery(("channel", f"unknown: {name[:64]!r}"))
    return named


def _spans(plant: Plant, page: list[Channel], chosen: PeriodOf, as_of: int) -> dict[str, tuple[int, int]]:
    """Return what has passed of the period on each park's clock, [start, end) in whole windows."""
    now = -(-as_of // plant.window) * plant.window
    periods = {park.name: chosen(park) for park in plant.parks}
    spans = {name: (one.start, max(one.start, min(one.end, now))) for name, one in periods.items()}
    days = sum((spans[one.park][1] - spans[one.park][0]) / NS_PER_DAY for one in page)
    if days > MOST_CHANNEL_DAYS:
        raise InvalidQuery(
            ("limit", f"more than {MOST_CHANNEL_DAYS:,} days of channels: take fewer, or a shorter period")
        )
    return spans


def _channel(
    state: Snapshot, channel: Channel, start: int, end: int, activity: ChannelActivity
) -> ChannelQualityBody:
    number_of = next(iter(state.channel_ids([channel.index])), 0)
    counts = reading_counts(state.connection, number_of, start, end)
    allowed = channel.period if channel.kind is Kind.INTERVAL else channel.max_gap
    gaps = reading_gaps(state.connection, number_of, start, end, allowed)
    is_event = channel.kind is Kind.EVENT
    return ChannelQualityBody(
        park=channel.park,
        facility=channel.facility,
        channel=channel.name,
        kind=channel.kind,
        coverage=None if is_event else _coverage(state.plant, channel, start, end, activity),
        readings=counts.readings,
        uncounted=counts.uncounted,
        outliers=counts.outliers,
        held=counts.held,
        anomalies=counts.anomalies,
        resets=counts.resets,
        rollovers=counts.rollovers,
        conflicts=counts.conflicts,
        gaps=None if is_event else gaps.too_long,
        longest_gap=None if is_event else _gap(gaps),
    )


def _coverage(
    plant: Plant, channel: Channel, start: int, end: int, activity: ChannelActivity
) -> float | None:
    windows = (end - start) // plant.window
    if not windows:
        return None
    found = activity.windows(channel.index, start, end)
    covered = found.coverage[~np.isnan(found.value)].sum() / windows
    return number(float(np.clip(covered, 0, 1)))


def _gap(gaps: Gaps) -> GapBody | None:
    if gaps.longest is None:
        return None
    start, end = gaps.longest
    duration = (end - start) / NS_PER_S
    return GapBody.model_validate(
        {"from": format_time(start), "to": format_time(end), "duration_s": duration}
    )

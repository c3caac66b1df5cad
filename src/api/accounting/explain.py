"""Why a number is what it is: a window with everything that it was made of, or a total with its parts one level down."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.scope import only, select_sources
from api.models import KnownFrom, Level, SharesBody, TotalBody, Unheard
from api.parameters import From, Time, To, When, Word, time_of
from api.problems import InvalidQuery, documented
from api.totals import totals as tonnes
from api.totals.roll_up import known_fields
from plant.arrays import number
from plant.clock import PeriodBody, format_time
from plant.park import Plant, Source
from plant.periods import DAY, HOUR, MONTH, PART, Summand, starts, summands
from proof.explain.told import WindowBody
from proof.explain.window import explain_window
from rules.catalogue import Register
from store.blocks import AMOUNTS, CO2E_T
from store.reader import Reader, Snapshot
from store.totals.sums import Period, source_sums

ChildLevel = Literal["facility", "source", "month", "day", "hour", "part", "window"]

_LEVELS: dict[int, ChildLevel] = {MONTH: "month", DAY: "day", HOUR: "hour", PART: "part"}
_MOST_PARTS = 1000
_TIME = "2026-11-24T05:00:00Z"


class ResultBody(BaseModel):
    """A number and how far it is known; null is unknown."""

    co2e_t: float | None = Field(description="[t CO2e]", examples=[0.0012])
    co2_kg: float | None = Field(description="fossil CO2 [kg]", examples=[1.2])
    co2_biogenic_kg: float | None = Field(description="biogenic CO2, not part of co2e_t [kg]", examples=[0.0])
    ch4_kg: float | None = Field(description="[kg CH4]", examples=[0.0])
    n2o_kg: float | None = Field(description="[kg N2O]", examples=[0.0])
    activity: float | None = Field(examples=[1.8])
    activity_unit: str | None = Field(examples=["kWh"])
    coverage: float | None = Field(examples=[1.0])
    known_from: KnownFrom
    unheard: Unheard
    shares: SharesBody | None
    revision: int = Field(description="0: never computed", examples=[2])


class ChildBody(BaseModel):
    """A part of a total, and the query that explains it."""

    level: ChildLevel = Field(examples=["hour"])
    name: str | None = Field(description="of a facility or a source", examples=[None])
    period: PeriodBody
    co2e_t: float | None
    coverage: float | None
    known_from: KnownFrom
    query: str = Field(examples=["/v1/explain?park=nam-cau-kien&facility=mill&source=grid&from=…&to=…"])


class ExplainBody(BaseModel):
    """A number, and what it is made of: `window` for a single window of a source, else `children`."""

    as_of: str = Field(examples=[_TIME])
    park: str = Field(examples=["nam-cau-kien"])
    facility: str | None = Field(examples=["mill"])
    source: str | None = Field(examples=["grid"])
    period: PeriodBody
    result: ResultBody
    window: WindowBody | None
    children: list[ChildBody]
    only: list[str] | None = Field(
        default=None,
        description="of a key for some places: these, over which alone everything here is summed",
        examples=[["nam-cau-kien/mill"]],
    )


def explain_router(
    reader: Reader, plant: Plant, clock: Callable[[], int], catalogue: Register | None
) -> APIRouter:
    """Return the route; without a catalogue it tells no window's inputs."""
    router = APIRouter(
        prefix="/v1", tags=["emissions"], dependencies=GUARDED, responses=documented(401, 404, 422, 503)
    )

    @router.get("/explain", response_model_exclude_unset=True)
    def explain(
        caller: Asking,
        park: Annotated[str, Query(max_length=200)],
        facility: Word = None,
        source: Word = None,
        period: When = None,
        at: Annotated[Time, Query(description="a time with zone: the window around it, of a source")] = None,
        start: From = None,
        end: To = None,
    ) -> ExplainBody:
        """Return a window of a source with all it was made of, or a total and its parts one level down.

        A park has facilities, a facility has sources, a source has months, days, hours and windows.
        """
        sources = _sources(plant, caller, park, facility, source)
        as_of = clock()
        bounds = time_of("from", start), time_of("to", end)
        if at is not None:
            bounds = _around(plant, time_of("at", at), source, period, bounds)
        chosen = tonnes.chosen_period(plant, period, *bounds, as_of)
        span = chosen(next(one for one in plant.parks if one.name == park))
        level: Level = "source" if source else "facility" if facility else "park"
        with reader.snapshot() as state:
            asked = tonnes.Query(level, "none", park, facility, source, caller=caller)
            [total] = tonnes.totals(state, asked, chosen, as_of).totals
            result, window = _result(total), None
            children: list[ChildBody] = []
            if source is not None and span.end - span.start == plant.window:
                result = _of_window(state, sources[0], span, result)
                window = _window(state, catalogue, sources[0], span, result)
            elif source is not None:
                children = list(_parts(state, sources[0], span, as_of))
            else:
                children = list(_members(state, caller, park, facility, span, as_of))
        return ExplainBody(
            as_of=format_time(as_of),
            park=park,
            facility=facility,
            source=source,
            period=PeriodBody.of(span.start, span.end),
            result=result,
            window=window,
            children=children,
            **only(caller),
        )

    return router


def _sources(
    plant: Plant, caller: Caller, park: str, facility: str | None, source: str | None
) -> list[Source]:
    if source is not None and facility is None:
        raise InvalidQuery(("facility", "a source is one of a facility: name it"))
    try:
        return select_sources(plant, caller, park, facility, source)
    except InvalidQuery as error:
        raise HTTPException(404, str(error)) from error


def _around(
    plant: Plant,
    at: int | None,
    source: str | None,
    period: str | None,
    bounds: tuple[int | None, int | None],
) -> tuple[int, int]:
    """Return the window around a time."""
    if source is None:
        raise InvalidQuery(("at", "a window is one of a source: name it"))
    if at is None or period is not None or bounds != (None, None):
        raise InvalidQuery(("at", "give either at, or period, or from and to"))
    start = at // plant.window * plant.window
    return start, start + plant.window


def _members(
    state: Snapshot, caller: Caller, park: str, facility: str | None, span: Period, as_of: int
) -> Iterator[ChildBody]:
    """Yield the facilities of a park or the sources of a facility."""
    level: Level = "facility" if facility is None else "source"
    asked = tonnes.Query(level, "none", park, facility, caller=caller)
    for total in tonnes.totals(state, asked, lambda _park: span, as_of).totals:
        place = {"park": park, "facility": total.facility, "source": total.source}
        yield ChildBody(
            level="facility" if facility is None else "source",
            name=total.facility if facility is None else total.source,
            period=PeriodBody.of(span.start, span.end),
            co2e_t=total.co2e_t,
            coverage=total.coverage,
            known_from=total.known_from,
            query=_query(
                {key: name for key, name in place.items() if name is not None}, span.start, span.end
            ),
        )


def _parts(state: Snapshot, source: Source, span: Period, as_of: int) -> Iterator[ChildBody]:
    """Yield what a source's total is summed from."""
    window = state.plant.window
    place = {"park": source.park, "facility": source.facility, "source": source.name}
    for level, start, end in _below(span, window):
        sums = source_sums(state, [source.index], Period(start, end, span.zone), as_of)
        due = int(sums.due[0])
        covered = float(np.clip(sums.shares[0].sum() / due, 0, 1)) if due else None
        yield ChildBody(
            level=level,
            name=None,
            period=PeriodBody.of(start, end),
            co2e_t=number(sums.amounts[0, CO2E_T]),
            coverage=covered,
            known_from=known_fields([source], sums.known, [0])["known_from"],
            query=_query(place, start, end),
        )


def _below(span: Period, window: int) -> Sequence[tuple[ChildLevel, int, int]]:
    """Return level, start and end of the parts of a span: the fewest that make it up, or those one level below."""
    parts = summands(span.start, span.end, span.zone)
    if len(parts) > _MOST_PARTS:
        raise InvalidQuery(
            ("to", f"more than {_MOST_PARTS} parts: take a shorter span, or one of whole months")
        )
    if len(parts) > 1:
        return [(_LEVELS[one.level], one.start, one.end) for one in parts]
    return _split(parts[0], span.zone, window)


def _split(one: Summand, zone: ZoneInfo, window: int) -> list[tuple[ChildLevel, int, int]]:
    if one.level in {HOUR, PART}:
        return [("window", at, at + window) for at in range(one.start, one.end, window)]
    edges = [*starts(one.start, one.end, one.level - 1, zone).tolist(), one.end]
    return [(_LEVELS[one.level - 1], a, b) for a, b in pairwise(edges)]


def _result(total: TotalBody) -> ResultBody:
    return ResultBody.model_validate(total.model_dump(include=set(ResultBody.model_fields)))


def _of_window(state: Snapshot, source: Source, span: Period, result: ResultBody) -> ResultBody:
    """Return what is said of a single window, with its own shares also where it was not due yet."""
    found = state.windows([source.index], span.start, span.end)
    if not len(found.start):
        return result
    measured, interpolated, substituted = found.values[0, len(AMOUNTS) :].tolist()
    coverage = min(measured + interpolated + substituted, 1.0)
    shares = SharesBody(
        measured=measured, interpolated=interpolated, substituted=substituted, missing=1 - coverage
    )
    return result.model_copy(update={"coverage": coverage, "shares": shares})


def _window(
    state: Snapshot, catalogue: Register | None, source: Source, span: Period, result: ResultBody
) -> WindowBody | None:
    if catalogue is None:
        return None
    return explain_window(
        state, catalogue, source.index, span.start, published=result.co2e_t, revision=result.revision
    )


def _query(place: dict[str, str], start: int, end: int) -> str:
    return "/v1/explain?" + urlencode({**place, "from": format_time(start), "to": format_time(end)})

"""The route of limits: what stacks and outfalls must keep, and how they kept it."""

from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.scope import only
from api.access.seen import narrowed, within
from api.accounting.kept_limits import KeptLimits, StandardBody
from api.parameters import From, To, Word, time_of
from api.problems import InvalidQuery, documented
from api.tables import CSV, JSON, Cell, documented_as, preferred, table_csv
from api.times import period_of
from plant.clock import format_time
from plant.park import Plant
from plant.vocabulary import NS_PER_DAY
from proof.channel_windows import ChannelActivity
from store.reader import Reader

MOST_DAYS = 367

Clock = Callable[[], int]  # ns UTC
Means = Annotated[bool, Query(description="also the mean of each hour or day")]


class LimitsBody(BaseModel):
    """Limits of channels, by park, facility and name."""

    as_of: str = Field(examples=["2026-12-01T05:00:00Z"])
    standards: list[StandardBody]
    only: list[str] | None = Field(
        None, description="of a key for some places: these; else not there", examples=[["deep-c/chemicals"]]
    )


def routes(reader: Reader, plant: Plant, clock: Clock) -> APIRouter:
    """Return the route."""
    router = APIRouter(
        prefix="/v1", tags=["limits"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    zones = {park.name: park.zone for park in plant.parks}

    @router.get(
        "/limits", response_model=LimitsBody, response_model_exclude_unset=True, responses=documented_as(CSV)
    )
    def limits(
        request: Request,
        caller: Asking,
        park: Word = None,
        facility: Word = None,
        name: Word = None,
        start: From = None,
        end: To = None,
        means: Means = False,
    ) -> Response:
        """Return each channel's limits in force and to come, its value against each, and hours outside (default: of this month).

        Only hours, or days, that lie in the period as a whole and are over. As CSV where `Accept` says so.
        """
        as_of = clock()
        here = within(caller, plant.facilities, plant.standards, park, facility)
        chosen = narrowed(here, name=name)
        first, last = time_of("from", start), time_of("to", end)
        with reader.snapshot() as state:
            asked = KeptLimits(plant, ChannelActivity(state), as_of)
            bodies = []
            for one in chosen:
                month = period_of("month", zones[one.park], as_of)
                span = month.start if first is None else first, month.end if last is None else last
                _check(*span)
                bodies.append(asked.body(one, *span, with_means=means))
        body = LimitsBody(as_of=format_time(as_of), standards=bodies, **only(caller))
        if preferred(request.headers, (JSON, CSV)) == CSV:
            return Response(limits_csv(body), media_type=CSV)
        return Response(body.model_dump_json(by_alias=True, exclude_unset=True), media_type=JSON)

    return router


def _check(start: int, end: int) -> None:
    """Refuse a stretch without time, or with too much."""
    if start >= end:
        raise InvalidQuery(("to", "not after from"))
    if end - start > MOST_DAYS * NS_PER_DAY:
        raise InvalidQuery(("from", f"more than {MOST_DAYS} days: take a shorter range"))


def limits_csv(body: LimitsBody) -> bytes:
    """Return limits as CSV: a line a dated row."""
    return table_csv(_HEADER, _lines(body))


_HEADER = [
    "as_of", "from", "to", "only", "park", "facility", "name", "channel", "unit", "averaging", "limit", "row", "standing",
    "standard", "parameter", "category", "low", "high", "reference_oxygen [%]", "holds_from", "holds_to", "status", "mark", "source",
    "evidence", "value", "value_at", "share [1]", "due", "known", "coverage [1]", "outside",
]  # fmt: skip


def _lines(body: LimitsBody) -> Iterator[list[Cell]]:
    for one in body.standards:
        place: list[Cell] = [body.as_of, one.period.from_, one.period.to, " ".join(body.only or [])]
        place += [one.park, one.facility, one.name, one.channel, one.unit, one.averaging]
        for row in one.limits:
            told: list[Cell] = [row.limit, row.row, row.standing, row.standard, row.parameter, row.category]
            told += [row.low, row.high, row.reference_oxygen, row.from_, row.to]
            told += [row.status, row.mark, row.source, row.evidence]
            told += [row.value, row.value_at, row.share, row.due, row.known, row.coverage, row.outside]
            yield [*place, *told]

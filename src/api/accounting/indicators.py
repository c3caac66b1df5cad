"""The route of indicators: what parks and facilities are told by beside tonnes."""

from collections.abc import Callable, Iterator

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.scope import only
from api.access.seen import within
from api.accounting.place_indicators import PlaceIndicators, PlaceIndicatorsBody
from api.parameters import When, Word
from api.problems import InvalidQuery, documented
from api.tables import CSV, JSON, Cell, documented_as, preferred, table_csv
from api.times import period_of
from plant.clock import format_time
from plant.park import Plant
from proof.channel_windows import ChannelActivity
from store.reader import Reader

Clock = Callable[[], int]  # ns UTC


class IndicatorsBody(BaseModel):
    """Indicators of places, by park and facility; a park's own before those of its facilities."""

    as_of: str = Field(examples=["2026-12-01T05:00:00Z"])
    places: list[PlaceIndicatorsBody]
    only: list[str] | None = Field(
        None, description="of a key for some places: these; else not there", examples=[["nam-cau-kien/mill"]]
    )


def routes(reader: Reader, plant: Plant, clock: Clock) -> APIRouter:
    """Return the route."""
    router = APIRouter(
        prefix="/v1", tags=["indicators"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    parks = {park.name: park for park in plant.parks}

    @router.get(
        "/indicators",
        response_model=IndicatorsBody,
        response_model_exclude_unset=True,
        responses=documented_as(CSV),
    )
    def indicators(
        request: Request, caller: Asking, park: Word = None, facility: Word = None, period: When = None
    ) -> Response:
        """Return water and waste of a period (default: this month) with their shares, and the criteria of eco-parks.

        They are reckoned from the channels' windows, so that they follow each correction. As CSV where `Accept` says so.
        """
        as_of = clock()
        chosen = within(caller, plant.facilities, plant.indicators, park, facility)
        with reader.snapshot() as state:
            asked = PlaceIndicators(ChannelActivity(state), plant.window, as_of)
            places = []
            for one in chosen:
                try:
                    span = period_of(period or "month", parks[one.park].zone, as_of)
                except ValueError as error:
                    raise InvalidQuery(("period", str(error))) from error
                places.append(asked.body(one, parks[one.park], span))
        body = IndicatorsBody(as_of=format_time(as_of), places=places, **only(caller))
        if preferred(request.headers, (JSON, CSV)) == CSV:
            return Response(indicators_csv(body), media_type=CSV)
        return Response(body.model_dump_json(by_alias=True, exclude_unset=True), media_type=JSON)

    return router


def indicators_csv(body: IndicatorsBody) -> bytes:
    """Return indicators as CSV: a line a number."""
    return table_csv(_HEADER, _lines(body))


_HEADER = [
    "as_of", "from", "to", "until", "only", "park", "facility", "indicator", "of", "treatment", "value", "unit", "threshold",
    "verdict", "reason", "coverage [1]",
]  # fmt: skip
_WATER = {
    "fresh_m3": "m3",
    "inflow_m3": "m3",
    "reused_m3": "m3",
    "reuse_share": "1",
    "circulation_share": "1",
}
_LOAD = {"cod_in_kg": "kg", "cod_out_kg": "kg", "cod_removed_kg": "kg", "cod_removed_share": "1"}
_WASTE = {"total_t": "t", "diverted_share": "1", "with_energy_share": "1", "landfill_share": "1"}


def _lines(body: IndicatorsBody) -> Iterator[list[Cell]]:
    for one in body.places:
        place: list[Cell] = [body.as_of, one.period.from_, one.period.to, one.until]
        place += [" ".join(body.only or []), one.park, one.facility]
        for told, units in ((one.water, _WATER), (one.load, _LOAD), (one.waste, _WASTE)):
            if told is None:
                continue
            for name, unit in units.items():
                yield [*place, name, "", "", getattr(told, name), unit, None, "", "", told.coverage]
        for stream in one.waste.streams if one.waste else ():
            of: list[Cell] = ["stream", stream.stream, stream.treatment, stream.t, "t"]
            yield [*place, *of, None, "", "", stream.coverage]
        for row in one.eco_park.criteria if one.eco_park else ():
            judged: list[Cell] = [row.criterion, "", "", row.value, "1", row.threshold]
            yield [*place, *judged, row.verdict, row.reason, None]

"""The route of bills: what a month's electricity of facilities costs by their tariffs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.scope import only
from api.access.seen import narrowed, seen_by
from api.accounting.bills import BillBody, Bills
from api.parameters import Word
from api.problems import documented
from api.tables import CSV, JSON, Cell, documented_as, preferred, table_csv
from plant.clock import format_time
from plant.commitments import Billing
from plant.park import Plant
from proof.channel_windows import ChannelActivity
from rules.catalogue import Register
from store.reader import Reader

Clock = Callable[[], int]  # ns UTC
Month = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$",
        description="a month of the park's clock; this one where left out",
        examples=["2026-11"],
    ),
]


class BillsBody(BaseModel):
    """Bills of a month, by park and facility."""

    as_of: str = Field(examples=["2026-12-01T05:00:00Z"])
    bills: list[BillBody]
    only: list[str] | None = Field(
        None, description="of a key for some places: these; else not there", examples=[["nam-cau-kien/mill"]]
    )


def routes(reader: Reader, plant: Plant, catalogue: Register, clock: Clock) -> APIRouter:
    """Return the route."""
    router = APIRouter(
        prefix="/v1", tags=["tariffs"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    parks = {park.name: park for park in plant.parks}

    @router.get(
        "/tariff", response_model=BillsBody, response_model_exclude_unset=True, responses=documented_as(CSV)
    )
    def tariff(
        request: Request, caller: Asking, park: Word = None, facility: Word = None, period: Month = None
    ) -> Response:
        """Return what a month's electricity costs, of each facility that has a tariff: by slot, with peaks and reactive charge.

        It is reckoned from the billed channel's windows, so that it follows each correction. As CSV where `Accept` says so.
        """
        as_of = clock()
        places = [_BilledPlace(one.park, one.name, one.billing) for one in plant.facilities]
        chosen = narrowed(seen_by(caller, places), park=park, facility=facility)
        with reader.snapshot() as state:
            asked = Bills(state, catalogue, as_of, ChannelActivity(state))
            bills = [
                asked.bill(one.facility, one.billing, parks[one.park], period)
                for one in chosen
                if one.billing is not None
            ]
        body = BillsBody(as_of=format_time(as_of), bills=bills, **only(caller))
        if preferred(request.headers, (JSON, CSV)) == CSV:
            return Response(bills_csv(body), media_type=CSV)
        return Response(body.model_dump_json(by_alias=True, exclude_unset=True), media_type=JSON)

    return router


@dataclass(frozen=True, slots=True)
class _BilledPlace:
    park: str
    facility: str
    billing: Billing | None


def bills_csv(body: BillsBody) -> bytes:
    """Return bills as CSV: a line a slot, and one of all slots with what is of the bill as a whole."""
    return table_csv(_HEADER, (row for bill in body.bills for row in _lines(body, bill)))


_HEADER = [
    "as_of", "from", "to", "until", "only", "park", "facility", "tariff", "currency", "slot", "energy [kWh]", "coverage [1]",
    "interpolated [1]", "energy_charge [currency]", "average [currency/kWh]", "peak [kW]", "peak_at", "co2e [t]", "unpriced [kWh]",
    "reactive [kvarh]", "cos_phi [1]", "reactive [%]", "reactive_charge [currency]", "vat [currency]", "total [currency]", "rows",
]  # fmt: skip


def _lines(body: BillsBody, bill: BillBody) -> Iterator[list[Cell]]:
    place: list[Cell] = [body.as_of, bill.period.from_, bill.period.to, bill.until, " ".join(body.only or [])]
    place += [bill.park, bill.facility, bill.tariff, bill.currency]
    rows = "; ".join(f"{one.row} ({one.status})" for one in bill.rows)
    found = bill.reactive
    reactive = [found.kvarh, found.cos_phi, found.percent, found.charge] if found else [None] * 4
    for slot in (*bill.slots, bill.whole):
        numbers: list[Cell] = [slot.kwh, slot.coverage, slot.interpolated, slot.energy_charge]
        numbers += [slot.average_per_kwh, slot.peak_kw, slot.peak_at, slot.co2e_t]
        of_bill: list[Cell] = [bill.unpriced_kwh, *reactive, bill.vat, bill.total, rows]
        yield [*place, slot.slot, *numbers, *(of_bill if slot is bill.whole else [None] * len(of_bill))]

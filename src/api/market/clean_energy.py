"""The route of clean energy: how much of a load is clean over a year and hour by hour, and what own generation avoided, apart."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.caller import Asking
from api.access.guard import GUARDED
from api.access.seen import narrowed, seen_by
from api.parameters import Word
from api.problems import InvalidQuery, documented
from api.times import period_of
from api.totals.claims import KWH_PER_MWH, with_claims
from api.totals.measures import AskedYear
from api.totals.own_generation import OwnGeneration, hours_of, own_generation
from api.totals.savings import COMPLETE, amounts
from plant.arrays import Floats, Times, number
from plant.clock import PeriodBody, format_time
from plant.commitments import CleanEnergy
from plant.park import Facility, Park, Plant
from plant.vocabulary import NS_PER_HOUR, NS_PER_S
from rules.catalogue import Register
from rules.factors.gases import KG_PER_TONNE
from rules.market.clean import HourlyMatch, PvStatement, hourly_match, pv_statement
from rules.market.holdings import accounts, holdings, move_of
from store.reader import Reader, Snapshot
from store.records.movements import counting_movements


class ClaimsBody(BaseModel):
    """What is claimed of the year's electricity, hours or not; it lowers scope 2 by the market, and no measured share."""

    certificates_mwh: float = Field(description="retired until now, configured or moved", examples=[400.0])
    contracts_mwh: float = Field(
        description="of contracts and suppliers, configured or moved", examples=[0.0]
    )
    certificates_sold_mwh: float = Field(
        description="of instruments that were issued for own generation, of this year", examples=[400.0]
    )


class GenerationBody(BaseModel):
    """What own generation did; what it avoided is no part of an inventory, which is lower by what was not bought already."""

    generated_mwh: float | None = Field(description="of hours that are known", examples=[500.0])
    exported_mwh: float | None = Field(examples=[120.0])
    self_consumed_mwh: float | None = Field(examples=[380.0])
    self_consumed_without_claim_mwh: float | None = Field(
        description="whose certificates were sold: it may not be called clean", examples=[380.0]
    )
    avoided_by_self_consumption_t: float | None = Field(
        description="[t CO2e]; null without a factor", examples=[250.496]
    )
    avoided_by_export_t: float | None = Field(examples=[79.104])
    inventory_change_t: float = Field(description="of this statement on any inventory: none", examples=[0.0])
    known_hours: int = Field(description="of which generation and export are known", examples=[8040])


class FacilityCleanBody(BaseModel):
    """How clean a facility's electricity is in a year."""

    park: str = Field(examples=["nam-cau-kien"])
    facility: str = Field(examples=["mill"])
    period: PeriodBody
    until: str = Field(
        description="what is told reaches to here: the year's end, or the last whole hour",
        examples=["2026-12-01T05:00:00Z"],
    )
    hours: int = Field(description="of the year until then", examples=[8045])
    known_hours: int = Field(
        description=f"of which load and clean electricity are known, coverage {COMPLETE:g} each; the others are in no sum",
        examples=[8040],
    )
    load_mwh: float | None = Field(examples=[2400.0])
    clean_mwh: float | None = Field(description="generated and delivered", examples=[2400.0])
    annual_share: float | None = Field(
        description="clean_mwh of load_mwh, as if all hours were one, at most 1", examples=[1.0]
    )
    hourly_share: float | None = Field(
        description="of the load that is clean in its own hour: sum of min(load, clean) on the load",
        examples=[0.5],
    )
    matched_mwh: float | None = Field(description="clean in its own hour", examples=[1200.0])
    unmatched_mwh: float | None = Field(examples=[1200.0])
    surplus_mwh: float | None = Field(
        description="clean electricity without load in its hour", examples=[1200.0]
    )
    claims: ClaimsBody
    generation: GenerationBody | None = Field(description="null without own generation")


class CleanEnergiesBody(BaseModel):
    """Facilities that say by which channels their electricity is clean, by name."""

    as_of: str = Field(examples=["2026-12-01T05:00:00Z"])
    year: int = Field(examples=[2026])
    facilities: list[FacilityCleanBody]


@dataclass(frozen=True, slots=True)
class _CleanPlace:
    park: str
    facility: str
    clean: CleanEnergy | None


def routes(reader: Reader, plant: Plant, catalogue: Register, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["market"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )
    parks = {park.name: park for park in plant.parks}

    @router.get("/clean-energy")
    def clean_energy(
        caller: Asking, park: Word = None, facility: Word = None, year: AskedYear = None
    ) -> CleanEnergiesBody:
        """Return how clean the electricity of each facility is in a year, over all of it and hour by hour; and what own generation avoided.

        Certificates change no hour: they are told beside it. Hours that are not known are in no sum.
        """
        as_of = clock()
        asked = year or datetime.fromtimestamp(as_of // NS_PER_S, UTC).year
        places = [_CleanPlace(one.park, one.name, one.clean_energy) for one in plant.facilities]
        chosen = narrowed(seen_by(caller, places), park=park, facility=facility)
        with reader.snapshot() as state:
            facilities = with_claims(state)
            told = [
                _told(
                    state,
                    catalogue,
                    facilities[one.park, one.facility],
                    one.clean,
                    parks[one.park],
                    asked,
                    as_of,
                )
                for one in chosen
                if one.clean is not None
            ]
        return CleanEnergiesBody(as_of=format_time(as_of), year=asked, facilities=told)

    return router


def _told(
    state: Snapshot,
    catalogue: Register,
    facility: Facility,
    clean: CleanEnergy,
    park: Park,
    year: int,
    as_of: int,
) -> FacilityCleanBody:
    period = period_of(str(year), park.zone, as_of)
    until = max(min(period.end, as_of // NS_PER_HOUR * NS_PER_HOUR), period.start)
    if until == period.start:
        raise InvalidQuery(("year", f"{year} has not begun: no hour of it is over"))
    edges = np.arange(period.start, until + 1, NS_PER_HOUR, dtype=np.int64)
    hours = len(edges) - 1
    load = amounts(state, clean.load, edges, "hour")
    own = own_generation(state, clean, edges)
    given = own.generated + hours_of(state, clean.delivered, edges)
    match = hourly_match(load, given)
    sold = _certificates_sold(state, facility, year)
    statement = None
    if clean.generated is not None:
        factor = _factor(catalogue, clean.factor, edges[:-1])
        mwh = own.generated / KWH_PER_MWH, own.exported / KWH_PER_MWH
        statement = _generation(own, pv_statement(*mwh, factor, sold))
    return FacilityCleanBody(
        park=facility.park,
        facility=facility.name,
        period=PeriodBody.of(period.start, period.end),
        until=format_time(until),
        hours=hours,
        known_hours=match.hours,
        **_shares(match),
        claims=_claims(facility, year, as_of, sold),
        generation=statement,
    )


def _factor(catalogue: Register, name: str, times: Times) -> Floats:
    """Return the grid's factor at each hour, NaN where there is none [t/MWh]."""
    if not name:
        return np.full(len(times), np.nan)
    values = catalogue.factor_at(name, times)  # kg/kWh is t/MWh
    return np.asarray(values["co2e"] if "co2e" in values else values["co2"]) * (KWH_PER_MWH / KG_PER_TONNE)


def _shares(match: HourlyMatch) -> dict[str, float | None]:
    if not match.hours:
        names = (
            "load_mwh",
            "clean_mwh",
            "annual_share",
            "hourly_share",
            "matched_mwh",
            "unmatched_mwh",
            "surplus_mwh",
        )
        return dict.fromkeys(names)
    return {
        "load_mwh": match.load / KWH_PER_MWH,
        "clean_mwh": match.clean / KWH_PER_MWH,
        "annual_share": number(match.annual_share),
        "hourly_share": number(match.hourly_share),
        "matched_mwh": match.matched / KWH_PER_MWH,
        "unmatched_mwh": match.unmatched / KWH_PER_MWH,
        "surplus_mwh": match.surplus / KWH_PER_MWH,
    }


def _claims(facility: Facility, year: int, as_of: int, sold: float) -> ClaimsBody:
    mine = [
        one
        for one in facility.certificates
        if one.year == year and (one.retired is None or one.retired <= as_of)
    ]
    return ClaimsBody(
        certificates_mwh=sum(one.energy for one in mine if one.kind == "certificate") / KWH_PER_MWH,
        contracts_mwh=sum(one.energy for one in mine if one.kind != "certificate") / KWH_PER_MWH,
        certificates_sold_mwh=sold,
    )


def _certificates_sold(state: Snapshot, facility: Facility, year: int) -> float:
    """Return the certificates of a year that were sold of instruments that own generation was issued [MWh]."""
    moves = map(move_of, counting_movements(state.connection))
    held = holdings(accounts(state.plant), moves).held
    mine = [
        held[one.id]
        for one in state.plant.instruments
        if (one.park, one.facility, one.kind) == (facility.park, facility.name, "energy-certificate")
    ]
    return sum(one.sum("sold", [year]) for one in mine if one.sum("issued") > 0)


def _generation(own: OwnGeneration, statement: PvStatement) -> GenerationBody:
    known, is_any = own.known, own.known.any()
    return GenerationBody(
        generated_mwh=float(own.generated[known].sum()) / KWH_PER_MWH if is_any else None,
        exported_mwh=float(own.exported[known].sum()) / KWH_PER_MWH if is_any else None,
        self_consumed_mwh=number(statement.self_consumed),
        self_consumed_without_claim_mwh=number(statement.self_consumed_without_claim),
        avoided_by_self_consumption_t=number(statement.avoided_by_self_consumption),
        avoided_by_export_t=number(statement.avoided_by_export),
        inventory_change_t=statement.inventory_change,
        known_hours=int(known.sum()),
    )

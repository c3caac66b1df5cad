"""The route of positions: how many tonnes facilities are short of, what credits may cover, and what the rest costs today."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from math import nan
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.access.caller import Asking, Caller
from api.access.guard import GUARDED
from api.access.seen import narrowed, seen_by
from api.market.inventories import YearInventory, year_inventory
from api.market.position_bodies import (
    EndBody,
    HoldingBody,
    ImpossibleBody,
    MarketRuleBody,
    PositionBody,
    PositionsBody,
    PriceBody,
    YearInventoryBody,
    positions_csv,
)
from api.parameters import Word
from api.problems import InvalidQuery, documented
from api.tables import CSV, JSON, documented_as, preferred
from plant.arrays import number
from plant.clock import format_time
from plant.commitments import Instrument
from plant.park import Park, Plant
from plant.vocabulary import NS_PER_S
from rules.catalogue import Register
from rules.market.holdings import Holdings, accounts, holdings, move_of
from rules.market.market_files import YearsRow, years_of
from rules.market.position import Allowances, Offsets, Position, settled
from rules.market.register import CarbonMarket
from store.reader import Reader, Snapshot
from store.records.movements import Movement, counting_movements

MOST_YEARS = 10
MOST_TOLD = 200  # ranges of serials
Years = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{4}(-[0-9]{4})?$",
        description="of the park's clock, one or from to; where left out those that are settled with this year",
        examples=["2025-2026"],
    ),
]


@dataclass(frozen=True, slots=True)
class _MarketPlace:
    """A facility; `market` is None where it has no quota."""

    park: str
    facility: str
    market: str | None


def routes(reader: Reader, plant: Plant, catalogue: Register, clock: Callable[[], int]) -> APIRouter:
    """Return the route; `clock` tells the time [ns UTC]."""
    router = APIRouter(
        prefix="/v1", tags=["market"], dependencies=GUARDED, responses=documented(401, 422, 503)
    )

    @router.get("/position", response_model=PositionsBody, responses=documented_as(CSV))
    def position(
        request: Request, caller: Asking, park: Word = None, facility: Word = None, years: Years = None
    ) -> Response:
        """Return where each facility with a quota stands, with the ends of its interval, and what every instrument holds.

        The inventory is that of known months and where the rest leads. As CSV, without the holdings, where `Accept` says so.
        """
        as_of, asked = clock(), _asked_years(years)
        places = [_MarketPlace(one.park, one.name, one.market) for one in plant.facilities]
        chosen = narrowed(seen_by(caller, places), park=park, facility=facility)
        own = [one for one in plant.instruments if _is_asked(one, caller, park, facility)]
        with reader.snapshot() as state:
            movements = counting_movements(state.connection, waiting=True)
            told = _Positions(state, catalogue, as_of, movements)
            body = PositionsBody(
                as_of=format_time(as_of),
                positions=[one for place in chosen for one in told.positions(place, asked)],
                holdings=[told.holding(one) for one in own],
                impossible=list(told.impossible(caller)),
            )
        if preferred(request.headers, (JSON, CSV)) == CSV:
            return Response(positions_csv(body), media_type=CSV, headers=_VARY)
        return Response(body.model_dump_json(), media_type=JSON, headers=_VARY)

    return router


_VARY = {"Vary": "Accept, Authorization, X-API-Key"}


def _asked_years(years: str | None) -> range | None:
    """Return the years that are asked for, None where nobody says so."""
    if years is None:
        return None
    first, _, last = years.partition("-")
    found = range(int(first), int(last or first) + 1)
    if not 0 < len(found) <= MOST_YEARS or not 1990 <= found[0] <= found[-1] <= 2259:
        raise InvalidQuery(
            ("years", f"from 1990 to 2259, the first before the last, at most {MOST_YEARS}: not {years}")
        )
    return found


def _is_asked(one: Instrument, caller: Caller, park: str | None, facility: str | None) -> bool:
    return (
        caller.sees(one.park, one.facility) and park in (None, one.park) and facility in (None, one.facility)
    )


class _Positions:
    """Makes the positions of one moment's state; `as_of` [ns UTC] is now."""

    def __init__(
        self, state: Snapshot, catalogue: Register, as_of: int, movements: Sequence[Movement]
    ) -> None:
        self._state, self._catalogue, self._as_of = state, catalogue, as_of
        self._parks = {park.name: park for park in state.plant.parks}
        self._approved = [one for one in movements if one.approved_in is not None]
        self._waiting = [one.place for one in movements if one.approved_in is None]
        self._held: Holdings = holdings(accounts(state.plant), map(move_of, self._approved))

    def positions(self, place: _MarketPlace, asked: range | None) -> Iterator[PositionBody]:
        """Yield where a facility stands with each group of years that are settled together."""
        if place.market is None:
            return
        market, park = self._catalogue.market(place.market), self._parks[place.park]
        today = datetime.fromtimestamp(self._as_of // NS_PER_S, UTC).astimezone(park.zone).date()
        row = market.of_year(today.year)
        years = asked or (range(today.year, today.year + 1) if row is None else years_of(row[1]))
        for _, group in groupby(years, key=lambda year: (market.of_year(year) or ("", None))[0]):
            yield from self._settled(place, park, market, list(group), today)

    def _settled(
        self, place: _MarketPlace, park: Park, market: CarbonMarket, years: list[int], today: date
    ) -> Iterator[PositionBody]:
        found = market.of_year(years[0])
        rule = None if found is None else found[1]
        scopes = [1, 2] if rule is None else rule.scopes
        inventories = [
            year_inventory(self._state, park, place.facility, scopes, year, self._as_of) for year in years
        ]
        parts = [[one] for one in inventories] if rule and rule.settled == "yearly" else [inventories]
        price = market.prices.at(today)
        offsets = None if rule is None else Offsets(rule.offset_share, rule.share_of)
        credit = self._credits(place, years, today)
        ends = {
            end: settled(
                [
                    (
                        sum(getattr(one, end) for one in part),
                        self._allowances(place, [one.year for one in part]),
                    )
                    for part in parts
                ],
                credit,
                offsets,
                nan if price is None else price[1].price,
            )
            for end in ("amount", "low", "high")
        }
        for number_of, part in enumerate(parts):
            its_years = [one.year for one in part]
            allowances = self._allowances(place, its_years)
            yield PositionBody(
                park=place.park,
                facility=place.facility,
                market=market.name,
                title=market.title,
                currency=market.prices.currency,
                years=its_years,
                rule=None if found is None else _rule(*found),
                price=None if price is None else PriceBody(
                    row=price[0], day=price[1].valid_from.isoformat(),
                    **{name: getattr(price[1], name) for name in ("price", "status", "mark", "source")},
                ),
                inventory=[_inventory(one) for one in part],
                granted_t=number(allowances.granted),
                not_granted=[year for year in its_years if self._sum(place, "allowance", "granted", [year]) == 0],
                carried_t=allowances.carried,
                bought_t=allowances.bought,
                sold_t=allowances.sold,
                held_t=number(allowances.held),
                surrendered_t=self._sum(place, "allowance", "surrendered", its_years),
                credits_t=number(credit - sum(one.offsets for one in ends["amount"][:number_of])),
                position=_end(ends["amount"][number_of]),
                low=_end(ends["low"][number_of]),
                high=_end(ends["high"][number_of]),
            )  # fmt: skip

    def _allowances(self, place: _MarketPlace, years: Sequence[int]) -> Allowances:
        """Return what there is of allowances of some years; what was granted is unknown while a year has no grant."""
        granted = [self._sum(place, "allowance", "granted", [year]) for year in years]
        others = (self._sum(place, "allowance", act, years) for act in ("carried", "bought", "sold"))
        return Allowances(nan if 0.0 in granted else sum(granted), *others)

    def _credits(self, place: _MarketPlace, years: Sequence[int], today: date) -> float:
        """Return the credits that there are for some years: not expired, or surrendered for them already [t]."""
        usable = [
            self._held.held[one.id].amount
            for one in self._of(place, "credit")
            if not one.expires or one.expires >= today.isoformat()
        ]
        return sum(usable) + self._sum(place, "credit", "surrendered", years)

    def _sum(self, place: _MarketPlace, kind: str, act: str, years: Sequence[int]) -> float:
        return sum(self._held.held[one.id].sum(act, years) for one in self._of(place, kind))

    def _of(self, place: _MarketPlace, kind: str) -> list[Instrument]:
        mine = place.park, place.facility, kind
        return [one for one in self._state.plant.instruments if (one.park, one.facility, one.kind) == mine]

    def holding(self, one: Instrument) -> HoldingBody:
        """Return what an instrument's account holds."""
        held = self._held.held[one.id]
        return HoldingBody(
            park=one.park,
            facility=one.facility or None,
            instrument=one.name,
            title=one.title,
            kind=one.kind,
            unit=one.unit,
            registry=one.registry or None,
            technology=one.technology or None,
            expires=one.expires or None,
            held=held.amount,
            moved={act: held.sum(act) for act in dict.fromkeys(act for act, _ in held.sums)},
            serials=[str(each) for each in held.serials][:MOST_TOLD],
            waiting=self._waiting.count(one.id),
        )

    def impossible(self, caller: Caller) -> Iterator[ImpossibleBody]:
        """Yield the approved movements that the instruments of today do not allow, of places that a caller sees."""
        for one in self._approved:
            if one.id in self._held.refused and caller.sees(one.park, one.facility):
                yield ImpossibleBody(movement=one.id, why=self._held.refused[one.id])


def _rule(row: str, rule: YearsRow) -> MarketRuleBody:
    same = ("status", "mark", "unsure", "source", "offset_share", "share_of", "settled", "scopes")
    return MarketRuleBody(
        row=row,
        **{name: getattr(rule, name) for name in same},
        last_trading_day=rule.last_trading_day.isoformat(),
        surrender_by=rule.surrender_by.isoformat(),
        carried_until=rule.carried_until.isoformat() if rule.carried_until else None,
    )


def _inventory(one: YearInventory) -> YearInventoryBody:
    return YearInventoryBody(
        year=one.year,
        t=number(one.amount),
        low_t=number(one.low),
        high_t=number(one.high),
        final_t=number(one.final),
        final_months=one.final_months,
        known_months=one.known_months,
        rest=one.rest,
    )


def _end(one: Position) -> EndBody:
    return EndBody(
        inventory_t=number(one.inventory),
        gap_t=number(one.gap),
        surplus_t=number(one.surplus),
        offset_cap_t=number(one.offset_cap),
        offsets_t=number(one.offsets),
        to_buy_t=number(one.to_buy),
        exposure=number(one.exposure),
        exposure_without_credits=number(one.exposure_without_credits),
    )

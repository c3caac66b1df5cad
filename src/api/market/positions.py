"""The positions of one moment: where each facility with a quota stands, and what every instrument holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from math import nan

from api.access.caller import Caller
from api.market.inventories import YearInventory, year_inventory
from api.market.position_bodies import (
    EndBody,
    HoldingBody,
    ImpossibleBody,
    MarketRuleBody,
    PositionBody,
    PriceBody,
    YearInventoryBody,
)
from api.refusals import in_language
from plant.arrays import number
from plant.commitments import Instrument
from plant.languages import Language
from plant.park import Park, Plant
from plant.vocabulary import NS_PER_S
from rules.catalogue import Register
from rules.market.holdings import Holdings, accounts, holdings, move_of
from rules.market.market_files import YearsRow, years_of
from rules.market.position import Allowances, Offsets, Position, settled
from rules.market.register import CarbonMarket
from store.reader import Snapshot
from store.records.movements import Movement

MOST_TOLD = 200  # ranges of serials


@dataclass(frozen=True, slots=True)
class MarketPlace:
    """A facility; `market` is None where it has no quota."""

    park: str
    facility: str
    market: str | None


def market_places(plant: Plant) -> list[MarketPlace]:
    """Return every facility of a plant."""
    return [MarketPlace(one.park, one.name, one.market) for one in plant.facilities]


class Positions:
    """Makes the positions of one moment's state; `as_of` [ns UTC] is now."""

    def __init__(
        self, state: Snapshot, catalogue: Register, as_of: int, movements: Sequence[Movement]
    ) -> None:
        self._state, self._catalogue, self._as_of = state, catalogue, as_of
        self._parks = {park.name: park for park in state.plant.parks}
        self._approved = [one for one in movements if one.approved_in is not None]
        self._waiting = [one.place for one in movements if one.approved_in is None]
        self._held: Holdings = holdings(accounts(state.plant), map(move_of, self._approved))

    def positions(self, place: MarketPlace, asked: range | None) -> Iterator[PositionBody]:
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
        self, place: MarketPlace, park: Park, market: CarbonMarket, years: list[int], today: date
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

    def _allowances(self, place: MarketPlace, years: Sequence[int]) -> Allowances:
        """Return what there is of allowances of some years; what was granted is unknown while a year has no grant."""
        granted = [self._sum(place, "allowance", "granted", [year]) for year in years]
        others = (self._sum(place, "allowance", act, years) for act in ("carried", "bought", "sold"))
        return Allowances(nan if 0.0 in granted else sum(granted), *others)

    def _credits(self, place: MarketPlace, years: Sequence[int], today: date) -> float:
        """Return the credits that there are for some years: not expired, or surrendered for them already [t]."""
        usable = [
            self._held.held[one.id].amount
            for one in self._of(place, "credit")
            if not one.expires or one.expires >= today.isoformat()
        ]
        return sum(usable) + self._sum(place, "credit", "surrendered", years)

    def _sum(self, place: MarketPlace, kind: str, act: str, years: Sequence[int]) -> float:
        return sum(self._held.held[one.id].sum(act, years) for one in self._of(place, kind))

    def _of(self, place: MarketPlace, kind: str) -> list[Instrument]:
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

    def impossible(self, caller: Caller, language: Language) -> Iterator[ImpossibleBody]:
        """Yield the approved movements that the instruments of today do not allow, of places that a caller sees."""
        for one in self._approved:
            if one.id in self._held.refused and caller.sees(one.park, one.facility):
                yield ImpossibleBody(movement=one.id, why=in_language(self._held.refused[one.id], language))


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

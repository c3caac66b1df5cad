"""Carbon markets by name: the ones shipped here and a configuration's own, with the prices that they go by."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from plant.documents.documents import Placed, Problem
from plant.suggest import did_you_mean
from rules.dated_files import Shelf, own_files, row_id, shipped_files
from rules.market.market_files import (
    MarketEntry,
    MarketFile,
    PriceEntry,
    TradeRow,
    YearsRow,
    own_row_mistakes,
    year_mistakes,
    years_of,
)

MARKET = "market"

_Checks = Sequence[Callable[[Placed[Any]], Iterable[Problem]]]


@dataclass(frozen=True, slots=True)
class Prices:
    """What an allowance cost through time."""

    name: str
    currency: str
    rows: tuple[TradeRow, ...]
    of: str | None = None  # the market that goes by them instead of those that it names

    def at(self, day: date) -> tuple[str, TradeRow] | None:
        """Return the id and the row of the last price until a day, None where none is known; one of a later day is not used."""
        known = [
            row for row in self.rows if row.valid_from <= day and (row.valid_to is None or day < row.valid_to)
        ]
        return (row_id(self.name, known[-1]), known[-1]) if known else None


@dataclass(frozen=True, slots=True)
class CarbonMarket:
    """A carbon market: how its years are settled, and its prices."""

    name: str
    title: str
    rows: tuple[YearsRow, ...]
    prices: Prices

    def of_year(self, year: int) -> tuple[str, YearsRow] | None:
        """Return the id and the row that settles a year, None where none does."""
        return next(((row_id(self.name, row), row) for row in self.rows if year in years_of(row)), None)


def load_markets(config_directory: Path | None) -> Mapping[str, CarbonMarket]:
    """Return the shipped markets and those of a configuration's `market.yaml` and `*.market.yaml`, by name.

    Raises
    ------
    ConfigurationError
        With the mistakes of its files: of markets only once prices are right.
    """
    files = own_files(config_directory, MARKET)
    prices, markets = _shipped()
    return _with_files(prices, markets, files, [own_row_mistakes])[1] if files else markets


@cache
def _shipped() -> tuple[Mapping[str, Prices], Mapping[str, CarbonMarket]]:
    """Return the shipped prices and markets, which nobody changes while a process lives."""
    return _with_files({}, {}, list(shipped_files(MARKET)), [])


def _with_files(
    prices: Mapping[str, Prices], markets: Mapping[str, CarbonMarket], files: Sequence[Path], checks: _Checks
) -> tuple[Mapping[str, Prices], Mapping[str, CarbonMarket]]:
    known = Shelf("set of prices", "prices", partial(_mistakes, checks), _prices).filled(
        prices, files, MarketFile
    )
    of_markets: _Checks = [*checks, year_mistakes, partial(_price_mistakes, known)]
    made = partial(_market, known)
    found = Shelf("market", "markets", partial(_mistakes, of_markets), made).filled(
        markets, files, MarketFile
    )
    named = partial(_of_mistakes, found, {})
    Shelf("set of prices", "prices", named, _prices).filled(
        {}, files, MarketFile
    )  # markets are known only now
    of = {one.of: one for one in known.values() if one.of is not None}
    return known, {name: replace(one, prices=of.get(name, one.prices)) for name, one in found.items()}


def _mistakes(checks: _Checks, placed: Placed[Any]) -> Iterator[Problem]:
    for check in checks:
        yield from check(placed)


def _price_mistakes(known: Mapping[str, Prices], placed: Placed[MarketEntry]) -> Iterator[Problem]:
    name = placed.value.prices
    if name not in known:
        yield placed.problem(f"there is no set of prices {name}{did_you_mean(name, known)}", "prices")


def _of_mistakes(
    markets: Mapping[str, CarbonMarket], taken: dict[str, str], placed: Placed[PriceEntry]
) -> Iterator[Problem]:
    """Yield prices of a market that is nowhere, or that goes by others which say so too."""
    name, own = placed.value.of, placed.value.name
    if name is None:
        return
    if name not in markets:
        yield placed.problem(f"there is no market {name}{did_you_mean(name, markets)}", "of")
    elif (other := taken.setdefault(name, own)) != own:
        yield placed.problem(f"the market {name} goes by {other} already: one of them is of it", "of")


def _prices(entry: PriceEntry, _zone: ZoneInfo) -> Prices:
    return Prices(entry.name, entry.currency, tuple(entry.rows), entry.of)


def _market(known: Mapping[str, Prices], entry: MarketEntry, _zone: ZoneInfo) -> CarbonMarket:
    return CarbonMarket(entry.name, entry.title, tuple(entry.rows), known[entry.prices])

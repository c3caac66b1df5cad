"""Tariffs by name: the ones shipped here and a configuration's own, put together with their hours, tax and reactive charge."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from plant.arrays import Floats, Ints, Times
from plant.catalogue import TariffSpec
from plant.documents.documents import Placed, Problem
from plant.periods import time_of_day, weekday
from plant.suggest import did_you_mean
from plant.vocabulary import NS_PER_MIN
from rules.dated_files import EvidencedRow, Shelf, edges_of, own_files, own_mistakes, row_id, shipped_files
from rules.tariffs.reactive import ReactiveTable
from rules.tariffs.slots import UNKNOWN, Slots, edges, week
from rules.tariffs.tariff_files import (
    HoursEntry,
    ReactiveEntry,
    TariffEntry,
    TariffFile,
    VatEntry,
    hours_mistakes,
    price_mistakes,
)

TARIFFS = "tariffs"
HOURS, VAT, REACTIVE = "set of hours", "tax", "reactive charge"  # what entries of a file are called

Mistakes = Callable[[Placed[Any]], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class ToldRow:
    """What an answer says of a row that it rests on."""

    row: str
    status: str  # official, provisional, own
    mark: str  # "" of an own row
    source: str


@dataclass(frozen=True, slots=True)
class RowsInForce:
    """RowsInForce of an entry through time; the entry before the first row and after the last is none."""

    edges: Times
    told: tuple[ToldRow | None, ...]

    def at(self, times: Times | int) -> Ints:
        """Return the entry in force at each time; a row's first instant is its own."""
        return np.searchsorted(self.edges, times, side="right")

    def used(self, times: Times) -> Iterator[ToldRow]:
        """Yield the rows that are in force at any of the times, in their order."""
        yield from (one for entry in np.unique(self.at(times)) if (one := self.told[entry]) is not None)


@dataclass(frozen=True, slots=True)
class HoursOfWeek:
    """Slots of the week through time; `weeks` has shape (entries, 7, 1440), `UNKNOWN` where no row is in force."""

    rows: RowsInForce
    names: tuple[str, ...]
    weeks: Slots

    def at(self, times: Times, zone: ZoneInfo) -> Slots:
        """Return the place in `names` of each time's slot, by a clock; `UNKNOWN` where no row is in force."""
        minute = time_of_day(times, zone) // NS_PER_MIN
        return np.asarray(self.weeks[self.rows.at(times), weekday(times, zone), minute])


@dataclass(frozen=True, slots=True)
class DatedRates:
    """Numbers through time, NaN where no row is in force; of prices shape (entries, slots)."""

    rows: RowsInForce
    values: Floats


@dataclass(frozen=True, slots=True)
class ReactiveCharge:
    """A charge for reactive energy through time."""

    rows: RowsInForce
    tables: tuple[ReactiveTable | None, ...]


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff with all that it names. Prices [currency/kWh] and tax [1] as in `DatedRates`."""

    spec: TariffSpec
    prices: DatedRates
    hours: HoursOfWeek
    vat: DatedRates
    reactive: ReactiveCharge | None

    def used(self, times: Times) -> list[ToldRow]:
        """Return the rows in force at any of the times: prices, hours, tax and reactive charge."""
        parts = [self.prices.rows, self.hours.rows, self.vat.rows]
        parts += [self.reactive.rows] if self.reactive else []
        return [one for part in parts for one in part.used(times)]


@dataclass(frozen=True, slots=True)
class TariffRegister:
    """All tariffs, and what they name, by name."""

    hours: Mapping[str, HoursOfWeek]
    vat: Mapping[str, DatedRates]
    reactive: Mapping[str, ReactiveCharge]
    tariffs: Mapping[str, Tariff]


def load_tariffs(config_directory: Path | None) -> TariffRegister:
    """Return the shipped tariffs and those of a configuration's `tariffs.yaml` and `*.tariffs.yaml`.

    Raises
    ------
    ConfigurationError
        With the mistakes of its files: of prices only once hours, taxes and reactive charges are right.
    """
    files = own_files(config_directory, TARIFFS)
    return _with_files(_shipped(), files, [own_mistakes]) if files else _shipped()


@cache
def _shipped() -> TariffRegister:
    """Return the shipped tariffs, which nobody changes while a process lives."""
    return _with_files(TariffRegister({}, {}, {}, {}), list(shipped_files(TARIFFS)), [])


def _with_files(before: TariffRegister, files: Sequence[Path], always: Sequence[Mistakes]) -> TariffRegister:
    hours = _shelf("hours", HOURS, _hours, [*always, hours_mistakes])
    vat = _shelf("vat", VAT, _vat, always)
    reactive = _shelf("reactive", REACTIVE, _reactive, always)
    known = TariffRegister(
        hours.filled(before.hours, files, TariffFile),
        vat.filled(before.vat, files, TariffFile),
        reactive.filled(before.reactive, files, TariffFile),
        {},
    )
    named = _shelf(
        TARIFFS, "tariff", partial(_tariff, known=known), [*always, partial(_tariff_mistakes, known=known)]
    )
    tariffs = named.filled(before.tariffs, files, TariffFile)
    return TariffRegister(known.hours, known.vat, known.reactive, tariffs)


def _shelf(
    key: str, noun: str, made: Callable[[Any, ZoneInfo], Any], checks: Sequence[Mistakes]
) -> Shelf[Any, Any]:
    return Shelf(noun, key, lambda placed: (one for check in checks for one in check(placed)), made)


def _tariff_mistakes(placed: Placed[TariffEntry], known: TariffRegister) -> Iterator[Problem]:
    """Yield names that lead nowhere; where the hours are known, slots without a price."""
    entry = placed.value
    wanted: list[tuple[str, str, str | None, Mapping[str, Any]]] = [
        ("hours", HOURS, entry.hours, known.hours),
        ("vat", VAT, entry.vat, known.vat),
        ("reactive", REACTIVE, entry.reactive, known.reactive),
    ]
    for key, noun, name, there in wanted:
        if name is not None and name not in there:
            yield placed.problem(f"there is no {noun} {name}{did_you_mean(name, there)}", key)
    if entry.hours in known.hours:
        yield from price_mistakes(placed, known.hours[entry.hours].names)


def _rows(name: str, rows: Sequence[EvidencedRow], zone: ZoneInfo) -> RowsInForce:
    told = [ToldRow(row_id(name, row), row.status, row.mark or "", row.source) for row in rows]
    return RowsInForce(edges_of(rows, zone), (None, *told, None))


def _hours(entry: HoursEntry, zone: ZoneInfo) -> HoursOfWeek:
    names = [entry.rest, *dict.fromkeys(name for row in entry.rows for name in row.slots)]
    unknown = np.full((1, 7, 24 * 60), UNKNOWN, np.int8)
    weeks = [week(row.slots, names)[None] for row in entry.rows]
    return HoursOfWeek(
        _rows(entry.name, entry.rows, zone), tuple(names), np.concatenate([unknown, *weeks, unknown])
    )


def _vat(entry: VatEntry, zone: ZoneInfo) -> DatedRates:
    rates = np.array([np.nan, *(row.rate for row in entry.rows), np.nan])
    return DatedRates(_rows(entry.name, entry.rows, zone), rates)


def _reactive(entry: ReactiveEntry, zone: ZoneInfo) -> ReactiveCharge:
    tables = [
        ReactiveTable(row.from_kw, row.least_cos_phi, tuple(row.percents), row.below) for row in entry.rows
    ]
    return ReactiveCharge(_rows(entry.name, entry.rows, zone), (None, *tables, None))


def _tariff(entry: TariffEntry, zone: ZoneInfo, known: TariffRegister) -> Tariff:
    hours = known.hours[entry.hours]
    none = [np.nan] * len(hours.names)
    prices = np.array([none, *([row.prices[name] for name in hours.names] for row in entry.rows), none])
    return Tariff(
        TariffSpec(
            entry.name,
            entry.title,
            entry.currency,
            edges=edges(hours.weeks[1:-1]),
            has_reactive=entry.reactive is not None,
        ),
        DatedRates(_rows(entry.name, entry.rows, zone), prices),
        hours,
        known.vat[entry.vat],
        known.reactive[entry.reactive] if entry.reactive else None,
    )

"""Limits by name: the ones shipped here and a configuration's own, multiplied out for a site."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from math import nan, prod
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from plant.catalogue import LimitChoice, LimitNumbers, LimitSpec
from plant.documents.documents import Placed, Problem
from plant.suggest import did_you_mean
from rules.dated_files import Shelf, own_files, own_mistakes, row_id, shipped_files
from rules.standards.limit_files import (
    CoefficientEntry,
    LimitEntry,
    LimitFile,
    LimitRow,
    coefficient_mistakes,
    product_mistakes,
    table_mistakes,
)

LIMITS = "limits"

Mistakes = Callable[[Placed[Any]], Iterable[Problem]]
Coefficients = Mapping[str, CoefficientEntry]


@dataclass(frozen=True, slots=True)
class LimitTable:
    """A limit with the coefficients that a file tells; dates are days of the park's clock, as those of alerts are."""

    spec: LimitSpec
    rows: Sequence[LimitRow]
    coefficients: tuple[CoefficientEntry, ...]

    def numbers(self, choice: LimitChoice) -> list[LimitNumbers]:
        """Return its rows for a site, `Cmax = C k1 k2 ...` [1]_, parted where a coefficient changes.

        A stretch in which a coefficient is not known has no row.

        References
        ----------
        .. [1] QCVN 19:2009/BTNMT (Kp, Kv), QCVN 40:2011/BTNMT (Kq, Kf).
        """
        return [one for row in self.rows for one in self._parts(row, choice)]

    def _parts(self, row: LimitRow, choice: LimitChoice) -> Iterator[LimitNumbers]:
        found = row.at(choice.size, choice.column)
        low, high = found if isinstance(found, list) else (nan, found)
        own = prod(number for _, number in choice.coefficients)
        whole = LimitNumbers(
            row_id(self.spec.name, row),
            row.valid_from,
            row.valid_to,
            low,
            high,
            row.status,
            row.mark or "",
            row.source,
            row.evidence or "",
        )
        starts = [row.valid_from, *self._changes(row)]
        for start, end in zip(starts, [*starts[1:], row.valid_to], strict=True):
            told = [_in_force(one, start) for one in self.coefficients]
            if None in told:
                continue
            factors = [one.at(choice.size, choice.zone) for one in told if one]
            number = high * own * prod(one for one in factors if isinstance(one, float))
            yield replace(whole, valid_from=start, valid_to=end, high=number)

    def _changes(self, row: LimitRow) -> list[date]:
        """Return the days inside a row on which a coefficient changes."""
        days = {
            day
            for one in self.coefficients
            for part in one.rows
            for day in (part.valid_from, part.valid_to)
            if day and row.valid_from < day and (row.valid_to is None or day < row.valid_to)
        }
        return sorted(days)


def load_limits(config_directory: Path | None) -> Mapping[str, LimitTable]:
    """Return the shipped limits by name, and those of a configuration's `limits.yaml` and `*.limits.yaml`.

    Raises
    ------
    ConfigurationError
        With the mistakes of its files: of limits only once the coefficients are right.
    """
    files = own_files(config_directory, LIMITS)
    coefficients, limits = _shipped()
    return _with_files(coefficients, limits, files, [own_mistakes])[1] if files else limits


@cache
def _shipped() -> tuple[Coefficients, Mapping[str, LimitTable]]:
    """Return what ships, which nobody changes while a process lives."""
    return _with_files({}, {}, list(shipped_files(LIMITS)), [])


def _with_files(
    coefficients: Coefficients,
    limits: Mapping[str, LimitTable],
    files: Sequence[Path],
    always: Sequence[Mistakes],
) -> tuple[Coefficients, Mapping[str, LimitTable]]:
    checks: list[Mistakes] = [*always, table_mistakes, coefficient_mistakes]
    known = _shelf("coefficients", "coefficient", lambda entry, _: entry, checks).filled(
        coefficients, files, LimitFile
    )
    of_limits: list[Mistakes] = [
        *always,
        table_mistakes,
        product_mistakes,
        partial(_unknown_coefficients, known=known),
    ]
    shelf = _shelf(LIMITS, "limit", partial(_table, known=known), of_limits)
    return known, shelf.filled(limits, files, LimitFile)


def _shelf(
    key: str, noun: str, made: Callable[[Any, ZoneInfo], Any], checks: Sequence[Mistakes]
) -> Shelf[Any, Any]:
    return Shelf(noun, key, lambda placed: (one for check in checks for one in check(placed)), made)


def _unknown_coefficients(placed: Placed[LimitEntry], known: Coefficients) -> Iterator[Problem]:
    """Yield names of coefficients that lead nowhere, and coefficients by another size than the limit's."""
    entry = placed.value
    for symbol, name in entry.coefficients.items():
        if name is None:
            continue
        if name not in known:
            message = f"there is no coefficient {name}{did_you_mean(name, known)}"
            yield placed.problem(message, "coefficients", symbol)
        elif (
            None not in (entry.size_unit, known[name].size_unit) and entry.size_unit != known[name].size_unit
        ):
            message = f"{name} is by a size in {known[name].size_unit}, the limit in {entry.size_unit}"
            yield placed.problem(message, "coefficients", symbol)


def _table(entry: LimitEntry, _: ZoneInfo, known: Coefficients) -> LimitTable:
    told = tuple(known[name] for name in entry.coefficients.values() if name is not None)
    units = [unit for unit in (entry.size_unit, *(one.size_unit for one in told)) if unit]
    zones = dict.fromkeys(zone for one in told for zone in one.rows[0].named())
    spec = LimitSpec(
        name=entry.name,
        title=entry.title,
        standard=entry.standard,
        parameter=entry.parameter,
        category=entry.category or "",
        medium=entry.medium,
        unit=entry.unit,
        averaging=entry.averaging,
        reference_oxygen=nan if entry.reference_oxygen is None else entry.reference_oxygen,
        columns=entry.rows[0].named(),
        zones=tuple(zones),
        size_unit=units[0] if units else "",
        coefficients=tuple(symbol for symbol, name in entry.coefficients.items() if name is None),
    )
    return LimitTable(spec, entry.rows, told)


def _in_force(entry: CoefficientEntry, day: date) -> LimitRow | None:
    return next(
        (row for row in entry.rows if row.valid_from <= day and (row.valid_to is None or day < row.valid_to)),
        None,
    )

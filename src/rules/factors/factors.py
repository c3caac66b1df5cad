"""Emission factors as dated, sourced data: the ones shipped here and a configuration's own, in one register."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Floats, Ints, Times
from plant.catalogue import FactorSpec
from plant.units import unit
from rules.dated_files import Shelf, edges_of, own_files, row_id, shipped_files
from rules.factors.factor_files import (
    BASES,
    NET_CALORIFIC,
    FactorEntry,
    OwnFile,
    RowEntry,
    ShippedFile,
    Value,
    mistakes,
)
from rules.factors.uncertainty import half_width

FACTORS = "factors"


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor through time. Every column has one more entry before the first row and one after the last.

    `edges` are the instants at which a row begins, and the one at which a closed last row ends. `columns` are in
    the units of `spec`.
    """

    spec: FactorSpec
    basis: str
    edges: Times
    columns: Mapping[str, Floats]
    ids: NDArray[np.str_]
    statuses: NDArray[np.str_]
    marks: NDArray[
        np.str_
    ]  # how a shipped row was seen, see `rules.factors.factor_files`; "" of a configuration's own
    sources: NDArray[np.str_]  # where each row's values stand
    uncertainty: Mapping[
        str, Floats
    ]  # of each value as files name it: relative half-width, NaN where unknown

    def at(self, times: Times) -> Mapping[str, Floats]:
        """Return each value in force at each time; NaN before the first row and after a closed last one."""
        rows = self.rows(times)
        return {name: column[rows] for name, column in self.columns.items()}

    def as_text(self) -> str:
        """Return one line that differs where any number, date or status does."""
        columns = {name: column.tolist() for name, column in sorted(self.columns.items())}
        units = sorted(self.spec.units.items())
        rows = self.statuses.tolist(), {n: c.tolist() for n, c in sorted(self.uncertainty.items())}
        return repr((self.spec.name, self.basis, units, self.edges.tolist(), columns, *rows))

    def under(self, status: str, start: int, end: int, window: int) -> Iterator[tuple[int, int, str]]:
        """Yield the parts of [start, end) whose windows a row of this status is calculated with, and the row's id.

        A window has the row that is in force at its start. [ns UTC]
        """
        edges = -(-self.edges // window) * window
        bounds = [start, *np.unique(edges[(edges > start) & (edges < end)]).tolist(), end]
        for begin, stop in pairwise(bounds):
            row = int(self.rows(np.array(begin)))
            if self.statuses[row] == status:
                yield begin, stop, str(self.ids[row])

    def rows(self, times: Times) -> Ints:
        """Return the entry of the columns that holds at each time; a row's first instant is its own."""
        return np.searchsorted(self.edges, times, side="right")


class FactorRegister:
    """All factors by name."""

    def __init__(self, factors: Mapping[str, Factor]) -> None:
        self._factors = factors

    @property
    def factors(self) -> Mapping[str, FactorSpec]:
        """The outside of every factor."""
        return {name: factor.spec for name, factor in self._factors.items()}

    def __getitem__(self, name: str) -> Factor:
        return self._factors[name]

    def at(self, name: str, times: Times) -> Mapping[str, Floats]:
        """Return each value of a factor in force at each time.

        Returns
        -------
        Mapping of str to Floats
            Shape of `times`, in the units of the factor's `FactorSpec`; NaN where no row is in force.
        """
        return self._factors[name].at(times)

    def row_ids(self, name: str, times: Times) -> NDArray[np.str_]:
        """Return which dated row is in force at each time, such as `vn-grid/2023`; "" where none is."""
        factor = self._factors[name]
        return factor.ids[factor.rows(times)]

    def statuses(self, name: str, times: Times) -> NDArray[np.str_]:
        """Return the status of the row in force at each time: official, provisional or own; "" where none is."""
        factor = self._factors[name]
        return factor.statuses[factor.rows(times)]


def load_factors(config_directory: Path | None) -> FactorRegister:
    """Return the shipped factors and those of a configuration.

    Parameters
    ----------
    config_directory
        Its `factors.yaml` and `*.factors.yaml` are read; None: shipped factors only.

    Raises
    ------
    ConfigurationError
        With every mistake of every file, also a name that another factor has.
    """
    return FactorRegister(_shelf().filled(_shipped(), own_files(config_directory, FACTORS), OwnFile))


@cache
def _shipped() -> Mapping[str, Factor]:
    """Return the shipped factors, which nobody changes while a process lives."""
    return _shelf().filled({}, shipped_files(FACTORS), ShippedFile)


def _shelf() -> Shelf[FactorEntry, Factor]:
    return Shelf("factor", FACTORS, mistakes, _factor)


def _factor(entry: FactorEntry, zone: ZoneInfo) -> Factor:
    columns: dict[str, Floats] = {
        name: _padded([_exact(entry, row, name) for row in entry.rows]) for name in entry.units
    }
    units: dict[str, str] = {name: BASES[entry.basis].units[name] for name in entry.units}
    if entry.basis == NET_CALORIFIC:
        columns |= _by_origin(columns["co2"], entry.biogenic)
        units["co2_biogenic"] = units["co2"]
    newest = entry.rows[-1]
    return Factor(
        spec=FactorSpec(
            entry.name,
            units,
            newest.status,
            newest.source,
            statuses=tuple((row.valid_from.isoformat(), row.status) for row in entry.rows),
            ends="" if newest.valid_to is None else newest.valid_to.isoformat(),
        ),
        basis=entry.basis,
        edges=edges_of(entry.rows, zone),
        columns=columns,
        ids=np.array(["", *(row_id(entry.name, row) for row in entry.rows), ""]),
        statuses=np.array(["", *(row.status for row in entry.rows), ""]),
        marks=np.array(["", *(getattr(row, "mark", "") for row in entry.rows), ""]),
        sources=np.array(["", *(row.source for row in entry.rows), ""]),
        uncertainty={name: _padded([_half_width(row, name) for row in entry.rows]) for name in entry.units},
    )


def _padded(values: list[float]) -> Floats:
    return np.array([np.nan, *values, np.nan])


def _exact(entry: FactorEntry, row: RowEntry, name: Value) -> float:
    """Return the float nearest to the decimal number that the file gives, in the basis's unit."""
    target = unit(BASES[entry.basis].units[name])
    return float(Fraction(str(row.values[name])) * unit(entry.units[name]).factor / target.factor)


def _half_width(row: RowEntry, name: Value) -> float:
    """Return the half-width of a value's 95 % interval, relative to the value; NaN where no interval is given."""
    low, high = row.uncertainty.get(name, (np.nan, np.nan))
    return half_width(row.values[name], low, high)


def _by_origin(co2: Floats, biogenic: bool) -> dict[str, Floats]:
    """Split CO2 into fossil and biogenic: a fuel is either, so the other is 0 wherever the factor is known."""
    none = np.where(np.isnan(co2), np.nan, 0.0)
    return {"co2": none, "co2_biogenic": co2} if biogenic else {"co2": co2, "co2_biogenic": none}

"""Emission factors as dated, sourced data: the ones shipped here and a configuration's own, in one register."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Floats, Ints, Times
from plant.catalogue import FactorSpec
from plant.documents.documents import ConfigurationError, Placed, Problem, read, salvage
from plant.periods import local_midnight
from plant.units import unit
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

OWN_FILES = ("factors.yaml", "*.factors.yaml")


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
    return FactorRegister(_with_files(_shipped(), _own_files(config_directory), OwnFile))


@cache
def _shipped() -> Mapping[str, Factor]:
    """Return the shipped factors, which nobody changes while a process lives."""
    return _with_files({}, _shipped_files(), ShippedFile)


def _shipped_files() -> Iterator[Path]:
    for entry in sorted((resources.files("rules") / "data").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".factors.yaml"):
            with resources.as_file(entry) as path:
                yield path


def _own_files(config_directory: Path | None) -> Sequence[Path]:
    if config_directory is None:
        return ()
    return sorted({path for pattern in OWN_FILES for path in config_directory.glob(pattern)})


def _with_files(
    before: Mapping[str, Factor], files: Iterable[Path], model: type[ShippedFile | OwnFile]
) -> dict[str, Factor]:
    """Return factors with those of files; raise `ConfigurationError` with every mistake in these."""
    factors, problems = dict(before), list[Problem]()
    for path in files:
        for placed, zone in _entries(path, model, problems):
            name = placed.value.name
            if name in factors:
                problems.append(placed.problem(f"there is a factor {name} already: use another name", "name"))
            else:
                factors[name] = _factor(placed.value, zone)
    if problems:
        raise ConfigurationError(problems)
    return factors


def _entries(
    path: Path, model: type[ShippedFile | OwnFile], problems: list[Problem]
) -> Iterator[tuple[Placed[FactorEntry], ZoneInfo]]:
    """Yield the factors of a file that is sound, or add its mistakes to `problems`."""
    try:
        document = read(path)
    except ConfigurationError as error:
        problems += error.problems
        return
    found = salvage(document, model)
    problems += document.problems
    if found is None or document.problems:
        return
    for placed in found.parts("factors", found.value.factors):
        wrong = list(mistakes(placed))
        problems += wrong
        if not wrong:
            yield placed, ZoneInfo(found.value.zone)


def _factor(entry: FactorEntry, zone: ZoneInfo) -> Factor:
    columns: dict[str, Floats] = {
        name: _padded([_exact(entry, row, name) for row in entry.rows]) for name in entry.units
    }
    units: dict[str, str] = {name: BASES[entry.basis].units[name] for name in entry.units}
    if entry.basis == NET_CALORIFIC:
        columns |= _by_origin(columns["co2"], entry.biogenic)
        units["co2_biogenic"] = units["co2"]
    newest = entry.rows[-1]
    last = [] if newest.valid_to is None else [newest.valid_to]
    return Factor(
        spec=FactorSpec(
            entry.name,
            units,
            newest.status,
            newest.source,
            statuses=tuple((row.valid_from.isoformat(), row.status) for row in entry.rows),
            ends="".join(day.isoformat() for day in last),
        ),
        basis=entry.basis,
        edges=np.array(
            [local_midnight(d, zone) for d in [*(row.valid_from for row in entry.rows), *last]], np.int64
        ),
        columns=columns,
        ids=np.array(["", *(f"{entry.name}/{_row_name(row.valid_from)}" for row in entry.rows), ""]),
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


def _row_name(day: date) -> str:
    """Return the year of a row that begins with one, else the date."""
    return str(day.year) if (day.month, day.day) == (1, 1) else day.isoformat()

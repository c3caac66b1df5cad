"""The shape of limit files: limits of what leaves a stack or an outfall, and the coefficients that they are multiplied with."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from plant.documents.documents import Placed, Problem
from plant.documents.fields import Fault, Part, Positive, Symbol, Word
from rules.dated_files import DatedFile, EvidencedRow, Text

Bounds = Annotated[list[float], Field(min_length=2, max_length=2)]
Limit = float | Bounds  # the most, or the least and the most
Column = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]


def _faults_of(value: object, path: str) -> Iterator[Fault]:
    """Yield bounds of which the least is not below the most."""
    if isinstance(value, list) and value[0] >= value[1]:
        yield path, f"the least, {value[0]:g}, is not below the most, {value[1]:g}"


class Cell(Part):
    """A limit, or one for each column."""

    value: Limit | None = None
    columns: Annotated[dict[Column, Limit], Field(min_length=1)] | None = None

    def faults(self) -> Iterator[Fault]:
        """Yield what is no one limit, nor one for each column."""
        if (self.value is None) == (self.columns is None):
            yield "value", "exactly one of value, columns is given"
        yield from _faults_of(self.value, "value")
        for one in (self.columns or {}).values():
            yield from _faults_of(one, "columns")

    def named(self) -> tuple[str, ...]:
        """Return its columns, none where it has one value."""
        return tuple(self.columns or ())

    def at(self, column: str | None) -> Limit:
        """Return the limit of a column, of all where it has none."""
        return self.columns[column] if self.columns and column else self.value  # type: ignore[return-value]


class Band(Cell):
    """The limits of a range of sizes: to the one that it names, from where the band before it ends; the last one is open."""

    up_to: Positive | None = None
    below: Positive | None = None

    @property
    def end(self) -> float | None:
        """The size at which it ends."""
        return self.below if self.up_to is None else self.up_to

    def faults(self) -> Iterator[Fault]:
        """Yield a band that ends twice."""
        yield from super().faults()
        if self.up_to is not None and self.below is not None:
            yield "below", "a band ends by up_to, which is part of it, or by below, which is not"

    def holds(self, size: float) -> bool:
        """Return whether a size is not beyond its end."""
        return (self.up_to is None or size <= self.up_to) and (self.below is None or size < self.below)


class LimitRow(EvidencedRow):
    """Limits from one date to another: one, one for each column, or such for each band of sizes."""

    value: Limit | None = None
    columns: Annotated[dict[Column, Limit], Field(min_length=1)] | None = None
    bands: Annotated[list[Band], Field(min_length=1)] | None = None

    def faults(self) -> Iterator[Fault]:
        """Yield limits that are given twice or not at all, and bands that are no scale."""
        yield from super().faults()
        if sum(one is not None for one in (self.value, self.columns, self.bands)) != 1:
            yield "value", "exactly one of value, columns, bands is given"
        yield from _faults_of(self.value, "value")
        for one in (self.columns or {}).values():
            yield from _faults_of(one, "columns")
        yield from self._faults_of_bands(self.bands or [])

    def _faults_of_bands(self, bands: Sequence[Band]) -> Iterator[Fault]:
        ends = [band.end for band in bands]
        if bands and ends[-1] is not None:
            yield "bands", "the last band has no end, so that each size lies in one"
        if None in ends[:-1] or any(one >= two for one, two in pairwise(ends[:-1]) if one and two):
            yield "bands", "each band but the last ends, and later than the one before"
        if len({tuple(sorted(band.named())) for band in bands}) > 1:
            yield "bands", "all bands have the same columns"

    @property
    def has_range(self) -> bool:
        """Whether any of its limits is a least and a most."""
        cells: Sequence[Cell | LimitRow] = self.bands or [self]
        values = [one for cell in cells for one in (cell.value, *(cell.columns or {}).values())]
        return any(isinstance(one, list) for one in values)

    def named(self) -> tuple[str, ...]:
        """Return its columns."""
        return self.bands[0].named() if self.bands else tuple(self.columns or ())

    def at(self, size: float | None, column: str | None) -> Limit:
        """Return the limit of a size and a column; whoever has no bands, or no columns, does not look at them."""
        if self.bands:
            return next(band for band in self.bands if band.holds(size or 0.0)).at(column)
        return Cell(value=self.value, columns=self.columns).at(column)


class CoefficientEntry(Part):
    """What limits are multiplied with, by size or by zone, which are its columns."""

    name: Word
    title: Text
    size_unit: Symbol | None = None
    rows: Annotated[list[LimitRow], Field(min_length=1)]


class LimitEntry(Part):
    """A limit of one parameter through time: `Cmax = C k1 k2 ...` where it has coefficients.

    A coefficient is one of a limit file, or, where it is null, the site's own number. `averaging` is null where the text's
    own was not read: the site says it.
    """

    name: Word
    title: Text
    standard: Text
    parameter: Text
    category: Text | None = None
    medium: Literal["stack", "wastewater"]
    unit: Symbol
    size_unit: Symbol | None = None
    reference_oxygen: Annotated[float, Field(ge=0, lt=20.9)] | None = None
    averaging: Literal["hour", "day"] | None = None
    coefficients: dict[Word, Word | None] = Field(default_factory=dict)
    rows: Annotated[list[LimitRow], Field(min_length=1)]


class LimitFile(DatedFile):
    """A limit file, of this package or of a configuration."""

    coefficients: list[CoefficientEntry] = Field(default_factory=list)
    limits: list[LimitEntry] = Field(default_factory=list)


def table_mistakes(placed: Placed[LimitEntry] | Placed[CoefficientEntry]) -> Iterator[Problem]:
    """Yield rows whose columns differ, and bands of sizes in no unit, or a unit of none."""
    entry = placed.value
    columns, has_bands = entry.rows[0].named(), any(row.bands for row in entry.rows)
    for number, row in enumerate(entry.rows):
        if set(row.named()) != set(columns):
            message = "has other columns than the first row: give it an entry of its own"
            yield placed.problem(message, "rows", number)
        if (row.bands is None) == has_bands:
            yield placed.problem("all rows have bands, or none has", "rows", number)
    if has_bands and entry.size_unit is None:
        yield placed.problem("is required where sizes have bands", "size_unit")


def coefficient_mistakes(placed: Placed[CoefficientEntry]) -> Iterator[Problem]:
    """Yield coefficients that are no plain numbers."""
    for number, row in enumerate(placed.value.rows):
        if row.has_range:
            yield placed.problem("a coefficient is one number", "rows", number)


def product_mistakes(placed: Placed[LimitEntry]) -> Iterator[Problem]:
    """Yield ranges that have coefficients, which multiply none."""
    for number, row in enumerate(placed.value.rows):
        if placed.value.coefficients and row.has_range:
            yield placed.problem("a range is multiplied with nothing", "rows", number)

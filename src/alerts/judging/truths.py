"""Where a condition is true at an instant, and by which of its comparisons: the number that is shown is the one that was passed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plant.arrays import Bools, Floats, Ints

SLACK = 1e-9  # relative: a value this near to its limit is equal to it, and equal is no breach


@dataclass(frozen=True, slots=True)
class Passed:
    """The two sides of a comparison of each subject, NaN where they are not finite or there is none, and its place.

    `of` is the place among the condition's `comparisons` [the unit is theirs]; -1: a flag decides, or nothing is compared.
    """

    value: Floats
    limit: Floats
    of: Ints


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a condition that is true, false or unknown: a comparison of a value and its limit, parts joined, or a flag."""

    name: str
    truth: Floats
    parts: tuple["Part", ...] = ()
    sides: tuple[Floats, ...] = ()
    of: int = -1


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition at an instant, a row to each of its subjects.

    `truth` and `clear` are 1, 0 or NaN; without a clear of its own a condition is clear where it is false. `whole` is how
    its truth came about.
    """

    truth: Floats
    clear: Floats
    whole: Part

    @property
    def value(self) -> Floats:
        """The value that `passed` gives of each subject."""
        return self.passed().value

    @property
    def limit(self) -> Floats:
        """The limit that `passed` gives of each subject."""
        return self.passed().limit

    def passed(self, rows: Ints | None = None) -> Passed:
        """Return what was compared to make the condition true, or not true, of some subjects or of all."""
        chosen = np.arange(len(self.truth)) if rows is None else rows
        is_true = self.truth[chosen] == 1
        return _chosen(is_true, *(_passed(self, self.whole, chosen, is_true=one) for one in (True, False)))

    def values(self, of: Ints, rows: Ints) -> Floats:
        """Return the left side of a comparison of each of some subjects, by its place; NaN where there is none such."""
        found = np.full(len(rows), np.nan)
        for part in _comparisons(self.whole):
            mine = np.flatnonzero(of == part.of)
            found[mine] = self.column(part.sides[0])[rows[mine]]
        return _finite(found)

    def column(self, side: Floats) -> Floats:
        """Return a number or a column as a column of all subjects."""
        return np.broadcast_to(side, self.truth.shape)


def compared(name: str, first: Floats, last: Floats) -> Floats:
    """Return what a comparison (>, >=, <, <=, == or !=) says of two sides: 1, 0, or NaN where one of them is not finite."""
    slack = SLACK * np.abs(last)
    match name:
        case ">":
            found = first > last + slack
        case ">=":
            found = first >= last - slack
        case "<":
            found = first < last - slack
        case "<=":
            found = first <= last + slack
        case "==":
            found = np.abs(first - last) <= slack
        case _:
            found = np.abs(first - last) > slack
    return np.where(np.isfinite(first) & np.isfinite(last), found.astype(np.float64), np.nan)


def _comparisons(part: Part) -> Iterator[Part]:
    if part.sides:
        yield part
    for one in part.parts:
        yield from _comparisons(one)


def _passed(truth: Truth, part: Part, rows: Ints, *, is_true: bool) -> Passed:
    """Return by which comparison a part is true, or false: the first one that makes it so.

    What is joined by `or` is true by those parts that are, and false by all of them; by `and` it is the other way round.
    """
    if part.sides:
        value, limit = (_finite(truth.column(side)[rows]) for side in part.sides)
        return Passed(value, limit, np.full(len(rows), part.of))
    if not part.parts:
        unknown = np.full(len(rows), np.nan)
        return Passed(unknown, unknown, np.full(len(rows), -1))
    if part.name == "not":
        return _passed(truth, part.parts[0], rows, is_true=not is_true)
    first, last = (_passed(truth, one, rows, is_true=is_true) for one in part.parts)
    is_last = first.of < 0
    if (part.name == "or") == is_true:
        is_so, last_is_so = (truth.column(one.truth)[rows] == is_true for one in part.parts)
        is_last = np.where(is_so, is_last & last_is_so, is_last | last_is_so)
    return _chosen(~is_last, first, last)


def _chosen(is_first: Bools, first: Passed, last: Passed) -> Passed:
    return Passed(
        value=np.where(is_first, first.value, last.value),
        limit=np.where(is_first, first.limit, last.limit),
        of=np.where(is_first, first.of, last.of),
    )


def _finite(column: Floats) -> Floats:
    return np.where(np.isfinite(column), column, np.nan)

"""Serial numbers as registries give them: ranges of a series, and what an account holds of them."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class SerialRange:
    """The serials `first` to `last` of a series, both included; one serial is one unit of its instrument."""

    series: str
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many serials it has."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.series} {self.first}-{self.last}"


@dataclass(slots=True)
class SerialSet:
    """Serials by series, as ranges in order that neither overlap nor touch."""

    _ranges: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[SerialRange]:
        for series in sorted(self._ranges):
            yield from (SerialRange(series, first, last) for first, last in self._ranges[series])

    def shared(self, asked: SerialRange) -> SerialRange | None:
        """Return the first stretch that is in a range and in here, None where there is none."""
        for first, last in self._near(asked):
            if first <= asked.last and last >= asked.first:
                return SerialRange(asked.series, max(first, asked.first), min(last, asked.last))
        return None

    def lacks(self, asked: SerialRange) -> int | None:
        """Return the first serial of a range that is not in here, None where all of it is."""
        for first, last in self._near(asked):
            if first <= asked.first <= last:
                return None if asked.last <= last else last + 1
        return asked.first

    def add(self, given: SerialRange) -> None:
        """Take a range in, of which nothing is in here."""
        ranges = self._ranges.setdefault(given.series, [])
        place = bisect_right(ranges, (given.first, given.first))
        first, last, replaced = given.first, given.last, slice(place, place)
        if place and ranges[place - 1][1] + 1 == first:
            first, replaced = ranges[place - 1][0], slice(place - 1, place)
        if place < len(ranges) and ranges[place][0] == last + 1:
            last, replaced = ranges[place][1], slice(replaced.start, place + 1)
        ranges[replaced] = [(first, last)]

    def take(self, given: SerialRange) -> None:
        """Give a range up, all of which is in here."""
        ranges = self._ranges[given.series]
        place = bisect_right(ranges, (given.first, 1 << 64)) - 1
        first, last = ranges[place]
        rest = [(first, given.first - 1), (given.last + 1, last)]
        ranges[place : place + 1] = [one for one in rest if one[0] <= one[1]]

    def _near(self, asked: SerialRange) -> Iterator[tuple[int, int]]:
        """Yield the ranges that may share something with a range, in order."""
        ranges = self._ranges.get(asked.series, [])
        place = max(bisect_right(ranges, (asked.first, 1 << 64)) - 1, 0)
        while place < len(ranges) and ranges[place][0] <= asked.last:
            yield ranges[place]
            place += 1

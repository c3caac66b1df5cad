"""What is to be restated, and the chunks of it that are computed and published one by one."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from plant import periods
from plant.park import Plant, Source

WINDOWS_AT_ONCE = 300_000  # of a worker; a window is 80 bytes, and there are a few copies of it


@dataclass(frozen=True, slots=True)
class Request:
    """What to restate: months [first, last], written 2026-01, and whose; None is all."""

    config: Path
    state: Path
    first: str
    last: str
    park: str | None = None
    facility: str | None = None
    source: str | None = None


HOURS = 0  # in place of a chunk's number: the regulated hours


class RestatedPart(msgspec.Struct, frozen=True):
    """What was published in one step of a restatement, and by whom: the chunk of a number, counted from 1, or `HOURS`."""

    first: str
    last: str
    park: str | None
    facility: str | None
    source: str | None
    by: str
    number: int


def part_of(request: Request, by: str, number: int) -> RestatedPart:
    """Return a part of what a request publishes."""
    return RestatedPart(
        request.first, request.last, request.park, request.facility, request.source, by, number
    )


@dataclass(frozen=True, slots=True)
class Chunk:
    """A month of some sources (indexes, ascending) of one park: [start, end) ns UTC."""

    sources: tuple[int, ...]
    start: int
    end: int


def chunks_of(request: Request, plant: Plant) -> list[Chunk]:
    """Return the work, month by month, so that every chunk has about as many windows."""
    found: list[Chunk] = []
    for park in plant.parks:
        mine = [s.index for s in meant(request, plant) if s.park == park.name]
        start, end = (periods.month_of(text, park.zone) for text in (request.first, request.last))
        while mine and start <= end:
            following = int(periods.next_month(start, park.zone))
            most = max(1, WINDOWS_AT_ONCE * plant.window // (following - start))
            found += (Chunk(tuple(mine[i : i + most]), start, following) for i in range(0, len(mine), most))
            start = following
    return found


def meant(request: Request, plant: Plant) -> list[Source]:
    """Return the sources that a request is about."""
    return [source for source in plant.sources if _is_meant(request, source)]


def _is_meant(request: Request, source: Source) -> bool:
    wanted = ((request.park, source.park), (request.facility, source.facility), (request.source, source.name))
    return all(name is None or name == its for name, its in wanted)

"""The subjects of a condition as columns: their channels, sources and parks, and what these parks' clocks say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Floats, Ints, Times
from plant.inventory import counted
from plant.park import Channel, Condition, Facility, Gateway, Plant, Source
from plant.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class Series:
    """Channels that a condition asks, a row to each subject, with what of them decides an answer."""

    channels: Ints
    max_gap: Ints
    reach: Ints  # how long a reading tells of: the period of intervals, max_gap of all others
    ends: Ints  # 1 where a reading's time is the end of what it tells of, else 0
    park: Ints


@dataclass(frozen=True, slots=True)
class Columns:
    """What a condition's steps need of its subjects, by row of the subject or of the source."""

    subjects: Ints
    of_sources: bool
    park: Ints  # of each subject
    series: tuple[Series, ...]  # of its others, and last of itself where it is a channel
    sources: Ints
    owner: Ints  # the row of the subject that each source belongs to
    zones: tuple[ZoneInfo, ...]  # of each park
    window: int  # ns

    def column(self, value: Floats) -> Floats:
        """Return a number or a column as a column of all subjects."""
        return np.broadcast_to(value, self.subjects.shape).copy()

    def by_clock(self, answer: Callable[[ZoneInfo], float]) -> Floats:
        """Return what the clock of each subject's park says."""
        return np.array([answer(zone) for zone in self.zones])[self.park]

    def instants(self, answer: Callable[[ZoneInfo], int], park: Ints) -> Times:
        """Return an instant of the clocks of parks, by their places [ns UTC]."""
        return np.array([answer(zone) for zone in self.zones], np.int64)[park]


def columns_of(condition: Condition, plant: Plant) -> Columns:
    """Return the columns of a condition's subjects."""
    own = [condition.subjects] if condition.subject == "channel" else []
    sources, owner = _sources(condition, plant)
    return Columns(
        subjects=np.array(condition.subjects, np.int64),
        of_sources=condition.subject == "source",
        park=_parks(condition, plant),
        series=tuple(_series(channels, plant) for channels in (*condition.others, *own)),
        sources=sources,
        owner=owner,
        zones=tuple(park.zone for park in plant.parks),
        window=plant.window,
    )


def _series(channels: Sequence[int], plant: Plant) -> Series:
    park = {park.name: place for place, park in enumerate(plant.parks)}
    rows = [plant.channels[number] for number in channels]
    return Series(
        channels=np.array(channels, np.int64),
        max_gap=np.array([row.max_gap for row in rows], np.int64),
        reach=np.array([row.period if row.kind is Kind.INTERVAL else row.max_gap for row in rows], np.int64),
        ends=np.array([row.kind is Kind.INTERVAL for row in rows], np.int64),
        park=np.array([park[row.park] for row in rows], np.int64),
    )


def _parks(condition: Condition, plant: Plant) -> Ints:
    """Return the place of each subject's park."""
    place = {park.name: number for number, park in enumerate(plant.parks)}
    if condition.subject == "park":
        return np.array(condition.subjects, np.int64)
    rows: Mapping[str, Sequence[Channel | Source | Facility | Gateway]] = {
        "channel": plant.channels,
        "source": plant.sources,
        "facility": plant.facilities,
        "gateway": plant.gateways,
    }
    of = rows[condition.subject]
    return np.array([place[of[number].park] for number in condition.subjects], np.int64)


def _sources(condition: Condition, plant: Plant) -> tuple[Ints, Ints]:
    """Return the sources of all subjects, and the row of the subject that each belongs to.

    A facility's and a park's are those that their totals count.
    """
    if condition.subject == "source":
        return np.array(condition.subjects, np.int64), np.arange(len(condition.subjects))
    pairs: list[tuple[int, int]] = []
    in_park, in_facility = counted(plant.sources, "park"), counted(plant.sources, "facility")
    if condition.subject == "facility":
        names = [
            (plant.facilities[number].park, plant.facilities[number].name) for number in condition.subjects
        ]
        row_of_site = {name: row for row, name in enumerate(names)}
        pairs = [
            (s.index, row_of_site[key]) for s in in_facility if (key := (s.park, s.facility)) in row_of_site
        ]
    elif condition.subject == "park":
        row_of = {plant.parks[number].name: row for row, number in enumerate(condition.subjects)}
        pairs = [(s.index, row_of[s.park]) for s in in_park if s.park in row_of]
    columns: NDArray[np.int64] = np.array(pairs, np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]

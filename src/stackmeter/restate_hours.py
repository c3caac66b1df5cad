"""The hours that a regulation counts, counted again after the windows: by the kernels of the line and of the proof."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ingest.regulated import HourRecompute
from plant.park import Plant, Source
from store import periods
from store.regulated import RegulatedHours, regulated_hours

Write = Callable[[int, RegulatedHours, RegulatedHours], int]


@dataclass(frozen=True, slots=True)
class HoursDelta:
    """What a restatement changes of a source's regulated hours [t CO2e], substituted ones elsewhere included."""

    park: str
    facility: str
    source: str
    hours: int
    reported_t: float
    current_t: float

    @property
    def delta_t(self) -> float:
        """What is added to the regulated tonnes."""
        return self.current_t - self.reported_t


def hours_again(
    connection: sqlite3.Connection,
    plant: Plant,
    kernels: HourRecompute,
    sources: Sequence[Source],
    months: tuple[str, str],
    write: Write | None,
) -> Iterator[HoursDelta]:
    """Yield, by source under a regulation, what differs of its hours in months [first, last], written 2026-01.

    Only hours that were counted before are measured again. `write` stores what differs (database id, hours as stored,
    hours as they should be); None leaves everything as it is.
    """
    zones = {park.name: park.zone for park in plant.parks}
    ids = {
        (park, facility, name): number
        for number, park, facility, name in connection.execute("SELECT id, park, facility, name FROM source")
    }
    for source in sources:
        number, zone = ids.get((source.park, source.facility, source.name)), zones[source.park]
        if source.regulation is None or number is None:
            continue
        start, end = periods.month_of(months[0], zone), periods.month_of(months[1], zone)
        counted = regulated_hours(connection, number, start, int(periods.next_month(end, zone))).hour
        if not len(counted):
            continue
        stored, new = kernels.again(source, number, counted)
        delta = _delta(source, stored, new)
        if delta.hours:
            if write is not None:
                write(number, stored, new)
            yield delta


def _delta(source: Source, stored: RegulatedHours, new: RegulatedHours) -> HoursDelta:
    """Compare hours that are stored, both in order of time, `new` a part of them."""
    rows = np.searchsorted(stored.hour, new.hour)
    before = stored.co2e_t[rows]
    same = (
        (stored.status[rows] == new.status)
        & ((before == new.co2e_t) | (np.isnan(before) & np.isnan(new.co2e_t)))
        & np.array([stored.inputs[row] == new.inputs[k] for k, row in enumerate(rows.tolist())], bool)
    )
    return HoursDelta(
        source.park,
        source.facility,
        source.name,
        int(np.count_nonzero(~same)),
        float(np.nansum(before[~same])),
        float(np.nansum(new.co2e_t[~same])),
    )

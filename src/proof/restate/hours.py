"""The hours that a regulation counts, counted again after the windows: by the kernels of the line and of the proof."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from ingest.line.regulated import HourRecompute
from plant import periods
from plant.park import Plant, Source
from store.accounting.closing import FROZEN, Closing
from store.accounting.regulated_hours import RegulatedHours, overlaid, regulated_hours, rows_of, waiting_hours

Write = Callable[[int, RegulatedHours, RegulatedHours], None]


@dataclass(frozen=True, slots=True)
class HoursDelta:
    """What a restatement changes of the regulated hours of a source's month [t CO2e]."""

    park: str
    facility: str
    source: str
    month: str
    hours: int
    reported_t: float
    current_t: float
    held: bool  # the month is final: it waits for approval

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
    """Yield, by source under a regulation and month, what differs of its hours in months [first, last], written 2026-01.

    Only hours that were counted before are measured again, and only those in the months are changed: the hours of others
    that are substituted from them follow when the line counts the next one. `write` stores what differs (database id,
    hours as published, hours as they should be); None leaves everything as it is.
    """
    zones = {park.name: park.zone for park in plant.parks}
    frozen = {(one.park, one.start) for one in Closing(connection, {}).periods() if one.status in FROZEN}
    ids = {
        (park, facility, name): number
        for number, park, facility, name in connection.execute("SELECT id, park, facility, name FROM source")
    }
    for source in sources:
        number, zone = ids.get((source.park, source.facility, source.name)), zones[source.park]
        if source.regulation is None or number is None:
            continue
        start, end = (
            periods.month_of(months[0], zone),
            int(periods.next_month(periods.month_of(months[1], zone), zone)),
        )
        counted = overlaid(
            regulated_hours(connection, number, start, end), waiting_hours(connection, number, start, end)
        ).hour
        if not len(counted):
            continue
        published, whole = kernels.again(source, number, counted)
        new = rows_of(whole, np.flatnonzero((whole.hour >= start) & (whole.hour < end)))
        known = overlaid(waiting_hours(connection, number, start, end), published)
        yield from _deltas(source, zone, known, new, frozen)
        if write is not None:
            write(number, published, new)


def _deltas(
    source: Source,
    zone: ZoneInfo,
    known: RegulatedHours,
    new: RegulatedHours,
    frozen: Collection[tuple[str, int]],
) -> Iterator[HoursDelta]:
    """Compare hours with those that are published, or wait without ever having been; `new` is a part of `known`."""
    rows = rows_of(known, np.searchsorted(known.hour, new.hour))
    same = (
        (rows.status == new.status)
        & ((rows.co2e_t == new.co2e_t) | (np.isnan(rows.co2e_t) & np.isnan(new.co2e_t)))
        & np.array([a == b for a, b in zip(rows.inputs, new.inputs, strict=True)], bool)
    )
    month = periods.month_start(new.hour, zone)
    for start in np.unique(month[~same]).tolist():
        mine = ~same & (month == start)
        yield HoursDelta(
            source.park,
            source.facility,
            source.name,
            periods.month_text(start, zone),
            int(np.count_nonzero(mine)),
            float(np.nansum(rows.co2e_t[mine])),
            float(np.nansum(new.co2e_t[mine])),
            held=(source.park, start) in frozen,
        )

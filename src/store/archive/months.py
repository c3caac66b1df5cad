"""Which months are due for the archive, what the others wait for, and up to where the journal may be pruned."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from plant import periods
from plant.clock import format_time
from plant.park import Plant
from plant.topics import SPARKPLUG
from plant.vocabulary import FOREVER, NS_PER_DAY
from store.accounting.closing import FROZEN
from store.archive.archived import ArchivedMonth, archived_months
from store.messages import backfills, quarantine, replays
from store.messages.steps import StepFailed, StepReader
from store.readings.kinds import ANY
from store.readings.read import first_times, newest_message

Standing = Literal["due", "archived", "waits"]
DUE: Standing = "due"
ARCHIVED: Standing = "archived"
WAITS: Standing = "waits"


@dataclass(frozen=True, slots=True)
class ArchiveMonth:
    """A final month of a park, from `start` to `end` [ns UTC], and how it stands; `why` says what it waits for, or is due for again."""

    park: str
    month: str
    start: int
    end: int
    status: Standing
    why: str = ""


def final_months(state: sqlite3.Connection, plant: Plant, now: int) -> list[ArchiveMonth]:
    """Return every final month of the configured parks, by park and time, and how it stands at a time [ns UTC]."""
    archived = {(one.park, one.start): one for one in archived_months(state)}
    rows = state.execute(
        f"SELECT park, start, finish FROM period WHERE status IN ({', '.join('?' * len(FROZEN))}) ORDER BY 1, 2",
        FROZEN,
    ).fetchall()
    zones = {park.name: park.zone for park in plant.parks}
    return [
        _standing(state, plant, zones[park], now, (park, start, end), archived.get((park, start)))
        for park, start, end in rows
        if park in zones
    ]


def _standing(
    state: sqlite3.Connection,
    plant: Plant,
    zone: ZoneInfo,
    now: int,
    of: tuple[str, int, int],
    archived: ArchivedMonth | None,
) -> ArchiveMonth:
    park, start, end = of
    name = periods.month_text(start, zone)
    changed = "" if archived is None else _changed_perhaps(state, plant, now, archived)
    if archived is not None and not changed:
        return ArchiveMonth(park, name, start, end, ARCHIVED)
    waits = next(_waits(state, plant, now, park, start, end), "")
    return ArchiveMonth(park, name, start, end, WAITS if waits else DUE, waits or changed)


def _waits(
    state: sqlite3.Connection, plant: Plant, now: int, park: str, start: int, end: int
) -> Iterator[str]:
    """Yield what keeps a final month from the archive."""
    if now < end + plant.max_late:
        yield f"its readings may come until {format_time(end + plant.max_late)} (max_late)"
    if found := quarantine.open_in(state, park, start, end):
        yield f"{found} of its messages are in quarantine: stackmeter quarantine list"
    if replays.open_replay(state) is not None:
        yield "a replay of refused messages is not done yet"
    for one in backfills.backfills(state):
        if one.closed is None and one.gateway.startswith(f"{park}/") and one.oldest < end:
            yield f"a backfill is open: {one.gateway}"


def _changed_perhaps(state: sqlite3.Connection, plant: Plant, now: int, archived: ArchivedMonth) -> str:
    """Do as `changed_since`; readings are looked at only where some may have come: in time, by a backfill or by a replay."""
    [(came,)] = state.execute(
        "SELECT EXISTS (SELECT 1 FROM backfill WHERE coalesce(closed, ?1) >= ?1)"
        " OR EXISTS (SELECT 1 FROM replay WHERE coalesce(finished, ?1) >= ?1)",
        (archived.at - NS_PER_DAY,),
    )
    if came or now < archived.end + plant.max_late:
        return changed_since(state, archived)
    return _restated(state, archived)


def changed_since(state: sqlite3.Connection, archived: ArchivedMonth) -> str:
    """Return what has changed of a month since it was archived, "" where nothing has."""
    if restated := _restated(state, archived):
        return restated
    newest = newest_message(state, channels_of(state, archived.park), archived.start, archived.end)
    return "readings came since" if newest >= archived.through else ""


def _restated(state: sqlite3.Connection, archived: ArchivedMonth) -> str:
    approved = state.execute(
        "SELECT 1 FROM decision WHERE park = ? AND start = ? AND action = 'approve' AND outcome = 'done' AND message >= ? LIMIT 1",
        (archived.park, archived.start, archived.through),
    ).fetchone()
    return "" if approved is None else "it was restated since"


def channels_of(state: sqlite3.Connection, park: str) -> list[int]:
    """Return the database ids of all channels that a park ever had, by facility and name."""
    rows = state.execute("SELECT id FROM channel WHERE park = ? ORDER BY facility, name", (park,))
    return [number for (number,) in rows]


def sources_of(state: sqlite3.Connection, park: str) -> list[int]:
    """Return the database ids of all sources that a park ever had, by facility and name."""
    rows = state.execute("SELECT id FROM source WHERE park = ? ORDER BY facility, name", (park,))
    return [number for (number,) in rows]


def prunable(
    state: sqlite3.Connection, plant: Plant, journal: Path, through: int, archived: set[tuple[str, int]]
) -> int:
    """Return the first message that the journal must keep once some months (park, start) and messages up to `through` are archived.

    What came after the last of the months that are archived of every park, without a gap from its first reading on, stays; so
    does the first message in quarantine and all after it, and everything while a replay is open or nodes of Sparkplug are heard, whose births a replay needs.
    """
    if any(one.format == SPARKPLUG for one in plant.subscriptions) or replays.open_replay(state) is not None:
        return 1
    zones = {park.name: park.zone for park in plant.parks}
    parks = [name for (name,) in state.execute("SELECT DISTINCT park FROM channel ORDER BY 1")]
    ends = [_archived_until(state, name, zones.get(name), archived) for name in parks]
    [(refused,)] = state.execute(
        "SELECT coalesce(min(message), ?) FROM quarantine WHERE outcome = 'quarantined'", (through,)
    )
    until = min(ends, default=FOREVER)
    return 1 if until == FOREVER else max(1, min(_came_before(journal, until), int(refused), through))


def _archived_until(
    state: sqlite3.Connection, park: str, zone: ZoneInfo | None, archived: set[tuple[str, int]]
) -> int:
    """Return up to when all months of a park are archived [ns UTC], `FOREVER` of one that was never heard."""
    first = min(first_times(state, channels_of(state, park), ANY).values(), default=FOREVER)
    if first == FOREVER or zone is None:
        return first
    at = int(periods.month_start(first, zone))
    while (park, at) in archived:
        at = int(periods.next_month(at, zone))
    return at


def _came_before(journal: Path, time: int) -> int:
    """Return a message before which all came before a time [ns UTC], as far as steps tell, and not much earlier."""
    with closing(StepReader(journal)) as steps:
        try:
            return steps.left_before(time)
        except StepFailed:
            return 1

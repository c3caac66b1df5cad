"""What the frame of conditions reads from the state: readings of channels, and what is known of gateways."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from plant.arrays import Bytes, Floats, Ints, Times
from store.blocks import FIELDS, block_of
from store.readings.kinds import COUNTING
from store.readings.read import first_after, from_counting, last_before
from store.sqlite import write_rows

_IN_THESE = "(SELECT value FROM json_each(?))"


def newest_readings(
    connection: sqlite3.Connection, channels: Iterable[int], since: Iterable[int]
) -> tuple[Ints, Times, Floats, Bytes]:
    """Return readings from the last counting one at or before a time on: place, time, value and quality, by place and time.

    Parameters
    ----------
    channels, since
        Database ids, and for each a time [ns UTC]; `place` in the answer counts them.
    """
    ids, times = list(channels), list(since)
    found = from_counting(connection, ids, times)
    place_of = {number: place for place, number in enumerate(ids)}
    place = np.array([place_of[number] for number in found.channel.tolist()], np.int64)
    return place, found.time, found.value, found.quality


def last_counting(connection: sqlite3.Connection, channel: int, time: int) -> int | None:
    """Return the time of a channel's (database id) last counting reading at or before a time [ns UTC], None without one."""
    found = last_before(connection, channel, time, COUNTING).time
    return int(found[0]) if len(found) else None


def counting_readings(
    connection: sqlite3.Connection, channel: int, after: int, until: int, most: int
) -> tuple[Times, Floats]:
    """Return time and value of a channel's (database id) counting readings in (after, until] [ns UTC], at most so many."""
    found = first_after(connection, channel, after, COUNTING, most, until)
    return found.time, found.value


@dataclass(frozen=True, slots=True)
class HourBlocks:
    """Hours of sources' windows: database id and start [ns UTC] of each, and its block, [hours, windows, fields]."""

    source: Ints
    hour: Times
    block: Floats


def hour_blocks(
    connection: sqlite3.Connection, sources: Iterable[int], start: int, end: int, windows: int
) -> HourBlocks:
    """Return the stored hours of sources (database ids) that start in [start, end), by source and time."""
    rows = connection.execute(
        f"SELECT source, hour, block FROM emission WHERE source IN {_IN_THESE} AND hour >= ? AND hour < ?"
        " ORDER BY 1, 2",
        (json.dumps(list(sources)), start, end),
    )
    hours = [(*key, block) for *key, data in rows if (block := block_of(data, windows)) is not None]
    return HourBlocks(
        np.array([hour[0] for hour in hours], np.int64),
        np.array([hour[1] for hour in hours], np.int64),
        np.array([hour[2] for hour in hours]).reshape(len(hours), windows, len(FIELDS)),
    )


def gateways_online(connection: sqlite3.Connection) -> dict[str, bool]:
    """Return what gateways said last of being online, by id, without those whose word cannot be read."""
    rows = connection.execute("SELECT gateway, online FROM gateway_status WHERE online IS NOT NULL")
    return {gateway: bool(online) for gateway, online in rows}


def gateways_heard(connection: sqlite3.Connection, gateways: Iterable[str]) -> dict[str, int]:
    """Return when gateways were heard last [ns UTC], by id; where only the minute is known, that is its beginning."""
    names = json.dumps(list(gateways))
    exact = dict(connection.execute("SELECT gateway, at FROM gateway_heard"))
    for query in (
        f"SELECT gateway, at FROM gateway_status WHERE gateway IN {_IN_THESE}",
        "SELECT value, (SELECT max(heard) FROM boot WHERE gateway = value) AS at FROM json_each(?) WHERE at IS NOT NULL",
    ):
        for gateway, at in connection.execute(query, (names,)):
            exact[gateway] = max(exact.get(gateway, at), at)
    minutes = connection.execute(
        "SELECT value, (SELECT max(start) FROM balance WHERE gateway = value AND level = 0) FROM json_each(?)",
        (names,),
    )
    for gateway, minute in minutes:
        if minute is not None and (gateway not in exact or exact[gateway] < minute):
            exact[gateway] = minute
    return exact


def gateway_offsets(connection: sqlite3.Connection) -> dict[str, tuple[int, Floats]]:
    """Return the least offset of each gateway's clock in its last minutes, as it was noted: minute and offsets [ns]."""
    rows = connection.execute("SELECT gateway, minute, offsets FROM gateway_heard")
    return {gateway: (minute, np.frombuffer(offsets, "<f8")) for gateway, minute, offsets in rows}


def note_gateways_heard(
    connection: sqlite3.Connection, heard: Iterable[tuple[str, int, int, Floats]]
) -> None:
    """Remember of gateways: id, when it was heard last [ns UTC], and minute and offsets of its clock."""
    rows = [(gateway, at, minute, offsets.astype("<f8").tobytes()) for gateway, at, minute, offsets in heard]
    write_rows(connection, "INSERT OR REPLACE INTO gateway_heard (gateway, at, minute, offsets)", rows)

"""What the state knows of gateways, to be read: their own word, when they were heard, their clocks, boots and refusals."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plant.arrays import Floats
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, NS_PER_S
from store.frame_rows import gateway_offsets, gateways_heard
from store.messages.boots import BootTable, acknowledged_since
from store.messages.sparkplug import Absence, absences
from store.readings.kinds import COUNTING
from store.readings.rows import newest_row_times

MOST_BOOTS = 20  # of a gateway, the newest


@dataclass(frozen=True, slots=True)
class BootState:
    """What was received of one boot; `missing` are ranges [low, high] at or below `received_through`."""

    boot: str
    heard: int  # ns UTC
    received_through: int
    missing: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What is known of one gateway; None is unknown."""

    online: bool | None  # its own last word, or its last will
    said_at: int | None  # ns UTC: when it said so
    heard: int | None  # ns UTC
    lag: float | None  # s
    skew: float | None  # s
    numbered: bool  # whether it ever gave boot and seq
    boots: tuple[BootState, ...]  # newest first
    codes: Mapping[str, int]  # of the last 24 hours
    absent: tuple[Absence, ...]  # Sparkplug devices that are not there


def gateway_states(
    connection: sqlite3.Connection, gateways: Sequence[str], now: int
) -> dict[str, GatewayState]:
    """Return what is known of gateways (park/facility/gateway) at `now` [ns UTC].

    Lag is the least of arrival less reading time in the newest minute that was heard, skew the least of the last ten
    minutes; both are kept while some condition asks of gateways.
    """
    heard = gateways_heard(connection, gateways)
    offsets = gateway_offsets(connection)
    said = _said(connection, gateways)
    numbered = _numbered(connection, gateways)
    codes = _codes(connection, gateways, now - NS_PER_DAY)
    absent = _absent_devices(connection)
    found = {}
    for name in gateways:
        online, said_at = said.get(name, (None, None))
        lag, skew = _clock(*offsets[name], now) if name in offsets else (None, None)
        found[name] = GatewayState(
            online=online,
            said_at=said_at,
            heard=heard.get(name),
            lag=lag,
            skew=skew,
            numbered=name in numbered,
            boots=_boots(connection, name, now),
            codes=codes[name],
            absent=tuple(absent[name]),
        )
    return found


@dataclass(frozen=True, slots=True)
class GatewaysSeen:
    """How gateways are at a glance, by id; one of which nothing is known is left out."""

    up: Mapping[str, bool]  # its last word, or its last will
    heard: Mapping[str, int]  # ns UTC
    newest: Mapping[
        str, int
    ]  # ns UTC: the time of its newest counting reading, of those that are kept as rows


def gateways_seen(
    connection: sqlite3.Connection, gateways: Sequence[str], owners: Mapping[int, str]
) -> GatewaysSeen:
    """Return how gateways are, at the price of a look-up each; `owners` has the gateway of each channel's number."""
    newest: dict[str, int] = {}
    rows = newest_row_times(connection, list(owners), COUNTING, 1)
    for channel, time in zip(*(column.tolist() for column in rows), strict=True):
        newest[owners[channel]] = max(time, newest.get(owners[channel], time))
    asked = set(gateways)
    return GatewaysSeen(
        up={name: up for name, (up, _) in _said(connection, gateways).items() if up is not None},
        heard={name: at for name, at in gateways_heard(connection, gateways).items() if name in asked},
        newest={name: at for name, at in newest.items() if name in asked},
    )


def _clock(minute: int, least: Floats, now: int) -> tuple[float | None, float | None]:
    """Return lag and skew [s] from a ring of the least offsets of minutes, the newest of which is `minute`."""
    minutes = minute - np.arange(len(least))
    ring = least[minutes % len(least)]
    recent = np.where(now // NS_PER_MIN - minutes < len(least), ring, np.inf)
    lag, skew = float(ring[0]), float(recent.min())
    return (lag / NS_PER_S if np.isfinite(lag) else None), (skew / NS_PER_S if np.isfinite(skew) else None)


def _said(connection: sqlite3.Connection, gateways: Sequence[str]) -> dict[str, tuple[bool | None, int]]:
    rows = connection.execute(
        "SELECT gateway, online, at FROM gateway_status WHERE gateway IN (SELECT value FROM json_each(?))",
        (json.dumps(gateways),),
    )
    return {name: (None if online is None else bool(online), at) for name, online, at in rows}


def _absent_devices(connection: sqlite3.Connection) -> defaultdict[str, list[Absence]]:
    """Return the devices that are not there, by gateway."""
    found: defaultdict[str, list[Absence]] = defaultdict(list)
    for one in absences(connection):
        if one.device:
            found[one.gateway].append(one)
    return found


def _numbered(connection: sqlite3.Connection, gateways: Sequence[str]) -> set[str]:
    rows = connection.execute(
        "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM sequence WHERE gateway = value)",
        (json.dumps(gateways),),
    )
    return {name for (name,) in rows}


def _boots(connection: sqlite3.Connection, gateway: str, now: int) -> tuple[BootState, ...]:
    """Return boots of a gateway that an ack would list, the one heard latest first."""
    table = BootTable(connection)
    found = []
    for one in table.newest(gateway, MOST_BOOTS, acknowledged_since(now)):
        through, missing = table.received(gateway, one.name)
        found.append(BootState(one.name, one.heard, through, tuple((low, high) for low, high in missing)))
    return tuple(found)


def _codes(
    connection: sqlite3.Connection, gateways: Sequence[str], since: int
) -> defaultdict[str, dict[str, int]]:
    """Return how many messages of gateways were refused by which code in the minutes from `since` on."""
    rows = connection.execute(
        "SELECT value, code, sum(count) FROM json_each(?) CROSS JOIN code ON gateway = value AND level = 0 AND start >= ?"
        " GROUP BY value, code ORDER BY value, code",
        (json.dumps(gateways), since),
    )
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for gateway, code, count in rows:
        found[gateway][code] = count
    return found

"""What is known of Sparkplug edge nodes between their messages, in the line's transaction, and which of them are away."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from store.messages.journal import DECISION, Message
from store.readings.kinds import COUNTING
from store.readings.read import newest

OUT_OF_SIGHT = b"$stackmeter/sparkplug"  # no subscription of ours matches it


@dataclass(frozen=True, slots=True)
class Absence:
    """An edge node (group/node) or its device that is not there; its channels are stale unless others speak for them."""

    node: str
    device: str  # "": the node itself
    online: bool | None  # None: nobody knows
    since: int  # ns UTC
    message: int  # the journal's offset of what said so
    metrics: Sequence[str]  # of its last birth: device/name, or name
    gateway: str  # park/facility/gateway
    channels: Sequence[int]  # ids of those that the metrics are


def out_of_sight(now: int) -> Message:
    """Return what is journalled, among edge nodes' messages, where we may not have heard what came next [ns UTC]."""
    return Message(now, OUT_OF_SIGHT, b"", DECISION)


def stored_nodes(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return each edge node's memory by its name, group/node."""
    return {
        name: bytes(content)
        for name, content in connection.execute("SELECT node, content FROM sparkplug_node")
    }


def node_names(connection: sqlite3.Connection) -> list[str]:
    """Return the names, group/node, of the edge nodes that were ever heard, in order."""
    return [name for (name,) in connection.execute("SELECT node FROM sparkplug_node ORDER BY node")]


def stored_births(connection: sqlite3.Connection, node: str) -> bytes | None:
    """Return what the births of an edge node said, None where nothing was stored."""
    row = connection.execute("SELECT content FROM sparkplug_birth WHERE node = ?", (node,)).fetchone()
    return bytes(row[0]) if row else None


def store_nodes(connection: sqlite3.Connection, nodes: Mapping[str, tuple[bytes, bytes | None]]) -> None:
    """Store edge nodes' memories, and what their births said where that changed."""
    bare = [(name, content) for name, (content, _) in nodes.items()]
    births = [(name, content) for name, (_, content) in nodes.items() if content is not None]
    connection.executemany("INSERT OR REPLACE INTO sparkplug_node VALUES (?, ?)", bare)
    connection.executemany("INSERT OR REPLACE INTO sparkplug_birth VALUES (?, ?)", births)


def forget_online(connection: sqlite3.Connection, gateways: Iterable[str]) -> None:
    """Know no longer whether gateways (park/facility/gateway) are there; what they said last, and when, stays."""
    connection.executemany(
        "UPDATE gateway_status SET online = NULL WHERE gateway = ?", [(one,) for one in gateways]
    )


def let_go(connection: sqlite3.Connection, one: Absence) -> None:
    """Note that a node or a device is away; of one that was, a death is news, and its metrics are those of before."""
    connection.execute(
        "INSERT INTO sparkplug_away VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET online = excluded.online,"
        " since = iif(excluded.online IS NULL, since, excluded.since) WHERE online IS NOT excluded.online",
        _row(one),
    )


def replace_absence(connection: sqlite3.Connection, one: Absence) -> None:
    """Store what else is known of a node or a device that is away."""
    connection.execute("INSERT OR REPLACE INTO sparkplug_away VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _row(one))


def _row(one: Absence) -> tuple[str | int | None, ...]:
    lists = json.dumps(one.metrics), json.dumps(one.channels)
    return one.node, one.device, one.online, one.since, one.message, lists[0], one.gateway, lists[1]


def bring_back(connection: sqlite3.Connection, node: str, device: str) -> None:
    """Note that a node or a device is there."""
    connection.execute("DELETE FROM sparkplug_away WHERE node = ? AND device = ?", (node, device))


def absences(connection: sqlite3.Connection) -> list[Absence]:
    """Return all nodes and devices that are away, by node and device."""
    rows = connection.execute(
        "SELECT node, device, online, since, message, metrics, gateway, channels FROM sparkplug_away ORDER BY node, device"
    )
    return [
        Absence(
            *(node, device, None if online is None else bool(online), since, message),
            *(json.loads(metrics), gateway, json.loads(channels)),
        )
        for node, device, online, since, message, metrics, gateway, channels in rows
    ]


def channels_away(connection: sqlite3.Connection, channels: Collection[int]) -> set[int]:
    """Return those channels (ids) whose node or device is away, and of which nobody said anything newer since."""
    rows = connection.execute(
        "SELECT c.value, a.message, a.since FROM sparkplug_away AS a, json_each(a.channels) AS c"
        " WHERE c.value IN (SELECT value FROM json_each(?))",
        (json.dumps(list(channels)),),
    ).fetchall()
    found = newest(connection, {number for number, *_ in rows}, COUNTING)
    said = zip(found.message.tolist(), found.time.tolist(), strict=True)
    heard = dict(zip(found.channel.tolist(), said, strict=True))
    return {
        number
        for number, message, since in rows
        if number not in heard or heard[number][0] <= message or heard[number][1] <= since
    }

"""What is known of Sparkplug edge nodes between their messages, in the line's transaction."""

import sqlite3
from collections.abc import Iterable, Mapping

from store.journal import DECISION, Message

OUT_OF_SIGHT = b"$stackmeter/sparkplug"  # no subscription of ours matches it


def out_of_sight(now: int) -> Message:
    """Return what is journalled, among edge nodes' messages, where we may not have heard what came next [ns UTC]."""
    return Message(now, OUT_OF_SIGHT, b"", DECISION)


def stored_nodes(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return each edge node's memory by its name, group/node."""
    return {
        name: bytes(content)
        for name, content in connection.execute("SELECT node, content FROM sparkplug_node")
    }


def store_nodes(connection: sqlite3.Connection, nodes: Mapping[str, bytes]) -> None:
    """Store edge nodes' memories."""
    connection.executemany("INSERT OR REPLACE INTO sparkplug_node VALUES (?, ?)", nodes.items())


def forget_online(connection: sqlite3.Connection, gateways: Iterable[str]) -> None:
    """Know no longer whether gateways (park/facility/gateway) are there; what they said last, and when, stays."""
    connection.executemany(
        "UPDATE gateway_status SET online = NULL WHERE gateway = ?", [(one,) for one in gateways]
    )

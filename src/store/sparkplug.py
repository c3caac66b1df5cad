"""What is known of Sparkplug edge nodes between their messages, in the line's transaction."""

import sqlite3
from collections.abc import Mapping


def stored_nodes(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return each edge node's memory by its name, group/node."""
    return {
        name: bytes(content)
        for name, content in connection.execute("SELECT node, content FROM sparkplug_node")
    }


def store_nodes(connection: sqlite3.Connection, nodes: Mapping[str, bytes]) -> None:
    """Store edge nodes' memories."""
    connection.executemany("INSERT OR REPLACE INTO sparkplug_node VALUES (?, ?)", nodes.items())

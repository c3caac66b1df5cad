"""What the line wrote and whoever follows it has yet to see: kept in the line's transaction, dropped in that of the follower.

So the follower may fail, or the service end between the two, and what is new is seen once.
"""

import sqlite3
from dataclasses import dataclass, fields

import msgspec
import numpy as np

from plant.arrays import Bools, Readings, Times

TABLE = "CREATE TABLE IF NOT EXISTS news (id INTEGER PRIMARY KEY AUTOINCREMENT, content BLOB NOT NULL)"
_TYPES = {one.name: getattr(Readings.empty(), one.name).dtype for one in fields(Readings)}


@dataclass(frozen=True, slots=True)
class News:
    """What is new of some messages; `again` says that they had been refused, and are taken anew.

    `gateways`, `received` and `last` have an entry for each message: whose it is, when it came, and the time of its last
    reading [ns UTC; the far past where it has none]. `fresh` says of each reading whether it was not known before.
    """

    again: bool
    configuration: str  # by whose indexes (its hash) the readings name channels
    gateways: list[str]
    received: Times
    last: Times
    readings: Readings
    fresh: Bools


class _Kept(msgspec.Struct, frozen=True):
    """The same, its columns in bytes."""

    again: bool
    configuration: str
    gateways: list[str]
    received: bytes
    last: bytes
    readings: dict[str, bytes]
    fresh: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


def tell(connection: sqlite3.Connection, news: News) -> None:
    """Keep what is new, in the transaction that wrote it."""
    columns = {name: getattr(news.readings, name).tobytes() for name in _TYPES}
    kept = _Kept(
        news.again, news.configuration, news.gateways, news.received.tobytes(), news.last.tobytes(), columns, news.fresh.tobytes()
    )  # fmt: skip
    connection.execute("INSERT INTO news (content) VALUES (?)", (_encode(kept),))


def untold(connection: sqlite3.Connection, configuration: str) -> list[News]:
    """Return what nobody has seen, in order, of what was kept under a configuration (its hash).

    What was kept under another one is of before a kill: its readings are in the state, for conditions to find. Whatever error
    is raised where a row cannot be read.
    """
    rows = connection.execute("SELECT content FROM news ORDER BY id").fetchall()
    return [
        News(
            kept.again,
            kept.configuration,
            kept.gateways,
            np.frombuffer(kept.received, np.int64),
            np.frombuffer(kept.last, np.int64),
            Readings(**{name: np.frombuffer(kept.readings[name], kind) for name, kind in _TYPES.items()}),
            np.frombuffer(kept.fresh, bool),
        )
        for kept in (_decode(content) for (content,) in rows)
        if kept.configuration == configuration
    ]


def is_unseen(connection: sqlite3.Connection) -> bool:
    """Return whether nothing was seen yet: all that ever came still stands there."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'news'").fetchone()
    (rows,) = connection.execute("SELECT count(*) FROM news").fetchone()
    return row is None or int(row[0]) == int(rows)


def drop(connection: sqlite3.Connection) -> None:
    """Forget what was seen, in the transaction that saw it."""
    connection.execute("DELETE FROM news")

"""What the line wrote and whoever follows it has yet to see: kept in the line's transaction, dropped in that of the follower.

So the follower may fail, or the service end between the two, and what is new is seen once.
"""

import sqlite3
from dataclasses import fields

import msgspec
import numpy as np

from plant.arrays import Bools, Ints, Readings, Times

TABLE = "CREATE TABLE IF NOT EXISTS news (id INTEGER PRIMARY KEY AUTOINCREMENT, content BLOB NOT NULL)"
_TYPES = {one.name: getattr(Readings.empty(), one.name).dtype for one in fields(Readings)}


class News(msgspec.Struct, frozen=True):
    """What is new of some messages, as columns in bytes; `again` says that they had been refused, and are taken anew.

    `gateways`, `received` and `last` have an entry for each message: whose it is, when it came, and the time of its last
    reading [ns UTC]. `readings` has the columns of readings, and `fresh` whether each was not known before.
    """

    again: bool
    configuration: str  # by whose indexes (its hash) the readings name channels
    gateways: list[str]
    received: bytes
    last: bytes
    readings: dict[str, bytes]
    fresh: bytes

    @classmethod
    def of(
        cls,
        configuration: str,
        gateways: list[str],
        received: Times,
        last: Times,
        readings: Readings,
        fresh: Bools,
        *,
        again: bool,
    ) -> "News":
        """Return the news of messages and of readings."""
        columns = {name: getattr(readings, name).tobytes() for name in _TYPES}
        return cls(
            again, configuration, gateways, received.tobytes(), last.tobytes(), columns, fresh.tobytes()
        )

    def of_messages(self) -> tuple[list[str], Times, Times]:
        """Return gateway, arrival and last reading's time of each message."""
        return self.gateways, np.frombuffer(self.received, np.int64), np.frombuffer(self.last, np.int64)

    def of_readings(self) -> tuple[Readings, Bools]:
        """Return the readings, and which of them are fresh."""
        columns = {name: np.frombuffer(self.readings[name], kind) for name, kind in _TYPES.items()}
        return Readings(**columns), np.frombuffer(self.fresh, bool)


_encode = msgspec.msgpack.Encoder().encode
read = msgspec.msgpack.Decoder(News).decode


def tell(connection: sqlite3.Connection, news: News) -> None:
    """Keep what is new, in the transaction that wrote it."""
    connection.execute("INSERT INTO news (content) VALUES (?)", (_encode(news),))


def untold(connection: sqlite3.Connection) -> tuple[int, list[bytes]]:
    """Return what nobody has seen, in order and yet to be `read`, and up to which row that is."""
    rows = connection.execute("SELECT id, content FROM news ORDER BY id").fetchall()
    return (rows[-1][0] if rows else 0), [content for _, content in rows]


def is_unseen(connection: sqlite3.Connection) -> bool:
    """Return whether nothing was seen yet: all that ever came still stands there."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'news'").fetchone()
    (rows,) = connection.execute("SELECT count(*) FROM news").fetchone()
    return row is None or int(row[0]) == int(rows)


def drop(connection: sqlite3.Connection, last: int) -> None:
    """Forget what was seen, up to a row."""
    connection.execute("DELETE FROM news WHERE id <= ?", (last,))


def newest(position: Ints, time: Times, messages: int) -> Times:
    """Return the time of each message's last reading; the far past where it has none."""
    last = np.full(messages, np.iinfo(np.int64).min // 2)
    np.maximum.at(last, position, time)
    return last

"""The state: everything that follows from the journal, in one SQLite file with one writer."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import numpy as np

from plant.arrays import Ints
from plant.park import Plant
from plant.transfers import is_transfer
from store.books import Books
from store.closing import Closing
from store.emissions import EmissionTable
from store.ledger import Ledger
from store.readings import ReadingTable
from store.sqlite import STATE, StateMismatch, claim, open_writer, transaction
from store.sums import only_events

SCHEMA_VERSION = 4


class State:
    """The line's own connection and the tables behind it. Only one thread uses it."""

    def __init__(self, path: Path, plant: Plant) -> None:
        self.path = path
        self._connection = open_writer(path)
        claim(self._connection, path, STATE)
        self._create(plant)
        self._plant = plant
        self.channel_ids = self._ids("channel", [(c.park, c.facility, c.name) for c in plant.channels])
        self.source_ids = self._ids("source", [(s.park, s.facility, s.name) for s in plant.sources])
        zones = {p.name: p.zone for p in plant.parks}
        zone_of = {
            int(number): zones[s.park] for number, s in zip(self.source_ids, plant.sources, strict=True)
        }
        self.readings = ReadingTable(self._connection)
        quiet = [int(self.source_ids[s.index]) for s in plant.sources if only_events(plant, s.index)]
        self.closing = Closing(
            self._connection,
            {int(n): (s.park, zones[s.park]) for n, s in zip(self.source_ids, plant.sources, strict=True)},
            self.source_ids[is_transfer(plant.sources, by_park=True)].tolist(),
        )
        self.emissions = EmissionTable(self._connection, plant.window, zone_of, quiet, self.closing)
        self.ledger = Ledger(self._connection)
        self.books = Books(self._connection)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for what takes part in a transaction."""
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing; what memory kept of a failed transaction is forgotten."""
        try:
            with transaction(self._connection):
                yield
        except BaseException:
            self.emissions.forget()
            self.ledger.forget()
            self.closing.forget()
            raise

    @property
    def cursor(self) -> int:
        """The first journal offset that is not yet part of the state."""
        return int(self._connection.execute("SELECT next FROM cursor WHERE name = 'line'").fetchone()[0])

    def move_cursor(self, offset: int) -> None:
        """Set the cursor, in the transaction that made the state follow."""
        self._connection.execute("UPDATE cursor SET next = ? WHERE name = 'line'", (offset,))

    def bind(self, journal: bytes | None) -> None:
        """Remember which journal this state follows, in the transaction that takes its first message."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('journal', ?)", (journal,))

    @property
    def journal(self) -> bytes | None:
        """The identity of the journal that this state follows, None before its first message."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'journal'").fetchone()
        return bytes(row[0]) if row else None

    def note_projection(self, *, to_influx: bool) -> None:
        """Remember whether the service that runs on this state sends to InfluxDB what the outboxes hold."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('to_influx', ?)", (int(to_influx),))

    def note_first_readings(self, source: Ints, time: Ints) -> None:
        """Remember when sources (by index) had their first reading."""
        self._connection.executemany(
            "UPDATE source SET first = min(coalesce(first, ?1), ?1) WHERE id = ?2",
            list(zip(time.tolist(), self.source_ids[source].tolist(), strict=True)),
        )

    def first_readings(self) -> Ints:
        """Return the first reading's time of each source by index; the far future where there is none."""
        stored = dict(self._connection.execute("SELECT id, coalesce(first, 4611686018427387904) FROM source"))
        return np.array([stored[int(number)] for number in self.source_ids], np.int64)

    def enqueue_readings(self, count: int, packed: bytes) -> None:
        """Put readings into the InfluxDB outbox."""
        self._connection.execute(
            "INSERT INTO influx_reading (count, readings) VALUES (?, ?)", (count, packed)
        )

    def close(self) -> None:
        """Fold the write-ahead log into the file and close."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _create(self, plant: Plant) -> None:
        """Make the tables of a new file; refuse one of another version or window length."""
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            script = resources.files("store").joinpath("schema.sql").read_text()
            self._connection.executescript(
                f"BEGIN;\n{script}\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
            )
            self._connection.execute("INSERT INTO cursor VALUES ('line', 1)")
            self._connection.execute("INSERT INTO meta VALUES ('window', ?)", (plant.window,))
        elif version != SCHEMA_VERSION:
            raise StateMismatch(
                f"{self.path} has schema {version}, this version of Stackmeter reads {SCHEMA_VERSION}: move it aside and"
                " start from the journal (docs/operating.md, Upgrade)"
            )
        window = int(self._connection.execute("SELECT value FROM meta WHERE key = 'window'").fetchone()[0])
        if window != plant.window:
            raise StateMismatch(
                f"{self.path} was made with windows of {window / 1e9:g} s, the configuration says {plant.window / 1e9:g} s:"
                " use another state directory"
            )

    def _ids(self, table: str, names: list[tuple[str, str, str]]) -> Ints:
        """Return the database ids of names, giving new ones where needed."""
        with transaction(self._connection):
            self._connection.executemany(
                f"INSERT OR IGNORE INTO {table} (park, facility, name) VALUES (?, ?, ?)", names
            )
        stored = {
            tuple(r[1:]): int(r[0])
            for r in self._connection.execute(f"SELECT id, park, facility, name FROM {table}")
        }
        return np.array([stored[name] for name in names], np.int64)

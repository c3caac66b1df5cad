"""The state: everything that follows from the journal, in one SQLite file with one writer."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import numpy as np

from plant.arrays import Ints, Readings, Times
from plant.inventory import is_counted
from plant.park import Plant
from store.accounting.closing import Closing
from store.accounting.ledger import Ledger
from store.faults import told_of
from store.influx.queue import queue_readings
from store.messages import news
from store.messages.books import Books
from store.messages.boots import BootTable
from store.messages.journal import JournalReader
from store.messages.steps import StepRecorder, go_on_from, next_step
from store.readings.folding import Folding
from store.readings.table import ReadingTable
from store.sound_rows import set_unsound_aside
from store.sqlite import STATE, StateMismatch, be_brisk, claim, open_state, transaction
from store.totals.beginnings import UNHEARD, Beginnings, owed_from
from store.totals.emissions import EmissionTable
from store.totals.sums import only_events
from store.upgrade import SCHEMA_VERSION, UPGRADED, of_another_schema, upgrade

REMEDY = (
    "move state.db, state.db-wal and state.db-shm aside and start: it is made again from the journal"
    " (docs/operating.md, Upgrade)"
)


class State:
    """The line's own connection and the tables behind it. Only one thread uses it."""

    def __init__(self, path: Path, plant: Plant) -> None:
        self.path = path
        with told_of(path, REMEDY):
            self._open(plant)

    def _open(self, plant: Plant) -> None:
        self._connection = open_state(self.path)
        claim(self._connection, self.path, STATE, _creation(plant.window))
        self._check(plant)
        with transaction(self._connection):
            set_unsound_aside(self._connection)
            self._connection.execute(news.TABLE)
        self._plant = plant
        self.channel_ids = self._ids("channel", [(c.park, c.facility, c.name) for c in plant.channels])
        self.source_ids = self._ids("source", [(s.park, s.facility, s.name) for s in plant.sources])
        zones = {p.name: p.zone for p in plant.parks}
        zone_of = {
            int(number): zones[s.park] for number, s in zip(self.source_ids, plant.sources, strict=True)
        }
        self.readings = ReadingTable(self._connection)
        self.folding = Folding(self._connection)
        quiet = [int(self.source_ids[s.index]) for s in plant.sources if only_events(plant, s.index)]
        self.closing = Closing(
            self._connection,
            {int(n): (s.park, zones[s.park]) for n, s in zip(self.source_ids, plant.sources, strict=True)},
            self.source_ids[~is_counted(plant.sources, "park")].tolist(),
        )
        self.emissions = EmissionTable(self._connection, plant.window, zone_of, quiet, self.closing)
        self.ledger = Ledger(self._connection)
        self.books = Books(self._connection, zones)
        self.boots = BootTable(self._connection)
        self.recorder = StepRecorder(self._connection)
        be_brisk(self._connection)
        self.beginnings = Beginnings(plant, self._connection, self.channel_ids, self.source_ids)
        with transaction(self._connection):
            self.beginnings.renew()

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
            self.beginnings.forget()
            raise
        self.beginnings.settle()

    @property
    def cursor(self) -> int:
        """The first journal offset that is not yet part of the state."""
        return int(self._connection.execute("SELECT next FROM cursor WHERE name = 'line'").fetchone()[0])

    def move_cursor(self, offset: int) -> None:
        """Set the cursor, in the transaction that made the state follow."""
        self._connection.execute("UPDATE cursor SET next = ? WHERE name = 'line'", (offset,))

    @property
    def step(self) -> int:
        """The number of the first step that is not part of the state."""
        return next_step(self._connection)

    def go_on_from(self, step: int) -> None:
        """Set that number, inside a transaction."""
        go_on_from(self._connection, step)

    def be_quiet(self, until: int) -> None:
        """Remember the first message from which on people are told of alerts, inside a transaction."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('quiet', ?)", (until,))

    @property
    def quiet_until(self) -> int:
        """The first message from which on people are told of alerts."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'quiet'").fetchone()
        return int(row[0]) if row else 0

    @property
    def is_quiet(self) -> bool:
        """Whether people were told before of the alerts that come of what is being taken."""
        return self.cursor < self.quiet_until

    def take_under(self, configuration: str) -> None:
        """Remember under which configuration (its hash) messages are taken from the cursor on."""
        with transaction(self._connection):
            first = self.cursor
            self._connection.execute("DELETE FROM configuration WHERE first >= ?", (first,))
            self._connection.execute(
                "INSERT INTO configuration SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM configuration WHERE hash = ?2"
                " AND first = (SELECT max(first) FROM configuration))",
                (first, configuration),
            )

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

    def begun(self) -> Times:
        """Return from when on each source owes windows [ns UTC]; `UNHEARD` of those that were never heard."""
        begins = self.beginnings.times
        return np.where(begins == UNHEARD, UNHEARD, owed_from(self._plant.sources, begins))

    def enqueue_readings(self, readings: Readings) -> None:
        """Put readings, their channels by database id, into the InfluxDB outbox."""
        queue_readings(self._connection, readings)

    def close(self) -> None:
        """Fold the write-ahead log into the file and close."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def check_follows(self, journal: JournalReader) -> None:
        """Raise StateMismatch where the state knows messages which a journal does not have, or follows another journal."""
        if self.journal not in (None, journal.identity()):
            raise StateMismatch(
                f"{self.path} follows another journal than {journal.path}: restore both from one backup;"
                " without state.db the journal alone gives the same state again"
            )
        if self.cursor < journal.begin():
            raise StateMismatch(
                f"{journal.path} begins at message {journal.begin()}, and {self.path} lacks messages from {self.cursor} on: what came"
                " before is in the archive; stackmeter rebuild --archive PLACE makes the state again from both"
            )
        if self.cursor > journal.end():
            raise StateMismatch(
                f"{journal.whole_up_to()}, and {self.path} follows messages up to {self.cursor - 1}: what came after"
                " is damaged or missing, or they do not belong together; restore both from one backup, or move state.db aside to"
                " make it again without those messages"
            )

    def _check(self, plant: Plant) -> None:
        """Refuse a state of a version from which there is no way to today's, or of another window length; bring it to today's."""
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version != SCHEMA_VERSION and version not in UPGRADED:
            raise StateMismatch(f"{self.path} {of_another_schema(version)}")
        found = self._connection.execute(
            "SELECT (SELECT value FROM meta WHERE key = 'window'), (SELECT next FROM cursor WHERE name = 'line')"
        ).fetchone()
        if not all(isinstance(value, int) for value in found):
            raise StateMismatch(
                f"{self.path} does not say how far it follows the journal, or by which windows: restore it from a backup, or"
                " move it aside and start from the journal (docs/operating.md, Upgrade)"
            )
        window = found[0]
        if window != plant.window:
            raise StateMismatch(
                f"{self.path} was made with windows of {window / 1e9:g} s, the configuration says {plant.window / 1e9:g} s:"
                " use another state directory"
            )
        upgrade(self._connection, version)

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


def _creation(window: int) -> str:
    """Return the statements that make an empty state."""
    script = resources.files("store").joinpath("schema.sql").read_text()
    return (
        f"{script}\nPRAGMA user_version = {SCHEMA_VERSION};\n"
        f"INSERT INTO cursor VALUES ('line', 1);\nINSERT INTO meta VALUES ('window', {window})"
    )

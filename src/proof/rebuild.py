"""Makes a state again from a journal: the same messages in the same steps, at the same times, under the same configurations."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import zip_longest
from pathlib import Path

from alerts.tables.webhook_acts import act_again
from ingest.line.line import Line
from ingest.line.recorded import RecordedLine, StepTime
from proof.restate.restate import publish_again
from proof.works import Configured, Links, whole_line
from store.accounting.ledger import raw_changes
from store.audit import snapshot
from store.blocks import from_bytes, to_bytes
from store.messages.journal import JournalReader
from store.messages.steps import (
    OUTBOX,
    RESTATEMENT,
    RecordedStep,
    Started,
    StepFailed,
    StepReader,
    next_step,
    started,
)
from store.readings.compare import readings_apart
from store.sqlite import uri
from store.state import State

# What does not follow from the journal: what InfluxDB has yet to be told, and rows that somebody else had broken.
BESIDE = frozenset({"influx_reading", "influx_emission", "influx_alert", "influx_doubt", "set_aside"})
BESIDE_META = ("to_influx",)
READINGS = frozenset({"reading", "reading_block"})  # where a reading lies follows from the time of day


NO_LINKS = Links()


class Rebuild:
    """A state in a file of its own, made again step by step; it ends where the steps end."""

    def __init__(
        self,
        journal: Path,
        target: Path,
        known: Mapping[str, Configured],
        links: Links = NO_LINKS,
        put_back: Callable[[sqlite3.Connection], None] = lambda _journal: None,
    ) -> None:
        """Begin with nothing; `known` are configurations by their hashes, `put_back` lets a journal be seen with what was pruned from it.

        Raises StepFailed where the journal has no steps, its first one is of a configuration that is not known, or what it
        began with is archived and was not put back.
        """
        self._target, self._known, self._links = target, known, links
        self._messages, self._time = JournalReader(journal), StepTime()
        put_back(self._messages.connection)
        if (begin := self._messages.begin()) > 1:
            raise StepFailed(
                f"the journal begins at message {begin}, what came before is in the archive: say where with --archive"
            )
        with closing(StepReader(journal)) as reader:
            self.first, self.end = reader.last_beginning(), reader.last()[0] + 1
            _, start = next(reader.read(self.first))
        self.state = self._opened(started(start).configuration)
        with self.state.transaction():
            self.state.go_on_from(self.first)
        others = {OUTBOX: act_again, RESTATEMENT: self._restate}
        self.steps = RecordedLine(self, journal, self._time, others, None)

    def make_line(self, start: Started) -> Line:
        """Return a line that goes on where the state is, under the configuration that a start names."""
        if start.configuration != self._under:
            self.state.close()
            self.state = self._opened(start.configuration)
        one = self._known[start.configuration]
        return whole_line(one, self.state, self._messages, self._time, self._links, project=False)

    def run(self, end: int | None = None, tell: Callable[[int], None] = lambda _step: None) -> None:
        """Do all steps again, or those before a number; `tell` is told the number of each next one."""
        while self.steps.is_behind and (end is None or self.state.step < end):
            tell(self.state.step)
            self.steps.step()

    def close(self) -> None:
        """Close state and journal; the state is safe on disk then."""
        self.steps.close()
        self._messages.close()
        self.state.connection.execute("PRAGMA synchronous = FULL")
        self.state.close()

    def _restate(self, state: State, step: RecordedStep) -> None:
        one = self._known[self._under]
        publish_again(one.plant, one.catalogue)(state, step)

    def _opened(self, configuration: str) -> State:
        if configuration not in self._known:
            raise StepFailed(
                f"from some message on the configuration had the hash {configuration}: give its directory too, with --past"
            )
        self._under = configuration
        state = State(self._target, self._known[configuration].plant)
        state.connection.execute("PRAGMA synchronous = OFF")  # one that is not finished is begun anew
        return state


def step_of(state: Path) -> int:
    """Return the number of the first step that a state, by its file, does not hold."""
    with closing(sqlite3.connect(uri(state, "ro"), uri=True)) as connection:
        return next_step(connection)


def differences(one: Path, other: Path) -> dict[str, int]:
    """Return in which tables two states differ, and in how many rows; what does not follow from the journal is left out."""
    found: dict[str, int] = {}
    with closing(sqlite3.connect(uri(one, "ro"), uri=True)) as connection:
        connection.execute("ATTACH ? AS other", (uri(other, "ro"),))
        connection.create_function("unpacked", 3, _unpacked, deterministic=True)
        tables = {
            name
            for schema in ("main", "other")
            for (name,) in connection.execute(
                f"SELECT name FROM {schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        }
        for table in sorted(tables - BESIDE - READINGS):
            if _are_alike(connection, table):
                continue
            rows = sum(_only_in(connection, table, *pair) for pair in (("main", "other"), ("other", "main")))
            if rows:
                found[table] = rows
    with snapshot(one) as mine, snapshot(other) as theirs:
        if readings := readings_apart(mine, theirs):
            found["reading"] = readings
    return found


# What is compressed is compared by its content: another version of the library may make other bytes of it.
_PACKED: Mapping[tuple[str, str], Callable[[bytes], bytes]] = {
    ("emission", "block"): lambda stored: to_bytes(from_bytes(stored)),
    ("ledger", "changes"): raw_changes,
}


def _unpacked(table: str, column: str, stored: bytes) -> bytes:
    try:
        return _PACKED[table, column](stored)
    except ValueError:
        return stored


def _are_alike(connection: sqlite3.Connection, table: str) -> bool:
    """Return whether two schemas have the same rows in the same order, byte by byte, as they mostly have."""
    try:
        one, other = (connection.execute(f'SELECT * FROM {schema}."{table}"') for schema in ("main", "other"))
    except sqlite3.OperationalError:  # one has no such table, which `_only_in` tells
        return False
    return all(mine == theirs for mine, theirs in zip_longest(one, other))


def _only_in(connection: sqlite3.Connection, table: str, one: str, other: str) -> int:
    """Return how many rows only one of two schemas has, each as often as it stands there."""
    names = [row[1] for row in connection.execute(f'PRAGMA main.table_info("{table}")')]
    columns = ", ".join(
        f"unpacked('{table}', '{name}', \"{name}\")" if (table, name) in _PACKED else f'"{name}"'
        for name in names
    )
    which = f"WHERE key NOT IN ({', '.join(repr(key) for key in BESIDE_META)})" if table == "meta" else ""
    counted = [
        f'SELECT {columns}, count(*) FROM {schema}."{table}" {which} GROUP BY {columns}'
        for schema in (one, other)
    ]
    row = connection.execute(f"SELECT count(*) FROM ({counted[0]} EXCEPT {counted[1]})").fetchone()
    return int(row[0])

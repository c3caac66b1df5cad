"""Proves the ledger: its chain, and that its changes follow each other; gathers what it said last of each window."""

import sqlite3
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plant.arrays import Floats, Ints
from proof.verify.findings import Finding, Report, Tell, when
from store.accounting.ledger import CHANGE, GENESIS, chained
from store.audit import LedgerRow, count, ledger_rows

CHANGES_AT_ONCE = 200_000
BLOCK = 240  # windows of a source that are kept together
CACHED = 1024  # blocks that are kept in memory, 10 MB
CO2E_T, ACTIVITY, REVISION, ROW, CONFIGURATION = range(5)  # of what was said last: columns of `Last.of`
COLUMNS = 5
TELL_EVERY = 256  # rows


class Last:
    """What the ledger said last of each window, by blocks of windows; in a temporary file, not in memory.

    Columns: co2e_t, activity, revision (0: nothing was said), the ledger's row, the number of its configuration.
    """

    def __init__(self, connection: sqlite3.Connection, window: int) -> None:
        self._connection, self.window = connection, window
        self.length = BLOCK * window  # of a block [ns]
        self._blocks: OrderedDict[tuple[int, int], Floats] = OrderedDict()
        self._changed: set[tuple[int, int]] = set()
        self.configurations: list[str] = []
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE last (source INTEGER, number INTEGER, block BLOB, PRIMARY KEY (source, number)) WITHOUT ROWID"
        )

    def block(self, source: int, number: int) -> Floats:
        """Return the [windows, columns] of a block (`start // length`) that a caller may write to; see `touch`."""
        key = (source, number)
        found = self._blocks.get(key)
        if found is None:
            row = self._connection.execute(
                "SELECT block FROM last WHERE source = ? AND number = ?", key
            ).fetchone()
            found = self._blocks[key] = (
                np.frombuffer(row[0]).reshape(-1, COLUMNS).copy() if row else self._nothing()
            )
            if len(self._blocks) > CACHED:
                self._put_away(*self._blocks.popitem(last=False))
        else:
            self._blocks.move_to_end(key)
        return found

    def touch(self, source: int, number: int) -> None:
        """Note that a block was written to."""
        self._changed.add((source, number))

    def of(self, source: int, start: int, end: int) -> Floats:
        """Return what was said of the windows of [start, end) ns, [windows, columns]."""
        found = [self.block(source, number) for number in range(start // self.length, -(-end // self.length))]
        first = start % self.length // self.window
        return np.concatenate(found)[first : first + (end - start) // self.window]

    def sources(self) -> dict[int, tuple[int, int]]:
        """Return the sources that the ledger speaks of, with the first and the last window of each [ns UTC]."""
        for key, block in self._blocks.items():
            self._put_away(key, block)
        rows = self._connection.execute(
            "SELECT source, min(number), max(number) FROM last GROUP BY source"
        ).fetchall()
        return {
            source: (self._said(source, first, 0), self._said(source, last, -1))
            for source, first, last in rows
        }

    def _said(self, source: int, number: int, which: int) -> int:
        """Return the first (0) or the last (-1) window of a block that was spoken of [ns UTC]."""
        spoken = np.flatnonzero(self.block(source, number)[:, REVISION]).tolist() or [0, BLOCK - 1]
        return number * self.length + int(spoken[which]) * self.window

    def number(self, configuration: str) -> int:
        """Return the number of a configuration's hash."""
        if configuration not in self.configurations:
            self.configurations.append(configuration)
        return self.configurations.index(configuration)

    def _nothing(self) -> Floats:
        block = np.zeros((BLOCK, COLUMNS))
        block[:, [CO2E_T, ACTIVITY]] = np.nan
        return block

    def _put_away(self, key: tuple[int, int], block: Floats) -> None:
        if key in self._changed:
            self._changed.discard(key)
            self._connection.execute("INSERT OR REPLACE INTO last VALUES (?, ?, ?)", (*key, block.tobytes()))


@dataclass(frozen=True, slots=True)
class Span:
    """The messages [first, end) that rows of the ledger took under one configuration."""

    first: int
    end: int
    configuration: str


@contextmanager
def last_of(window: int) -> Iterator[Last]:
    """Give an empty record of what was said last."""
    with tempfile.TemporaryDirectory(prefix="stackmeter-verify-") as folder:
        connection = sqlite3.connect(f"{folder}/last.db", isolation_level=None)
        with closing(connection):
            yield Last(connection, window)


def prove_ledger(state: sqlite3.Connection, last: Last, report: Report, tell: Tell) -> list[Span]:
    """Prove the chain and the order of changes, fill `last`, and return which messages were taken under what."""
    total, before = count(state, "ledger"), (0, GENESIS)
    spans: list[Span] = []
    batch: list[LedgerRow] = []
    waiting = 0
    for done, row in enumerate(ledger_rows(state), start=1):
        report.checked["ledger"] += 1
        for wrong in _chain_mistakes(row, *before):
            report.add(Finding("ledger", "differs", f"ledger {row.id}", wrong))
        before = (row.id, row.hash)
        _note(spans, row)
        if len(row.changes) % CHANGE.itemsize:
            report.add(
                Finding("ledger", "differs", f"ledger {row.id}", "its changes are no whole number of records")
            )
        else:
            batch.append(row)
            waiting += len(row.changes) // CHANGE.itemsize
        if waiting >= CHANGES_AT_ONCE:
            _follow(batch, last, report)
            batch, waiting = [], 0
        if done % TELL_EVERY == 0:
            tell("ledger", done, total)
    _follow(batch, last, report)
    tell("ledger", total, total)
    return spans


def prove_regulated(state: sqlite3.Connection, report: Report) -> None:
    """Prove the chain of the ledger of regulated hours."""
    before = (0, GENESIS)
    for row in ledger_rows(state, "regulated_ledger"):
        report.checked["ledger"] += 1
        for wrong in _chain_mistakes(row, *before):
            report.add(Finding("ledger", "differs", f"regulated_ledger {row.id}", wrong))
        before = (row.id, row.hash)


def _chain_mistakes(row: LedgerRow, id_before: int, hash_before: bytes) -> Iterator[str]:
    if row.id == id_before + 2:
        yield f"row {id_before + 1} before it is missing"
    elif row.id != id_before + 1:
        yield f"rows {id_before + 1} to {row.id - 1} before it are missing"
    if row.previous != hash_before:
        yield "the hash that it gives for the row before is not that row's"
    if row.hash != chained(row.previous, row.entry, row.changes):
        yield "its hash is not that of its content: the row or its hash was changed"


def _note(spans: list[Span], row: LedgerRow) -> None:
    """Add the messages of a row; neighbours of one configuration are joined."""
    first, end, configuration = row.entry.journal_from, row.entry.journal_to, row.entry.configuration
    if row.entry.cause != "readings" or end <= first:
        return
    if spans and spans[-1].configuration == configuration and spans[-1].end <= first:
        spans[-1] = Span(spans[-1].first, end, configuration)
    else:
        spans.append(Span(first, end, configuration))


def _follow(rows: list[LedgerRow], last: Last, report: Report) -> None:
    """Check that each change takes up where the one before left its window, and remember the last one."""
    if not rows:
        return
    records = np.frombuffer(b"".join(row.changes for row in rows), CHANGE)
    if not len(records):  # of an archive, say, whose months had no emission
        return
    lengths = [len(row.changes) // CHANGE.itemsize for row in rows]
    ledger_id = np.repeat([row.id for row in rows], lengths)
    configuration = np.repeat([last.number(row.entry.configuration) for row in rows], lengths)
    order = np.lexsort((records["start"], records["source"]))  # stable: a window's changes stay in order
    records, ledger_id, configuration = records[order], ledger_id[order], configuration[order]
    number = records["start"] // last.length
    heads = np.flatnonzero(np.append(True, (np.diff(records["source"]) != 0) | (np.diff(number) != 0)))
    for low, high in zip(heads.tolist(), [*heads[1:].tolist(), len(records)], strict=True):
        part = slice(low, high)
        _follow_block(records[part], ledger_id[part], configuration[part], last, report)


def _follow_block(
    records: NDArray[np.void], ledger_id: Ints, configuration: Ints, last: Last, report: Report
) -> None:
    """Follow the changes of one block of a source, sorted by window."""
    source, number = int(records["source"][0]), int(records["start"][0]) // last.length
    known = last.block(source, number)
    place = records["start"] % last.length // last.window
    new = np.stack(
        [records["new_co2e_t"], records["new_activity"], records["revision"], ledger_id, configuration],
        axis=1,
    ).astype(np.float64)
    repeated = np.append(False, place[1:] == place[:-1])
    before = known[place]
    before[1:][repeated[1:]] = new[:-1][repeated[1:]]
    old = np.stack([records["old_co2e_t"], records["old_activity"]], axis=1).astype(np.float64)
    wrong = (bits(old) != bits(before[:, :REVISION])).any(axis=1)
    jumps = records["revision"] != before[:, REVISION] + 1
    for row in np.flatnonzero(wrong | jumps).tolist():
        start = when(int(records["start"][row]))
        said = f"source {source}, window {start}, revision {records['revision'][row]}"
        detail = (
            f"follows revision {before[row, REVISION]:.0f}"
            if jumps[row]
            else f"its old numbers are not the new ones of ledger {before[row, ROW]:.0f}"
        )
        report.add(Finding("ledger", "differs", f"ledger {ledger_id[row]}", f"{said}: {detail}"))
    known[place] = new  # of several changes of a window the last assigned stays
    last.touch(source, number)


def bits(fields: Floats) -> Ints:
    """Return numbers as what they are compared by: their bits, where an unknown equals an unknown and -0 equals 0."""
    return np.where(np.isnan(fields), np.nan, fields + 0.0).view(np.int64)

"""The ledger, to be read: what each entry changed, summed up by source."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from store.accounting.ledger import CHANGE, Entry, records_of

MOST_SCANNED = 2000  # rows that are looked at for one page


@dataclass(frozen=True, slots=True)
class SourceChange:
    """What an entry changed of one source (its database id)."""

    source: int
    changes: int  # windows
    start: int  # ns UTC: of the first of them
    last: int  # ns UTC: start of the last of them
    delta: float  # t CO2e: by how much the sum of what is known changed; NaN where nothing was or is known


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry, and what it changed of the sources that are asked for."""

    id: int
    entry: Entry
    hash: bytes
    sources: tuple[SourceChange, ...]


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Entries, the newest first; `before` is where the next page goes on, None at the end."""

    entries: tuple[LedgerEntry, ...]
    before: int | None


def head(connection: sqlite3.Connection) -> str:
    """Return the number and the hash of the ledger's last row, `1042 4f…`; "" where it has none."""
    row = connection.execute("SELECT id, hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone()
    return "" if row is None else f"{row[0]} {bytes(row[1]).hex()}"


def newest_entries(
    connection: sqlite3.Connection, before: int | None, most: int, sources: Collection[int] | None = None
) -> LedgerPage:
    """Return entries before an id, at most `most`, that changed one of these sources (None: whatever they changed).

    At most `MOST_SCANNED` rows are looked at, so that a page may have fewer entries though there are more.
    """
    rows = connection.execute(
        "SELECT id, at, cause, actor, configuration, journal_from, journal_to, hash, changes FROM ledger"
        " WHERE id < coalesce(?, 1 << 62) ORDER BY id DESC",
        (before,),
    )
    wanted = None if sources is None else np.array(sorted(sources), np.int32)
    found: list[LedgerEntry] = []
    last = None
    for scanned, (number, *entry, digest, changes) in enumerate(rows):
        if len(found) == most or scanned == MOST_SCANNED:
            return LedgerPage(tuple(found), last)
        last = number
        changed = _by_source(_records(changes), wanted)
        if changed or wanted is None:
            found.append(LedgerEntry(number, Entry(*entry), bytes(digest), changed))
    return LedgerPage(tuple(found), None)


def _records(changes: bytes) -> np.ndarray:
    """Return the changes of a row, none of one that cannot be read: `verify` names it."""
    try:
        return records_of(changes)
    except ValueError:
        return np.empty(0, CHANGE)


def _by_source(changes: np.ndarray, wanted: np.ndarray | None) -> tuple[SourceChange, ...]:
    if wanted is not None:
        changes = changes[np.isin(changes["source"], wanted)]
    source, row = np.unique(changes["source"], return_inverse=True)
    old, new = changes["old_co2e_t"], changes["new_co2e_t"]
    known = np.bincount(row, ~np.isnan(old) | ~np.isnan(new), len(source)) > 0
    delta = np.bincount(row, np.nan_to_num(new), len(source)) - np.bincount(
        row, np.nan_to_num(old), len(source)
    )
    count = np.bincount(row, minlength=len(source))
    first, last = np.full(len(source), np.iinfo(np.int64).max), np.full(len(source), np.iinfo(np.int64).min)
    np.minimum.at(first, row, changes["start"])
    np.maximum.at(last, row, changes["start"])
    columns = (source, count, first, last, np.where(known, delta, np.nan))
    return tuple(SourceChange(*one) for one in zip(*(column.tolist() for column in columns), strict=True))

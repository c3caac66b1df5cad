"""The ledger: every change of a published number, append-only, each row bound to the one before by its hash."""

import sqlite3
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from store import blocks
from store.packed import RowPacker, unpack_rows
from store.totals.emissions import Changes

CO2E, ACTIVITY = blocks.FIELDS.index("co2e_t"), blocks.FIELDS.index("activity")
GENESIS = bytes(32)
_MOST_BYTES = 1 << 30  # of the changes of a row, far above what one transaction makes

CHANGE = np.dtype(
    [
        ("source", "<i4"),
        ("revision", "<i4"),
        ("start", "<i8"),
        ("old_co2e_t", "<f8"),
        ("new_co2e_t", "<f8"),
        ("old_activity", "<f8"),
        ("new_activity", "<f8"),
    ]
)


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """What a row of the ledger says beside its changes; journal offsets are [from, to)."""

    at: int
    cause: str
    actor: str
    configuration: str
    journal_from: int
    journal_to: int


class Ledger:
    """Appends through the line's connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._packer = RowPacker(CHANGE.itemsize)
        self._head = ledger_head(connection)

    def forget(self) -> None:
        """Read the head again: the transaction that moved it was rolled back."""
        self._head = ledger_head(self._connection)

    def newest(self) -> Entry | None:
        """Return what the newest row says, None where there is none."""
        row = self._connection.execute(
            "SELECT at, cause, actor, configuration, journal_from, journal_to FROM ledger ORDER BY id DESC LIMIT 1"
        ).fetchone()
        return Entry(*row) if row else None

    def append(self, entry: Entry, changes: Changes) -> None:
        """Append one row for all changes of a transaction."""
        packed = pack(changes)
        row_hash = chained(self._head, entry, packed)
        values = (*msgspec.structs.astuple(entry), self._packer.pack(packed), self._head, row_hash)
        self._connection.execute(f"INSERT INTO ledger VALUES (NULL{', ?' * 9})", values)
        self._head = row_hash


def ledger_head(connection: sqlite3.Connection) -> bytes:
    """Return the hash of the newest row, by which all rows before it are told too."""
    row = connection.execute("SELECT hash FROM ledger ORDER BY id DESC LIMIT 1").fetchone()
    return bytes(row[0]) if row else GENESIS


def pack(changes: Changes) -> bytes:
    """Pack changes as records of CHANGE."""
    records = np.empty(len(changes), CHANGE)
    records["source"], records["revision"], records["start"] = changes.source, changes.revision, changes.start
    records["old_co2e_t"], records["new_co2e_t"] = changes.old[:, CO2E], changes.new[:, CO2E]
    records["old_activity"], records["new_activity"] = changes.old[:, ACTIVITY], changes.new[:, ACTIVITY]
    return records.tobytes()


def records_of(stored: bytes) -> NDArray[Any]:
    """Return the changes of a row of the ledger as it is stored, as records of CHANGE; raise ValueError where they are none."""
    return np.frombuffer(raw_changes(stored), CHANGE)


def raw_changes(stored: bytes) -> bytes:
    """Return what `pack` made, of which the row's hash is, of what is stored; raise ValueError where it is none."""
    return unpack_rows(stored, CHANGE.itemsize, _MOST_BYTES)


def chained(previous: bytes, entry: Entry, packed: bytes) -> bytes:
    """Return the hash that binds a row to the one before it."""
    return sha256(previous + msgspec.msgpack.encode(entry) + packed).digest()

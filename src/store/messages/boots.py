"""Boots of gateways and the sequence numbers that came of them, as runs, with the holes in time between these.

All of it stays: a boot keeps its number, and a number that came once is known for ever. Every question here is a few
steps down an index, however many boots a gateway has named.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from plant.vocabulary import NS_PER_DAY
from store.sqlite import write_rows

ACK_DAYS = 7  # an ack lists boots heard in these days
MOST_RANGES = 100  # missing ranges listed of a boot; more lower `received_through`
Hole = tuple[int, int]  # from, to [ns UTC]

_RUN = "low, high, low_time, high_time, low_at, high_at"


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive sequence numbers of one boot; times are those of the readings of its first and last message that has any."""

    low: int
    high: int
    low_time: int | None
    high_time: int | None
    low_at: int = 0  # the number of that first message
    high_at: int = 0  # and of that last one


@dataclass(frozen=True, slots=True)
class BootRow:
    """A boot as it is stored; `began` is the time of the first reading of its lowest number that has any, None without one."""

    number: int
    name: str
    heard: int  # ns UTC
    began: int | None  # ns UTC


@dataclass(frozen=True, slots=True)
class Dated:
    """A run with readings, and the hole that it ends."""

    boot: str
    run: Run
    hole: Hole | None


class BootTable:
    """Boots and their runs; whoever writes does so within the line's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # --- boots --------------------------------------------------------------------------------------------------------

    def newest(self, gateway: str, most: int, since: int = 0) -> list[BootRow]:
        """Return the boots of a gateway that were heard last, and since a time [ns UTC], the newest first."""
        rows = self._all(
            "SELECT id, boot, heard, began FROM boot WHERE gateway = ? AND heard >= ? ORDER BY heard DESC, boot DESC LIMIT ?",
            gateway, since, most,
        )  # fmt: skip
        return [BootRow(*row) for row in rows]

    def one(self, gateway: str, boot: str) -> BootRow | None:
        """Return a boot, None where it was never heard."""
        rows = self._all(
            "SELECT id, boot, heard, began FROM boot WHERE gateway = ? AND boot = ?", gateway, boot
        )
        return BootRow(*rows[0]) if rows else None

    def count(self) -> int:
        """Return the number that was given last."""
        return int(self._all("SELECT coalesce(max(id), 0) FROM boot")[0][0])

    def names(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the names of boots, by number."""
        wanted = json.dumps(list(numbers))
        return dict(
            self._all("SELECT id, boot FROM boot WHERE id IN (SELECT value FROM json_each(?))", wanted)
        )

    def numbers(self) -> dict[tuple[str, str], int]:
        """Return the number of every boot ever heard, by gateway and name."""
        return {(gateway, boot): number for number, gateway, boot in self._all("SELECT id, gateway, boot FROM boot")}  # fmt: skip

    def hear(self, heard: Sequence[tuple[int, str, str, int]]) -> None:
        """Remember boots: number, gateway, name and when each was heard [ns UTC]."""
        write_rows(
            self._connection,
            "INSERT INTO boot (id, gateway, boot, heard)",
            heard,
            "ON CONFLICT DO UPDATE SET heard = excluded.heard",
        )

    def begin(self, number: int, began: int | None) -> None:
        """Note when a boot began [ns UTC]."""
        self._connection.execute("UPDATE boot SET began = ? WHERE id = ?", (began, number))

    def next_to(self, gateway: str, began: int, boot: str, *, before: bool) -> str | None:
        """Return the boot whose beginning comes next before, or after, that of a boot; of two at once names decide."""
        sign, order = ("<", "DESC") if before else (">", "ASC")
        rows = self._all(
            f"SELECT boot FROM boot WHERE gateway = ? AND began IS NOT NULL AND (began, boot) {sign} (?, ?)"
            f" ORDER BY began {order}, boot {order} LIMIT 1",
            gateway, began, boot,
        )  # fmt: skip
        return rows[0][0] if rows else None

    # --- runs ---------------------------------------------------------------------------------------------------------

    def last(self, gateway: str, boot: str) -> Run | None:
        """Return the run with the highest numbers."""
        return self._run(gateway, boot, "ORDER BY low DESC LIMIT 1")

    def around(self, gateway: str, boot: str, seq: int) -> tuple[Run | None, Run | None]:
        """Return the last run that begins at or below a number, and the first one above it."""
        return (
            self._run(gateway, boot, "AND low <= ? ORDER BY low DESC LIMIT 1", seq),
            self._run(gateway, boot, "AND low > ? ORDER BY low LIMIT 1", seq),
        )

    def received(self, gateway: str, boot: str) -> tuple[int, list[list[int]]]:
        """Return up to which number a boot was received, and the ranges that are missing at or below it."""
        runs = self._all(
            "SELECT low, high FROM sequence WHERE gateway = ? AND boot = ? ORDER BY low LIMIT ?",
            gateway, boot, MOST_RANGES + 1,
        )  # fmt: skip
        missing: list[list[int]] = []
        through = 0
        for low, high in runs:
            if low > through + 1:
                if len(missing) == MOST_RANGES:
                    break
                missing.append([through + 1, low - 1])
            through = high
        return through, missing

    def every(self, gateway: str) -> Iterator[tuple[str, list[Run]]]:
        """Yield the boots of a gateway that numbered a message, by name, each with its runs in order."""
        rows = self._connection.execute(
            f"SELECT boot, {_RUN} FROM sequence WHERE gateway = ? ORDER BY boot, low", (gateway,)
        )
        for boot, of_boot in groupby(rows, lambda row: str(row[0])):
            yield boot, [Run(*row[1:]) for row in of_boot]

    def put(self, rows: Iterable[tuple[str, str, Run]]) -> None:
        """Store runs of boots: gateway, boot and run; one that begins at the same number is replaced."""
        write_rows(
            self._connection,
            f"INSERT INTO sequence (gateway, boot, {_RUN})",
            [(g, b, r.low, r.high, r.low_time, r.high_time, r.low_at, r.high_at) for g, b, r in rows],
            "ON CONFLICT DO UPDATE SET high = excluded.high, low_time = excluded.low_time, high_time = excluded.high_time,"
            " low_at = excluded.low_at, high_at = excluded.high_at",
        )

    def drop(self, gateway: str, boot: str, low: int) -> Hole | None:
        """Remove a run that has become part of another, and return the hole that it ended."""
        rows = self._all(
            "DELETE FROM sequence WHERE gateway = ? AND boot = ? AND low = ? RETURNING hole_from, hole_to",
            gateway, boot, low,
        )  # fmt: skip
        return _hole(*rows[0])

    # --- holes --------------------------------------------------------------------------------------------------------

    def dated_from(self, gateway: str, boot: str, seq: int, most: int) -> list[Dated]:
        """Return the first runs with readings that begin at or above a number."""
        return self._dated(gateway, boot, "AND low >= ? ORDER BY low LIMIT ?", seq, most)

    def dated_before(self, gateway: str, boot: str, seq: int) -> Dated | None:
        """Return the last run with readings that begins below a number."""
        found = self._dated(gateway, boot, "AND low < ? ORDER BY low DESC LIMIT 1", seq)
        return found[0] if found else None

    def set_hole(self, gateway: str, boot: str, low: int, hole: Hole | None) -> None:
        """Note which hole a run ends."""
        self._connection.execute(
            "UPDATE sequence SET hole_from = ?, hole_to = ? WHERE gateway = ? AND boot = ? AND low = ?",
            (*(hole or (None, None)), gateway, boot, low),
        )

    def holes(self, gateway: str, start: int, end: int) -> list[Hole]:
        """Return the holes of a gateway that reach into [start, end) [ns UTC]; they may overlap."""
        return self._all(
            "SELECT hole_from, hole_to FROM sequence INDEXED BY sequence_hole"
            " WHERE gateway = ? AND hole_to IS NOT NULL AND hole_to > ? AND hole_from < ?",
            gateway, start, end,
        )  # fmt: skip

    def _run(self, gateway: str, boot: str, where: str, *values: int) -> Run | None:
        rows = self._all(
            f"SELECT {_RUN} FROM sequence WHERE gateway = ? AND boot = ? {where}", gateway, boot, *values
        )
        return Run(*rows[0]) if rows else None

    def _dated(self, gateway: str, boot: str, where: str, *values: int) -> list[Dated]:
        rows = self._all(
            f"SELECT {_RUN}, hole_from, hole_to FROM sequence INDEXED BY sequence_dated"
            f" WHERE gateway = ? AND boot = ? AND low_time IS NOT NULL {where}",
            gateway, boot, *values,
        )  # fmt: skip
        return [Dated(boot, Run(*row[:6]), _hole(*row[6:])) for row in rows]

    def _all(self, query: str, *values: Any) -> list[Any]:
        return self._connection.execute(query, values).fetchall()


def acknowledged_since(now: int) -> int:
    """Return when a boot was heard, at the least, that an ack lists at a time [ns UTC]."""
    return now - ACK_DAYS * NS_PER_DAY


def _hole(start: int | None, end: int | None) -> Hole | None:
    return None if start is None or end is None else (start, end)

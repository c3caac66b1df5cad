"""How messages and readings ended, to be read: of a stretch of time, or ever."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from store.rows import OUTCOMES, Balance
from store.totals.roll_up import DAY, HOUR, MINUTE

_SUMS = ", ".join(f"sum({name})" for name in OUTCOMES)
_INSIDE = f"gateway = ? AND level IN ({MINUTE}, {HOUR}, {DAY}) AND start >= ? AND start < ?"


def balances_ever(connection: sqlite3.Connection, gateway: str | None = None) -> dict[str, Balance]:
    """Return the balance of one gateway, or of each, over all that ever came, by gateway ('': none said)."""
    one = "WHERE gateway = coalesce(?, gateway)"
    counts = connection.execute(
        f"SELECT gateway, book, {', '.join(OUTCOMES)} FROM balance_ever {one}", (gateway,)
    )
    codes = connection.execute(f"SELECT gateway, code, count FROM code_ever {one}", (gateway,))
    books, refused = _by_gateway(counts), _by_gateway(codes)
    return {name: _balance(books[name], refused[name]) for name in sorted({*books, *refused})}


def balances(
    connection: sqlite3.Connection, start: int, end: int, gateway: str | None = None
) -> dict[str, Balance]:
    """Return the balance of one gateway, or of each, over [start, end) ns UTC, by gateway; none is told of whom nothing came.

    What is old is kept by the hour and by the day: an hour or a day that the stretch cuts is counted whole.
    """
    known = connection.execute(
        "SELECT gateway FROM balance_ever WHERE gateway = coalesce(?, gateway) GROUP BY gateway", (gateway,)
    ).fetchall()
    found = {}
    for (name,) in known:
        here = (name, *reach(connection, name, start, end))
        counts = connection.execute(f"SELECT book, {_SUMS} FROM balance WHERE {_INSIDE} GROUP BY book", here)
        codes = connection.execute(
            f"SELECT code, sum(count) FROM code WHERE {_INSIDE} GROUP BY code ORDER BY code", here
        )
        books, refused = counts.fetchall(), codes.fetchall()
        if books or refused:
            found[name] = _balance(books, refused, *here[1:])
    return found


def reach(connection: sqlite3.Connection, gateway: str, start: int, end: int) -> tuple[int, int]:
    """Return [start, end) with the whole of the hours and days that it cuts of a gateway's balance [ns UTC]."""
    first = [begin for begin, _ in _cut(connection, gateway, start)]
    last = [finish for _, finish in _cut(connection, gateway, end)]
    return min([start, *first]), max([end, *last])


def _cut(connection: sqlite3.Connection, gateway: str, time: int) -> list[tuple[int, int]]:
    """Return the hour and the day of a gateway's balance in which a time lies, not at the beginning."""
    found = []
    for level in (HOUR, DAY):
        found += connection.execute(
            "SELECT start, finish FROM balance WHERE gateway = ? AND level = ? AND start < ? ORDER BY start DESC LIMIT 1",
            (gateway, level, time),
        ).fetchall()
    return [(start, finish) for start, finish in found if finish > time]


def _by_gateway(rows: Iterable[tuple[Any, ...]]) -> defaultdict[str, list[tuple[Any, ...]]]:
    found: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for gateway, *row in rows:
        found[gateway].append(tuple(row))
    return found


def _balance(
    books: Iterable[tuple[Any, ...]],
    codes: Iterable[tuple[Any, ...]],
    start: int | None = None,
    end: int | None = None,
) -> Balance:
    counts = {book: dict(zip(OUTCOMES, row, strict=True)) for book, *row in books}
    nothing = dict.fromkeys(OUTCOMES, 0)
    return Balance(
        messages=counts.get("messages", nothing),
        readings=counts.get("readings", nothing),
        codes=dict(sorted(codes)),
        start=start,
        end=end,
    )

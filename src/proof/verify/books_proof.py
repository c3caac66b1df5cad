"""Proves what a state says of messages, row by row, against a state that took the same journal again.

Balances, codes, sequences, boots, what was refused, statuses, devices in the inbox, people's decisions, and when sources
began. A row of messages that an earlier configuration took may say otherwise how they ended; that all came is proven.
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import Any

from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from proof.verify.findings import Finding, Kind, Report, when
from store.totals.roll_up import DAY, HOUR, MINUTE

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to compare: their key, what else they say, and which column of the key tells a time [ns UTC] or a message."""

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    dated: str = ""
    offset: str = ""
    outcomes: tuple[str, ...] = ()  # of the values, those that another configuration may have split otherwise
    where: str = "TRUE"
    loose: bool = False  # of what an earlier configuration took nothing follows for it


OUTCOMES = ("accepted", "late", "duplicate", "quarantined", "rejected")
# What is counted by time: the same, but that old rows are added up, and not everywhere at once.
COUNTS = (
    Table("balance", ("gateway", "start", "book"), ("received", *OUTCOMES), "start", outcomes=OUTCOMES),
    Table("code", ("gateway", "start", "code"), ("count",), "start", outcomes=("count",)),
)
TABLES = (
    Table("balance_ever", ("gateway", "book"), ("received", *OUTCOMES), outcomes=OUTCOMES),
    Table("code_ever", ("gateway", "code"), ("count",), outcomes=("count",)),
    Table("boot", ("gateway", "boot"), ("heard", "began")),
    Table(
        "sequence",
        ("gateway", "boot", "low"),
        ("high", "low_time", "high_time", "low_at", "high_at", "hole_from", "hole_to"),
    ),
    Table(
        "quarantine",
        ("message",),
        ("received", "gateway", "topic", "outcome", "code", "path", "size", "digest", "payload", "accepted", "late",
         "duplicate", "refused", "counted", "earliest", "latest"),
        offset="message",
        outcomes=("accepted", "late", "duplicate"),
    ),
    Table("gateway_status", ("gateway",), ("at", "online", "count", "payload", "message"), loose=True),
    Table("inbox", ("topic",), ("count", "first", "last"), loose=True),
    Table("decision", ("id",), ("at", "message", "actor", "action", "park"), where="action != 'replay'"),
    Table("backfill", ("gateway",), ("oldest", "opened", "opened_by", "reason", "closed"), loose=True),
    Table(
        "record",
        ("message", "row"),
        ("park", "facility", "channel", "start", "finish", "value", "unit", "source", "evidence", "note", "replaces", "standing",
         "entered_by", "entered_key", "entered_at", "approved_by", "approved_key", "approved_at", "ended_by", "ended_at", "reason", "correction"),
        offset="message",
        loose=True,
    ),
    Table(
        "movement",
        ("message",),
        ("park", "facility", "instrument", "act", "day", "amount", "year", "serials", "source", "evidence", "note", "standing",
         "entered_by", "entered_key", "entered_at", "approved_by", "approved_key", "approved_at", "approved_in", "ended_by", "ended_at", "reason"),
        offset="message",
        loose=True,
    ),
    Table("evidence", ("digest", "by"), ("at", "message", "kind", "size"), loose=True),
    Table(
        "archived_month",
        ("park", "start"),
        ("month", "finish", "through", "keep_from", "at", "message", "files"),
    ),
    Table("archived_messages", ("first",), ("finish", "name", "sha256", "size", "message")),
    Table("clock_step", ("message",), ("at", "first", "step"), offset="message"),
    Table("replay", ("message",), ("id", "at", "wanted"), offset="message"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Before:
    """Messages before `offset`, the last of which came at `time` [ns UTC]."""

    offset: int = 1
    time: int = 0

    def __bool__(self) -> bool:
        return self.offset > 1

    def has(self, table: Table, key: Row) -> bool:
        """Whether a row may be of any of them."""
        if table.dated:
            return bool(self) and key[table.key.index(table.dated)] <= self.time
        if table.offset:
            return bool(self) and key[table.key.index(table.offset)] < self.offset
        return bool(self)


class BooksProof:
    """Compares two states table by table; neither is held in memory."""

    def __init__(
        self,
        stored: sqlite3.Connection,
        again: sqlite3.Connection,
        earlier: Before,
        gone: Before,
        report: Report,
    ) -> None:
        """Take what an `earlier` configuration took, and what is `gone` from the journal: of that nothing is said here."""
        self._stored, self._again, self._report = stored, again, report
        self._earlier, self._gone = earlier, gone
        self._of_another: AbstractSet[int] = frozenset()
        row = stored.execute("SELECT 1 FROM replay WHERE finished IS NULL LIMIT 1").fetchone()
        self._replays = row is not None

    def prove(self, of_another: AbstractSet[int]) -> None:
        """Name every row that differs; readings of the messages `of_another` configuration are not as today's has them."""
        self._of_another = of_another
        for table in TABLES:
            for key, mine, other in differing(
                self._rows(self._stored, table), self._rows(self._again, table), len(table.key)
            ):
                if not self._gone.has(table, key):
                    self._name(table, key, mine, other)
        for table in COUNTS:
            self._prove_counts(table)
        self._prove_closed()
        if not self._gone:
            self._prove_first_readings()

    def _rows(self, state: sqlite3.Connection, table: Table) -> Iterator[Row]:
        key = ", ".join(table.key)
        return iter(
            state.execute(
                f"SELECT {', '.join((*table.key, *table.values))} FROM {table.name} WHERE {table.where} ORDER BY {key}"
            )
        )

    def _name(self, table: Table, key: Row, mine: Row | None, other: Row | None) -> None:
        values = len(table.key)
        row = f"{table.name} {_key(table, key)}"
        if mine is None or other is None:
            detail = (
                "is missing; the journal gives it"
                if mine is None
                else "is there, and nothing in the journal gives it"
            )
            self._add(row, self._kind(table, key, split=_is_of_nobody(table, mine, other)), detail)
            return
        names = [
            name for name, a, b in zip(table.values, mine[values:], other[values:], strict=True) if a != b
        ]
        shown = [
            f"{name} is {_shown(name, mine[place])}, the journal gives {_shown(name, other[place])}"
            for name in names
            for place in [values + table.values.index(name)]
        ]
        places = [values + table.values.index(name) for name in table.outcomes]
        as_many = sum(mine[place] for place in places) == sum(other[place] for place in places)
        split = set(names) <= {*table.outcomes, "earliest", "latest"} and as_many
        kind = self._kind(table, key, split=split)
        if table.name == "quarantine" and not as_many and key[0] not in self._of_another:
            kind = "differs"  # it says itself how many of its readings counted, whatever refused the others
        self._add(row, kind, "; ".join(shown))

    def _kind(self, table: Table, key: Row, *, split: bool) -> Kind:
        """Return `differs`, unless an earlier configuration explains it; where all came and only ended otherwise, `earlier`."""
        if self._replays:
            return "waiting"
        if not self._earlier.has(table, key):
            return "differs"
        return "earlier" if split or table.loose else "configuration"

    def _prove_counts(self, table: Table) -> None:
        """Compare what is counted of each gateway, by the hours and days that either state has made of minutes."""
        states = (self._stored, self._again)
        query = f"SELECT DISTINCT gateway FROM {table.name}"
        for gateway in sorted({name for state in states for (name,) in state.execute(query)}):
            both = [counted(state, table, gateway) for state in states]
            spans = _spans(both)
            mine, other = (iter(_added_up(gateway, part, spans)) for part in both)
            for key, one, two in differing(mine, other, len(table.key)):
                if not self._gone.has(table, key):
                    self._name(table, key, one, two)
            for level, start, finish, what, *_ in both[0]:
                if not _is_span(level, start, finish):
                    row = f"{table.name} {_key(table, (gateway, start, what))}"
                    detail = f"is of no minute, hour or day: level {level}, until {_shown('at', finish)}"
                    self._add(row, "differs", detail)

    def _prove_closed(self) -> None:
        """Check that every row of the balance adds up."""
        query = f"SELECT gateway, start, book, received FROM balance WHERE received != {' + '.join(OUTCOMES)}"
        for *key, received in self._stored.execute(query):
            row = f"balance {_key(COUNTS[0], key)}"
            self._add(row, "differs", f"received is {received}, and its outcomes are not as many")

    def _prove_first_readings(self) -> None:
        """Check when sources began; a restatement may have let one begin earlier."""
        query = "SELECT park, facility, name, first FROM source"
        again = {tuple(name): first for *name, first in self._again.execute(query)}
        stored = {tuple(name) for *name, _ in self._stored.execute(query)}
        for name in sorted(again.keys() - stored):
            if again[name] is not None:
                kind: Kind = "configuration" if self._earlier else "differs"
                self._add(f"source {'/'.join(name)}", kind, "is missing; the journal has readings of it")
        restated = self._stored.execute("SELECT 1 FROM ledger WHERE cause = 'restatement' LIMIT 1").fetchone()
        for *name, first in self._stored.execute(query):
            expected = again.get(tuple(name), first)
            if first == expected or (
                restated and first is not None and (expected is None or first < expected)
            ):
                continue
            shown = [_shown("first", one) for one in (first, expected)]
            kind = "earlier" if self._earlier else "differs"
            self._add(f"source {'/'.join(name)}", kind, f"first is {shown[0]}, the journal gives {shown[1]}")

    def _add(self, row: str, kind: Kind, detail: str) -> None:
        self._report.add(Finding("messages", kind, row, detail))


def counted(state: sqlite3.Connection, table: Table, gateway: str) -> list[Row]:
    """Return level, start, finish, what is counted and the counts of a gateway's rows."""
    columns = ", ".join((table.key[-1], *table.values))
    query = f"SELECT level, start, finish, {columns} FROM {table.name} WHERE gateway = ?"
    return state.execute(query, (gateway,)).fetchall()


def _spans(states: Sequence[Sequence[Row]]) -> list[tuple[int, int]]:
    """Return the days, and the hours outside of these, that any rows are of, in order."""
    found: list[tuple[int, int]] = []
    for wanted in (DAY, HOUR):
        spans = {(start, finish) for rows in states for level, start, finish, *_ in rows if level == wanted}
        found = sorted([*found, *(span for span in spans if _within(span[0], found) is None)])
    return found


def _within(start: int, spans: Sequence[tuple[int, int]]) -> int | None:
    place = bisect_right(spans, (start, _EVER)) - 1
    if place >= 0 and start < spans[place][1]:
        return spans[place][0]
    return None


def _added_up(gateway: str, rows: Sequence[Row], spans: Sequence[tuple[int, int]]) -> list[Row]:
    """Return rows of (gateway, start, what is counted, counts) in order, those within a span as one."""
    sums: dict[tuple[int, str], list[int]] = {}
    for _, start, _, what, *counts in rows:
        within = _within(start, spans)
        held = sums.setdefault((start if within is None else within, what), [0] * len(counts))
        held[:] = [a + b for a, b in zip(held, counts, strict=True)]
    return [(gateway, start, what, *counts) for (start, what), counts in sorted(sums.items()) if any(counts)]


def _is_span(level: int, start: int, finish: int) -> bool:
    """Whether a row's stretch is as long as its level may be; a day that a clock is set in is longer or shorter."""
    shortest, longest = _LENGTHS.get(level, (1, 0))
    return shortest <= finish - start <= longest and start % NS_PER_MIN == 0


def differing(
    one: Iterator[Row], other: Iterator[Row], key: int
) -> Iterator[tuple[Row, Row | None, Row | None]]:
    """Yield key and rows where two tables differ; both come in order of their keys, which are the first columns."""
    a, b = next(one, None), next(other, None)
    while a is not None and b is not None:
        if tuple(a[:key]) < tuple(b[:key]):
            yield a[:key], a, None
            a = next(one, None)
        elif tuple(b[:key]) < tuple(a[:key]):
            yield b[:key], None, b
            b = next(other, None)
        else:
            if tuple(a) != tuple(b):
                yield a[:key], a, b
            a, b = next(one, None), next(other, None)
    for row in chain([a] if a is not None else [], one):
        yield row[:key], row, None
    for row in chain([b] if b is not None else [], other):
        yield row[:key], None, row


def _is_of_nobody(table: Table, mine: Row | None, other: Row | None) -> bool:
    """Whether a message is not kept of a device that nobody had configured: of those only the newest are."""
    return table.name == "quarantine" and mine is None and other is not None and other[2] == ""


def _key(table: Table, key: Row) -> str:
    return " ".join(_shown(name, value) for name, value in zip(table.key, key, strict=True))


_TIMES = {
    "start",
    "began",
    "hole_from",
    "hole_to",
    "earliest",
    "latest",
    "at",
    "heard",
    "first",
    "last",
    "low_time",
    "high_time",
    "finish",
    "entered_at",
    "approved_at",
    "ended_at",
}
_EVER = 2**63
_LENGTHS = {
    MINUTE: (NS_PER_MIN, NS_PER_MIN),
    HOUR: (15 * NS_PER_MIN, NS_PER_HOUR),
    DAY: (22 * NS_PER_HOUR, 26 * NS_PER_HOUR),
}
_LONG_AGO = 10**17  # ns UTC, 1973: a smaller number is a count


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "nothing"
    if name in _TIMES | {"received"} and isinstance(value, int) and value > _LONG_AGO:
        return when(value)
    if isinstance(value, bytes):
        return (
            value[:40].decode(errors="replace")
            if name == "topic"
            else f"{len(value)} bytes {value[:8].hex()}"
        )
    return str(value) or "''"

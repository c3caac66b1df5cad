"""Looks at the start whether every row of the small tables can be read, before anything rests on it.

What kind of value a column holds is what the schema declares; what else must hold of some stands here. The large tables
(readings, windows, sums, ledgers) are looked at where they are read: `verify` proves them.
"""

import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from plant.alert_rules.matchers import matcher
from plant.vocabulary import FOREVER, LONGEST_RECORD, SINCE_EVER, Code, Outcome
from store.accounting.closing import Status
from store.archive.archived import ArchiveFile
from store.blocks import IS_HOUR
from store.messages.replays import Became, Replay
from store.messages.set_aside import any_text, mend, set_aside
from store.records.movements import are_serials
from store.records.table import RecordStanding

# Large, append-only, or without anything that could be read wrongly.
_EXEMPT = frozenset(
    (
        *(
            "reading",
            "reading_block",
            "reading_lost",
            "emission",
            "total",
            "ledger",
            "regulated_hour",
            "pending_regulated",
        ),
        *("regulated_ledger", "alert_event", "delivery", "meta", "cursor", "set_aside"),
    )
)
_KINDS = {
    "INTEGER": f"typeof({{0}}) = 'integer' AND {{0}} BETWEEN {SINCE_EVER} AND {FOREVER}",
    "REAL": "typeof({0}) IN ('real', 'integer')",
    "TEXT": "typeof({0}) = 'text'",
    "BLOB": "typeof({0}) = 'blob'",
}
_WIDE = {"influx_emission": ("dirty",)}  # bits of int64, in any order


def _is_list(column: str, kind: str) -> str:
    """Return in SQL whether a column is a JSON array of one type."""
    return (
        f"iif(json_valid({column}), json_type({column}) = 'array'"
        f" AND NOT EXISTS (SELECT 1 FROM json_each({column}) WHERE type != '{kind}'), 0)"
    )


def _is_object(column: str) -> str:
    return f"iif(json_valid({column}), json_type({column}) = 'object', 0)"


def _is_one_of(column: str, words: type[Code | Outcome | Status | RecordStanding]) -> str:
    return f"{column} IN ({', '.join(repr(str(word.value)) for word in words)})"


_ALSO: Mapping[str, Mapping[str, str]] = {
    "quarantine": {"outcome": _is_one_of("outcome", Outcome), "code": _is_one_of("code", Code)},
    "period": {"status": _is_one_of("status", Status)},
    "rule_state": {"state": "state BETWEEN 0 AND 3", "fired": _is_list("fired", "integer")},
    "gateway_heard": {"offsets": "length(offsets) = 80"},
    "alert": {"labels": _is_object("labels"), "texts": _is_object("texts")},
    "silence": {"match": "are_matchers(match)"},
    "sparkplug_away": {"metrics": _is_list("metrics", "text"), "channels": _is_list("channels", "integer")},
    "influx_reading": {"readings": "count > 0 AND length(readings) = 21 * count"},
    "pending_emission": {"block": IS_HOUR},
    "replay": {"wanted": "is_a_replay(wanted, became)"},
    "record": {
        "finish": f"finish - start BETWEEN 0 AND {LONGEST_RECORD}",  # a longer one would be spread over windows without end
        "standing": _is_one_of("standing", RecordStanding),
    },
    "movement": {"standing": _is_one_of("standing", RecordStanding), "serials": "are_serials(serials)"},
    "report": {
        "periods": _is_list("periods", "text"),
        "files": _is_object("files"),
        "tonnes": _is_object("tonnes"),
    },
    "archived_month": {"files": "are_archive_files(files)"},
}
# Where a row is needed, and what is safe to say in place of what cannot be read: a month that was closed stays closed.
_MENDED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "source": (("first", "begins"), "first = NULL, begins = NULL"),
    "boot": (("heard", "began"), "heard = 0, began = NULL"),
    "period": (
        ("status", "approved_by", "approved_generation"),
        "status = 'final', approved_by = '', approved_generation = -1",
    ),
}


def set_unsound_aside(connection: sqlite3.Connection) -> None:
    """Set aside, inside a transaction, what cannot be read."""
    connection.create_function("is_a_replay", 2, _is_a_replay, deterministic=True)
    connection.create_function("are_matchers", 1, _are_matchers, deterministic=True)
    connection.create_function("are_archive_files", 1, _are_archive_files, deterministic=True)
    connection.create_function("are_serials", 1, are_serials, deterministic=True)
    connection.create_function("is_utf8", 1, _is_utf8, deterministic=True)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        if table not in _EXEMPT and not table.startswith("sqlite_"):
            _look_at(connection, table)


def _look_at(connection: sqlite3.Connection, table: str) -> None:
    columns = connection.execute(
        'SELECT name, type, "notnull" OR pk, pk FROM pragma_table_info(?)', (table,)
    ).fetchall()
    keys = [name for name, _, _, place in columns if place]
    texts = [f'"{name}"' for name, kind, _, _ in columns if kind == "TEXT"]
    is_text = _can_be_read(connection, f"SELECT {', '.join(texts) or 1} FROM {table}")
    checks = {
        name: _check(table, name, kind, is_needed=is_needed, is_text=is_text)
        for name, kind, is_needed, _ in columns
    }
    mended, how = _MENDED.get(table, ((), ""))
    for key, reason in _unsound(connection, table, keys, {name: checks.pop(name) for name in mended}):
        mend(connection, table, key, reason, how)
    for key, reason in _unsound(connection, table, keys, checks):
        set_aside(connection, table, key, reason)


def _check(table: str, name: str, kind: str, *, is_needed: bool, is_text: bool) -> str:
    """Return the SQL that says whether a column can be read."""
    quoted = f'"{name}"'
    check = "TRUE" if name in _WIDE.get(table, ()) else _KINDS[kind].format(quoted)
    if kind == "TEXT" and not is_text:
        check = f"iif({check}, is_utf8(CAST({quoted} AS BLOB)), 0)"
    also = _ALSO.get(table, {}).get(name, "TRUE")
    both = f"iif({check}, coalesce({also}, 0), 0)"
    return both if is_needed else f"({quoted} IS NULL OR {both})"


def _can_be_read(connection: sqlite3.Connection, query: str) -> bool:
    """Whether all text of a query is UTF-8."""
    try:
        deque(connection.execute(query), maxlen=0)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) is not None:  # it is SQLite's, and not Python's
            raise
        return False
    return True


def _unsound(
    connection: sqlite3.Connection, table: str, keys: Sequence[str], checks: Mapping[str, str]
) -> Sequence[tuple[dict[str, object], str]]:
    """Return the key of each row that cannot be read, and which of its columns is to blame."""
    if not checks:
        return ()
    asked = ", ".join([*(f'"{key}"' for key in keys), *checks.values()])
    with any_text(connection):
        rows = connection.execute(
            f"SELECT {asked} FROM {table} WHERE NOT ({' AND '.join(checks.values())})"
        ).fetchall()
    return [
        (
            dict(zip(keys, row, strict=False)),
            f"{', '.join(name for name, sound in zip(checks, row[len(keys) :], strict=True) if not sound)} cannot be read",
        )
        for row in rows
    ]


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _are_archive_files(files: Any) -> bool:
    try:
        msgspec.json.decode(files, type=tuple[ArchiveFile, ...])
    except (msgspec.MsgspecError, TypeError, ValueError):
        return False
    return True


def _are_matchers(match: Any) -> bool:
    try:
        return all(matcher(text) for text in msgspec.json.decode(match, type=list[str]))
    except (msgspec.MsgspecError, RecursionError, TypeError, ValueError):
        return False


def _is_a_replay(wanted: Any, became: Any) -> bool:
    try:
        msgspec.json.decode(wanted, type=Replay)
        msgspec.json.decode(became, type=Became)
    except (msgspec.MsgspecError, RecursionError, TypeError):
        return False
    return True

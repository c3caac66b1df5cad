"""Brings a state of an earlier schema to today's when it is opened.

Each upgrade works in parts that are committed one by one, so that a kill at any point leaves a state with which the next start
goes on; what was there before is dropped by the last part.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping

from store import blocks
from store.sqlite import transaction, write_rows

SCHEMA_VERSION = 11  # of state.db
AT_ONCE = 2000  # rows copied in one transaction
TELL_S = 5.0

log = logging.getLogger(__name__)

# An hour is compressed to about a kilobyte, and rows of that size lie closer in a table with row numbers.
EMISSION_6 = """CREATE TABLE {name} (
    source INTEGER NOT NULL, hour INTEGER NOT NULL, revision INTEGER NOT NULL, block BLOB NOT NULL, UNIQUE (source, hour)
)"""


BACKFILL_6 = """CREATE TABLE IF NOT EXISTS backfill (
    gateway TEXT PRIMARY KEY, oldest INTEGER NOT NULL, opened INTEGER NOT NULL, opened_by TEXT NOT NULL, reason TEXT NOT NULL, closed INTEGER
) WITHOUT ROWID"""


# Limits had a table of their own beside that of conditions.
_RULES_7 = """
CREATE TABLE rule_7 (
    rule TEXT NOT NULL, subject TEXT NOT NULL, state INTEGER NOT NULL, since INTEGER NOT NULL, firing INTEGER NOT NULL,
    cleared_since INTEGER NOT NULL, fired TEXT NOT NULL, shelved_until INTEGER NOT NULL, alert TEXT NOT NULL, passed INTEGER NOT NULL,
    judged INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (rule, subject)
) WITHOUT ROWID;
INSERT INTO rule_7
    SELECT condition, subject, state, since, firing, cleared_since, fired, shelved_until, alert, passed, -4611686018427387904, 0
    FROM condition_state;
INSERT INTO rule_7
    SELECT rule, subject, CASE state WHEN 'ok' THEN 0 WHEN 'firing' THEN 2 ELSE 3 END, judged, alert IS NOT NULL, -4611686018427387904,
    fired, shelved_until, coalesce(alert, ''), iif(alert IS NULL, -1, 0), judged, told
    FROM rule_state;
DROP TABLE rule_state;
DROP TABLE condition_state;
ALTER TABLE rule_7 RENAME TO rule_state
"""


READING_BLOCK_8 = """CREATE TABLE IF NOT EXISTS reading_block (
    channel INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
    block BLOB NOT NULL, UNIQUE (channel, start)
)"""

RECORDS_8 = """
CREATE TABLE IF NOT EXISTS record (
    message INTEGER NOT NULL, row INTEGER NOT NULL, park TEXT NOT NULL, facility TEXT NOT NULL, channel TEXT NOT NULL, start INTEGER NOT NULL,
    finish INTEGER NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL, source TEXT NOT NULL, evidence TEXT NOT NULL, note TEXT NOT NULL,
    replaces TEXT NOT NULL, standing TEXT NOT NULL, entered_by TEXT NOT NULL, entered_key TEXT NOT NULL, entered_at INTEGER NOT NULL, approved_by TEXT NOT NULL,
    approved_key TEXT NOT NULL, approved_at INTEGER, ended_by TEXT NOT NULL, ended_at INTEGER, reason TEXT NOT NULL, correction INTEGER, PRIMARY KEY (message, row)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_by_channel ON record (park, facility, channel, finish);
CREATE INDEX IF NOT EXISTS record_by_evidence ON record (evidence);
CREATE TABLE IF NOT EXISTS evidence (
    digest TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, message INTEGER NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (digest, by)
) WITHOUT ROWID
"""


ARCHIVE_8 = """
CREATE TABLE IF NOT EXISTS archived_month (
    park TEXT NOT NULL, month TEXT NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL, through INTEGER NOT NULL,
    keep_from INTEGER NOT NULL, at INTEGER NOT NULL, message INTEGER NOT NULL, files TEXT NOT NULL, PRIMARY KEY (park, start)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS archived_messages (
    first INTEGER PRIMARY KEY, finish INTEGER NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, message INTEGER NOT NULL
)
"""


REPORTS_8 = """CREATE TABLE IF NOT EXISTS report (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, revision INTEGER NOT NULL, at INTEGER NOT NULL, message INTEGER NOT NULL,
    actor TEXT NOT NULL, form TEXT NOT NULL, park TEXT NOT NULL, facility TEXT NOT NULL, periods TEXT NOT NULL, language TEXT NOT NULL,
    gwp TEXT NOT NULL, files TEXT NOT NULL, tonnes TEXT NOT NULL, ledger TEXT NOT NULL, configuration TEXT NOT NULL, version TEXT NOT NULL
) WITHOUT ROWID"""


MOVEMENTS_10 = """
CREATE TABLE IF NOT EXISTS movement (
    message INTEGER PRIMARY KEY, park TEXT NOT NULL, facility TEXT NOT NULL, instrument TEXT NOT NULL, act TEXT NOT NULL, day TEXT NOT NULL,
    amount REAL NOT NULL, year INTEGER, serials TEXT NOT NULL, source TEXT NOT NULL, evidence TEXT NOT NULL, note TEXT NOT NULL,
    standing TEXT NOT NULL, entered_by TEXT NOT NULL, entered_key TEXT NOT NULL, entered_at INTEGER NOT NULL, approved_by TEXT NOT NULL,
    approved_key TEXT NOT NULL, approved_at INTEGER, approved_in INTEGER, ended_by TEXT NOT NULL, ended_at INTEGER, reason TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS movement_by_evidence ON movement (evidence)
"""

# One message enters several movements, which its rows tell apart.
_MOVEMENTS_11 = """
CREATE TABLE movement_11 (
    message INTEGER NOT NULL, row INTEGER NOT NULL, park TEXT NOT NULL, facility TEXT NOT NULL, instrument TEXT NOT NULL, act TEXT NOT NULL, day TEXT NOT NULL,
    amount REAL NOT NULL, year INTEGER, serials TEXT NOT NULL, source TEXT NOT NULL, evidence TEXT NOT NULL, note TEXT NOT NULL,
    standing TEXT NOT NULL, entered_by TEXT NOT NULL, entered_key TEXT NOT NULL, entered_at INTEGER NOT NULL, approved_by TEXT NOT NULL,
    approved_key TEXT NOT NULL, approved_at INTEGER, approved_in INTEGER, ended_by TEXT NOT NULL, ended_at INTEGER, reason TEXT NOT NULL, PRIMARY KEY (message, row)
) WITHOUT ROWID;
INSERT INTO movement_11
    SELECT message, 0, park, facility, instrument, act, day, amount, year, serials, source, evidence, note, standing, entered_by, entered_key,
    entered_at, approved_by, approved_key, approved_at, approved_in, ended_by, ended_at, reason
    FROM movement;
DROP TABLE movement;
ALTER TABLE movement_11 RENAME TO movement;
CREATE INDEX movement_by_evidence ON movement (evidence)
"""


def of_another_schema(version: int) -> str:
    """Say what a state of another schema has, and what to do."""
    told = f"has schema {version}, this version of Stackmeter reads {SCHEMA_VERSION}"
    if version in UPGRADED:
        return f"{told}: start the service once, which brings it to that"
    return f"{told}: move it aside and start from the journal (docs/operating.md, Upgrade)"


def upgrade(connection: sqlite3.Connection, found: int) -> None:
    """Bring a state from one version of the schema to today's, as far as there is a way."""
    while found in _UPGRADES:
        log.warning(
            "state.db has schema %d and is brought to %d: this may take a while, and goes on after an interruption",
            found,
            found + 1,
        )
        _UPGRADES[found](connection)
        found += 1
        log.warning("state.db has schema %d", found)


def _to_6(connection: sqlite3.Connection) -> None:
    """Compress the hours of windows, in a table made for rows of that size; and make room for backfills."""
    connection.execute(BACKFILL_6)
    if not _has(connection, "emission_6") and not _is_row_numbered(connection):
        connection.execute(EMISSION_6.format(name="emission_6"))
    if _has(connection, "emission_6"):
        _copy_hours(connection)
    with transaction(connection):
        if _has(connection, "emission_6"):
            connection.execute("DROP TABLE emission")
            connection.execute("ALTER TABLE emission_6 RENAME TO emission")
        connection.execute("PRAGMA user_version = 6")


def _to_7(connection: sqlite3.Connection) -> None:
    """Put limits and conditions into one table."""
    with transaction(connection):
        for statement in _RULES_7.split(";"):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 7")


def _to_8(connection: sqlite3.Connection) -> None:
    """Make room for blocks of readings: the version before would not miss what is in them."""
    with transaction(connection):
        connection.execute(READING_BLOCK_8)
        connection.execute("PRAGMA user_version = 8")


def _to_9(connection: sqlite3.Connection) -> None:
    """Make room for records, their evidence, papers that were issued, and what the archive has."""
    with transaction(connection):
        for statement in f"{RECORDS_8};{ARCHIVE_8};{REPORTS_8}".split(";"):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 9")


def _to_10(connection: sqlite3.Connection) -> None:
    """Make room for movements of instruments."""
    with transaction(connection):
        for statement in MOVEMENTS_10.split(";"):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 10")


def _to_11(connection: sqlite3.Connection) -> None:
    """Let one message enter several movements."""
    with transaction(connection):
        for statement in _MOVEMENTS_11.split(";"):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 11")


def _copy_hours(connection: sqlite3.Connection) -> None:
    total = int(connection.execute("SELECT count(*) FROM emission").fetchone()[0])
    done = int(connection.execute("SELECT count(*) FROM emission_6").fetchone()[0])
    last = connection.execute(
        "SELECT source, hour FROM emission_6 ORDER BY 1 DESC, 2 DESC LIMIT 1"
    ).fetchone()
    packer, told = blocks.hour_packer(), time.monotonic()
    while rows := connection.execute(
        "SELECT source, hour, revision, block FROM emission WHERE (source, hour) > (?, ?) ORDER BY 1, 2 LIMIT ?",
        (*(last or (-1, 0)), AT_ONCE),
    ).fetchall():
        with transaction(connection):
            write_rows(
                connection,
                "INSERT INTO emission_6",
                [
                    (*key, packer.pack(block) if blocks.block_of(block) is not None else block)
                    for *key, block in rows
                ],
            )
        last, done = rows[-1][:2], done + len(rows)
        if time.monotonic() - told >= TELL_S:
            log.warning("state.db: %d of %d hours", done, total)
            told = time.monotonic()


def _has(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone() is not None


def _is_row_numbered(connection: sqlite3.Connection) -> bool:
    """Whether the table of hours is today's already: the version alone was not written."""
    [(text,)] = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'emission'")
    return "WITHOUT ROWID" not in text


_UPGRADES: Mapping[int, Callable[[sqlite3.Connection], None]] = {
    5: _to_6,
    6: _to_7,
    7: _to_8,
    8: _to_9,
    9: _to_10,
    10: _to_11,
}
UPGRADED = frozenset(_UPGRADES)  # versions from which there is a way to today's

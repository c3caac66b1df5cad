"""One value of a state is changed, or a row of it lost or doubled, at random: each is named, or is one of those that say nothing.

`FLIPS=2000` in the environment tries so many, `FLIPS_SEED` others.
"""

import os
import random
import re
import shutil
import sqlite3
import struct
import tempfile
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from proof.verify.books_proof import TABLES
from proof.verify.findings import NOT_PROVEN, Report
from proof.verify.verify import NoState, verify
from rules.catalogue import load_catalogue
from store.blocks import FIELDS, REVISION, from_bytes
from store.sqlite import StateMismatch
from tests.ingest.test_regulated import CONFIGURATION as UNDER_A_RULE
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION

FLIPS = int(os.environ.get("FLIPS", "24"))
SEED = int(os.environ.get("FLIPS_SEED", "11"))

# What no number and no outcome rests on: words, what is beside a number, and what decided something that stands.
SAY_NOTHING = {
    "quarantine": {"detail"},
    "reading_lost": {"verdict", "flags"},
    "regulated_hour": {"live_co2e_t"},
    "pending_regulated": {"live_co2e_t"},
    "decision": {"outcome", "detail", "start"},
    "boot": {"id"},
    "term": {"id"},
    "configuration": {"first", "hash"},
}
# A channel or a source without readings is made anew at the next start.
USED = {
    "channel": "id IN (SELECT channel FROM reading)", "source": "first IS NOT NULL",
    "term": "id IN (SELECT given FROM source_term)",
}  # fmt: skip
OF_MESSAGES = (
    "cursor", "configuration", "reading", "reading_lost", "boot", "sequence", "balance", "code", "balance_ever", "code_ever", "quarantine", "gateway_status",
    "decision", "period", "channel", "source", "emission", "total", "ledger", "pending_emission", "term", "source_term", "meta",
)  # fmt: skip
OF_HOURS = ("regulated_hour", "regulated_ledger", "pending_regulated")
OF_DAYS = (
    "reading_block",
)  # damaged in tests/proof/test_folded.py and tests/store/test_readings_in_blocks.py
OF_PAPERS = ("report",)  # damaged in tests/reports/test_issued.py


def proven(folder: Path, config: Path) -> Report:
    catalogue = load_catalogue(config)
    return verify(load(config, catalogue, AnySecret()), catalogue, folder)


def flipped(value: Any, chance: random.Random) -> Any:
    """Return a value with one bit another one."""
    if value is None:
        return chance.randrange(1, 100)
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(63 if abs(value) > 2**31 else 31)
    if isinstance(value, float):
        bits = struct.unpack("<q", struct.pack("<d", value))[0] ^ 1 << chance.randrange(62)
        return struct.unpack("<d", struct.pack("<q", bits))[0]
    if isinstance(value, str):
        place = chance.randrange(len(value) + 1)
        return f"{value[:place]}{chance.choice('ÄÖÜ')}{value[place + 1 :]}"
    data = bytearray(value or b"\0")
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def says_the_same(table: str, column: str, one: Any, other: Any) -> bool:
    """Whether two blobs hold the same numbers: an unknown is an unknown, and what waits has no revision yet."""
    if column == "block":
        fields = REVISION if table == "pending_emission" else len(FIELDS)
        a, b = (from_bytes(block)[:, :fields] for block in (one, other))
        return bool(np.array_equal(a + 0.0, b + 0.0, equal_nan=True))
    if column == "inputs" and isinstance(one, bytes):
        try:
            return repr(msgspec.msgpack.decode(one)) == repr(msgspec.msgpack.decode(other))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
    return False


def tampered(state: sqlite3.Connection, table: str, chance: random.Random) -> str:
    """Change one value of a table, or lose or double a row; return what was done."""
    info = state.execute(f"PRAGMA table_info({table})").fetchall()
    columns = [row[1] for row in info]
    used = USED.get(table, "TRUE")
    count = state.execute(f"SELECT count(*) FROM {table} WHERE {used}").fetchone()[0]
    row = state.execute(
        f"SELECT * FROM {table} WHERE {used} LIMIT 1 OFFSET ?", (chance.randrange(count),)
    ).fetchone()
    where = " AND ".join(f"{name} IS ?" for name in columns)
    what = chance.choice(("flip",) * 6 + ("lose", "double"))
    if what == "lose":
        state.execute(f"DELETE FROM {table} WHERE {where}", row)
        return f"{table}: lost {row[:2]!r:.60}"
    place = chance.randrange(len(columns))
    if what == "double":
        place = next((at for at, one in enumerate(info) if one[5] and isinstance(row[at], int)), place)
    value = (
        row[place] + chance.choice((-1, 1))
        if what == "double" and isinstance(row[place], int)
        else flipped(row[place], chance)
    )
    changed = [*row[:place], value, *row[place + 1 :]]
    if what == "double":
        state.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", changed)
    else:
        state.execute(f"UPDATE {table} SET {columns[place]} = ? WHERE {where}", (value, *row))
    is_quiet = columns[place] in SAY_NOTHING.get(table, set()) or says_the_same(
        table, columns[place], row[place], value
    )
    quiet = " (says nothing)" if is_quiet else ""
    return f"{table}.{columns[place]} {what}: {row[place]!r:.60} to {value!r:.60} of {row[:2]!r:.60}{quiet}"


def is_named(folder: Path, config: Path) -> bool:
    try:
        return not proven(folder, config).proven
    except (StateMismatch, NoState):
        return True


def missed(base: Path, config: Path, tables: tuple[str, ...], flips: int, chance: random.Random) -> list[str]:
    """Return what was changed and is not named."""
    found: list[str] = []
    for number in range(flips):
        table = tables[number % len(tables)]
        with tempfile.TemporaryDirectory(dir=MEMORY) as path:
            folder = Path(shutil.copytree(base, path, dirs_exist_ok=True))
            with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as state:
                for (name,) in state.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                ).fetchall():
                    state.execute(f"DROP TRIGGER {name}")
                try:
                    done = tampered(state, table, chance)
                except sqlite3.IntegrityError:
                    continue  # no such state can be
            if not is_named(folder, config) and "(says nothing)" not in done:
                found.append(done)
    return found


def test_solid_b7_each_table_is_proven_or_listed_as_not_proven() -> None:
    schema = files("store").joinpath("schema.sql").read_text()
    tables = re.findall(r"^CREATE TABLE (\w+)", schema, re.MULTILINE)
    listed = [table for names in NOT_PROVEN.values() for table in names]
    compared = {table.name for table in TABLES}

    assert set(tables) == {*OF_MESSAGES, *OF_HOURS, *OF_DAYS, *OF_PAPERS, *compared, *listed}
    assert not set(listed) & {*OF_MESSAGES, *OF_HOURS, *compared}


def test_solid_b7_untouched_everything_is_proven(of_messages: Path, of_hours: Path) -> None:
    for folder, config in ((of_messages, CONFIGURATION), (of_hours, UNDER_A_RULE)):
        report = proven(folder, config)
        assert report.proven, report.findings[:5]


def test_solid_b7_whatever_is_changed_of_messages_and_windows_is_named(of_messages: Path) -> None:
    assert missed(of_messages, CONFIGURATION, OF_MESSAGES, FLIPS, random.Random(SEED)) == []


def test_solid_b7_whatever_is_changed_of_regulated_hours_is_named(of_hours: Path) -> None:
    assert missed(of_hours, UNDER_A_RULE, OF_HOURS, FLIPS // 4, random.Random(SEED)) == []

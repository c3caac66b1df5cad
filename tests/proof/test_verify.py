"""Proofs: a state of the line's own proves clean, and what somebody edits behind its back is found and named by row."""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import blake2b, sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from proof.verify.findings import Report
from proof.verify.ledger_proof import last_of, prove_ledger
from proof.verify.verify import NoState, verify
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from store import blocks
from store.accounting.ledger import Entry, raw_changes
from store.messages.groups import stored_array
from store.messages.journal import DECISION
from store.totals.emissions import Changes
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, DAY, HOUR, MINUTE, NOON, World, reading

POWER = "park-a/works/power"
TWO = "2026-03-10T05:02:00Z"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        yield Path(path)


def story(world: World) -> None:
    """Let three messages arrive: two hours of power and a register, an event with a lost conflict, a late reading."""
    world.now = NOON + 3 * HOUR
    world.send(
        *[reading("power", NOON + m * MINUTE, 60 + m / 7, "kW") for m in range(0, 90, 2)],
        *[reading("reg", NOON + m * MINUTE, 100 + m * 0.3) for m in range(0, 90, 5)],
        reading("diesel", NOON + MINUTE, 12.5, "L"),
    )
    world.send(reading("diesel", NOON + MINUTE, 11.5, "L"), boot="b1", seq=1)
    world.send(reading("power", NOON + 3 * MINUTE, 75_000, "W", quality="uncertain"), boot="b1", seq=2)


@pytest.fixture
def stopped(folder: Path) -> Path:
    world = World(folder)
    story(world)
    world.close()
    return folder


def proven(folder: Path, config: Path = CONFIGURATION) -> Report:
    catalogue = load_catalogue(config)
    return verify(load(config, catalogue, AnySecret()), catalogue, folder)


def tampered(folder: Path, tamper: Callable[[sqlite3.Connection], None], file: str = "state.db") -> None:
    with closing(sqlite3.connect(folder / file, isolation_level=None)) as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        tamper(connection)


def found(folder: Path) -> list[tuple[str, str]]:
    """Return (proof, row) of everything that differs."""
    report = proven(folder)
    assert not report.proven
    assert {one.kind for one in report.findings} == {"differs"}
    return [(one.proof, one.row) for one in report.findings]


def number_of(connection: sqlite3.Connection, table: str, name: str) -> int:
    return int(connection.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()[0])


def test_a_state_of_the_line_proves_clean(stopped: Path) -> None:
    report = proven(stopped)

    assert report.proven, report.findings
    assert report.checked["readings"] == 45 + 18 + 1 + 1 + 1  # the lost one, too
    assert report.checked["ledger"] == 2  # the lost conflict changed nothing
    assert (
        report.checked["totals"] == 3 * 3 + 2
    )  # hour, day, month of three sources; a second hour of power and of the register
    assert report.checked["published"] == report.checked["recomputed"] > 170


def test_it_proves_beside_a_service_that_goes_on_writing(folder: Path) -> None:
    """What comes while it works is not part of what it proves, and does not disturb it."""
    world = World(folder)
    story(world)
    before = proven(folder).checked["readings"]

    def more(what: str, _done: int, _total: int) -> None:
        if what == "ledger":
            world.send(*[reading("power", NOON + m * MINUTE, 61, "kW") for m in range(91, 120)])

    report = verify(world.plant, world.catalogue, folder, more)
    assert report.proven, report.findings
    assert report.checked["readings"] == before
    assert proven(folder).checked["readings"] == before + 29
    world.close()


def test_an_edited_reading_is_named_with_what_its_message_says_and_the_windows_it_made(stopped: Path) -> None:
    def edit(state: sqlite3.Connection) -> None:
        channel = number_of(state, "channel", "power")
        state.execute(
            "UPDATE reading SET value = 61 WHERE channel = ? AND time = ?", (channel, NOON + 2 * MINUTE)
        )

    tampered(stopped, edit)
    report = proven(stopped)
    [reading_row] = [one for one in report.findings if one.proof == "readings"]
    windows = [one for one in report.findings if one.proof == "recomputed"]

    assert reading_row.row == f"reading {POWER} {TWO}"
    assert "value is 61.0, message 1 says 60.285714" in reading_row.detail
    assert [one.row[-20:] for one in windows] == ["2026-03-10T05:00:00Z", "2026-03-10T05:01:00Z", TWO]
    assert windows[0].published is not None
    assert windows[0].published < (windows[0].recomputed or 0)
    assert {one.proof for one in report.findings} == {"readings", "recomputed"}


@pytest.mark.parametrize(
    ("column", "value"), [("quality", 0), ("correction", 1), ("boot", 0), ("flags", 1), ("message", 2)]
)
def test_whatever_a_reading_has_from_its_message_is_proven(stopped: Path, column: str, value: int) -> None:
    def edit(state: sqlite3.Connection) -> None:
        state.execute(
            f"UPDATE reading SET {column} = ? WHERE channel = ? AND time = ?",
            (value, number_of(state, "channel", "power"), NOON + 3 * MINUTE),
        )

    tampered(stopped, edit)
    assert ("readings", f"reading {POWER} 2026-03-10T05:03:00Z") in found(stopped)


def test_a_reading_that_no_message_brought_is_found_and_so_is_the_lack_of_one(stopped: Path) -> None:
    def forge(state: sqlite3.Connection) -> None:
        channel = number_of(state, "channel", "power")
        state.execute(
            "INSERT INTO reading VALUES (?, ?, 1.0, 0, 0, 0, 0, 0, 1)", (channel, NOON + 81 * MINUTE)
        )
        state.execute("DELETE FROM reading WHERE channel = ? AND time = ?", (channel, NOON + 4 * MINUTE))

    tampered(stopped, forge)
    rows = found(stopped)
    assert ("readings", f"reading {POWER} 2026-03-10T06:21:00Z") in rows
    assert ("recomputed", f"emission {POWER} window 2026-03-10T05:04:00Z") in rows


def test_an_edited_lost_reading_is_named(stopped: Path) -> None:
    tampered(stopped, lambda state: state.execute("UPDATE reading_lost SET value = 1") and None)

    assert found(stopped) == [("readings", "reading_lost park-a/works/diesel 2026-03-10T05:01:00Z")]


@pytest.mark.parametrize("field", blocks.FIELDS)
def test_an_edited_byte_of_a_block_is_named_by_its_window(stopped: Path, field: str) -> None:
    """The lowest bit of each field of a window; co2e_t, activity and revision also contradict the ledger."""

    def edit(state: sqlite3.Connection) -> None:
        key = (number_of(state, "source", "power"), NOON)
        query = "SELECT block FROM emission WHERE source = ? AND hour = ?"
        block = bytearray(blocks.to_bytes(blocks.from_bytes(state.execute(query, key).fetchone()[0])))
        at = 8 * (2 * len(blocks.FIELDS) + blocks.FIELDS.index(field))
        block[at] ^= 1
        state.execute("UPDATE emission SET block = ? WHERE source = ? AND hour = ?", (bytes(block), *key))

    tampered(stopped, edit)
    rows = found(stopped)
    window = f"emission {POWER} window {TWO}"
    assert (("published", window) in rows) is (field in {"co2e_t", "activity", "revision"})
    assert (("recomputed", window) in rows) is (field != "revision")


def test_a_deleted_block_is_named_by_every_window_it_had(stopped: Path) -> None:
    tampered(
        stopped,
        lambda state: (
            state.execute(
                "DELETE FROM emission WHERE source = ? AND hour = ?",
                (number_of(state, "source", "power"), NOON),
            )
            and None
        ),
    )
    rows = found(stopped)
    assert rows.count(("totals", f"total {POWER} hour 2026-03-10T05:00:00Z")) == 1
    assert len([row for proof, row in rows if proof == "published"]) == 60


@pytest.mark.parametrize(("level", "name"), [(1, "hour"), (2, "day"), (3, "month")])
def test_an_edited_total_is_named(stopped: Path, level: int, name: str) -> None:
    """A sum that was edited contradicts its parts, and its parent contradicts it."""

    def edit(state: sqlite3.Connection) -> None:
        key = (number_of(state, "source", "power"), level)
        state.execute("UPDATE total SET co2_kg = co2_kg + 1e-9 WHERE source = ? AND level = ?", key)

    tampered(stopped, edit)
    rows = [row for proof, row in found(stopped) if proof == "totals"]
    start = {1: "2026-03-10T05:00:00Z", 2: "2026-03-09T17:00:00Z", 3: "2026-02-28T17:00:00Z"}[level]
    assert rows[0] == f"total {POWER} {name} {start}"
    assert len(rows) == {1: 3, 2: 2, 3: 1}[level]  # two hours and their day; a day and its month; a month


def test_a_deleted_total_is_named(stopped: Path) -> None:
    tampered(
        stopped,
        lambda state: (
            state.execute(
                "DELETE FROM total WHERE level = 3 AND source = ?", (number_of(state, "source", "reg"),)
            )
            and None
        ),
    )
    assert found(stopped) == [("totals", "total park-a/works/reg month 2026-02-28T17:00:00Z")]


def _changes(state: sqlite3.Connection, row: int) -> bytearray:
    return bytearray(
        raw_changes(state.execute("SELECT changes FROM ledger WHERE id = ?", (row,)).fetchone()[0])
    )


NOTHING = Changes(*[np.empty(0, np.int64)] * 3, *[np.empty((0, blocks.REVISION))] * 2)


def test_a_ledger_whose_rows_change_nothing_is_proven(tmp_path: Path) -> None:
    """As that of a park whose archived months had no emission."""
    made = World(tmp_path, CONFIGURATION, NOON)
    made.state.ledger.append(Entry(NOON, "archive: nothing", "lan", made.plant.hash, 1, 1), NOTHING)
    made.state.connection.commit()
    report = Report()
    with last_of(made.plant.window) as last:
        prove_ledger(made.state.connection, last, report, lambda *_: None)

    assert (report.findings, report.checked["ledger"]) == ([], 1)
    made.is_rebuilt = False
    made._shut()


def test_an_edited_change_of_the_ledger_is_named(stopped: Path) -> None:
    """Its hash tells, and what it says no longer is what was published."""

    def edit(state: sqlite3.Connection) -> None:
        changes = _changes(state, 2)
        changes[24] ^= 1  # the lowest byte of the first change's new co2e_t
        state.execute("UPDATE ledger SET changes = ? WHERE id = 2", (bytes(changes),))

    tampered(stopped, edit)
    rows = found(stopped)
    assert rows[0] == ("ledger", "ledger 2")
    assert [proof for proof, _ in rows] == ["ledger", "published"]


@pytest.mark.parametrize("column", ["at", "cause", "actor", "configuration", "journal_from", "journal_to"])
def test_whatever_a_row_of_the_ledger_says_is_bound_by_its_hash(stopped: Path, column: str) -> None:
    value = 7 if column in {"at", "journal_from", "journal_to"} else "x"
    tampered(
        stopped,
        lambda state: state.execute(f"UPDATE ledger SET {column} = ? WHERE id = 1", (value,)) and None,
    )
    report = proven(stopped)
    assert [(one.proof, one.row) for one in report.findings if one.proof == "ledger"] == [
        ("ledger", "ledger 1")
    ]


@pytest.mark.parametrize(
    ("column", "rows"), [("hash", ["ledger 1", "ledger 2"]), ("previous", ["ledger 1"] * 2)]
)
def test_an_edited_hash_of_the_ledger_is_named(stopped: Path, column: str, rows: list[str]) -> None:
    tampered(stopped, lambda state: state.execute(f"UPDATE ledger SET {column} = ? WHERE id = 1", (bytes(31) + b"1",)) and None)  # fmt: skip

    assert found(stopped) == [("ledger", row) for row in rows]


def test_a_deleted_row_of_the_ledger_is_named_by_the_one_after(stopped: Path) -> None:
    tampered(stopped, lambda state: state.execute("DELETE FROM ledger WHERE id = 1") and None)
    report = proven(stopped)

    assert "row 1 before it is missing" in [one.detail for one in report.findings if one.row == "ledger 2"]


def test_a_ledger_cut_short_is_found_by_what_was_published(stopped: Path) -> None:
    """A chain without its end is still a chain."""
    tampered(stopped, lambda state: state.execute("DELETE FROM ledger WHERE id = 2") and None)
    report = proven(stopped)

    assert {one.proof for one in report.findings} == {"published"}
    assert "has revision 2, ledger 1 gave it 1" in report.findings[0].detail


def test_a_chain_forged_anew_is_found_by_what_its_changes_follow(stopped: Path) -> None:
    """Somebody who knows how hashes are made still cannot change what a window was."""

    def forge(state: sqlite3.Connection) -> None:
        changes = _changes(state, 2)
        changes[16] ^= 1  # the lowest byte of the first change's old co2e_t
        entry = state.execute(
            "SELECT at, cause, actor, configuration, journal_from, journal_to, previous FROM ledger WHERE id = 2"
        ).fetchone()
        own = sha256(entry[6] + msgspec.msgpack.encode(list(entry[:6])) + changes).digest()
        state.execute("UPDATE ledger SET changes = ?, hash = ? WHERE id = 2", (bytes(changes), own))

    tampered(stopped, forge)
    report = proven(stopped)
    assert [(one.proof, one.row) for one in report.findings] == [("ledger", "ledger 2")]
    assert "its old numbers are not the new ones of ledger 1" in report.findings[0].detail


def edit_payload(journal: sqlite3.Connection, old: bytes, new: bytes, *, digest: bool) -> None:
    for first, stored in journal.execute("SELECT first, messages FROM journal").fetchall():
        packed = stored_array(stored)
        if old in packed:
            edited = packed.replace(old, new)
            journal.execute("UPDATE journal SET messages = ? WHERE first = ?", (edited, first))
            if digest:
                own = blake2b(edited, digest_size=16).digest()
                journal.execute("UPDATE journal SET digest = ? WHERE first = ?", (own, first))


@pytest.mark.parametrize("digest", [False, True])
def test_an_edited_byte_of_a_raw_message_is_named(stopped: Path, digest: bool) -> None:
    """Also where the digest was made to fit."""
    tampered(stopped, lambda journal: edit_payload(journal, b"75000", b"75001", digest=digest), "journal.db")
    rows = found(stopped)

    assert ("readings", f"reading {POWER} 2026-03-10T05:03:00Z") in rows
    assert (("readings", "journal group 3") in rows) is not digest
    assert len(rows) == 2 - digest


def test_a_message_that_is_gone_is_named_by_its_readings(stopped: Path) -> None:
    tampered(
        stopped, lambda journal: journal.execute("DELETE FROM journal WHERE first = 3") and None, "journal.db"
    )
    report = proven(stopped)
    rows = [(one.proof, one.row) for one in report.findings if one.kind == "differs"]
    assert ("readings", f"reading {POWER} 2026-03-10T05:03:00Z") in rows
    assert ("messages", "message 3") in rows
    assert any("is whole up to message 2" in one.detail for one in report.findings)


def test_a_journal_that_begins_later_leaves_readings_unproven(stopped: Path) -> None:
    tampered(
        stopped, lambda journal: journal.execute("DELETE FROM journal WHERE first < 3") and None, "journal.db"
    )
    report = proven(stopped)

    assert not report.proven
    assert {one.kind for one in report.findings} == {"unproven"}
    assert len(report.findings) == 1 + 65
    assert report.findings[0].row == "messages 1 to 2"
    assert "no longer has message 1: it begins at 3" in report.findings[1].detail


def test_a_journal_that_is_not_there_is_said(stopped: Path) -> None:
    (stopped / "journal.db").unlink()
    report = proven(stopped)

    assert [(one.proof, one.kind, one.row) for one in report.findings] == [
        ("readings", "unproven", "journal")
    ]


def other(folder: Path, old: str, new: str) -> Path:
    """Return another configuration."""
    config = folder / "other"
    config.mkdir()
    for file in CONFIGURATION.iterdir():
        text = file.read_text()
        (config / file.name).write_text(text.replace(old, new))
    return config


def test_numbers_that_another_configuration_makes_alike_are_proven(stopped: Path) -> None:
    """Another hash alone is no reason to doubt a number."""
    config = other(stopped, "title: Works (invented)", "title: Works (as invented)")

    assert (
        load(config, load_catalogue(config), AnySecret()).hash
        != load(CONFIGURATION, load_catalogue(CONFIGURATION), AnySecret()).hash
    )
    assert proven(stopped, config).proven


def test_numbers_of_another_configuration_are_said_apart_and_are_not_proven(stopped: Path) -> None:
    config = other(
        stopped,
        "quantity: electricity, min: 0, max: 1000",
        "quantity: electricity, min: 0, max: 1000, ratio: 2",
    )
    report = proven(stopped, config)

    assert not report.proven
    assert {(one.proof, one.kind) for one in report.findings} == {("recomputed", "configuration")}
    assert {one.row.split()[1] for one in report.findings} == {POWER}
    assert "made under another configuration" in report.findings[0].detail
    assert "stackmeter restate" in report.findings[0].detail


def test_limits_of_another_configuration_do_not_unmake_readings(stopped: Path) -> None:
    """75 kW came through the door; that it would not today is no contradiction."""
    assert proven(stopped, other(stopped, "max: 1000", "max: 70")).proven


def test_a_final_month_that_waits_is_no_difference(folder: Path) -> None:
    world = World(folder)
    story(world)
    world.tick(NOON + 30 * DAY)
    body = {"id": "d1", "by": "lan", "action": "final", "park": "park-a", "month": "2026-03"}
    world.publish(body, topic="$stackmeter/decision", flags=DECISION)
    world.send(reading("power", NOON + 5 * MINUTE, 99, "kW"))
    report = proven(folder)

    assert report.proven
    assert {(one.proof, one.kind) for one in report.findings} == {("recomputed", "waiting")}
    world.close()


def test_a_large_state_is_worked_through_in_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same findings however little is held at once."""
    world = World(folder, now=NOON + 40 * DAY)
    for day in range(0, 40, 8):
        times = [NOON + day * DAY + m * MINUTE for m in range(0, 60, 5)]
        world.send(*[reading("reg", t, 100 + (t - NOON) / HOUR) for t in times])
        world.send(*[reading("power", t, 60, "kW") for t in times])
    world.close()
    whole = proven(folder)
    for module, name in (("ledger_proof", "CHANGES_AT_ONCE"), ("ledger_proof", "CACHED"), ("known_readings", "KEYS_AT_ONCE")):  # fmt: skip
        monkeypatch.setattr(f"proof.verify.{module}.{name}", 2)
    monkeypatch.setattr("store.readings.by_message.AT_ONCE", 7)
    monkeypatch.setattr("ingest.line.line.MOST_MESSAGES", 2)
    parts = proven(folder)

    assert whole.proven
    assert parts.proven
    assert parts.checked == whole.checked
    assert whole.checked["published"] > 40_000  # the register bridges the days


# --- the command --------------------------------------------------------------------------------------------------


def command(folder: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        app, ["verify", "--config", str(CONFIGURATION), "--state", str(folder), *more], env={"COLUMNS": "200"}
    )
    return result.exit_code, result.stdout


def test_the_command_says_what_is_proven(stopped: Path) -> None:
    code, said = command(stopped)

    assert code == 0
    assert "proven: all else follows from the raw messages" in said
    assert "not proven: alerts" in said


def test_the_command_names_what_differs_and_exits_1(stopped: Path) -> None:
    tampered(stopped, lambda state: state.execute("UPDATE reading_lost SET value = 1") and None)
    code, said = command(stopped)
    json_code, told = command(stopped, "--json")

    assert (code, json_code) == (1, 1)
    assert "reading_lost park-a/works/diesel 2026-03-10 12:01 +07" in said
    assert json.loads(told)["counts"]["readings"] == {"differs": 1}
    assert json.loads(told)["proven"] is False


def test_without_a_state_the_command_exits_2(tmp_path: Path) -> None:
    with pytest.raises(NoState):
        proven(tmp_path)
    assert command(tmp_path)[0] == 2
    assert CliRunner().invoke(app, ["verify", "--config", str(tmp_path / "none")]).exit_code == 2

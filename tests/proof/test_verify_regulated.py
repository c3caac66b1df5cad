"""Proofs of regulated hours: untouched they prove, and an edited one is named though its chain was made to fit."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from proof.verify.findings import Report
from proof.verify.verify import verify
from rules.american.regulation import Status
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from store.accounting.ledger import GENESIS, Entry, chained
from store.accounting.regulated import CHANGE
from tests.ingest.test_regulated import CONFIGURATION, RegulatedWorld, deliver, minutes, quarters
from tests.semantics.conftest import MEMORY
from tests.semantics.world import HOUR, NOON

HOURS = 7
SITE = "park-a/works"
ROLE = ("measured", "share", "counted", "rule")


def hour_of(number: int) -> str:
    return f"2026-03-10T{5 + number:02}:00:00Z"


def row(source: str, number: int) -> str:
    return f"regulated_hour {SITE}/{source} {hour_of(number)}"


def story(world: RegulatedWorld, hours: range) -> None:
    """Let hours of two stacks pass; the concentration of the third and fourth hour is missing, in the sixth the unit stands."""
    for hour in hours:
        gap, stands, starts = hour in {2, 3}, hour == 5, hour == 6
        deliver(
            world,
            hour,
            [
                *minutes(hour, 10.0 + hour, () if gap else range(60)),
                *quarters(
                    hour,
                    9.0 + hour,
                    (0, 15) if gap else (0, 15, 30, 45),
                    50.0 * (not stands),
                    0.0 if starts else None,
                ),
            ],
        )


@pytest.fixture(scope="module")
def told() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        folder = Path(path)
        world = RegulatedWorld(folder, CONFIGURATION, NOON)
        story(world, range(HOURS))
        world.close()
        yield folder


@pytest.fixture
def stopped(told: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        yield Path(shutil.copytree(told, path, dirs_exist_ok=True))


def proven(folder: Path, config: Path = CONFIGURATION) -> Report:
    catalogue = load_catalogue(config)
    return verify(load(config, catalogue, AnySecret()), catalogue, folder)


def found(folder: Path, config: Path = CONFIGURATION) -> list[tuple[str, str, str]]:
    report = proven(folder, config)
    assert not report.proven
    return [(one.proof, one.kind, one.row) for one in report.findings]


def tampered(folder: Path, tamper: Callable[[sqlite3.Connection], object]) -> None:
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as state:
        triggers = state.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            state.execute(f"DROP TRIGGER {trigger}")
        tamper(state)


def key(state: sqlite3.Connection, source: str, number: int) -> tuple[int, int]:
    [found] = state.execute("SELECT id FROM source WHERE name = ?", (source,)).fetchone()
    return int(found), NOON + number * HOUR


def edit_input(state: sqlite3.Connection, place: tuple[int, int], path: tuple[Any, ...], value: Any) -> None:
    where = "WHERE source = ? AND hour = ?"
    [blob] = state.execute(f"SELECT inputs FROM regulated_hour {where}", place).fetchone()
    inputs = msgspec.msgpack.decode(blob)
    holder = inputs
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    edited = msgspec.msgpack.encode(inputs)
    state.execute(f"UPDATE regulated_hour SET inputs = ? {where}", (edited, *place))


def chain_anew(
    state: sqlite3.Connection, place: tuple[int, int], edit: Callable[[Any], None], last: bool
) -> None:
    """Edit the changes of an hour in its ledger, or the last of them, and give every row the hash that fits."""
    rows = state.execute("SELECT * FROM regulated_ledger ORDER BY id").fetchall()
    blobs = [np.frombuffer(one[7], CHANGE).copy() for one in rows]
    mine = [
        (row, change)
        for row, records in enumerate(blobs)
        for change in np.flatnonzero((records["source"] == place[0]) & (records["hour"] == place[1]))
    ]
    for where, change in mine[-1:] if last else mine:
        edit(blobs[where][change : change + 1])
    head = GENESIS
    for one, records in zip(rows, blobs, strict=True):
        own = chained(head, Entry(*one[1:7]), records.tobytes())
        state.execute(
            "UPDATE regulated_ledger SET changes = ?, previous = ?, hash = ? WHERE id = ?",
            (records.tobytes(), head, own, one[0]),
        )
        head = own


def set_field(field: str, value: float) -> Callable[[Any], None]:
    def edit(change: Any) -> None:
        change[field] = value

    return edit


# --- untouched ----------------------------------------------------------------------------------------------------


def test_untouched_hours_prove_whatever_stands_for_them(stopped: Path) -> None:
    report = proven(stopped)

    assert report.proven, report.findings
    with closing(sqlite3.connect(stopped / "state.db")) as state:
        statuses = state.execute("SELECT status, count(*) FROM regulated_hour GROUP BY status").fetchall()
        windows = state.execute("SELECT count(*) FROM regulated_hour").fetchone()[0]
    assert {status for status, _ in statuses} == {Status.VALID, Status.SUBSTITUTED, Status.NOT_OPERATING}
    assert windows == 2 * HOURS
    assert report.checked["published"] == report.checked["recomputed"] > windows


# --- edited, with a chain that fits -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"), [("measured", 10.5), ("share", 0.9), ("counted", 99.0), ("rule", 9)]
)
def test_an_edited_value_of_an_input_is_named(stopped: Path, field: str, value: float) -> None:
    def edit(state: sqlite3.Connection) -> None:
        edit_input(state, key(state, "mrr", 1), (2, "co2", ROLE.index(field)), value)

    tampered(stopped, edit)
    said, one = proven(stopped).findings
    assert (said.proof, said.row) == ("published", row("mrr", 1))
    assert "what it was counted from is not what regulated_ledger" in said.detail
    assert (one.proof, one.kind, one.row) == ("recomputed", "differs", row("mrr", 1))
    assert f"published co2 {field}" in one.detail


@pytest.mark.parametrize(("place", "value", "name"), [(0, 0.5, "operating"), (1, 3.0, "load")])
def test_operating_time_and_load_are_proven(stopped: Path, place: int, value: float, name: str) -> None:
    tampered(stopped, lambda state: edit_input(state, key(state, "part-75", 0), (place,), value))
    [one] = [one for one in proven(stopped).findings if one.proof == "recomputed"]
    assert one.row == row("part-75", 0)
    assert f"published {name} {value!r}, recomputed " in one.detail


@pytest.mark.parametrize(("source", "number"), [("mrr", 1), ("mrr", 2), ("part-75", 3), ("part-75", 5)])
def test_edited_tonnes_are_named_though_the_chain_was_made_to_fit(
    stopped: Path, source: str, number: int
) -> None:
    """Valid, substituted and standing hours; the ledger of regulated hours is whole and says the same."""

    def forge(state: sqlite3.Connection) -> None:
        place = key(state, source, number)
        state.execute("UPDATE regulated_hour SET co2e_t = 1.25 WHERE source = ? AND hour = ?", place)
        chain_anew(state, place, set_field("new_co2e_t", 1.25), last=True)

    tampered(stopped, forge)
    report = proven(stopped)
    [one] = report.findings
    assert (one.proof, one.kind, one.row) == ("recomputed", "differs", row(source, number))
    assert one.published == 1.25
    assert one.recomputed not in {None, 1.25}


def test_the_lowest_bit_of_the_tonnes_is_enough(stopped: Path) -> None:
    def forge(state: sqlite3.Connection) -> None:
        place = key(state, "mrr", 4)
        where = "WHERE source = ? AND hour = ?"
        [tonnes] = state.execute(f"SELECT co2e_t FROM regulated_hour {where}", place).fetchone()
        other = float(np.nextafter(tonnes, np.inf))
        state.execute(f"UPDATE regulated_hour SET co2e_t = ? {where}", (other, *place))
        chain_anew(state, place, set_field("new_co2e_t", other), last=True)

    tampered(stopped, forge)
    assert found(stopped) == [("recomputed", "differs", row("mrr", 4))]


def test_a_status_that_was_edited_in_both_places_is_named(stopped: Path) -> None:
    def forge(state: sqlite3.Connection) -> None:
        place = key(state, "mrr", 2)
        state.execute("UPDATE regulated_hour SET status = 0 WHERE source = ? AND hour = ?", place)
        chain_anew(state, place, set_field("status", 0), last=True)

    tampered(stopped, forge)
    report = proven(stopped)
    [one] = report.findings
    assert one.row == row("mrr", 2)
    assert "published status valid, recomputed substituted" in one.detail


# --- edited, and the ledger tells ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "value"), [("co2e_t", 1.25), ("revision", 7), ("status", 3)])
def test_what_the_ledger_said_last_is_what_is_stored(stopped: Path, column: str, value: float) -> None:
    def edit(state: sqlite3.Connection) -> None:
        query = f"UPDATE regulated_hour SET {column} = ? WHERE source = ? AND hour = ?"
        state.execute(query, (value, *key(state, "mrr", 0)))

    tampered(stopped, edit)
    mine = [("published", "differs", row("mrr", 0)), ("recomputed", "differs", row("mrr", 0))]
    assert found(stopped) == mine[: 1 if column == "revision" else 2]


def test_a_change_that_does_not_follow_is_named_though_the_chain_fits(stopped: Path) -> None:
    tampered(
        stopped,
        lambda state: chain_anew(state, key(state, "mrr", 2), set_field("old_co2e_t", 1.25), last=True),
    )
    report = proven(stopped)
    [one] = report.findings
    assert (one.proof, one.row.split()[0]) == ("ledger", "regulated_ledger")
    assert "its old tonnes are not the new ones of regulated_ledger" in one.detail


@pytest.mark.parametrize("number", [0, 2, HOURS - 1])
def test_a_deleted_hour_is_named(stopped: Path, number: int) -> None:
    tampered(
        stopped,
        lambda state: state.execute(
            "DELETE FROM regulated_hour WHERE source = ? AND hour = ?", key(state, "mrr", number)
        ),
    )
    assert ("published", "differs", row("mrr", number)) in found(stopped)


def test_an_hour_that_cannot_be_read_is_named(stopped: Path) -> None:
    tampered(
        stopped,
        lambda state: state.execute(
            "UPDATE regulated_hour SET inputs = x'00' WHERE source = ? AND hour = ?", key(state, "mrr", 4)
        ),
    )
    assert found(stopped) == [(proof, "differs", row("mrr", 4)) for proof in ("published", "recomputed")]


def test_an_edited_reading_is_named_with_the_hours_it_made(stopped: Path) -> None:
    """The fifth hour itself, and those whose substitution looks at it."""

    def edit(state: sqlite3.Connection) -> None:
        query = "UPDATE reading SET value = 20 WHERE time = ? AND channel = (SELECT id FROM channel WHERE name = 'co2')"
        assert state.execute(query, (NOON + 4 * HOUR + HOUR // 2,)).rowcount == 1

    tampered(stopped, edit)
    hours = [name for _, _, name in found(stopped) if name.startswith("regulated_hour")]
    assert hours == [row("mrr", 2), row("mrr", 3), row("mrr", 4)]


# --- another configuration ----------------------------------------------------------------------------------------


def other(folder: Path, old: str, new: str) -> Path:
    config = folder / "other"
    config.mkdir()
    text = (CONFIGURATION / "plant.yaml").read_text()
    assert old in text
    (config / "plant.yaml").write_text(text.replace(old, new))
    return config


def test_hours_that_another_configuration_makes_alike_are_proven(stopped: Path) -> None:
    assert proven(stopped, other(stopped, "title: Works (invented)", "title: Works")).proven


def test_hours_of_another_configuration_are_said_apart_and_are_not_proven(stopped: Path) -> None:
    report = proven(
        stopped, other(stopped, "regulation: {rule: mrr}", "regulation: {rule: mrr, cadence: 30s}")
    )

    assert not report.proven
    assert {(one.proof, one.kind) for one in report.findings} == {("recomputed", "configuration")}
    assert report.counts["recomputed", "configuration"] == HOURS
    assert "made under another configuration" in report.findings[0].detail


def test_hours_are_proven_from_what_others_were_measured_as_under_another_configuration(
    stopped: Path,
) -> None:
    """Four hours are as another cadence had them; that hours of this one look back at them is no contradiction."""
    config = other(stopped, "regulation: {rule: mrr}", "regulation: {rule: mrr, cadence: 90s}")
    world = RegulatedWorld(stopped, config, NOON + HOURS * HOUR)
    story(world, range(HOURS, HOURS + 3))
    world._shut()

    kinds = {(kind, name.split()[1]) for _, kind, name in found(stopped, config)}
    assert kinds == {("configuration", f"{SITE}/mrr")}


def test_hours_of_a_source_that_stands_under_no_regulation_are_counted(stopped: Path) -> None:
    config = other(stopped, ", regulation: {rule: mrr}", "")
    report = proven(stopped, config)
    [one] = report.findings
    assert (one.proof, one.kind, one.row) == ("recomputed", "unproven", f"source {SITE}/mrr")
    assert one.detail == f"it stands under no regulation any more: {HOURS} regulated hours"


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_names_the_hour(stopped: Path) -> None:
    tampered(stopped, lambda state: edit_input(state, key(state, "mrr", 1), (2, "co2", 0), 10.5))
    command = ["verify", "--config", str(CONFIGURATION), "--state", str(stopped), "--json"]
    result = CliRunner().invoke(app, command)

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["counts"]["recomputed"] == {"differs": 1}
    assert [one["row"] for one in told["findings"]] == [row("mrr", 1)] * 2

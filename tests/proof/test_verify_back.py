"""The way back from a state to its journal: what is lost, doubled, or not taken yet is named as what it is."""

import json
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from proof.verify.findings import Report
from proof.verify.verify import verify
from rules.catalogue import load_catalogue
from stackmeter.cli import app
from store.audit import snapshot
from store.messages.journal import Journal, Message
from tests.ingest.test_regulated import CONFIGURATION as UNDER_A_RULE
from tests.proof.test_verify_flips import SEED, proven
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, MINUTE, NOON, SECOND, World, reading


def changed(folder: Path, *statements: str) -> Report:
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as state:
        for statement in statements:
            assert state.execute(statement).rowcount >= 1
    return proven(folder, CONFIGURATION)


@pytest.fixture
def copied(of_messages: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        yield Path(shutil.copytree(of_messages, path, dirs_exist_ok=True))


def test_solid_b7_a_flipped_bit_of_the_cursor_and_what_it_lost_is_named(tmp_path: Path) -> None:
    """The line goes on behind 64 messages that it never took: each of them is named, and so is the balance."""
    world = World(tmp_path)
    world.send(reading("power", NOON, 60.0, "kW"), boot="b", seq=1)
    world.state.connection.execute("UPDATE cursor SET next = (next | 64) - (next & 64)")
    world._shut()
    world._open()
    world.publish(
        *(
            {"boot": "b", "seq": 2 + n, "readings": [reading("power", NOON + n * SECOND, 61.0, "kW")]}
            for n in range(1, 80)
        )
    )
    report = verify(world.plant, world.catalogue, tmp_path)
    world._shut()

    lost = [one.row for one in report.findings if one.row.startswith("message ")]
    assert lost == [f"message {number}" for number in range(2, 66)]
    assert any(one.row.startswith("balance ") for one in report.findings)
    assert any(one.row.startswith("sequence ") for one in report.findings)


def test_solid_b7_a_deleted_reading_is_named_also_when_another_follows_in_its_window(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.send(*(reading("power", NOON + n * 10 * SECOND, 60.0 + n, "kW") for n in range(12)))
    world.state.connection.execute("DELETE FROM reading WHERE time = ?", (NOON + 50 * SECOND,))
    world.restart()
    world.send(reading("power", NOON + 51 * SECOND, 61.0, "kW"))
    report = verify(world.plant, world.catalogue, tmp_path)
    world._shut()

    [one] = [one for one in report.findings if one.proof == "messages"]
    assert (one.kind, one.row) == ("differs", "reading park-a/works/power 2026-03-10T05:00:50Z")
    assert "message 1 brought it" in one.detail


def test_solid_b7_a_cursor_that_goes_beyond_the_journal_is_named(copied: Path) -> None:
    report = changed(copied, "UPDATE cursor SET next = next + 64")
    assert [one.detail for one in report.findings if "the journal ends at" in one.detail]


@pytest.mark.parametrize("quick", [None, random.Random(1)])
def test_solid_b7_what_came_and_is_not_taken_yet_is_said_to_wait(
    copied: Path, quick: random.Random | None
) -> None:
    with closing(Journal(copied / "journal.db")) as journal:
        first = journal.next
        journal.append([Message(NOON, b"sm/v1/park-a/works/gw/readings", b"{}", 0)] * 3)
    catalogue = load_catalogue(CONFIGURATION)
    report = verify(load(CONFIGURATION, catalogue, AnySecret()), catalogue, copied, quick=quick)

    assert report.proven, report.findings
    [one] = [one for one in report.findings if one.row == f"messages {first} to {first + 2}"]
    assert one.kind == "waiting"
    assert one.detail.startswith("in the journal since 2026-03-10T05:00:00Z, not taken yet")


def test_solid_b7_what_comes_while_the_journal_is_opened_is_no_loss(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service appends, and notes how far the journal goes, between two looks of ours."""

    @contextmanager
    def opened_late(path: Path) -> Iterator[sqlite3.Connection]:
        with snapshot(path) as connection:
            if path.name == "journal.db":
                with closing(Journal(path)) as journal:
                    journal.append([Message(NOON, b"sm/v1/park-a/works/gw/readings", b"{}", 0)])
            yield connection

    monkeypatch.setattr("proof.verify.verify.snapshot", opened_late)
    assert proven(copied, CONFIGURATION).proven


def test_solid_b7_what_was_taken_though_the_cursor_denies_it_is_named(copied: Path) -> None:
    report = changed(copied, "UPDATE cursor SET next = 3")
    assert [one.row for one in report.findings if "says that this is not taken yet" in one.detail]


def test_solid_b7_a_month_that_somebody_opened_again_is_named(copied: Path) -> None:
    report = changed(copied, "UPDATE period SET status = 'provisional'")
    assert ("messages", "period park-a 2026-03") in [(one.proof, one.row) for one in report.findings]


@pytest.mark.parametrize(
    "edit", ["despite = ''", "despite = 'letter 13'", "overruled = '[]'", """overruled = '["coverage"]'"""]
)
def test_solid_b7_a_month_that_was_closed_for_another_reason_is_named(copied: Path, edit: str) -> None:
    report = changed(copied, f"UPDATE period SET {edit}")
    [one] = [one for one in report.findings if one.kind == "differs"]
    assert (one.proof, one.row) == ("messages", "period park-a 2026-03")
    assert edit.partition(" ")[0] in one.detail


@pytest.mark.parametrize(
    "edit",
    ["source_term SET inputs = '{}'", "term SET content = replace(content, '0', '1')"],
)
def test_solid_b7_what_a_source_is_remembered_with_is_named_where_it_was_changed(
    copied: Path, edit: str
) -> None:
    report = changed(copied, f"UPDATE {edit}")
    assert ("differs", "terms of source park-a/works/reg") in {(one.kind, one.row) for one in report.findings}


def test_solid_b7_what_a_published_hour_was_counted_from_is_named_also_while_another_waits(
    of_hours: Path,
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        folder = Path(shutil.copytree(of_hours, path, dirs_exist_ok=True))
        with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as state:
            [source, hour, inputs] = state.execute(
                "SELECT h.source, h.hour, h.inputs FROM regulated_hour AS h JOIN pending_regulated AS p USING (source, hour)"
                " WHERE h.inputs != p.inputs"
            ).fetchone()
            edited = inputs.replace(inputs[-1:], b"\x01")
            state.execute(
                "UPDATE regulated_hour SET inputs = ? WHERE source = ? AND hour = ?", (edited, source, hour)
            )
        report = proven(folder, UNDER_A_RULE)

    [one] = [one for one in report.findings if one.kind == "differs"]
    assert one.proof == "published"
    assert "what it was counted from is not what regulated_ledger" in one.detail


def test_solid_b7_what_an_earlier_configuration_refused_is_no_contradiction(tmp_path: Path) -> None:
    """A channel that was unknown is configured now: that its messages were quarantined stands, and stays proven."""
    text = {file.name: file.read_text() for file in CONFIGURATION.iterdir()}
    known = "{name: diesel, gateway: gw, kind: event, unit: L, quantity: diesel}"
    late = tmp_path / "late"
    late.mkdir()
    for name, content in text.items():
        (late / name).write_text(
            content.replace(known, f"{known}\n          - {known.replace('diesel,', 'petrol,', 1)}")
        )
    folder = tmp_path / "state"
    folder.mkdir()
    world = World(folder)
    world.send(reading("petrol", NOON, 3.0, "L"), reading("diesel", NOON, 4.0, "L"))
    world.restart(late)
    world.send(reading("petrol", NOON + MINUTE, 5.0, "L"))
    report = verify(world.plant, world.catalogue, folder)

    assert report.proven, report.findings
    world.state.connection.execute("DELETE FROM reading WHERE value = 4.0")
    report = verify(world.plant, world.catalogue, folder)
    world._shut()
    assert ("differs", "quarantine 1") in {(one.kind, one.row) for one in report.findings}


def test_solid_b7_another_unit_since_contradicts_no_refused_message(tmp_path: Path) -> None:
    """A part of a message was refused, and its other reading says otherwise today: a matter of the configuration alone."""
    later, folder = tmp_path / "later", tmp_path / "state"
    shutil.copytree(CONFIGURATION, later)
    text = (later / "plant.yaml").read_text()
    (later / "plant.yaml").write_text(
        text.replace("kind: event, unit: L, quantity: diesel", "kind: event, unit: m3, quantity: diesel")
    )
    folder.mkdir()
    world = World(folder)
    world.send(reading("nobody", NOON, 3.0, "L"), reading("diesel", NOON, 4.0, "L"))
    world.restart(later)
    report = verify(world.plant, world.catalogue, folder)
    world._shut()

    assert "differs" not in {one.kind for one in report.findings}
    assert ("configuration", "quarantine 1") in {(one.kind, one.row) for one in report.findings}


def test_solid_b7_a_quick_proof_looks_up_a_sample_and_counts_all(copied: Path) -> None:
    """So short a journal is its own sample: a lost reading, a lost number and a lost message are named."""
    catalogue = load_catalogue(CONFIGURATION)
    plant = load(CONFIGURATION, catalogue, AnySecret())

    def quickly() -> list[str]:
        report = verify(plant, catalogue, copied, quick=random.Random(SEED))
        assert any("with --quick" in one for one in report.not_proven)
        return [one.row for one in report.findings if one.proof == "messages"]

    assert quickly() == []
    changed(copied, f"DELETE FROM reading WHERE time = {NOON + 15 * MINUTE}")
    assert quickly() == [
        "reading park-a/works/power 2026-03-10T05:15:00Z",
        "reading park-a/works/reg 2026-03-10T05:15:00Z",
    ]
    changed(copied, "DELETE FROM sequence WHERE low = 9")
    assert "sequence park-a/works/gw b1" in quickly()
    changed(
        copied,
        "UPDATE balance SET received = received + 1, accepted = accepted + 1 WHERE book = 'messages' AND gateway = 'park-a/works/gw2'",
    )
    assert "balance" in quickly()


def test_solid_b7_the_command_says_what_it_does_not_prove(of_messages: Path) -> None:
    command = ["verify", "--config", str(CONFIGURATION), "--state", str(of_messages), "--json"]
    whole, quick = (
        json.loads(CliRunner().invoke(app, [*command, *more]).stdout) for more in ([], ["--quick"])
    )

    assert (whole["proven"], quick["proven"]) == (True, True)
    assert any("alerts" in one for one in whole["not_proven"])
    assert len(quick["not_proven"]) > len(whole["not_proven"])
    assert whole["checked"]["messages"] > 10

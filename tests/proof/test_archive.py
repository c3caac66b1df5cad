"""The archive says what the state says, to the bit; what was pruned is proven from it, and whatever is wrong with it is named."""

import json
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
import pytest

from ingest.line.replay import GONE
from plant.arrays import Readings
from plant.topics import SPARKPLUG
from plant.vocabulary import Quality, Verdict
from proof.rebuild import Rebuild, differences
from proof.verify.archive_proof import ArchiveProof
from proof.verify.findings import Report, untold
from proof.verify.verify import verify
from store.accounting.ledger import CHANGE, records_of
from store.archive.month_windows import WindowUnreadable
from store.archive.months import final_months, prunable
from store.archive.parquet import NotTheSame
from store.archive.places import ArchiveAway, FolderPlace
from store.archive.whole_journal import ArchiveLacks, put_all_back
from store.archive.writing import ArchiveStopped, Underway
from store.audit import snapshot
from store.blocks import FIELDS, empty, to_bytes
from store.messages import journal as journal_module
from store.messages.backfills import BackfillDecision
from store.messages.journal import DECISION, JournalReader, Message
from store.messages.replays import Replay
from store.messages.steps import StepFailed
from store.readings.lost import lost_between
from store.readings.read import between
from store.sqlite import StateMismatch
from store.state import State
from tests.proof.archived import APRIL, DESPITE, JANUARY, Archive, late, story
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, DAY, HOUR, World, ns, reading

PATHS = (
    "/v1/totals?period=2026-01&level=source", "/v1/totals?period=2026-02&level=park", "/v1/totals?period=2026-03&level=source",
    "/v1/explain?source=power&park=park-a&facility=works&at=2026-01-10T12:05:00Z", "/v1/periods", "/v1/alerts",
    "/v1/balance?gateway=park-a/works/gw", "/v1/quality?park=park-a&period=2026-01", "/v1/ledger",
)  # fmt: skip


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        (Path(folder) / "state").mkdir()
        made = World(Path(folder) / "state", CONFIGURATION, JANUARY)
        story(made)
        yield made
        with suppress(sqlite3.ProgrammingError):  # a test has closed it
            made._shut()


@pytest.fixture
def archive(world: World) -> Archive:
    return Archive(world.folder.parent, world)


def proven(world: World, archive: Archive | None = None) -> Report:
    return verify(world.plant, world.catalogue, world.folder, archive=archive.place if archive else None)


def wrong(report: Report) -> list[str]:
    return [f"{one.row}: {one.detail}" for one in report.findings if one.kind not in {"waiting", "earlier"}]


def test_what_is_due_is_written_and_the_ledger_names_each_file(world: World, archive: Archive) -> None:
    made = archive.write()

    assert [(one.park, one.month) for one in made] == [("park-a", "2026-01"), ("park-a", "2026-02")]
    named = {file.name: file.sha256 for one in made for file in (*one.files, *one.messages)}
    assert {str(file.relative_to(archive.folder)) for file in archive.files()} == set(named)
    [first, second] = world.rows("SELECT cause FROM ledger WHERE cause LIKE 'archive: %' ORDER BY id")
    assert [f"{one.name} {one.sha256}" in first[0] for one in made[0].files] == [True] * 3
    assert [f"{one.name} {one.sha256}" in second[0] for one in made[1].messages] == [True]
    world.check_rebuild()


def test_a_month_comes_back_from_the_archive_with_the_same_bits(world: World, archive: Archive) -> None:
    [january, _] = archive.write()
    readings, windows, ledger = (pq.read_table(archive.folder / one.name) for one in january.files)

    assert same_readings(world, readings, january.start, january.end) > 150
    stored = world.rows(
        "SELECT source, hour FROM emission WHERE hour >= ? AND hour < ?", january.start, january.end
    )
    hours = hours_of(windows)
    assert hours.keys() == set(stored)
    for key, block in hours.items():
        assert to_bytes(block) == to_bytes(world.state.emissions.block(*key))
    assert {(row["ledger"], row["place"]) for row in ledger.to_pylist()} == changes_of(
        world, january.start, january.end
    )


def same_readings(world: World, table: Any, start: int, end: int) -> int:
    """Compare readings that came back with those of the state; return how many there are."""
    count = 0
    for channel in np.unique(table["channel_id"].to_numpy()).tolist():
        mine = table.filter(np.asarray(table["channel_id"].to_numpy() == channel))
        for lost, stored in (
            (False, between(world.state.connection, channel, start, end)),
            (True, lost_between(world.state.connection, channel, start, end)),
        ):
            back = readings_of(mine.filter(mine["lost"].to_numpy(zero_copy_only=False) == lost))
            for name in Readings.__slots__:
                one, other = getattr(back, name), getattr(stored, name)
                assert one.tobytes() == other.tobytes(), name
            count += len(back)
    total = sum(
        len(between(world.state.connection, number, start, end))
        + len(lost_between(world.state.connection, number, start, end))
        for (number,) in world.rows("SELECT id FROM channel")
    )
    assert count == total == len(table)
    return count


def readings_of(table: Any) -> Readings:
    """Return the readings of rows of the archive."""
    qualities = {one.name.lower(): int(one) for one in Quality}
    verdicts = {one.name.lower(): int(one) for one in Verdict}
    return Readings(
        channel=table["channel_id"].to_numpy().astype(np.int32),
        time=table["time"].to_numpy().astype("datetime64[ns]").astype(np.int64),
        value=table["value"].to_numpy(),
        quality=np.array([qualities[one] for one in table["quality"].to_pylist()], np.uint8),
        flags=table["flags"].to_numpy().astype(np.uint8),
        verdict=np.array([verdicts[one] for one in table["verdict"].to_pylist()], np.uint8),
        boot=table["boot_id"].to_numpy().astype(np.int32),
        correction=table["correction"].to_numpy().astype(np.int32),
        message=table["message"].to_numpy(),
    )


def hours_of(table: Any) -> dict[tuple[int, int], Any]:
    """Return the blocks that windows of the archive make, by source and hour."""
    found: dict[tuple[int, int], Any] = {}
    columns = {
        name: table[name].to_numpy(zero_copy_only=False) for name in (*FIELDS, "start", "hour", "source_id")
    }
    for row in range(len(table)):
        start, hour = (
            int(columns[name][row].astype("datetime64[ns]").astype(np.int64)) for name in ("start", "hour")
        )
        block = found.setdefault((int(columns["source_id"][row]), hour), empty(60))
        block[(start - hour) // (60 * 10**9)] = [columns[name][row] for name in FIELDS]
    return found


def changes_of(world: World, start: int, end: int) -> set[tuple[int, int]]:
    found = set()
    for number, stored in world.rows("SELECT id, changes FROM ledger"):
        records = records_of(stored)
        assert records.dtype == CHANGE
        found |= {
            (number, int(place))
            for place in np.flatnonzero((records["start"] >= start) & (records["start"] < end))
        }
    return found


def test_readings_may_lie_in_blocks(world: World, archive: Archive) -> None:
    for _ in range(5):
        world.state.folding.go(APRIL + DAY)
    assert world.rows("SELECT count(*) FROM reading_block")[0][0] > 0

    [january, _] = archive.write()

    same_readings(world, pq.read_table(archive.folder / january.files[0].name), january.start, january.end)
    assert wrong(proven(world, archive)) == []


def test_a_month_waits_until_nothing_of_it_can_come(world: World, archive: Archive) -> None:
    def told(now: int) -> list[tuple[str, str]]:
        return [(one.month, one.status) for one in final_months(world.state.connection, world.plant, now)]

    assert told(ns("2026-03-01T00:00:00+07:00")) == [("2026-01", "waits"), ("2026-02", "waits")]
    assert told(ns("2026-03-18T00:00:00+07:00")) == [("2026-01", "due"), ("2026-02", "waits")]
    world.publish(b"{not json", at=ns("2026-02-11T00:00:00+07:00"))
    assert told(APRIL) == [("2026-01", "due"), ("2026-02", "waits")]
    assert [one.month for one in archive.write()] == ["2026-01"]


def test_a_pruned_journal_is_proven_across_and_says_what_it_lacks_without_the_archive(
    world: World, archive: Archive
) -> None:
    archive.write()
    before = proven(world)

    assert archive.prune() > 10
    assert wrong(before) == []
    after = proven(world, archive)
    assert wrong(after) == []
    assert all(after.checked[one] >= count for one, count in before.checked.items())
    without = proven(world)
    assert not without.proven
    [finding] = [one for one in without.findings if one.proof == "messages" and one.kind == "unproven"]
    assert "park-a 2026-01, 2026-02: --archive PLACE proves them" in finding.detail


def test_a_pruned_state_equals_one_that_was_never_pruned(world: World, archive: Archive) -> None:
    """In totals, explanations, what waits, alerts, balances, and in every table, also after what comes later."""
    archive.write()
    with tempfile.TemporaryDirectory(dir=MEMORY) as path:
        world._shut()
        whole = World(Path(shutil.copytree(world.folder, path, dirs_exist_ok=True)), CONFIGURATION, APRIL)
        world._open()
        assert archive.prune() > 10
        for one in (whole, world):
            one.now = APRIL
            late(one)
            restate_january(one)
            one.restart()
        for path_asked in PATHS:
            name, _, query = path_asked.partition("?")
            params = dict(part.split("=") for part in query.split("&") if part)
            assert world.get(name, **params) == whole.get(name, **params), path_asked
        assert differences(world.folder / "state.db", whole.folder / "state.db") == {}
        assert wrong(proven(whole)) == []
        assert wrong(proven(world, archive)) == []
        whole._shut()


def restate_january(world: World) -> None:
    """Let history come for a month that is final and archived, and approve what it changes."""
    world.decide(backfill(world))
    for hour in (11, 12):
        payload = {"readings": [reading("reg", JANUARY + hour * HOUR, 112.0 + hour / 10)]}
        world.publish(payload, topic="sm/v1/park-a/works/history/readings")
    world.decide(backfill(world, close=True))
    [month] = [one for one in world.get("/v1/periods")["periods"] if one["month"] == "2026-01"]
    decision = {"by": "lan", "action": "approve", "park": "park-a", "month": "2026-01"}
    decision["generation"] = month["pending_restatement"]["generation"]
    for name in ("lan", "minh"):  # a large change takes two
        decision |= {"id": f"a-{name}", "by": name}
        world.publish(decision, topic="$stackmeter/decision", flags=DECISION)
    assert world.rows("SELECT status FROM period ORDER BY start")[0] == ("restated",)


def rebuilt(world: World, archive: Archive | None) -> dict[str, int]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        again = Path(folder) / "state.db"
        back = partial(put_all_back, place=archive.place) if archive else (lambda _journal: None)
        with closing(
            Rebuild(world.folder / "journal.db", again, world.known, world.links, put_back=back)
        ) as rebuild:
            rebuild.run()
        return differences(world.folder / "state.db", again)


def test_a_state_is_made_again_from_journal_and_archive(world: World, archive: Archive) -> None:
    archive.write()
    archive.prune()
    late(world)

    assert rebuilt(world, archive) == {}
    with pytest.raises(StepFailed, match="what came before is in the archive: say where with --archive"):
        rebuilt(world, None)
    file = next(one for one in archive.files() if one.suffix == ".zst")
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(ArchiveLacks, match="was altered: its SHA-256 is"):
        rebuilt(world, archive)
    file.unlink()
    with pytest.raises(ArchiveLacks, match="is missing from"):
        rebuilt(world, archive)


def test_a_journal_that_was_pruned_twice_is_found_file_by_file(world: World, archive: Archive) -> None:
    """The decision that names the first file is itself in a file that only a later one names."""
    archive.write()
    archive.prune()
    world.now = ns("2026-06-20T12:00:00+07:00")
    decision = {"id": "d9", "by": "lan", "action": "final", "park": "park-a", "month": "2026-03"}
    world.publish(decision | DESPITE, topic="$stackmeter/decision", flags=DECISION)
    for number in range(20):
        world.send(
            reading("power", world.now + number * HOUR, 1.0 + number, "kW"), at=world.now + number * HOUR
        )
    world.tick(world.now + DAY)
    [made] = archive.write()
    assert made.month == "2026-03"
    assert len(world.rows("SELECT 1 FROM archived_messages")) == 3
    archive.prune()

    assert wrong(proven(world, archive)) == []
    assert rebuilt(world, archive) == {}


def test_a_state_that_lacks_what_was_pruned_is_refused(world: World, archive: Archive) -> None:
    """Else it would wait for ever for messages that are not in the journal."""
    archive.write()
    archive.prune()
    world._shut()
    for file in world.folder.glob("state.db*"):
        file.unlink()
    state, journal = State(world.folder / "state.db", world.plant), JournalReader(world.folder / "journal.db")

    with pytest.raises(StateMismatch, match="stackmeter rebuild --archive PLACE makes the state again"):
        state.check_follows(journal)
    state.close()
    journal.close()


def test_a_bit_that_flips_in_a_file_names_that_file(world: World, archive: Archive) -> None:
    archive.write()
    archive.prune()
    chance, files = random.Random(7), archive.files()
    for number in range(200):
        file = files[number % len(files)]
        whole = file.read_bytes()
        altered = bytearray(whole)
        altered[chance.randrange(len(altered))] ^= 1 << chance.randrange(8)
        file.write_bytes(bytes(altered))
        named = [one.split(":")[0] for one in verify_archive_alone(world, archive)]
        assert named == [str(file.relative_to(archive.folder))]
        file.write_bytes(whole)
    assert verify_archive_alone(world, archive) == []


def verify_archive_alone(world: World, archive: Archive) -> list[str]:
    report = Report()
    with snapshot(world.folder / "state.db") as state, snapshot(world.folder / "journal.db") as journal:
        proof = ArchiveProof(state, world.plant, archive.place, report)
        proof.put_back(journal)
        proof.prove(untold)
    return wrong(report)


def test_a_missing_file_is_named_by_its_digest(world: World, archive: Archive) -> None:
    [january, _] = archive.write()
    (archive.folder / january.files[1].name).unlink()

    assert wrong(proven(world, archive)) == [
        f"park-a/windows/2026-01.parquet: is missing; its SHA-256 is {january.files[1].sha256}"
    ]


def test_a_state_that_says_otherwise_than_the_archive_is_named(world: World, archive: Archive) -> None:
    archive.write()
    world.state.connection.execute(
        "UPDATE reading SET value = value + 1 WHERE time < ?", (JANUARY + 9 * HOUR,)
    )

    found = [one for one in verify_archive_alone(world, archive) if "the state says otherwise" in one]

    assert [one.split(":")[0] for one in found] == ["park-a/readings/2026-01.parquet"]


def test_a_month_that_is_restated_is_written_again_beside_what_was_there(
    world: World, archive: Archive
) -> None:
    [january, _] = archive.write()
    world.decide(backfill(world))
    payload = {"readings": [reading("reg", JANUARY + 12 * HOUR, 115.0)]}
    world.publish(payload, topic="sm/v1/park-a/works/history/readings")
    assert archive.write() == []  # the backfill is open
    world.decide(backfill(world, close=True))
    assert [one.kind for one in proven(world, archive).findings if one.proof == "archive"] == ["waiting"]

    [again] = archive.write()

    assert [one.name for one in again.files][:1] == ["park-a/readings/2026-01-2.parquet"]
    assert (archive.folder / january.files[0].name).exists()
    assert wrong(proven(world, archive)) == []


def backfill(world: World, *, close: bool = False) -> Any:
    return BackfillDecision(f"b{close}", "lan", "park-a/works/history", JANUARY - DAY, "why", close)


def test_no_file_is_written_over(world: World, archive: Archive) -> None:
    """What a killed run left there, the same to the bit, is taken; anything else stays, and the next name is free."""
    made = archive.writer().write_next(world.now, Underway())
    again = archive.writer().write_next(world.now, Underway())
    assert again == made
    (archive.folder / made.files[0].name).write_bytes(b"of somebody else")

    third = archive.writer().write_next(world.now, Underway())

    assert third.files[0].name == "park-a/readings/2026-01-2.parquet"
    assert (archive.folder / made.files[0].name).read_bytes() == b"of somebody else"


def test_pruned_at_once_is_little(monkeypatch, world: World, archive: Archive) -> None:
    monkeypatch.setattr(journal_module, "PRUNED_AT_ONCE", 1)
    archive.write()

    assert archive.prune() > 10
    assert wrong(proven(world, archive)) == []


def test_nothing_is_pruned_that_the_archive_does_not_say(world: World, archive: Archive) -> None:
    archive.write()
    file = next(one for one in archive.files() if one.suffix == ".zst")
    whole = file.read_bytes()
    file.write_bytes(whole[:-2] + b"xx")
    with pytest.raises(NotTheSame, match="was altered"):
        archive.prune()
    assert proven(world).proven
    file.write_bytes(whole)
    archive.place = FolderPlace(archive.folder.with_name("away"))
    with pytest.raises(ArchiveAway, match="is no folder"):
        archive.prune()
    assert proven(world).proven


def test_a_month_waits_while_messages_of_its_time_are_not_taken(world: World, archive: Archive) -> None:
    """They may bring readings of it."""
    at = ns("2026-03-15T00:00:00+07:00")
    payload = b'{"readings": []}'
    world.journal.append([Message(at, b"sm/v1/park-a/works/gw/readings", payload)])
    assert archive.writer().write_next(APRIL, Underway()) is None

    while world.line.step():
        pass
    assert len(archive.write()) == 2


def test_the_journal_is_kept_from_the_first_message_in_quarantine_on(world: World, archive: Archive) -> None:
    world.publish(b"{not json", at=ns("2026-03-20T00:00:00+07:00"))
    [(refused,)] = world.rows("SELECT max(message) FROM quarantine WHERE outcome = 'quarantined'")
    through = world.line.next
    months = {("park-a", ns(f"2026-0{month}-01T00:00:00+07:00")) for month in (1, 2, 3)}

    def kept(archived: set[tuple[str, int]]) -> int:
        return prunable(world.state.connection, world.plant, world.folder / "journal.db", through, archived)

    assert kept(months) <= refused < through
    assert 1 < kept(months - {max(months)}) < kept(months)
    assert kept(months - {min(months)}) == 1  # the first month is not there
    assert kept(set()) == 1
    world.state.connection.execute("INSERT INTO channel VALUES (9999, 'park-b', 'works', 'power')")
    assert kept(months) > 1  # it was never heard
    world.state.connection.execute("INSERT INTO reading VALUES (9999, ?, 1.0, 0, 0, 0, 0, 0, 1)", (JANUARY,))
    assert kept(months) == 1  # and nobody knows the clock of that park


def test_where_sparkplug_is_heard_or_a_replay_is_open_the_journal_is_kept_whole(
    world: World, archive: Archive
) -> None:
    month = {("park-a", ns("2026-01-01T00:00:00+07:00"))}
    given = (world.state.connection, world.plant, world.folder / "journal.db", world.line.next, month)
    assert prunable(*given) > 1

    hosted = replace(world.plant, subscriptions=(SimpleNamespace(format=SPARKPLUG),))
    assert prunable(given[0], hosted, *given[2:]) == 1
    with patch("store.archive.months.replays.open_replay", lambda _state: object()):
        assert prunable(*given) == 1


def test_a_ledger_that_lacks_a_change_is_not_archived(world: World, archive: Archive) -> None:
    state = world.state.connection
    state.execute("DROP TRIGGER ledger_is_append_only_2")
    state.execute("DELETE FROM ledger WHERE id = 3")

    with pytest.raises(WindowUnreadable, match="the ledger does not say of each window"):
        archive.writer().write_next(APRIL, Underway())


def test_a_rejected_message_that_may_be_pruned_is_gone_for_every_replay(
    world: World, archive: Archive
) -> None:
    """Pruned already, not yet, or put back: the same becomes of it, so that the state can be made again."""
    archive.write()
    [(first,), *_] = world.rows("SELECT message FROM quarantine WHERE outcome = 'rejected' ORDER BY 1")
    for number in range(2):
        world.decide(Replay(f"r{number}", "lan", messages=(first,)))
        if not number:
            assert archive.prune() > first
    became = [json.loads(row[0]) for row in world.rows("SELECT became FROM replay ORDER BY message")]

    assert [one["left"] for one in became] == [{GONE: 1}] * 2
    assert rebuilt(world, archive) == {}
    assert wrong(proven(world, archive)) == []


def test_told_to_end_it_leaves_off_and_nothing_is_decided(world: World, archive: Archive) -> None:
    for patience in range(6):
        left = iter([False] * patience)
        with pytest.raises(ArchiveStopped):
            archive.writer(stopped=lambda left=left: next(left, True)).write_next(APRIL, Underway())

    assert len(archive.write()) == 2


def test_a_journal_that_begins_before_the_first_file_is_not_pruned(world: World, archive: Archive) -> None:
    archive.write()
    world.state.connection.execute("DELETE FROM archived_messages WHERE first = 1")

    assert archive.prune() == 0
    assert wrong(proven(world)) != []  # the row that somebody took away

"""The archive while a service runs and without one: kills, full and failing disks, object stores, and what people are told."""

import errno
import json
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from proof.verify.verify import verify
from stackmeter.archive import archiving
from stackmeter.archive.archiving import Archiver
from stackmeter.cli import app
from stackmeter.doctor.checkup import Case
from stackmeter.doctor.machine_checks import archive as archive_check
from stackmeter.settings import load
from store.archive import places, pruning
from store.archive.months import ARCHIVED, WAITS
from store.archive.places import ArchiveAway, FolderPlace, NotInArchive, UrlPlace, place_of
from store.archive.writing import Underway
from store.folder import Folder
from store.messages import journal as journal_module
from store.messages.journal import Journal, JournalReader, Message
from tests.proof.archived import APRIL, JANUARY, Archive, story
from tests.semantics.conftest import MEMORY
from tests.semantics.world import CONFIGURATION, World
from tests.servers import Mosquitto, wait_until
from tests.service import Service
from tests.warm import console


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def lived() -> Iterator[Path]:
    """A state directory with two months that are due, which nobody touches."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        world = World(Path(folder), CONFIGURATION, JANUARY)
        story(world)
        world.merge()
        world._shut()
        yield Path(folder)


@pytest.fixture
def folder(lived: Path, tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    shutil.copytree(CONFIGURATION, tmp_path / "config")
    shutil.copytree(lived, tmp_path / "state")
    return tmp_path


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    made = World(folder / "state", folder / "config", APRIL)
    yield made
    with suppress(Exception):
        made._shut()


def wrong(world: World, where: Path | None) -> list[str]:
    place = None if where is None else FolderPlace(where)
    report = verify(world.plant, world.catalogue, world.folder, archive=place)
    return [f"{one.row}: {one.detail}" for one in report.findings if one.kind not in {"waiting", "earlier"}]


# --- places


@pytest.mark.parametrize("kind", ["folder", "file", "memory"])
def test_a_place_keeps_what_it_was_given_and_writes_nothing_over(tmp_path: Path, kind: str) -> None:
    (tmp_path / "there").mkdir()
    where = {
        "folder": str(tmp_path / "there"),
        "file": f"file://{tmp_path}/there",
        "memory": f"memory://{tmp_path.name}",
    }
    place = place_of(where[kind])
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"two")

    assert not place.has("park/readings/2026-01.parquet")
    place.put(tmp_path / "one", "park/readings/2026-01.parquet")
    with pytest.raises(ArchiveAway, match="already, which nobody may write over"):
        place.put(tmp_path / "two", "park/readings/2026-01.parquet")
    place.fetch("park/readings/2026-01.parquet", tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == b"one"
    with pytest.raises(NotInArchive):
        place.fetch("park/readings/2026-02.parquet", tmp_path / "back")


def test_a_folder_that_is_not_there_is_not_made() -> None:
    """It may be a mount point on which nothing is mounted."""
    place = place_of("/nowhere/at/all")

    for ask in (place.check, lambda: place.has("x"), lambda: place.put(Path(__file__), "x")):
        with pytest.raises(ArchiveAway, match="mount what it lies on"):
            ask()


def test_an_object_store_that_is_away_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    place = UrlPlace("memory://away")

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("connection refused")

    monkeypatch.setattr(place, "_files", SimpleNamespace(exists=away, invalidate_cache=away))

    with pytest.raises(ArchiveAway, match="connection refused; nothing else stops"):
        place.check()


def test_an_archive_in_an_object_store_is_written_pruned_and_proven(world: World, folder: Path) -> None:
    place = UrlPlace(f"memory://{folder.name}")
    archive = Archive(folder, world, place)

    assert [one.month for one in archive.write()] == ["2026-01", "2026-02"]
    assert archive.prune() > 10
    report = verify(world.plant, world.catalogue, world.folder, archive=place)
    assert report.proven, report.findings[:3]


# --- kills and disks


@pytest.mark.parametrize("point", ["archive_before_put", "archive_after_put"])
@pytest.mark.parametrize("at", range(1, 5))
def test_killed_while_it_writes_nothing_is_decided_and_the_next_run_writes_the_same(
    world: World, folder: Path, point: str, at: int
) -> None:
    archive, passed = Archive(folder, world), []

    def crash(name: str) -> None:
        passed.append(name)
        if passed.count(point) == at and name == point:
            raise KilledError

    with pytest.raises(KilledError):
        archive.writer(crash=crash).write_next(world.now, Underway())
    (folder / "archive" / "park-a").mkdir(exist_ok=True)
    (folder / "archive" / "park-a" / "half.parquet.part").write_bytes(b"half")
    assert world.rows("SELECT count(*) FROM archived_month") == [(0,)]
    assert wrong(world, None) == []

    made = archive.write()

    assert [one.name for one in made[0].files] == [
        f"park-a/{table}/2026-01.parquet" for table in ("readings", "windows", "ledger")
    ]
    assert wrong(world, folder / "archive") == []


@pytest.mark.parametrize("batches", range(4))
def test_killed_while_it_prunes_the_journal_begins_later_and_lacks_nothing_else(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(journal_module, "PRUNED_AT_ONCE", 1)
    archive, left, prune = Archive(folder, world), [batches], Journal.prune
    archive.write()

    def killed(journal: Journal, before: int) -> bool:
        if not left[0]:
            raise KilledError
        left[0] -= 1
        return prune(journal, before)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "prune", killed)
        with pytest.raises(KilledError):
            archive.prune()
    world.restart()
    assert wrong(world, folder / "archive") == []

    assert archive.prune() > 0
    assert archive.prune() == 0
    assert wrong(world, folder / "archive") == []


def test_the_disk_has_the_state_before_the_journal_is_pruned(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, happened = Archive(folder, world), []
    archive.write()
    prune = Journal.prune
    monkeypatch.setattr(pruning.os, "fsync", lambda _handle: happened.append("synced"))

    def pruned(journal: Journal, before: int) -> bool:
        happened.append("pruned")
        return prune(journal, before)

    monkeypatch.setattr(Journal, "prune", pruned)
    archive.prune()

    assert happened[:2] == ["synced", "synced"]
    assert "pruned" in happened


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.ESTALE])
def test_a_disk_that_fails_is_told_and_costs_nothing(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """At the first to the eighth file that is copied there or back."""
    for failing in range(8):
        copies, copy = [0], shutil.copyfile

        def half(
            source: Path,
            target: Path,
            *,
            failing: int = failing,
            copies: list[int] = copies,
            copy: Any = copy,
        ) -> None:
            copies[0] += 1
            if copies[0] > failing:
                Path(target).write_bytes(Path(source).read_bytes()[:100])
                raise OSError(number, os.strerror(number), str(target))
            copy(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(places.shutil, "copyfile", half)
            with closing(Folder(folder / "state")) as held:
                one, decided = archiver(world, held, folder)
                one.go(threading.Event())
        assert os.strerror(number) in one.trouble
        assert decided == []
        assert not list((folder / "archive").rglob("*.part"))
        shutil.rmtree(folder / "archive")
        (folder / "archive").mkdir()
    with closing(Folder(folder / "state")) as held:
        one, decided = archiver(world, held, folder)
        one.go(threading.Event())
    assert (one.trouble, len(decided)) == ("", 2)
    assert wrong(world, folder / "archive") == []


@pytest.mark.parametrize(
    "point",
    ["archive_before_put:1", "archive_after_put:3", "archive_before_decision", "archive_after_decision"],
)
def test_a_real_kill_leaves_what_the_next_run_takes_up(folder: Path, point: str) -> None:
    command = ["archive", "--now", "--json", *options(folder)]

    killed = console(*command, environment={**os.environ, "STACKMETER_CRASH": point})
    done = console(*command)

    assert (killed.returncode, done.returncode) == (-9, 0)
    assert "park-a 2026-02" in json.loads(done.stdout)["written"]
    made = World(folder / "state", folder / "config", APRIL)
    while made.line.step():
        pass
    assert {month for (month,) in made.rows("SELECT month FROM archived_month")} == {"2026-01", "2026-02"}
    assert wrong(made, folder / "archive") == []
    made._shut()


# --- beside the service


def archiver(world: World, held: Folder, folder: Path) -> tuple[Archiver, list[Message]]:
    decided: list[Message] = []

    def decide(message: Message) -> None:
        decided.append(message)
        world.journal.append([message])
        while world.line.step():
            pass

    place = FolderPlace(folder / "archive")
    return Archiver(place, held, world.plant, world.journal, decide, lambda _point: None), decided


def test_beside_a_service_months_are_archived_and_the_journal_is_pruned(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "LOOK_S", 0.0)
    with closing(Folder(folder / "state")) as held:
        one, decided = archiver(world, held, folder)
        one.go(threading.Event())
        assert (one.trouble, len(decided), one.months[ARCHIVED], one.months[WAITS]) == ("", 2, 2, 0)
        assert world._journal_reader.begin() > 10
        one.go(threading.Event())
        assert len(decided) == 2
    assert wrong(world, folder / "archive") == []


def test_where_the_archive_is_away_nothing_is_pruned_and_it_says_so(world: World, folder: Path) -> None:
    Archive(folder, world).write()
    (folder / "archive").rename(folder / "elsewhere")
    with closing(Folder(folder / "state")) as held:
        one, decided = archiver(world, held, folder)
        one.go(threading.Event())
        assert "archive is no folder: mount what it lies on" in one.trouble
        assert (decided, world._journal_reader.begin()) == ([], 1)
        (folder / "elsewhere").rename(folder / "archive")
        one.go(threading.Event())
        assert (one.trouble, world._journal_reader.begin() > 10) == ("", True)


def test_a_state_that_cannot_be_read_whole_is_not_archived(world: World, folder: Path) -> None:
    world.state.connection.execute(
        "UPDATE emission SET block = x'00' WHERE source = (SELECT min(source) FROM emission)"
    )
    with closing(Folder(folder / "state")) as held:
        one, decided = archiver(world, held, folder)
        one.go(threading.Event())
    assert "cannot be read" in one.trouble
    assert decided == []


def test_where_the_journal_is_damaged_months_are_archived_and_nothing_behind_it_is_pruned(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "LOOK_S", 0.0)
    with closing(sqlite3.connect(folder / "state" / "journal.db")) as journal:
        [(damaged,)] = journal.execute("SELECT min(first) FROM journal WHERE first > 4")
        journal.execute("UPDATE journal SET digest = x'00' WHERE first = ?", (damaged,))
        journal.commit()
    with closing(Folder(folder / "state")) as held:
        one, decided = archiver(world, held, folder)
        one.go(threading.Event())
    assert len(decided) == 2
    assert (
        f"from message {damaged} on: it does not match its digest: from there on the journal is neither archived nor pruned"
        in one.trouble
    )
    assert 1 < world._journal_reader.begin() <= damaged
    assert world.rows("SELECT max(finish) FROM archived_messages") == [(damaged,)]


# --- the commands


def options(folder: Path) -> list[str]:
    return [
        "--config",
        str(folder / "config"),
        "--state",
        str(folder / "state"),
        "--archive",
        str(folder / "archive"),
    ]


def run(folder: Path, *words: str, archive: bool = True) -> Any:
    given = options(folder)
    return CliRunner().invoke(app, [*words, *(given if archive else given[:4])])


def months(told: Any) -> list[tuple[str, str]]:
    return [(one["month"], one["status"]) for one in json.loads(told.stdout)["months"]]


def test_the_command_tells_what_is_due_and_writes_it(folder: Path) -> None:
    told = run(folder, "archive", "--json")
    assert (told.exit_code, months(told)) == (0, [("2026-01", "due"), ("2026-02", "due")])

    done = run(folder, "archive", "--now", "--json")
    assert (done.exit_code, json.loads(done.stdout)["written"]) == (0, ["park-a 2026-01", "park-a 2026-02"])

    made = World(folder / "state", folder / "config", APRIL)
    while made.line.step():
        pass
    made._shut()
    after = run(folder, "archive", "--json", archive=False)
    assert months(after) == [("2026-01", "archived"), ("2026-02", "archived")]
    assert "2026-01" in run(folder, "archive").stdout


def test_the_command_needs_a_place_that_is_there(folder: Path) -> None:
    assert run(folder, "archive", "--now", archive=False).exit_code == 2
    (folder / "archive").rmdir()
    away = run(folder, "archive", "--now")
    assert (away.exit_code, "mount what it lies on" in away.stderr) == (3, True)


def test_a_state_of_another_schema_is_told_so(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "state" / "state.db")) as state:
        state.execute("PRAGMA user_version = 8")
    told = run(folder, "archive", "--now")

    assert (told.exit_code, "start the service once" in told.stderr) == (65, True)
    assert not list((folder / "archive").iterdir())


def test_the_command_does_not_write_beside_a_service(folder: Path) -> None:
    with closing(Folder(folder / "state")):
        assert run(folder, "archive", "--now").exit_code == 75


def test_verify_and_rebuild_take_the_archive(world: World, folder: Path) -> None:
    archive = Archive(folder, world)
    archive.write()
    archive.prune()
    world._shut()

    proven = run(folder, "verify", "--json")
    assert (proven.exit_code, json.loads(proven.stdout)["checked"]["archive"] > 300) == (0, True)
    without = run(folder, "verify", archive=False)
    assert (without.exit_code, "--archive PLACE proves them" in without.stdout) == (1, True)
    assert "archive " not in without.stdout.splitlines()[6]
    assert run(folder, "rebuild").exit_code == 0
    lacking = run(folder, "rebuild", archive=False)
    assert (lacking.exit_code, "say where with --archive" in lacking.stderr) == (65, True)
    for file in (folder / "state").glob("state.db*"):
        file.unlink()
    assert "state.db is made" in run(folder, "rebuild").stdout
    assert run(folder, "verify").exit_code == 0


def test_doctor_looks_at_the_archive(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world._shut()
    given = {"config": folder / "config", "state": folder / "state", "archive": str(folder / "archive")}
    monkeypatch.setenv("SEMANTICS_SECRET", "whsec_" + "A" * 40)
    case = Case(load(None, dict(given)), "http://127.0.0.1:1", "")

    assert (archive_check(case).level, "2 are due" in archive_check(case).says) == ("ok", True)
    (folder / "archive").rmdir()
    assert (archive_check(case).level, "nothing is pruned" in archive_check(case).do) == ("fail", True)


SOON = "from stackmeter.archive import archiving\narchiving.FIRST_S, archiving.EVERY_S = 0.2, 0.5"
SOON += "\nfrom store.messages import journal\njournal.PRUNED_AT_ONCE = 1"


@pytest.mark.parametrize(
    "crash",
    [
        "",
        "archive_before_put:4",
        "archive_after_put:2",
        "archive_before_decision:1",
        "archive_before_prune:1",
        "archive_before_prune:4",
    ],
)
def test_a_service_archives_and_prunes_by_itself_also_after_a_kill(folder: Path, crash: str) -> None:
    environment = {"STACKMETER_ARCHIVE": str(folder / "archive"), "SEMANTICS_SECRET": "whsec_" + "A" * 40}
    with (
        Mosquitto() as broker,
        Service(folder, folder / "config", broker.url, environment=environment, code=SOON) as service,
    ):
        service.start(crash=crash, ready=not crash)
        if crash:
            wait_until(lambda: not service.running, "it was not killed")
            service.start()
        archived = 'stackmeter_archive_months{status="archived"} 2.0'
        wait_until(lambda: archived in service.get("/metrics").text, service.log()[-2000:])
        told = service.get("/metrics").text
        ready = service.get("/readyz").json()
        service.term()

    assert begin_of(folder / "state" / "journal.db") > 10
    assert "stackmeter_archive_failing 0.0" in told
    assert not [one for one in ready["degradations"] if "archive" in one]
    proven = run(folder, "verify", "--json")
    assert proven.exit_code == 0, proven.stdout[-2000:]
    assert run(folder, "rebuild").exit_code == 0


def test_a_service_whose_archive_is_away_says_so_and_is_ready(folder: Path) -> None:
    environment = {"STACKMETER_ARCHIVE": "/nowhere/at/all", "SEMANTICS_SECRET": "whsec_" + "A" * 40}
    with (
        Mosquitto() as broker,
        Service(folder, folder / "config", broker.url, environment=environment, code=SOON) as service,
    ):
        service.start()
        wait_until(
            lambda: "stackmeter_archive_failing 1.0" in service.get("/metrics").text, "it does not say so"
        )
        ready = service.get("/readyz").json()

    assert ready["ready"]
    assert [one for one in ready["degradations"] if "archive: /nowhere/at/all is no folder" in one]


def begin_of(journal: Path) -> int:
    with closing(JournalReader(journal)) as reader:
        return reader.begin()

"""The command backup, and a restore: a state directory is copied while messages come in, lost, and put back."""

import json
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from stackmeter.commands.backup import NotCopied, copy
from stackmeter.service import EXIT_DATA
from store.access_log import AccessLog, Entry, make
from store.folder import evidence_folder
from store.kept_files import KeptFiles
from tests.faults.bench import Bench, Feed
from tests.faults.invariants import (
    check_api,
    check_ledger,
    check_messages,
    check_rebuild,
    check_register_totals,
    check_windows,
    journal_end,
    rows,
)
from tests.faults.truth import trial
from tests.semantics.world import MINUTE, NOON, World, reading
from tests.servers import wait_until
from tests.warm import console

FILES = ("audit.heads", "journal.db", "keys.sqlite", "state.db")


def stackmeter(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return console(*options)


def fed(world: World, first: int, last: int) -> None:
    for minute in range(first, last):
        world.send(reading("reg", NOON + minute * MINUTE, 100.0 + minute))


@pytest.fixture
def world(tmp_path):
    (tmp_path / "state").mkdir()
    one = World(tmp_path / "state")
    fed(one, 0, 20)
    yield one
    one.close()


def tonnes(folder: Path) -> list[tuple[object, ...]]:
    """Return every sum of a state, but for its revision, which is history."""
    query = "SELECT * FROM total ORDER BY source, level, start"
    return [row[:-1] for row in rows(folder / "state.db", query)]


def test_a_disk_that_is_lost_costs_nothing_that_the_gateways_still_keep(tmp_path: Path) -> None:
    """The copy is made under load; it is proven where it lies, put back, and the gateways send again what they have."""
    truth = trial(900, seed=74)
    with Bench(tmp_path) as bench:
        bench.service.start()
        feed = Feed(bench.field, truth.messages, pause=0.002)
        with feed:
            wait_until(lambda: journal_end(bench.service.journal) > 200, "nothing came")
            made = stackmeter("backup", tmp_path / "copy", "--state", bench.service.state, "--json")
        assert (made.returncode, made.stderr) == (0, "")
        assert set(json.loads(made.stdout)["bytes"]) == set(FILES)

        proof = stackmeter("verify", "--config", bench.config, "--state", tmp_path / "copy")
        assert (proof.returncode, proof.stderr) == (0, ""), proof.stdout

        feed.rest()
        bench.service.kill()
        shutil.rmtree(bench.service.state)
        shutil.copytree(tmp_path / "copy", bench.service.state)
        bench.service.start()
        bench.field.send(truth.messages)
        bench.service.drain(len(truth.messages))

        # Alerts of what came after the copy are told again, under ids of their own; all else is as if nothing had been.
        state, journal = bench.service.database, bench.service.journal
        check_api(bench, truth)
        assert bench.service.term() == 0, bench.service.log()[-3000:]
        check_messages(state, journal, bench.field.sent)
        check_windows(state, bench.plant(), truth.windows())
        check_register_totals(state, bench.plant(), truth)
        check_ledger(state)


def test_what_comes_between_two_files_leaves_a_copy_that_belongs_together(world, tmp_path):
    """The state is copied first: the journal of the copy holds every message that its state follows, and more."""
    seen = []

    def begin(name: str) -> None:
        seen.append(name)
        fed(world, 20 * len(seen), 20 * len(seen) + 20)

    copy(world.folder, tmp_path / "copy", begin)
    with closing(sqlite3.connect(tmp_path / "copy" / "state.db")) as state:
        [(cursor,)] = state.execute("SELECT next FROM cursor")
    made = World(tmp_path / "copy")
    end = made.journal.next
    assert made.state.cursor == end, "the steps that the journal has more are done again first"
    made.close()

    assert seen == ["state.db", "journal.db"]
    assert cursor < end
    assert tonnes(tmp_path / "copy") == tonnes(world.folder)


def test_a_copy_is_its_owners_alone_and_has_keys_and_token(world, tmp_path):
    (world.folder / "token").write_text("secret\n")
    assert stackmeter("keys", "create", "lan", "--state", world.folder).returncode == 0

    made = stackmeter("backup", tmp_path / "deep" / "copy", "--state", world.folder)

    copied = {path.name: path for path in (tmp_path / "deep" / "copy").iterdir()}
    assert made.stdout.startswith(f"{tmp_path}/deep/copy: state.db ")
    assert set(copied) == {*FILES, "token"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in copied.values()} == {0o600}
    assert stat.S_IMODE(copied["token"].parent.stat().st_mode) == 0o700
    assert copied["token"].read_text() == "secret\n"
    assert '"lan"' in stackmeter("keys", "list", "--state", tmp_path / "deep" / "copy", "--json").stdout


def test_a_copy_is_recorded_and_has_its_own_row_and_a_whole_audit_log(world, tmp_path):
    assert stackmeter("backup", tmp_path / "copy", "--state", world.folder).returncode == 0

    for folder in (world.folder, tmp_path / "copy"):
        shown = stackmeter("audit", "--state", folder, "--json")
        assert shown.returncode == 0, shown.stderr
        [row] = json.loads(shown.stdout)["rows"]
        assert (row["what"], row["about"], row["origin"]) == (
            "backup.begun",
            f"{tmp_path}/copy",
            "command line",
        )


def test_a_row_between_the_files_of_the_audit_log_leaves_a_copy_that_proves(world, tmp_path):
    """Heads are copied first: none of them is of a row that the copy lacks."""
    file = world.folder / "keys.sqlite"
    make(file)
    log = AccessLog(file)
    log.note(Entry(1, "lan", "a"))

    copy(world.folder, tmp_path / "copy", lambda name: log.note(Entry(2, "lan", name)))

    copied = AccessLog(tmp_path / "copy" / "keys.sqlite")
    assert len(copied.rows()) == 5
    assert (copied.first_broken(), copied.first_lost()) == (None, None)


def test_a_copy_that_cannot_be_recorded_is_made_all_the_same(world, tmp_path):
    """What is wrong with the disk is a reason to copy."""
    with closing(sqlite3.connect(world.folder / "keys.sqlite")) as connection:
        connection.executescript("CREATE TABLE audit (id)")

    made = stackmeter("backup", tmp_path / "copy", "--state", world.folder)

    assert (made.returncode, (tmp_path / "copy" / "state.db").exists()) == (0, True)
    assert "backup.begun cannot be entered into the audit log" in made.stderr


def test_a_copy_replaces_nothing(world, tmp_path):
    (tmp_path / "copy").mkdir()

    refused = stackmeter("backup", tmp_path / "copy", "--state", world.folder)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "is there already" in refused.stderr
    assert list((tmp_path / "copy").iterdir()) == []


def test_where_there_is_no_state_it_says_where_to_look(tmp_path):
    refused = stackmeter("backup", tmp_path / "copy", "--state", tmp_path / "nothing")

    assert refused.returncode == 2
    assert "holds no journal.db: say where the state is with --state DIR" in refused.stderr
    assert not (tmp_path / "copy").exists()


def test_a_copy_that_fails_leaves_nothing_behind(world, tmp_path):
    (world.folder / "keys.sqlite").write_bytes(b"no database at all" * 100)

    with pytest.raises(NotCopied, match="cannot be copied"):
        copy(world.folder, tmp_path / "copies" / "one")

    assert list((tmp_path / "copies").iterdir()) == []


# --- upgrades: a state of another schema is made again from the journal ---------------------------------------------


@pytest.fixture
def upgraded(tmp_path):
    """Give a bench whose state is of an older schema, and the sums that it had."""
    truth = trial(300, seed=75)
    with Bench(tmp_path) as bench:
        bench.service.start()
        bench.field.send(truth.messages)
        bench.service.drain(len(truth.messages))
        bench.service.term()
        sums = tonnes(bench.service.state)
        with closing(sqlite3.connect(bench.service.database)) as connection:
            connection.execute("PRAGMA user_version = 1")
        yield bench, sums


def test_a_state_of_another_schema_is_refused_and_made_again_from_the_journal(upgraded):
    """As docs/operating.md tells it: move state.db aside, start."""
    bench, before = upgraded
    bench.service.start(ready=False)
    refused = bench.service.wait_for_end()
    aside = bench.service.state.with_name("state-of-the-old-version")
    aside.mkdir()
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        if (bench.service.state / name).exists():
            (bench.service.state / name).rename(aside / name)

    bench.service.start()
    bench.service.drain(300)
    bench.service.term()

    assert (refused, "has schema 1" in bench.service.log()) == (EXIT_DATA, True)
    assert tonnes(bench.service.state) == before
    assert stackmeter("verify", "--config", bench.config, "--state", bench.service.state).returncode == 0


def test_a_state_that_is_made_again_tells_nobody_twice(upgraded):
    bench, _ = upgraded
    told = len(bench.receiver.requests)
    for path in bench.service.state.glob("state.db*"):
        path.unlink()

    bench.service.start()
    bench.service.drain(300)

    assert told > 0
    assert len(bench.receiver.requests) == told
    assert bench.service.term() == 0
    check_rebuild(bench.service, bench.config)


def test_without_webhooks_it_tells_of_nothing_that_is_over_and_once_of_what_is_open(upgraded):
    """Under another configuration than then the steps cannot be done again: messages are taken as they come."""
    bench, _ = upgraded
    told = len(bench.receiver.requests)
    for path in bench.service.state.glob("state.db*"):
        path.unlink()
    [file] = bench.config.iterdir()
    whole = file.read_text()
    file.write_text(whole[: whole.index("webhooks:")])

    bench.service.start()
    bench.service.drain(300)
    bench.service.term()
    file.write_text(whole)
    bench.service.start()
    bench.service.drain(300)

    [still] = bench.service.get("/v1/alerts", status="open").json()["alerts"]
    [again] = [json.loads(request.body) for request in bench.receiver.requests[told:]]
    assert (again["type"], again["data"]["id"]) == ("alert.firing", still["id"])


def test_evidence_is_copied_last_and_whole(world: World, tmp_path: Path) -> None:
    kept = KeptFiles(evidence_folder(world.folder))
    digest = kept.put(b"%PDF-1.7 invoice")
    begun: list[str] = []

    sizes = copy(world.folder, tmp_path / "copy", begun.append)

    copied = KeptFiles(evidence_folder(tmp_path / "copy"))
    assert begun[-1] == "evidence"
    assert sizes["evidence"] == 16
    assert (list(copied), copied.read(digest)) == ([digest], b"%PDF-1.7 invoice")
    assert stat.S_IMODE(copied.path(digest).stat().st_mode) == 0o600

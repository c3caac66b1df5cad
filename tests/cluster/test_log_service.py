"""Services with their journal in a log: whoever dies, hangs or hands over, nothing is lost; who differs from the owner never owns."""

import json
import os
import re
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from stackmeter.cli import app
from stackmeter.cluster.placing import PlacementTold
from stackmeter.cluster.standing import ClusterTold, ShardReport
from stackmeter.commands.command import failures
from stackmeter.doctor import log_check
from stackmeter.doctor.checkup import Case
from stackmeter.service import EXIT_CONFIG
from stackmeter.settings import Settings
from stackmeter.standby.follower import Follower
from stackmeter.standby.journal_of_shard import LogUnsafe, open_journal
from stackmeter.standby.standby import Waits
from store.folder import Folder
from store.messages.groups import array_of
from store.messages.journal import Message, messages_of
from store.replicated.lease import FREE, Candidate, Lease
from store.replicated.log import LogLost
from store.replicated.log_records import GroupRecord, Record, StepRecord, decoded
from tests.cluster.nats import NatsCluster
from tests.faults.bench import SECRETS, Bench, Feed
from tests.faults.invariants import check_messages, check_rebuild, journalled, rows
from tests.faults.truth import trial
from tests.servers import PATIENCE, WebhookReceiver, wait_until
from tests.service import TOKEN, Service

LEASE_S = "2"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def test_a_shard_whose_owners_die_hang_lose_their_log_and_hand_over_loses_nothing_and_counts_nothing_twice(
    log_nodes: NatsCluster, shard: str, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines: killed at both points between log and journal, stopped and woken, without the log for a while, stopped in order."""
    truth = trial(300, seed=3)
    parts = [truth.messages[first : first + 60] for first in range(0, len(truth.messages), 60)]
    bench.subscribe()
    with WebhookReceiver() as influx, ExitStack() as services:
        a, b = map(services.enter_context, two_of(bench, tmp_path, log_nodes, shard, influx.url))
        bench.field.send(parts[0])
        a.start(crash="log_after_append:3", ready=False)
        assert a.wait_for_end() == -9, a.log()[-3000:]
        b.start(crash="log_before_append:4", ready=False)  # it takes over from the dead one, and dies
        assert b.wait_for_end() == -9, b.log()[-3000:]
        a.start()
        stand_by(b)
        check_told(tmp_path, log_nodes, shard, a, b)
        with Feed(bench.field, parts[1], pause=0.02) as feed:
            wait_until(lambda: told(influx), "InfluxDB is told nothing")
            wait_until(lambda: hangs(a), "it always holds its state")
            wait_until(lambda: not says(b, "standby of shard"), "nobody takes the lease of who hangs")
            with closing(sqlite3.connect(a.database)) as outbox, outbox:
                outbox.execute("INSERT INTO influx_alert (line) VALUES ('late v=1 1')")
            b.wait_until_ready()
            check_untold(a, influx)
            os.kill(a.pid, signal.SIGCONT)
            assert a.wait_for_end() == 75, a.log()[-3000:]
        feed.rest()
        assert "owns this shard" in a.log() or "took the lease of this shard" in a.log()

        for process in log_nodes.processes[:2]:
            process.signal(9)
        bench.field.send(parts[2])
        wait_until(lambda: says(b, "intake paused: the log"), "it does not say what it waits for")
        log_nodes.start()
        b.drain(180)
        stand_by(a)
        assert b.term() == 0
        bench.field.send(parts[3])
        a.wait_until_ready()
        bench.field.send(parts[4])
        a.drain(len(truth.messages))
        assert a.term() == 0

        check_messages(a.database, a.journal, bench.field.sent)
        check_rebuild(a, bench.config)
        check_log(log_nodes, shard, a)
        mine = journalled(b.journal)
        assert mine == journalled(a.journal)[: len(mine)], (
            "what the other machine has is not what the log has"
        )
        for name, secret in SECRETS.items():
            monkeypatch.setenv(name, secret)
        check_diverged(log_nodes, bench, b, shard)


def check_told(folder: Path, nodes: NatsCluster, shard: str, owner: Service, standby: Service) -> None:
    """Check that stackmeter cluster status tells owner and standby, and sees the standby come to the end of the log."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in nodes.settings(shard).items()]
    (folder / "north.toml").write_text("\n".join(lines))
    urls = [f"http://127.0.0.1:{one.port}" for one in (owner, standby)]
    workers = [{"machine": f"m{number}", "url": url} for number, url in enumerate(urls, 1)]
    north = {
        "name": "north",
        "url": urls[0],
        "parks": ["trial"],
        "key_env": "NORTH_KEY",
        "settings": "north.toml",
    }
    (folder / "shards.yaml").write_text(json.dumps({"shards": [{**north, "workers": workers}]}))

    def asked() -> tuple[int, ShardReport]:
        arguments = ["cluster", "status", "--shards", str(folder / "shards.yaml"), "--json"]
        done = CliRunner().invoke(app, arguments, env={"NORTH_KEY": TOKEN})
        return done.exit_code, ClusterTold.model_validate_json(done.stdout).shards[0]

    def is_current() -> bool:
        code, one = asked()
        assert (code, one.wrong, one.owner) == (0, [], ["m1"]), one
        [told] = one.standbys
        assert one.log is not None
        assert (told.machine, one.log.lease) == ("m2", (owner.state / "name").read_text().strip())
        return (told.current, told.behind_messages, told.behind_s, told.agreed_step) == (
            True,
            0,
            0.0,
            one.log.step,
        )

    wait_until(is_current, "the standby does not come to the end of the log")
    placing = CliRunner().invoke(
        app, ["place", "--shards", str(folder / "shards.yaml"), "--json"], env={"NORTH_KEY": TOKEN}
    )
    proposal = PlacementTold.model_validate_json(placing.stdout)
    [placed] = proposal.shards
    assert (placing.exit_code, proposal.unknown, placed.why) == (0, [], []), placing.stdout
    assert (placed.owner_then, placed.standby_then) == ("m1", "m2")
    assert placed.weight.readings
    assert placed.weight.channels


def told(influx: WebhookReceiver) -> list[bytes]:
    """Return the blocks of points that an InfluxDB was sent."""
    return [one.body for one in influx.requests if one.path.startswith("/api/v2/write")]


def hangs(service: Service) -> bool:
    """Stop a service as a machine that hangs does; let it go on, and return False, where it holds its state."""
    os.kill(service.pid, signal.SIGSTOP)
    with closing(sqlite3.connect(service.database, timeout=0, isolation_level=None)) as state:
        try:
            state.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(service.pid, signal.SIGCONT)
            return False
    return True


def check_untold(service: Service, influx: WebhookReceiver) -> None:
    """Check that the process that tells InfluxDB has told nothing of a service that hangs and has lost its lease, and forget it."""
    assert not any(body.startswith(b"late ") for body in told(influx))
    with closing(sqlite3.connect(service.database)) as outbox, outbox:
        assert outbox.execute("DELETE FROM influx_alert WHERE line LIKE 'late %'").rowcount == 1


def two_of(bench: Bench, tmp_path: Path, nodes: NatsCluster, shard: str, influx: str) -> list[Service]:
    """Return two services of a shard, the first of which tells an InfluxDB."""
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    environment = SECRETS | nodes.environment(shard) | {"STACKMETER_LEASE_S": LEASE_S}
    return [
        Service(folder, bench.config, bench.broker.url, environment=environment, influx=url)
        for folder, url in zip(folders, (influx, None), strict=True)
    ]


def stand_by(service: Service) -> None:
    """Start a service that waits for its turn, and wait until it says so."""
    service.start(ready=False)
    wait_until(lambda: says(service, "standby of shard"), f"it does not stand by: {service.log()[-2000:]}")


def says(service: Service, what: str) -> bool:
    try:
        return what in service.get("/readyz").text
    except httpx.TransportError:
        return False


def check_diverged(nodes: NatsCluster, bench: Bench, behind: Service, shard: str) -> None:
    """Check that a standby with a bit of its ledger flipped says so, and leaves a lease that nobody has; a whole one takes it."""
    settings = Settings(**nodes.settings(shard), config=bench.config, state=behind.state)
    copy = behind.state.with_name("flipped")
    shutil.copytree(behind.state, copy)
    with closing(sqlite3.connect(copy / "state.db")) as state, state:
        for (trigger,) in state.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'ledger'"
        ).fetchall():
            state.execute(f"DROP TRIGGER {trigger}")
        [(row, head)] = state.execute("SELECT id, hash FROM ledger ORDER BY id DESC LIMIT 1").fetchall()
        state.execute("UPDATE ledger SET hash = ? WHERE id = ?", (bytes([head[0] ^ 1, *head[1:]]), row))
    flipped = settings.model_copy(update={"state": copy})
    with closing(nodes.connect(shard)) as log:
        assert (log.lease() or Lease(b"?", 0)).holder == FREE
        for given, trouble in ((flipped, "diverged: the ledger after step "), (settings, "")):
            folder, stop = Folder(given.state), threading.Event()
            with closing(folder), Follower(given, folder, lambda _point: None) as follower:
                waits = Waits(given, follower, Candidate(log, folder.name().encode()))
                ending = threading.Timer(1.0 if trouble else PATIENCE, stop.set)
                ending.start()
                held = waits.run(stop)
                ending.cancel()

                assert (held is None) == bool(trouble), follower.trouble
                assert follower.trouble.startswith(trouble)
                assert trouble in "; ".join(waits.health().reasons)


def check_log(nodes: NatsCluster, shard: str, service: Service) -> None:
    """Check that the log holds what the journal here holds, messages and steps, and the ledger's head after the last step."""
    records: list[Record] = []
    with closing(nodes.connect(shard)) as log:
        while part := log.read(len(records) + 1, 64):
            records += map(decoded, part)
    groups = [array_of(one.messages, one.digest) for one in records if isinstance(one, GroupRecord)]
    steps = [one for one in records if isinstance(one, StepRecord)]
    heads = [one.head for one in steps if one.head]
    assert [message for group in groups for message in messages_of(group)] == journalled(service.journal)
    assert [one.row for one in steps] == rows(
        service.journal, "SELECT number, kind, now, through, detail FROM step ORDER BY number"
    )
    assert heads[-1] == rows(service.database, "SELECT hash FROM ledger ORDER BY id DESC LIMIT 1")[0][0]


def test_a_log_that_is_not_synced_or_too_small_is_refused_at_the_start_and_by_doctor(
    log_nodes: NatsCluster, shard: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = log_nodes.environment(shard) | {"STACKMETER_LOG_REPLICAS": "5"}
    with NatsCluster(nodes=1, sync="2m") as lazy:
        alone = lazy.environment(shard) | {"STACKMETER_LOG_REPLICAS": "1"}
        for environment, why in (
            (alone, "says that something is safe before it is on its disk: set `sync_interval: always`"),
            (small, "is in a cluster of 3, and 5 replicas are asked for"),
        ):
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            settings = Settings(state=tmp_path)
            with pytest.raises(LogUnsafe, match=re.escape(why)):
                open_journal(settings, tmp_path / "journal.db", lambda _point: None, lambda _error: None)
            found = log_check.log(Case(settings, "", ""))

            assert (found.level, why in found.says) == ("fail", True), found
    assert failures()[LogUnsafe] == EXIT_CONFIG
    assert not (tmp_path / "journal.db").exists()


def test_doctor_says_whether_the_log_holds_what_the_journal_has(
    log_nodes: NatsCluster, shard: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in log_nodes.environment(shard).items():
        monkeypatch.setenv(name, value)
    case = Case(Settings(state=tmp_path), "", "")
    assert (log_check.log(case).level, "no log yet" in log_check.log(case).says) == ("ok", True)

    journal = open_journal(case.settings, tmp_path / "journal.db", lambda _point: None, lambda _error: None)
    journal.append([Message(1, b"sm/v1/p/f/g/readings", b"1")])
    journal.close()
    assert (
        log_check.log(case).says
        == f"shard {shard}: 2 messages of the log; 3 servers write before they answer"
    )

    with closing(log_nodes.connect(shard)) as log:
        log.delete()
    assert (log_check.log(case).level, "log_lost" in log_check.log(case).says) == ("fail", True)


def test_a_lost_log_is_made_again_from_the_journal_by_one_who_says_so(
    log_nodes: NatsCluster, shard: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in log_nodes.environment(shard).items():
        monkeypatch.setenv(name, value)
    settings = Settings(state=tmp_path)

    def sequence() -> int:
        journal = open_journal(settings, tmp_path / "journal.db", lambda _point: None, lambda _error: None)
        with closing(journal):
            journal.append([Message(1, b"sm/v1/p/f/g/readings", b"1")])
            return journal.next

    def restored(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["log", "restore", "--state", str(tmp_path), *more])
        return done.exit_code, done.output

    assert sequence() == 2
    refused, said = restored()
    assert (refused, "2 messages of the log" in said, "--delete-stream" in said) == (1, True, True), said
    assert restored("--delete-stream")[0] == 0
    assert sequence() == 3
    with closing(log_nodes.connect(shard)) as log:
        log.delete()
    with pytest.raises(LogLost, match="log_lost"):
        sequence()
    assert restored()[0] == 0
    assert sequence() == 4

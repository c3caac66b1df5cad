"""The journal in a log of three real nodes: what was appended is there once, whoever dies; of two owners one is fenced."""

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from store.messages.journal import Journal, JournalReader, JournalWaits, Message
from store.messages.steps import RecordedStep, StepLog, StepReader
from store.replicated.journal import ReplicatedJournal
from store.replicated.log import Fenced, LogLost, StepStands
from store.replicated.log_records import GroupRecord, OwnerRecord, StepRecord, decoded
from store.sqlite import StateMismatch
from tests.cluster.nats import NatsCluster
from tests.servers import PATIENCE

TOPIC = b"sm/v1/p/f/g/readings"


def message(number: int) -> Message:
    return Message(number, TOPIC, b"%d" % number)


@contextmanager
def journal_of(nodes: NatsCluster, shard: str, path: Path) -> Iterator[ReplicatedJournal]:
    """Give a replicated journal that owns the shard."""
    opened: list[ReplicatedJournal] = []
    until_safe(lambda: opened.append(ReplicatedJournal(path, nodes.connect(shard), lost_after=0.2)))
    [journal] = opened
    with closing(journal):
        until_safe(lambda: own(journal, path.name))
        yield journal


def own(journal: ReplicatedJournal, name: str) -> None:
    journal.own(OwnerRecord(f"{name} {time.time_ns()}", "0", time.time_ns()))


def until_safe(append: Callable[[], object]) -> None:
    """Append as the intake does: again for as long as the log is away."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            append()
        except JournalWaits:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def in_log(nodes: NatsCluster, shard: str) -> list[GroupRecord | StepRecord | OwnerRecord]:
    with closing(nodes.connect(shard)) as log:
        found: list[GroupRecord | StepRecord | OwnerRecord] = []
        while part := log.read(len(found) + 1, 64):
            found += map(decoded, part)
        return found


def here(path: Path) -> list[int]:
    with closing(JournalReader(path)) as reader:
        return [one.received for _, group in reader.read(1, 2**62) for one in group]


def steps_here(path: Path) -> list[tuple[int, RecordedStep]]:
    with closing(StepReader(path)) as reader:
        return list(reader.read(1))


def test_appends_while_nodes_die_one_at_a_time_and_two_at_once_are_in_the_log_once(
    log_nodes: NatsCluster, shard: str, tmp_path: Path
) -> None:
    acked: list[int] = []
    done = threading.Event()

    def kill_and_start() -> None:
        chance = random.Random(1)
        for victims in (1, 2, 1):
            time.sleep(0.3)
            killed = chance.sample(log_nodes.processes, victims)
            for process in killed:
                process.signal(9)
            time.sleep(0.3)
            for process in killed:
                process.start()
        log_nodes.start()
        done.set()

    killer = threading.Thread(target=kill_and_start)
    with journal_of(log_nodes, shard, tmp_path / "journal.db") as journal:
        killer.start()
        steps, number = StepLog(journal), 0
        while not done.is_set() or number < 100:
            number += 1
            until_safe(partial(journal.append, [message(number)]))
            acked.append(number)
            if number % 5 == 0:
                until_step(steps, number // 5)
        killer.join()
    records = in_log(log_nodes, shard)
    groups = [one for one in records if isinstance(one, GroupRecord)]

    assert here(tmp_path / "journal.db") == acked, "lost, twice or out of order here"
    assert [one.first for one in groups] == acked, "lost or extra in the log"
    assert [one.number for one in records if isinstance(one, StepRecord)] == list(
        range(1, len(acked) // 5 + 1)
    )
    assert [n for n, _ in steps_here(tmp_path / "journal.db")] == list(range(1, len(acked) // 5 + 1))


def until_step(steps: StepLog, number: int) -> None:
    """Write a step as the line does: with another time at each try, and as it stands where it came to the log late."""

    def write() -> None:
        try:
            steps.write(number, RecordedStep("time", time.time_ns(), 1))
        except StepStands:
            return

    until_safe(write)


def test_of_two_owners_the_one_that_came_first_is_fenced_and_has_nothing_of_the_others(
    log_nodes: NatsCluster, shard: str, tmp_path: Path
) -> None:
    ends: list[Exception] = []
    with journal_of(log_nodes, shard, tmp_path / "a.db") as first:
        first.on_end = ends.append
        first.append([message(1)])
        with journal_of(log_nodes, shard, tmp_path / "b.db") as second:
            second.append([message(2)])
            for _ in range(2):  # once fenced, always
                with pytest.raises(Fenced, match="another process owns this shard"):
                    first.append([message(3)])
            with pytest.raises(Fenced):
                StepLog(first).write(1, RecordedStep("time", 1, 1))
            second.append([message(4)])

    assert [str(one) for one in ends] == [str(first.ended)]
    assert (here(tmp_path / "a.db"), here(tmp_path / "b.db")) == ([1], [1, 2, 4])


def test_what_the_log_has_and_the_journal_has_not_is_taken_at_the_start(
    log_nodes: NatsCluster, shard: str, tmp_path: Path
) -> None:
    class Died(Exception):
        pass

    def die(point: str) -> None:
        if point == "log_after_append" and armed:
            raise Died

    armed: list[bool] = []
    path = tmp_path / "journal.db"
    with closing(ReplicatedJournal(path, log_nodes.connect(shard), die)) as journal:
        own(journal, "a")
        journal.append([message(1)])
        armed.append(True)
        with pytest.raises(Died):
            journal.append([message(2)])
    assert here(path) == [1]

    with journal_of(log_nodes, shard, path) as journal:
        assert (here(path), journal.next) == ([1, 2], 3)


def test_a_journal_that_was_in_no_log_is_put_there_whole_and_another_machine_has_its_bytes(
    log_nodes: NatsCluster, shard: str, tmp_path: Path
) -> None:
    with closing(Journal(tmp_path / "a.db")) as alone:
        for number in range(1, 8):
            alone.append([message(number), message(100 + number)])
            StepLog(alone).write(number, RecordedStep("messages", number, alone.next))
    with journal_of(log_nodes, shard, tmp_path / "a.db") as journal:
        journal.append([message(50)])
    with journal_of(log_nodes, shard, tmp_path / "b.db"):
        pass

    for table in ("SELECT first, count, messages, digest FROM journal", "SELECT * FROM step"):
        a, b = (
            sqlite3.connect(tmp_path / name).execute(f"{table} ORDER BY 1").fetchall()
            for name in ("a.db", "b.db")
        )
        assert a == b


def test_a_journal_that_the_log_has_lost_stops_and_says_so(
    log_nodes: NatsCluster, shard: str, tmp_path: Path
) -> None:
    with journal_of(log_nodes, shard, tmp_path / "a.db") as journal:
        journal.append([message(1)])
        journal.append([message(2)])
    before = (tmp_path / "a.db").read_bytes()

    changed = sqlite3.connect(tmp_path / "a.db")
    changed.execute("UPDATE log SET sequence = sequence + 1")
    changed.commit()
    with (
        pytest.raises(LogLost, match=r"log_lost: .* it ends before.* `stackmeter log restore`"),
        journal_of(log_nodes, shard, tmp_path / "a.db"),
    ):
        pass
    changed.execute("UPDATE log SET sequence = sequence - 2")
    changed.commit()
    with (
        pytest.raises(LogLost, match="it has another message there"),
        journal_of(log_nodes, shard, tmp_path / "a.db"),
    ):
        pass
    (tmp_path / "a.db").write_bytes(before)
    with closing(log_nodes.connect(shard)) as log:
        log.delete()
    with pytest.raises(LogLost, match="is not there"), journal_of(log_nodes, shard, tmp_path / "a.db"):
        pass

    assert here(tmp_path / "a.db") == [1, 2]


def test_a_stream_of_somebody_else_is_left_alone(log_nodes: NatsCluster, shard: str, tmp_path: Path) -> None:
    with closing(log_nodes.connect(shard)) as log:
        log.open()
        log._shard = "another"  # as if the stream of another shard had our name
        with pytest.raises(StateMismatch, match=r"it is not of shard 'another'.*Nothing was written"):
            ReplicatedJournal(tmp_path / "journal.db", log)

    assert not (tmp_path / "journal.db").exists()


def test_a_message_that_is_longer_than_the_log_takes_is_kept_as_far_as_it_goes(
    log_nodes: NatsCluster, shard: str, tmp_path: Path
) -> None:
    noise = random.Random(1).randbytes(1_500_000)
    with journal_of(log_nodes, shard, tmp_path / "journal.db") as journal:
        journal.append([Message(1, TOPIC, noise)])
        journal.append([message(2)])
        with closing(JournalReader(tmp_path / "journal.db")) as reader:
            kept = reader.one(1)

    assert kept is not None
    assert noise.startswith(kept.payload)
    assert len(kept.payload) > 900 * 1024


def test_a_log_without_its_majority_takes_nothing_and_goes_on_when_it_is_back(
    log_nodes: NatsCluster, shard: str, tmp_path: Path
) -> None:
    with journal_of(log_nodes, shard, tmp_path / "journal.db") as journal:
        for process in log_nodes.processes[:2]:
            process.signal(9)
        with pytest.raises(JournalWaits, match="the log "):
            journal.append([message(1)])
        assert here(tmp_path / "journal.db") == []
        log_nodes.start()
        until_safe(lambda: journal.append([message(1)]))

    assert here(tmp_path / "journal.db") == [1]

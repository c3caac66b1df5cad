"""stackmeter cluster status: what it makes of what owner, standby and log say, each case with what is wrong in it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.models import ReadyBody
from plant.shards.shards_file import Shard, Worker, load_cluster
from stackmeter.cli import app
from stackmeter.cluster.asking import LogSeen, ShardSeen, WorkerSeen
from stackmeter.cluster.standing import told
from stackmeter.standby.worker_body import StandbyBody
from store.replicated.log_end import LOOKED_AT, LogEnd, end_of
from store.replicated.log_position import LogStanding
from store.replicated.log_records import GroupRecord, OwnerRecord, Record, StepRecord, encode
from tests.servers import Answer, WebhookReceiver, free_port

M1, M2 = Worker("m1", "http://10.0.0.1:8080"), Worker("m2", "http://10.0.0.2:8080")
NORTH = Shard("north", "http://north", ("alpha",), workers=(M1, M2))
SECOND = 10**9
AT = 1_790_000_000 * SECOND
STEP_AT = "2026-09-21T14:13:20Z"  # the same
READY = ReadyBody(ready=True, reasons=[], degradations=[], broker="b:1883")


def standby(**changed: object) -> StandbyBody:
    usual = {
        "shard": "main", "owner": "vm-1", "current": True, "messages": 100, "step": 7, "step_at": STEP_AT, "agreed_step": 7,
    }  # fmt: skip
    return StandbyBody.model_validate({**usual, **changed})


LOG = LogSeen("vm-1", LogEnd(100, 7, AT))


def seen(*workers: WorkerSeen, away: str = "", log: LogSeen | None = LOG) -> ShardSeen:
    return ShardSeen(NORTH, away, "main" if log else "", log, workers)


OWNER, STANDBY = WorkerSeen(M1, owner=READY), WorkerSeen(M2, standby=standby())


def test_an_owner_and_a_standby_that_has_all_are_well() -> None:
    found = told(seen(OWNER, STANDBY))

    assert (found.owner, found.waits, found.wrong) == (["m1"], [], [])
    [one] = found.standbys
    assert (one.machine, one.behind_messages, one.behind_s, one.agreed_step) == ("m2", 0, 0.0, 7)
    assert found.log is not None
    assert (found.log.lease, found.log.messages, found.log.step_at) == ("vm-1", 100, STEP_AT)


def test_how_far_a_standby_is_behind_is_told_by_messages_and_by_the_time_between_steps() -> None:
    further = LogSeen("vm-1", LogEnd(112, 9, AT + 31 * SECOND))
    found = told(seen(OWNER, STANDBY, log=further))

    assert [(one.behind_messages, one.behind_s) for one in found.standbys] == [(12, 31.0)]
    assert found.wrong == ["the standby on m2 is 31 s behind"]
    almost = LogSeen("vm-1", LogEnd(112, 9, AT + 30 * SECOND))
    assert told(seen(OWNER, STANDBY, log=almost)).wrong == []


@pytest.mark.parametrize(
    ("log", "body"),
    [
        (None, standby()),
        (LogSeen("vm-1", LogEnd(None, None, None)), standby()),
        (LogSeen("vm-1"), standby()),
        (LogSeen("vm-1", LogEnd(None, 9, AT)), standby(step=0, step_at=None, agreed_step=None)),
    ],
    ids=["no log in the settings", "a log that does not say", "no stream", "no step yet"],
)
def test_what_nobody_can_say_of_a_standby_is_null_and_never_0(log: LogSeen | None, body: StandbyBody) -> None:
    [one] = told(seen(OWNER, WorkerSeen(M2, standby=body), log=log)).standbys

    assert (one.behind_messages, one.behind_s) == (None, None)


WRONG = {
    "not reached at http://north: refused": seen(OWNER, STANDBY, away="refused"),
    "its log: it does not answer": seen(OWNER, STANDBY, log=LogSeen(trouble="it does not answer")),
    "nobody has its lease": seen(OWNER, STANDBY, log=LogSeen("", LogEnd(100, 7, AT))),
    "nobody stands by: it waits for its owner's machine if that is lost": seen(OWNER),
    "no worker says that it owns it: nothing is acknowledged until one does": seen(STANDBY),
    "the owner on m1 is not ready: the disk is full": seen(
        WorkerSeen(M1, owner=READY.model_copy(update={"ready": False, "reasons": ["the disk is full"]})),
        STANDBY,
    ),
    "the standby on m2 does not take over: diverged: the ledger after step 7": seen(
        OWNER, WorkerSeen(M2, standby=standby(), troubles=("diverged: the ledger after step 7",))
    ),
    "the worker on m2 stands by for shard other of the log, and the settings say main": seen(
        OWNER, WorkerSeen(M2, standby=standby(shard="other"))
    ),
    "the worker on m1 does not answer: it does not take the key": seen(
        WorkerSeen(M1, away="it does not take the key", is_no_standby=True), STANDBY
    ),
    "m1 and m2 both say that they own it; the log lets one append, and the other ends": seen(
        OWNER, WorkerSeen(M2, owner=READY), STANDBY
    ),
}


@pytest.mark.parametrize(("sentence", "found"), WRONG.items(), ids=WRONG)
def test_each_thing_that_is_wrong_is_a_sentence_of_its_own(sentence: str, found: ShardSeen) -> None:
    assert told(found).wrong == [sentence]


def test_what_the_owner_works_without_waits_and_is_not_wrong() -> None:
    slow = READY.model_copy(update={"degradations": ["InfluxDB: refused"]})
    found = told(seen(WorkerSeen(M1, owner=slow), STANDBY))

    assert (found.waits, found.wrong) == (["InfluxDB: refused"], [])


class Records:
    """A log in memory; notes how many of its messages were read."""

    def __init__(self, *records: Record) -> None:
        self._stored = [encode(one) for one in records]
        self.was_read = 0

    def standing(self) -> LogStanding:
        return LogStanding("id", len(self._stored))

    def read(self, first: int, most: int = 1) -> list[bytes]:
        found = self._stored[first - 1 : first - 1 + most]
        self.was_read += len(found)
        return found


GROUP, OWNED = GroupRecord(95, 6, b"", b""), OwnerRecord("vm-1", "1", AT)


def steps(first: int, count: int) -> list[StepRecord]:
    return [StepRecord(number, "time", AT + number, 101, b"") for number in range(first, first + count)]


@pytest.mark.parametrize(
    ("records", "end"),
    [
        ([], LogEnd(0, None, None)),
        ([OWNED], LogEnd(0, None, None)),
        ([GROUP, OWNED], LogEnd(100, None, None)),
        ([GroupRecord(1, 5, b"", b""), GROUP, *steps(1, 20)], LogEnd(100, 20, AT + 20)),
        ([GROUP, *steps(1, LOOKED_AT)], LogEnd(None, LOOKED_AT, AT + LOOKED_AT)),
    ],
    ids=["empty", "owned", "no step", "both", "too far back"],
)
def test_the_end_of_a_log_is_read_from_its_last_messages(records: list[Record], end: LogEnd) -> None:
    log = Records(*records)

    assert end_of(log) == end  # type: ignore[arg-type]  # what is asked of it
    assert log.was_read <= LOOKED_AT


def test_workers_are_of_one_shard_each_on_a_machine_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "shards.yaml"
    one, other = ({"machine": f"m{n}", "url": f"http://10.0.0.{n}:80/"} for n in (1, 2))
    north, south = (
        {"name": name, "url": f"http://{name}", "parks": [name], "workers": [one]}
        for name in ("north", "south")
    )
    file.write_text(json.dumps({"shards": [{**north, "workers": [one, other]}]}))
    found = load_cluster(file)
    assert found.machines == ("m1", "m2")
    assert found.shards[0].workers == (Worker("m1", "http://10.0.0.1:80"), Worker("m2", "http://10.0.0.2:80"))

    twice = {**north, "workers": [one, {**other, "machine": "m1"}]}
    file.write_text(json.dumps({"shards": [twice, south], "machines": ["m9"]}))
    done = CliRunner().invoke(app, ["cluster", "status", "--shards", str(file)])

    assert done.exit_code == 2
    assert (
        "machine m1 has two workers of it, and would take both with it: let one be elsewhere" in done.stderr
    )
    assert "http://10.0.0.1:80 is the address of another worker, too" in done.stderr


def test_an_owner_that_does_not_take_the_key_is_told_so_and_not_that_nobody_owns(
    tmp_path: Path, webhook_receiver: WebhookReceiver
) -> None:
    webhook_receiver.default = Answer(401, {"Content-Type": "application/json"}, b"{}")
    url, file = webhook_receiver.url, tmp_path / "shards.yaml"
    north = {
        "name": "north",
        "url": url,
        "parks": ["alpha"],
        "key_env": "NORTH_KEY",
        "workers": [{"machine": "m1", "url": url}],
    }
    file.write_text(json.dumps({"shards": [north]}))
    for key, why in (
        ("wrong", "it does not take the key in NORTH_KEY"),
        ("", "it wants a viewer's key: see key_env"),
    ):
        done = CliRunner().invoke(
            app, ["cluster", "status", "--shards", str(file), "--json"], env={"NORTH_KEY": key}
        )

        assert json.loads(done.stdout)["shards"][0]["wrong"][1:] == [
            f"the worker on m1 does not answer: {why}"
        ]


def test_what_answers_as_no_standby_would_costs_its_own_row(
    tmp_path: Path, webhook_receiver: WebhookReceiver
) -> None:
    body = {"ready": False, "reasons": ["x"], "degradations": [], "broker": ""}
    body["standby"] = standby().model_dump() | {"step_at": "yesterday"}
    webhook_receiver.default = Answer(503, {"Content-Type": "application/json"}, json.dumps(body).encode())
    url, file = webhook_receiver.url, tmp_path / "shards.yaml"
    north = {"name": "north", "url": url, "parks": ["alpha"], "workers": [{"machine": "m1", "url": url}]}
    file.write_text(json.dumps({"shards": [north]}))

    done = CliRunner().invoke(app, ["cluster", "status", "--shards", str(file), "--json"])

    assert done.exit_code == 1
    [shard] = json.loads(done.stdout)["shards"]
    assert any("standby.step_at" in one and "as another version" in one for one in shard["wrong"])


def test_a_worker_that_does_not_answer_is_told_with_the_reason_and_ends_with_1(tmp_path: Path) -> None:
    file, nobody = tmp_path / "shards.yaml", f"http://127.0.0.1:{free_port()}"
    north = {
        "name": "north",
        "url": nobody,
        "parks": ["alpha"],
        "workers": [{"machine": "m1", "url": nobody}],
    }
    file.write_text(json.dumps({"shards": [north]}))
    done = CliRunner().invoke(app, ["cluster", "status", "--shards", str(file)])

    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[2].split() == ["north", "-", "-", "wrong"]
    assert lines[3].startswith(f"north: not reached at {nobody}: ")
    assert lines[4].startswith("north: the worker on m1 does not answer: no service answers at ")

"""stackmeter place: never both on one machine, nothing moves without a reason, and the same question has one answer."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.models import ReadyBody
from plant.shards.shards_file import Shard, Shards, Worker
from stackmeter.cli import app
from stackmeter.cluster.asking import ShardSeen, WorkerSeen
from stackmeter.cluster.kinds import WeighedBy
from stackmeter.cluster.moving import steps
from stackmeter.cluster.placement import Seats, loads, place
from stackmeter.cluster.placing import PlacementTold, proposed
from stackmeter.cluster.weighing import NoExposition, ShardWeight, bytes_per_day
from tests.servers import free_port

ALL = tuple(f"m{number}" for number in range(1, 7))
READY = ReadyBody(ready=True, reasons=[], degradations=[], broker="")


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[Seats], list[str]]:
    """Draw shards that are somewhere, on machines some of which are there no more."""
    seats = []
    for number in range(draw(st.integers(1, 8))):
        taken = draw(st.lists(st.sampled_from(ALL), unique=True, max_size=2))
        weight = draw(st.sampled_from([0.0, 1.0, 2.0, 3.5, 10.0]))
        seats.append(Seats(f"s{number}", weight, *taken))
    return seats, draw(st.lists(st.sampled_from(ALL), unique=True, min_size=2))


@given(clusters(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_every_shard_has_two_machines_of_those_there_are_and_the_same_question_has_one_answer(
    cluster: tuple[list[Seats], list[str]], random: st.DataObject
) -> None:
    seats, machines = cluster
    found = place(seats, machines)
    for before, after in zip(sorted(seats, key=lambda one: one.shard), found.seats, strict=True):
        assert len(set(after.taken)) == 2
        assert set(after.taken) <= set(machines)
        assert (before != after) == (before.shard in found.why)
        if before.owner not in after.taken and before.standby in after.taken:
            assert after.owner == before.standby, "an owner hands over to its standby"

    mixed, others = list(seats), list(machines)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    random.shuffle(others)  # type: ignore[attr-defined]
    assert place(mixed, others) == found
    assert place(found.seats, machines).why == {}, "done, it proposes more"


@given(clusters())
@settings(max_examples=60, deadline=None)
def test_when_a_machine_leaves_nothing_else_moves_but_from_one_that_is_said_to_have_too_much(
    cluster: tuple[list[Seats], list[str]],
) -> None:
    seats, machines = cluster
    filled, gone = place(seats, machines).seats, machines[0]
    found = place(filled, [*machines[1:], "m9"])
    for before, after in zip(filled, found.seats, strict=True):
        whys = found.why.get(before.shard, ())
        for machine in set(before.taken) - set(after.taken):
            wanted = f"{gone} is not among" if machine == gone else f"{machine} has "
            assert any(why.startswith(wanted) for why in whys), (before, after, whys)


def test_a_machine_that_has_too_much_gives_the_lightest_that_is_enough_and_its_standby_rather_than_its_owner() -> (
    None
):
    seats = [
        Seats("a", 6.0, "m1", "m2"),
        Seats("b", 3.0, "m1", "m2"),
        Seats("c", 3.0, "m2", "m1"),
        Seats("d", 6.0, "m3", "m4"),
    ]
    found = place(seats, ["m1", "m2", "m3", "m4"])

    assert list(found.why) == ["b", "c"]
    assert loads(found.seats, ALL[:4]) == {"m1": 9.0, "m2": 9.0, "m3": 9.0, "m4": 9.0}
    assert found.why["c"] == ("m1 has 1.33 times the mean, more than 1.10",)
    assert [one.owner for one in found.seats] == ["m1", "m1", "m2", "m3"]


def test_a_standby_owns_what_its_owners_machine_leaves() -> None:
    [after] = place([Seats("a", 1.0, "m1", "m2")], ["m2", "m3"]).seats

    assert (after.owner, after.standby) == ("m2", "m3")


START = (
    "start a worker of a, with a state directory of its own: stackmeter run --settings a.toml; name it in F"
)
WAIT = "stackmeter cluster status --shards F: wait until a is well and {} is 0 messages behind"
STOP = "stop the worker of a, and take it out of F"
HAND_OVER = "stop the worker of a in order (SIGTERM), and take it out of F; {} owns the shard at once"


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (("m1", "m2"), ("m1", "m2"), []),
        ((), ("m1", "m2"), [f"on m1: {START}", f"on m2: {START}"]),
        (("m1",), ("m1", "m3"), [f"on m3: {START}", WAIT.format("m3")]),
        (("m1", "m2"), ("m1", "m3"), [f"on m3: {START}", WAIT.format("m3"), f"on m2: {STOP}"]),
        (
            ("m1", "m2"),
            ("m2", "m3"),
            [
                f"on m3: {START}",
                WAIT.format("m3"),
                "on m3: stop that worker again, so that m2 alone stands by",
                f"on m1: {HAND_OVER.format('m2')}",
                "on m3: start the worker of a again",
            ],
        ),
        (("m1", "m2"), ("m2",), [f"on m1: {HAND_OVER.format('m2')}"]),
        (
            ("m1", "m2"),
            ("m3", "m4"),
            [
                f"on m3: {START}",
                WAIT.format("m3"),
                f"on m2: {STOP}",
                f"on m4: {START}",
                WAIT.format("m4"),
                "on m4: stop that worker again, so that m3 alone stands by",
                f"on m1: {HAND_OVER.format('m3')}",
                "on m4: start the worker of a again",
            ],
        ),
        (("m1",), (), []),
    ],
)
def test_a_shard_is_moved_step_by_step_and_its_owner_stops_when_another_has_all(
    before: tuple[str, ...], after: tuple[str, ...], wanted: list[str]
) -> None:
    assert list(steps(Seats("a", 1.0, *before), Seats("a", 1.0, *after), "F", "a.toml")) == wanted


def seen(name: str, *workers: WorkerSeen) -> ShardSeen:
    return ShardSeen(Shard(name, f"http://{name}", (name,)), "", "", None, workers)


def at(machine: str, *, owns: bool = False) -> WorkerSeen:
    worker = Worker(machine, f"http://{machine}")
    return WorkerSeen(worker, owner=READY) if owns else WorkerSeen(worker, away="no route to host")


def proposal(
    *shards: ShardSeen, machines: tuple[str, ...] = ALL[:2], weight: float | None = 1.0
) -> PlacementTold:
    weights = [ShardWeight(readings=weight, channels=3, away="" if weight else "it is away") for _ in shards]
    return proposed(
        Shards(tuple(one.shard for one in shards), machines), shards, weights, WeighedBy.READINGS, "F"
    )


def test_a_dead_machine_moves_nothing_and_whoever_took_over_is_the_owner() -> None:
    found = proposal(seen("a", at("m1"), at("m2", owns=True)))

    [one] = found.shards
    assert (one.owner, one.standby, one.owner_then, one.standby_then) == ("m2", "m1", "m2", "m1")
    assert (one.why, one.steps, found.is_whole) == ([], [], True)
    assert [(machine.machine, machine.now, machine.then) for machine in found.machines] == [
        ("m1", 1.0, 1.0),
        ("m2", 1.0, 1.0),
    ]


def test_while_a_weight_is_unknown_or_a_move_is_under_way_nothing_moves() -> None:
    whole = seen("a", at("m1", owns=True), at("m9"))
    for found, why in (
        (proposal(whole, weight=None), "nobody can say what a weighs by readings: it is away"),
        (
            proposal(seen("a", at("m1", owns=True), at("m9"), at("m3"))),
            "a has three workers, so a move is under way: end it, and take the one that stopped out of the file",
        ),
        (
            proposal(seen("a"), machines=()),
            "the file names no machines: name them with machines, or the workers of each shard",
        ),
    ):
        assert found.unknown == [why]
        assert (found.shards[0].steps, found.shards[0].owner, found.is_whole) == (
            [],
            found.shards[0].owner_then,
            False,
        )
        assert {machine.now for machine in found.machines} <= {None}
    assert proposal(whole).shards[0].why == ["m9 is not among the machines any more"]
    assert not proposal(whole, machines=("m1",)).is_whole


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stackmeter_disk_free_bytes 1000.0\nstackmeter_disk_full_seconds 43200.0\n", 2000.0),
        ("stackmeter_disk_free_bytes 1000.0\nstackmeter_disk_full_seconds NaN\n", None),
        ("stackmeter_disk_free_bytes 1000.0\n", None),
    ],
)
def test_what_files_grow_by_is_told_by_what_is_free_and_how_long_it_lasts(
    text: str, told: float | None
) -> None:
    assert bytes_per_day(text) == told


def test_what_are_no_metrics_is_said_to_be_none() -> None:
    with pytest.raises(NoExposition, match="what it answers at /metrics cannot be read: invalid metric name"):
        bytes_per_day("<html>welcome")


def test_a_shard_that_is_away_is_told_and_nothing_is_proposed(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    north = {"name": "north", "url": nobody, "parks": ["a"], "workers": [{"machine": "m1", "url": nobody}]}
    file = tmp_path / "shards.yaml"
    file.write_text(json.dumps({"machines": ["m1", "m2"], "shards": [north]}))
    done = CliRunner().invoke(app, ["place", "--shards", str(file)])

    assert done.exit_code == 1
    assert "nothing is proposed, and all stays where it is:" in done.stdout
    told = " ".join(done.stdout.split())  # wherever its lines end
    assert f"nobody can say what north weighs by readings: no service answers at {nobody}" in told

"""Steps are recorded before what they did is committed, and are done again where the state is behind them."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alerts.tables.webhook_acts import Delivery, DropEvents
from alerts.tables.webhooks import WebhookOutbox
from ingest.line.line import Line
from proof.rebuild import Rebuild, differences
from proof.works import Links
from store.messages.steps import OUTBOX, START, StepFailed, StepReader
from store.once import keyed_id
from tests.alerts.clockwork import DESK, LIMITS, MIDNIGHT, Clockwork, write
from tests.semantics.world import MINUTE, SECOND, World

HOT = {"t0": 500.0}
COOL = {"t0": 20.0}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Clockwork]:
    write(tmp_path / "config", LIMITS + DESK)
    (tmp_path / "state").mkdir()
    made = Clockwork(tmp_path / "state", tmp_path / "config", MIDNIGHT)
    yield made
    made.close()


def tables(world: World, folder: Path) -> Path:
    """Return a copy of a world's state, which is stopped for it."""
    world.state.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    folder.mkdir()
    return Path(shutil.copy(world.folder / "state.db", folder / "state.db"))


def lose_state(world: World) -> None:
    """Stop it, lose the state, and start it again: all steps are done again."""
    world._shut()
    for file in world.folder.glob("state.db*"):
        file.unlink()
    world._open()


def steps(world: World) -> list[tuple[str, int]]:
    """Return kind and first message that it left of each step."""
    with closing(StepReader(world.folder / "journal.db")) as reader:
        return [(step.kind, step.through) for _, step in reader.read(1)]


class PowerCut(BaseException):
    """Ends the process."""


def cut_at(line: Line, point: str) -> None:
    """Let the power go at a point of the line."""

    def crash(at: str) -> None:
        if at == point:
            raise PowerCut

    line._crash = line._following._crash = crash


def test_a_state_that_is_lost_is_made_again_with_alerts_revisions_and_what_was_told(world, tmp_path):
    world.at("06:00", **HOT)
    world.at("06:20", **COOL)
    world.at("07:00", **HOT)
    world.act("acknowledge", "hot")
    told, kept = world.told(), tables(world, tmp_path / "kept")
    assert len(told) == 3

    lose_state(world)

    assert differences(kept, world.folder / "state.db") == {
        "meta": 2
    }  # the number of the start, which came since
    assert world.told() == told


@pytest.mark.parametrize("point", ["line_before_commit", "alerts_before_commit"])
def test_a_step_that_was_recorded_and_not_committed_is_done_again_at_its_time(world, point):
    world.at("06:00", **COOL)
    cut_at(world.line, point)
    before, minute = len(steps(world)), MIDNIGHT + 361 * MINUTE
    with pytest.raises(PowerCut):
        world.at("06:01", **HOT)
    is_of_the_line = point == "line_before_commit"
    assert [kind for kind, _ in steps(world)][before:] == ["messages", "alerts"][: 1 if is_of_the_line else 2]
    assert world.rows("SELECT count(*) FROM alert") == [(0,)]

    world.now += 90 * SECOND
    world.restart()

    assert world.rows("SELECT time FROM reading ORDER BY time DESC LIMIT 1") == [(minute,)]
    assert world.rows("SELECT created FROM webhook") == ([] if is_of_the_line else [(minute,)])
    world.line.step()
    assert world.rows("SELECT started_at FROM alert") == [(minute,)]
    assert world.rows("SELECT created FROM webhook") == [(world.now if is_of_the_line else minute,)]


def test_a_step_that_changes_nothing_is_not_recorded(world):
    world.at("06:00", **COOL)
    before = steps(world)
    for _ in range(10):
        world.now += SECOND
        world.line.step()

    assert len(steps(world)) == len(before)


def test_what_became_of_webhooks_is_made_again(world, tmp_path):
    world.at("06:00", **HOT)
    world.at("06:20", **COOL)
    world.at("06:40", **HOT)
    with closing(WebhookOutbox(world.folder / "state.db", world._log)) as outbox:
        first, second, third = (row[0] for row in world.rows("SELECT id FROM webhook ORDER BY id"))
        outbox.mark_failed(first, world.now, Delivery(first, "day", "a", world.now, 500, "HTTP 500", 3))
        outbox.mark_delivered(first, Delivery(first, "day", "a", world.now, 204, "", 3))
        gone = b"\0" * 32
        outbox.mark_failed(
            second, 0, Delivery(second, "day", "b", world.now, 410, "HTTP 410", 3), dead=True, gone=gone
        )
        outbox.note(Delivery(None, "day", "heartbeat_1", world.now, 204, "", 1))
        assert outbox.replay(world.now, dead_only=True) == 2  # what followed it too
        outbox.mark_failed(second, 0, Delivery(second, "day", "b", world.now, 500, "HTTP 500", 3), dead=True)
        assert outbox.once(keyed_id("lan", "k", "x"), world.now, DropEvents()).count == 1
        while outbox.prune_deliveries(world.now, most=1):
            pass
        outbox.prune(world.now + 100 * 86_400 * SECOND)
    kept = tables(world, tmp_path / "kept")
    assert [kind for kind, _ in steps(world)].count(OUTBOX) >= 8

    lose_state(world)

    assert differences(kept, world.folder / "state.db") == {"meta": 2}
    assert third


def before_steps(world: World) -> None:
    """Let it be as if its state had been made before steps were recorded."""
    world._shut()
    with (
        closing(sqlite3.connect(world.folder / "journal.db")) as journal,
        closing(sqlite3.connect(world.folder / "state.db")) as state,
    ):
        journal.execute("DROP TABLE step")
        state.execute("DELETE FROM meta WHERE key IN ('step', 'quiet')")
        journal.commit()
        state.commit()
    world._open()


def test_a_state_of_before_steps_were_recorded_goes_on_and_its_messages_are_taken_as_they_come(
    world, tmp_path
):
    world.at("06:00", **HOT)
    world.at("06:20", **COOL)
    told, totals = world.told(), world.rows("SELECT * FROM reading")
    before_steps(world)
    world.at("06:40", **HOT)
    assert len(world.told()) == len(told) + 1
    world.is_rebuilt = False  # when its first alerts were told nobody recorded

    with closing(
        Rebuild(world.folder / "journal.db", tmp_path / "again.db", world.known, world.links)
    ) as made:
        made.run()
        assert made.state.connection.execute("SELECT * FROM reading").fetchall()[: len(totals)] == totals
        assert made.state.connection.execute("SELECT count(*) FROM webhook").fetchone() == (1,)


def test_where_steps_cannot_be_done_again_people_are_told_of_what_lasts_alone(world):
    world.at("06:00", **HOT)
    world.at("06:20", **COOL)
    world.at("06:40", **HOT)
    told = world.told()
    world._shut()
    for file in world.folder.glob("state.db*"):
        file.unlink()
    write(world.config, LIMITS.replace("above: 100", "above: 101") + DESK)
    Clockwork.__init__(world, world.folder, world.config, world.now + MINUTE)
    assert world.rows("SELECT count(*) FROM reading") == [(0,)]
    world.restart()  # which forgets nothing of that

    while world.line.step():
        pass

    assert world.rows("SELECT count(*) FROM alert WHERE rule = 'hot'") == [(2,)]
    assert [line.split(" ", 1)[1] for line in world.told()] == [told[-1].split(" ", 1)[1]]
    world.at("07:00", **COOL)
    assert len(world.told()) == 2


def test_a_rebuild_says_which_configuration_it_lacks(world, tmp_path):
    world.at("06:00", **HOT)
    others = {"another": next(iter(world.known.values()))}

    with pytest.raises(StepFailed, match=f"the hash {world.plant.hash}: give its directory too, with --past"):
        Rebuild(world.folder / "journal.db", tmp_path / "again.db", others, Links())


def test_a_rebuild_takes_each_step_under_its_own_configuration(world, tmp_path):
    world.at("06:00", **HOT)
    world.configure(LIMITS.replace("above: 400", "above: 600") + DESK)
    world.at("06:20", t0=550.0)
    assert [kind for kind, _ in steps(world)].count(START) == 2
    kept = tables(world, tmp_path / "kept")

    with closing(
        Rebuild(world.folder / "journal.db", tmp_path / "again.db", world.known, world.links)
    ) as made:
        made.run()

    assert differences(kept, tmp_path / "again.db") == {}


def test_a_step_that_cannot_be_recorded_is_not_committed_and_is_taken_later(world, monkeypatch):
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    world.at("06:00", **COOL)
    before = world.state.cursor
    with monkeypatch.context() as patched:
        patched.setattr(world._log, "write", full)
        with pytest.raises(sqlite3.OperationalError):
            world.at("06:01", **HOT)
        assert world.state.cursor == before
        assert world.rows("SELECT count(*) FROM alert") == [(0,)]

    world.line.step()
    assert world.rows("SELECT count(*) FROM alert") == [(1,)]


def test_a_step_that_nobody_can_read_ends_doing_again_and_the_service_goes_on(world):
    world.at("06:00", **HOT)
    world.at("06:20", **COOL)
    told = len(world.told())
    last = len(steps(world))
    with closing(sqlite3.connect(world.folder / "journal.db")) as journal:
        journal.execute("UPDATE step SET kind = 'nonsense' WHERE number = ?", (last - 3,))
        journal.commit()

    lose_state(world)
    while world.line.step():
        pass

    assert len(world.told()) <= told
    world.at("06:40", **HOT)
    assert "hot firing" in world.told()[-1]
    world.is_rebuilt = False  # the steps before the start that followed from none are not done again


@pytest.mark.parametrize("by", [-400 * 86_400 * SECOND, 400 * 86_400 * SECOND], ids=["back", "ahead"])
def test_a_clock_that_was_set_changes_nothing_of_what_is_made_again(world, by):
    world.at("06:00", **HOT)
    world.now += by
    for _ in range(3):
        world.now += 30 * SECOND
        world.line.step()
    world.now -= by
    world.at("06:20", **COOL)
    world.check_rebuild()


def test_news_that_nobody_can_read_costs_alerts_and_no_tonne(world):
    world.at("06:00", **COOL)
    world.state.connection.execute("INSERT INTO news (content) VALUES (x'c1')")
    world.is_rebuilt = False  # no step says what somebody wrote
    world.restart()
    world.at("06:01", **COOL)
    for _ in range(4):
        world.now += SECOND
        world.line.step()

    assert world.rows("SELECT count(*) FROM reading") == [(2,)]
    assert world.rows("SELECT count(*) FROM news") == [(0,)]
    world.at("06:10", **HOT)
    assert "hot firing" in world.told()[-1]

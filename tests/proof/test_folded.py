"""A state whose old readings are blocks: whatever is told, proven, restated and made again is that of one that never folded."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from proof.rebuild import differences
from proof.restate import restate
from proof.restate.request import Request
from proof.verify.findings import Report
from proof.verify.verify import verify
from rules.catalogue import load_catalogue
from store.audit import snapshot
from store.influx.again import Again
from store.messages.set_aside import rows_aside
from tests.semantics.world import CONFIGURATION, DAY, HOUR, MINUTE, NOON, World, reading, rfc3339
from tests.store.reading_oracle import fold_all

DAYS = 5


def day_of(world: World, day: int, after: Callable[[World], Any]) -> None:
    """Let a day pass: registers, power, an event, and what comes late for days of before."""
    seq = day * 30
    for hour in range(0, 24, 3):
        at, world.now = NOON + day * DAY + hour * HOUR, NOON + day * DAY + hour * HOUR + HOUR
        seq += 1
        world.send(
            *[
                reading("reg", at + m * MINUTE, 100.0 + 240 * day + 10 * hour + m / 6)
                for m in range(0, 60, 12)
            ],
            *[reading("power", at + m * MINUTE, 60 + hour + m / 7, "kW") for m in range(0, 40, 5)],
            reading("free", at, 7.25 * (day * 24 + hour)),
            boot="b1",
            seq=seq,
        )
        world.send(reading("diesel", at + 5 * MINUTE, 12.5, "L"))
        if day >= 2 and hour == 12:
            old = NOON + (day - 2) * DAY
            world.send(
                reading("power", old + 2 * MINUTE, 75_000, "W", quality="uncertain"),
                reading("power", old + 5 * MINUTE, 999.0, "kW", correction=1),
                reading("diesel", old + 5 * MINUTE, 11.5, "L"),
                reading("reg", old + 12 * MINUTE, 4000.0),
                reading("reg", old + 6 * MINUTE, 101.0 + 240 * (day - 2)),
            )
        after(world)


def fold(world: World) -> int:
    """Fold what a service would have by now, and as much again."""
    return fold_all(world.state.connection, world.now)


def told(world: World, folder: Path) -> Iterator[Any]:
    """Yield all that somebody can ask for."""
    span = {"from_": rfc3339(NOON - HOUR), "to": rfc3339(NOON + DAYS * DAY)}
    for source in ("reg", "power", "free", "diesel"):
        yield world.total(source, **span)
        yield world.total(source, from_=rfc3339(NOON + DAY), to=rfc3339(NOON + DAY + HOUR))
    for channel in ("reg", "power", "diesel"):
        yield world.get("/v1/series", kind="reading", channel=channel, every="1h", **span)
        yield world.activity(channel, NOON, NOON + 2 * HOUR)
    yield world.get("/v1/channels")
    yield world.get("/v1/quality", **span)
    for hour in (0, 30, 60, 110):
        place = {"park": "park-a", "facility": "works", "source": "power"}
        yield world.get("/v1/explain", **place, at=rfc3339(NOON + hour * HOUR + 6 * MINUTE))
    with snapshot(folder / "state.db") as connection:
        again = Again(connection)
        yield again.span()
        yield again.count(NOON + HOUR, NOON + 2 * DAY)
    yield world.rows("SELECT count, readings FROM influx_reading")


@pytest.fixture
def folded(tmp_path: Path) -> Iterator[World]:
    yield from a_world(tmp_path / "folded", fold)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[World]:
    yield from a_world(tmp_path / "plain", lambda _world: None)


def a_world(folder: Path, after: Callable[[World], Any]) -> Iterator[World]:
    folder.mkdir()
    world = World(folder, now=NOON)
    for day in range(DAYS):
        day_of(world, day, after)
    yield world
    world._shut()


def blocks(world: World) -> int:
    return int(world.rows("SELECT count(*) FROM reading_block")[0][0])


def test_everything_is_told_as_if_nothing_had_been_folded(folded: World, plain: World) -> None:
    assert (blocks(folded), blocks(plain)) == (4 * 4, 0)
    assert list(told(folded, folded.folder)) == list(told(plain, plain.folder))
    assert differences(folded.folder / "state.db", plain.folder / "state.db") == {}


def test_it_proves_clean_and_the_journal_makes_it_again(folded: World) -> None:
    report = verify(folded.plant, folded.catalogue, folded.folder)
    assert report.proven, report.findings
    assert report.checked["readings"] == folded.rows(
        "SELECT (SELECT sum(count) FROM reading_block) + (SELECT count(*) FROM reading) + (SELECT count(*) FROM reading_lost)"
    )[0][0]  # fmt: skip
    folded.check_rebuild()


def test_a_start_on_a_folded_state_goes_on_as_on_another(folded: World, plain: World) -> None:
    for world in (folded, plain):
        world.restart()
        world.now += DAY
        world.send(reading("reg", NOON + 13 * MINUTE, 102.0), reading("power", NOON + 3 * MINUTE, 61, "kW"))
    fold(folded)

    assert list(told(folded, folded.folder)) == list(told(plain, plain.folder))


def test_a_restatement_of_a_folded_state_is_that_of_another(
    folded: World, plain: World, tmp_path: Path
) -> None:
    config = Path(shutil.copytree(CONFIGURATION, tmp_path / "config"))
    path = config / "plant.yaml"
    path.write_text(path.read_text().replace("factor: vn-grid}", "factor: contract}"))
    plant = load(config, load_catalogue(config), AnySecret())

    reports = [
        restate.dry_run(Request(config, one.folder, "2026-03", "2026-03"), plant, lambda *_: None).as_json()
        for one in (folded, plain)
    ]

    assert reports[0] == reports[1]
    assert reports[0]["windows"] > 1000


def changed(world: World, statement: str, *values: Any) -> Report:
    """Change a copy of a state, and prove that."""
    copy = world.folder.parent / "changed"
    copy.mkdir()
    for file in ("state.db", "journal.db"):
        with (
            closing(sqlite3.connect(world.folder / file)) as original,
            closing(sqlite3.connect(copy / file)) as other,
        ):
            original.backup(other)
    with closing(sqlite3.connect(copy / "state.db", isolation_level=None)) as state:
        assert state.execute(statement, values).rowcount == 1
    return verify(world.plant, world.catalogue, copy)


POWER = "SELECT id FROM channel WHERE name = 'power'"
FIRST_DAY = f"channel = ({POWER}) AND start = (SELECT min(start) FROM reading_block)"


def test_a_block_that_cannot_be_read_is_named_and_so_is_what_is_missing(folded: World) -> None:
    report = changed(folded, f"UPDATE reading_block SET block = substr(block, 2) WHERE {FIRST_DAY}")

    rows = [one.row for one in report.findings]
    assert rows.count("reading_block park-a/works/power 2026-03-10T00:00:00Z") == 1
    assert "reading park-a/works/power 2026-03-10T05:05:00Z" in rows
    assert not [row for row in rows if row.startswith("reading ") and "power" not in row]


def test_a_block_that_is_gone_is_missed(folded: World) -> None:
    report = changed(folded, f"DELETE FROM reading_block WHERE {FIRST_DAY}")

    assert "reading park-a/works/power 2026-03-10T05:05:00Z" in [one.row for one in report.findings]


def test_the_line_sets_a_damaged_block_aside_and_goes_on(folded: World) -> None:
    connection = folded.state.connection
    connection.execute(f"UPDATE reading_block SET block = zeroblob(40) WHERE {FIRST_DAY}")

    folded.send(reading("power", NOON + 7 * MINUTE, 62, "kW"))

    [aside] = rows_aside(connection)
    assert str(aside).startswith("reading_block channel ")
    assert "reading_block" in [table for table, _ in folded.aside()]
    assert folded.stored("power")

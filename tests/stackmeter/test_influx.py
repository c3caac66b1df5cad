"""influx rebuild: a day of the trial plant in InfluxDB, lost, and written again from the state, point by point the same."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alerts.engine.watch import RuleWatch
from ingest.line.evaluate import Evaluator
from ingest.line.line import Line
from plant.park import Plant
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN
from rules.catalogue import load_catalogue
from rules.engine import Engine
from stackmeter.cli import app
from store.access_log import AccessLog
from store.folder import Folder
from store.influx.again import Again
from store.influx.lines import PointNames
from store.influx.sender import InfluxSender
from store.influx.sink import InfluxSink
from store.messages.journal import Journal, JournalReader, Message
from store.sqlite import open_writer
from store.state import State
from tests.faults.bench import Bench, configured, trial_plant
from tests.faults.truth import START, rfc3339, trial
from tests.servers import InfluxDB, free_port

A_DAY = 13_000  # messages of the trial plant
MEASUREMENTS = ("reading", "emission", "alert")
Points = dict[tuple[str, int], dict[str, Any]]  # (series, time) → the fields of a point


@dataclass(frozen=True)
class Day:
    """A state of a day that no service runs on, and the InfluxDB that was told all of it."""

    influx: InfluxDB
    config: Path
    state: Path
    points: Points  # all that InfluxDB had

    def rebuild(self, *options: object, ends: int = 0) -> Result:
        return rebuild(self.config, self.state, *options, ends=ends)

    def waiting(self) -> int:
        """Return how many rows the outboxes hold."""
        tables = ("influx_reading", "influx_emission", "influx_alert")
        with closing(open_writer(self.state / "state.db")) as connection:
            return sum(connection.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in tables)


def rebuild(config: Path, state: Path, *options: object, ends: int = 0) -> Result:
    command = ["influx", "rebuild", "--config", config, "--state", state, *options]
    done = CliRunner().invoke(app, [str(word) for word in command], env={"COLUMNS": "250"})
    assert done.exit_code == ends, done.output
    return done


def points_of(influx: InfluxDB) -> Points:
    found: Points = {}
    for measurement in MEASUREMENTS:
        for series in influx.query(f"SELECT * FROM {measurement} GROUP BY *"):
            key = json.dumps([measurement, series["tags"]], sort_keys=True)
            columns: Any = series["columns"]
            rows: Any = series["values"]
            found |= {(key, at): dict(zip(columns[1:], values, strict=True)) for at, *values in rows}
    return found


def counted(points: Points) -> dict[str, int]:
    """Return how many points there are, named as the command names them."""
    names = zip(("readings", "windows", "alerts"), MEASUREMENTS, strict=True)
    return {name: sum(key.startswith(f'["{one}"') for key, _ in points) for name, one in names}


def lose(influx: InfluxDB) -> None:
    """Drop the database, and make an empty one."""
    influx.query(f"DROP DATABASE {influx.bucket}")
    influx.query(f"CREATE DATABASE {influx.bucket}")
    assert points_of(influx) == {}


def lived(folder: Path, config: Path, plant: Plant) -> None:
    """Let the line take a day of messages."""
    folder.mkdir()
    engine = Engine(plant, load_catalogue(config))
    with (
        closing(Journal(folder / "journal.db")) as journal,
        closing(JournalReader(folder / "journal.db")) as reader,
        closing(State(folder / "state.db", plant)) as state,
    ):
        line = Line(
            plant, state, reader, Evaluator(plant, engine, state), RuleWatch(plant, state, time.time_ns, ""),
            clock=time.time_ns, crash=lambda _point: None, project=True,
        )  # fmt: skip
        sent = trial(A_DAY, seed=78).messages
        journal.append([Message(time.time_ns(), one.topic.encode(), one.payload, 0) for one in sent])
        while line.step():
            pass


def told(database: Path, influx: InfluxDB, plant: Plant) -> None:
    """Tell InfluxDB all that waits, as the service does."""
    with closing(open_writer(database)) as connection:
        tables = (
            connection.execute(f"SELECT id, park, facility, name FROM {table}").fetchall()
            for table in ("channel", "source")
        )
        names = PointNames(plant, *tables)
    with (
        closing(InfluxSink(influx.url, "", influx.org, influx.bucket)) as sink,
        closing(InfluxSender(database, sink, names, time.time_ns)) as sender,
    ):
        while sender.step():
            pass


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("rebuild")
    config, state = configured(folder / "config"), folder / "state"
    plant = trial_plant(config)
    lived(state, config, plant)
    with InfluxDB() as influx:
        told(state / "state.db", influx, plant)
        yield Day(influx, config, state, points_of(influx))


def test_a_database_that_was_dropped_is_written_again_point_by_point(day: Day) -> None:
    """Done once more, it writes over what is there, and nothing is there twice."""
    lose(day.influx)

    done = json.loads(day.rebuild("--influx", day.influx.url, "--json").stdout)

    assert points_of(day.influx) == day.points
    counts = counted(day.points)
    assert {name: done[name] for name in counts} == counts
    assert (done["refused"], day.waiting()) == (0, 0)
    assert min(counts.values()) > 20
    assert max(at for _, at in day.points) - START > 24 * NS_PER_HOUR

    day.rebuild("--influx", day.influx.url)

    assert points_of(day.influx) == day.points


def test_only_the_stretch_that_is_asked_for_is_written(day: Day) -> None:
    """Its ends lie amid hours, and amid windows: a window belongs to where it starts."""
    first, last = START + 90 * NS_PER_MIN + 1, START + 5 * NS_PER_HOUR + 30 * 10**9
    lose(day.influx)

    done = day.rebuild(
        "--from", "2026-01-05T01:30:00.000000001Z", "--to", "2026-01-05T12:00:30+07:00", "--influx", day.influx.url, "--json"
    )  # fmt: skip

    expected = {key: fields for key, fields in day.points.items() if first <= key[1] < last}
    assert points_of(day.influx) == expected
    assert {name: json.loads(done.stdout)[name] for name in counted(expected)} == counted(expected)


def test_a_dry_run_counts_the_same_and_writes_nothing(day: Day) -> None:
    lose(day.influx)

    whole = json.loads(day.rebuild("--dry-run", "--json").stdout)
    day.rebuild("--dry-run", "--from", rfc3339(START + NS_PER_HOUR))

    assert {name: whole[name] for name in counted(day.points)} == counted(day.points)
    # The first amount of 15 minutes ends where the day begins.
    assert (whole["from"], whole["dry_run"]) == ("2026-01-04T23:00:00Z", True)
    assert (points_of(day.influx), day.waiting()) == ({}, 0)


def test_where_influxdb_does_not_take_points_it_says_from_where_to_go_on(day: Day) -> None:
    """What is queued stays queued: the next run, or the service, sends it."""
    lose(day.influx)
    asked = ("--from", "2026-01-05T03:00:00Z", "--to", "2026-01-05T05:00:00Z")

    failed = day.rebuild(*asked, "--influx", f"http://127.0.0.1:{free_port()}", ends=3)
    assert "does not take points" in failed.stderr
    assert "go on with --from 2026-01-05T03:00:00Z" in failed.stderr
    assert day.waiting() > 0

    day.rebuild(*asked, "--influx", day.influx.url)
    assert day.waiting() == 0
    assert {at // NS_PER_HOUR for _, at in points_of(day.influx)} == {
        START // NS_PER_HOUR + hour for hour in (3, 4)
    }


def test_it_is_recorded_by_whom_and_for_when(day: Day) -> None:
    day.rebuild("--from", "2026-01-05T03:00:00Z", "--to", "2026-01-05T04:00:00Z", "--influx", day.influx.url)

    row = AccessLog(day.state / "keys.sqlite").rows(what="influx.rebuilt", most=1)[0].entry
    assert (row.about, row.origin) == ("2026-01-05T03:00:00Z to 2026-01-05T04:00:00Z", "command line")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "must know where InfluxDB is"),
        (("--influx", "ftp://a"), "expected http://"),
        (("--from", "2026-01-05T03:00:00"), "zone"),
        (("--state", "nowhere"), "holds no state.db"),
    ],
)
def test_what_cannot_be_is_said_with_exit_2(day: Day, options: tuple[str, ...], why: str) -> None:
    assert why in day.rebuild(*options, ends=2).stderr


def test_a_service_that_sends_to_no_influxdb_is_told_of_at_once(day: Day) -> None:
    with closing(State(day.state / "state.db", trial_plant(day.config))) as state:
        state.note_projection(to_influx=False)
    with closing(Folder(day.state)):
        refused = day.rebuild("--influx", day.influx.url, ends=2)

    assert "sends to no InfluxDB: give it influx_url and restart it" in refused.stderr


def test_a_state_of_another_version_is_left_alone(day: Day, tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes((day.state / "state.db").read_bytes())
    with closing(open_writer(tmp_path / "state.db")) as connection:
        connection.execute("PRAGMA user_version = 1")

    assert "has schema 1" in rebuild(day.config, tmp_path, "--influx", day.influx.url, ends=65).stderr


def test_a_page_is_whole_channels_and_waits_until_it_is_sent(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.influx.again.READINGS_AT_ONCE", 100)
    monkeypatch.setattr("store.influx.again.ALERTS_AT_ONCE", 3)
    with closing(open_writer(day.state / "state.db")) as connection:
        again = Again(connection)
        start, end = START, START + NS_PER_HOUR
        pages = [*again.queue_alerts(start, end), *again.queue(start, end)]

        assert sum(page.readings > 0 for page in pages) > 2
        assert sum(page.alerts > 0 for page in pages) > 2
        assert sum(pages, start=again.count(end, end)) == again.count(start, end)
        assert again.waits()
        told(day.state / "state.db", day.influx, trial_plant(day.config))
        assert not again.waits()


def test_a_running_service_sends_it_among_what_is_new(tmp_path: Path) -> None:
    """The database is dropped under the service; what comes while it is written again is there too."""
    truth = trial(400, seed=79)
    with Bench(tmp_path, influx=True) as bench:
        assert bench.influx is not None
        bench.service.start()
        bench.field.send(truth.messages[:300])
        bench.service.drain(300)
        lose(bench.influx)

        done = rebuild(bench.config, bench.service.state, "--json")
        bench.field.send(truth.messages[300:])
        bench.service.drain(400)
        whole = rebuild(bench.config, bench.service.state, "--dry-run", "--json")

        assert json.loads(done.stdout)["refused"] is None
        found = counted(points_of(bench.influx))
        assert {name: json.loads(whole.stdout)[name] for name in found} == found
        assert min(found.values()) > 0

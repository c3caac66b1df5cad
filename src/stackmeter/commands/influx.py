"""The command influx rebuild: has InfluxDB told again what it held, from the state, while the service runs or without it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_INTERRUPTED,
    EXIT_UNREACHABLE,
    AsJson,
    ConfigDir,
    StateDir,
    failures,
    or_exit,
    stop_on_signal,
)

if TYPE_CHECKING:
    import sqlite3

    from stackmeter.settings import Settings
    from store.influx.again import Again, Points

LOOK_S = 0.05  # between two looks at what the service has yet to send

influx = typer.Typer(no_args_is_help=True, help="InfluxDB: write again what it has lost.")


class NotRebuilt(Exception):
    """It cannot be done; the text says why, and what to do."""


class NotSent(Exception):
    """InfluxDB does not take points."""


class Stopped(Exception):
    """It was told to stop."""


Send = Callable[["Again"], None]
"""Returns once what was queued last is in InfluxDB."""


@influx.callback()
def group() -> None:
    """Make this a group, though it has one command."""


@influx.command()
def rebuild(
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="From when, with zone, such as 2026-10-01T00:00:00+07:00.",
            show_default="the beginning",
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Up to when, with zone.", show_default="the end")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the points, and write nothing.")] = False,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings", exists=True, dir_okay=False, help="TOML file with settings of the service."
        ),
    ] = None,
    config: ConfigDir = None,
    state: StateDir = None,
    influx_url: Annotated[
        str | None,
        typer.Option("--influx", help="InfluxDB, where no service runs.", show_default="as the settings say"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write again to InfluxDB what it has lost: the readings, windows and alerts of a stretch of time, as the state holds them.

    Every point has the tags and the time it had, so what InfluxDB still has is written over and nothing is there twice;
    tags are those of today's configuration. Where a service runs on the state directory, it sends the points among the
    new ones, a bounded number at a time; where none does, this command sends them, and none can be started meanwhile.
    The empty database (or bucket) must be there. An interrupted run is continued with --from.

    Example: stackmeter influx rebuild --from 2026-10-01T00:00:00+07:00 --settings /etc/stackmeter/settings.toml

    Exit codes: 0 written, 2 wrong settings or times or no state there, 3 InfluxDB does not take points,
    65 the state is of another version, 130 stopped.
    """
    import sqlite3

    from api.times import parse_time
    from stackmeter import settings as given
    from store.recording import NotRecorded

    def times() -> tuple[int | None, int | None]:
        return tuple(None if text is None else parse_time(text) for text in (start, end))  # type: ignore[return-value]  # two of them

    wanted = or_exit(times, {ValueError: EXIT_CONFIG})
    flags: dict[str, object] = {"config": config, "state": state, "influx_url": influx_url}
    settings = or_exit(lambda: given.load(settings_file, flags))
    exits: dict[type[Exception], int] = {
        sqlite3.Error: EXIT_CONFIG, NotRebuilt: EXIT_CONFIG, NotRecorded: EXIT_CONFIG, NotSent: EXIT_UNREACHABLE, Stopped: EXIT_INTERRUPTED, **failures(),
    }  # fmt: skip
    found = or_exit(lambda: _counted(settings, wanted) if dry_run else _written(settings, wanted), exits)
    span, points, refused = found
    if as_json:
        typer.echo(json.dumps({**span, **asdict(points), "refused": refused, "dry_run": dry_run}))
        return
    counts = f"{points.readings:,} readings, {points.windows:,} windows, {points.alerts:,} alerts"
    typer.echo(f"{counts} {'would be written; nothing was' if dry_run else 'are in InfluxDB again'}")
    if refused:
        typer.echo(f"InfluxDB refused {refused:,} points for good; the log above says why", err=True)


Told = tuple[dict[str, str | None], "Points", int | None]
Wanted = tuple[int | None, int | None]


def _counted(settings: "Settings", wanted: Wanted) -> Told:
    from store.audit import snapshot
    from store.influx.again import Again, Points

    _check_there(settings)
    with snapshot(settings.state / "state.db") as connection:
        again = Again(connection)
        span = _span(again, wanted)
        return _told(span), again.count(*span) if span else Points(), None


def _written(settings: "Settings", wanted: Wanted) -> Told:
    """Queue hour by hour, and let each page be sent before the next is queued, so that no outbox grows."""
    import time

    from plant.clock import format_time
    from stackmeter.views import view
    from store.influx.again import Again, Points
    from store.recording import record
    from store.sqlite import open_state

    _check_there(settings)
    with (
        stop_on_signal() as stop,
        closing(open_state(settings.state / "state.db")) as connection,
        _sender(settings, connection, stop) as (send, refused),
        view.hours_progress() as progress,
    ):
        again, done = Again(connection), Points()
        span = _span(again, wanted)
        if span is None:
            return _told(None), done, refused()
        told, hours, reached = _told(span), _hours(*span), span[0]
        record(settings.state, time.time_ns(), "influx.rebuilt", f"{told['from']} to {told['to']}")
        try:
            for points in again.queue_alerts(*span):
                send(again)
                done += points
            for number, (reached, until) in enumerate(hours):
                progress(number, len(hours))
                for points in again.queue(reached, until):
                    send(again)
                    done += points
        except (Stopped, NotSent) as error:
            raise type(error)(f"{error}; go on with --from {format_time(reached)}") from error
        return told, done, refused()


def _check_there(settings: "Settings") -> None:
    if not (settings.state / "state.db").is_file():
        raise NotRebuilt(f"{settings.state} holds no state.db: say where the state is with --state DIR")


def _span(again: "Again", wanted: Wanted) -> tuple[int, int] | None:
    """Return the stretch that is asked for, as far as there is anything; None where there is nothing."""
    found = again.span()
    if found is None:
        return None
    start, end = (max(found[0], wanted[0] or found[0]), min(found[1], wanted[1] or found[1]))
    return (start, end) if start < end else None


def _hours(start: int, end: int) -> list[tuple[int, int]]:
    """Return [start, end) [ns UTC] cut at the hours of UTC."""
    from itertools import pairwise

    from plant.vocabulary import NS_PER_HOUR

    first = (start // NS_PER_HOUR + 1) * NS_PER_HOUR
    return list(pairwise([start, *range(first, end, NS_PER_HOUR), end]))


def _told(span: tuple[int, int] | None) -> dict[str, str | None]:
    from plant.clock import format_time

    first, last = map(format_time, span) if span else (None, None)
    return {"from": first, "to": last}


# --- who sends


@contextmanager
def _sender(
    settings: "Settings", connection: "sqlite3.Connection", stop: threading.Event
) -> "Iterator[tuple[Send, Callable[[], int | None]]]":
    """Give what sends, and what tells how many points were refused (None: the service's log tells)."""
    from store.folder import Folder, FolderInUse

    _check_version(connection)
    try:
        folder = Folder(settings.state)
    except FolderInUse:
        if not _service_sends(connection):
            raise NotRebuilt(
                f"the service that runs on {settings.state} sends to no InfluxDB: give it influx_url and restart it, or stop it"
            ) from None
        yield (lambda again: _wait_for_service(again, stop)), (lambda: None)
        return
    with closing(folder), _own_sender(settings, connection, stop) as sends:
        yield sends


def _check_version(connection: "sqlite3.Connection") -> None:
    from store.sqlite import StateMismatch
    from store.upgrade import SCHEMA_VERSION, of_another_schema

    [(version,)] = connection.execute("PRAGMA user_version")
    if version != SCHEMA_VERSION:
        raise StateMismatch(f"the state {of_another_schema(version)}")


def _service_sends(connection: "sqlite3.Connection") -> bool:
    row = connection.execute("SELECT value FROM meta WHERE key = 'to_influx'").fetchone()
    return bool(row and row[0])


def _wait_for_service(again: "Again", stop: threading.Event) -> None:
    while again.waits():
        if stop.wait(LOOK_S):
            raise Stopped("stopped; the service sends what is queued")


@contextmanager
def _own_sender(
    settings: "Settings", connection: "sqlite3.Connection", stop: threading.Event
) -> "Iterator[tuple[Send, Callable[[], int | None]]]":
    import time

    from plant.configuration.environments import AnySecret
    from plant.configuration.load import load
    from rules.catalogue import load_catalogue
    from store.influx.lines import PointNames
    from store.influx.reader import InfluxReader, SourceRevisions
    from store.influx.sender import InfluxSender
    from store.influx.sink import InfluxSink, SinkError

    if settings.influx_url is None:
        raise NotRebuilt(
            "no service runs, so this command sends, and must know where InfluxDB is: --settings FILE, --influx URL or STACKMETER_INFLUX_URL"
        )
    plant = load(settings.config, load_catalogue(settings.config), AnySecret())
    columns = "SELECT id, park, facility, name FROM"
    names = PointNames(
        plant,
        connection.execute(f"{columns} channel").fetchall(),
        connection.execute(f"{columns} source").fetchall(),
    )
    token = settings.influx_token.get_secret_value()
    sink = InfluxSink(settings.influx_url, token, settings.influx_org, settings.influx_bucket)
    reader = InfluxReader(settings.influx_url, token, settings.influx_bucket)
    read_back = SourceRevisions(reader, names)
    sender = InfluxSender(settings.state / "state.db", sink, names, time.time_ns, read_back=read_back)

    def send(again: "Again") -> None:
        try:
            while again.waits() and not stop.is_set():
                sender.step()
        except SinkError as error:
            raise NotSent(f"{settings.influx_url} does not take points: {error}") from error
        if stop.is_set():
            raise Stopped("stopped")

    with closing(sink), closing(reader), closing(sender):
        yield send, lambda: sender.statistics.refused

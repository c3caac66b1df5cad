"""What the commands of the command line share: options, exit codes, and how mistakes are said. Everything is imported when it is needed."""

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

if TYPE_CHECKING:
    from datetime import tzinfo

    from rich.console import Console

    from plant.documents.problems import Problem
    from plant.languages import Language
    from plant.park import Plant
    from reports.words import Words
    from rules.catalogue import Register
    from stackmeter.client.calls import Client
    from stackmeter.settings import Settings
    from stackmeter.views.tables import Shown
    from store.archive.places import ArchivePlace


Made = TypeVar("Made")


EXIT_NOT_READY, EXIT_CONFIG, EXIT_UNREACHABLE, EXIT_INTERRUPTED = 1, 2, 3, 130


PLAIN_WIDTH = 120  # columns of a table that goes to a file or a pipe


def seconds(given: object) -> float:
    """Return the seconds of `90`, `90s`, `15min`, `2h` or `1d`; a default is a number already."""
    from plant.clock import parse_duration
    from plant.vocabulary import NS_PER_S

    text = str(given)
    return float(text) if text.replace(".", "", 1).isdecimal() else parse_duration(text) / NS_PER_S


def span(name: str, text: str, default: str | bool = False) -> Any:
    """Return an option that takes a duration."""
    return typer.Option(name, help=text, parser=seconds, metavar="<duration>", show_default=default)


ConfigDir = Annotated[
    Path | None, typer.Option("--config", help="Directory with the configuration.", show_default="config")
]


StateDir = Annotated[
    Path | None, typer.Option("--state", help="Directory for journal, state and token.", show_default="state")
]


BrokerUrl = Annotated[
    str | None,
    typer.Option("--broker", help="MQTT broker, mqtt://host:port.", show_default="mqtt://127.0.0.1:1883"),
]


Url = Annotated[
    str | None,
    typer.Option(
        help="Where the API is.", show_default="what the state directory says, http://127.0.0.1:8080"
    ),
]


Token = Annotated[
    str | None,
    typer.Option(help="API token; better given as STACKMETER_TOKEN.", show_default="the state directory's"),
]


InLanguage = Annotated[Literal["vi", "en"], typer.Option("--language", help="In which language it says it.")]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]


ArchiveAt = Annotated[
    str | None,
    typer.Option("--archive", help="Archive: a folder, or a URL.", show_default="the setting archive, none"),
]


def archive_of(settings: "Settings", given: str | None) -> "ArchivePlace | None":
    """Return the archive that the options or the settings name, None without one; or exit where it cannot be reached."""
    from stackmeter.archive.archiving import checked_place
    from store.archive.places import ArchiveAway

    where = settings.archive if given is None else given
    if not where:
        return None
    place = or_exit(lambda: checked_place(where))
    or_exit(place.check, {ArchiveAway: EXIT_UNREACHABLE})
    return place


def client_of(state: Path | None, url: str | None, token: str | None) -> "Client":
    """Return a client of the service that the options or the state directory name."""
    from stackmeter.client.calls import Client

    return Client(*service_of(state, url, token))


def service_of(state: Path | None, url: str | None, token: str | None) -> tuple[str, str]:
    """Return address and token of the service that the options or the state directory name."""
    from stackmeter import settings as given

    settings = or_exit(lambda: given.load(None, {"state": state, "token": token}))
    return or_exit(lambda: _where(settings, url), failures())


def answer_of(ask: Callable[[], Made]) -> Made:
    """Return what a service says, or exit with the reason why it does not."""
    from stackmeter.client.answers import NotTaken, QuestionRefused, TokenRefused, Unreachable, Unready

    exits = {
        Unreachable: EXIT_UNREACHABLE,
        TokenRefused: EXIT_CONFIG,
        Unready: EXIT_NOT_READY,
        NotTaken: EXIT_NOT_READY,
        QuestionRefused: EXIT_NOT_READY,
    }
    hints = {
        EXIT_UNREACHABLE: "Is it running? Say where with --state DIR or --url http://host:port.",
        EXIT_CONFIG: "Give it with --token or STACKMETER_TOKEN, or --state DIR of the service.",
    }
    return or_exit(ask, exits, hints)


def valid(kind: type[Made], **given: object) -> Made:
    """Return what a command asks the service for, without what was left out, or exit with what is wrong with it."""
    from pydantic import ValidationError

    from plant.documents.wording import in_words
    from plant.documents.yaml12 import key_path

    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = [f"{key_path(e['loc'])}: {in_words(e, kind, e['loc'])}" for e in error.errors()]
        typer.echo("\n".join(wrong), err=True)
        raise typer.Exit(EXIT_CONFIG) from None


def _where(settings: "Settings", url: str | None) -> tuple[str, str]:
    """Return address and token of the service: as given, else as its state directory has them."""
    from store.folder import stored_token, stored_url

    address = url or stored_url(settings.state) or f"http://{settings.host}:{settings.port}"
    token = settings.token.get_secret_value() if settings.token else stored_token(settings.state)
    return address, token or ""


def screen() -> "Console":
    """Return standard output for tables; a file or a pipe has no colours, and room enough unless COLUMNS says otherwise."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    width = None if os.environ.get("COLUMNS", "").isdecimal() else PLAIN_WIDTH
    return Console(highlight=False, force_terminal=False, width=width)


def table(
    heads: list[str], rows: list[list[str]], *, right: Iterable[str] = (), whole: Iterable[str] = ()
) -> "Shown":
    """Return a table that fits any terminal; see `stackmeter.views.tables`."""
    from stackmeter.views.tables import Shown

    return Shown(heads, rows, right=right, whole=whole)


def words_of(language: "Language") -> "Words":
    """Return what a command says in a language."""
    from reports.words import Words

    return Words(language)


def table_in(
    words: "Words",
    columns: list[str],
    rows: list[list[str]],
    *,
    right: Iterable[str] = (),
    whole: Iterable[str] = (),
) -> "Shown":
    """Return `table` with the heads of columns in a language: `head.` and the column's name is the key of its text."""
    heads = {name: words.text(f"head.{name}") for name in columns}
    named = ([heads[name] for name in names] for names in (right, whole))
    return table(list(heads.values()), rows, **dict(zip(("right", "whole"), named, strict=True)))


def plant_clock(plant: "Plant") -> "tzinfo":
    """Return the clock on which times of a plant are shown."""
    from stackmeter.views.local import shared_zone

    return shared_zone(str(park.zone) for park in plant.parks)


def failures() -> dict[type[Exception], int]:
    """Return what may keep a command from its work, and the exit code that says so; the first that fits counts."""
    from ingest.mqtt.address import BrokerAddress
    from notify.webhook import EndpointError
    from simulators import publisher
    from stackmeter import broker, service
    from stackmeter.standby.journal_of_shard import LogUnsafe
    from store.archive.places import ArchiveAway
    from store.faults import Damaged, DiskFailed, Held
    from store.folder import FolderInUse, FolderUnusable
    from store.messages.journal import JournalWaits
    from store.sqlite import NotDurable, StateMismatch

    return {
        FolderInUse: service.EXIT_IN_USE,
        FolderUnusable: EXIT_CONFIG,
        StateMismatch: service.EXIT_DATA,
        Damaged: service.EXIT_DATA,
        Held: service.EXIT_IN_USE,
        DiskFailed: service.EXIT_IO,
        NotDurable: service.EXIT_IO,
        publisher.BrokerError: EXIT_UNREACHABLE,
        broker.BrokerError: EXIT_UNREACHABLE,
        ArchiveAway: EXIT_UNREACHABLE,
        JournalWaits: EXIT_UNREACHABLE,
        LogUnsafe: EXIT_CONFIG,
        BrokerAddress: EXIT_CONFIG,
        EndpointError: EXIT_CONFIG,
        OSError: EXIT_CONFIG,
    }


def configured(
    config: Path | None, state: Path | None, *, as_json: bool = False
) -> tuple["Settings", "Plant", "Register"]:
    """Return settings, plant and catalogue for a command that reads a state, secrets unread; or exit."""
    from plant.configuration.environments import AnySecret
    from plant.configuration.load import load
    from rules.catalogue import load_catalogue
    from stackmeter import settings as given

    settings = or_exit(lambda: given.load(None, {"config": config, "state": state}))
    catalogue = or_exit(lambda: load_catalogue(settings.config), failures(), as_json=as_json)
    plant = or_exit(lambda: load(settings.config, catalogue, AnySecret()), failures(), as_json=as_json)
    return settings, plant, catalogue


def or_exit(
    make: Callable[[], Made],
    exits: Mapping[type[Exception], int] | None = None,
    hints: Mapping[int, str] | None = None,
    *,
    as_json: bool = False,
) -> Made:
    """Return what `make` makes; else say what is wrong with configuration, settings or `exits`, and exit so."""
    from plant.documents.problems import ConfigurationError

    exits = exits or {}
    try:
        return make()
    except ConfigurationError as error:
        if as_json:
            typer.echo(json.dumps({"problems": [_row(problem) for problem in error.problems]}))
        else:
            typer.echo("\n".join(map(str, error.problems)), err=True)
        code = EXIT_CONFIG
    except tuple(exits) as error:
        code = next(code for kind, code in exits.items() if isinstance(error, kind))
        typer.echo(_told(error), err=True)
        if hint := (hints or {}).get(code):
            typer.echo(hint, err=True)
    raise typer.Exit(code)


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror}"
    if isinstance(error, sqlite3.Error):
        return f"a file of the state directory cannot be used: {error}; `stackmeter doctor` tells which"
    return str(error) or "stopped"


def _row(problem: "Problem") -> dict[str, str | int]:
    return {"file": problem.file, "line": problem.line, "path": problem.path, "message": problem.message}


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Give what is set at SIGTERM or Ctrl-C."""
    stop = threading.Event()
    with on_signal(stop.set):
        yield stop


@contextmanager
def on_signal(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at SIGTERM or Ctrl-C, for an orderly end; a second one ends at once."""
    asked = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        if asked.is_set():
            os._exit(EXIT_INTERRUPTED)
        asked.set()
        act()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

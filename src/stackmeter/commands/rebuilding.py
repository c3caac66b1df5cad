"""The command rebuild: makes the state again from the journal."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_NOT_READY,
    ArchiveAt,
    AsJson,
    ConfigDir,
    StateDir,
    archive_of,
    configured,
    failures,
    or_exit,
)

if TYPE_CHECKING:
    from plant.park import Plant
    from proof.works import Configured, Links
    from rules.catalogue import Register
    from stackmeter.settings import Settings
    from store.archive.places import ArchivePlace
    from store.folder import Folder

EXIT_DATA = 65


def rebuild(
    config: ConfigDir = None,
    state: StateDir = None,
    past: Annotated[
        list[Path] | None,
        typer.Option(help="A configuration of before, where it was another one then; may be given again."),
    ] = None,
    archive: ArchiveAt = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the state, which is kept beside it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the state again from the journal, and compare it with the state that is there, table by table.

    The journal holds the messages, the steps in which they were taken, and what became of each webhook. The same steps at
    the same times give the same state: readings, windows, revisions, ledger, alerts and what people were told of them.
    Where no state is there, it is made; one that is there is not touched without --replace. The service must be stopped;
    a copy of `stackmeter backup` may be tried at any time. Where messages were pruned, the archive gives them. What InfluxDB has yet to be told is not compared.

    Example: stackmeter rebuild --config config --state state

    Exit codes: 0 made, and equal to the state that was there, 1 it differs, 2 wrong configuration, or no journal there,
    3 the archive cannot be reached, 65 journal or state is damaged, or a step cannot be done again, 75 the state directory is in use.
    """
    from stackmeter.views import view
    from store.archive.journal_files import ArchivedJournalDamaged
    from store.archive.whole_journal import ArchiveLacks
    from store.folder import Folder
    from store.messages.steps import StepFailed

    settings, plant, catalogue = configured(config, state, as_json=as_json)
    if not (settings.state / "journal.db").is_file():
        typer.echo(f"{settings.state} holds no journal.db: say where with --state DIR", err=True)
        raise typer.Exit(EXIT_CONFIG)
    known = _known(past or [], plant, catalogue)
    place = archive_of(settings, archive)
    exits: dict[type[Exception], int] = {
        StepFailed: EXIT_DATA,
        ArchiveLacks: EXIT_DATA,
        ArchivedJournalDamaged: EXIT_DATA,
        **failures(),
    }
    folder = or_exit(lambda: Folder(settings.state), exits)
    try:
        with view.steps_progress() as progress:
            found = or_exit(
                lambda: _made(folder, known, _links(folder, settings), progress, replace, place), exits
            )
    finally:
        folder.close()
    if as_json:
        typer.echo(json.dumps({"steps": found[0], "differences": found[1]}))
    else:
        typer.echo("\n".join(_lines(*found, replace)))
    raise typer.Exit(EXIT_NOT_READY if found[1] and not replace else 0)


def _known(past: list[Path], plant: "Plant", catalogue: "Register") -> "dict[str, Configured]":
    """Return configurations by their hashes: today's, and those of before."""
    from proof.works import Configured

    before = [or_exit(partial(_loaded, directory), failures()) for directory in past]
    known: dict[str, Configured] = {}
    for one in (*before, Configured(plant, catalogue)):
        known[one.plant.hash] = one
    return known


def _loaded(directory: Path) -> "Configured":
    from plant.configuration.environments import AnySecret
    from plant.configuration.load import load
    from proof.works import Configured
    from rules.catalogue import load_catalogue

    catalogue = load_catalogue(directory)
    return Configured(load(directory, catalogue, AnySecret()), catalogue)


def _links(folder: "Folder", settings: "Settings") -> "Links":
    """Return what the service writes into what receivers are told."""
    from alerts.tables.links import link_key
    from proof.works import Links

    token = folder.token(settings.token.get_secret_value() if settings.token else None)
    return Links(settings.public_url, link_key(token))


def _made(
    folder: "Folder",
    known: "Mapping[str, Configured]",
    links: "Links",
    progress: Callable[[int, int], None],
    replace: bool,
    place: "ArchivePlace | None",
) -> tuple[int, dict[str, int] | None]:
    """Make the state beside the one that is there; return how many steps it took, and where it differs, None without one."""
    from proof.rebuild import Rebuild, differences, step_of
    from store.archive.whole_journal import put_all_back

    def put_back(journal: sqlite3.Connection) -> None:
        if place is not None:
            put_all_back(journal, place)

    made = folder.path / "state.db.again"
    _remove(made)
    there = folder.state if folder.state.exists() else None
    try:
        with closing(Rebuild(folder.journal, made, known, links, put_back)) as rebuild:
            first, end = rebuild.first, step_of(there) if there else rebuild.end
            rebuild.run(end, lambda step: progress(step - first, end - first))
    except BaseException:
        _remove(made)
        raise
    found = differences(there, made) if there else None
    if found is None or replace:
        _put_in_place(folder.state, made)
    else:
        _remove(made)
    return end - first, found


def _put_in_place(state: Path, made: Path) -> None:
    """Let the made state be the state; the one that was there is kept as state.db.before."""
    if state.exists():
        _remove(before := state.with_name("state.db.before"))
        for suffix in ("", "-wal", "-shm"):
            if (part := Path(f"{state}{suffix}")).exists():
                part.replace(f"{before}{suffix}")
    made.replace(state)


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _lines(steps: int, found: dict[str, int] | None, replaced: bool) -> list[str]:
    """Return what was done, for people."""
    made = f"{steps:,} steps done again"
    if found is None:
        return [f"{made}: state.db is made"]
    told = [f"{table}: {rows:,} rows differ" for table, rows in found.items()]
    end = "; the one that was there is state.db.before" if replaced else ""
    return [*told, f"{made}: {'another state' if found else 'the same state, every table'}{end}"]

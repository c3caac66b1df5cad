"""The command archive: which final months the archive has, which are due, and those written now."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    ArchiveAt,
    AsJson,
    ConfigDir,
    StateDir,
    archive_of,
    configured,
    failures,
    or_exit,
    screen,
    table,
)

if TYPE_CHECKING:
    from plant.park import Plant
    from stackmeter.settings import Settings
    from store.archive.months import ArchiveMonth
    from store.archive.places import ArchivePlace

EXIT_DATA = 65


def archive(
    config: ConfigDir = None,
    state: StateDir = None,
    place: ArchiveAt = None,
    now: Annotated[
        bool, typer.Option("--now", help="Write what is due; the service must be stopped.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell which final months are in the archive, which are due, and what the others wait for; with --now write what is due.

    A month is due when it is final, `max_late` has passed since its end, and nothing of it is in quarantine or is being replayed.
    Each file is read back and compared before the journal says that the month is archived. A running service with the setting
    `archive` does so by itself, every ten minutes, and then prunes its journal of what every park's months no longer need.

    Example: stackmeter archive --config config --state state --archive /mnt/archive

    Exit codes: 0 told, or all that was due is written, 2 wrong configuration or options, 3 the archive cannot be reached,
    65 a month cannot be read whole, or was read back otherwise, 75 the state directory is in use.
    """
    from stackmeter.archive.archiving import standing

    settings, plant, _ = configured(config, state, as_json=as_json)
    if not (settings.state / "state.db").exists():
        typer.echo(f"{settings.state} holds no state.db: say where with --state DIR", err=True)
        raise typer.Exit(EXIT_CONFIG)
    before = or_exit(lambda: standing(settings.state, plant), failures())
    where = archive_of(settings, place)
    if now and where is None:
        typer.echo("say where the archive is: --archive PLACE, or the setting archive", err=True)
        raise typer.Exit(EXIT_CONFIG)
    written = _write(settings, plant, where) if now and where is not None else []
    _say(standing(settings.state, plant) if written else before, written, as_json=as_json)


def _write(settings: "Settings", plant: "Plant", place: "ArchivePlace") -> list[str]:
    """Write what is due; return the names of the months."""
    import os

    from stackmeter.archive.archiving import archive_now
    from stackmeter.crash import crash_points
    from store.archive.journal_files import ArchivedJournalDamaged
    from store.archive.month_windows import WindowUnreadable
    from store.archive.parquet import NotTheSame
    from store.folder import Folder
    from store.readings.coding import BlockUnreadable

    unreadable = (ArchivedJournalDamaged, WindowUnreadable, NotTheSame, BlockUnreadable)
    exits: dict[type[Exception], int] = dict.fromkeys(unreadable, EXIT_DATA) | failures()
    crash = crash_points(os.environ)
    folder, written = or_exit(lambda: Folder(settings.state), failures()), list[str]()
    try:
        or_exit(lambda: archive_now(place, folder, plant, written.append, crash), exits)
    finally:
        folder.close()
    return written


def _say(months: "list[ArchiveMonth]", written: list[str], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"park": one.park, "month": one.month, "status": one.status, "detail": one.why} for one in months
        ]
        typer.echo(json.dumps({"months": rows, "written": written}))
        return
    for name in written:
        typer.echo(f"{name}: written and read back; the service notes it when it starts")
    if not months:
        typer.echo("no month is final yet: stackmeter decide closes one")
        return
    new = {*written}
    shown = [
        [one.park, one.month, "written" if f"{one.park} {one.month}" in new else one.status, one.why]
        for one in months
    ]
    screen().print(table(["park", "month", "status", "why"], shown))

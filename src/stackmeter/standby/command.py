"""The command log: makes the log of a shard again from the longest journal there is."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import EXIT_CONFIG, EXIT_NOT_READY, StateDir, failures, or_exit

if TYPE_CHECKING:
    from stackmeter.settings import Settings

log = typer.Typer(no_args_is_help=True, help="The log that the journal is in too: make it again.")


@log.command()
def restore(
    state: StateDir = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings", exists=True, dir_okay=False, help="TOML file with the service's settings."
        ),
    ] = None,
    delete_stream: Annotated[
        bool, typer.Option("--delete-stream", help="Delete the stream that is there, with all that it holds.")
    ] = False,
) -> None:
    """Let the next start put the whole journal of this state directory into a new log; the service must be stopped, and every standby.

    For a log that is gone or has lost something. Do it where the journal is longest: what only another one holds is in no log then.

    Example: stackmeter log restore --settings /etc/stackmeter/settings.toml --state /var/lib/stackmeter --delete-stream

    Exit codes: 0 done, 1 a stream is there and was not to be deleted, 2 wrong settings, 3 the log does not answer, 75 the state
    directory is in use.
    """
    from stackmeter import settings as given
    from stackmeter.standby.journal_of_shard import connected
    from store.folder import Folder

    settings = or_exit(lambda: given.load(settings_file, {"state": state}))
    if not settings.log or not (settings.state / "journal.db").exists():
        typer.echo(
            "say with the setting log where the log is, and with --state which journal it is made from",
            err=True,
        )
        raise typer.Exit(EXIT_CONFIG)
    with (
        closing(or_exit(lambda: Folder(settings.state), failures())) as folder,
        closing(or_exit(lambda: connected(settings), failures())) as found,
    ):
        messages = or_exit(found.size, failures())
        if messages is not None and not delete_stream:
            typer.echo(
                f"the stream {found.stream} is there, with {messages:,} messages of the log: see that this journal has all that it has,"
                " then give --delete-stream",
                err=True,
            )
            raise typer.Exit(EXIT_NOT_READY)
        or_exit(found.delete, failures())
        _forget(settings, folder.journal)


def _forget(settings: "Settings", journal: Path) -> None:
    from store.messages.journal import journal_end
    from store.replicated.log_position import forget_position
    from store.sqlite import open_writer

    with closing(open_writer(journal)) as connection:
        forget_position(connection)
        end = journal_end(connection)
    typer.echo(
        f"the next start puts {end - 1:,} messages and their steps into a new log of shard {settings.shard}"
    )

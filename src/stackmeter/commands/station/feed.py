"""Commands about feeds: status, try, resend."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_NOT_READY,
    AsJson,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    or_exit,
    screen,
    table,
)
from stackmeter.views.local import local

if TYPE_CHECKING:
    from datetime import tzinfo

    from api.field.feeds import FeedFilesBody, FeedsBody
    from plant.station.feed import Feed
    from stackmeter.views.tables import Shown

feed = typer.Typer(
    no_args_is_help=True,
    help="The station's files for an authority: how their delivery stands, a trial of the server, sending again.",
)


@feed.command()
def status(
    name: Annotated[
        str | None, typer.Argument(help="A feed, with its newest files.", show_default="all feeds")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many files.")] = 20,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show how each feed stands: what waits, for how long, and what the authority said last; of one feed its newest files too.

    Example: stackmeter feed status department

    Exit codes: 0 told, 1 no such feed, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        if name is None:
            found = answer_of(client.feeds)
            typer.echo(found.model_dump_json()) if as_json else screen().print(_feeds(found, client.zone))
            return
        kept = answer_of(lambda: client.feed_files(name, limit))
        typer.echo(kept.model_dump_json()) if as_json else screen().print(_files(kept, client.zone))


@feed.command("try")
def try_feed(
    name: Annotated[str, typer.Argument(help="A feed of the configuration.")],
    config: Annotated[
        Path, typer.Option("--config", exists=True, file_okay=False, help="Directory with the configuration.")
    ],
) -> None:
    """Go to a feed's server as the service would, write an empty file there, rename it and remove it; no service is needed.

    The trial's file is called stackmeter-try with what a file is called while it is written, so that no authority takes it.

    Example: stackmeter feed try department --config config

    Exit codes: 0 it would be delivered, 1 it would not, 2 wrong configuration or no such feed.
    """
    from contextlib import closing

    from notify.feeds.places import FileRefused, place_of, tried
    from plant.configuration.load import load
    from rules.catalogue import load_catalogue

    plant = or_exit(lambda: load(config, load_catalogue(config), os.environ))
    found = _named(plant.feeds, name)

    def visit() -> None:
        with closing(place_of(found.to)) as place:
            tried(place, found.temporary)

    or_exit(visit, {FileRefused: EXIT_NOT_READY})
    typer.echo(f"{found.to.shown} takes files")


@feed.command()
def resend(
    name: Annotated[str, typer.Argument(help="The feed.")],
    start: Annotated[str, typer.Option("--from", help="Slots that begin at this time or later, with zone.")],
    end: Annotated[str, typer.Option("--to", help="Slots that begin before this time, with zone.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit log.")],
    by: Annotated[str | None, typer.Option(help="Who decides, with a key of several people.")] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Send files of a feed again, as they were frozen; a late reading does not change them.

    Example: stackmeter feed resend department --from 2026-11-30T12:00:00+07:00 --to 2026-11-30T13:00:00+07:00
    --reason "letter 12" --by lan

    Exit codes: 0 told, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    wanted = {"from": start, "to": end, "reason": reason, **({"by": by} if by else {})}
    with client_of(state, url, token) as client:
        told = answer_of(lambda: client.resend_feed(name, wanted))
    typer.echo(told.model_dump_json() if as_json else f"{told.resent} will be sent again")


def _named(feeds: "tuple[Feed, ...]", name: str) -> "Feed":
    from plant.suggest import did_you_mean

    found = {one.name: one for one in feeds}
    if name not in found:
        typer.echo(f"there is no feed {name}{did_you_mean(name, found)}", err=True)
        raise typer.Exit(EXIT_CONFIG)
    return found[name]


def _feeds(found: "FeedsBody", zone: "tzinfo") -> "Shown":
    rows = [
        [
            one.feed,
            one.to,
            f"{one.behind_s:.0f} s",
            str(one.waiting),
            str(one.differs),
            local(one.last_slot, zone) if one.last_slot else "-",
            local(one.last_delivered, zone) if one.last_delivered else "-",
            one.last_error,
        ]
        for one in found.feeds
    ]
    heads = ["feed", "to", "behind", "waiting", "differ", "newest slot", "delivered", "last error"]
    return table(heads, rows, right={"behind", "waiting", "differ"})


def _files(found: "FeedFilesBody", zone: "tzinfo") -> "Shown":
    rows = [
        [one.name, one.state, local(one.at, zone) if one.at else "-", str(one.bytes), one.sha256[:12]]
        for one in found.files
    ]
    return table(["file", "", "at", "bytes", "SHA-256"], rows, right={"bytes"})

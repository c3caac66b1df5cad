"""Commands about devices that nobody has configured: inbox list, accept."""

import json
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
    from api.field.inbox import UnknownDeviceBody
    from stackmeter.field.accepting import Accepted

inbox = typer.Typer(
    no_args_is_help=True,
    help="Devices that nobody has configured: what they send, and a first mapping for them.",
)


@inbox.command("list")
def list_devices(
    state: StateDir = None, url: Url = None, token: Token = None, as_json: AsJson = False
) -> None:
    """Show devices whose messages no configuration takes, and what each number in them may be.

    What is marked with ? is a guess by the name alone: look at the device before you believe it.

    Example: stackmeter inbox list

    Exit codes: 0 told, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        devices, zone = answer_of(client.inbox), client.zone
    if as_json:
        typer.echo(json.dumps({"devices": [one.model_dump() for one in devices]}, ensure_ascii=False))
        return
    if not devices:
        typer.echo("the inbox is empty")
    for one in devices:
        typer.echo(
            f"{one.device}: {one.count} messages, {local(one.first_at, zone)} to {local(one.last_at, zone)},"
            f" time: {one.time} {one.time_at}".rstrip()
        )
        if one.values:
            screen().print(_values(one))


def _values(device: "UnknownDeviceBody") -> object:
    rows = [
        [v.path, f"{v.sample:.12g}", v.name, v.quantity or "?", str(v.kind), f"{v.unit}{'?' if v.unit_from in ('guess', '') else ''}"]
        for v in device.values
    ]  # fmt: skip
    return table(["where", "newest", "channel", "quantity", "kind", "unit"], rows, right={"newest"})


@inbox.command()
def accept(
    device: Annotated[str, typer.Argument(help="The device, as `inbox list` shows it.")],
    config: Annotated[
        Path, typer.Option("--config", exists=True, file_okay=False, help="Directory with the configuration.")
    ],
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of the profile and of the new file; not for native gateways."
        ),
    ] = None,
    park: Annotated[str | None, typer.Option(help="Its park; native topics say it.")] = None,
    facility: Annotated[str | None, typer.Option(help="Its facility; native topics say it.")] = None,
    gateway: Annotated[str | None, typer.Option(help="A name for the gateway; native topics say it.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="CHANNEL", help="Only this channel; again for more.", show_default="all"
        ),
    ] = None,
    units: Annotated[
        list[str] | None,
        typer.Option(
            "--unit", metavar="CHANNEL=UNIT", help="The unit of a channel, which you know; again for more."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")] = False,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Write a profile and a subscription for a device of the inbox, and print the lines that its facility needs.

    New files are written, CONFIG/profiles/NAME.yaml and CONFIG/NAME.yaml; files that are there are never touched. Gateway and
    channels stand inside a facility, in a file of yours: these lines are printed, to be added there. Everything is checked
    as it will be with them. A channel whose unit is only guessed is left out, until you say it with --unit. Then: restart the service, and replay what came meanwhile with the command that is printed.

    Example: stackmeter inbox accept meters/hall-2/data --park nam-cau-kien --facility mill --gateway hall-2 --profile hall-meter
    --config config

    Exit codes: 0 done, 1 no such device, 2 it cannot be written like this, 3 not reachable.
    """
    from stackmeter.field.accepting import AcceptError, accepted, said_units, written

    with client_of(state, url, token) as client:
        devices = answer_of(client.inbox)
    found = next((one for one in devices if one.device == device), None)
    if found is None:
        typer.echo(f"there is no {device} in the inbox: stackmeter inbox list", err=True)
        raise typer.Exit(EXIT_NOT_READY)
    exits: dict[type[Exception], int] = {AcceptError: EXIT_CONFIG, OSError: EXIT_CONFIG}
    place = (park, facility, gateway)
    said = or_exit(lambda: said_units(units or []), exits)
    made = or_exit(lambda: accepted(found, config, place, profile, only or [], said), exits, as_json=as_json)
    if not dry_run:
        or_exit(lambda: written(made), exits)
    if as_json:
        typer.echo(json.dumps(made.to_json(), ensure_ascii=False))
        return
    _print(made, dry_run=dry_run)


def _print(made: "Accepted", *, dry_run: bool) -> None:
    for file, text in made.files.items():
        typer.echo(f"{'would write' if dry_run else 'wrote'} {file}")
        if dry_run:
            typer.echo(text)
    if made.gateway_lines:
        typer.echo(f"add to gateways of {made.facility} in {made.where}:\n{made.gateway_lines}")
    if made.channel_lines:
        typer.echo(f"add to channels of {made.facility} in {made.where}:\n{made.channel_lines}")
    if made.point_rows:
        typer.echo(f"or to its point list:\n{made.point_rows}")
    for channel in made.left_out:
        typer.echo(f"left out: {channel}")
    for warning in made.warnings:
        typer.echo(f"look at: {warning}")
    typer.echo("with these lines the configuration is good; without them it is refused")
    typer.echo(f"then restart the service, and: {made.replay}")

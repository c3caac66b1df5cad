"""Commands about what was refused: quarantine list, show, replay."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    configured,
    or_exit,
    screen,
    table,
    valid,
)
from stackmeter.views.local import local, to_second

if TYPE_CHECKING:
    from datetime import tzinfo

    from api.field.quarantine import CauseBody, KeptBody
    from stackmeter.field.device_trials import Tried

quarantine = typer.Typer(
    no_args_is_help=True,
    help="What was refused: why, what it was, and how to take it anew once the configuration is right.",
)

Gateway = Annotated[
    str | None,
    typer.Option(metavar="PARK/FACILITY/GATEWAY", help="Only of this gateway.", show_default="all"),
]
OfCode = Annotated[str | None, typer.Option(help="Only of this code, such as unmapped.", show_default="all")]
Since = Annotated[
    str | None, typer.Option(help="Arrived at this time or later, with zone.", show_default="any")
]
Until = Annotated[str | None, typer.Option(help="Arrived before this time, with zone.", show_default="any")]


@quarantine.command("list")
def list_causes(
    code: OfCode = None,
    gateway: Gateway = None,
    since: Since = None,
    until: Until = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show why messages were refused: by code, gateway and place in the payload, with the newest of each.

    Example: stackmeter quarantine list --code unmapped

    Exit codes: 0 told, 1 no such thing, 2 token missing or wrong, 3 not reachable.
    """
    asked = {"code": code, "gateway": gateway, "from": since, "to": until}
    with client_of(state, url, token) as client:
        causes, zone = answer_of(lambda: client.causes(**asked)), client.zone
    if as_json:
        typer.echo(json.dumps({"causes": [one.model_dump() for one in causes]}, ensure_ascii=False))
        return
    if not causes:
        typer.echo("nothing is kept that was refused")
    for one in causes:
        typer.echo("\n".join(_lines(one, zone)))


@quarantine.command()
def show(
    message: Annotated[
        int, typer.Argument(min=0, help="The message's offset in the journal, as list shows it.")
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            exists=True,
            file_okay=False,
            help="A configuration: also say what it makes of the message.",
        ),
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show a refused message: what was wrong with it, its bytes, and with --config what a configuration makes of it.

    Bytes that are no text are shown as hexadecimal digits. The configuration need not be the one that the service runs
    with, so that a mapping can be tried before it is put there.

    Example: stackmeter quarantine show 4711 --config config

    Exit codes: 0 told, 1 no such message, 2 token or configuration wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        (kept, payload), zone = answer_of(lambda: client.refused_message(message)), client.zone
    made = None if config is None else _made_of(kept, payload, config)
    if as_json:
        more = {} if made is None else {"now": made}
        body = {**kept.model_dump(), "payload_hex": payload.hex(), **more}
        typer.echo(json.dumps(body, ensure_ascii=False, allow_nan=False))
        return
    typer.echo(f"message {kept.message} of {to_second(kept.received_at, zone)}, {kept.outcome}: {kept.code}")
    typer.echo(
        f"topic    {kept.topic}\ngateway  {kept.gateway or '-'}\npath     {kept.path or '-'}\nwhy      {kept.detail}"
    )
    shown = f"{kept.kept} of {kept.size} bytes" if kept.kept < kept.size else f"{kept.size} bytes"
    typer.echo(f"{shown}:\n{_text(payload)}")
    if made is not None:
        _print_made(made, config, zone)


@quarantine.command()
def replay(
    messages: Annotated[
        list[int] | None,
        typer.Argument(metavar="[MESSAGE]...", help="Only these, by their offsets.", show_default="all"),
    ] = None,
    code: OfCode = None,
    gateway: Gateway = None,
    since: Since = None,
    until: Until = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that was refused.")] = False,
    by: Annotated[
        str | None, typer.Option(help="Who does it; needed with the state directory's token.")
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Take refused messages anew, as the service's configuration reads them now; their readings count as if in time.

    What is still refused stays, with the reason of today. What counted already is not counted again.

    Example: stackmeter quarantine replay --code unmapped --gateway nam-cau-kien/mill/substation --by lan

    Exit codes: 0 taken, 1 not taken or not all as yet, 2 token missing or wrong, 3 not reachable.
    """
    from api.field.quarantine import ReplayWantedBody

    wanted = valid(
        ReplayWantedBody, messages=messages or None, code=code, gateway=gateway, from_=since, to=until,
        all=everything or None, by=by,
    )  # fmt: skip
    with client_of(state, url, token) as client:
        told = answer_of(lambda: client.replay_quarantine(wanted))
    typer.echo(told.model_dump_json() if as_json else client.localised(told.detail))
    raise typer.Exit(0 if told.outcome == "done" else EXIT_NOT_READY)


def _lines(cause: "CauseBody", zone: "tzinfo") -> list[str]:
    sample, whose = cause.sample, cause.gateway or cause.sample.topic
    return [
        f"{cause.code}  {whose}  {cause.path}".rstrip(),
        f"  {cause.count} messages, {local(cause.first_at, zone)} to {local(cause.last_at, zone)}",
        f"  newest: {sample.message}, {sample.detail}",
    ]


def _text(payload: bytes) -> str:
    """Return bytes as text, or where they are none as hexadecimal digits, 32 bytes a line."""
    text = payload.decode(errors="replace")
    if "\ufffd" not in text and all(one.isprintable() or one in "\n\t" for one in text):
        return text
    return "\n".join(payload[at : at + 32].hex(" ") for at in range(0, len(payload), 32))


def _made_of(kept: "KeptBody", payload: bytes, config: Path) -> dict[str, Any]:
    """Return what a configuration makes of a message, or why it cannot be said."""
    from api.times import parse_time
    from stackmeter.field.device_trials import Place, TrialError

    _, plant, _ = configured(config, None)
    place = or_exit(lambda: Place(plant), {ValueError: EXIT_CONFIG})
    if kept.kept < kept.size:
        return {"cannot_say": "not all of it is kept; the journal has it, and a replay takes it from there"}
    try:
        tried: Tried = place.tried(payload, kept.topic, None, parse_time(kept.received_at), retained=False)
    except TrialError as error:
        return {"cannot_say": str(error)}
    return tried.to_json()


def _print_made(made: dict[str, Any], config: Path | None, zone: "tzinfo") -> None:
    if "cannot_say" in made:
        typer.echo(f"with {config}: {made['cannot_say']}")
        return
    typer.echo(
        f"with {config}: {len(made['readings'])} readings, {len(made['refusals'])} refused, of {made['gateway']}"
    )
    if made["readings"]:
        rows = [
            [
                *(str(one[k] or "") for k in ("channel", "value", "unit")),
                to_second(one["time"], zone),
                str(one["kept"] or ""),
            ]
            for one in made["readings"]
        ]
        screen().print(table(["channel", "value", "unit", "time", "counts as"], rows, right={"value"}))
    for one in made["refusals"]:
        typer.echo(f"{one['code']} at {one['path'] or 'the message'}: {one['detail']}")
        if one["hint"]:
            typer.echo(f"  to do: {one['hint']}")

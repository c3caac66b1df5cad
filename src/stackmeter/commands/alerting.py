"""Commands about alerts of a running service: alerts, ack, snooze, assign, comment, silence, silences, unsilence."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_NOT_READY,
    AsJson,
    ConfigDir,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    configured,
    or_exit,
    plant_clock,
    screen,
    span,
    valid,
)

if TYPE_CHECKING:
    from api.alerts.alert_bodies import ActedBody, SilencedBody
    from proof.why import Why
    from stackmeter.client.calls import Client

SHORTEST = 4  # characters that are taken for an id

alerts = typer.Typer(
    rich_markup_mode=None,
    help="Show alerts, the newest first: what fires, where, since when, and who is on it.\n\n"
    "Example: stackmeter alerts --severity critical\n\n"
    "Exit codes: 0 told, 1 no such park, facility or rule, 2 token missing or wrong, 3 not reachable.",
)

AlertId = Annotated[
    str, typer.Argument(help="The alert's id, or its first characters as a table shows them.")
]
SilenceId = Annotated[
    str, typer.Argument(help="The silence's id, or its first characters as a table shows them.")
]
By = Annotated[str, typer.Option(help="Who does it; it is kept.")]
Said = Annotated[str, typer.Option("--comment", help="What is kept with it.", show_default="none")]
Until = Annotated[str | None, typer.Option(help="Until this time, with zone.", show_default="--for")]
For = Annotated[float | None, span("--for", "For so long, such as 30min, 4h or 2d.", "--until")]


@alerts.callback(invoke_without_command=True)
def list_alerts(
    context: typer.Context,
    status: Annotated[
        str, typer.Option(help="open, firing, acknowledged, silenced, inhibited, resolved or all.")
    ] = "open",
    park: Annotated[str | None, typer.Option(help="Only in this park.", show_default="all")] = None,
    facility: Annotated[str | None, typer.Option(help="Only in this facility.", show_default="all")] = None,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.", show_default="all")] = None,
    severity: Annotated[
        str | None, typer.Option(help="Only info, warning or critical ones.", show_default="all")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")] = 50,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show alerts; its help is that of the group."""
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    asked = {"park": park, "facility": facility, "rule": rule, "severity": severity, "limit": limit}
    with client_of(state, url, token) as client:
        found = answer_of(lambda: client.alerts(status=None if status == "all" else status, **asked))
        zone = client.zone
    if as_json:
        typer.echo(found.model_dump_json())
        return
    if not found.alerts:
        typer.echo("no alerts" if status == "all" else f"no alerts are {status}")
        return
    from stackmeter.views import alert_view

    screen().print(alert_view.alerts(found, zone))
    if found.next:
        typer.echo(f"the newest {len(found.alerts)}; --limit shows more")


@alerts.command("retroactive")
def show_retroactive(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")] = 50,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show what late data showed: breaches that were over when they became known, and of which nobody was told.

    Exit codes: 0 told, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        found, zone = answer_of(lambda: client.retroactive(limit)), client.zone
    if as_json:
        typer.echo(found.model_dump_json())
        return
    if not found.retroactive:
        typer.echo("late data showed no breach")
        return
    from stackmeter.views import alert_view

    screen().print(alert_view.retroactive(found, zone))


@alerts.command("show")
def show_alert(
    alert: AlertId,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show one alert with all that happened to it, and what to do first.

    Example: stackmeter alerts show 1b19524c

    Exit codes: 0 told, 1 no such alert, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        number = _alert_id(client, alert)
        found, zone = answer_of(lambda: client.alert(number)), client.zone
    if as_json:
        typer.echo(found.model_dump_json())
        return
    from stackmeter.views import alert_view

    screen().print(alert_view.alert(found, zone), alert_view.events(found, zone), sep="\n")


@alerts.command("why")
def why_alert(
    alert: AlertId,
    config: ConfigDir = None,
    state: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Show why an alert began: what its rule said at each step up to then, and the readings that it saw.

    It is judged again from the state directory, under the configuration of today; nothing is written, and a service may
    run meanwhile.

    Example: stackmeter alerts why 1b19524c --config config --state state

    Exit codes: 0 told, 1 no such alert, or its rule is gone, 2 wrong configuration, or no state there.
    """
    import json
    import sqlite3
    from dataclasses import asdict

    from proof.why import CannotExplain, why
    from stackmeter.views import alert_view
    from store.audit import snapshot

    settings, plant, _ = configured(config, state)

    def told() -> "Why":
        with snapshot(settings.state / "state.db") as connection:
            return why(connection, plant, alert)

    hints = {EXIT_CONFIG: "Say where the state is with --state DIR."}
    found = or_exit(told, {CannotExplain: EXIT_NOT_READY, sqlite3.Error: EXIT_CONFIG}, hints)
    if as_json:
        typer.echo(json.dumps(asdict(found), allow_nan=False))
    else:
        screen().print(*alert_view.why(found, plant_clock(plant)), sep="\n")


def ack(
    alert: AlertId,
    by: By,
    comment: Said = "",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Acknowledge an alert: it is neither repeated nor escalated from now on. The first one counts.

    Example: stackmeter ack 1b19524c --by lan

    Exit codes: 0 taken, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        _tell(client, _acted(client, alert, action="acknowledge", by=by, comment=comment), as_json)


def snooze(
    alert: AlertId,
    by: By,
    until: Until = None,
    for_: For = None,
    comment: Said = "",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Let an alert rest until a time within 30 days; if it fires still, it is told again then.

    Example: stackmeter snooze 1b19524c --for 2h --by lan

    Exit codes: 0 taken, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    end = _end(until, for_)
    with client_of(state, url, token) as client:
        _tell(client, _acted(client, alert, action="snooze", by=by, until=end, comment=comment), as_json)


def assign(
    alert: AlertId,
    to: Annotated[str, typer.Option(help="Whom it is handed over to.")],
    by: By,
    comment: Said = "",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Hand an alert over to somebody; it is kept and shown.

    Example: stackmeter assign 1b19524c --to minh --by lan

    Exit codes: 0 taken, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        _tell(client, _acted(client, alert, action="assign", by=by, to=to, comment=comment), as_json)


def comment(
    alert: AlertId,
    text: Annotated[str, typer.Argument(help="What is to be kept.")],
    by: By,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Say something about an alert, also about one that is over.

    Example: stackmeter comment 1b19524c "The damper was stuck." --by lan

    Exit codes: 0 taken, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        _tell(client, _acted(client, alert, action="comment", by=by, comment=text), as_json)


def silence(
    match: Annotated[
        list[str],
        typer.Argument(metavar="MATCHER...", help="What labels must be, all of it, with =, !=, =~ or !~."),
    ],
    by: By,
    comment: Annotated[str, typer.Option(help="Why; it is kept.")],
    until: Until = None,
    for_: For = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Keep alerts that match from being told until a time; what fires still is told then.

    Labels are park, facility, gateway, channel, source, rule, severity, and those of the rule.

    Example: stackmeter silence 'facility="mill"' 'channel=~"stack/.*"' --for 4h --comment "probe is cleaned" --by lan

    Exit codes: 0 taken, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    from api.alerts.alert_bodies import NewSilenceBody

    made = valid(NewSilenceBody, match=match, until=_end(until, for_), by=by, comment=comment)
    with client_of(state, url, token) as client:
        _tell(client, answer_of(lambda: client.silence(made)), as_json)


def silences(
    ended: Annotated[bool, typer.Option("--ended", help="Those that are over too.")] = False,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show what is silenced, until when, by whom and why.

    Example: stackmeter silences

    Exit codes: 0 told, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        found, zone = answer_of(lambda: client.silences(ended=ended)), client.zone
    if as_json:
        typer.echo(found.model_dump_json())
        return
    from stackmeter.views import alert_view

    screen().print(alert_view.silences(found, zone))


def unsilence(
    silence: SilenceId,
    by: By,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """End a silence before its time; alerts that it kept from being told are told, if they fire still.

    Example: stackmeter unsilence 5d41402a --by lan

    Exit codes: 0 taken, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        known = answer_of(lambda: client.silences(ended=True)).silences
        number = _whole(silence, "silence_", (one.id for one in known))
        _tell(client, answer_of(lambda: client.unsilence(number, by)), as_json)


def _refuse_options(context: typer.Context) -> None:
    """Refuse options that stand before a command of the group, where they would be left aside."""
    given = [
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    ]
    if given:
        raise typer.BadParameter(f"options stand after {context.invoked_subcommand}", param_hint=given[0])


def _acted(client: "Client", alert: str, **given: object) -> "ActedBody":
    from api.alerts.alert_bodies import ActionBody

    made = valid(ActionBody, **given)
    number = _alert_id(client, alert)
    return answer_of(lambda: client.act(number, made))


def _tell(client: "Client", told: "ActedBody | SilencedBody", as_json: bool) -> None:
    """Print what became of an action, and exit with 1 where the line has not come to it yet."""
    typer.echo(told.model_dump_json() if as_json else client.localised(told.detail))
    raise typer.Exit(0 if told.outcome == "done" else EXIT_NOT_READY)


def _end(until: str | None, seconds: float | None) -> str:
    """Return when something is to end, from a time or from a span from now on."""
    if (until is None) == (seconds is None):
        raise typer.BadParameter("say one of them", param_hint="--until, --for")
    if seconds is None:
        return str(until)
    try:
        return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        raise typer.BadParameter("is too long", param_hint="--for") from None


def _alert_id(client: "Client", given: str) -> str:
    """Return the whole id of an alert, looked for among the newest where only its beginning is given."""
    if _is_whole(given, "alert_"):
        return given
    found = answer_of(lambda: client.alerts(limit=1000)).alerts
    still = answer_of(lambda: client.alerts(status="open", limit=1000)).alerts
    return _whole(given, "alert_", (one.id for one in (*still, *found)))


def _whole(given: str, prefix: str, known: Iterable[str]) -> str:
    """Return the one id that begins as given; what is none stays, for the service to say so."""
    if _is_whole(given, prefix):
        return given
    wanted = given.removeprefix(prefix)
    fits = sorted({number for number in known if number.removeprefix(prefix).startswith(wanted)})
    if len(wanted) < SHORTEST or len(fits) > 1:
        typer.echo(f"{given!r} is not enough of an id: {len(fits)} begin so", err=True)
        raise typer.Exit(EXIT_NOT_READY)
    return fits[0] if fits else given


def _is_whole(given: str, prefix: str) -> bool:
    return len(given) == len(prefix) + 32 and given.startswith(prefix)

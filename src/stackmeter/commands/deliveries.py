"""Commands about webhooks of a running service: deliveries, replay-webhooks, drop-webhooks."""

from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import AsJson, StateDir, Token, Url, answer_of, client_of, screen, table
from stackmeter.views.local import local, to_second

if TYPE_CHECKING:
    from datetime import tzinfo

    from api.alerts.webhooks import DeadListBody, DeliveriesBody, WebhooksBody
    from stackmeter.views.tables import Shown

Endpoint = Annotated[str | None, typer.Option(help="Only of this endpoint.", show_default="all")]
Event = Annotated[str | None, typer.Option(help="Only this event, a webhook-id.", show_default="all")]
Since = Annotated[str | None, typer.Option(help="Made at this time or later, with zone.", show_default="any")]
Before = Annotated[str | None, typer.Option(help="Made before this time, with zone.", show_default="any")]


def deliveries(
    endpoint: Endpoint = None,
    event: Event = None,
    alert: Annotated[
        str | None, typer.Option(help="Only events that told of this alert.", show_default="all")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Events that were given up instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")] = 100,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show how each webhook endpoint stands and what was tried, the newest first; or with --dead what was given up.

    Example: stackmeter deliveries --endpoint on-call --alert alert_1b19524c013be38786387fa559fd5ecd

    Exit codes: 0 told, 1 no such endpoint, 2 token missing or wrong, 3 not reachable.
    """
    for name, given in (("--event", event), ("--alert", alert)):
        if dead and given is not None:
            raise typer.BadParameter("is not for --dead", param_hint=name)
    with client_of(state, url, token) as client:
        if dead:
            given_up = answer_of(lambda: client.dead_webhooks(endpoint, limit))
            typer.echo(given_up.model_dump_json()) if as_json else screen().print(
                _dead(given_up, client.zone)
            )
            return
        tried = answer_of(lambda: client.deliveries(endpoint, event, alert, limit))
        if as_json:
            typer.echo(tried.model_dump_json())
            return
        standing, zone = answer_of(client.webhooks), client.zone
    screen().print(_endpoints(standing), "", _attempts(tried, zone), sep="\n")


def replay_webhooks(
    endpoint: Endpoint = None,
    event: Event = None,
    since: Since = None,
    until: Before = None,
    dead_only: Annotated[bool, typer.Option("--dead-only", help="Only events that were given up.")] = False,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Send webhooks again, delivered or given up, under their old ids; it enables an endpoint that answered 410.

    At least one option says which. A receiver that keeps ids knows what it had already. What was delivered is kept for 90
    days, what was given up until it is replayed or dropped.

    Example: stackmeter replay-webhooks --endpoint on-call --dead-only

    Exit codes: 0 told, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    given: dict[str, str | bool] = {**_given(endpoint=endpoint, event=event, since=since, until=until)}
    if dead_only:
        given["dead_only"] = True
    with client_of(state, url, token) as client:
        told = answer_of(lambda: client.replay_webhooks(given))
        detail = told.detail and f"; {client.localised(told.detail)}"
    if as_json:
        typer.echo(told.model_dump_json())
        return
    typer.echo(f"{told.replayed} will be sent again{detail}")


def drop_webhooks(
    endpoint: Endpoint = None,
    event: Event = None,
    since: Since = None,
    until: Before = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Forget webhooks that were given up, which would be kept for ever; what waits is not touched.

    At least one option says which.

    Example: stackmeter drop-webhooks --endpoint on-call --until 2026-11-01T00:00:00+07:00

    Exit codes: 0 told, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    given = _given(endpoint=endpoint, event=event, since=since, until=until)
    with client_of(state, url, token) as client:
        told = answer_of(lambda: client.drop_webhooks(given))
    typer.echo(told.model_dump_json() if as_json else f"{told.dropped} dropped")


def _given(**chosen: str | None) -> dict[str, str]:
    return {name: text for name, text in chosen.items() if text is not None}


def _endpoints(found: "WebhooksBody") -> "Shown":
    rows = [
        [
            one.endpoint,
            "disabled (410)" if one.disabled else "" if one.configured else "not configured",
            str(one.waiting),
            "-" if one.oldest_s is None else f"{one.oldest_s:.0f} s",
            str(one.delivered),
            str(one.failed),
            str(one.dead),
            one.last_error,
        ]
        for one in found.webhooks
    ]
    heads = ["endpoint", "", "waiting", "oldest", "delivered", "failed", "given up", "last error"]
    return table(heads, rows, right={"waiting", "oldest", "delivered", "failed", "given up"})


def _attempts(found: "DeliveriesBody", zone: "tzinfo") -> "Shown":
    rows = [
        [
            to_second(one.at, zone),
            one.endpoint,
            one.event,
            one.error or "delivered",
            f"{one.took_ms} ms",
        ]
        for one in found.deliveries
    ]
    return table(["at", "endpoint", "event", "outcome", "took"], rows, right={"took"})


def _dead(found: "DeadListBody", zone: "tzinfo") -> "Shown":
    rows = [
        [local(one.dead, zone), one.endpoint, one.event, one.alert, str(one.attempts), one.error]
        for one in found.dead
    ]
    return table(
        ["given up", "endpoint", "event", "alert", "attempts", "last error"], rows, right={"attempts"}
    )

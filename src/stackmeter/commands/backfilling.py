"""The command that brings in the history of a facility: import."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_INTERRUPTED,
    EXIT_NOT_READY,
    AsJson,
    BrokerUrl,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    failures,
    or_exit,
    stop_on_signal,
    valid,
)

if TYPE_CHECKING:
    from simulators.history import Extent
    from simulators.mapping import Mapping
    from stackmeter.client.calls import Client


def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV file, or Parquet by its name.")
    ],
    mapping: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="File that says what its columns are.")
    ],
    by: Annotated[
        str | None, typer.Option(help="Who answers for it; it is kept.", show_default="the name of your key")
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(help="Why readings so old are right; it is kept and shown.", show_default="none"),
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option(
            help="Name of the gateway that tells it, one that nobody has configured.",
            show_default="the mapping's",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read the file, say what it holds, send nothing.")
    ] = False,
    broker: BrokerUrl = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Bring the history of a facility into a running service: a CSV or Parquet file, however old, and however large.

    A gateway of its own tells it, which speaks for all channels of the facility while this runs: that is decided by somebody with the
    role approver, journalled, and shown by GET /v1/backfills. What it tells counts as late readings do: open months follow, final ones
    wait for approval, nobody is paged. Stopped or cut off, start it again: what the service holds is not sent twice. A reading
    that is there already with another value is a conflict as any other, and both are kept.

    Example: stackmeter import mill-2025.parquet --mapping mill.yaml --by lan --reason "exports of the old system"

    Exit codes: 0 the service holds it all, 1 it does not (yet), has refused readings, or does not let it in, 2 file and mapping do not fit, or token wrong,
    3 broker or service not reachable, 130 stopped before the end.
    """
    from simulators import history
    from simulators.mapping import read_mapping
    from simulators.publisher import StoppedError
    from stackmeter import settings as given
    from stackmeter.views import view

    settings = or_exit(lambda: given.load(None, {"broker": broker}))
    wrong = {**failures(), ValueError: EXIT_CONFIG}
    plan = or_exit(lambda: read_mapping(mapping), wrong)
    plan = history.by_gateway(plan, gateway) if gateway else plan
    held = or_exit(lambda: history.extent(file, plan), wrong)
    if check:
        _say(_told(plan, held), as_json=as_json)
        return
    if reason is None:
        raise typer.BadParameter(
            "say why readings so old are right: it is kept and shown", param_hint="--reason"
        )
    with client_of(state, url, token) as client:
        try:
            _decide(client, plan, held, by, reason)
            with stop_on_signal() as stop, view.import_progress(held.readings) as progress:
                sent = or_exit(
                    lambda: history.send(file, plan, settings.brokers[0], progress=progress, stop=stop),
                    {**wrong, history.NotHeard: EXIT_NOT_READY, StoppedError: EXIT_INTERRUPTED},
                )
        finally:
            with suppress(typer.Exit):  # what was said of it is the reason of this end
                _decide(client, plan, held, by, None)
        ended = _ended(client, plan)
    _say(_told(plan, held) | sent.to_json() | {"ended": ended}, as_json=as_json)
    raise typer.Exit(EXIT_NOT_READY if sent.uncovered or ended["refused"] else 0)


def _ended(client: "Client", plan: "Mapping") -> dict[str, Any]:
    """Return how all readings of the gateway have ended so far, by outcome and, of those that were refused, by code."""
    balance = answer_of(lambda: client.balance(str(plan.address)))
    readings = balance.readings
    return {
        "counted": readings.accepted + readings.late,
        "known": readings.duplicate,
        "refused": readings.quarantined + readings.rejected,
        "codes": balance.codes,
    }


def _decide(client: "Client", plan: "Mapping", held: "Extent", by: str | None, reason: str | None) -> None:
    """Open a backfill for a reason, or close it without one; exit where the service does not take it."""
    from api.field.backfills import BackfillWantedBody
    from plant.clock import format_time

    is_open = reason is not None
    made = valid(
        BackfillWantedBody,
        gateway=str(plan.address),
        action="open" if is_open else "close",
        oldest=format_time(held.first) if is_open else None,
        reason=reason,
        by=by,
    )
    told = answer_of(lambda: client.decide_backfill(made))
    if told.outcome != "done":
        typer.echo(told.detail, err=True)
        raise typer.Exit(EXIT_NOT_READY)


def _told(plan: "Mapping", held: "Extent") -> dict[str, Any]:
    from plant.clock import format_time

    return {
        "gateway": str(plan.address),
        "rows": held.rows,
        "readings": held.readings,
        "first": format_time(held.first),
        "last": format_time(held.last),
    }


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(
        f"{told['readings']:,} readings in {told['rows']:,} rows, from {told['first']} to {told['last']}, by {told['gateway']}"
    )
    if "messages" in told:
        typer.echo(
            f"{told['messages']:,} messages, {told['held_before']:,} of them held before, {told['uncovered']:,} not acknowledged;"
            f" took {told['seconds']:,.1f} s"
        )
        ended = told["ended"]
        codes = ", ".join(f"{code} {count:,}" for code, count in sorted(ended["codes"].items()))
        typer.echo(
            f"so far {ended['counted']:,} readings of its gateway count, {ended['known']:,} were known, {ended['refused']:,} were refused"
            + (f" (messages by code: {codes}); see stackmeter quarantine list" if codes else "")
        )
        if told["uncovered"]:
            typer.echo("start it again: what the service holds is not sent twice", err=True)

"""Commands that ask a running service: status, watch, periods, decide, explain, limits, indicators, exchanges."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_NOT_READY,
    AsJson,
    InLanguage,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    screen,
    span,
    stop_on_signal,
    valid,
    words_of,
)

if TYPE_CHECKING:
    import threading
    from datetime import tzinfo

    from rich.console import Console

    from api.accounting.periods import PeriodsBody
    from reports.words import Words
    from stackmeter.client.calls import Overview
    from stackmeter.views.watching import Watched


def status(
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Ask a running service whether it is ready, and for the tonnes: now, today and this month, and the balance.

    Example: stackmeter status --state /var/lib/stackmeter

    Exit codes: 0 ready, 1 not ready, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        seen, zone = answer_of(client.overview), client.zone
    if as_json:
        typer.echo(seen.model_dump_json(exclude_unset=True))
    else:
        _print_status(seen, zone)
    raise typer.Exit(0 if seen.ready.ready else EXIT_NOT_READY)


def _print_status(seen: "Overview", zone: "tzinfo") -> None:
    from rich.text import Text

    from stackmeter.views import view

    console = screen()
    head = [f"{seen.url} is {'ready' if seen.ready.ready else 'not ready'}", *view.readiness(seen.ready)]
    console.print(Text("\n".join(head)))
    console.print(view.tonnes(seen, zone))
    console.print(Text("\n".join([*view.balance(seen.balance), *view.alerts(seen, zone)])))


def periods(
    park: Annotated[str | None, typer.Argument(help="A park; all where left out.")] = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show how each month of each park stands: open, provisional, final or restated, and how well it is known.

    Below the table stands what keeps a month from being closed, each with what to do, by whom and despite what it was closed, and
    what waits for approval.

    Example: stackmeter periods nam-cau-kien
    """
    with client_of(state, url, token) as client:
        found = answer_of(lambda: client.periods(park, language))
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        from datetime import UTC, datetime

        from stackmeter.views import period_view
        from stackmeter.views.local import own_zone

        screen().print(
            period_view.periods(found, datetime.now(UTC).isoformat(), own_zone(), words_of(language))
        )


def decide(
    park: Annotated[str, typer.Argument(help="The park.")],
    month: Annotated[str, typer.Argument(help="The month, such as 2026-10.")],
    action: Annotated[str, typer.Argument(help="provisional, final or approve.")],
    by: Annotated[str, typer.Option(help="Who decides; it is kept.")],
    generation: Annotated[
        int | None, typer.Option(help="With approve: what was seen waiting.", show_default="shown, and asked")
    ] = None,
    despite: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="With final: why it is closed though it lacks what closing asks for; it is kept and shown.",
        ),
    ] = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Move a month of a park on: provisional, then final; then approve what waits there.

    A provisional month still follows late readings, each change with a revision. A final one keeps its number: a change
    waits until somebody approves it, and above the share second_approval_above until a second person does.

    A month is closed once its coverage is enough, no source is unknown, it is known from its beginning on, nothing of it is in
    quarantine and no factor is provisional: `stackmeter periods` says what it lacks. A reason overrules that: --despite.

    Example: stackmeter decide nam-cau-kien 2026-10 final --by lan

    Exit codes: 0 taken, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    from api.accounting.periods import DecisionBody

    with client_of(state, url, token) as client:
        if action == "approve" and generation is None:
            generation = _confirmed(answer_of(lambda: client.periods(park)), month, words_of(language))
        made = valid(
            DecisionBody, park=park, month=month, action=action, by=by, generation=generation, despite=despite
        )
        told = answer_of(lambda: client.decide(made, language))
    typer.echo(told.model_dump_json() if as_json else f"{park} {month}: {client.localised(told.detail)}")
    raise typer.Exit(0 if told.outcome == "done" else EXIT_NOT_READY)


def _confirmed(found: "PeriodsBody", month: str, words: "Words") -> int:
    """Show what waits in a month and ask whether it is to be published; return its generation."""
    from reports.paper import label
    from stackmeter.views.period_view import change_text

    waits = next((p.pending_restatement for p in found.periods if p.month == month), None)
    if waits is None:
        typer.echo(words.of(label("said.nothing_waits", month=month)), err=True)
        raise typer.Exit(EXIT_NOT_READY)
    typer.echo(change_text(waits, month, words))
    typer.confirm(words.text("said.publish"), abort=True)
    return waits.generation


def explain(
    place: Annotated[str, typer.Argument(help="PARK/FACILITY/SOURCE; of a park or a facility, its parts.")],
    at: Annotated[
        str | None, typer.Option(help="A time with zone: the window around it, with all it was made of.")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(help="today, month, year, 2026, 2026-11 or 2026-11-24.", show_default="today"),
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Say why a number is what it is: readings, factor, method and history of a window, or the parts of a total.

    Of a single window (--at) everything is told that it was made of, and it is made again from just that.

    Example: stackmeter explain nam-cau-kien/mill/grid --at 2026-11-24T10:05:00+07:00

    Exit codes: 0 told, 1 no such source or time, 2 token missing or wrong, 3 not reachable.
    """
    names = dict(zip(("park", "facility", "source"), place.split("/", 2), strict=False))
    asked = {**names, **{name: text for name, text in (("at", at), ("period", period)) if text}}
    with client_of(state, url, token) as client:
        told, zone = answer_of(lambda: client.explain(**asked)), client.zone
    if as_json:
        typer.echo(told.model_dump_json(by_alias=True))
        return
    from stackmeter.views import proof_view

    screen().print(proof_view.explanation(told, zone))


def limits(
    park: Annotated[str | None, typer.Option(help="Only of this park.", show_default="all")] = None,
    facility: Annotated[str | None, typer.Option(help="Only of this facility.", show_default="all")] = None,
    name: Annotated[
        str | None, typer.Option(help="Only this one of a facility's standards.", show_default="all")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="A time with zone.", show_default="the month's start"),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="A time with zone.", show_default="the month's end")
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show what stacks and outfalls must keep: limits in force and to come, the newest value against each, hours outside.

    Example: stackmeter limits --facility chemicals --from 2026-11-01T00:00:00+07:00

    Exit codes: 0 told, 1 no such place or time, 2 token missing or wrong, 3 not reachable.
    """
    asked = {"park": park, "facility": facility, "name": name, "from": start, "to": end}
    with client_of(state, url, token) as client:
        told, zone = answer_of(lambda: client.limits(**asked)), client.zone
    if as_json:
        typer.echo(told.model_dump_json(by_alias=True, exclude_unset=True))
        return
    from stackmeter.views import limit_view

    screen().print(limit_view.limits(told, zone))


def indicators(
    park: Annotated[str | None, typer.Option(help="Only of this park.", show_default="all")] = None,
    facility: Annotated[str | None, typer.Option(help="Only of this facility.", show_default="all")] = None,
    period: Annotated[
        str | None,
        typer.Option(help="today, month, year, 2026, 2026-11 or 2026-11-24.", show_default="month"),
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show what places are told by beside tonnes: water used again, waste by treatment, the criteria of an eco-park.

    Example: stackmeter indicators --park nam-cau-kien --period 2026

    Exit codes: 0 told, 1 no such place or period, 2 token missing or wrong, 3 not reachable.
    """
    asked = {"park": park, "facility": facility, "period": period}
    with client_of(state, url, token) as client:
        told = answer_of(lambda: client.indicators(**asked))
    if as_json:
        typer.echo(told.model_dump_json(by_alias=True, exclude_unset=True))
        return
    from stackmeter.views import indicator_view

    screen().print(indicator_view.indicators(told))


def exchanges(
    park: Annotated[str | None, typer.Option(help="Only of this park.", show_default="all")] = None,
    name: Annotated[str | None, typer.Option(help="Only this exchange.", show_default="all")] = None,
    period: Annotated[
        str | None,
        typer.Option(help="today, month, year, 2026, 2026-11 or 2026-11-24.", show_default="month"),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="A time with zone, in place of a period.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="A time with zone.")] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show what facilities give each other: sent and received, whether both sides agree, and what it avoids, apart.

    Example: stackmeter exchanges --park nam-cau-kien --period 2026-11

    Exit codes: 0 told, 1 no such place or period, 2 token missing or wrong, 3 not reachable.
    """
    asked = {"park": park, "name": name, "period": period, "from": start, "to": end}
    with client_of(state, url, token) as client:
        told = answer_of(lambda: client.exchanges(**asked))
    if as_json:
        typer.echo(told.model_dump_json(by_alias=True, exclude_unset=True))
        return
    from stackmeter.views import exchange_view

    screen().print(exchange_view.exchanges(told))


def watch(
    park: Annotated[str | None, typer.Option(help="Only of this park.", show_default="all")] = None,
    facility: Annotated[str | None, typer.Option(help="Only of this facility.", show_default="all")] = None,
    gateway: Annotated[str | None, typer.Option(help="Only of this gateway.", show_default="all")] = None,
    every: Annotated[float, span("--every", "How often to look.", "2s")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Watch gateways and channels: heard when, lag, clock skew, messages a second, refusals by code; newest values with their age.

    What is wrong comes first. On a terminal the view is refreshed in place, elsewhere each look is printed after the
    other; with --json each look is a line. Ctrl-C ends it.

    Example: stackmeter watch --park nam-cau-kien --gateway substation

    Exit codes: 0 ended, 1 no such park, facility or gateway, 2 token missing or wrong, 3 not reachable.
    """
    from stackmeter.views.watching import Filter, look

    wanted = Filter(park, facility, gateway)
    with client_of(state, url, token) as client, stop_on_signal() as stop:

        def glance(before: "Watched | None") -> "Watched":
            return answer_of(lambda: look(client, wanted, before))

        if as_json:
            _follow(glance, lambda seen: typer.echo(seen.model_dump_json()), every, stop, once=once)
        else:
            _show(glance, screen(), client.zone, every, stop, once=once)


def _show(
    glance: "Callable[[Watched | None], Watched]",
    console: "Console",
    zone: "tzinfo",
    every: float,
    stop: "threading.Event",
    *,
    once: bool,
) -> None:
    from rich.live import Live

    from stackmeter.views.watching import shown

    if once or not console.is_terminal:
        _follow(glance, lambda seen: console.print(shown(seen, zone)), every, stop, once=once)
        return
    with Live(console=console, auto_refresh=False, screen=True) as live:
        _follow(glance, lambda seen: live.update(shown(seen, zone), refresh=True), every, stop, once=False)


def _follow(
    glance: "Callable[[Watched | None], Watched]",
    tell: "Callable[[Watched], None]",
    every: float,
    stop: "threading.Event",
    *,
    once: bool,
) -> None:
    """Look and tell until somebody ends it."""
    seen: Watched | None = None
    while True:
        seen = glance(seen)
        tell(seen)
        if once or stop.wait(every):
            return

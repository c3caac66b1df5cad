"""The command watch: gateways and channels as they do, refreshed in the terminal."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    AsJson,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    screen,
    span,
    stop_on_signal,
)

if TYPE_CHECKING:
    import threading
    from datetime import tzinfo

    from rich.console import Console

    from stackmeter.views.watching import Watched


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

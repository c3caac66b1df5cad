"""The command that shows where facilities stand in their carbon market, and what instruments hold."""

from typing import Annotated

import typer

from stackmeter.commands.command import AsJson, StateDir, Token, Url, answer_of, screen, service_of


def position(
    park: Annotated[str | None, typer.Option(help="Only in this park.", show_default="all")] = None,
    facility: Annotated[str | None, typer.Option(help="Only this facility.", show_default="all")] = None,
    years: Annotated[
        str | None,
        typer.Option(
            help="One year, or from to such as 2025-2026.", show_default="those settled with this one"
        ),
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show how many tonnes facilities are short of, what credits may cover and what the rest costs; and what every instrument holds.

    Example: stackmeter position --facility mill --years 2025-2026

    Exit codes: 0 told, 1 no such park, facility or years, 2 token missing or wrong, 3 not reachable.
    """
    from stackmeter.commands.market.market_client import MarketClient

    with MarketClient(*service_of(state, url, token)) as client:
        found = answer_of(lambda: client.positions(park=park, facility=facility, years=years))
    if as_json:
        typer.echo(found.model_dump_json())
        return
    from stackmeter.views import position_view

    if not found.positions:
        typer.echo("no facility here has a market")
    for one in found.positions:
        screen().print(position_view.position(one))
    if found.holdings:
        screen().print(position_view.holdings(found))

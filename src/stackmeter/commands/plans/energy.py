"""Commands that show what a facility's electricity cost, and when its battery should work."""

from typing import Annotated

import typer

from stackmeter.commands.command import (
    EXIT_NOT_READY,
    AsJson,
    StateDir,
    Token,
    Url,
    answer_of,
    screen,
    service_of,
)

Place = Annotated[str | None, typer.Argument(help="PARK or PARK/FACILITY; all where left out.")]


def bill(
    place: Place = None,
    month: Annotated[
        str | None, typer.Option(help="The month, such as 2026-10.", show_default="this one")
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show what a month's electricity cost by the tariff, slot by slot, beside its tonnes: from your own meters.

    It is a reckoning to compare the supplier's bill with: energy, charge, peak and tonnes of each slot, the charge for reactive energy, the tax and
    the total. A dash is what is not known; what is known is told with how much that is.

    Example: stackmeter bill nam-cau-kien/mill --month 2026-10

    Exit codes: 0 told, 1 no facility there has a tariff, or no such place or month, 2 token missing or wrong, 3 not reachable.
    """
    from stackmeter.commands.plans.plans_client import PlansClient
    from stackmeter.views.energy_view import bill_shown

    with PlansClient(*service_of(state, url, token)) as client:
        found = answer_of(lambda: client.bills(*_parts(place), month))
        clocks = answer_of(lambda: client.clocks)
    if as_json:
        typer.echo(found.model_dump_json(by_alias=True, exclude_unset=True))
    for one in [] if as_json else found.bills:
        for part in bill_shown(one, clocks[one.park]):
            screen().print(part)
    if not found.bills:
        typer.echo("no facility there has a tariff: docs/tariffs.md says how to give one", err=True)
        raise typer.Exit(EXIT_NOT_READY)


def advice(
    place: Place = None,
    language: Annotated[str, typer.Option(help="vi or en, of why there is no advice.")] = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show when a facility's battery should charge and discharge tomorrow so that its energy costs least, and what that is in tonnes.

    The load is that of the same weekday of the last four weeks. It is shown to people, and never sent to a device.

    With a yearly grid factor a battery saves money and costs the tonnes of its losses: both are told.

    Example: stackmeter advice nam-cau-kien/mill

    Exit codes: 0 told, 1 no battery there, or no advice for it, 2 token missing or wrong, 3 not reachable.
    """
    from stackmeter.commands.plans.plans_client import PlansClient
    from stackmeter.views.energy_view import advice_shown

    with PlansClient(*service_of(state, url, token)) as client:
        found = answer_of(lambda: client.advice(*_parts(place), language))
        clocks = answer_of(lambda: client.clocks)
    if as_json:
        typer.echo(found.model_dump_json(by_alias=True, exclude_unset=True))
    for one in [] if as_json else found.advice:
        for part in advice_shown(one, clocks[one.park]):
            screen().print(part)
    if not found.advice:
        typer.echo("no facility there has a battery: docs/storage.md says how to give one", err=True)
    if not found.advice or any(one.reason for one in found.advice):
        raise typer.Exit(EXIT_NOT_READY)


def _parts(place: str | None) -> tuple[str | None, str | None]:
    park, _, facility = (place or "").partition("/")
    return park or None, facility or None

"""The command that shows a plan: where the year leads, what measures saved, and what moved the tonnes."""

from typing import Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_NOT_READY,
    AsJson,
    StateDir,
    Token,
    Url,
    answer_of,
    screen,
    service_of,
)

plan = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show the plan: the path, where the year leads, what measures saved, and what moved the tonnes.",
)


@plan.callback()
def options() -> None:
    """Take what stands before a command; the help is the group's."""


@plan.command()
def show(
    place: Annotated[str, typer.Argument(help="PARK, or PARK/FACILITY.")],
    year: Annotated[
        int | None, typer.Option(help="Of the measures and the bridge.", show_default="this one")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            metavar="CHANNEL",
            help="With PARK/FACILITY: the channel of what is made, such as product/billets; adds the bridge.",
        ),
    ] = None,
    base: Annotated[
        int | None, typer.Option(help="Of the bridge: its base year.", show_default="the year before")
    ] = None,
    language: Annotated[str, typer.Option(help="vi or en, of why something is not told.")] = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show the path year by year, where this year leads, and what each measure saved, with how far that is known.

    A measure is proven where its baseline keeps its limits and the 90 % interval of what it saved does not hold 0. What is not is in no
    sum, and why is told below the table. What nothing measures yet is expected, and never saved.

    The bridge is of two years that are over: it parts the change of a facility's tonnes into output, activity per output, and factor.

    Example: stackmeter plan show nam-cau-kien

    Example: stackmeter plan show nam-cau-kien/mill --output product/billets --base 2024 --year 2025

    Exit codes: 0 told, 1 there is no such place or year, 2 token missing or wrong, or options that do not go together, 3 not reachable.
    """
    park, _, facility = place.partition("/")
    if (output and not facility) or (base and not output):
        typer.echo("a bridge is of a facility: give PARK/FACILITY and --output CHANNEL", err=True)
        raise typer.Exit(EXIT_CONFIG)
    from stackmeter.commands.plans.plans_client import PlansClient
    from stackmeter.views.plan_view import PlanSeen, plan_shown

    with PlansClient(*service_of(state, url, token)) as client:
        roadmap = answer_of(lambda: client.roadmap(park, facility or None, language))
        measures = answer_of(lambda: client.measures(park, facility or None, year, language))
        bridge, to = None, year or int(roadmap.as_of[:4])
        if output is not None:
            years = (base or to - 1, to)
            bridge = answer_of(lambda: client.bridge(park, facility, output, years, language))
    seen = PlanSeen(roadmap=roadmap, measures=measures, bridge=bridge)
    if as_json:
        typer.echo(seen.model_dump_json(by_alias=True))
    else:
        for part in plan_shown(seen):
            screen().print(part)
    if not roadmap.roadmap:
        raise typer.Exit(EXIT_NOT_READY)

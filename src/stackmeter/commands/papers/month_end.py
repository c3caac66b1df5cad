"""The command that shows what a month needs to be final, and what falls due."""

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
    table,
)


def month_end(
    park: Annotated[str, typer.Argument(help="The park.")],
    month: Annotated[str, typer.Argument(help="The month, such as 2026-10.")],
    language: Annotated[str, typer.Option(help="vi or en, of what it says.")] = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """List what keeps a park's month from being final, what else to look at, and what falls due; each with what to type.

    Example: stackmeter month-end nam-cau-kien 2026-10

    Exit codes: 0 nothing keeps it from being closed, or it is, 1 something does, 2 token missing or wrong, 3 not reachable.
    """
    from stackmeter.commands.papers.papers_client import PapersClient

    with PapersClient(*service_of(state, url, token)) as client:
        found = answer_of(lambda: client.month_end(park, month, language))
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        typer.echo(f"{park} {month} is {found.period.status}")
        rows = [
            ["stops" if one.stops else "", one.kind, one.about, one.detail, one.command]
            for one in found.items
        ]
        screen().print(table(["", "what", "of", "is", "look or do"], rows))
        due = [
            [one.due, one.title + (" [?]" if one.unsure else ""), one.form or "", one.source]
            for one in found.duties
        ]
        screen().print(table(["due", "duty", "form", "by"], due, whole=["due"]))
    is_stopped = any(one.stops for one in found.items) or (
        found.period.status in {"open", "provisional"} and found.period.lacks is None
    )
    raise typer.Exit(EXIT_NOT_READY if is_stopped else 0)

"""The command that shows what a month needs to be final, and what falls due."""

from typing import Annotated

import typer

from stackmeter.commands.command import (
    EXIT_NOT_READY,
    AsJson,
    InLanguage,
    StateDir,
    Token,
    Url,
    answer_of,
    screen,
    service_of,
    table_in,
    words_of,
)


def month_end(
    park: Annotated[str, typer.Argument(help="The park.")],
    month: Annotated[str, typer.Argument(help="The month, such as 2026-10.")],
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """List what keeps a park's month from being final, what else to look at, and what falls due; each with what to type.

    Example: stackmeter month-end nam-cau-kien 2026-10

    Exit codes: 0 nothing keeps it from being closed, or it is, 1 something does, 2 token missing or wrong, 3 not reachable.
    """
    from datetime import date

    from plant.languages import day_text
    from reports.paper import label
    from stackmeter.commands.papers.papers_client import PapersClient

    with PapersClient(*service_of(state, url, token)) as client:
        found = answer_of(lambda: client.month_end(park, month, language))
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        words = words_of(language)
        status = words.word("status", found.period.status)
        typer.echo(words.of(label("said.month", park=park, month=month, status=status)))
        stops = words.text("head.stops")
        rows = [
            [stops if one.stops else "", words.word("item", one.kind), one.about, one.detail, one.command]
            for one in found.items
        ]
        screen().print(table_in(words, ["none", "what", "about", "detail", "command"], rows))
        due = [
            [
                day_text(date.fromisoformat(one.due), words.language),
                one.title + (" [?]" if one.unsure else ""),
                one.form or "",
                one.source,
            ]
            for one in found.duties
        ]
        screen().print(table_in(words, ["due", "duty", "form", "by_law"], due, whole=["due"]))
    is_stopped = any(one.stops for one in found.items) or (
        found.period.status in {"open", "provisional"} and found.period.lacks is None
    )
    raise typer.Exit(EXIT_NOT_READY if is_stopped else 0)

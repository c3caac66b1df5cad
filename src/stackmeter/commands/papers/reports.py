"""Commands about papers: which forms there are, a draft, an issue, what was issued, and whether a file is still true."""

from pathlib import Path
from typing import Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    AsJson,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    screen,
    table,
)

report = typer.Typer(
    no_args_is_help=True, help="Papers for auditors and authorities: drafts, and what was issued."
)

Place = Annotated[str, typer.Argument(help="PARK, or PARK/FACILITY.")]
Periods = Annotated[list[str], typer.Argument(help="A year, two years, or a month such as 2026-10.")]
InLanguage = Annotated[str, typer.Option(help="vi or en.")]


@report.command()
def forms(
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show the forms that papers are made by, and of which periods each is.

    Example: stackmeter report forms
    """
    with client_of(state, url, token) as client:
        found = answer_of(lambda: client.forms(language))
    if as_json:
        typer.echo(found.model_dump_json())
        return
    rows = [
        [
            one.form,
            one.title,
            one.takes,
            "facility" if one.facility else "park or facility",
            one.checked or "nobody",
        ]
        for one in found.forms
    ]
    screen().print(table(["form", "is", "of", "of a", "words checked by"], rows, whole=["form"]))


@report.command()
def make(
    form: Annotated[str, typer.Argument(help="The form; `stackmeter report forms` names them.")],
    place: Place,
    periods: Periods,
    to: Annotated[
        Path,
        typer.Option("--to", help="File to write; its ending says which kind: docx, xlsx, csv, json, html."),
    ],
    language: InLanguage = "vi",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Fill a form from what the service knows at this moment, as a draft: nothing is kept of it.

    Each page says that it is a draft. What is still open before it can be issued is listed in it.

    Example: stackmeter report make form06 nam-cau-kien/mill 2025 2026 --to form06.docx

    Exit codes: 0 written, 1 no such form, place or period, 2 token or file wrong, 3 not reachable.
    """
    kind = to.suffix.removeprefix(".")
    with client_of(state, url, token) as client:
        content = answer_of(lambda: client.filled_form(form, kind, place, periods, language))
    _save(to, content)


def _save(to: Path, content: bytes) -> None:
    try:
        to.write_bytes(content)
    except OSError as error:
        typer.echo(f"{to} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(EXIT_CONFIG) from None
    typer.echo(f"{to}: {len(content):,} bytes", err=True)

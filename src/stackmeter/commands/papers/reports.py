"""Commands about papers: which forms there are, a draft, an issue, what was issued, and whether a file is still true."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_NOT_READY,
    AsJson,
    InLanguage,
    StateDir,
    Token,
    Url,
    answer_of,
    or_exit,
    screen,
    service_of,
    table_in,
    valid,
    words_of,
)

if TYPE_CHECKING:
    from api.reports.issued import ReportBody
    from reports.words import Words
    from stackmeter.commands.papers.papers_client import PapersClient

report = typer.Typer(
    no_args_is_help=True, help="Papers for auditors and authorities: drafts, and what was issued."
)

Place = Annotated[str, typer.Argument(help="PARK, or PARK/FACILITY.")]
Periods = Annotated[list[str], typer.Argument(help="A year, two years, or a month such as 2026-10.")]


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
    with _client(state, url, token) as client:
        found = answer_of(lambda: client.forms(language))
    if as_json:
        typer.echo(found.model_dump_json())
        return
    words = words_of(language)
    rows = [
        [
            one.form,
            one.title,
            words.word("takes", one.takes),
            words.text("paper.facility" if one.facility else "paper.park_or_facility"),
            one.checked or words.text("paper.nobody"),
        ]
        for one in found.forms
    ]
    columns = ["form", "title", "takes", "place", "words_checked"]
    screen().print(table_in(words, columns, rows, whole=["form"]))


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
    with _client(state, url, token) as client:
        content = answer_of(lambda: client.filled_form(form, kind, place, periods, language))
    _save(to, content)


@report.command()
def issue(
    form: Annotated[str, typer.Argument(help="The form; `stackmeter report forms` names them.")],
    place: Place,
    periods: Periods,
    by: Annotated[
        str | None, typer.Option(help="Who issues it; it is kept.", show_default="the name of your key")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Write a file of it too; its ending says which kind.", show_default="none"),
    ] = None,
    language: InLanguage = "vi",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Issue a paper: it gets a number and a revision, and its bytes are kept. It takes the role approver.

    Each month of it must be final and each source in a class; what is still open is said. Issued again, after a month was restated, it has the
    next revision; the one before stays as it is.

    Example: stackmeter report issue form06 nam-cau-kien/mill 2025 2026 --by lan --to form06.docx

    Exit codes: 0 issued, 1 not issued, 2 token or words wrong, 3 not reachable.
    """
    from api.reports.issued import IssueWantedBody

    park, _, facility = place.partition("/")
    wanted = valid(
        IssueWantedBody,
        form=form,
        park=park,
        facility=facility or None,
        periods=",".join(periods),
        language=language,
        by=by,
    )
    with _client(state, url, token) as client:
        told = answer_of(lambda: client.issue(wanted))
        if to is not None and told.outcome == "done":
            _save(to, answer_of(lambda: client.report_file(told.id, to.suffix.removeprefix("."))))
    typer.echo(told.model_dump_json() if as_json else f"{told.detail} ({told.id})")
    raise typer.Exit(0 if told.outcome == "done" else EXIT_NOT_READY)


@report.command("list")
def listed(
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show what was issued, the newest first, and whether it still says what the ledger does.

    Example: stackmeter report list
    """
    with _client(state, url, token) as client:
        found = answer_of(client.reports)
    if as_json:
        typer.echo(found.model_dump_json())
        return
    words = words_of(language)
    rows = [
        [
            f"{one.number} r{one.revision}",
            one.form,
            _place(one),
            " ".join(one.periods),
            one.language,
            one.issued_at,
            one.issued_by,
            _standing(one, words),
            one.id,
        ]
        for one in found.reports
    ]
    columns = ["number", "form", "of", "periods", "in", "issued", "by", "stands", "id"]
    screen().print(table_in(words, columns, rows, whole=["number", "id"]))


@report.command()
def save(
    report_id: Annotated[
        str, typer.Argument(metavar="ID", help="Its id; `stackmeter report list` shows it.")
    ],
    to: Annotated[Path, typer.Option("--to", help="File to write; its ending says which kind.")],
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Write a file of a report, byte by byte as it was issued.

    Example: stackmeter report save 0b5c --to form06.docx

    Exit codes: 0 written, 1 no such report, 2 token or file wrong, 3 not reachable.
    """
    with _client(state, url, token) as client:
        _save(to, answer_of(lambda: client.report_file(report_id, to.suffix.removeprefix("."))))


@report.command()
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file that somebody has.")],
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a file is one of ours, byte by byte, and whether it is still true.

    Example: stackmeter report verify form06.docx

    Exit codes: 0 it is ours and still true, 1 it is not ours, or overtaken or replaced, 2 token or file wrong, 3 not reachable.
    """
    from hashlib import sha256

    content = or_exit(file.read_bytes, {OSError: EXIT_CONFIG})
    with _client(state, url, token) as client:
        found = answer_of(lambda: client.report_of(f"sha256:{sha256(content).hexdigest()}"))
    if as_json:
        typer.echo(found.model_dump_json())
    elif found.report is None:
        typer.echo(
            f"{file}: not ours, or not as it was issued: no report that you may see has a file with these bytes"
        )
    else:
        one = found.report
        typer.echo(
            f"{file}: report {one.number}, revision {one.revision}: {one.form} of {_place(one)}, {' and '.join(one.periods)},"
            f" issued by {one.issued_by} at {one.issued_at}; {_standing(one, words_of('en'))}"
        )
    is_true = found.report is not None and found.report.status == "issued"
    raise typer.Exit(0 if is_true else EXIT_NOT_READY)


def _client(state: Path | None, url: str | None, token: str | None) -> "PapersClient":
    from stackmeter.commands.papers.papers_client import PapersClient

    return PapersClient(*service_of(state, url, token))


def _place(one: "ReportBody") -> str:
    return f"{one.park}/{one.facility}" if one.facility else one.park


def _standing(one: "ReportBody", words: "Words") -> str:
    from plant.numbers import in_digits
    from reports.paper import label

    if one.overtaken_t is None:
        return words.word("paper", one.status)
    change = in_digits(f"{one.overtaken_t:+.3f}", words.language)
    return words.of(label("paper.overtaken_by", t=change, months=", ".join(one.overtaken_months)))


def _save(to: Path, content: bytes) -> None:
    try:
        to.write_bytes(content)
    except OSError as error:
        typer.echo(f"{to} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(EXIT_CONFIG) from None
    typer.echo(f"{to}: {len(content):,} bytes", err=True)

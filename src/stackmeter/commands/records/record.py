"""Commands about records: record list, approve, refuse, withdraw, strike; and those with which they come in."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    AsJson,
    InLanguage,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    screen,
    table_in,
    words_of,
)
from stackmeter.commands.records import entering, invoices
from stackmeter.commands.records.options import By, Reason, body_of, decide
from stackmeter.views.local import local

if TYPE_CHECKING:
    from datetime import tzinfo

    from api.records.bodies import RecordBody
    from plant.languages import Language
    from reports.words import Words

record = typer.Typer(
    no_args_is_help=True,
    help="Amounts that no meter sees: entered by one person with a file that proves them, approved by another.",
)
record.command()(entering.evidence)
record.command()(entering.add)
record.command()(entering.replace)
record.command("import")(entering.import_rows)
record.command()(invoices.invoice)

Numbers = Annotated[list[str], typer.Argument(metavar="RECORD...", help="Ids, as list shows them.")]


@record.command("list")
def list_records(
    park: Annotated[str | None, typer.Option(help="Only of this park.", show_default="all")] = None,
    facility: Annotated[str | None, typer.Option(help="Only of this facility.", show_default="all")] = None,
    channel: Annotated[str | None, typer.Option(help="Only of this channel.", show_default="all")] = None,
    standing: Annotated[
        str | None,
        typer.Option(
            "--state-of",
            help="entered, approved, refused, withdrawn, replaced or struck.",
            show_default="all",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Reaching beyond this time, with zone.", show_default="any")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Begun before this time, with zone.", show_default="any")
    ] = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show records and how they stand, those that were entered last first.

    Example: stackmeter record list --state-of entered

    Exit codes: 0 told, 1 no such thing, 2 token missing or wrong, 3 not reachable.
    """
    asked = {
        "park": park, "facility": facility, "channel": channel, "state": standing, "from": since, "to": until,
    }  # fmt: skip
    with client_of(state, url, token) as client:
        found, zone = answer_of(lambda: client.records(**asked)), client.zone
    if as_json:
        told = {"records": [one.model_dump(by_alias=True, mode="json") for one in found]}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    words = words_of(language)
    if not found:
        typer.echo(words.text("said.no_record"))
        return
    columns = ["id", "state", "channel", "from", "to", "value", "said_by", "entered_by", "approved_by"]
    rows = [_row(one, zone, words) for one in found]
    screen().print(table_in(words, columns, rows, right={"value"}, whole={"id"}))


@record.command()
def approve(
    records: Numbers,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Approve records: they count from now on. Who entered one does not approve it.

    Example: stackmeter record approve 1042-1

    Exit codes: 0 done, 1 refused or not taken yet, 2 token missing or wrong, 3 not reachable.
    """
    _act(records, "approve", None, by, language, (state, url, token), as_json=as_json)


@record.command()
def refuse(
    records: Numbers,
    reason: Reason,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Refuse records that wait for approval, and say why.

    Example: stackmeter record refuse 1042-1 --reason "the invoice is of another plant"

    Exit codes: 0 done, 1 refused or not taken yet, 2 token missing or wrong, 3 not reachable.
    """
    _act(records, "refuse", reason, by, language, (state, url, token), as_json=as_json)


@record.command()
def withdraw(
    records: Numbers,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw records that you have entered and nobody has approved yet.

    Example: stackmeter record withdraw 1042-1

    Exit codes: 0 done, 1 refused or not taken yet, 2 token missing or wrong, 3 not reachable.
    """
    _act(records, "withdraw", None, by, language, (state, url, token), as_json=as_json)


@record.command()
def strike(
    records: Numbers,
    reason: Reason,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Strike approved records: they count no longer, and stay to be seen. In a final month that waits for approval.

    Example: stackmeter record strike 1042-1 --reason "counted by the meter since October"

    Exit codes: 0 done, 1 refused or not taken yet, 2 token missing or wrong, 3 not reachable.
    """
    _act(records, "strike", reason, by, language, (state, url, token), as_json=as_json)


def _act(
    records: list[str],
    action: str,
    reason: str | None,
    by: str | None,
    language: "Language",
    where: tuple[StateDir, Url, Token],
    *,
    as_json: bool,
) -> None:
    body = body_of(action, reason, by)
    with client_of(*where) as client:
        decide(client, records, client.decide_record, body, language, as_json=as_json)


def _row(one: "RecordBody", zone: "tzinfo", words: "Words") -> list[str]:
    from plant.languages import quantity_text

    return [
        one.id,
        words.word("standing", one.state),
        f"{one.park}/{one.facility}/{one.channel}",
        local(one.start, zone),
        "-" if one.end is None else local(one.end, zone),
        quantity_text(one.value, one.unit, words.language),
        one.source,
        one.entered_by,
        one.approved_by or "-",
    ]

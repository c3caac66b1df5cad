"""Commands with which records come in: record evidence, add, replace, import."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    table_in,
    valid,
    words_of,
)
from stackmeter.commands.records.options import (
    NOT_YET,
    By,
    Evidence,
    Numbers,
    digest_of_file,
    exit_of,
    hand_in_table,
    number_of,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.records.bodies import EffectBody, RecordBody
    from plant.languages import Language
    from reports.words import Words
    from stackmeter.client.calls import Client


def evidence(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="PDF, PNG, JPEG, XML, XLSX or CSV.")
    ],
    by: By = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Hand in a file that proves records, and print the digest by which they name it.

    It is kept beside the state, once, and is in the backup. What it is says what is in it; 10 MiB at most, no macros.

    Example: stackmeter record evidence invoice-2026-10.pdf

    Exit codes: 0 kept, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    with client_of(state, url, token) as client:
        digest = digest_of_file(client, str(file), by)
    typer.echo(json.dumps({"digest": digest}) if as_json else digest)


def add(
    channel: Annotated[
        str, typer.Option(metavar="PARK/FACILITY/CHANNEL", help="A channel with entered: true.")
    ],
    start: Annotated[str, typer.Option("--from", help="First day on the park's clock, or a time with zone.")],
    value: Annotated[str, typer.Option(help="The amount, or the level.")],
    unit: Annotated[str, typer.Option(help="Any unit of the channel's quantity.")],
    source: Annotated[str, typer.Option(help="What says so, such as the number of the invoice.")],
    evidence: Evidence,
    end: Annotated[
        str | None,
        typer.Option("--to", help="The day after its last one.", show_default="none: a level holds"),
    ] = None,
    note: Annotated[str, typer.Option(help="What else is to be known.")] = "",
    numbers: Numbers = None,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Enter a record: an amount over a stretch of time, or a level from a day on. Another person approves it; then it counts.

    Example: stackmeter record add --channel nam-cau-kien/mill/invoice/electricity --from 2026-10-12 --to 2026-11-12
    --value 310000 --unit kWh --source "EVN invoice 1C26TAB 00001234" --evidence invoice.pdf

    Exit codes: 0 entered, 1 refused or not taken yet, 2 token missing or wrong, or not well written, 3 not reachable.
    """
    said = {"channel": channel, "from": start, "to": end, "unit": unit, "source": source, "note": note}
    amount = number_of(value, numbers)
    with client_of(state, url, token) as client:
        _enter(client, said | {"value": amount, "by": by}, evidence, language, as_json=as_json)


def replace(
    record: Annotated[str, typer.Argument(help="The approved record that it takes the place of.")],
    evidence: Evidence,
    value: Annotated[str | None, typer.Option(help="The amount.", show_default="as before")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Its first day.", show_default="as before")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="The day after its last.", show_default="as before")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Its unit.", show_default="as before")] = None,
    source: Annotated[str | None, typer.Option(help="What says so.", show_default="as before")] = None,
    note: Annotated[str | None, typer.Option(help="Why.", show_default="as before")] = None,
    numbers: Numbers = None,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Enter a record that replaces an approved one, which counts until another person approves the new one.

    Example: stackmeter record replace 1042-1 --value 301000 --evidence corrected.pdf --note "the invoice was corrected"

    Exit codes: 0 entered, 1 refused or not taken yet, 2 token missing or wrong, or not well written, 3 not reachable.
    """
    amount = None if value is None else number_of(value, numbers)
    with client_of(state, url, token) as client:
        before = _one(client, record)
        said = {
            "channel": f"{before.park}/{before.facility}/{before.channel}", "from": start or before.start,
            "to": end or before.end, "value": before.value if amount is None else amount, "unit": unit or before.unit,
            "source": source or before.source, "note": before.note if note is None else note,
            "replaces": record, "by": by,
        }  # fmt: skip
        _enter(client, said, evidence, language, as_json=as_json)


def import_rows(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file, at most 1,000 rows.")],
    numbers: Numbers = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only say what would be refused, and what would change, in tonnes."),
    ] = False,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Enter a table of records, all of its rows or none: channel,from,to,value,unit,source,evidence,note.

    In the column evidence stands a digest, or the name of a file beside the table, which is handed in, with --check too.

    Example: stackmeter record import invoices-2026.csv --numbers vi --check

    Exit codes: 0 entered, or nothing would be refused, 1 refused or not taken yet, 2 token missing or wrong, or no table,
    3 not reachable.
    """
    asked = {"numbers": numbers, "by": by, "check": "true" if check else None, "language": language}
    with client_of(state, url, token) as client:
        told = hand_in_table(client, file, asked, client.import_records, as_json=as_json)
    if told.effect and not as_json:
        _show(told.effect, words_of(language))
    raise exit_of(told)


def _enter(
    client: "Client", said: dict[str, Any], evidence: str, language: "Language", *, as_json: bool
) -> None:
    from api.records.bodies import EnterBody

    body = valid(EnterBody, **said, evidence=NOT_YET)
    digest = digest_of_file(client, evidence, said["by"])
    whole = body.model_copy(update={"evidence": digest})
    tell(client, answer_of(lambda: client.enter_record(whole, language)), as_json=as_json)


def _one(client: "Client", number: str) -> "RecordBody":
    found = [one for one in answer_of(client.records) if one.id == number]
    if not found:
        typer.echo(f"there is no record {number}", err=True)
        raise typer.Exit(EXIT_NOT_READY)
    return found[0]


def _show(effect: "Sequence[EffectBody]", words: "Words") -> None:
    from plant.languages import number_text

    unknown = words.text("said.unknown")
    rows = [
        [
            one.source,
            str(one.records),
            unknown if one.co2e_t is None else number_text(one.co2e_t, words.language),
        ]
        for one in effect
    ]
    columns = ["source", "records", "more"]
    screen().print(table_in(words, columns, rows, right={"records", "more"}))

"""Commands about movements of instruments: movement add, import, list, approve, refuse, withdraw, strike."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackmeter.commands.command import (
    AsJson,
    InLanguage,
    StateDir,
    Token,
    Url,
    answer_of,
    screen,
    service_of,
    table_in,
    valid,
    words_of,
)
from stackmeter.commands.records.options import (
    NOT_YET,
    By,
    Numbers,
    Reason,
    body_of,
    decide,
    digest_of_file,
    exit_of,
    hand_in_table,
    number_of,
    tell,
)

if TYPE_CHECKING:
    from api.market.bodies import MovementBody
    from plant.languages import Language
    from reports.words import Words
    from stackmeter.commands.market.market_client import MarketClient

movement = typer.Typer(
    no_args_is_help=True,
    help="What was granted, bought, sold, surrendered or retired: entered by one person with a file that proves it, approved by another.",
)

Movements = Annotated[list[str], typer.Argument(metavar="MOVEMENT...", help="Ids, as list shows them.")]


@movement.command()
def add(
    instrument: Annotated[
        str,
        typer.Option(
            metavar="PARK/FACILITY/INSTRUMENT", help="As configured; of a park's own PARK/INSTRUMENT."
        ),
    ],
    act: Annotated[
        str,
        typer.Option(
            help="granted, carried, issued, bought, delivered, sold, surrendered, cancelled, retired or expired."
        ),
    ],
    day: Annotated[str, typer.Option(help="On the park's clock, such as 2026-11-12; not after today.")],
    amount: Annotated[str, typer.Option(help="In the instrument's unit, t or MWh.")],
    source: Annotated[str, typer.Option(help="What says so, such as the number of the contract.")],
    file: Annotated[
        str, typer.Option(help="File that proves it, which is handed in, or the digest of one that was.")
    ],
    year: Annotated[
        int | None,
        typer.Option(help="Which year it is of, or for.", show_default="none, as of bought credits"),
    ] = None,
    serials: Annotated[
        list[str] | None,
        typer.Option(help='A range such as "VCS-VN-2024 1-600"; once for each.', show_default="none"),
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
    """Enter a movement of an instrument. Another person approves it; then it counts.

    Example: stackmeter movement add --instrument nam-cau-kien/mill/credits --act bought --day 2026-11-12 --amount 600
    --serials "VCS-VN-2024 1-600" --source "contract 7/2026" --file contract.pdf

    Exit codes: 0 entered, 1 refused or not taken yet, 2 token missing or wrong, or not well written, 3 not reachable.
    """
    from api.market.bodies import EnterMovementBody

    said = {"instrument": instrument, "act": act, "day": day, "year": year, "source": source, "note": note}
    moved = {"amount": number_of(amount, numbers), "serials": _ranges(serials or ())}
    body = valid(EnterMovementBody, **said, **moved, evidence=NOT_YET, by=by)
    with _client(state, url, token) as client:
        whole = body.model_copy(update={"evidence": digest_of_file(client, file, by)})
        tell(client, answer_of(lambda: client.enter_movement(whole, language)), as_json=as_json)


@movement.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file, at most 1,000 rows.")],
    numbers: Numbers = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what would be refused.")] = False,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Enter a table of movements, all of its rows or none: instrument,act,day,amount,year,serials,source,evidence,note. Another person approves each.

    They count in the order of their days, whatever the order of the rows. In the column serials stand ranges with a semicolon
    between, in evidence a digest, or the name of a file beside the table, which is handed in, with --check too.

    Example: stackmeter movement import movements-2026.csv --numbers vi --check

    Exit codes: 0 entered, or nothing would be refused, 1 refused or not taken yet, 2 token missing or wrong, or no table,
    3 not reachable.
    """
    asked = {"numbers": numbers, "by": by, "check": "true" if check else None, "language": language}
    with _client(state, url, token) as client:
        told = hand_in_table(client, file, asked, client.import_movements, as_json=as_json)
    raise exit_of(told)


@movement.command("list")
def list_movements(
    park: Annotated[str | None, typer.Option(help="Only of this park.", show_default="all")] = None,
    facility: Annotated[str | None, typer.Option(help="Only of this facility.", show_default="all")] = None,
    instrument: Annotated[
        str | None, typer.Option(help="Only of instruments of this name.", show_default="all")
    ] = None,
    standing: Annotated[
        str | None,
        typer.Option(
            "--state-of", help="entered, approved, refused, withdrawn or struck.", show_default="all"
        ),
    ] = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show movements and how they stand, those that were entered last first.

    Example: stackmeter movement list --state-of entered

    Exit codes: 0 told, 1 no such thing, 2 token missing or wrong, 3 not reachable.
    """
    asked = {"park": park, "facility": facility, "instrument": instrument, "state": standing}
    with _client(state, url, token) as client:
        found = answer_of(lambda: client.movements(**asked))
    if as_json:
        told = {"movements": [one.model_dump(mode="json") for one in found]}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    words = words_of(language)
    if not found:
        typer.echo(words.text("said.no_movement"))
        return
    columns = [
        "id",
        "state",
        "instrument",
        "act",
        "day",
        "amount",
        "year",
        "said_by",
        "entered_by",
        "approved_by",
    ]
    rows = [_row(one, words) for one in found]
    screen().print(table_in(words, columns, rows, right={"amount"}, whole={"id", "day"}))


@movement.command()
def approve(
    movements: Movements,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Approve movements: they count from now on. Who entered one does not approve it.

    Example: stackmeter movement approve 1042

    Exit codes: 0 done, 1 refused or not taken yet, 2 token missing or wrong, 3 not reachable.
    """
    _act(movements, "approve", None, by, language, (state, url, token), as_json=as_json)


@movement.command()
def refuse(
    movements: Movements,
    reason: Reason,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Refuse movements that wait for approval, and say why.

    Example: stackmeter movement refuse 1042 --reason "the contract is of another plant"

    Exit codes: 0 done, 1 refused or not taken yet, 2 token missing or wrong, 3 not reachable.
    """
    _act(movements, "refuse", reason, by, language, (state, url, token), as_json=as_json)


@movement.command()
def withdraw(
    movements: Movements,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw movements that you have entered and nobody has approved yet.

    Example: stackmeter movement withdraw 1042

    Exit codes: 0 done, 1 refused or not taken yet, 2 token missing or wrong, 3 not reachable.
    """
    _act(movements, "withdraw", None, by, language, (state, url, token), as_json=as_json)


@movement.command()
def strike(
    movements: Movements,
    reason: Reason,
    by: By = None,
    language: InLanguage = "en",
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Strike approved movements: they count no longer, and stay to be seen. Refused where others rest on one.

    Example: stackmeter movement strike 1042 --reason "the sale was undone"

    Exit codes: 0 done, 1 refused or not taken yet, 2 token missing or wrong, 3 not reachable.
    """
    _act(movements, "strike", reason, by, language, (state, url, token), as_json=as_json)


def _act(
    movements: list[str],
    action: str,
    reason: str | None,
    by: str | None,
    language: "Language",
    where: tuple[StateDir, Url, Token],
    *,
    as_json: bool,
) -> None:
    body = body_of(action, reason, by)
    with _client(*where) as client:
        decide(client, movements, client.decide_movement, body, language, as_json=as_json)


def _client(state: StateDir, url: Url, token: Token) -> "MarketClient":
    from stackmeter.commands.market.market_client import MarketClient

    return MarketClient(*service_of(state, url, token))


def _ranges(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Return ranges of serials as the position tells them; exit where one is none: `series first-last`, or `series number`."""
    from api.market.bodies import NoRange, serials_of

    try:
        return serials_of(";".join(texts))
    except NoRange as error:
        raise typer.BadParameter(str(error), param_hint="--serials") from None


def _row(one: "MovementBody", words: "Words") -> list[str]:
    from plant.languages import quantity_text

    return [
        one.id,
        words.word("standing", one.state),
        "/".join(filter(None, (one.park, one.facility, one.instrument))),
        words.word("act", one.act),
        one.day,
        quantity_text(one.amount, one.unit or "", words.language),
        "-" if one.year is None else str(one.year),
        one.source,
        one.entered_by,
        one.approved_by or "-",
    ]

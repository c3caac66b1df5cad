"""The command with which a line of an e-invoice becomes a record: record invoice."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    AsJson,
    StateDir,
    Token,
    Url,
    answer_of,
    client_of,
    or_exit,
    screen,
    table,
    valid,
)
from stackmeter.commands.records.options import By, digest_of_file, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from plant.documents.invoice import Invoice, InvoiceItem


def invoice(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="XML of an e-invoice.")],
    channel: Annotated[
        str | None,
        typer.Option(
            metavar="PARK/FACILITY/CHANNEL", help="A channel with entered: true.", show_default="only show it"
        ),
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day that it is for.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The day after its last one.")] = None,
    line: Annotated[int, typer.Option(min=1, help="Which of its lines.")] = 1,
    unit: Annotated[
        str | None, typer.Option(help="The unit, where its own is none.", show_default="as it is written")
    ] = None,
    by: By = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show an e-invoice (XML), or enter one of its lines as a record whose evidence is the file itself.

    An invoice does not say in a field of its own which days it is for: they are given. Seller, number and day become the source. The names
    of its elements are from memory of Decision 1450/QD-TCT, and its signature is not checked: look at what is shown before you enter it.

    Example: stackmeter record invoice 1C26TAB-1234.xml --channel nam-cau-kien/mill/invoice/electricity --from 2026-10-12 --to 2026-11-12

    Exit codes: 0 entered or shown, 1 refused or not taken yet, 2 token missing or wrong, or no e-invoice, 3 not reachable.
    """
    from plant.documents.invoice import InvoiceError, read_invoice

    found = or_exit(lambda: _named(read_invoice, file), {InvoiceError: EXIT_CONFIG, OSError: EXIT_CONFIG})
    if channel is None:
        _show(found, as_json=as_json)
        return
    if start is None or end is None:
        raise typer.BadParameter(
            "are needed to enter it: an invoice does not say which days it is for",
            param_hint="--from and --to",
        )
    item = _item(found, line, unit)
    from api.records.bodies import EnterBody

    with client_of(state, url, token) as client:
        digest = digest_of_file(client, str(file), by)
        said = {"channel": channel, "from": start, "to": end, "value": item.amount, "unit": unit or item.unit}
        body = valid(EnterBody, **said, source=found.source[:500], evidence=digest, note=item.title, by=by)
        tell(client, answer_of(lambda: client.enter_record(body)), as_json=as_json)


def _named(read: "Callable[[bytes], Invoice]", file: Path) -> "Invoice":
    from plant.documents.invoice import LARGEST, InvoiceError

    with file.open("rb") as opened:
        content = opened.read(LARGEST + 1)
    try:
        return read(content)
    except InvoiceError as error:
        raise InvoiceError(f"{file} {error}") from error


def _item(found: "Invoice", line: int, unit: str | None) -> "InvoiceItem":
    if line > len(found.items):
        raise typer.BadParameter(f"it has {len(found.items)} lines with an amount", param_hint="--line")
    item = found.items[line - 1]
    if not item.unit and unit is None:
        raise typer.BadParameter(
            f"line {line} is in {item.written_unit!r}, which is no unit known here: say which",
            param_hint="--unit",
        )
    return item


def _show(found: "Invoice", *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    if as_json:
        typer.echo(
            json.dumps(
                {**asdict(found), "day": found.day.isoformat(), "source": found.source}, ensure_ascii=False
            )
        )
        return
    typer.echo(f"{found.source}; buyer {' '.join(found.buyer)}")
    rows = [
        [str(n), one.title, f"{one.amount:,.10g}", one.unit or f"{one.written_unit} (?)"]
        for n, one in enumerate(found.items, 1)
    ]
    screen().print(table(["line", "what", "amount", "unit"], rows, right={"amount"}))

"""What commands about records and movements are given, and how they tell what became of it."""

import csv
import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import EXIT_CONFIG, EXIT_NOT_READY, answer_of, or_exit, valid, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from api.market.bodies import MovementDecidedBody
    from api.records.bodies import ActBody, RecordDecidedBody, TableBody
    from plant.languages import Language
    from stackmeter.client.calls import Client

    Told = RecordDecidedBody | MovementDecidedBody
    Table = TypeVar("Table", bound=TableBody)

LARGEST = 10 << 20  # bytes of a file
NOT_YET = f"sha256:{'0' * 64}"  # stands for a file while all else is looked at, so that nothing is handed in for what is not well written

By = Annotated[
    str | None,
    typer.Option(
        help="Who does it; needed with the state directory's token.", show_default="the name of your key"
    ),
]
Numbers = Annotated[
    str | None,
    typer.Option(
        help="How numbers are written: vi (1.234,5) or en (1,234.5).", show_default="whole digits alone"
    ),
]
Reason = Annotated[str, typer.Option(help="Why; it is kept and shown.")]
Evidence = Annotated[
    str, typer.Option(help="File that proves it, which is handed in, or the digest of one that was.")
]


def digest_of_file(client: "Client", given: str, by: str | None, beside: Path = Path()) -> str:
    """Return the digest of a file, which is handed in, or what is a digest already; exit where it cannot be."""
    if given.startswith("sha256:"):
        return given
    file = beside / given
    content = or_exit(lambda: _read(file), {OSError: EXIT_CONFIG, ValueError: EXIT_CONFIG})
    return str(answer_of(lambda: client.hand_in(content, by)).digest)


def with_digests(client: "Client", file: Path, by: str | None) -> bytes:
    """Return a table whose column evidence holds digests alone; each file is handed in once."""
    from stackmeter.views.view import files_progress

    text = file.read_bytes().decode("utf-8-sig")
    mark = ";" if ";" in text.partition("\n")[0] else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    names = [name.strip() for name in rows[0]] if rows else []
    if "evidence" not in names:
        return text.encode()
    place = names.index("evidence")
    cells = [row for row in rows[1:] if place < len(row) and row[place].strip()]
    given = list(dict.fromkeys(row[place].strip() for row in cells))
    digests = dict[str, str]()
    with files_progress(len(given)) as tell_of:
        for number, one in enumerate(given, start=1):
            digests[one] = digest_of_file(client, one, by, file.parent)
            tell_of(number)
    for row in cells:
        row[place] = digests[row[place].strip()]
    made = io.StringIO()
    csv.writer(made, delimiter=mark).writerows(rows)
    return made.getvalue().encode()


def hand_in_table(
    client: "Client",
    file: Path,
    asked: "Mapping[str, str | None]",
    hand_over: "Callable[[bytes, Mapping[str, str | None]], Table]",
    *,
    as_json: bool,
) -> "Table":
    """Hand over a table with the files that it names, and say what became of it; its language is that of `asked`."""
    from reports.paper import label

    wrong = {OSError: EXIT_CONFIG, ValueError: EXIT_CONFIG, csv.Error: EXIT_CONFIG}
    content = or_exit(lambda: with_digests(client, file, asked["by"]), wrong)
    told = answer_of(lambda: hand_over(content, asked))
    if as_json:
        typer.echo(told.model_dump_json())
        return told
    typer.echo(client.localised(told.detail))
    words = words_of("vi" if asked["language"] == "vi" else "en")
    for one in told.problems:
        row = words.of(label("said.row", row=str(one.row))) + (f", {one.column}" if one.column else "")
        typer.echo(client.localised(f"{row}: {one.detail}"))
    return told


def exit_of(told: "TableBody") -> typer.Exit:
    """Return whether a table is entered, or would be."""
    is_well = not told.problems and told.outcome in ("done", "checked")
    return typer.Exit(0 if is_well else EXIT_NOT_READY)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"{file} has more than {LARGEST >> 20} MiB: hand in a smaller picture of it")
    return content


def number_of(text: str, numbers: str | None) -> float:
    """Return a number as it was meant; exit where nobody can say which it is."""
    from plant.numbers import NoNumber, parse_number

    if numbers not in (None, "vi", "en"):
        raise typer.BadParameter("vi or en", param_hint="--numbers")
    language = numbers
    return or_exit(lambda: parse_number(text, language), {NoNumber: EXIT_CONFIG})  # type: ignore[arg-type]  # looked at above


def tell(client: "Client", told: "Told", *, as_json: bool) -> None:
    """Say what became of a decision, and exit with whether it is done."""
    raise typer.Exit(0 if _is_done(client, told, as_json=as_json) else EXIT_NOT_READY)


def body_of(action: str, reason: str | None, by: str | None) -> "ActBody":
    """Return what somebody decides; exit where it is not well written."""
    from api.records.bodies import ActBody

    return valid(ActBody, action=action, reason=reason, by=by)


def decide(
    client: "Client",
    numbers: "Iterable[str]",
    decide_of: "Callable[[str, ActBody, str], Told]",
    body: "ActBody",
    language: "Language",
    *,
    as_json: bool,
) -> None:
    """Decide of each by its number, say of each what became of it, and exit with whether all are done."""
    is_done = True
    for number in numbers:
        is_done &= _is_done(client, answer_of(partial(decide_of, number, body, language)), as_json=as_json)
    raise typer.Exit(0 if is_done else EXIT_NOT_READY)


def _is_done(client: "Client", told: "Told", *, as_json: bool) -> bool:
    typer.echo(told.model_dump_json(by_alias=True) if as_json else client.localised(told.detail))
    return told.outcome == "done"

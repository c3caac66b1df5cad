"""What commands about records are given, and how they tell what became of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import EXIT_CONFIG, EXIT_NOT_READY, answer_of, or_exit

if TYPE_CHECKING:
    from api.records.bodies import RecordDecidedBody
    from stackmeter.client.calls import Client

LARGEST = 10 << 20  # bytes of a file

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


def tell(client: "Client", told: "RecordDecidedBody", *, as_json: bool) -> None:
    """Say what became of a decision, and exit with whether it is done."""
    typer.echo(told.model_dump_json(by_alias=True) if as_json else client.localised(told.detail))
    raise typer.Exit(0 if told.outcome == "done" else EXIT_NOT_READY)

"""Commands about meters: meter swap."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from stackmeter.commands.command import EXIT_CONFIG, AsJson, ConfigDir, configured, failures, or_exit

if TYPE_CHECKING:
    from plant.arrays import Readings
    from plant.park import Channel, Swap

Made = TypeVar("Made")
Reading = tuple[int, float]

meters = typer.Typer(no_args_is_help=True, help="Meters: write down that one was replaced.")


@meters.callback()
def _group() -> None:
    """Keep `swap` a command of its own, however few there are."""


@meters.command()
def swap(
    channel: Annotated[
        str, typer.Argument(metavar="PARK/FACILITY/CHANNEL", help="The register whose meter it is.")
    ],
    time: Annotated[
        str, typer.Option(help="When the new meter took over, with zone: 2026-11-24T09:30:00+07:00.")
    ],
    first_new: Annotated[float, typer.Option(min=0, help="The new meter's first display [channel's unit].")],
    final_old: Annotated[
        float | None,
        typer.Option(
            min=0, help="The old meter's last display [channel's unit].", show_default="nobody read it: a gap"
        ),
    ] = None,
    serial: Annotated[str | None, typer.Option(help="The new meter's serial number.")] = None,
    ratio: Annotated[
        float | None, typer.Option(help="The new meter's ratio [1].", show_default="as before")
    ] = None,
    max_rate: Annotated[
        float | None, typer.Option(help="The new meter's max_rate [unit per hour].", show_default="as before")
    ] = None,
    modulus: Annotated[
        float | None, typer.Option(help="The new meter's modulus [channel's unit].", show_default="as before")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change, write nothing.")] = False,
    config: ConfigDir = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="State directory, to compare with the readings around it.", show_default="not compared"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write into the configuration that a meter was replaced, so that its energy goes on without a jump.

    The lines go into the facility's `swaps`; all else in the file stays as it is. The whole configuration is checked with
    them first. With --state, displays that the stored readings deny are refused.

    Example: stackmeter meter swap nam-cau-kien/mill/compressors/active_energy --time 2026-11-24T09:30:00+07:00
    --final-old 8812345.6 --first-new 0 --serial NCK-M-0107 --dry-run

    Exit codes: 0 written, or shown, 2 refused.
    """
    from stackmeter.field import swaps

    at = _instant(time)
    settings, plant, _ = configured(config, state, as_json=as_json)
    refused: dict[type[Exception], int] = {swaps.SwapRefused: EXIT_CONFIG, **failures()}
    numbers: dict[str, float | None] = {
        "final_old": final_old,
        "first_new": first_new,
        "ratio": ratio,
        "max_rate": max_rate,
        "modulus": modulus,
    }
    fields: dict[str, str] = {
        "time": time,
        **{name: repr(value) for name, value in numbers.items() if value is not None},
    }
    if serial is not None:
        fields["serial"] = json.dumps(serial, ensure_ascii=False)
    found = or_exit(lambda: swaps.channel_of(plant, channel), refused, as_json=as_json)
    made = or_exit(lambda: swaps.edit(settings.config, found, fields), refused, as_json=as_json)
    if state is not None:
        or_exit(lambda: _compare(settings.state, found, _swap(at, numbers)), refused)
    if not dry_run:
        or_exit(made.write, failures())
    if as_json:
        typer.echo(json.dumps({"file": str(made.file), "written": not dry_run, "diff": made.diff()}))
        return
    typer.echo(made.diff(), nl=False)
    if dry_run:
        typer.echo("nothing was written", err=True)
    else:
        typer.echo(
            f"{made.file} is written. Restart the service: readings from then on count by it. What was published before stays;"
            " stackmeter restate shows what would change, and publishes it with --publish.",
            err=True,
        )


def _instant(text: str) -> int:
    from plant.clock import parse_instant

    try:
        return parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--time") from None


def _swap(time: int, numbers: dict[str, float | None]) -> "Swap":
    from plant.park import Swap

    final_old, first_new = numbers["final_old"], numbers["first_new"]
    return Swap(
        time=time,
        final_old=math.nan if final_old is None else final_old,
        first_new=first_new or 0.0,
        max_rate=numbers["max_rate"],
    )


def _compare(state: Path, channel: "Channel", swap: "Swap") -> None:
    """Refuse what the readings on both sides of the swap deny, as far as they were stored."""
    from stackmeter.field.swaps import SwapRefused, contradictions

    before, after = _around(state, channel, swap.time)
    if denied := list(contradictions(channel, swap, before, after)):
        raise SwapRefused("; ".join(denied))


def _around(state: Path, channel: "Channel", time: int) -> tuple[Reading | None, Reading | None]:
    """Return the last counting reading of a channel before a time [ns UTC], and the first from it on."""
    import sqlite3

    from plant.vocabulary import Verdict
    from stackmeter.field.swaps import SwapRefused
    from store.audit import channel_number, snapshot
    from store.readings.kinds import COUNTING, verdict_other_than
    from store.readings.read import first_after, last_before

    kind = COUNTING & verdict_other_than(Verdict.OUTLIER)
    file = state / "state.db"
    try:
        with snapshot(file) as connection:
            number = channel_number(connection, channel.park, channel.facility, channel.name)
            if number is None:
                return None, None
            before = last_before(connection, number, time - 1, kind)
            after = first_after(connection, number, time - 1, kind)
    except sqlite3.Error as error:
        raise SwapRefused(f"{file} cannot be read: {error}") from error
    return _reading(before), _reading(after)


def _reading(found: "Readings") -> Reading | None:
    return (int(found.time[0]), float(found.value[0])) if len(found) else None

"""Commands for whoever connects devices: formats, profile list, profile show, profile test, try."""

import json
import sys
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import EXIT_CONFIG, EXIT_NOT_READY, AsJson, or_exit, screen, table
from stackmeter.views.local import exact, has_times, own_zone

if TYPE_CHECKING:
    from datetime import tzinfo

    from stackmeter.field.device_cases import CaseReport
    from stackmeter.field.device_trials import PayloadReader, Place, Tried, TriedReading

profile_commands = typer.Typer(
    no_args_is_help=True,
    help="Profiles: which numbers of a device's JSON are which channels. Shipped, and your own in CONFIG/profiles/.",
)

Config = Annotated[
    Path | None,
    typer.Option("--config", exists=True, file_okay=False, help="Directory with the configuration."),
]


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to the command line."""
    app.command("formats", rich_help_panel=panel)(list_formats)
    app.command("try", rich_help_panel=panel)(try_payloads)
    app.add_typer(profile_commands, name="profile", rich_help_panel=panel)


def list_formats(as_json: AsJson = False) -> None:
    """List the formats that a subscription may have; docs/formats.md explains their options.

    Example: stackmeter formats
    """
    from stackmeter.field.device_trials import all_formats

    about = all_formats()
    if as_json:
        typer.echo(json.dumps({"formats": [{"name": n, "about": text} for n, text in about.items()]}))
    else:
        screen().print(table(["format", "what it is"], [[name, text] for name, text in about.items()]))


@profile_commands.command("list")
def list_profiles(config: Config = None, as_json: AsJson = False) -> None:
    """List the profiles that a subscription may name: those that are shipped, and with --config your own.

    Example: stackmeter profile list --config config
    """
    from plant.devices.profiles import profile, profiles

    found = or_exit(lambda: {name: profile(name, config) for name in profiles(config)}, as_json=as_json)
    if as_json:
        rows = [
            {"name": name, "title": one.title, "topic": one.topic, "sources": one.sources}
            for name, one in found.items()
        ]
        typer.echo(json.dumps({"profiles": rows}, ensure_ascii=False))
    else:
        rows_ = [[name, one.title, one.topic] for name, one in found.items()]
        screen().print(table(["profile", "device", "a topic to subscribe to"], rows_))


@profile_commands.command("show")
def show_profile(
    name: Annotated[str, typer.Argument(help="Name of the profile.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Print a profile: the start of one of your own. Save it as CONFIG/profiles/OTHER_NAME.yaml and change it.

    Example: stackmeter profile show shelly-gen2 > config/profiles/my-meter.yaml
    """
    from plant.devices.profiles import profile
    from stackmeter.field.device_trials import TrialError, file_of

    file = or_exit(lambda: file_of(name, config), {TrialError: EXIT_CONFIG})
    found = or_exit(lambda: profile(name, config), as_json=as_json)
    if as_json:
        typer.echo(json.dumps({"name": name, **found.model_dump(exclude_unset=True)}, ensure_ascii=False))
    else:
        typer.echo(file.read_text().rstrip())


@profile_commands.command("test")
def check_cases(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder with cases.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Read payloads that are kept in a folder, and compare with the readings that they should give.

    A case is a folder NAME/CASE, NAME a profile or a format, with three files: `payload.json` (any ending) as the device sent
    it, `expected.yaml`, and where the profile needs words of it `topic`, the topic it came on. In expected.yaml:

        readings:
          - [mdb1/energy, "2026-11-25T05:00:00Z", 12.5, kWh]
        refusals: [[null_value, "data[1].value"]]

    Example: stackmeter profile test config/profiles --config config

    Exit codes: 0 all as expected, 1 something was not, 2 a case or a profile is wrong, or there is no case.
    """
    from stackmeter.field.device_cases import cases, run_case
    from stackmeter.field.device_trials import TrialError

    found = cases(folder)
    if not found:
        typer.echo(f"{folder}: has no case: NAME/CASE with expected.yaml and payload.json", err=True)
        raise typer.Exit(EXIT_CONFIG)
    reports = or_exit(
        lambda: [run_case(case, config) for case in found], {TrialError: EXIT_CONFIG}, as_json=as_json
    )
    if as_json:
        typer.echo(json.dumps({"cases": [report.to_json() for report in reports]}, ensure_ascii=False))
    else:
        typer.echo("\n".join(_told(report) for report in reports))
    raise typer.Exit(EXIT_NOT_READY if any(report.differences for report in reports) else 0)


def try_payloads(
    payloads: Annotated[list[str], typer.Argument(metavar="PAYLOAD...", help="Files; - is standard input.")],
    profile: Annotated[str | None, typer.Option(help="Read them by this profile.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="Read them as this format.")] = None,
    topic: Annotated[
        str | None, typer.Option(help="The topic they came on; profiles take words of it, --config needs it.")
    ] = None,
    config: Config = None,
    received: Annotated[
        str | None,
        typer.Option(help="When they came, with zone: 2026-11-25T12:00:00+07:00.", show_default="now"),
    ] = None,
    retained: Annotated[bool, typer.Option(help="They came as retained messages.")] = False,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the format; again for more.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which readings payloads give, without a broker and without a service: what each refusal is, where, and what to do.

    Say how they are read with --profile or --format; or give --config and --topic, and the subscription of your
    configuration that the topic belongs to reads them. With --config and --topic it also says of each reading whether its
    channel is known, what it is in the channel's unit, and whether it is within limits: the column "kept".

    Such as:

    mosquitto_sub -t '+/events/rpc' -C 1 | stackmeter try - --profile shelly-gen2

    stackmeter try payload.json --config config --topic meters/gw1/mdb1/data

    stackmeter try line.csv --format csv-lines --option "columns=[channel, time, value, unit]"

    Exit codes: 0 all was read, 1 something was refused or gave no reading, 2 it cannot be tried like this.
    """
    from plant.clock import parse_instant
    from stackmeter.field.device_trials import TrialError, options_of

    exits = {TrialError: EXIT_CONFIG, ValueError: EXIT_CONFIG, OSError: EXIT_CONFIG}
    if (profile is None) == (form is None) and not (profile is None and config and topic):
        typer.echo(
            "Say how they are read: --profile NAME, --format NAME, or --config DIR with --topic TOPIC.",
            err=True,
        )
        raise typer.Exit(EXIT_CONFIG)
    options = or_exit(lambda: options_of(option or []), exits)
    given = _reader(profile, form, options, config)
    at = or_exit(lambda: parse_instant(received) if received else time_ns(), exits)
    place = _place(config) if config and topic else None
    found = or_exit(
        lambda: [_tried(_bytes(file), given, place, topic, at, retained=retained) for file in payloads], exits
    )
    if as_json:
        rows = [{"payload": file, **one.to_json()} for file, one in zip(payloads, found, strict=True)]
        typer.echo(json.dumps({"payloads": rows}, ensure_ascii=False, allow_nan=False))
    else:
        zone = own_zone() if place is None else place.zone
        for file, one in zip(payloads, found, strict=True):
            _print(file, one, zone)
        if place is not None and topic is not None and not place.takes(topic):
            typer.echo(
                f"note: no subscription of {config} takes {topic} yet; {_to_add(profile, form, given)}"
            )
    failed = any(one.refusals or not one.readings for one in found)
    raise typer.Exit(EXIT_NOT_READY if failed else 0)


def _reader(
    profile: str | None, form: str | None, options: dict[str, object], config: Path | None
) -> "PayloadReader | None":
    from stackmeter.field.device_trials import TrialError, reader

    if profile is None and form is None:
        return None
    return or_exit(lambda: reader(profile, form, options, config), {TrialError: EXIT_CONFIG})


def _place(config: Path) -> "Place":
    from stackmeter.commands.command import configured
    from stackmeter.field.device_trials import Place

    _, plant, _ = configured(config, None)
    return or_exit(lambda: Place(plant))


def _bytes(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def _tried(
    payload: bytes,
    given: "PayloadReader | None",
    place: "Place | None",
    topic: str | None,
    at: int,
    *,
    retained: bool,
) -> "Tried":
    from ingest.formats.decoder import Origin
    from stackmeter.field.device_trials import TrialError, tried, words

    if place is not None and topic is not None and (given is None or place.takes(topic)):
        return place.tried(payload, topic, given, at, retained=retained)
    if given is None:
        raise AssertionError("somebody says how payloads are read")
    if given.needs and topic is None:
        named = ", ".join(f"{{{word}}}" for word in sorted(given.needs))
        raise TrialError(f"it takes {named} from the topic {given.topic}: say which one with --topic")
    level = words(given.topic, topic) if topic and given.topic else {}
    return tried(payload, given.decode, Origin(0, "", at, retained, level))


def _told(report: "CaseReport") -> str:
    """Return a case on a line, and below it what differs: - what should be, + what is."""
    if not report.differences:
        return f"{report.case}: good: {report.readings} readings"
    lines = [f"{report.case}: differs"]
    for one in report.differences:
        lines += [f"  - {one.expected}"] if one.expected else []
        lines += [f"  + {one.got}"] if one.got else []
    return "\n".join(lines)


def _to_add(profile: str | None, form: str | None, given: "PayloadReader | None") -> str:
    """Return what would let the service take such messages."""
    what = f"profile: {profile}" if profile else f"format: {form}"
    topic = given.topic if given and given.topic else "…"
    return f"the service takes them with: subscriptions: [{{topic: {topic!r}, {what}, park: …, facility: …}}]"


def _print(file: str, one: "Tried", zone: "tzinfo") -> None:
    whose = f", of {one.gateway}" if one.gateway else ""
    typer.echo(f"{file}: {len(one.readings)} readings, {len(one.refusals)} refused{whose}")
    if one.readings:
        is_kept = one.gateway is not None
        heads = ["channel", "value", "unit", "time", "quality", *(["kept"] if is_kept else [])]
        rows = [_cells(row, zone, is_kept=is_kept) for row in one.readings]
        screen().print(table(heads, rows, right={"value"}))
    for refused in one.refusals:
        typer.echo(f"{refused.code} at {refused.path or 'the message'}: {refused.detail}")
        if refused.hint:
            typer.echo(f"  to do: {refused.hint}")
    if not one.readings and not one.refusals:
        typer.echo("nothing in it is what is read; is it another message of the device?")


def _cells(row: "TriedReading", zone: "tzinfo", *, is_kept: bool) -> list[str]:
    unit = "(its channel's)" if row.unit is None else row.unit
    time = exact(row.time, zone) if has_times(row.time) else row.time
    cells = [row.channel, f"{row.value:.12g}", unit, time, row.quality]
    return [*cells, row.kept or ""] if is_kept else cells

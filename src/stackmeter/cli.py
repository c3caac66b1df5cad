"""The command line: `stackmeter --help` says what there is. Each command imports what it needs when it runs."""

import json
import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.archive import command as archive_command
from stackmeter.cluster.command import cluster, place
from stackmeter.commands import (
    alerting,
    asking,
    backfilling,
    backup,
    deliveries,
    devices,
    doctor,
    gateways,
    inbox,
    influx,
    keys,
    meters,
    proving,
    quarantine,
    rebuilding,
    rule_commands,
    simulating,
)
from stackmeter.commands.command import (
    EXIT_CONFIG,
    AsJson,
    failures,
    on_signal,
    or_exit,
    stop_on_signal,
)
from stackmeter.commands.grouped import (
    ADMINISTRATION,
    ALERTS,
    CONFIGURATION,
    DEVICES,
    LOOK,
    PROVE,
    RUN,
    Grouped,
)
from stackmeter.commands.market import movement, position
from stackmeter.commands.papers import month_end, reports
from stackmeter.commands.plans import energy, plan
from stackmeter.commands.records import record
from stackmeter.commands.setting_options import SettingsCommand
from stackmeter.commands.station import feed
from stackmeter.front import command as front_command
from stackmeter.standby.command import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackmeter.service import Service
    from stackmeter.settings import Settings
    from store.replicated.lease import HeldLease

SHORTEST_TOKEN = 16  # characters

app = typer.Typer(
    name="stackmeter",
    cls=Grouped,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Turns meter and stack-sensor readings into tonnes of CO2e as they happen, and can prove every tonne.\n\n"
    "First look: stackmeter demo. Your own park: write a configuration, stackmeter check DIR, stackmeter run --config DIR.",
)


def main() -> None:
    """Run the command line."""
    app()


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stackmeter {version('stackmeter')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Take what stands before a command; the help is the app's."""


@app.command(rich_help_panel=RUN, cls=SettingsCommand)
def run(
    context: typer.Context,
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", exists=True, dir_okay=False, help="TOML file with any of these settings."),
    ] = None,
) -> None:
    """Run the service: subscribe, journal, compute, project to InfluxDB, serve the API, send webhooks.

    Every option may also stand in a TOML file (--settings FILE, keys with underscores) or in the environment
    (STACKMETER_CONFIG, STACKMETER_INFLUX_URL, …). A flag beats the environment, the environment beats the file.

    Exit codes: 0 stopped, 2 wrong configuration or settings, 65 journal and state do not belong together or are damaged,
    70 it stood still, 74 the disk failed, 75 the state directory is in use.
    """
    from stackmeter import settings as given
    from stackmeter.log_limit import limit_repeats

    settings = or_exit(lambda: given.load(settings_file, context.obj))
    _check_token(settings)
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    limit = limit_repeats()
    lease = _lease(settings) if settings.log else None
    service = or_exit(lambda: _started(settings, limit.flush, lease), failures())
    where = "as given" if settings.token else f"in {settings.state / 'token'}"
    with on_signal(service.stop):
        typer.echo(f"API at {service.server.url}, token {where}", err=True)
        raise typer.Exit(service.wait())


@app.command(rich_help_panel=CONFIGURATION)
def check(
    directory: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Directory with the configuration; of several shards all of theirs.", show_default=False
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="State directory of the service: tell what of its published windows the configuration would alter without a date.",
            show_default="none",
        ),
    ] = None,
    shards: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="File of shards: check their folders too.", show_default="none"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a configuration: exit 0 if it can be used, else print every problem with file and line and exit 2.

    What can be used and is probably not meant so is told as warnings. Of several configurations, as several shards have them, what
    two of them would both get is a problem: a park, a topic, a client id.
    """
    from plant.shards.shards_file import load_shards
    from stackmeter.shards.checking import check_all, check_one

    named = () if shards is None else or_exit(lambda: load_shards(shards), as_json=as_json)
    folders = directory or []
    if len(folders) == 1 and not named:
        check_one(folders[0], state, as_json=as_json)
    elif not (folders or named):
        raise typer.BadParameter("name the directory with the configuration", param_hint="DIRECTORY")
    elif state is not None:
        raise typer.BadParameter("is of one service: name one directory with it", param_hint="--state")
    else:
        check_all(folders, named, as_json=as_json)


@app.command(rich_help_panel=CONFIGURATION)
def schema() -> None:
    """Print the JSON Schema of configuration files, for editors: of a source, its method's parameters with unit and range."""
    from plant.configuration.load import json_schema
    from rules.catalogue import load_catalogue

    typer.echo(json.dumps(json_schema(load_catalogue(None).methods), indent=2, ensure_ascii=False))


@app.command(rich_help_panel=CONFIGURATION)
def contract(
    asyncapi: Annotated[bool, typer.Option(help="Print the AsyncAPI document instead.")] = False,
) -> None:
    """Print the JSON Schema of what gateways publish."""
    from ingest import contract as native

    typer.echo(
        json.dumps(native.asyncapi() if asyncapi else native.json_schema(), indent=2, ensure_ascii=False)
    )


def _check_token(settings: "Settings") -> None:
    """End where somebody could find the token by trying: wrong ones lock nobody out."""
    if settings.token and len(settings.token.get_secret_value()) < SHORTEST_TOKEN:
        typer.echo(
            f"setting token (STACKMETER_TOKEN): it has less than {SHORTEST_TOKEN} characters, and could be found by trying:"
            " take what `openssl rand -hex 32` prints, or leave it out, and one is made",
            err=True,
        )
        raise typer.Exit(EXIT_CONFIG)


def _lease(settings: "Settings") -> "HeldLease":
    """Return the lease of the shard once it is ours; end where a standby is told to."""
    from stackmeter.standby.standby import lease_of

    with stop_on_signal() as stop:
        lease = or_exit(lambda: lease_of(settings, stop), failures())
    if lease is None:
        raise typer.Exit
    return lease


def _started(
    settings: "Settings", now_and_then: "Callable[[], None]", lease: "HeldLease | None"
) -> "Service":
    from stackmeter.crash import crash_points
    from stackmeter.service import Service

    service = Service(settings, crash_points(os.environ), now_and_then, lease)
    service.start()
    return service


COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    RUN: (front_command.front, simulating.demo, simulating.simulate, simulating.replay),
    LOOK: (
        asking.status,
        asking.watch,
        asking.explain,
        asking.limits,
        asking.indicators,
        asking.exchanges,
        energy.bill,
        energy.advice,
        position.position,
    ),
    PROVE: (proving.verify, rebuilding.rebuild, proving.restate, asking.periods, asking.decide),
    ADMINISTRATION: (doctor.doctor, keys.audit, backup.backup, archive_command.archive, place),
    ALERTS: (
        alerting.ack,
        alerting.snooze,
        alerting.assign,
        alerting.comment,
        alerting.silence,
        alerting.silences,
        alerting.unsilence,
        deliveries.deliveries,
        deliveries.replay_webhooks,
        deliveries.drop_webhooks,
    ),
}
for panel, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.command("month-end", rich_help_panel=PROVE)(month_end.month_end)
app.command("import", rich_help_panel=DEVICES)(backfilling.import_file)
for group, name, panel in (
    (plan.plan, "plan", LOOK),
    (reports.report, "report", PROVE),
    (alerting.alerts, "alerts", ALERTS),
    (rule_commands.rules, "rules", ALERTS),
    (gateways.gateways, "gateway", DEVICES),
    (meters.meters, "meter", DEVICES),
    (inbox.inbox, "inbox", DEVICES),
    (quarantine.quarantine, "quarantine", DEVICES),
    (record.record, "record", PROVE),
    (movement.movement, "movement", PROVE),
    (feed.feed, "feed", DEVICES),
    (keys.keys, "keys", ADMINISTRATION),
    (influx.influx, "influx", ADMINISTRATION),
    (log, "log", ADMINISTRATION),
    (cluster, "cluster", LOOK),
):
    app.add_typer(group, name=name, rich_help_panel=panel)
devices.register(app, DEVICES)

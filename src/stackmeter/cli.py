"""The command line: `stackmeter --help` says what there is. Each command imports what it needs when it runs."""

import json
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter import (
    alerting,
    asking,
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
    rule_commands,
    watch,
)
from stackmeter.command import (
    EXIT_CONFIG,
    EXIT_INTERRUPTED,
    EXIT_NOT_READY,
    AsJson,
    BrokerUrl,
    ConfigDir,
    StateDir,
    failures,
    on_signal,
    or_exit,
    screen,
    span,
    stop_on_signal,
)

if TYPE_CHECKING:
    from stackmeter.service import Service
    from stackmeter.settings import Settings


app = typer.Typer(
    name="stackmeter",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Turns meter and stack-sensor readings into tonnes of CO2e as they happen, and can prove every tonne.\n\n"
    "First look: stackmeter demo. Your own park: write a configuration, stackmeter check DIR, stackmeter run --config DIR.",
)


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def run(
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", exists=True, dir_okay=False, help="TOML file with any of these settings."),
    ] = None,
    config: ConfigDir = None,
    state: StateDir = None,
    broker: BrokerUrl = None,
    mqtt_version: Annotated[
        str | None, typer.Option(help="MQTT version, 3.1.1 or 5.", show_default="3.1.1")
    ] = None,
    broker_ca: Annotated[
        Path | None,
        typer.Option(help="Certificates that an mqtts broker's is checked by.", show_default="the system's"),
    ] = None,
    client_id: Annotated[str | None, typer.Option(help="MQTT client id.", show_default="stackmeter")] = None,
    influx: Annotated[str | None, typer.Option(help="InfluxDB to project to.", show_default="none")] = None,
    influx_token: Annotated[
        str | None, typer.Option(help="InfluxDB token; better given as STACKMETER_INFLUX_TOKEN.")
    ] = None,
    influx_org: Annotated[
        str | None, typer.Option(help="InfluxDB organisation.", show_default="stackmeter")
    ] = None,
    influx_bucket: Annotated[
        str | None, typer.Option(help="InfluxDB bucket.", show_default="stackmeter")
    ] = None,
    sparkplug_host: Annotated[
        str | None, typer.Option(help="Host id in Sparkplug's STATE.", show_default="stackmeter")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address the API listens on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port the API listens on; 0 takes a free one.", show_default="8080")
    ] = None,
    token: Annotated[str | None, typer.Option(help="API token; better given as STACKMETER_TOKEN.")] = None,
    public_url: Annotated[str | None, typer.Option(help="Where receivers of webhooks find the API.")] = None,
    allowed_hosts: Annotated[
        str | None, typer.Option(help="Further host names of the API, separated by commas; * for any.")
    ] = None,
    rate_limit: Annotated[
        int | None, typer.Option(help="Requests a second of one key and of one address.", show_default="500")
    ] = None,
    max_connections: Annotated[
        int | None, typer.Option(help="Connections the API holds at once.", show_default="800")
    ] = None,
    oidc_issuer: Annotated[
        str | None, typer.Option(help="Identity provider whose tokens are taken.", show_default="none")
    ] = None,
    oidc_audience: Annotated[str | None, typer.Option(help="Whom its tokens must be for.")] = None,
    oidc_claim: Annotated[
        str | None, typer.Option(help="Claim with role and places.", show_default="stackmeter")
    ] = None,
    oidc_name: Annotated[str | None, typer.Option(help="Claim with the name.", show_default="sub")] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error.", show_default="info")
    ] = None,
) -> None:
    """Run the service: subscribe, journal, compute, project to InfluxDB, serve the API, send webhooks.

    Every option may also stand in a TOML file (--settings FILE, keys with underscores) or in the environment
    (STACKMETER_CONFIG, STACKMETER_INFLUX_URL, …). A flag beats the environment, the environment beats the file.

    Exit codes: 0 stopped, 2 wrong configuration or settings, 65 journal and state do not belong together,
    70 a part failed, 74 the disk failed, 75 the state directory is in use.
    """
    from stackmeter import settings as given

    flags: dict[str, object] = {
        "config": config, "state": state, "broker": broker, "broker_ca": broker_ca, "mqtt_version": mqtt_version, "client_id": client_id,
        "influx_url": influx, "influx_token": influx_token, "influx_org": influx_org, "influx_bucket": influx_bucket,
        "sparkplug_host": sparkplug_host, "host": host, "port": port, "token": token, "public_url": public_url,
        "allowed_hosts": allowed_hosts, "rate_limit": rate_limit, "max_connections": max_connections,
        "oidc_issuer": oidc_issuer, "oidc_audience": oidc_audience,
        "oidc_claim": oidc_claim, "oidc_name": oidc_name, "log_level": log_level,
    }  # fmt: skip
    wrong_file = {EXIT_CONFIG: f"in {settings_file}, which is to be TOML"}
    settings = or_exit(lambda: given.load(settings_file, flags), {ValueError: EXIT_CONFIG}, wrong_file)
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    service = or_exit(lambda: _started(settings), failures())
    where = "as given" if settings.token else f"in {settings.state / 'token'}"
    with on_signal(service.stop):
        typer.echo(f"API at {service.server.url}, token {where}", err=True)
        raise typer.Exit(service.wait())


@app.command()
def check(
    directory: Annotated[Path, typer.Argument(help="Directory with the configuration.")],
    as_json: AsJson = False,
) -> None:
    """Check a configuration: exit 0 if it can be used, else print every problem with file and line and exit 2."""
    from ingest.subscriptions import Subscriptions
    from plant.load import load
    from rules.catalogue import load_catalogue

    plant = or_exit(lambda: load(directory, load_catalogue(directory)), as_json=as_json)
    or_exit(lambda: Subscriptions(plant), as_json=as_json)
    counts = {
        "parks": len(plant.parks), "facilities": len(plant.facilities), "gateways": len(plant.gateways),
        "channels": len(plant.channels), "sources": len(plant.sources), "rules": len(plant.rules) + len({condition.name for condition in plant.conditions}),
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps({"problems": [], **counts, "hash": plant.hash}))
    else:
        typer.echo(f"{directory}: good: " + ", ".join(f"{n} {name}" for name, n in counts.items()))


@app.command()
def schema() -> None:
    """Print the JSON Schema of configuration files, for editors."""
    from plant.load import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def contract(
    asyncapi: Annotated[bool, typer.Option(help="Print the AsyncAPI document instead.")] = False,
) -> None:
    """Print the JSON Schema of what gateways publish."""
    from ingest import contract as native

    typer.echo(
        json.dumps(native.asyncapi() if asyncapi else native.json_schema(), indent=2, ensure_ascii=False)
    )


@app.command()
def demo(
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Directory with the configuration; webhooks that it names are called.",
            show_default="the packaged example, parks of Hai Phong",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Directory for journal, state and token, kept at the end.",
            show_default="temporary, removed at the end",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port the API listens on; a free one where it is taken.")
    ] = 8080,
    speed: Annotated[float, typer.Option(help="Simulated seconds per second, until now is reached.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Fixes everything random.")] = 1,
    duration: Annotated[
        float | None, span("--duration", "End by itself after so long, such as 30 or 5min.", "until Ctrl-C")
    ] = None,
) -> None:
    """Show the whole line at work on this machine alone: simulated parks, a broker, the service, live tonnes.

    Nothing needs to be installed or running. Today's readings so far are sent at once, the last ones at --speed, and
    from then on the meters are live. On a terminal the view is live too; elsewhere a line is printed every few
    seconds, and the whole view at the end. Settings of the environment (STACKMETER_…) are left aside.

    Example: stackmeter demo --duration 1min
    """
    from rich.logging import RichHandler

    from stackmeter import demo as show

    if speed <= 0:
        raise typer.BadParameter("above 0", param_hint="--speed")
    console = screen()
    handler = RichHandler(console=console) if console.is_terminal else logging.StreamHandler(sys.stderr)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    options = show.Options(config, state, port, speed, seed, duration)
    with stop_on_signal() as stop:
        raise typer.Exit(or_exit(lambda: show.demo(options, stop, console), failures()))


@app.command()
def simulate(
    config: ConfigDir = None,
    broker: BrokerUrl = None,
    speed: Annotated[
        float, typer.Option(help="Simulated seconds per second until now is reached; inf: no waiting.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Fixes everything random: same seed, same bytes.")] = 1,
    duration: Annotated[
        float | None, span("--duration", "Simulated time, such as 90, 15min, 2h, 1d.", "until Ctrl-C")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            parser=datetime.fromisoformat,
            metavar="<time>",
            help="Where it begins, with zone: 2026-11-24T00:00:00+07:00.",
            show_default="such that it ends now; without --duration a day ago",
        ),
    ] = None,
    duplicate: Annotated[float, typer.Option(help="Share of messages sent twice, 0 to 1.")] = 0.0,
    reorder: Annotated[float, typer.Option(help="Share sent after the gateway's next message.")] = 0.0,
    delay: Annotated[float, typer.Option(help="Share held back for up to --delay-by.")] = 0.0,
    delay_by: Annotated[float, span("--delay-by", "The longest delay.", "10min")] = 600.0,
    drop: Annotated[float, typer.Option(help="Share lost in the gateway for ever.")] = 0.0,
    resets: Annotated[int, typer.Option(help="How many registers start again at 0, once each.")] = 0,
    rollovers: Annotated[int, typer.Option(help="How many registers pass their modulus, once each.")] = 0,
    skew: Annotated[float, span("--skew", "How far each gateway's clock is off, either way.", "0s")] = 0.0,
    truth: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File to write the true totals to, as JSON.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Simulate every gateway of a configuration on a broker, and print what its meters truly measured.

    The simulated clock runs --speed times as fast as ours until it has caught up, then it keeps our pace. Faults are
    off unless asked for. Ctrl-C ends it in order: the true totals are of what was delivered until then.

    Example: stackmeter simulate --config config/haiphong --duration 2h --speed inf --duplicate 0.01 --reorder 0.02

    Exit codes: 0 done or stopped, 2 wrong configuration or options, 3 broker not reachable.
    """
    from plant.load import load
    from rules.catalogue import load_catalogue
    from simulators import park
    from simulators.faults import Faults
    from stackmeter import settings as given
    from stackmeter import view

    settings = or_exit(lambda: given.load(None, {"config": config, "broker": broker}))
    or_exit(lambda: load(settings.config, load_catalogue(settings.config)))
    if truth is not None and not truth.parent.is_dir():
        raise typer.BadParameter(f"there is no directory {truth.parent}", param_hint="--truth")
    faults = {
        "duplicate": duplicate, "reorder": reorder, "delay": delay, "delay_by": delay_by, "drop": drop, "skew": skew,
    }  # fmt: skip
    with stop_on_signal() as stop, view.simulation_progress(duration) as progress:
        told = or_exit(
            lambda: park.simulate(
                settings.config,
                settings.broker,
                speed=speed,
                seed=seed,
                duration=duration,
                faults=Faults(**faults, resets=resets, rollovers=rollovers),
                start=start,
                truth=truth,
                progress=progress,
                stop=stop,
            ),
            {**failures(), ValueError: EXIT_CONFIG},
        )
    if as_json:
        typer.echo(json.dumps(told.to_json()))
    else:
        screen().print(view.channel_totals(told), *view.simulation_lines(told), sep="\n")


@app.command()
def replay(
    csv: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file with the data.")],
    mapping: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="File that says what its columns are.")
    ],
    broker: BrokerUrl = None,
    shuffle: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of a random order of all readings.", show_default="in order"),
    ] = None,
    duplicates: Annotated[float, typer.Option(help="Share of messages sent twice, 0 to 1.")] = 0.0,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001, help="Messages a second at most.", show_default="as fast as the broker takes them"
        ),
    ] = None,
    readings_per_message: Annotated[
        int | None, typer.Option(min=1, help="Readings in a message.", show_default="as the mapping says")
    ] = None,
    confirm: Annotated[
        float | None,
        span("--confirm", "Wait so long for the service to say that it holds every message.", "no waiting"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send the rows of a CSV file as the readings of one gateway, and wait until the broker has them all.

    The service must accept readings that old: `max_late` in the settings of its configuration.

    Example: stackmeter replay steel_industry_2018.csv --mapping config/steel-2018/mapping.yaml --confirm 1min

    Exit codes: 0 sent (and confirmed, where asked for), 1 not confirmed in time, 2 data and mapping do not fit,
    3 broker not reachable, 130 stopped before the end.
    """
    from simulators import replay as csv_replay
    from simulators.publisher import StoppedError
    from stackmeter import settings as given
    from stackmeter import view

    settings = or_exit(lambda: given.load(None, {"broker": broker}))
    with stop_on_signal() as stop, view.replay_progress() as progress:
        summary = or_exit(
            lambda: csv_replay.replay(
                csv,
                mapping,
                settings.broker,
                shuffle=shuffle,
                duplicates=duplicates,
                rate=rate,
                readings_per_message=readings_per_message,
                confirm=confirm,
                progress=progress,
                stop=stop,
            ),
            {**failures(), ValueError: EXIT_CONFIG, StoppedError: EXIT_INTERRUPTED},
        )
    typer.echo(json.dumps(summary.to_json()) if as_json else "\n".join(view.replay_lines(summary)))
    raise typer.Exit(EXIT_NOT_READY if summary.uncovered else 0)


def _started(settings: "Settings") -> "Service":
    from stackmeter.crash import crash_points
    from stackmeter.service import Service

    service = Service(settings, crash_points(os.environ))
    service.start()
    return service


for command in (
    asking.status,
    asking.periods,
    asking.decide,
    proving.restate,
    proving.verify,
    backup.backup,
    asking.explain,
    deliveries.deliveries,
    deliveries.replay_webhooks,
    deliveries.drop_webhooks,
    alerting.ack,
    alerting.snooze,
    alerting.assign,
    alerting.comment,
    alerting.silence,
    alerting.silences,
    alerting.unsilence,
):
    app.command()(command)
app.command()(keys.audit)
app.command()(doctor.doctor)
app.command()(watch.watch)
app.add_typer(keys.keys, name="keys")
app.add_typer(gateways.gateways, name="gateway")
app.add_typer(meters.meters, name="meter")
app.add_typer(alerting.alerts, name="alerts")
app.add_typer(rule_commands.rules, name="rules")
app.add_typer(quarantine.quarantine, name="quarantine")
app.add_typer(inbox.inbox, name="inbox")
app.add_typer(influx.influx, name="influx")
devices.register(app)

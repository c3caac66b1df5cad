"""The command line: `stackmeter --help` says what there is. Each command imports what it needs when it runs."""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from rich.console import Console

    from api.periods import PeriodsBody
    from plant.problems import Problem
    from stackmeter.client import Client, Overview
    from stackmeter.restate import Report
    from stackmeter.service import Service
    from stackmeter.settings import Settings

Made = TypeVar("Made")

app = typer.Typer(
    name="stackmeter",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Turns meter and stack-sensor readings into tonnes of CO2e as they happen, and can prove every tonne.\n\n"
    "First look: stackmeter demo. Your own park: write a configuration, stackmeter check DIR, stackmeter run --config DIR.",
)

EXIT_NOT_READY, EXIT_CONFIG, EXIT_UNREACHABLE, EXIT_INTERRUPTED = 1, 2, 3, 130
PLAIN_WIDTH = 120  # columns of a table that goes to a file or a pipe


def _seconds(given: object) -> float:
    """Return the seconds of `90`, `90s`, `15min`, `2h` or `1d`; a default is a number already."""
    from plant.clock import parse_duration
    from plant.vocabulary import NS_PER_S

    text = str(given)
    return float(text) if text.replace(".", "", 1).isdecimal() else parse_duration(text) / NS_PER_S


def _span(name: str, text: str, default: str | bool = False) -> Any:
    """Return an option that takes a duration."""
    return typer.Option(name, help=text, parser=_seconds, metavar="<duration>", show_default=default)


ConfigDir = Annotated[
    Path | None, typer.Option("--config", help="Directory with the configuration.", show_default="config")
]
StateDir = Annotated[
    Path | None, typer.Option("--state", help="Directory for journal, state and token.", show_default="state")
]
BrokerUrl = Annotated[
    str | None,
    typer.Option("--broker", help="MQTT broker, mqtt://host:port.", show_default="mqtt://127.0.0.1:1883"),
]
Url = Annotated[
    str | None,
    typer.Option(
        help="Where the API is.", show_default="what the state directory says, http://127.0.0.1:8080"
    ),
]
Token = Annotated[
    str | None,
    typer.Option(help="API token; better given as STACKMETER_TOKEN.", show_default="the state directory's"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]


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
    host: Annotated[
        str | None, typer.Option(help="Address the API listens on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port the API listens on; 0 takes a free one.", show_default="8080")
    ] = None,
    token: Annotated[str | None, typer.Option(help="API token; better given as STACKMETER_TOKEN.")] = None,
    public_url: Annotated[str | None, typer.Option(help="Where receivers of webhooks find the API.")] = None,
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
        "config": config, "state": state, "broker": broker, "mqtt_version": mqtt_version, "client_id": client_id,
        "influx_url": influx, "influx_token": influx_token, "influx_org": influx_org, "influx_bucket": influx_bucket,
        "host": host, "port": port, "token": token, "public_url": public_url, "log_level": log_level,
    }  # fmt: skip
    wrong_file = {EXIT_CONFIG: f"in {settings_file}, which is to be TOML"}
    settings = _or_exit(lambda: given.load(settings_file, flags), {ValueError: EXIT_CONFIG}, wrong_file)
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    service = _or_exit(lambda: _started(settings), _failures())
    where = "as given" if settings.token else f"in {settings.state / 'token'}"
    with _on_signal(service.stop):
        typer.echo(f"API at {service.server.url}, token {where}", err=True)
        raise typer.Exit(service.wait())


@app.command()
def check(
    directory: Annotated[Path, typer.Argument(help="Directory with the configuration.")],
    as_json: AsJson = False,
) -> None:
    """Check a configuration: exit 0 if it can be used, else print every problem with file and line and exit 2."""
    from plant.load import load
    from rules.catalogue import load_catalogue

    plant = _or_exit(lambda: load(directory, load_catalogue(directory)), as_json=as_json)
    counts = {
        "parks": len(plant.parks), "facilities": len(plant.facilities), "gateways": len(plant.gateways),
        "channels": len(plant.channels), "sources": len(plant.sources), "rules": len(plant.rules),
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
        float | None, _span("--duration", "End by itself after so long, such as 30 or 5min.", "until Ctrl-C")
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
    console = _console()
    handler = RichHandler(console=console) if console.is_terminal else logging.StreamHandler(sys.stderr)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    options = show.Options(config, state, port, speed, seed, duration)
    with _stop_on_signal() as stop:
        raise typer.Exit(_or_exit(lambda: show.demo(options, stop, console), _failures()))


@app.command()
def simulate(
    config: ConfigDir = None,
    broker: BrokerUrl = None,
    speed: Annotated[
        float, typer.Option(help="Simulated seconds per second until now is reached; inf: no waiting.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Fixes everything random: same seed, same bytes.")] = 1,
    duration: Annotated[
        float | None, _span("--duration", "Simulated time, such as 90, 15min, 2h, 1d.", "until Ctrl-C")
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
    delay_by: Annotated[float, _span("--delay-by", "The longest delay.", "10min")] = 600.0,
    drop: Annotated[float, typer.Option(help="Share lost in the gateway for ever.")] = 0.0,
    resets: Annotated[int, typer.Option(help="How many registers start again at 0, once each.")] = 0,
    rollovers: Annotated[int, typer.Option(help="How many registers pass their modulus, once each.")] = 0,
    skew: Annotated[float, _span("--skew", "How far each gateway's clock is off, either way.", "0s")] = 0.0,
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

    settings = _or_exit(lambda: given.load(None, {"config": config, "broker": broker}))
    _or_exit(lambda: load(settings.config, load_catalogue(settings.config)))
    if truth is not None and not truth.parent.is_dir():
        raise typer.BadParameter(f"there is no directory {truth.parent}", param_hint="--truth")
    faults = {
        "duplicate": duplicate, "reorder": reorder, "delay": delay, "delay_by": delay_by, "drop": drop, "skew": skew,
    }  # fmt: skip
    with _stop_on_signal() as stop, view.simulation_progress(duration) as progress:
        told = _or_exit(
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
            {**_failures(), ValueError: EXIT_CONFIG},
        )
    if as_json:
        typer.echo(json.dumps(told.to_json()))
    else:
        _console().print(view.channel_totals(told), *view.simulation_lines(told), sep="\n")


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
        _span("--confirm", "Wait so long for the service to say that it holds every message.", "no waiting"),
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

    settings = _or_exit(lambda: given.load(None, {"broker": broker}))
    with _stop_on_signal() as stop, view.replay_progress() as progress:
        summary = _or_exit(
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
            {**_failures(), ValueError: EXIT_CONFIG, StoppedError: EXIT_INTERRUPTED},
        )
    typer.echo(json.dumps(summary.to_json()) if as_json else "\n".join(view.replay_lines(summary)))
    raise typer.Exit(EXIT_NOT_READY if summary.uncovered else 0)


@app.command()
def status(
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Ask a running service whether it is ready, and for the tonnes: now, today and this month, and the balance.

    Example: stackmeter status --state /var/lib/stackmeter

    Exit codes: 0 ready, 1 not ready, 2 token missing or wrong, 3 not reachable.
    """
    with _client(state, url, token) as client:
        seen = _asked(client.overview)
    if as_json:
        typer.echo(seen.model_dump_json(exclude_unset=True))
    else:
        _print_status(seen)
    raise typer.Exit(0 if seen.ready.ready else EXIT_NOT_READY)


@app.command()
def periods(
    park: Annotated[str | None, typer.Argument(help="A park; all where left out.")] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Show how each month of each park stands: open, provisional, final or restated, and what waits for approval.

    Example: stackmeter periods nam-cau-kien
    """
    with _client(state, url, token) as client:
        found = _asked(lambda: client.periods(park))
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        from stackmeter import view

        _console().print(view.periods(found))


@app.command()
def decide(
    park: Annotated[str, typer.Argument(help="The park.")],
    month: Annotated[str, typer.Argument(help="The month, such as 2026-10.")],
    action: Annotated[str, typer.Argument(help="provisional, final or approve.")],
    by: Annotated[str, typer.Option(help="Who decides; it is kept.")],
    generation: Annotated[
        int | None, typer.Option(help="With approve: what was seen waiting.", show_default="shown, and asked")
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Move a month of a park on: provisional, then final; then approve what waits there.

    A provisional month still follows late readings, each change with a revision. A final one keeps its number: a change
    waits until somebody approves it, and above the share second_approval_above until a second person does.

    Example: stackmeter decide nam-cau-kien 2026-10 final --by lan

    Exit codes: 0 taken, 1 not taken, 2 token missing or wrong, 3 not reachable.
    """
    from api.periods import DecisionBody

    with _client(state, url, token) as client:
        if action == "approve" and generation is None:
            generation = _confirmed(_asked(lambda: client.periods(park)), month)
        made = _valid_decision(
            DecisionBody, park=park, month=month, action=action, by=by, generation=generation
        )
        told = _asked(lambda: client.decide(made))
    typer.echo(told.model_dump_json() if as_json else f"{park} {month}: {told.detail}")
    raise typer.Exit(0 if told.outcome == "done" else EXIT_NOT_READY)


@app.command()
def restate(
    first: Annotated[str, typer.Argument(help="The first month, such as 2026-01.")],
    last: Annotated[
        str | None, typer.Argument(help="The last month, such as 2026-10.", show_default="the first")
    ] = None,
    config: ConfigDir = None,
    state: StateDir = None,
    park: Annotated[str | None, typer.Option(help="Only this park.")] = None,
    facility: Annotated[str | None, typer.Option(help="Only this facility.")] = None,
    source: Annotated[str | None, typer.Option(help="Only sources of this name.")] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the changes; the service must be stopped.")
    ] = False,
    by: Annotated[
        str | None, typer.Option(help="Who restates; the ledger keeps it. Required with --publish.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute past months again under today's configuration, factors and methods, and show what would change.

    Nothing is written without --publish, and a service may run meanwhile. With it each changed window gets a revision and
    a row of the ledger; what is of a final month waits for approval (stackmeter decide). An interrupted run is continued
    by the same command.

    Example: stackmeter restate 2024-01 2024-12 --config config --state state

    Exit codes: 0 done, 2 wrong configuration or options, 75 the state directory is in use.
    """
    import time

    from plant.load import load
    from rules.catalogue import load_catalogue
    from stackmeter import restate as work
    from stackmeter import settings as given
    from stackmeter import view
    from stackmeter.environment import AnySecret
    from stackmeter.folder import FolderInUse

    wrong = [name for name in (first, last or first) if not _is_month(name)]
    if wrong or (publish and not by):
        typer.echo(
            f"{wrong[0]!r} is no month like 2026-01" if wrong else "say who restates: --by NAME", err=True
        )
        raise typer.Exit(EXIT_CONFIG)
    settings = _or_exit(lambda: given.load(None, {"config": config, "state": state}))
    plant = _or_exit(lambda: load(settings.config, load_catalogue(settings.config), AnySecret()), _failures())
    request = work.Request(settings.config, settings.state, first, last or first, park, facility, source)
    if not (settings.state / "state.db").exists():
        typer.echo(f"{settings.state} holds no state.db: say where with --state DIR", err=True)
        raise typer.Exit(EXIT_CONFIG)
    with view.chunks_progress() as progress:
        if publish and by:
            report = _or_exit(
                lambda: work.publish(request, plant, by, time.time_ns, progress), {FolderInUse: 75}
            )
        else:
            report = work.dry_run(request, plant, progress)
    if as_json:
        typer.echo(json.dumps(work.as_json(report)))
    else:
        _console().print(view.restatement(report))
        _console().print(_restated(report, publish), soft_wrap=True)


def _is_month(text: str) -> bool:
    import re

    return re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) is not None


def _restated(report: "Report", published: bool) -> str:
    total = sum(delta.delta_t for delta in report.deltas.values())
    if not report.windows:
        return "nothing changes: every window is what this configuration says"
    done = "changed" if published else "would change; nothing was written (--publish does it)"
    return f"{report.windows:,} windows {done}: {total:+,.9g} t CO2e in all"


def _confirmed(found: "PeriodsBody", month: str) -> int:
    """Show what waits in a month and ask whether it is to be published; return its generation."""
    waits = next((p.pending_restatement for p in found.periods if p.month == month), None)
    if waits is None:
        typer.echo(f"nothing waits for approval in {month}", err=True)
        raise typer.Exit(EXIT_NOT_READY)
    typer.echo(
        f"{month}: published {waits.reported_t} t CO2e, would be {waits.current_t} t: {waits.delta_t} t in {waits.windows} windows"
        + (f"; approved by {waits.approved_by}" if waits.approved_by else "")
    )
    typer.confirm("Publish it?", abort=True)
    return waits.generation


def _valid_decision(kind: type[Made], **given: object) -> Made:
    from pydantic import ValidationError

    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        typer.echo(wrong, err=True)
        raise typer.Exit(EXIT_CONFIG) from None


@app.command()
def verify(config: ConfigDir = None, state: StateDir = None, as_json: AsJson = False) -> None:
    """Prove every number of a state, down to the raw messages, and name each row that differs.

    It proves that the ledger's chain is whole; that each window is what the ledger said of it last; that hours, days and
    months are the sums of their parts; that each window follows from the stored readings, to the bit; and that each
    reading is what a message of the journal says. Nothing is written, and a service may run meanwhile: what is proven is
    the state as it was when the command began.

    Example: stackmeter verify --config config --state state

    Exit codes: 0 all proven, 1 something differs or cannot be proven, 2 wrong configuration, or no state there.
    """
    from plant.load import load
    from rules.catalogue import load_catalogue
    from stackmeter import proof_view
    from stackmeter import settings as given
    from stackmeter.environment import AnySecret
    from stackmeter.verify import NoState
    from stackmeter.verify import verify as prove
    from store.sqlite import StateMismatch

    settings = _or_exit(lambda: given.load(None, {"config": config, "state": state}))
    catalogue = _or_exit(lambda: load_catalogue(settings.config), _failures(), as_json=as_json)
    plant = _or_exit(lambda: load(settings.config, catalogue, AnySecret()), _failures(), as_json=as_json)
    exits = {NoState: EXIT_CONFIG, StateMismatch: EXIT_CONFIG}
    hints = {EXIT_CONFIG: "Say where the state is with --state DIR."}
    with proof_view.proof_progress() as tell:
        report = _or_exit(lambda: prove(plant, catalogue, settings.state, tell), exits, hints)
    if as_json:
        typer.echo(json.dumps(proof_view.proof_json(report), allow_nan=False))
    else:
        typer.echo("\n".join(proof_view.proof_lines(report)))
    raise typer.Exit(0 if report.proven else EXIT_NOT_READY)


@app.command()
def explain(
    place: Annotated[str, typer.Argument(help="PARK/FACILITY/SOURCE; of a park or a facility, its parts.")],
    at: Annotated[
        str | None, typer.Option(help="A time with zone: the window around it, with all it was made of.")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(help="today, month, year, 2026, 2026-11 or 2026-11-24.", show_default="today"),
    ] = None,
    state: StateDir = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Say why a number is what it is: readings, factor, method and history of a window, or the parts of a total.

    Of a single window (--at) everything is told that it was made of, and it is made again from just that.

    Example: stackmeter explain nam-cau-kien/mill/grid --at 2026-11-24T10:05:00+07:00

    Exit codes: 0 told, 1 no such source or time, 2 token missing or wrong, 3 not reachable.
    """
    names = dict(zip(("park", "facility", "source"), place.split("/", 2), strict=False))
    asked = {**names, **{name: text for name, text in (("at", at), ("period", period)) if text}}
    with _client(state, url, token) as client:
        told = _asked(lambda: client.explain(**asked))
    if as_json:
        typer.echo(told.model_dump_json(by_alias=True))
        return
    from stackmeter import proof_view, view

    _console().print(proof_view.explanation(told, view.own_zone()))


def _client(state: Path | None, url: str | None, token: str | None) -> "Client":
    """Return a client of the service that the options or the state directory name."""
    from stackmeter import settings as given
    from stackmeter.client import Client

    settings = _or_exit(lambda: given.load(None, {"state": state, "token": token}))
    return Client(*_or_exit(lambda: _where(settings, url), _failures()))


def _asked(ask: Callable[[], Made]) -> Made:
    """Return what a service says, or exit with the reason why it does not."""
    from stackmeter.client import NotAsked, NotTaken, Refused, Unreachable, Unready

    exits = {
        Unreachable: EXIT_UNREACHABLE,
        Refused: EXIT_CONFIG,
        Unready: EXIT_NOT_READY,
        NotTaken: EXIT_NOT_READY,
        NotAsked: EXIT_NOT_READY,
    }
    hints = {
        EXIT_UNREACHABLE: "Is it running? Say where with --state DIR or --url http://host:port.",
        EXIT_CONFIG: "Give it with --token or STACKMETER_TOKEN, or --state DIR of the service.",
    }
    return _or_exit(ask, exits, hints)


def _where(settings: "Settings", url: str | None) -> tuple[str, str]:
    """Return address and token of the service: as given, else as its state directory has them."""
    from stackmeter.folder import stored_token, stored_url

    address = url or stored_url(settings.state) or f"http://{settings.host}:{settings.port}"
    token = settings.token.get_secret_value() if settings.token else stored_token(settings.state)
    return address, token or ""


def _print_status(seen: "Overview") -> None:
    from rich.text import Text

    from stackmeter import view

    zone, console = view.own_zone(), _console()
    head = [f"{seen.url} is {'ready' if seen.ready.ready else 'not ready'}", *view.readiness(seen.ready)]
    console.print(Text("\n".join(head)))
    console.print(view.tonnes(seen, zone))
    console.print(Text("\n".join([*view.balance(seen.balance), *view.alerts(seen, zone)])))


def _console() -> "Console":
    """Return standard output for tables; a file or a pipe has no colours and room enough."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, force_terminal=False, width=PLAIN_WIDTH)


def _started(settings: "Settings") -> "Service":
    from stackmeter.crash import crash_points
    from stackmeter.service import Service

    service = Service(settings, crash_points(os.environ))
    service.start()
    return service


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """Give what is set at SIGTERM or Ctrl-C."""
    stop = threading.Event()
    with _on_signal(stop.set):
        yield stop


@contextmanager
def _on_signal(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at SIGTERM or Ctrl-C, for an orderly end; a second one ends at once."""
    asked = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        if asked.is_set():
            os._exit(EXIT_INTERRUPTED)
        asked.set()
        act()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failures() -> dict[type[Exception], int]:
    """Return what may keep a command from its work, and the exit code that says so; the first that fits counts."""
    from ingest.subscriber import BrokerAddress
    from simulators import publisher
    from stackmeter import broker, service
    from stackmeter.folder import FolderInUse
    from store.sqlite import StateMismatch

    return {
        FolderInUse: service.EXIT_IN_USE,
        StateMismatch: service.EXIT_DATA,
        publisher.BrokerError: EXIT_UNREACHABLE,
        broker.BrokerError: EXIT_UNREACHABLE,
        BrokerAddress: EXIT_CONFIG,
        OSError: EXIT_CONFIG,
    }


def _or_exit(
    make: Callable[[], Made],
    exits: Mapping[type[Exception], int] | None = None,
    hints: Mapping[int, str] | None = None,
    *,
    as_json: bool = False,
) -> Made:
    """Return what `make` makes; else say what is wrong with configuration, settings or `exits`, and exit so."""
    from pydantic import ValidationError

    from plant.problems import ConfigurationError

    exits = exits or {}
    try:
        return make()
    except ConfigurationError as error:
        if as_json:
            typer.echo(json.dumps({"problems": [_row(problem) for problem in error.problems]}))
        else:
            typer.echo("\n".join(map(str, error.problems)), err=True)
        code = EXIT_CONFIG
    except ValidationError as error:
        typer.echo("\n".join(_setting(problem) for problem in error.errors()), err=True)
        code = EXIT_CONFIG
    except tuple(exits) as error:
        code = next(code for kind, code in exits.items() if isinstance(error, kind))
        typer.echo(str(error) or "stopped", err=True)
        if hint := (hints or {}).get(code):
            typer.echo(hint, err=True)
    raise typer.Exit(code)


def _row(problem: "Problem") -> dict[str, str | int]:
    return {"file": problem.file, "line": problem.line, "path": problem.path, "message": problem.message}


def _setting(problem: "ErrorDetails") -> str:
    name = "_".join(str(part) for part in problem["loc"])
    return f"setting {name} (STACKMETER_{name.upper()}): {problem['msg']}, not {problem['input']!r:.100}"

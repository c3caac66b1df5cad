"""The command line: `stackmeter --help` says what there is. Each command imports what it needs when it runs."""

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="stackmeter",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Turns meter and stack-sensor readings into tonnes of CO2e as they happen, and can prove every tonne.\n\n"
    "First look: stackmeter demo. Your own park: write a configuration, stackmeter check DIR, stackmeter run --config DIR.",
)

EXIT_NOT_READY, EXIT_CONFIG, EXIT_UNREACHABLE = 1, 2, 3
EXIT_INTERRUPTED = 130


def _seconds(text: str) -> float:
    """Return the seconds of `90`, `90s`, `15min`, `2h` or `1d`."""
    from plant.clock import parse_duration
    from plant.vocabulary import NS_PER_S

    return float(text) if text.replace(".", "", 1).isdecimal() else parse_duration(text) / NS_PER_S


def _duration(*names: str, help: str) -> Any:  # noqa: A002 - as typer calls it
    return typer.Option(*names, help=help, parser=_seconds, metavar="<duration>")


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
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]
File = typer.Option(exists=True, dir_okay=False, readable=True)


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def run(
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="TOML file with any of these settings.")
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
    settings = _or_exit(lambda: given.load(settings_file, flags))
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    service = _start(settings)
    typer.echo(f"API at {service.server.url}, token in {settings.state / 'token'}", err=True)
    raise typer.Exit(_until_told(service))


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


def _start(settings: Any) -> Any:
    """Open and start the service, or explain and exit with the code that says why not."""
    from stackmeter import service as switch
    from stackmeter.crash import crash_points
    from stackmeter.folder import FolderInUse
    from store.state import StateMismatch

    try:
        service = _or_exit(lambda: switch.Service(settings, crash_points(os.environ)))
        service.start()
    except FolderInUse as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(switch.EXIT_IN_USE) from error
    except StateMismatch as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(switch.EXIT_DATA) from error
    return service


def _until_told(service: Any) -> int:
    """Wait for SIGTERM or Ctrl-C, and for the orderly end; a second one ends at once."""
    asked = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        if asked.is_set():
            os._exit(1)
        asked.set()
        service.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    code: int = service.wait()
    return code


def _or_exit(make: Any, *, as_json: bool = False) -> Any:
    """Return what `make` makes; print what is wrong with configuration or settings and exit 2."""
    from pydantic import ValidationError

    from plant.problems import ConfigurationError

    try:
        return make()
    except ConfigurationError as error:
        if as_json:
            rows = [
                {"file": str(p.file), "line": p.line, "path": p.path, "message": p.message}
                for p in error.problems
            ]
            typer.echo(json.dumps({"problems": rows}))
        else:
            typer.echo("\n".join(str(p) for p in error.problems), err=True)
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"])
            typer.echo(
                f"setting {name} (STACKMETER_{name.upper()}): {problem['msg']}, not {problem['input']!r:.100}",
                err=True,
            )
    raise typer.Exit(EXIT_CONFIG)

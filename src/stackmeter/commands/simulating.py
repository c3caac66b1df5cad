"""Commands that need no plant: demo, simulate, replay."""

import json
import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_INTERRUPTED,
    EXIT_NOT_READY,
    AsJson,
    BrokerUrl,
    ConfigDir,
    failures,
    or_exit,
    screen,
    span,
    stop_on_signal,
)


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
    year: Annotated[
        Path | None,
        typer.Option(
            help="Instead: two whole years of an invented works, from meters and invoices to issued papers, left in this directory.",
            show_default="none",
        ),
    ] = None,
) -> None:
    """Show the whole line at work on this machine alone: simulated parks, a broker, the service, live tonnes.

    Nothing needs to be installed or running. Today's readings so far are sent at once, the last ones at --speed, and
    from then on the meters are live. On a terminal the view is live too; elsewhere a line is printed every few
    seconds, and the whole view at the end. Settings of the environment (STACKMETER_…) are left aside.

    With --year one person enters what invoices and delivery notes say, another approves it, closes 24 months and issues Form 06, an ISO 14064-1
    report, a GHG Protocol inventory and the auditor's workbook: in a minute or two, and without anything that goes on.

    Example: stackmeter demo --duration 1min
    """
    from rich.logging import RichHandler

    from stackmeter import demo as show

    if speed <= 0:
        raise typer.BadParameter("above 0", param_hint="--speed")
    console = screen()
    handler = RichHandler(console=console) if console.is_terminal else logging.StreamHandler(sys.stderr)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if year is not None:
        from stackmeter.demo_year import demo_year

        raise typer.Exit(or_exit(lambda: demo_year(year, console), failures()))
    options = show.DemoOptions(config, state, port, speed, seed, duration)
    with stop_on_signal() as stop:
        raise typer.Exit(or_exit(lambda: show.demo(options, stop, console), failures()))


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
    from plant.configuration.load import load
    from rules.catalogue import load_catalogue
    from simulators import park
    from simulators.faults import Faults
    from stackmeter import settings as given
    from stackmeter.views import view

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
                settings.brokers[0],
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
    from stackmeter.views import view

    settings = or_exit(lambda: given.load(None, {"broker": broker}))
    with stop_on_signal() as stop, view.replay_progress() as progress:
        summary = or_exit(
            lambda: csv_replay.replay(
                csv,
                mapping,
                settings.brokers[0],
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

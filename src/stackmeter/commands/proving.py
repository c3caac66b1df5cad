"""Commands that work on a state directory: restate, verify."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from stackmeter.commands.command import (
    EXIT_CONFIG,
    EXIT_NOT_READY,
    EXIT_UNREACHABLE,
    ArchiveAt,
    AsJson,
    ConfigDir,
    StateDir,
    archive_of,
    configured,
    failures,
    or_exit,
    plant_clock,
    screen,
)

if TYPE_CHECKING:
    from proof.restate.report import Report


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
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT",
            help="Compute on the workers of this Dask scheduler.",
            show_default="the cores of this machine",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute past months again under today's configuration, factors and methods, and show what would change.

    Nothing is written without --publish, and a service may run meanwhile. With it each changed window gets a revision and
    a row of the ledger; what is of a final month waits for approval (stackmeter decide). The audit log says who ran it. An
    interrupted run is continued by the same command.

    With --cluster each worker reads configuration and state at the paths that they have here: the same folder, or a copy of it
    (stackmeter backup). A worker that reads others is refused; one that dies costs its chunk another try. The numbers are the same.

    Example: stackmeter restate 2024-01 2024-12 --config config --state state

    Exit codes: 0 done, 2 wrong configuration or options, 3 no cluster there, 65 the state is damaged or a worker reads another
    one, 75 the state directory is in use.
    """
    import time

    from proof.restate import restate as work
    from proof.restate.cluster import ClusterAway, WorkerDiffers, on_cluster
    from proof.restate.request import Request
    from proof.restate.workers import workers_here
    from stackmeter.service import EXIT_DATA
    from stackmeter.views import view
    from store.recording import NotRecorded

    wrong = [name for name in (first, last or first) if not _is_month(name)]
    if wrong or (publish and not by):
        typer.echo(
            f"{wrong[0]!r} is no month like 2026-01" if wrong else "say who restates: --by NAME", err=True
        )
        raise typer.Exit(EXIT_CONFIG)
    settings, plant, _ = configured(config, state)
    request = Request(settings.config, settings.state, first, last or first, park, facility, source)
    if not (settings.state / "state.db").exists():
        typer.echo(f"{settings.state} holds no state.db: say where with --state DIR", err=True)
        raise typer.Exit(EXIT_CONFIG)
    workers_for = on_cluster(cluster, plant.hash) if cluster else workers_here
    ends: dict[type[Exception], int] = {ClusterAway: EXIT_UNREACHABLE, WorkerDiffers: EXIT_DATA}
    ends |= dict[type[Exception], int]({NotRecorded: EXIT_CONFIG}) | failures()
    with view.chunks_progress() as progress:
        if publish and by:
            report = or_exit(
                lambda: work.publish(request, plant, by, time.time_ns, progress, workers_for), ends
            )
        else:
            report = or_exit(lambda: work.dry_run(request, plant, progress, workers_for), ends)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        screen().print(view.restatement(report))
        screen().print(_restated(report, publish), soft_wrap=True)


def _is_month(text: str) -> bool:
    import re

    return re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) is not None


def _restated(report: "Report", published: bool) -> str:
    total = sum(delta.delta_t for delta in report.deltas.values())
    hours = sum(delta.hours for delta in report.hours)
    if not report.windows and not hours:
        return "nothing changes: every window is what this configuration says"
    done = "changed" if published else "would change; nothing was written (--publish does it)"
    told = f"{report.windows:,} windows {done}: {total:+,.9g} t CO2e in all"
    if not hours:
        return told
    of_hours = sum(delta.delta_t for delta in report.hours)
    return f"{told}\n{hours:,} regulated hours {done}: {of_hours:+,.9g} t CO2e in all"


def verify(
    config: ConfigDir = None,
    state: StateDir = None,
    archive: ArchiveAt = None,
    quick: Annotated[bool, typer.Option("--quick", help="Of messages and readings, only a sample.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prove every number of a state, down to the raw messages and back, and name each row that differs.

    It proves that the ledger's chain is whole; that each window is what the ledger said of it last; that hours, days and
    months are the sums of their parts; that each window follows from the stored readings, to the bit; that each reading
    is what a message of the journal says; and that each message of the journal is in the state once: its readings, its
    number, how it ended, the balances. It says what it does not prove. Nothing is written, and a service may run
    meanwhile: what is proven is the state as it was when the command began. With an archive each of its files is proven too,
    and what was pruned from the journal is read from there; without it such messages cannot be proven.

    Example: stackmeter verify --config config --state state

    Exit codes: 0 all proven, 1 something differs or cannot be proven, 2 wrong configuration, or no state there,
    3 the archive cannot be reached, 65 journal or state is damaged.
    """
    from random import SystemRandom

    from proof.verify.verify import NoState
    from proof.verify.verify import verify as prove
    from stackmeter.views import proof_view
    from store.sqlite import StateMismatch

    settings, plant, catalogue = configured(config, state, as_json=as_json)
    exits: dict[type[Exception], int] = {NoState: EXIT_CONFIG, StateMismatch: EXIT_CONFIG}
    place = archive_of(settings, archive)
    hints = {EXIT_CONFIG: "Say where the state is with --state DIR."}
    chance = SystemRandom() if quick else None
    with proof_view.proof_progress() as tell:
        report = or_exit(
            lambda: prove(plant, catalogue, settings.state, tell, quick=chance, archive=place),
            exits | failures(),
            hints,
        )
    if as_json:
        typer.echo(json.dumps(proof_view.proof_json(report), allow_nan=False))
    else:
        typer.echo("\n".join(proof_view.proof_lines(report, plant_clock(plant))))
    raise typer.Exit(0 if report.proven else EXIT_NOT_READY)

"""The commands about all shards at once: how they stand, and which machines they should be on."""

import os
from pathlib import Path
from typing import Annotated

import typer

from stackmeter.cluster.kinds import WeighedBy
from stackmeter.commands.command import EXIT_NOT_READY, AsJson, or_exit, screen

ShardsPath = Annotated[
    Path,
    typer.Option(
        "--shards",
        exists=True,
        dir_okay=False,
        help="File of shards, with the workers of each (docs/cluster.md).",
    ),
]

cluster = typer.Typer(no_args_is_help=True, help="All shards at once: how they stand.")


@cluster.callback()
def all_shards() -> None:
    """Stand before the command's name, though there is one."""


@cluster.command()
def status(shards: ShardsPath, as_json: AsJson = False) -> None:
    """Show who owns each shard, how far its standby is behind, whether their ledgers agree, what waits and what is wrong.

    Each worker is asked at its own address, with the viewer's key that key_env names; the log where the shard's settings file names
    one. A number that nobody can say is a dash, in JSON null.

    Example: stackmeter cluster status --shards shards.yaml

    Exit codes: 0 nothing is wrong, 1 something is, 2 wrong file of shards or settings.
    """
    from plant.shards.shards_file import load_shards
    from stackmeter.cluster.asking import ask
    from stackmeter.cluster.standing import ClusterTold, told
    from stackmeter.views import cluster_view

    seen = or_exit(lambda: ask(load_shards(shards), os.environ), as_json=as_json)
    found = ClusterTold(shards=[told(one) for one in seen])
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        screen().print(cluster_view.cluster(found))
    raise typer.Exit(0 if found.is_well else EXIT_NOT_READY)


def place(
    shards: ShardsPath,
    by: Annotated[
        WeighedBy,
        typer.Option(
            help="What a shard is weighed by: readings a second over the last day, channels, or bytes that it grows by a day."
        ),
    ] = WeighedBy.READINGS,
    as_json: AsJson = False,
) -> None:
    """Show which machine should own each shard and which should stand by, why, and step by step how to get there. It moves nothing.

    What is placed stays, but where a machine is not among the machines of the file any more, where a shard lacks owner or standby, and
    where a machine has more than 1.10 times the mean. Owner and standby are never on one machine. A machine that is dead moves nothing.

    Example: stackmeter place --shards shards.yaml

    Exit codes: 0 shown, 1 nothing can be proposed, or a shard has no second machine, 2 wrong file of shards or settings.
    """
    import time

    from plant.shards.shards_file import load_cluster
    from stackmeter.cluster.asking import ask
    from stackmeter.cluster.placing import proposed
    from stackmeter.cluster.weighing import weigh
    from stackmeter.views import cluster_view

    found = or_exit(lambda: load_cluster(shards), as_json=as_json)
    seen = or_exit(lambda: ask(found.shards, os.environ), as_json=as_json)
    told = proposed(found, seen, weigh(seen, os.environ, time.time_ns()), by, str(shards))
    if as_json:
        typer.echo(told.model_dump_json())
    else:
        for shown in cluster_view.placement(told):
            screen().print(shown)
    raise typer.Exit(0 if told.is_whole else EXIT_NOT_READY)

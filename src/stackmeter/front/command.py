"""The command that puts one API and one live page before several services: front."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from stackmeter.commands.command import EXIT_CONFIG, failures, or_exit, stop_on_signal


def front(
    shards: Annotated[
        Path,
        typer.Option(
            exists=True, dir_okay=False, help="File of shards: name, url, parks and key_env of each."
        ),
    ],
    host: Annotated[str, typer.Option(help="Address the front listens on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port the front listens on; 0 takes a free one.")
    ] = 8080,
    public_url: Annotated[str, typer.Option(help="Where readers find the front.")] = "",
    allowed_hosts: Annotated[
        str, typer.Option(help="Further host names of the front, separated by commas; * for any.")
    ] = "",
    trusted_proxies: Annotated[
        str, typer.Option(help="Reverse proxies whose X-Forwarded-For is believed, separated by commas.")
    ] = "",
) -> None:
    """Serve one API and one live page over several services (shards), with the same totals as one that has all their parks.

    What is asked of one park is passed on to its shard, with the key of whoever asks: a shard tells nobody more than if it had been
    asked itself. A total of all parks is made from what each park adds. A shard that is away is told with a reason; its parks are
    null, never 0, and so is a total of all unless it is asked for with partial=true. The front keeps nothing: start as many as you like.

    \b
    shards:
      - {name: north, url: "http://10.0.0.1:8080", parks: [deep-c], key_env: NORTH_KEY}
      - {name: south, url: "http://10.0.0.2:8080", parks: [nam-cau-kien]}

    With key_env, a viewer's key in that variable, the front also looks every 5 s whether the shard has its parks.

    Example: stackmeter front --shards shards.yaml

    Exit codes: 0 stopped, 2 wrong file of shards, or the address cannot be had.
    """  # noqa: D301 - \b keeps the lines of the file as they are
    from stackmeter.front.serving import serve, server_of

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    server = or_exit(
        lambda: server_of(
            shards, host, port, public_url=public_url, allowed_hosts=allowed_hosts, trusted=trusted_proxies
        ),
        {**failures(), ValueError: EXIT_CONFIG},
    )
    with stop_on_signal() as stop:
        typer.echo(f"front at {server.url}", err=True)
        serve(server, stop)

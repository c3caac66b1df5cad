"""Runs the front until it is told to stop."""

import os
import threading
import time
from pathlib import Path

import httpx

from api.access.addresses import Clients
from api.serve import Server
from plant.networks import named_networks
from plant.shards.shards_file import load_shards
from stackmeter.front.app import create_front

MOST_ASKED = 400  # connections to shards


def server_of(
    shards: Path, host: str, port: int, *, public_url: str = "", allowed_hosts: str = "", trusted: str = ""
) -> Server:
    """Return a server of the front over a file of shards, which listens already.

    Raises
    ------
    ConfigurationError
        With every mistake of the file.
    OSError
        The address cannot be bound.
    ValueError
        A proxy is none.
    """
    named, clients = load_shards(shards), Clients(named_networks(trusted))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=MOST_ASKED)
    client = httpx.AsyncClient(trust_env=False, follow_redirects=False, limits=limits)
    hosts = [one.strip() for one in allowed_hosts.split(",") if one.strip()]
    app = create_front(
        named, client, time.time_ns, os.environ, public_url=public_url, allowed_hosts=hosts, clients=clients
    )
    return Server(app, host, port, ending=app.state.end_streams)


def serve(server: Server, stop: threading.Event) -> None:
    """Answer until `stop`."""
    server.start()
    try:
        stop.wait()
    finally:
        server.stop()

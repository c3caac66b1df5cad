"""What the tests' servers do where something else has the port that they drew."""

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.frame.repository import ROOT
from tests.servers import Alertmanager, InfluxDB, Mosquitto, PortTaken, Server, WebhookReceiver, listening
from tests.service import Service


def occupied(port: int) -> closing[socket.socket]:
    taken = socket.socket()
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return closing(taken)


@pytest.mark.parametrize("make", [Mosquitto, InfluxDB, Alertmanager, WebhookReceiver])
def test_solid_a12_a_server_whose_port_was_taken_meanwhile_draws_another(make: Callable[[], Server]) -> None:
    server = make()
    drawn = server.port  # type: ignore[attr-defined]
    with occupied(drawn), server:
        assert server.port != drawn  # type: ignore[attr-defined]
        assert listening(server.port)  # type: ignore[attr-defined]


def test_solid_a12_a_service_whose_port_was_taken_meanwhile_draws_another(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with Service(tmp_path, ROOT / "config" / "haiphong", mosquitto.url) as service:
        drawn = service.port
        with occupied(drawn):
            service.start()
        assert service.port != drawn


def test_solid_a12_a_server_that_clients_know_keeps_its_port(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        broker.stop()
        with occupied(broker.port), pytest.raises(PortTaken):
            broker.start()

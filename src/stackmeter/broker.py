"""The embedded MQTT broker: rumqttd from the `iotcore` wheel, on this machine only and only as long as we live.

It keeps everything in memory, so it is for demonstrations and tests. Production has a durable broker (see
`deploy/mosquitto.conf`).
"""

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from iotcore import Broker

HOST = "127.0.0.1"

# 5 MiB stand above the service's own limit (a Sparkplug birth has 4 MiB at most), so that a message too large for us is still seen and counted.
# rumqttd keeps what a subscriber has yet to fetch in segments, and forgets the oldest beyond their number.
CONFIGURATION = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 1000
max_segment_size = 33554432
max_segment_count = 8
"""
LISTENER = """
[{version}.1]
name = "mqtt-{version}"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 5242880
max_inflight_count = 1000
dynamic_filters = true
"""


class BrokerError(RuntimeError):
    """The embedded broker could not start; the message says why and what to do."""


class EmbeddedBroker:
    """An MQTT broker of our own, as a context manager.

    The broker is a child process: it ends with the context, and with this process however this process ends.
    Ctrl-C in the terminal leaves it running until then, so that the service can still acknowledge while it stops.

    rumqttd speaks MQTT 3.1.1 and MQTT 5 on a port each; a client id has one session over both. Clients of ours
    all take the same one: in rumqttd 0.20 a client that connects on one port within a millisecond after another
    left the other port can be taken for the one that left, and its port then refuses every new connection [1]_.

    Parameters
    ----------
    port
        Port of the MQTT 3.1.1 listener; 0 takes a free one.
    port_v5
        Port of the MQTT 5 listener; 0 takes a free one, None does without.

    References
    ----------
    .. [1] https://github.com/bytebeamio/rumqtt/pull/1066
    """

    def __init__(self, port: int = 0, port_v5: int | None = None) -> None:
        self._wanted = {"v4": port} | ({} if port_v5 is None else {"v5": port_v5})
        self._ports: dict[str, int] = {}
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """Address of the MQTT 3.1.1 listener."""
        return f"mqtt://{HOST}:{self._ports['v4']}"

    @property
    def url_v5(self) -> str:
        """Address of the MQTT 5 listener, where one was asked for."""
        return f"mqtt://{HOST}:{self._ports['v5']}"

    def __enter__(self) -> Self:
        """Start the broker and return once it accepts connections.

        Raises
        ------
        BrokerError
            If a port is taken, or the broker does not come up within 10 s.
        """
        self._ports = _fill_in_free(self._wanted)
        with ExitStack() as starting:
            folder = starting.enter_context(TemporaryDirectory(prefix="stackmeter-broker-"))
            starting.enter_context(_start(Path(folder) / "broker.toml", self._ports))
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker and give its ports back."""
        self._running.close()


def _start(configuration: Path, ports: Mapping[str, int]) -> Broker:
    listeners = (LISTENER.format(version=version, host=HOST, port=port) for version, port in ports.items())
    configuration.write_text(CONFIGURATION + "".join(listeners), encoding="utf-8")
    try:
        return Broker(config_path=str(configuration)).start()
    except (OSError, RuntimeError) as error:
        raise BrokerError(
            f"the embedded broker did not start: {error}. "
            "Stop what uses that port, choose another one, or give the address of a broker of yours."
        ) from error


def _fill_in_free(ports: Mapping[str, int]) -> dict[str, int]:
    """Replace each 0 by a free port; held together until all are chosen, so that no two are the same."""
    with ExitStack() as held:
        return {version: port or _free_port(held) for version, port in ports.items()}


def _free_port(held: ExitStack) -> int:
    probe = held.enter_context(socket.socket())
    probe.bind((HOST, 0))
    return int(probe.getsockname()[1])

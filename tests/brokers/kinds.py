"""The other brokers that people have, set as docs/brokers.md says, each as `tests.servers.Mosquitto` is: on a port, in a folder, killed and started again.

`versions` says which MQTT a broker speaks, `keeps` whether what it has acknowledged outlives its own death, `saves_late`
whether it saves only after it has acknowledged.
"""

import signal
from pathlib import Path

from tests.servers import Mosquitto, Process, Server, free_port, listens, required, required_node, speaks_mqtt


class OtherBroker(Server):
    """A broker on 127.0.0.1 that lets everybody in."""

    versions: tuple[str, ...] = ("3.1.1",)
    keeps = True
    saves_late = False

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.draw()

    @property
    def url(self) -> str:
        """The broker's address as our settings write it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def draw(self) -> None:
        """Draw a port, and make the process that listens there."""
        self.port = free_port()
        command, environment = self._command()
        self.process = Process(
            type(self).__name__,
            command,
            self.folder / "broker.log",
            lambda: speaks_mqtt(self.process.pid, self.port),
            environment,
        )
        self.processes = [self.process]

    def _command(self) -> tuple[list[str], dict[str, str]]:
        """Write the settings, and return the command and its environment."""
        raise NotImplementedError


def rabbitmq_release() -> tuple[int, ...]:
    """Return the release of the RabbitMQ that is installed, (0,) where there is none."""
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
    return tuple(int(one) for one in found[-1].name.partition("-")[2].split(".")) if found else (0,)


class RabbitMQ(OtherBroker):
    """A node of its own with the MQTT plugin, and an epmd of its own, which a node would else leave behind."""

    versions = ("3.1.1", "5") if rabbitmq_release() >= (3, 13) else ("3.1.1",)
    SETTINGS = """\
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:{port}
mqtt.prefetch = 1000
"""
    LASTING = (
        "mqtt.max_session_expiry_interval_seconds = 2592000\n"
        if rabbitmq_release() >= (3, 13)
        else "mqtt.subscription_ttl = 2592000000\n"
    )
    ANYBODY = (
        "anonymous_login_user = guest\nanonymous_login_pass = guest\n"
        if rabbitmq_release() >= (4,)
        else "mqtt.default_user = guest\nmqtt.default_pass = guest\n"
    )

    def draw(self) -> None:
        """Draw the ports of both."""
        self._names = free_port()
        super().draw()
        names = Process(
            "epmd",
            [required("epmd"), "-port", str(self._names), "-address", "127.0.0.1"],
            self.folder / "epmd.log",
            lambda: listens(names.pid, self._names),
        )
        self.processes = [names, self.process]

    def kill(self) -> None:
        """End the node as a power cut would, and leave its epmd."""
        self.process.signal(signal.SIGKILL)

    def close(self) -> None:
        """End and remove everything."""
        for process in reversed(self.processes):
            process.signal(signal.SIGKILL)
        super().close()

    def _command(self) -> tuple[list[str], dict[str, str]]:
        # Debian's own script would change to the user rabbitmq, and its folders.
        required("rabbitmq-server")
        settings, plugins = self.folder / "rabbitmq.conf", self.folder / "enabled_plugins"
        settings.write_text(self.SETTINGS.format(port=self.port) + self.LASTING + self.ANYBODY)
        plugins.write_text("[rabbitmq_mqtt].")
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"], {
            "HOME": str(self.folder),  # where its cookie is
            "RABBITMQ_NODENAME": f"stackmeter{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RUNNING_UNDER_SYSTEMD": "1",  # no shell around it that would outlive a SIGKILL
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }


class NATS(OtherBroker):
    """A NATS server with JetStream, on disk, that sends again after a second what nobody acknowledged."""

    def _command(self) -> tuple[list[str], dict[str, str]]:
        settings = self.folder / "nats.conf"
        settings.write_text(
            f'server_name: "one"\nlisten: "127.0.0.1:{free_port()}"\n'
            f'jetstream {{ store_dir: "{self.folder}/data" }}\n'
            f'mqtt {{ listen: "127.0.0.1:{self.port}", ack_wait: "1s", max_ack_pending: 1000 }}\n'
        )
        return [required("nats-server"), "--config", str(settings)], {}


class Aedes(OtherBroker):
    """Aedes in memory, as it comes."""

    keeps = False

    def _command(self) -> tuple[list[str], dict[str, str]]:
        script = required_node("aedes") / "aedes.js"
        return [required("node"), str(script), str(self.port)], {}


class DurableMosquitto(Mosquitto):
    """Mosquitto as it is shipped with us."""

    versions = ("3.1.1", "5")
    keeps = True
    saves_late = True


KINDS = (DurableMosquitto, RabbitMQ, NATS, Aedes)

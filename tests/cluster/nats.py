"""Three real nodes of NATS with JetStream, set as docs/log.md says, each killed and started by itself."""

import contextlib
import signal
import time
from pathlib import Path
from typing import Any

import httpx

from store.replicated.nats_log import NatsLog
from tests.servers import Process, Server, free_port, required, wait_until

GATHERINGS, GATHERED_WITHIN = 5, 25.0  # s
SETTINGS = """\
server_name: n{number}
listen: 127.0.0.1:{client}
http: 127.0.0.1:{monitor}
jetstream {{ store_dir: "{folder}", sync_interval: {sync} }}
"""
CLUSTER = """\
cluster {{ name: log, listen: 127.0.0.1:{route}, routes: [{routes}] }}
"""


class NatsCluster(Server):
    """Nodes on 127.0.0.1, ready when each of them knows all and who leads."""

    def __init__(self, folder: Path | None = None, *, nodes: int = 3, sync: str = "always") -> None:
        super().__init__(folder)
        self._nodes, self._sync = nodes, sync
        self.draw()

    def draw(self) -> None:
        """Draw three ports for each node."""
        binary = required("nats-server")
        self.ports = [(free_port(), free_port(), free_port()) for _ in range(self._nodes)]
        routes = ", ".join(f"nats://127.0.0.1:{route}" for _, _, route in self.ports)
        self.processes = []
        for number, (client, monitor, route) in enumerate(self.ports, 1):
            folder, settings = self.folder / f"n{number}", self.folder / f"n{number}.conf"
            clustered = SETTINGS + (CLUSTER if self._nodes > 1 else "")
            settings.write_text(
                clustered.format(
                    number=number, client=client, monitor=monitor, route=route, routes=routes, folder=folder, sync=self._sync
                )
            )  # fmt: skip
            self.processes.append(
                Process(
                    f"nats-server {number}",
                    [binary, "-c", str(settings)],
                    self.folder / f"n{number}.log",
                    lambda monitor=monitor: _answers(monitor),
                )
            )

    def start(self) -> None:
        """Start what does not run, and wait until all know each other."""
        super().start()
        for attempt in range(GATHERINGS):
            try:
                wait_until(self._are_whole, "the log's nodes found each other", GATHERED_WITHIN)
            except TimeoutError:
                if attempt == GATHERINGS - 1:
                    raise
                for process in self.processes:  # nodes that start together may form a group of two, for good
                    process.signal(signal.SIGKILL)
                    process.start()
            else:
                return

    def _are_whole(self) -> bool:
        time.sleep(0.05)
        return all(self._is_whole(monitor) for _, monitor, _ in self.ports)

    def _is_whole(self, monitor: int) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            if not httpx.get(f"http://127.0.0.1:{monitor}/healthz", trust_env=False, timeout=5).is_success:
                return False  # it has not caught up yet
            told = httpx.get(f"http://127.0.0.1:{monitor}/jsz", trust_env=False, timeout=5).json()
            if self._nodes == 1:
                return True
            cluster = told.get("meta_cluster", {})
            return bool(cluster.get("cluster_size") == self._nodes and cluster.get("leader"))
        return False

    @property
    def url(self) -> str:
        """The setting `log`."""
        return ",".join(f"nats://127.0.0.1:{client}" for client, _, _ in self.ports)

    @property
    def monitors(self) -> list[str]:
        """The setting `log_monitors`, one by one."""
        return [f"http://127.0.0.1:{monitor}" for _, monitor, _ in self.ports]

    def settings(self, shard: str) -> dict[str, Any]:
        """Return the settings of a service of a shard in this log."""
        return {
            "log": self.url,
            "log_monitors": ",".join(self.monitors),
            "shard": shard,
            "log_replicas": self._nodes,
        }

    def environment(self, shard: str) -> dict[str, str]:
        """Return them as variables."""
        return {f"STACKMETER_{name.upper()}": str(value) for name, value in self.settings(shard).items()}

    def connect(self, shard: str) -> NatsLog:
        """Return the log of a shard."""
        return NatsLog(self.url.split(","), shard, self._nodes)


def _answers(monitor: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{monitor}/varz", trust_env=False, timeout=5).is_success
    return False

"""The service as a process of its own, as an operator runs it; killed, started again and asked over HTTP."""

import contextlib
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.servers import PATIENCE, Process, Server, free_port, wait_until

PROGRAM = Path(sys.executable).with_name("stackmeter")
TOKEN = "token-of-the-test"


def clean() -> list[str]:
    """Return the start of a command line that takes away settings which would reach the service unseen."""
    return ["env", *(f"--unset={name}" for name in os.environ if name.startswith("STACKMETER_"))]


class RunningService(Server):
    """`stackmeter run` over a state directory in its own folder, on the same port however often it starts."""

    def __init__(self, config: Path, broker: str, *, influx: str | None = None, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.state = self.folder / "state"
        port = free_port()
        options = [f"--config={config}", f"--state={self.state}", f"--broker={broker}", f"--port={port}"]
        options += [f"--token={TOKEN}", "--log-level=info"] + ([f"--influx={influx}"] if influx else [])
        self.process = Process(
            "stackmeter", [*clean(), str(PROGRAM), "run", *options], self.folder / "service.log", self.ready
        )
        self.processes.append(self.process)
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE,
            trust_env=False,
        )

    def close(self) -> None:
        """End and remove everything."""
        self._client.close()
        super().close()

    def ready(self) -> bool:
        """Whether it answers that it can do its work."""
        with contextlib.suppress(httpx.TransportError):
            return self._client.get("/readyz").is_success
        return False

    def ask(self, path: str, **query: str) -> Any:
        """Return the API's answer; `from_` asks for `from`."""
        answer = self._client.get(path, params={name.rstrip("_"): text for name, text in query.items()})
        assert answer.is_success, f"{path} {query}: {answer.status_code} {answer.text}"
        return answer.json()

    def metric(self, name: str) -> float:
        """Return a metric that has no labels."""
        lines = self._client.get("/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.split()[0] in {name, f"{name}_total"})

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what SQL says of the state, beside the running service."""
        address = f"{self.state.absolute().as_uri()}/state.db?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as connection:
            return connection.execute(query, values).fetchall()

    def wait_for_messages(self, count: int, patience: float = PATIENCE) -> dict[str, int]:
        """Return the balance of messages once so many are through the line."""
        found: dict[str, int] = {}

        def through() -> bool:
            found.update(self.ask("/v1/balance")["messages"])
            return found["received"] >= count

        wait_until(through, f"{count} messages are not through the line", patience)
        return found

    def wait_for_influx(self, patience: float = PATIENCE) -> None:
        """Wait until InfluxDB has been told everything."""
        waiting = ("stackmeter_influx_waiting_readings", "stackmeter_influx_waiting_hours")
        wait_until(lambda: not any(map(self.metric, waiting)), "InfluxDB was not told everything", patience)

"""What tests ask of a running service: the API's answers as JSON, and rows of its state beside it."""

import sqlite3
from contextlib import closing
from typing import Any

from tests.servers import PATIENCE, wait_until
from tests.service import Service


def ask(service: Service, path: str, **query: str) -> Any:
    """Return what the API says; `from_` asks for `from`."""
    answer = service.get(path, **{name.rstrip("_"): text for name, text in query.items()})
    assert answer.is_success, f"{path} {query}: {answer.status_code} {answer.text}"
    return answer.json()


def rows(service: Service, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what SQL finds in the state."""
    address = f"{service.database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as connection:
        return connection.execute(query, values).fetchall()


def messages_received(service: Service) -> int:
    """Return how many messages are through the line."""
    received: int = ask(service, "/v1/balance")["messages"]["received"]
    return received


def wait_for_messages(service: Service, count: int) -> None:
    """Wait until so many messages are through the line."""
    wait_until(lambda: messages_received(service) >= count, f"{count} messages are not through")


def wait_for_influx(service: Service, patience: float = PATIENCE) -> None:
    """Wait until InfluxDB has been told everything."""

    def told() -> bool:
        found = service.metrics()
        return not (
            found["stackmeter_influx_waiting_readings"] or found["stackmeter_influx_waiting_emissions"]
        )

    wait_until(told, "InfluxDB was not told everything", patience)

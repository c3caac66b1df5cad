"""Ends an attempt in time, however busily the other side goes on talking."""

import socket
import threading
from collections.abc import Mapping
from typing import Any, Self


class Deadline:
    """Cuts the connections of an attempt when its time is over.

    Timeouts of sockets are for one read each, and a byte every few seconds satisfies them for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._sockets: list[socket.socket] = []
        self.passed = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection too, at once where the time is over."""
        self._sockets.append(connection)
        if self.passed:
            self._cut()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Learn from httpx which socket it uses; TLS replaces it by another."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self.watch(info["return_value"].get_extra_info("socket"))

    def _cut(self) -> None:
        self.passed = True
        for connection in self._sockets:
            if connection.fileno() >= 0:
                _shut_down(connection)


def _shut_down(connection: socket.socket) -> None:
    try:
        # The plain one: that of SSLSocket would take the TLS state from under the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster, or it was never connected

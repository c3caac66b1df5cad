"""Serves the API with uvicorn, in a thread or in the main one, until told to stop."""

import asyncio
import errno
import socket
from collections.abc import Callable
from threading import Thread
from time import monotonic, sleep
from typing import Any

import uvicorn

from api.connections import KEEP_ALIVE_S, LONGEST_HEAD, RECEIVE_S, connections

_START_SECONDS = 10.0
_STOP_SECONDS = 5
MOST_CONNECTIONS = 800  # well below 1024, where select() of the MQTT client ends
_UNREAD_MS = (
    30_000  # a client that takes nothing for so long, or is gone without a word, loses its connection
)

_WAYS_OUT = {
    errno.EADDRINUSE: "stop what listens there, or give another port",
    errno.EACCES: "give a port above 1023",
}


def _bound(host: str, port: int, family: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]  # Python adds the address once more
        what = _WAYS_OUT.get(error.errno or 0, "give an address of this machine")
        told = f"the API cannot listen on port {port} of {host}: {why.lower()}; {what}"
        raise OSError(error.errno, told) from error


class _ServerThatHangsUp(uvicorn.Server):
    """Ends its connections where it fails, too: who asks on one that nobody reads any more would wait until they give up."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().serve(sockets)
        finally:
            for one in list(self.server_state.connections):
                one.transport.abort()
            await asyncio.sleep(0)  # they close in the next round of the loop


class Server:
    """An HTTP server that has its port from the moment it exists; port 0 takes a free one.

    Parameters
    ----------
    ending
        Called before it stops: ends the answers that would never end by themselves.
    unread_ms
        How long a client may take nothing of its answer, or be gone without a word [ms].
    most_connections, receive_s
        How many connections there may be, and how long a request may take to come as a whole [s]: `api.connections`.

    Raises
    ------
    OSError
        The address cannot be bound.
    """

    def __init__(
        self,
        app: Any,
        host: str = "127.0.0.1",
        port: int = 0,
        ending: Callable[[], None] = lambda: None,
        unread_ms: int = _UNREAD_MS,
        most_connections: int = MOST_CONNECTIONS,
        receive_s: float = RECEIVE_S,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = _bound(host, port, family)
        # Head and body are written apart: without it the body waits for the client's ack, 40 ms of most of them. asyncio
        # only sets it of itself on sockets that name their protocol, which those of `create_server` do not.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; each connection inherits it
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unread_ms)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self._connections = connections(most_connections, receive_s)
        self._stopped = False
        self.set_app(app, ending)
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Where the API is found."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def set_app(self, app: Any, ending: Callable[[], None] = lambda: None) -> None:
        """Serve this app when it runs next: where `run` failed, one that knows nothing of the event loop that is gone."""
        self._ending = ending
        self._server = _ServerThatHangsUp(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                http=self._connections,
                timeout_keep_alive=KEEP_ALIVE_S,
                h11_max_incomplete_event_size=LONGEST_HEAD,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )

    def run(self) -> None:
        """Serve in this thread until `stop` is called or, in the main thread, a signal comes."""
        # What uvicorn closes as it ends is a copy, so that whoever connects before it runs again waits.
        with self._socket.dup() as listening:
            if not self._stopped:
                self._server.run(sockets=[listening])

    def start(self) -> None:
        """Serve in a thread of its own, and return once requests are answered.

        Raises
        ------
        RuntimeError
            The server did not come up.
        """
        self._thread = Thread(target=self.run, name="api")
        self._thread.start()
        if not self.await_answers(self._thread.is_alive):
            self.stop()
            raise RuntimeError(f"the API did not come up at {self.url}")

    def await_answers(self, still: Callable[[], bool] = lambda: True) -> bool:
        """Wait until requests are answered, while `still`, and for 10 s; return whether they are."""
        give_up = monotonic() + _START_SECONDS
        while not self._server.started:
            if not still() or monotonic() > give_up:
                return False
            sleep(0.01)
        return True

    def stop(self) -> None:
        """Finish what is being answered, then stop; the port is free afterwards."""
        self._ending()
        self._stopped = True
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._socket.close()

"""Connections to the API: how many there may be, and how long a client may take to say what it wants.

uvicorn bounds neither: a client that sends its request a byte a minute, or no request at all, would keep its connection
for ever, and a few hundred of them everybody's.
"""

import asyncio
import sys
from functools import partial
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.problems import DATA_HEADERS, problem

RECEIVE_S = 30.0  # for a request to come as a whole, from its first byte on, or from the connection's begin
KEEP_ALIVE_S = 15  # for the next request; dashboards ask every 5 s, and should not connect anew each time
LINGER_S = 2.0  # for the rest of a body that was answered before its end, so that the client comes to read the answer
MOST_DISCARDED = 2**24  # bytes of such a rest
LONGEST_HEAD = 32768  # bytes; what is shorter and too long yet, `api.access.host_check` refuses
_CLOSE = {"Connection": "close", **DATA_HEADERS}


class HttpConnection(H11Protocol):
    """A connection that ends where its request does not come as a whole in time.

    Where there are as many as there may be, a new one takes the place of whichever has waited longest without a
    request, first of those that never had one; where every one is being answered, its request gets 503.

    Parameters
    ----------
    most
        How many connections there may be.
    receive_s
        How long a request may take to come as a whole [s].
    """

    def __init__(self, *given: Any, most: int, receive_s: float, **named: Any) -> None:
        super().__init__(*given, **named)
        self._most, self._receive_s = most, receive_s
        self._deadline: asyncio.TimerHandle | None = None
        self.waits_since = self.loop.time()
        self.requests = 0
        self._discarded = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, another one's where there is none."""
        if len(self.connections) >= self._most and not self._make_place():
            self.app = _busy
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        self._end_watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and watch for what is missing."""
        super().data_received(data)
        if self.cycle is not None and self.cycle.response_complete and self.conn.their_state is h11.SEND_BODY:
            self._discarded += len(data)
        if self._discarded > MOST_DISCARDED:
            self._abort()
        else:
            self._watch()

    def on_response_complete(self) -> None:
        """Go on with the next request; leave a body that goes on though it was answered little time."""
        self.requests += 1
        self.waits_since = self.loop.time()
        if self.conn.their_state is h11.SEND_BODY:
            self._end_watch()
            self._deadline = self.loop.call_later(LINGER_S, self._abort)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with a problem, of the status that the parser names: of a head that is too long, 431."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            answer = problem("", status, msg, headers=_CLOSE)
            head = h11.Response(status_code=status, headers=answer.raw_headers)
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def waits(self) -> bool:
        """Whether no request that has come as a whole is being answered."""
        is_whole = self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}
        return self.cycle is None or self.cycle.response_complete or not is_whole

    def give_place(self) -> None:
        """End, for another one."""
        self.connections.discard(self)
        self._abort()

    def _make_place(self) -> bool:
        waiting = [one for one in self.connections if isinstance(one, HttpConnection) and one.waits]
        if not waiting:
            return False
        min(waiting, key=lambda one: (one.requests > 0, one.waits_since)).give_place()
        return True

    def _watch(self) -> None:
        """Let the deadline run for as long as a request is on its way."""
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._end_watch()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._receive_s, self._abort)

    def _end_watch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _abort(self) -> None:
        self.transport.abort()


def connections(most: int, receive_s: float) -> Any:
    """Return what makes connections for uvicorn."""
    return partial(HttpConnection, most=most, receive_s=receive_s)


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    detail = "as many connections as this service holds are being answered"
    headers = {**_CLOSE, "Retry-After": "5"}
    await problem(scope["path"], 503, detail, headers=headers)(scope, receive, send)

"""The InfluxDB sink: one block of lines in, either all of it written and the refused lines named, or a reason to wait.

SinkError                 nothing is known to be written; send the same block again later
├── SinkUnavailable       down, busy, slow, or not InfluxDB; may say how long to wait
└── SinkUnauthorised      token, organisation, bucket or path is wrong: an operator has to look
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from plant.documents.json_text import json_of

SHORTEST_WAIT = 1.0  # s
LONGEST_WAIT = 600.0  # s
NOT_OURS = "nothing is sent while it is in doubt who owns the shard"
_LONGEST_REASON = 300  # characters
_BAD_GATEWAY = 502
_NOT_LET_IN = frozenset({401, 403, 404})  # token, organisation, bucket or path


class SinkError(Exception):
    """The block was not written, or nobody knows; sending it again is right and harmless."""


class SinkUnavailable(SinkError):
    """InfluxDB is down, busy, slow or not what answered.

    Attributes
    ----------
    retry_after
        What the server asked for, between `SHORTEST_WAIT` and `LONGEST_WAIT`; None where it asked nothing. [s]
    may_land
        Whether lines were sent that a proxy may hold, and that InfluxDB may take later than what is sent after them.
    """

    def __init__(self, reason: str, retry_after: float | None = None, *, may_land: bool = True) -> None:
        super().__init__(reason)
        self.retry_after, self.may_land = retry_after, may_land


class _Cut(SinkUnavailable):
    """The connection was cut before an answer came."""


class SinkUnauthorised(SinkError):
    """The server does not know the token, the organisation or the bucket, or has no such path."""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that the server will never take, and what it said."""

    line: bytes
    reason: str


Refused = list[RefusedLine]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back for one request; `message` is what InfluxDB itself says, empty where something else spoke."""

    status: int
    message: str = ""
    retry_after: str | None = None


class InfluxSink:
    """Writes blocks of line protocol to `/api/v2/write`. For one thread; no connection is made before the first write."""

    def __init__(
        self,
        url: str,
        token: str,
        org: str,
        bucket: str,
        *,
        gzip: bool = False,
        timeout: float = 15.0,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        """Keep the settings.

        Parameters
        ----------
        gzip
            Compress requests: worth it over a slow line only.
        timeout
            For one request, in all; above the ten seconds after which InfluxDB itself gives a write up. [s]
        may_send
            Whether a request may begin now; asked before each.
        """
        self._may_send = may_send
        self._url, self._token, self._org, self._bucket = url, token, org, bucket
        self._gzip, self._timeout = gzip, timeout
        self._client: Any = None
        self._write_api: Any = None
        self._connected()  # importing the client takes the better part of a second: at the start, not amid the work

    def write(self, block: bytes) -> Refused:
        """Write all lines of the block; return those that the server refuses, however often they are sent.

        A block that is refused as too large is halved. One that is refused for its content is searched for the
        lines that are to blame; what the server says about the number of lines it dropped is not believed, nor that a
        line is bad before it was refused twice: a transfer that was cut looks the same.

        Parameters
        ----------
        block
            Lines in nanoseconds, each with its newline.

        Raises
        ------
        SinkUnavailable, SinkUnauthorised
            Any part may then have been written: send the same block again.
        """
        refused: Refused = []
        block = block.strip(b"\n")
        if block and (answer := self._post(block)).status != 204:
            self._divide([line for line in block.split(b"\n") if line], answer, refused)
        return refused

    def close(self) -> None:
        """Let go of the connection; a later write makes a new one."""
        if self._client is not None:
            self._client.close()
        self._client = self._write_api = None

    def _write(self, lines: list[bytes], refused: Refused) -> bool:
        """Write, or find what is refused; return whether all was taken at once."""
        answer = self._post(b"\n".join(lines))
        if answer.status != 204:
            self._divide(lines, answer, refused)
        return answer.status == 204

    def _divide(self, lines: list[bytes], answer: _Answer, refused: Refused) -> None:
        """Write in parts what was refused as a whole."""
        if len(lines) == 1:
            self._refuse(lines[0], answer, refused)
        elif answer.status == 413:
            self._write(lines[: len(lines) // 2], refused)
            self._write(lines[len(lines) // 2 :], refused)
        else:
            self._search(lines, refused)

    def _refuse(self, line: bytes, answer: _Answer, refused: Refused) -> None:
        """Call a line refused; one that is refused for its content only if it is so once more."""
        if answer.status != 413:
            answer = self._post(line)
        if answer.status != 204:
            refused.append(RefusedLine(line, answer.message or f"status {answer.status}"))

    def _search(self, lines: list[bytes], refused: Refused) -> None:
        """Find the refused among lines that were refused together.

        Where the first half is taken, the second must hold the culprit, and is not sent as a whole again. A single
        line is always sent: a line may only be called refused when it was refused alone.
        """
        if len(lines) == 1:
            self._write(lines, refused)
            return
        first, second = lines[: len(lines) // 2], lines[len(lines) // 2 :]
        if self._write(first, refused):
            self._search(second, refused)
        else:
            self._write(second, refused)

    def _post(self, block: bytes) -> _Answer:
        """Send one request; return an answer of 204, 400, 413 or 422, raise for every other."""
        try:
            answer = self._request(block)
        except _Cut:
            self._ask_with_one_line(block)
            raise
        if answer.status in {204, 413} or (answer.status in {400, 422} and answer.message):
            return answer
        told = f"status {answer.status}: {answer.message or 'not an answer of InfluxDB'}"
        if answer.status in _NOT_LET_IN:
            raise SinkUnauthorised(told)
        if answer.status == _BAD_GATEWAY:
            self._ask_with_one_line(block)
        raise SinkUnavailable(told, parse_retry_after(answer.retry_after, time.time()))

    def _ask_with_one_line(self, block: bytes) -> None:
        """Raise SinkUnauthorised where a single line is not let in.

        InfluxDB refuses who may not write while the block is still on its way; a proxy between gives up then, and hides why.
        """
        line, _, rest = block.partition(b"\n")
        if not rest:
            return
        try:
            answer = self._request(line)
        except SinkUnavailable:
            return
        if answer.status in _NOT_LET_IN:
            raise SinkUnauthorised(f"status {answer.status}: {answer.message or 'not an answer of InfluxDB'}")

    def _request(self, block: bytes) -> _Answer:
        """Send one request and return what came back; raise `SinkUnavailable` where nothing did."""
        from influxdb_client.rest import ApiException  # noqa: PLC0415  as in _connected
        from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError  # noqa: PLC0415  as in _connected

        client, write_api = self._connected()
        if not self._may_send():
            raise SinkUnavailable(NOT_OURS, may_land=False)
        try:
            write_api.write(self._bucket, self._org, block, write_precision="ns")
        except ApiException as error:
            # status 0 is a TLS failure; the exception's own text would show all headers.
            message = _influx_message(error.body) if error.status else str(error.reason)
            return _Answer(error.status, self._readable(message), error.retry_after)
        except (HTTPError, UnicodeDecodeError) as error:
            told = self._readable(f"{type(error).__name__}: {error}")
            if isinstance(error, ProtocolError):
                raise _Cut(told) from None
            sent = not isinstance(error, ConnectTimeoutError | NewConnectionError)
            raise SinkUnavailable(told, may_land=sent) from None
        return _Answer(client.api_client.last_response.status)

    def _connected(self) -> tuple[Any, Any]:
        from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415  only who writes should pay for the import
        from influxdb_client.client.write_api import SYNCHRONOUS  # noqa: PLC0415  only who writes should pay for the import

        if self._client is None:
            milliseconds = round(self._timeout * 1000)
            self._client = InfluxDBClient(
                self._url,
                self._token,
                org=self._org,
                timeout=milliseconds,
                enable_gzip=self._gzip,
                retries=False,
            )
            self._write_api = self._client.write_api(write_options=SYNCHRONOUS)
        return self._client, self._write_api

    def _readable(self, message: str) -> str:
        """Return a message fit for a log: short, and without the token, should a server have sent it back."""
        return (message.replace(self._token, "***") if self._token else message)[:_LONGEST_REASON]


def parse_retry_after(header: str | None, now: float) -> float | None:
    """Return how long a `Retry-After` asks to wait [s], clamped; None where it is absent or nonsense.

    Parameters
    ----------
    header
        Seconds, or an HTTP date (RFC 9110, 10.2.3).
    now
        The time that a date is compared with. [s since 1970]
    """
    if header is None:
        return None
    try:
        wait = float(header)
    except ValueError:
        wait = _seconds_until(header, now)
    else:
        wait = wait if wait >= 0 else math.nan
    return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT) if math.isfinite(wait) else None


def _seconds_until(date: str, now: float) -> float:
    """Return the seconds from now to an HTTP date, NaN where it is none."""
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, OverflowError):
        return math.nan


def _influx_message(body: str | None) -> str:
    """Return what InfluxDB says in its JSON; empty where the body is anything else, a proxy's page say."""
    try:
        answer = json_of(body or "")
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    return str(answer.get("message") or answer.get("error") or "")

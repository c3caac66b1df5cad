"""A log as NATS JetStream keeps it: one stream for each shard, three copies, each message on three disks before it is told of.

nats-py is asyncio: its loop runs in a thread of its own, inside this module, and nothing else imports it.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any, TypeVar
from uuid import uuid4

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import (
    APIError,
    BucketNotFoundError,
    KeyNotFoundError,
    KeyWrongLastSequenceError,
    NotFoundError,
)
from nats.js.kv import KeyValue

from store.messages.journal import JournalWaits
from store.replicated.lease import Lease
from store.replicated.log_position import LogStanding
from store.replicated.log_records import FORMAT
from store.sqlite import StateMismatch

ANSWER_S = 4.0  # within which the log answers, or does not
CONNECT_S = 10.0
AT_ONCE = 64  # messages that are asked for at a time
NO_MESSAGE = 10037  # the server's code, where the stream is there and no such message in it
LEASES = "sm_owner"  # the bucket
_SHARD, _FORMAT, _ID = "stackmeter.shard", "stackmeter.format", "stackmeter.log"

Answer = TypeVar("Answer")


class LogAway(JournalWaits):
    """The log does not answer now, and may later: whether it took what it was sent is not known."""


class NatsLog:
    """The log of one shard; from any thread.

    Parameters
    ----------
    servers
        nats://host:port of each.
    """

    def __init__(self, servers: Sequence[str], shard: str, replicas: int) -> None:
        """Connect; raise LogAway where no server answers."""
        self._servers, self._shard, self._replicas = list(servers), shard, replicas
        self.stream, self._subject = f"SM_{shard}", f"sm.journal.{shard}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="log", daemon=True)
        self._thread.start()
        try:
            self._connect()
        except BaseException:
            self._end_thread()
            raise

    @property
    def most_bytes(self) -> int:
        """The longest message that the servers take."""
        return int(self._client.max_payload)

    def open(self) -> LogStanding:
        """Return which log it is, made where there is none.

        Raises
        ------
        StateMismatch
            The stream of that name is another shard's or version's, or is not kept as a journal must be.
        LogAway
            It cannot be made or asked.
        """
        info = self._info() or self._do(self._stream.add_stream(self._wanted()))
        return self._checked(info)

    def standing(self) -> LogStanding | None:
        """Return which log it is, None where there is none; raise as `open`."""
        info = self._info()
        return self._checked(info) if info is not None else None

    def size(self) -> int | None:
        """Return how many messages the stream of our name has, whoever made it; None where there is none."""
        info = self._info()
        return None if info is None else int(info.state.messages)

    def append(self, stored: bytes, expected: int) -> bool:
        """Append a message that is to follow a sequence; return whether it is known that it was. Never raises for the log."""
        if self._client.is_closed:  # the client has given up, which it does when a server tells it to
            with suppress(LogAway):
                self._connect()
        headers = {"Nats-Expected-Last-Sequence": str(expected)}
        try:
            told = self._do(
                self._stream.publish(
                    self._subject, stored, timeout=ANSWER_S, stream=self.stream, headers=headers
                )
            )
        except (LogAway, NotFoundError):
            return False
        return bool(told.seq == expected + 1)

    def read(self, first: int, most: int = 1) -> list[bytes]:
        """Return so many messages from a sequence on, or as many as there are; raise LogAway where it cannot be asked."""
        try:
            return self._do(self._read(first, min(most, AT_ONCE)))
        except NotFoundError as error:
            raise LogAway(f"there is no stream {self.stream} in the log") from error

    def lease(self) -> Lease | None:
        """Return who has the shard's lease, None where nobody ever had; raise LogAway where it cannot be asked."""
        return self._do(self._lease())

    def write_lease(self, holder: bytes, before: int) -> int | None:
        """Write who has the lease, where its revision is the one `before` (0: nobody ever had it); return the new one, None where it is another."""
        return self._do(self._write_lease(holder, before))

    def delete(self) -> None:
        """Delete the stream, whatever it holds; raise LogAway where that cannot be."""
        with suppress(NotFoundError):
            self._do(self._stream.delete_stream(self.stream))

    def close(self) -> None:
        """Leave."""
        with suppress(LogAway):
            self._do(self._client.close())
        self._end_thread()

    def _info(self) -> StreamInfo | None:
        try:
            return self._do(self._stream.stream_info(self.stream))
        except NotFoundError:
            return None

    def _checked(self, info: StreamInfo) -> LogStanding:
        """Return which log a stream is; raise StateMismatch where it is none of ours."""
        config, marks = info.config, info.config.metadata or {}
        found = {
            "it is not of shard " + repr(self._shard): marks.get(_SHARD) == self._shard,
            f"its messages are not of format {FORMAT}, so another version made it": marks.get(_FORMAT)
            == str(FORMAT),
            f"it has {config.num_replicas} replicas and not {self._replicas}: see log_replicas": (
                config.num_replicas == self._replicas
            ),
            "it is not kept in files": config.storage == StorageType.FILE,
            "messages may be deleted or purged, or expire": bool(config.deny_delete and config.deny_purge)
            and not config.max_age
            and config.retention == RetentionPolicy.LIMITS
            and all((most or -1) < 0 for most in (config.max_msgs, config.max_bytes)),
        }
        wrong = [what for what, is_right in found.items() if not is_right]
        if wrong or _ID not in marks:
            raise StateMismatch(
                f"the stream {self.stream} of the log is no journal of ours: {'; '.join(wrong) or 'it says so nowhere'}. Nothing was"
                " written. Give another shard, or another log"
            )
        return LogStanding(marks[_ID], info.state.last_seq)

    def _wanted(self) -> StreamConfig:
        marks: Mapping[str, str] = {_SHARD: self._shard, _FORMAT: str(FORMAT), _ID: uuid4().hex}
        return StreamConfig(
            name=self.stream,
            subjects=[self._subject],
            description=f"the journal of Stackmeter's shard {self._shard}",
            num_replicas=self._replicas,
            storage=StorageType.FILE,
            deny_delete=True,
            deny_purge=True,
            metadata=dict(marks),
        )

    def _connect(self) -> None:
        self._client = self._do(self._connected(), CONNECT_S + ANSWER_S)
        self._stream: JetStreamContext = self._client.jetstream(timeout=ANSWER_S)
        self._bucket: KeyValue | None = None

    async def _connected(self) -> Client:
        async def heard(_error: Exception) -> None:
            """Leave it to whoever asks: each call raises what it meets."""

        connecting = nats.connect(
            servers=self._servers,
            name=f"stackmeter {self._shard}",
            error_cb=heard,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,
            connect_timeout=2,
            ping_interval=2,
            max_outstanding_pings=2,
        )
        return await asyncio.wait_for(connecting, CONNECT_S)

    async def _leases(self) -> KeyValue:
        if self._bucket is None:
            try:
                self._bucket = await self._stream.key_value(LEASES)
            except (BucketNotFoundError, NotFoundError):
                wanted = KeyValueConfig(bucket=LEASES, replicas=self._replicas, storage=StorageType.FILE)
                self._bucket = await self._stream.create_key_value(wanted)
        return self._bucket

    async def _lease(self) -> Lease | None:
        try:
            found = await (await self._leases()).get(self._shard)
        except KeyNotFoundError:
            return None
        return Lease(found.value or b"", int(found.revision or 0))

    async def _write_lease(self, holder: bytes, before: int) -> int | None:
        leases = await self._leases()
        try:
            return await leases.update(self._shard, holder, last=before)
        except KeyWrongLastSequenceError:
            return None

    async def _read(self, first: int, most: int) -> list[bytes]:
        begin = await self._one(first)
        if begin is None:
            return []
        rest = await asyncio.gather(*(self._one(first + place) for place in range(1, most)))
        return [begin, *takewhile(lambda one: one is not None, rest)]  # type: ignore[list-item]

    async def _one(self, sequence: int) -> bytes | None:
        try:
            return (await self._stream.get_msg(self.stream, sequence)).data
        except NotFoundError as error:
            if error.err_code == NO_MESSAGE:
                return None
            raise

    def _do(self, work: Coroutine[Any, Any, Answer], patience: float = 2 * ANSWER_S) -> Answer:
        """Do some work in the loop, and return what it gives; raise LogAway where the log does not answer, or not as it should."""
        waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return waiting.result(patience)
        except NotFoundError:
            raise
        except (NatsError, APIError, TimeoutError, OSError) as error:
            waiting.cancel()
            where = ", ".join(server.rpartition("@")[2].removeprefix("nats://") for server in self._servers)
            said = f"{type(error).__name__}: {error}".rstrip(": ")
            raise LogAway(f"the log at {where} does not answer as it should ({said})") from error

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_S)
        if not self._thread.is_alive():
            self._loop.close()

"""Carries the InfluxDB outboxes of state.db to the sink, and forgets a row only once InfluxDB has it.

Whatever happens in between, the worst is that a point is sent twice, and a point sent twice is one point.
"""

import logging
import random
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from plant.vocabulary import NS_PER_S
from store.influx.doubts import Doubts, ReadBack, unread
from store.influx.outboxes import NOTHING, PointBatch, PointOutboxes, SeriesKeys
from store.influx.reader import QueryFailed
from store.influx.sink import Refused, SinkError, SinkUnauthorised, SinkUnavailable
from store.sqlite import in_turn, is_locked, open_state

IDLE = 0.05  # s between two looks at empty outboxes
FORGET_S = 2.0  # for which a turn to write to state.db is asked for
READ_AGAIN_S = 10.0  # after InfluxDB did not say what it has
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # s after a failure, doubling
MOST_WRITTEN = 16  # batches that may be written and not yet forgotten, because state.db is busy
MOST_REASONS = 50  # reasons of refusal that are told apart

log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where blocks of lines go; see `store.influx.sink.InfluxSink.write` for what may be relied on."""

    def write(self, block: bytes) -> Refused:
        """Write all lines and return the refused ones, or raise `SinkError`."""
        ...


@dataclass(slots=True)
class Statistics:
    """What happened since the start, for /metrics and /readyz."""

    points_sent: int = 0
    refused: int = 0
    refused_by_reason: dict[str, int] = field(default_factory=dict)
    last_error: str = ""  # empty while the last attempt succeeded
    unread: int = 0  # hours of sources that were told under doubt, and not read back yet
    read_error: str = ""  # why they could not be


@dataclass(frozen=True, slots=True)
class Backlog:
    """What InfluxDB has yet to be told."""

    readings: int
    hours: int  # of sources, each with the windows in it that changed
    alerts: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A batch whose last block is being written; what was refused of the others."""

    batch: PointBatch
    refused: Refused
    last: Future[Refused]


def _go_on(_point: str) -> None:
    """Pass a crash point."""


class InfluxSender:
    """Sends what waits, a batch at a time. For one thread, apart from `statistics` and `backlog`."""

    def __init__(
        self,
        database_path: Path,
        sink: Sink,
        names: SeriesKeys,
        clock: Callable[[], int],
        crash: Callable[[str], None] = _go_on,
        read_back: ReadBack | None = None,
        statistics: Statistics | None = None,
        tell: Callable[[Statistics], None] = lambda _: None,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        """Open state.db.

        Parameters
        ----------
        statistics
            What came of it before, which is counted on.
        tell
            Hears of the statistics when they have changed, of what is written before its rows are forgotten.
        may_send
            Whether a batch may be begun now; while it may not, `run` waits.
        read_back
            Tells what InfluxDB has, where a request ended without an answer; without, nothing is doubted.
        clock
            Returns the time now. [ns UTC]
        crash
            Called with the name of each crash point: "influx_before_send", "influx_after_204".
        """
        self.statistics = statistics or Statistics()
        self._path, self._sink, self._may_send = database_path, sink, may_send
        self._clock, self._crash, self._tell = clock, crash, tell
        self._connection = open_state(database_path)
        self._connection.execute("PRAGMA busy_timeout = 0")  # `in_turn` asks often instead
        self._doubts = Doubts(self._connection, read_back) if read_back is not None else None
        self._count_unread()
        self._read_at = 0  # when InfluxDB may be asked next [ns UTC]
        self._waiting = PointOutboxes(self._connection, names)
        self._outboxes = deque((self._readings, self._emissions, self._alerts))
        self._failures = 0
        self._under_way: UnderWay | None = None
        self._handed: PointBatch | None = None  # whose blocks are being handed to the writer
        self._written: list[PointBatch] = []  # their rows are still in the outboxes
        self._taken = self._settled = 0  # the last reading row that is under way, and that is written
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="influx-write")

    def close(self) -> None:
        """Finish the request that is under way and close state.db."""
        self._writer.shutdown()
        self._connection.close()

    def backlog(self) -> Backlog:
        """Count what waits; from any thread."""
        with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return Backlog(
                *connection.execute(
                    "SELECT (SELECT coalesce(sum(count), 0) FROM influx_reading),"
                    " (SELECT count(*) FROM influx_emission), (SELECT count(*) FROM influx_alert)"
                ).fetchone()
            )

    def step(self) -> int:
        """Send a batch of the next outbox that has one; return the number of its points, 0 where nothing waits.

        Raises
        ------
        SinkError
            InfluxDB did not take it; it stays in its outbox.
        """
        with self._or_again():
            points = self._advance()
            self._finish()
        return points

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop; what fails is tried again, with a pause that grows."""
        while not stop.is_set():
            if not self._may_send():
                stop.wait(IDLE)
                continue
            stop.wait(self._attempt(self._advance))
            if not self._failures:
                self._attempt(self._look)
        self._attempt(self._finish)

    def _attempt(self, act: Callable[[], int]) -> float:
        """Act; return the pause [s] that should follow."""
        try:
            with self._or_again():
                sent = act()
        except (SinkError, sqlite3.OperationalError) as error:
            return IDLE if is_locked(error) else self._failed(error)
        return 0.0 if sent else IDLE

    def _failed(self, error: Exception) -> float:
        self.statistics.last_error = f"{type(error).__name__}: {error}"
        self._tell(self.statistics)
        if not self._failures:
            level = logging.ERROR if isinstance(error, SinkUnauthorised) else logging.WARNING
            log.log(level, "points for InfluxDB wait: %s", self.statistics.last_error)
        pause = min(FIRST_PAUSE * 2.0 ** min(self._failures, 10), LONGEST_PAUSE)
        self._failures += 1
        jitter = random.uniform(0.5, 1.0)  # noqa: S311  it need not be a secret
        asked = error.retry_after if isinstance(error, SinkUnavailable) else None
        return pause * jitter if asked is None else asked + jitter

    @contextmanager
    def _or_again(self) -> Iterator[None]:
        """Take what was under way from its outbox once more, if the block fails."""
        try:
            yield
        except BaseException as error:
            doubtful = [self._handed, self._under_way.batch if self._under_way else None]
            self._handed, self._under_way, self._taken = None, None, self._settled
            if isinstance(error, SinkUnavailable) and error.may_land:
                self._doubt([batch for batch in doubtful if batch is not None])
            raise

    def _doubt(self, batches: Sequence[PointBatch]) -> None:
        """Remember what InfluxDB may yet take, after what it is told next."""
        if self._doubts is None:
            return
        with in_turn(self._connection, FORGET_S) as mine:
            for batch in batches if mine else ():
                self._doubts.note(batch.hours(), self._clock())
        if not mine:
            log.error("what InfluxDB may take late cannot be noted: state.db is busy")
        self._count_unread()

    def _look(self) -> int:
        """Read back some of what was told under doubt; return 0, the number of points that were begun."""
        due = self._doubts.due(self._clock()) if self._doubts and self._clock() >= self._read_at else ()
        if self._doubts is None or not due or not self._are_forgotten():
            return 0
        try:
            found = [(*one, self._doubts.differing(one[0])) for one in due]
        except QueryFailed as error:
            self._read_at = self._clock() + round(READ_AGAIN_S * NS_PER_S)
            self._count_unread(str(error))
            return 0
        with in_turn(self._connection, FORGET_S) as mine:
            for told, looks, since, differing in found if mine else ():
                self._doubts.settle(told, looks, since, differing, self._clock())
        self._count_unread()
        return 0

    def _count_unread(self, error: str = "") -> None:
        """Count what is to be read back, and say why the last attempt came to nothing."""
        self.statistics.unread, self.statistics.read_error = unread(self._connection), error
        self._tell(self.statistics)

    def _advance(self) -> int:
        """Hand the next batch to the writer and settle the one before it meanwhile; return the number of points."""
        if len(self._written) >= MOST_WRITTEN and not self._forget(wait=True):
            return 0
        for _ in range(len(self._outboxes)):
            self._outboxes.rotate(-1)
            batch = self._outboxes[-1]()
            if batch:
                self._hand_over(batch)
                return batch.points
        return self._finish()

    def _hand_over(self, batch: PointBatch) -> None:
        """Write all blocks, each rendered while the one before it is being written; do not wait for the last."""
        self._crash("influx_before_send")
        self._handed = batch
        blocks = iter(batch.blocks)
        writing = self._writer.submit(self._sink.write, next(blocks))
        self._settle()
        refused: Refused = []
        for block in blocks:
            refused += writing.result()
            writing = self._writer.submit(self._sink.write, block)
        self._handed, self._under_way = None, UnderWay(batch, refused, writing)

    def _settle(self) -> None:
        """Wait until the batch under way is written, and forget it if state.db is free to be written to."""
        if self._under_way is None:
            return
        batch, refused = self._under_way.batch, self._under_way.refused + self._under_way.last.result()
        self._crash("influx_after_204")
        self._under_way, self._settled = None, max(self._settled, batch.last_reading)
        self._written.append(batch)
        self._count_refused(refused)
        self.statistics.points_sent += batch.points - len(refused)
        self.statistics.last_error = ""
        if self._failures:
            log.info("InfluxDB takes points again")
            self._failures = 0
        self._tell(self.statistics)
        self._forget(wait=len(self._written) >= MOST_WRITTEN)

    def _finish(self) -> int:
        """Settle and forget whatever is left; return 0, the number of points that were begun."""
        self._settle()
        self._forget(wait=True)
        return 0

    def _forget(self, *, wait: bool) -> bool:
        """Delete the rows of written batches, if need be only where nobody else writes; return whether none is left.

        The line writes nearly all of the time while it catches up, and to wait for it would be to stop sending.
        """
        if not self._written:
            return True
        with in_turn(self._connection, FORGET_S if wait else 0.0) as mine:
            for batch in self._written if mine else ():
                self._connection.executemany(batch.forget, batch.rows)
        if mine:
            self._written.clear()
        return mine

    def _count_refused(self, refused: Refused) -> None:
        """Count by reason, and log the first line of each."""
        counts = self.statistics.refused_by_reason
        self.statistics.refused += len(refused)
        for one in refused:
            known = _kind_of(one.reason)
            reason = known if known in counts or len(counts) < MOST_REASONS else "other"
            if reason not in counts:
                log.error("InfluxDB refuses a point for good: %s: %r", one.reason, one.line)
            counts[reason] = counts.get(reason, 0) + 1

    def _readings(self) -> PointBatch:
        batch = self._waiting.readings(self._taken)
        self._taken = batch.last_reading
        return batch

    def _emissions(self) -> PointBatch:
        """Return none while those before are in the outbox; nor does `_alerts`."""
        return self._waiting.emissions() if self._are_forgotten() else NOTHING

    def _alerts(self) -> PointBatch:
        return self._waiting.alerts() if self._are_forgotten() else NOTHING

    def _are_forgotten(self) -> bool:
        """Settle what is under way; return whether the outboxes hold nothing that is written already."""
        self._settle()
        return self._forget(wait=False)


def _kind_of(reason: str) -> str:
    """Return what a reason has in common with others of its kind: no quoted values, no numbers."""
    return re.sub(r"'.*'|\".*\"|\d+", "…", reason, flags=re.DOTALL)

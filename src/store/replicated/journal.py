"""A journal that is in a log on other machines too: what is appended is there first, and only then here.

So a group may be in the log and not here, and is taken at the next start; never the other way. Each message of the log names
the last one that its writer knew. Of two owners, one is refused by the log itself, whatever clocks say, and ends.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from store.messages.groups import SEGMENT_BYTES, GroupRow, GroupUnreadable, array_of
from store.messages.journal import (
    WRITE_STEP,
    Journal,
    JournalReader,
    JournalWaits,
    Message,
    array_from,
    messages_of,
)
from store.messages.steps import StepReader
from store.replicated.log import LOST, RESTORE, Fenced, LogLost, LogOfRecords, StepStands
from store.replicated.log_position import LogPosition, store_position, stored_position
from store.replicated.log_records import (
    GroupRecord,
    OwnerRecord,
    Record,
    RecordUnreadable,
    StepRecord,
    decoded,
    digest_of_record,
    encode,
)
from store.sqlite import transaction

READ_AT_ONCE = 64
LOST_AFTER_S = 30.0
RETRY_S = 0.5
_ENVELOPE = (
    1024  # bytes: what a message of the log has beside its group, and one of a group beside its payload
)


class ReplicatedJournal(Journal):
    """The journal of an owner, or of who follows one.

    Parameters
    ----------
    log
        The log, and its name.
    crash
        Told the points between log and journal (stackmeter.crash).
    lost_after
        For how long the log may lack what it had [s].
    """

    def __init__(
        self,
        path: Path,
        log: LogOfRecords,
        crash: Callable[[str], None] = lambda _point: None,
        lost_after: float = LOST_AFTER_S,
    ) -> None:
        """Open the journal, and the log, which is made where there is none.

        Raises
        ------
        StateMismatch
            The log is none of ours; LogLost where it is not the one that the journal was in.
        JournalWaits
            It does not answer.
        """
        standing = log.standing()
        super().__init__(path)
        self._path_here, self._log, self._crash = path, log, crash
        self._writing = threading.Lock()  # of whoever appends: messages and steps are one sequence
        self._lost_after, self._lacks_since = lost_after, 0.0
        self._tried: dict[bytes, Record] = {}  # what may be in the log after the position, or come there yet
        self._taken: tuple[bytes, int] | None = None  # digest and offset of a group that came there late
        self.ended: Exception | None = None
        self.on_end: Callable[[Exception], None] = lambda _error: None
        found = stored_position(self._connection)
        if found is not None and (standing is None or standing.id != found.stream):
            super().close()
            what = "is not there" if standing is None else "is another one now"
            raise LogLost(
                f"{LOST}: the log that {path} was in {what}: give the settings log and shard of then, or {RESTORE}"
            )
        self._position = found or LogPosition((standing or log.open()).id, 0, b"", 1, 0)

    @property
    def sequence(self) -> int:
        """The sequence of the last message of the log that is here."""
        return self._position.sequence

    def append(self, messages: Sequence[Message]) -> int:
        """Append to the log, then here, and return the first one's offset.

        Raises
        ------
        JournalWaits
            The log does not answer, or the volume has no room. Append the same messages again.
        Fenced
            Somebody else owns the shard.
        sqlite3.OperationalError
            As of every journal; the log may have them.
        """
        with self._writing:
            group = self._fitting(messages)
            if self._taken is not None and self._taken[0] == group.digest:
                return self._taken[1]
            record = GroupRecord(*group)
            self._write(record)
            return record.first

    def write_step(self, row: tuple[int, str, int, int, bytes], head: Callable[[], bytes] = bytes) -> None:
        """Append a step to the log, then here.

        Raises
        ------
        JournalWaits, Fenced
            As `append`.
        StepStands
            The log has a step of this number: begin again behind the steps that the state has.
        """
        with self._writing:
            if row[0] <= self._position.step:
                raise StepStands(f"step {row[0]} is in the log already")
            self._write(StepRecord(*row, head()))

    def own(self, owner: OwnerRecord) -> None:
        """Take all that the log has, and own the shard: whoever owned it is refused from now on."""
        with self._writing:
            stored = encode(owner)
            while True:
                self._take_all()
                self._tried = {stored: owner}
                if self._sent(stored) == stored:
                    break  # else somebody appended meanwhile
            self._keep_record(owner, stored)
            self._tried.clear()
            self._publish_rest()

    def take(self, most: int = READ_AT_ONCE) -> list[Record]:
        """Take the next messages of the log, and return them; none where it has no more.

        Raises
        ------
        LogLost
            The log has not what this journal has.
        """
        self._find_agreed()
        taken: list[Record] = []
        for stored in self._log.read(self._position.sequence + 1, most):
            record = self._decoded(stored)
            self._keep_record(record, stored)
            taken.append(record)
        return taken

    def _take_all(self) -> None:
        while True:
            try:
                if not self.take():
                    return
            except JournalWaits:
                if not self._lacks_since:
                    raise
                time.sleep(RETRY_S)

    def close(self) -> None:
        """Leave the log too."""
        super().close()
        self._log.close()

    # --- appending --------------------------------------------------------------------------------------------

    def _write(self, record: Record) -> None:
        """Append a message to the log, then keep it here. What became of one without an answer is asked, never guessed."""
        if self.ended is not None:
            raise self.ended
        stored = encode(record)
        self._tried[stored] = record
        self._crash("log_before_append")
        found = self._sent(stored)
        if found not in self._tried:
            self._end(
                Fenced(
                    f"another process owns this shard: message {self._position.sequence + 1} of the log is not ours. What we had not"
                    " acknowledged comes to it from the broker"
                )
            )
        mine = self._tried[found]
        self._crash("log_after_append")
        self._keep_record(mine, found)
        self._tried.clear()
        if mine is record:
            return
        if isinstance(mine, GroupRecord):
            self._taken = (mine.digest, mine.first)
        if isinstance(mine, StepRecord) and isinstance(record, StepRecord):
            raise StepStands(f"step {mine.number} came to the log late")
        raise JournalWaits("the log took what it was sent before")

    def _fitting(self, messages: Sequence[Message]) -> GroupRow:
        """Return the group of messages, and of one that is too long for the log its beginning: far longer than any that counts."""
        group, most = self.group_of(messages), self._log.most_bytes - _ENVELOPE
        if len(group.messages) <= most:
            return group
        each = most // len(messages) - _ENVELOPE
        return self.group_of([msgspec.structs.replace(one, payload=one.payload[:each]) for one in messages])

    def _sent(self, stored: bytes) -> bytes:
        """Append a message, and return the one that the log has after ours; raise JournalWaits where it has none, or does not say."""
        if self._log.append(stored, self._position.sequence):
            return stored
        found = self._log.read(self._position.sequence + 1)
        if found:
            return found[0]
        try:
            self._find_agreed()
        except LogLost as lost:
            self._end(lost)
        raise JournalWaits("the log has not taken what it was sent, which is sent again")

    def _end(self, error: Exception) -> NoReturn:
        self.ended = error
        self.on_end(error)
        raise error

    # --- keeping what the log has -----------------------------------------------------------------------------

    def _find_agreed(self) -> None:
        """Raise LogLost where the log has not, at our position, what we took there, and JournalWaits where it may have it yet.

        A node that leads since a moment ago may not have read all that it has.
        """
        if not self._position.sequence:
            return
        found = self._log.read(self._position.sequence)
        if not found:
            self._lacks_since = self._lacks_since or time.monotonic()
            if time.monotonic() - self._lacks_since < self._lost_after:
                raise JournalWaits("the log does not show all that it said it had")
            raise LogLost(self._told_lost("it ends before"))
        self._lacks_since = 0.0
        if digest_of_record(found[0]) != self._position.digest:
            raise LogLost(self._told_lost("it has another message there"))

    def _keep_record(self, record: Record, stored: bytes) -> None:
        """Keep the next message of the log here, or compare it with what is here already."""
        position = LogPosition(
            self._position.stream,
            self._position.sequence + 1,
            digest_of_record(stored),
            self._position.next,
            self._position.step,
        )
        if isinstance(record, GroupRecord):
            position = position._replace(next=record.first + record.count)
            self._keep_group(record, position)
        elif isinstance(record, StepRecord):
            position = position._replace(step=record.number)
            self._keep_step(record, position)
        else:
            self._note(position)
        self._position = position

    def _keep_group(self, record: GroupRecord, position: LogPosition) -> None:
        try:
            messages = messages_of(array_of(record.messages, record.digest))
        except (GroupUnreadable, msgspec.MsgspecError) as error:
            raise LogLost(
                self._told_lost(f"message {position.sequence} of it is damaged: {error}")
            ) from error
        if record.first == self.next:
            self.keep(record.row, messages[-1].received, lambda: store_position(self._connection, position))
            return
        if record.first > self.next:
            raise LogLost(
                f"{LOST}: the log goes on at message {record.first}, and {self._path_here} ends at message {self.next - 1}: what lies"
                " between is in a backup of the owner's folder; begin with that"
            )
        if self._here(record.first, record.count) != messages:
            raise LogLost(self._told_lost(f"it has other messages from {record.first} on"))
        self._note(position)

    def _keep_step(self, record: StepRecord, position: LogPosition) -> None:
        here = self._connection.execute(
            "SELECT number, kind, now, through, detail FROM step WHERE number = ?", (record.number,)
        ).fetchone()
        if here is not None and tuple(here) != record.row:
            raise LogLost(self._told_lost(f"it has another step {record.number}"))
        with self._turn, transaction(self._connection):
            self._connection.execute(WRITE_STEP, record.row)
            store_position(self._connection, position)

    def _note(self, position: LogPosition) -> None:
        with self._turn, transaction(self._connection):
            store_position(self._connection, position)

    def _here(self, first: int, count: int) -> list[Message]:
        """Return so many messages from an offset on, as many as are here."""
        reader = JournalReader(self._path_here)
        try:
            found = [one for _, group in reader.read(first, count) for one in group]
        finally:
            reader.close()
        return found[:count]

    # --- what was never in the log ----------------------------------------------------------------------------

    def _publish_rest(self) -> None:
        """Append to the log what is here and was never there: all of a journal that was in none, or what came without it."""
        steps, reader = StepReader(self._path_here), JournalReader(self._path_here)
        try:
            for number, step in list(steps.read(self._position.step + 1)):
                self._publish_messages(reader, step.through)
                self._write(StepRecord(number, step.kind, step.now, step.through, step.detail))
            self._publish_messages(reader, self.next)
        finally:
            steps.close()
            reader.close()

    def _publish_messages(self, reader: JournalReader, end: int) -> None:
        first = max(self._position.next, reader.begin())
        for offset, messages in reader.read(first, max(0, end - first)):
            for start, part in parts(offset, messages[: end - offset]):
                self._write(GroupRecord(*self._writer.group(start, len(part), array_from(part))))

    def _decoded(self, stored: bytes) -> Record:
        try:
            return decoded(stored)
        except RecordUnreadable as error:
            raise LogLost(
                self._told_lost(f"message {self._position.sequence + 1} of it is damaged: {error}")
            ) from error

    def _told_lost(self, what: str) -> str:
        return (
            f"{LOST}: the log does not hold what {self._path_here} has up to message {self._position.sequence} of it: {what}. Nothing was"
            f" written: {RESTORE}"
        )


def parts(offset: int, messages: Sequence[Message]) -> Iterator[tuple[int, Sequence[Message]]]:
    """Yield messages, the first at an offset, as groups that fit into the log, each with its offset; one message at least."""
    first, size = 0, 0
    for place, message in enumerate(messages):
        size += len(message.payload) + len(message.topic)
        if size > SEGMENT_BYTES and place > first:
            yield offset + first, messages[first:place]
            first, size = place, len(message.payload) + len(message.topic)
    yield offset + first, messages[first:]

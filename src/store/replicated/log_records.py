"""What one message of the log is: a group of the journal as SQLite holds it, a step, or who owns the shard from there on."""

from hashlib import blake2b

import msgspec

from store.messages.groups import GroupRow
from store.messages.steps import RecordedStep

FORMAT = 1  # of the messages below; a log of another one is not read


class GroupRecord(msgspec.Struct, array_like=True, frozen=True, tag="group"):
    """A group: the offset of its first message, how many it has, and their MessagePack array with its digest (BLAKE2b-128)."""

    first: int
    count: int
    messages: bytes
    digest: bytes

    @property
    def row(self) -> GroupRow:
        """The row of the table `journal`."""
        return GroupRow(self.first, self.count, self.messages, self.digest)


class StepRecord(msgspec.Struct, array_like=True, frozen=True, tag="step"):
    """A step under its number; `head` is the ledger's hash after it, empty where nobody knows."""

    number: int
    kind: str
    now: int
    through: int
    detail: bytes
    head: bytes = b""

    @property
    def row(self) -> tuple[int, str, int, int, bytes]:
        """The row of the table `step`."""
        return self.number, self.kind, self.now, self.through, self.detail

    @property
    def step(self) -> RecordedStep:
        """The step."""
        return RecordedStep(self.kind, self.now, self.through, self.detail)


class OwnerRecord(msgspec.Struct, array_like=True, frozen=True, tag="owner"):
    """Who owns the shard from here on: which process (a name that no other has), of which version, since when [ns UTC]."""

    owner: str
    version: str
    since: int


Record = GroupRecord | StepRecord | OwnerRecord


class RecordUnreadable(ValueError):
    """A message of the log is none of ours."""


encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def decoded(stored: bytes) -> Record:
    """Return what a message of the log is; raise RecordUnreadable where it is nothing that we wrote."""
    try:
        return _decoder.decode(stored)
    except msgspec.MsgspecError as error:
        raise RecordUnreadable(f"it cannot be read: {error}") from error


def digest_of_record(stored: bytes) -> bytes:
    """Return by what a message of the log is known again, BLAKE2b-128."""
    return blake2b(stored, digest_size=16).digest()

"""What people decide of records and evidence, as the journal has it: taken by the line in its turn, like all that people decide."""

from typing import Literal

import msgspec

from store.messages.journal import DECISION, Message

RECORD = b"$stackmeter/record"  # no subscription of ours matches it
EVIDENCE = b"$stackmeter/evidence"

RecordAction = Literal["enter", "approve", "refuse", "withdraw", "strike"]


class Entered(msgspec.Struct, frozen=True):
    """What a record says: an amount over [start, finish) [ns UTC], or of a level a value from `start` on, which is then `finish` too.

    `evidence` is the digest of a kept file; `replaces` the id of an approved record that it takes the place of, "" of none.
    """

    park: str
    facility: str
    channel: str
    start: int
    finish: int
    value: float
    unit: str
    source: str
    evidence: str
    note: str = ""
    replaces: str = ""


class RecordDecision(msgspec.Struct, frozen=True):
    """What somebody decides: to enter records, all or none of them, or of `records` (ids) one of the other actions, with a reason."""

    id: str
    by: str
    action: RecordAction
    entered: tuple[Entered, ...] = ()
    records: tuple[str, ...] = ()
    reason: str = ""
    key: str = ""  # the name of the key that they do it with; "": theirs

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, RECORD, msgspec.json.encode(self), DECISION)


class EvidenceDecision(msgspec.Struct, frozen=True):
    """That somebody handed in a file, of a kind and a size [bytes], which is on disk already."""

    id: str
    by: str
    digest: str
    kind: str
    size: int

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, EVIDENCE, msgspec.json.encode(self), DECISION)

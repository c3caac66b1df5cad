"""What people decide of records, evidence and movements, as the journal has it: taken by the line in its turn, like all that people decide."""

from typing import Literal

import msgspec

from store.messages.journal import DECISION, Message

RECORD = b"$stackmeter/record"  # no subscription of ours matches it
EVIDENCE = b"$stackmeter/evidence"
MOVEMENT = b"$stackmeter/movement"

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


class Moved(msgspec.Struct, frozen=True):
    """What a movement says: how much of an instrument [its unit] was granted, bought, sold and so on, on a day such as 2026-11-30.

    `facility` is "" where the instrument is the park's; `serials` are (series, first, last), `year` None where it is of none.
    """

    park: str
    facility: str
    instrument: str
    act: str
    day: str
    amount: float
    source: str
    evidence: str
    year: int | None = None
    serials: tuple[tuple[str, int, int], ...] = ()
    note: str = ""

    @property
    def place(self) -> str:
        """The full name of its instrument."""
        return "/".join(filter(None, (self.park, self.facility, self.instrument)))


class MovementDecision(msgspec.Struct, frozen=True):
    """What somebody decides: to enter a movement or a table of them, all or none, or of one (its id) one of the other actions, with a reason."""

    id: str
    by: str
    action: RecordAction
    moved: Moved | None = None
    movement: str = ""
    reason: str = ""
    key: str = ""  # the name of the key that they do it with; "": theirs
    table: tuple[Moved, ...] = ()

    @property
    def rows(self) -> dict[int, Moved]:
        """What it enters, by the row of its table from 1 on; row 0 is a movement that was entered alone."""
        alone = {} if self.moved is None else {0: self.moved}
        return alone | dict(enumerate(self.table, start=1))

    def message(self, now: int) -> Message:
        """Return what is journalled of it at a time [ns UTC]."""
        return Message(now, MOVEMENT, msgspec.json.encode(self), DECISION)


PaperDecision = RecordDecision | EvidenceDecision | MovementDecision  # of what stands on a file

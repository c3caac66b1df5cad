"""How far a log goes, read from its last messages."""

from typing import NamedTuple

from store.replicated.log import LogOfRecords
from store.replicated.log_records import GroupRecord, StepRecord, decoded

AT_ONCE, LOOKED_AT = 8, 64  # messages of the log that are read at a time, and at most


class LogEnd(NamedTuple):
    """The end of a log.

    Attributes
    ----------
    messages
        How many messages of gateways it has; None where none of those looked at says.
    step, at
        Its last step and the time of that [ns UTC]; None where there is none among them.
    """

    messages: int | None
    step: int | None
    at: int | None


def end_of(log: LogOfRecords) -> LogEnd | None:
    """Return how far a log goes, None where there is none.

    Raises
    ------
    store.messages.journal.JournalWaits
        It does not answer.
    StateMismatch
        It is none of ours.
    store.replicated.log_records.RecordUnreadable
        Nor is what stands in it.
    """
    standing = log.standing()
    if standing is None:
        return None
    group: GroupRecord | None = None
    step: StepRecord | None = None
    first, least = standing.last + 1, max(1, standing.last + 1 - LOOKED_AT)
    while first > least and (group is None or step is None):
        before, first = first, max(least, first - AT_ONCE)
        for stored in reversed(log.read(first, before - first)):
            record = decoded(stored)
            group = group or (record if isinstance(record, GroupRecord) else None)
            step = step or (record if isinstance(record, StepRecord) else None)
    messages = group.first + group.count - 1 if group else None if first > 1 else 0
    return LogEnd(messages, step.number if step else None, step.now if step else None)

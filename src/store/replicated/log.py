"""What is asked of a log, and what it may come to."""

from typing import Protocol

from store.replicated.log_position import LogStanding
from store.sqlite import StateMismatch

LOST = "log_lost"
RESTORE = (
    "leave everything as it is, find out with `nats stream info` what became of the log, and, where this is the longest journal there is,"
    " let `stackmeter log restore` make the log again from it (docs/log.md, Log lost)"
)


class LogLost(StateMismatch):
    """The log does not hold what this journal has, or holds something else."""


class Fenced(Exception):
    """Somebody else owns the shard now; nothing more is appended."""


class StepStands(Exception):
    """A step of this number is in the log: it is done again as it stands there, not replaced."""


class LogOfRecords(Protocol):
    """What is asked of a log (store.replicated.nats_log)."""

    def standing(self) -> LogStanding | None:
        """Return which log it is, None where there is none."""
        ...

    def open(self) -> LogStanding:
        """Return which log it is, made where there is none."""
        ...

    @property
    def most_bytes(self) -> int:
        """The longest message that it takes."""
        ...

    def append(self, stored: bytes, expected: int) -> bool:
        """Append a message that is to follow a sequence; return whether it is known that it was."""
        ...

    def read(self, first: int, most: int = 1) -> list[bytes]:
        """Return so many messages from a sequence on, or as many as there are."""
        ...

    def close(self) -> None:
        """Leave."""
        ...

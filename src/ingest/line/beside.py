"""What the line does beside the tonnes, and how that is kept from stopping them."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ingest.line.containment import Fault, FaultLog, contained, told
from ingest.line.evaluate import Evaluated
from plant.arrays import Bools
from store.accounting.ledger import Entry
from store.messages.journal import Message
from store.messages.news import News

LONGEST_REST = 256  # calls that a part which fails sits out at the most


class Watch(Protocol):
    """What judges alert rules by what the line wrote."""

    @property
    def asked(self) -> Bools:
        """Which channels, by index, some rule asks about."""
        ...

    @property
    def takers(self) -> Mapping[bytes, Callable[[Message, int], None]]:
        """What takes decisions about alerts, by their topic: the message, and its offset."""
        ...

    def see(self, untold: Sequence[News], now: int) -> None:
        """Judge what is new, in order of arrival, and what is due at a time [ns UTC]."""
        ...

    def reload(self) -> None:
        """Forget what a transaction that was rolled back had judged."""
        ...

    @property
    def matters(self) -> bool:
        """Whether the last look changed what it keeps in memory alone, so that it matters though it changed nothing else."""
        ...


class Regulated(Protocol):
    """What counts the hours of sources under a regulation, after the stages."""

    def take(self, evaluated: Evaluated | None, arrival: int, entry: Entry) -> None:
        """Count the hours that are due at an arrival, and again those that new readings changed."""
        ...

    def catch_up(self, until: int, entry: Entry) -> None:
        """Count every hour that has ended by a time."""
        ...

    def reload(self) -> None:
        """Forget what a transaction that was rolled back had counted."""
        ...


class NoRegulation:
    """The line of a plant where no source is under a regulation."""

    def take(self, evaluated: Evaluated | None, arrival: int, entry: Entry) -> None:
        """Do nothing."""

    def catch_up(self, until: int, entry: Entry) -> None:
        """Do nothing."""

    def reload(self) -> None:
        """Do nothing."""


class Beside:
    """Runs a part of the line beside the tonnes: where it fails, its own work is taken back, and after a rest it begins anew.

    Attributes
    ----------
    trouble
        What is wrong with it, "" where nothing is.
    """

    def __init__(
        self, name: str, connection: sqlite3.Connection, reload: Callable[[], None], log: FaultLog
    ) -> None:
        """Take what it is called, the connection of its transaction, and what makes it know no more than the state does."""
        self.trouble = ""
        self._name, self._connection, self._reload, self._log = name, connection, reload, log
        self._is_stale = False
        self._rest = self._failures = 0

    def forget(self) -> None:
        """Take note that a transaction was rolled back: what it keeps in memory may be of that."""
        self._is_stale = True

    def run(self, work: Callable[[], object]) -> bool:
        """Do some of its work inside a transaction; False where it failed, or rests after it did."""
        if self._rest:
            self._rest -= 1
            return False
        self._connection.execute("SAVEPOINT beside")
        try:
            contained(lambda: self._fresh(work))
        except Fault as fault:
            self._connection.execute("ROLLBACK TO beside")
            self._connection.execute("RELEASE beside")
            self._note(fault.error)
            return False
        self._connection.execute("RELEASE beside")
        if self._failures:
            self.trouble, self._failures = "", 0
        return True

    def _fresh(self, work: Callable[[], object]) -> None:
        if self._is_stale:
            self._reload()
            self._is_stale = False
        work()

    def _note(self, error: Exception) -> None:
        self._is_stale = True
        self._rest = min(2**self._failures, LONGEST_REST)
        self._failures = min(self._failures + 1, 16)
        self.trouble = f"{self._name}: {told(error)}"
        self._log.tell(f"{self._name} fail, and are tried again after a rest; the tonnes go on", error)

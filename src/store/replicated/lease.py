"""Who tries to own a shard: a lease that its holder renews, and a candidate takes where it has stood still.

It decides only who tries; what an owner may append the log decides (store.replicated.journal). No wall clock takes part: a
candidate goes by how long it has itself seen one revision stand still.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from store.messages.journal import JournalWaits

LEASE_S = 10.0  # for so long it must have stood still
RENEWED = 4  # times in that
AGAIN_S = 0.25  # after a renewal that the log did not answer
# Its holder tells others anything only while it was renewed within this part of that: a request of 15 s that begins then ends before
# a new holder, quiet for the lease's time again, tells anything.
TELLS_WITHIN = 2
LOST = "another process took the lease of this shard, which we had not renewed in time; it owns the shard now"
FREE = b""  # who holds a lease that was given back

log = logging.getLogger(__name__)


def counting() -> float:
    """Return what a clock says that nobody sets, that all processes of a machine share, and that goes on while the machine sleeps [s]."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease(NamedTuple):
    """Who holds it, FREE for nobody, and its revision, which each renewal makes another one."""

    holder: bytes
    revision: int


class LogOfLeases(Protocol):
    """What is asked of a log (store.replicated.nats_log)."""

    def lease(self) -> Lease | None:
        """Return who has the lease, None where nobody ever had."""
        ...

    def write_lease(self, holder: bytes, before: int) -> int | None:
        """Write who has it, where its revision is the one before; return the new one, None where it is another."""
        ...


@dataclass
class Candidate:
    """Looks at a lease, and takes it when it may; for one thread."""

    log: LogOfLeases
    name: bytes
    lease_s: float = LEASE_S
    clock: Callable[[], float] = counting
    seen: Lease | None = None
    _since: float = field(default=0.0)

    def look(self) -> "HeldLease | None":
        """Return the lease where it is ours now; raise JournalWaits where the log does not answer.

        It is taken where nobody has it, where it was given back, where its holder is who we were before we were started again,
        and where it has stood still for long enough.
        """
        try:
            found = self.log.lease() or Lease(FREE, 0)
        except JournalWaits:
            self.seen = None  # nobody could renew it meanwhile
            raise
        if found != self.seen:
            self.seen, self._since = found, self.clock()
        is_free = found.holder in (FREE, self.name)
        if not is_free and self.clock() - self._since < self.lease_s:
            return None
        revision = self.log.write_lease(self.name, found.revision)
        if revision is None:
            return None
        pause = 0.0 if is_free else self.lease_s
        return HeldLease(self.log, self.name, revision, self.lease_s, self.clock, pause)


class HeldLease:
    """A lease that is ours, renewed by whoever calls `keep`; any thread may ask whether we may tell others anything.

    Parameters
    ----------
    quiet
        For how long nobody is told anything, because the holder before may have something under way [s].
    """

    def __init__(
        self,
        leases: LogOfLeases,
        name: bytes,
        revision: int,
        lease_s: float = LEASE_S,
        clock: Callable[[], float] = counting,
        quiet: float = 0.0,
    ) -> None:
        self._log, self._name, self._revision = leases, name, revision
        self._lease_s, self._clock = lease_s, clock
        self._renewed = clock()
        self._quiet_until = self._renewed + quiet
        self.is_lost = False
        self.on_loss: Callable[[], None] = lambda: None
        self._given_back = threading.Event()
        self._writing = (
            threading.Lock()
        )  # a renewal that is under way must not make the one that gives it back another's

    def may_tell(self) -> bool:
        """Whether it is ours for certain: it was renewed a moment ago, and the holder before has had time to fall silent."""
        return self._clock() < self.tells_until()

    def tells_until(self) -> float:
        """Return until when others may be told something, unless it is renewed [s, by its clock]; -inf where nothing may be told."""
        if self.is_lost or self._clock() < self._quiet_until:
            return -math.inf
        return self._renewed + self._lease_s / TELLS_WITHIN

    def renew(self) -> bool:
        """Renew it, and return whether the log answered; where somebody else has it, `is_lost`. A log that does not answer is asked again the next time."""
        began = self._clock()
        try:
            with self._writing:
                self._renew(began)
        except JournalWaits as error:
            log.warning("the lease is not renewed: %s", error)
            return False
        return True

    def _renew(self, began: float) -> None:
        if self._given_back.is_set():
            return
        revision = self._log.write_lease(self._name, self._revision)
        if revision is None:  # it is another's, or what we wrote came without an answer
            found = self._log.lease()
            self.is_lost = found is None or found.holder != self._name
            revision = self._revision if self.is_lost or found is None else found.revision
        self._revision = revision
        self._renewed = self._renewed if self.is_lost else began

    def keep(self) -> None:
        """Renew it until it is given back; `on_loss` is told when it is another's."""
        pause = self._lease_s / RENEWED
        while not self.is_lost and not self._given_back.wait(pause):
            pause = self._lease_s / RENEWED if self.renew() else AGAIN_S
        if self.is_lost:
            self.on_loss()

    def give_back(self) -> None:
        """Let a standby take it at once: nothing is appended any more."""
        self._given_back.set()
        try:
            with self._writing:
                if not self.is_lost:
                    self._log.write_lease(FREE, self._revision)
        except JournalWaits as error:
            log.warning("the lease is not given back, and runs out by itself: %s", error)

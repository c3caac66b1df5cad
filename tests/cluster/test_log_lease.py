"""The lease of a shard on a clock of the test's own: taken where it stood still, lost where another has it, doubted in time."""

from threading import Event, Thread

import pytest

from plant.documents.problems import ConfigurationError
from stackmeter.standby.standby import lease_seconds
from store.messages.journal import JournalWaits
from store.replicated.lease import FREE, Candidate, HeldLease, Lease
from store.replicated.lease import LEASE_S as LEASE_OF_A_SHARD
from tests.servers import PATIENCE

LEASE_S = 8.0


class Leases:
    """One lease, in memory."""

    def __init__(self) -> None:
        self.held: Lease | None = None
        self.is_away = False
        self.is_mute = False  # takes what it is told and says nothing

    def lease(self) -> Lease | None:
        if self.is_away:
            raise JournalWaits("away")
        return self.held

    def write_lease(self, holder: bytes, before: int) -> int | None:
        if self.is_away:
            raise JournalWaits("away")
        revision = self.held.revision if self.held else 0
        if revision != before:
            return None
        self.held = Lease(holder, revision + 1)
        if self.is_mute:
            raise JournalWaits("no answer")
        return revision + 1


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def leases() -> Leases:
    return Leases()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def candidate(leases: Leases, name: bytes, clock: Clock) -> Candidate:
    return Candidate(leases, name, LEASE_S, clock)


def taken(leases: Leases, name: bytes, clock: Clock) -> HeldLease:
    held = candidate(leases, name, clock).look()
    assert held is not None
    return held


def test_a_lease_that_nobody_has_is_taken_at_once_and_so_is_one_that_was_given_back(
    leases: Leases, clock: Clock
) -> None:
    first = taken(leases, b"a", clock)
    assert first.may_tell()
    assert candidate(leases, b"b", clock).look() is None
    first.give_back()

    assert leases.held is not None
    assert leases.held.holder == FREE
    assert taken(leases, b"b", clock).may_tell()


def test_a_lease_is_taken_only_after_it_stood_still_for_its_whole_time_before_the_candidates_own_eyes(
    leases: Leases, clock: Clock
) -> None:
    first, second = taken(leases, b"a", clock), candidate(leases, b"b", clock)
    assert second.look() is None
    clock.now += LEASE_S - 0.1
    first.renew()
    clock.now += 0.2
    assert second.look() is None, "it was renewed a moment ago"
    clock.now += LEASE_S - 0.1
    assert second.look() is None
    clock.now += 0.2
    held = second.look()

    assert held is not None
    assert not held.may_tell(), "the one before may have something under way"
    for _ in range(4):
        clock.now += LEASE_S / 4
        held.renew()
    assert held.may_tell()


def test_who_was_away_too_long_says_nothing_and_learns_that_another_has_it(
    leases: Leases, clock: Clock
) -> None:
    first, second = taken(leases, b"a", clock), candidate(leases, b"b", clock)
    second.look()
    clock.now += LEASE_S / 2 + 0.1
    assert not first.may_tell()
    clock.now += LEASE_S
    assert second.look() is not None
    first.renew()

    assert first.is_lost
    assert not first.may_tell()
    first.give_back()
    assert leases.held is not None
    assert leases.held.holder == b"b", "what is another's is not given back"


def test_a_renewal_without_an_answer_is_known_again(leases: Leases, clock: Clock) -> None:
    held = taken(leases, b"a", clock)
    leases.is_mute = True
    held.renew()
    leases.is_mute = False
    clock.now += LEASE_S / 4
    held.renew()

    assert not held.is_lost
    assert held.may_tell()
    held.renew()
    assert not held.is_lost


def test_who_is_started_again_has_its_own_lease_at_once(leases: Leases, clock: Clock) -> None:
    taken(leases, b"a", clock)

    assert taken(leases, b"a", clock).may_tell()


def test_a_log_that_is_away_costs_the_right_to_tell_and_not_the_lease(leases: Leases, clock: Clock) -> None:
    held = taken(leases, b"a", clock)
    leases.is_away = True
    clock.now += LEASE_S / 2 + 0.1
    held.renew()
    assert not held.may_tell()
    leases.is_away = False
    held.renew()

    assert held.may_tell()


def test_a_candidate_does_not_count_the_time_in_which_the_log_was_away(leases: Leases, clock: Clock) -> None:
    held, second = taken(leases, b"a", clock), candidate(leases, b"b", clock)
    assert second.look() is None
    leases.is_away = True
    assert not held.renew()
    with pytest.raises(JournalWaits):
        second.look()
    clock.now += LEASE_S
    leases.is_away = False

    assert second.look() is None, "its holder could not renew it"
    assert held.renew()
    assert not held.is_lost


def test_a_lease_is_given_back_also_while_it_is_being_renewed(leases: Leases, clock: Clock) -> None:
    held, begun, go_on, write = taken(leases, b"a", clock), Event(), Event(), leases.write_lease

    def slowly(holder: bytes, before: int) -> int | None:
        revision = write(holder, before)
        if holder == b"a":
            begun.set()
            assert go_on.wait(PATIENCE)
        return revision

    leases.write_lease = slowly  # type: ignore[method-assign]
    renewing, giving = Thread(target=held.renew), Thread(target=held.give_back)
    renewing.start()
    assert begun.wait(PATIENCE)
    giving.start()
    giving.join(0.1)  # time in which it would be refused
    go_on.set()
    renewing.join(PATIENCE)
    giving.join(PATIENCE)

    assert leases.held is not None
    assert leases.held.holder == FREE


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "0.1", "ten", ""])
def test_a_time_that_would_take_a_lease_from_a_living_owner_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no number of seconds from"):
        lease_seconds({"STACKMETER_LEASE_S": text})
    assert (lease_seconds({"STACKMETER_LEASE_S": "2"}), lease_seconds({})) == (2.0, LEASE_OF_A_SHARD)

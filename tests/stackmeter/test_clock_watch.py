"""A clock that was set is noticed once, with the time before and after; one that runs a little fast or slow is not."""

from collections.abc import Iterator

import pytest

from plant.vocabulary import NS_PER_MIN, NS_PER_S
from stackmeter.clock_watch import ClockWatch

NOON = 1_795_500_000_000_000_000


class Clocks:
    """One that can be set, and one that only counts."""

    def __init__(self) -> None:
        self.time, self.counted = NOON, 0
        self.between: Iterator[int] = iter(())  # what passes while both are read

    def pass_(self, ns: int) -> None:
        self.time += ns
        self.counted += ns

    def clock(self) -> int:
        self.pass_(next(self.between, 0))
        return self.time

    def counting(self) -> int:
        return self.counted


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def watch(clocks: Clocks) -> ClockWatch:
    return ClockWatch(clocks.clock, clocks.counting)


def test_a_clock_that_goes_on_is_no_step(clocks: Clocks, watch: ClockWatch) -> None:
    for _ in range(100):
        clocks.pass_(NS_PER_MIN)

        assert watch.step() is None


@pytest.mark.parametrize("by", [-3600 * NS_PER_S, -NS_PER_S, NS_PER_S, 86_400 * NS_PER_S])
def test_a_step_is_told_once_with_the_time_before_and_after(
    clocks: Clocks, watch: ClockWatch, by: int
) -> None:
    clocks.pass_(NS_PER_S)
    clocks.time += by

    assert watch.step() == (NOON + NS_PER_S, NOON + NS_PER_S + by)
    clocks.pass_(NS_PER_S)
    assert watch.step() is None


def test_many_small_corrections_between_looks_add_up_to_a_step(clocks: Clocks, watch: ClockWatch) -> None:
    """However small each is: after a second in all, times of this clock are not what they were."""
    found = []
    for _ in range(25):
        clocks.pass_(NS_PER_S)
        clocks.time += NS_PER_S // 10
        found.append(watch.step())

    assert [step is not None for step in found].count(True) == 2


def test_a_process_that_stood_still_between_two_clocks_says_nothing(
    clocks: Clocks, watch: ClockWatch
) -> None:
    clocks.between = iter([5 * NS_PER_S])

    assert watch.step() is None
    assert watch.step() is None

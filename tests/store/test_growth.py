"""How fast journal and state grow is told from a few steps, and from what a message has taken so far."""

from contextlib import closing
from pathlib import Path

import pytest

from plant.vocabulary import NS_PER_DAY
from store.growth import bytes_per_day, full_in_days
from store.messages.journal import Journal
from store.messages.steps import MESSAGES, RecordedStep, StepLog, StepReader

NOW = 1000 * NS_PER_DAY


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "journal.db", tmp_path / "state.db"


def taken(files: tuple[Path, Path], a_day: list[int]) -> None:
    """Record a step at the beginning of each of the last days, which took so many messages."""
    through = 1
    with closing(Journal(files[0])) as journal:
        for number, messages in enumerate(a_day, start=1):
            through += messages
            at = NOW - (len(a_day) - number) * NS_PER_DAY
            StepLog(journal).write(number, RecordedStep(MESSAGES, at, through))
    files[1].write_bytes(bytes(100_000))


def size(files: tuple[Path, Path]) -> int:
    return sum(file.stat().st_size for file in files)


def test_a_day_takes_what_its_messages_took_so_far(files: tuple[Path, Path]) -> None:
    taken(files, [10] * 5)
    assert bytes_per_day(*files, NOW) == pytest.approx(size(files) / 50 * 10)


def test_the_rate_is_that_of_the_last_week(files: tuple[Path, Path]) -> None:
    taken(files, [10] * 30 + [40] * 8)
    assert bytes_per_day(*files, NOW) == pytest.approx(size(files) / (30 * 10 + 8 * 40) * 40)


def test_nobody_can_say_in_the_first_day_or_of_nothing(files: tuple[Path, Path]) -> None:
    assert bytes_per_day(*files, NOW) is None
    taken(files, [10])
    assert bytes_per_day(*files, NOW + NS_PER_DAY // 2) is None
    assert full_in_days(10**9, None) is None
    assert full_in_days(10**9, 0.0) is None
    assert full_in_days(10**9, 1e8) == 10


@pytest.mark.parametrize("days", [1, 2, 7, 63])
def test_the_first_step_since_a_time_is_found_whatever_their_number(
    files: tuple[Path, Path], days: int
) -> None:
    taken(files, [1] * days)
    with closing(StepReader(files[0])) as steps:
        for back in range(days + 2):
            at, through = steps.first_since(NOW - back * NS_PER_DAY)
            first = max(1, days - back)
            assert (at, through) == (NOW - (days - first) * NS_PER_DAY, first + 1)
        assert steps.first_since(NOW + 1) == (NOW, days + 1)

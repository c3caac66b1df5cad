"""What comes again and again is told a few times a minute, and then counted."""

import logging
from collections.abc import Iterator

import pytest

from stackmeter.log_limit import KINDS, MOST, WITHIN_S, LogLimit


class Kept(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Written:
    """A logger with a limit, and what it wrote."""

    def __init__(self) -> None:
        self.now = 0.0
        self.limit = LogLimit(lambda: self.now)
        self.handler = Kept()
        self.handler.addFilter(self.limit)
        self.log = logging.getLogger("tests.log_limit")
        self.log.addHandler(self.handler)

    @property
    def lines(self) -> list[str]:
        return self.handler.lines


@pytest.fixture
def written() -> Iterator[Written]:
    made = Written()
    yield made
    made.log.removeHandler(made.handler)


def test_solid_a7_a_repeated_line_is_written_a_few_times_and_then_counted(written: Written) -> None:
    for number in range(1000 + MOST):
        written.log.error("socket.accept() failed: %s", number)
    assert len(written.lines) == MOST

    written.now += WITHIN_S
    written.log.error("socket.accept() failed: %s", "again")
    assert written.lines[-1] == "socket.accept() failed: again (repeated 1,000 times before)"


def test_solid_a7_a_line_that_has_stopped_coming_is_told_with_its_count(written: Written) -> None:
    for _ in range(1234 + MOST):
        written.log.error("no more files")
    written.limit.flush()
    assert len(written.lines) == MOST

    written.now += WITHIN_S
    written.limit.flush()
    written.limit.flush()
    assert written.lines[MOST:] == ["repeated 1,234 times: no more files"]


def test_solid_a7_other_lines_are_written_meanwhile(written: Written) -> None:
    for number in range(100):
        written.log.error(f"task {number:#x} failed")  # noqa: G004 - as libraries write it
        written.log.error("another %s", "thing")
    for error in (ValueError("a"), KeyError("b")):
        written.log.error("failed", exc_info=error)

    assert len(written.lines) == 2 * MOST + 2


def test_solid_a7_no_number_of_kinds_fills_the_memory(written: Written) -> None:
    for number in range(3 * KINDS):
        written.log.error("".join(chr(ord("a") + int(digit)) for digit in str(number)))

    assert len(written.lines) == 3 * KINDS
    assert len(written.limit._told) <= KINDS

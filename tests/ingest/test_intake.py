"""The intake between threads: what waits is counted right, whoever is interrupted when."""

import sys
import threading
from collections.abc import Iterator

import pytest

from ingest.mqtt.intake import MOST_UNASKED, MOST_UNASKED_BYTES, Arrival, Inlet, Intake
from store.messages.journal import Message
from tests.servers import wait_until

MESSAGE = Message(0, b"sm/v1/park/works/gw/readings", b"12345", 0)
EACH = 20_000  # messages of a thread
THREADS = 3


class Journal:
    """Takes everything, and keeps nothing."""

    def append(self, messages: list[Message]) -> int:
        return len(messages)


@pytest.fixture
def intake() -> Intake:
    return Intake(Journal(), lambda _arrivals: None, lambda: None, lambda _point: None)  # type: ignore[arg-type]


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns at every step that they may."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def put(inlet: Inlet, count: int, message: Message = MESSAGE) -> None:
    for number in range(count):
        inlet.put(Arrival(1, number, 0, message))


def storm(intake: Intake) -> None:
    """Let threads put messages while another one commits them, until nothing waits."""
    stop = threading.Event()
    committing = threading.Thread(target=intake.run, args=(stop,))
    putting = [threading.Thread(target=put, args=(intake.inlet(), EACH)) for _ in range(THREADS)]
    for thread in (committing, *putting):
        thread.start()
    for thread in putting:
        thread.join()
    wait_until(lambda: not intake._waiting, "it does not commit what waits")
    stop.set()
    committing.join()


@pytest.mark.usefixtures("restless")
def test_solid_a11_what_waits_and_what_was_dropped_is_counted_right_under_load(intake: Intake) -> None:
    storm(intake)
    assert intake.unasked == (0, 0)
    assert intake.received + intake.dropped == THREADS * EACH

    dropped = intake.dropped
    put(intake.inlet(), MOST_UNASKED + 7)
    assert (intake.unasked[0], intake.dropped - dropped) == (MOST_UNASKED, 7)


def test_solid_a11_large_messages_are_bounded_by_their_bytes(intake: Intake) -> None:
    large = Message(0, MESSAGE.topic, bytes(4 * 1024 * 1024), 0)
    put(intake.inlet(), 20, large)

    assert intake.unasked == (16, MOST_UNASKED_BYTES)
    assert intake.dropped == 4


def test_solid_a11_what_asks_for_an_acknowledgement_is_never_dropped(intake: Intake) -> None:
    inlet = intake.inlet()
    put(inlet, MOST_UNASKED + 1)
    for number in range(10):
        inlet.put(Arrival(1, number, 1, MESSAGE))

    assert (len(intake._waiting), intake.dropped) == (MOST_UNASKED + 10, 1)

"""Messages come three times, shuffled, cut anyhow; registers roll over, are reset, and jitter. The tonnes do not mind."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plant.park import Plant
from store import blocks
from store.messages.journal import Journal, JournalReader, Message
from store.state import State
from tests import oracle
from tests.faults.bench import Report, configured, trial_plant
from tests.faults.invariants import (
    MEMORY,
    balance,
    check_ledger,
    check_windows,
    new_line,
    outcome,
    stored_windows,
    total_of,
)
from tests.faults.truth import GATEWAYS, MINUTE, SOURCES, START, Sent, Truth, told_by, trial, windows_of

ARRIVAL = START + 400 * 24 * 60 * MINUTE  # long after every reading


class Pipeline:
    """Journal, line and state of the trial plant in one process, without a broker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.config = configured(folder / "config")
        self.plant: Plant = trial_plant(self.config)
        self._journal = Journal(folder / "journal.db")
        self._open()

    @property
    def state(self) -> Path:
        """The state's file."""
        return self._folder / "state.db"

    def take(self, messages: list[Sent]) -> None:
        """Journal the messages as one group, and bring the state up to it."""
        if messages:
            self._journal.append([Message(ARRIVAL, m.topic.encode(), m.payload) for m in messages])
        while self._line.step():
            pass

    def restart(self) -> None:
        """Forget everything that is in memory."""
        self._close()
        self._open()

    def close(self) -> None:
        """Close all files."""
        self._close()
        self._journal.close()

    def _open(self) -> None:
        self._state = State(self.state, self.plant)
        self._reader = JournalReader(self._folder / "journal.db")
        self._line = new_line(self.plant, self._state, self._reader, self.config)

    def _close(self) -> None:
        self._reader.close()
        self._state.close()


@contextmanager
def pipeline() -> Iterator[Pipeline]:
    """Give an empty pipeline whose files are in memory: thousands of commits need no disk here."""
    with ExitStack() as opened:
        one = Pipeline(Path(opened.enter_context(tempfile.TemporaryDirectory(dir=MEMORY))))
        opened.callback(one.close)
        yield one


def once_in_order(truth: Truth) -> tuple[object, ...]:
    """Return what becomes of the messages, all at once and in their order; checked against the plain loop."""
    with pipeline() as line:
        line.take(truth.messages)
        check_windows(line.state, line.plant, truth.windows())
        return outcome(line.state)


def test_f084_everything_three_times_counts_once(report: Report) -> None:
    """Each repetition in a batch of its own, and once more all mixed."""
    truth = trial(900, seed=84)
    with pipeline() as line:
        line.take(truth.messages)
        line.take(truth.messages)
        line.restart()
        line.take(random.Random(84).sample(truth.messages, len(truth.messages)))
        books = balance(line.state)

        assert outcome(line.state) == once_in_order(truth)
        assert (books["accepted"], books["duplicate"]) == (900, 1800)
        check_ledger(line.state)
        report("F-084", sent=2700, double=0, **books)


def test_f085_a_shuffled_day_gives_the_bits_of_the_sorted_one(report: Report) -> None:
    """It comes in batches of two hundred, neighbours far apart."""
    truth = trial(11_000, seed=85)
    chance = random.Random(85)
    shuffled = chance.sample(truth.messages, len(truth.messages))
    with pipeline() as line:
        for start in range(0, len(shuffled), 200):
            line.take(shuffled[start : start + 200])
        same = outcome(line.state) == once_in_order(truth)

        assert same
        check_ledger(line.state)
        hours = len({number // 60 for _, number in truth.windows()})
        report("F-085", messages=len(shuffled), hours=hours, hash_equal=same)


def test_f085_a_hole_that_closes_far_from_the_new_reading_keeps_the_fillings_beside_it() -> None:
    """The message that was missing tells of a later time than its neighbours in the sequence."""
    truth = Truth()
    times = [number * 10 * MINUTE for number in range(60)]
    times[30] = 61 * 10 * MINUTE
    told = [oracle.Reading(START + time, 5.0, boot="a") for time in times]
    messages = told_by("boiler", [("diesel/filled", one) for one in told])
    truth.readings["diesel/filled"] = sorted(told, key=lambda one: one.time)
    with pipeline() as line:
        line.take(messages[:30] + messages[31:])
        line.take([messages[30]])

        check_windows(line.state, line.plant, truth.windows())


TRIALS = [trial(messages, seed=86 + messages) for messages in (20, 60, 140)]
EXPECTED: dict[int, tuple[object, ...]] = {}


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[int, list[list[Sent]], set[int]]:
    """Return which trial, the batches in which its messages come, some repeated, and the batches before a restart."""
    which = draw(st.integers(0, len(TRIALS) - 1))
    messages = TRIALS[which].messages
    again = draw(st.lists(st.sampled_from(messages), max_size=20))
    chance = random.Random(draw(st.integers(0, 2**32)))
    order = chance.sample(messages + again, len(messages) + len(again))
    if draw(st.booleans()):  # nearly in order, as the field is
        place = {id(one): number for number, one in enumerate(messages)}
        order = sorted(messages + again, key=lambda one: place[id(one)] + chance.randint(0, 12))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=12)))
    batches = [order[a:b] for a, b in pairwise([0, *cuts, len(order)])]
    return which, batches, draw(st.sets(st.integers(0, len(batches)), max_size=3))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrivals())
def test_f086_any_split_order_repetition_and_restart_gives_the_same_bits(
    arrival: tuple[int, list[list[Sent]], set[int]],
) -> None:
    """Compared with the same messages all at once, which are checked against the plain loop."""
    which, batches, restarts = arrival
    if which not in EXPECTED:
        EXPECTED[which] = once_in_order(TRIALS[which])
    with pipeline() as line:
        for number, batch in enumerate(batches):
            line.take(batch)
            if number in restarts:
                line.restart()

        assert outcome(line.state) == EXPECTED[which]
        check_ledger(line.state)


def series(channel: str, *told: tuple[float, float, str] | tuple[float, float, str, bool]) -> Truth:
    """Return the truth of one channel's readings: (minutes since the start, display, boot, and whether it says reset)."""
    truth = Truth()
    truth.readings[channel] = [
        oracle.Reading(START + round(minutes * MINUTE), value, boot=boot, reset=bool(rest and rest[0]))
        for minutes, value, boot, *rest in told
    ]
    (gateway,) = (name for name, channels in GATEWAYS.items() if channel in channels)
    truth.messages = told_by(gateway, [(channel, one) for one in truth.readings[channel]])
    return truth


def counted(truth: Truth, channel: str) -> float:
    """Bring a channel's readings through the line, check every window, and return the source's activity."""
    source = next(name for name, (one, _) in SOURCES.items() if one == channel)
    with pipeline() as line:
        for message in truth.messages:
            line.take([message])
        check_windows(line.state, line.plant, windows_of(truth.readings))
        assert all((fields[: blocks.REVISION] >= 0).all() for fields in stored_windows(line.state).values())
        check_ledger(line.state)
        return total_of(line.state, source, "activity")


ROLLOVERS = {
    "2^16 between two readings": (
        "hall/energy", 40 * 1.5, [(0, 65535.0, "a"), (1, 65535.5, "a"), (2, 0.5, "a")],
    ),
    "2^16 within a gap of three hours": (
        "hall/energy", 40 * 25.75, [(0, 65530.5, "a"), (180, 20.25, "a")],
    ),
    "2^32 between two readings": (
        "crane/energy", 7.0, [(0, 4294967292.0, "a"), (1, 4294967295.0, "a"), (2, 3.0, "a")],
    ),
    "2^32 within a gap of six hours": ("crane/energy", 11.0, [(0, 4294967290.0, "a"), (360, 5.0, "a")]),
    "100000.0 to exactly 0": ("main/energy", 0.1, [(0, 99999.9, "a"), (1, 0.0, "a")]),
    "100000.0 within a gap of twenty hours": (
        "main/energy", 1009.8, [(0, 99990.5, "a"), (1200, 1000.3, "a")],
    ),
    "100000.0 twice": (
        "main/energy", 160 * 999, [(3 * n, (99900.0 + 160 * n) % 1e5, "a") for n in range(1000)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ROLLOVERS)
def test_f090_a_rollover_counts_exactly(case: str, report: Report) -> None:
    channel, amount, told = ROLLOVERS[case]
    got = counted(series(channel, *told), channel)

    assert got == pytest.approx(amount, rel=1e-9)
    report("F-090", rollover=case, expected=amount, counted=got)


RESETS = {
    "to 0, told by the boot": ("pump/energy", 2.0, [(0, 500.0, "a"), (1, 0.0, "b"), (2, 2.0, "b")]),
    "to an offset, told by the boot": ("pump/energy", 5.5, [(0, 500.0, "a"), (1, 3.5, "b"), (2, 5.5, "b")]),
    "told by the reading": ("main/energy", 13.5, [(0, 500.0, "a"), (1, 3.5, "a", True), (2, 13.5, "a")]),
    "within a gap of five hours": ("pump/energy", 42.0, [(0, 500.0, "a"), (300, 40.0, "b"), (301, 42.0, "b")]),
    "without evidence": ("main/energy", 4.0, [(0, 500.0, "a"), (1, 2.0, "a"), (2, 3.0, "a"), (3, 6.0, "a")]),
    "without evidence, nothing after it": ("main/energy", 10.0, [(0, 490.0, "a"), (1, 500.0, "a"), (2, 2.0, "a")]),
    "jitter of -0.01": (
        "main/energy", 1.0, [(0, 100.0, "a"), (1, 100.5, "a"), (2, 100.49, "a"), (3, 101.0, "a")],
    ),
    "jitter of -0.01 as the last": ("main/energy", 0.5, [(0, 100.0, "a"), (1, 100.5, "a"), (2, 100.49, "a")]),
}  # fmt: skip


@pytest.mark.parametrize("case", RESETS)
def test_f091_a_reset_or_jitter_never_counts_below_zero_nor_what_nobody_knows(
    case: str, report: Report
) -> None:
    channel, amount, told = RESETS[case]
    got = counted(series(channel, *told), channel)

    assert got == pytest.approx(amount, rel=1e-9)
    report("F-091", reset=case, expected=amount, counted=got)

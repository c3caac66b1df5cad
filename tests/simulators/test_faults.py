"""Each fault does what it says, and nothing else."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from simulators.configuration import Configuration, read_configuration
from simulators.faults import Faults
from simulators.field import messages
from simulators.message import Fate, Message
from tests.simulators import oracle

HOUR = 3600 * 10**9
START = 1_795_500_000 * 10**9


@pytest.fixture
def configuration(directory: Path) -> Configuration:
    return read_configuration(directory)


def made(configuration: Configuration, hours: int = 5, **faults: float) -> list[Message]:
    end = START + hours * HOUR
    return list(messages(configuration, seed=3, start=START, end=end, faults=Faults(**faults)))


def numbers(sent: list[Message], fate: Fate = Fate.SENT) -> list[int]:
    return [m.seq for m in sent if m.address.gateway == "g2" and m.fate is fate]


def test_without_faults_every_message_is_sent_once_and_in_order(configuration):
    sent = made(configuration)

    assert numbers(sent) == list(range(1, 301))
    assert {m.fate for m in sent} == {Fate.SENT}


def test_a_duplicate_is_the_same_bytes_a_second_time_and_later(configuration):
    sent = made(configuration, duplicate=0.2)
    first = {(m.topic, m.seq): (m.payload, m.due) for m in sent if m.fate is Fate.SENT}
    copies = [m for m in sent if m.fate is Fate.COPY]

    assert 0.1 < len(copies) / len(first) < 0.3
    assert all(first[m.topic, m.seq] <= (m.payload, m.due) for m in copies)
    assert all(first[m.topic, m.seq][0] == m.payload for m in copies)


def test_a_reordered_message_comes_after_its_successor(configuration):
    order = numbers(made(configuration, reorder=0.2))

    assert sorted(order) == list(range(1, 301))
    assert 0.1 < sum(b < a for a, b in pairwise(order)) / 300 < 0.3


def test_a_delayed_message_comes_within_the_longest_delay(configuration):
    on_time = {(m.topic, m.seq): m.due for m in made(configuration)}
    late = (
        np.array([m.due - on_time[m.topic, m.seq] for m in made(configuration, delay=0.2, delay_by=900)])
        / 1e9
    )

    assert 0.1 < (late > 0).mean() < 0.3
    assert 600 < late.max() <= 900


def test_no_message_is_held_past_the_end_of_the_run(configuration):
    sent = made(configuration, hours=1, delay=1.0, delay_by=10_000, duplicate=0.5)

    assert max(m.due for m in sent) == START + HOUR


def test_a_dropped_message_is_marked_and_its_number_is_missing(configuration):
    sent = made(configuration, drop=0.2)
    dropped = set(numbers(sent, Fate.DROPPED))

    assert 0.1 < len(dropped) / 300 < 0.3
    assert set(numbers(sent)) == set(range(1, 301)) - dropped


def test_a_reset_starts_a_register_at_nought_and_says_so(configuration):
    rows = [
        rows
        for rows in oracle.sent_readings(made(configuration, resets=2)).values()
        if any(r for *_, r in rows)
    ]

    assert len(rows) == 2
    for readings in rows:
        at = next(i for i, (_, _, reset) in enumerate(readings) if reset)
        before, after = readings[at - 1][1], readings[at][1]
        assert 1 <= at < 30
        assert after < before / 100
        assert sum(reset for *_, reset in readings) == 1


def test_the_message_of_a_reset_is_never_dropped(configuration):
    sent = made(configuration, resets=2, drop=1.0)

    assert sum(m.readings.reset.sum() for m in sent if m.fate is Fate.SENT) == 2


def test_a_rollover_passes_the_modulus_once_within_ten_steps(configuration):
    rows = oracle.sent_readings(made(configuration, rollovers=1))["g1", "mdb/energy"]
    falls = [i for i in range(1, len(rows)) if rows[i][1] < rows[i - 1][1]]

    assert len(falls) == 1
    assert falls[0] <= 10
    assert rows[falls[0] - 1][1] > 99_500
    assert not any(reset for *_, reset in rows)


def test_a_skewed_clock_moves_all_times_of_a_gateway_by_one_constant(configuration):
    plain, skewed = (
        oracle.sent_readings(made(configuration, hours=1, skew=s))["g2", "stack/co2"] for s in (0, 90)
    )
    offsets = {float(b[0] - a[0]) for a, b in zip(plain, skewed, strict=True)}

    assert len(offsets) == 1
    assert 0 < abs(offsets.pop()) <= 90


def test_skew_does_not_move_the_sending(configuration):
    assert [m.due for m in made(configuration, hours=1, skew=90)] == [
        m.due for m in made(configuration, hours=1)
    ]


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"drop": 1.5}, "drop: a share from 0 to 1, not 1.5"),
        ({"duplicate": -0.1}, "duplicate: a share"),
        ({"resets": -1}, "resets: not below 0"),
        ({"reorder": 0.5, "delay": 0.4, "drop": 0.2}, "together"),
    ],
)
def test_impossible_faults_are_refused(faults, message):
    with pytest.raises(ValueError, match=message):
        Faults(**faults)


def test_more_resets_than_registers_are_refused(configuration):
    with pytest.raises(ValueError, match="only 2 registers"):
        made(configuration, resets=3)


def test_a_panel_is_not_asked_to_roll_over(configuration):
    with pytest.raises(ValueError, match="rollovers: only 1 registers with modulus"):
        made(configuration, rollovers=2)

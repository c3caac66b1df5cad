"""The messages of a simulated field: same seed same bytes, in order, shaped like a plant."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from simulators.configuration import Configuration, read_configuration
from simulators.faults import Faults
from simulators.field import messages
from simulators.message import Message
from tests.simulators import oracle

HOUR = 3600 * 10**9
START = 1_795_453_200 * 10**9  # Tuesday 2026-11-24 00:00 in Hai Phong
EVERY_FAULT = Faults(duplicate=0.1, reorder=0.1, delay=0.1, drop=0.1, resets=1, rollovers=1, skew=5)


@pytest.fixture
def configuration(directory: Path) -> Configuration:
    return read_configuration(directory)


def made(
    configuration: Configuration, hours: float = 3, seed: int = 3, faults: Faults | None = None
) -> list[Message]:
    end = START + round(hours * HOUR)
    return list(messages(configuration, seed=seed, start=START, end=end, faults=faults))


def values(configuration: Configuration, channel: str, hours: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a channel's hours since the start, and its values."""
    found = oracle.sent_readings(made(configuration, hours))
    rows = next(rows for (_, name), rows in found.items() if name == channel)
    times = np.array([float(time - START // 10**9) / 3600 for time, _, _ in rows])
    return times, np.array([float(value) for _, value, _ in rows])


def test_one_seed_and_start_give_the_same_bytes(configuration):
    first = made(configuration, faults=EVERY_FAULT)

    assert [(m.topic, m.payload, m.fate, m.due) for m in first] == [
        (m.topic, m.payload, m.fate, m.due) for m in made(configuration, faults=EVERY_FAULT)
    ]


def test_another_seed_gives_other_values(configuration):
    ours, others = (oracle.sent_readings(made(configuration, seed=seed)) for seed in (3, 4))

    assert ours["g2", "stack/flow"][0][1] != others["g2", "stack/flow"][0][1]


def test_a_longer_run_begins_with_the_shorter_one(configuration):
    whole_hours = [m.payload for m in made(configuration, 2)]

    assert [m.payload for m in made(configuration, 4)][: len(whole_hours) - 1] == whole_hours[:-1]


def test_a_run_without_end_goes_on(configuration):
    endless = islice(messages(configuration, seed=3, start=START), 2000)

    assert len(list(endless)) == 2000


def test_messages_come_in_the_order_in_which_they_are_sent(configuration):
    due = [m.due for m in made(configuration, faults=EVERY_FAULT)]

    assert due == sorted(due)


def test_readings_lie_within_the_run_and_not_after_their_sending(configuration):
    sent = made(configuration)

    assert all(
        m.readings.time.min() > START and m.readings.time.max() <= m.due <= START + 3 * HOUR for m in sent
    )


@pytest.mark.parametrize("gateway", ["g1", "g2"])
def test_each_gateway_numbers_its_messages_from_one(configuration, gateway):
    numbers = [m.seq for m in made(configuration) if m.address.gateway == gateway]

    assert numbers == list(range(1, len(numbers) + 1))


def test_a_channel_is_read_every_minute(configuration):
    times, _ = values(configuration, "stack/flow", 3)

    assert np.diff(times) * 60 == pytest.approx(np.ones(len(times) - 1))


def test_a_short_max_gap_makes_a_channel_be_read_more_often(configuration, directory):
    (directory / "park.yaml").write_text(
        (directory / "park.yaml").read_text().replace("max_gap: 10min", "max_gap: 30s")
    )

    times, _ = values(read_configuration(directory), "stack/flow", 1)

    assert np.diff(times) * 3600 == pytest.approx(np.full(len(times) - 1, 10))


def test_intervals_end_at_multiples_of_their_period(configuration):
    times, _ = values(configuration, "gas", 3)

    assert (times * 4).tolist() == list(range(1, 13))


def test_a_message_holds_what_its_gateway_read_since_the_last(configuration):
    sent = [json.loads(m.payload) for m in made(configuration) if m.address.gateway == "g2"]

    assert {len(oracle.flat(payload)) for payload in sent} == {5}


def test_all_three_forms_are_spoken(configuration):
    sent = [json.loads(m.payload) for m in made(configuration)]

    assert {key for payload in sent for key in ("columns", "readings", "value") if key in payload} == {
        "columns",
        "readings",
        "value",
    }


def test_a_panel_makes_nothing_at_night_and_something_at_noon(configuration):
    times, display = values(configuration, "solar/energy", 24)
    by_night = display[times < 5.5]
    by_day = display[(times > 9) & (times < 15)]

    assert (np.ptp(by_night), np.ptp(by_day) > 100) == (0, True)


def test_a_mill_draws_more_by_day_than_by_night(configuration):
    times, display = values(configuration, "mdb/energy", 24)
    at = dict(zip(np.round(times), display, strict=False))

    assert at[13] - at[8] > 1.2 * (at[5] - at[0])


def test_deliveries_come_between_six_and_eighteen(configuration):
    times, amounts = values(configuration, "diesel", 24)

    assert ((times >= 6) & (times < 18)).all()
    assert ((amounts > 0) & (amounts <= 20_000)).all()


def test_nothing_is_delivered_on_a_sunday(configuration):
    day = 24 * HOUR
    sunday = list(messages(configuration, seed=3, start=START + 5 * day, end=START + 6 * day))

    assert ("g1", "diesel") not in oracle.sent_readings(sunday)


def test_levels_stay_within_their_range(configuration):
    _, percent = values(configuration, "stack/co2", 24)

    assert 5 < percent.min() < percent.max() < 15

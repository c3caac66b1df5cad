"""The true totals against a second computation, and what makes them unknown."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulators.configuration import Configuration, Swap, read_configuration
from simulators.faults import Faults
from simulators.field import messages
from simulators.message import Message
from simulators.payload import Readings
from simulators.truth import Truth, amount_of
from tests.simulators import oracle

HOUR = 3600 * 10**9
START = 1_795_500_000 * 10**9  # 2026-11-24, a Tuesday, 13:00 in Hai Phong
LOSSLESS = Faults(duplicate=0.1, reorder=0.1, delay=0.1)


@pytest.fixture
def configuration(directory: Path) -> Configuration:
    return read_configuration(directory)


def run(configuration: Configuration, faults: Faults, hours: int = 9) -> tuple[list[Message], Truth]:
    sent = list(messages(configuration, seed=3, start=START, end=START + hours * HOUR, faults=faults))
    truth = Truth(configuration.channels)
    for message in sent:
        truth.add(message)
    return sent, truth


def amounts(truth: Truth) -> dict[tuple[str, str], float]:
    return {(total.gateway, total.channel): total.amount for total in truth.totals()}


@pytest.mark.parametrize(
    "faults",
    [
        Faults(),
        LOSSLESS,
        Faults(drop=0.1),
        Faults(drop=0.9),
        Faults(resets=2),
        Faults(rollovers=1),
        Faults(resets=2, rollovers=1, drop=0.1),
        Faults(skew=30.0),
    ],
    ids=str,
)
def test_the_truth_is_what_a_second_computation_finds_in_the_sent_bytes(configuration, faults):
    sent, truth = run(configuration, faults)

    assert amounts(truth) == pytest.approx(oracle.totals(configuration, sent), rel=1e-12)


def test_every_kind_has_a_total(configuration):
    _, truth = run(configuration, Faults())

    assert {total.kind for total in truth.totals()} == {"register", "rate", "interval", "level", "event"}


def test_faults_that_lose_nothing_do_not_change_the_truth(configuration):
    assert amounts(run(configuration, LOSSLESS)[1]) == amounts(run(configuration, Faults())[1])


def test_dropped_messages_change_the_truth(configuration):
    assert amounts(run(configuration, Faults(drop=0.5))[1]) != amounts(run(configuration, Faults())[1])


def test_rates_are_told_in_amounts(configuration):
    units = {total.channel: total.amount_unit for total in run(configuration, Faults(), 1)[1].totals()}

    assert (units["stack/flow"], units["steam"], units["stack/co2"]) == ("Nm3", "t", "%")


def hand_made(
    configuration: Configuration, name: str, hours: list[float], values: list[float], **changes
) -> float:
    channel = next(c for c in configuration.channels if c.name == name)
    readings = Readings.of(0, (np.array(hours) * HOUR).astype(np.int64), np.array(values))
    return amount_of(replace(channel, **changes), readings)


def test_a_register_counts_on_past_its_modulus(configuration):
    assert hand_made(configuration, "mdb/energy", [0, 1, 2], [99_000, 99_900, 400], ratio=1) == 1400


def test_a_register_step_that_nothing_explains_makes_the_total_unknown(configuration):
    assert math.isnan(hand_made(configuration, "mdb/energy", [0, 1, 2], [50_000, 50_900, 400]))


def test_a_step_faster_than_the_register_can_count_makes_the_total_unknown(configuration):
    assert math.isnan(hand_made(configuration, "mdb/energy", [0, 1], [50_000, 53_001]))


def test_a_register_is_multiplied_with_its_ratio(configuration):
    assert hand_made(configuration, "mdb/energy", [0, 1], [100, 200]) == 100 * 40


SWAP = Swap(time=2 * HOUR, final_old=130, first_new=5, ratio=3, max_rate=90, modulus=math.nan)


def test_each_meter_of_a_register_counts_by_its_own_display_and_ratio(configuration):
    amount = hand_made(configuration, "pump/energy", [1, 3, 4], [100, 15, 40], swaps=(SWAP,), ratio=2)

    assert amount == 2 * (130 - 100) + 3 * (40 - 5)


def test_an_old_meter_that_nobody_read_counts_up_to_its_last_reading(configuration):
    swap = replace(SWAP, final_old=math.nan)

    assert (
        hand_made(configuration, "pump/energy", [0, 1, 3], [70, 100, 15], swaps=(swap,), ratio=2)
        == 2 * 30 + 3 * 10
    )


def test_the_new_meter_keeps_to_its_own_limit(configuration):
    assert math.isnan(hand_made(configuration, "pump/energy", [1, 3], [100, 96], swaps=(SWAP,)))


@pytest.mark.parametrize("hours", [-1000, 3], ids=["before", "within"])
def test_a_simulated_register_fits_its_swap(configuration, hours):
    swap = replace(SWAP, time=START + hours * HOUR, final_old=70_000)
    channels = [replace(c, swaps=(swap,)) if c.name == "pump/energy" else c for c in configuration.channels]

    _, truth = run(replace(configuration, channels=tuple(channels)), Faults())

    assert amounts(truth)["g2", "pump/energy"] > 0


def test_one_reading_of_a_register_tells_no_amount(configuration):
    assert math.isnan(hand_made(configuration, "mdb/energy", [0], [1.0]))


def test_a_rate_does_not_count_an_interval_longer_than_its_gap(configuration):
    values = hand_made(configuration, "stack/flow", [0, 0.1, 1.1, 1.2], [100, 100, 100, 100])

    assert values == pytest.approx(20)


def test_a_held_rate_counts_its_value_for_no_longer_than_its_gap(configuration):
    assert hand_made(configuration, "steam", [0, 0.5, 3.5], [2, 4, 8]) == pytest.approx(2 * 0.5 + 4 * 1)


def test_a_level_is_weighted_by_time(configuration):
    assert hand_made(configuration, "stack/co2", [0, 0.25, 1], [10, 10, 14]) == pytest.approx(11.5)


def test_the_truth_file_says_null_where_nothing_is_known(configuration, tmp_path):
    truth = run(configuration, Faults(drop=1.0), 1)[1]
    truth.add(next(m for m in run(configuration, Faults(), 1)[0] if b"mdb/energy" in m.payload))

    truth.write(tmp_path / "truth.json")

    told = json.loads((tmp_path / "truth.json").read_text())
    assert [c["amount"] for c in told["channels"] if c["channel"] == "mdb/energy"] == [None]

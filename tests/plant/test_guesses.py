"""What the numbers of an unknown device are taken for, and what is left unknown."""

import json

import pytest

from plant.devices.guesses import Guess, guess, guess_native
from plant.vocabulary import Kind

NOON = 1_795_000_000_000_000_000
MINUTE = 60 * 10**9


def guessed(*documents):
    return guess([(NOON + n * MINUTE, json.dumps(one).encode()) for n, one in enumerate(documents)])


def only(*documents):
    [value] = guessed(*documents).values
    return value


@pytest.mark.parametrize(
    ("name", "quantity", "unit", "source"),
    [
        ("energy_kwh", "active_energy", "kWh", "name"),
        ("EnergyKWh", "active_energy", "kWh", "name"),
        ("total_wh", "active_energy", "Wh", "name"),
        ("power_w", "active_power", "W", "name"),
        ("active_power_kw", "active_power", "kW", "name"),
        ("energy", "active_energy", "kWh", "guess"),
        ("power", "active_power", "kW", "guess"),
        ("room_temperature", "temperature", "°C", "guess"),
        ("voltage_1", "voltage", "V", "guess"),
        ("rssi", "", "", ""),
        ("throughput", "", "", ""),
    ],
)
def test_a_name_tells_quantity_and_unit(name, quantity, unit, source):
    found = only({name: 7.5})
    assert (found.quantity, found.unit, found.unit_from) == (quantity, unit, source)
    assert (found.path, found.sample) == (name, 7.5)


def test_the_payload_tells_its_own_unit():
    found = only({"meter": {"value": 3, "unit": "MWh"}})
    assert (found.path, found.name, found.unit, found.unit_from, found.unit_at) == (
        "meter.value", "meter/value", "MWh", "payload", "meter.unit",
    )  # fmt: skip
    assert only({"value": 3, "unit": "furlongs"}).unit == ""


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ([1, 2, 2, 3], Kind.REGISTER),
        ([1, 2], Kind.LEVEL),
        ([3, 3, 3], Kind.LEVEL),
        ([1, 2, 1], Kind.LEVEL),
    ],
)
def test_what_only_ever_advances_is_taken_for_a_register(numbers, kind):
    assert only(*({"count": one} for one in numbers)).kind is kind


def test_power_is_a_rate_even_while_it_rises():
    assert only(*({"power_kw": one} for one in (1, 2, 3))).kind is Kind.RATE


@pytest.mark.parametrize(
    ("time", "way"),
    [
        ("2026-11-24T05:00:00Z", "rfc3339"),
        ("2026-11-24T05:00:00", "arrival"),
        (NOON // 10**9, "s"),
        (NOON // 10**6, "ms"),
        (NOON // 10**3, "us"),
        (NOON, "ns"),
        (42, "arrival"),
    ],
)
def test_how_times_are_written(time, way):
    found = guessed({"d": {"ts": time}, "power": 1})
    assert (found.time, found.time_at) == (way, "" if way == "arrival" else "d.ts")
    assert [one.path for one in found.values] == ["power"]


def test_no_numbers_are_no_values():
    assert guess([(NOON, b"\x00"), (NOON, b'[true, null, "1"]'), (NOON, b"[" * 100_000)]) == Guess()


def test_a_flood_of_numbers_is_bounded():
    assert len(guessed({f"k{n}": n for n in range(10_000)}).values) == 200


def test_channels_of_native_payloads_that_nobody_knows():
    payloads = [
        {"boot": "b", "seq": 1, "readings": [{"channel": "mdb/kwh", "time": "x", "value": 1, "unit": "kWh"}]},
        {"time": ["x", "y"], "columns": {"mdb/kwh": {"unit": "kWh", "values": [2, 3]}, "known": {"unit": "V", "values": [1]}}},
        {"channel": "flow", "time": "x", "value": 4.0},
        {"readings": 3}, 7, None,
    ]  # fmt: skip
    found = guess_native([json.dumps(one).encode() for one in payloads], ["known"])
    assert [(one.name, one.kind, one.unit, one.unit_from) for one in found.values] == [
        ("mdb/kwh", Kind.REGISTER, "kWh", "payload"),
        ("flow", Kind.RATE, "m3/h", "guess"),
    ]

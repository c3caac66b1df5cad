"""From raw readings to readings: each in its channel's unit, and of each that does not count the first reason."""

import numpy as np
import pytest

from ingest.formats.columns import RawReadings, Refusal
from ingest.formats.document import MAX_REFUSALS
from ingest.formats.fields import LONGEST_UNIT
from ingest.line.normalise import _UNKNOWN_UNITS, FUTURE, SMALLEST, Normaliser
from plant.arrays import Readings
from plant.configuration.load import load
from plant.vocabulary import Code, Flag, Quality
from rules.catalogue import load_catalogue
from rules.registers import LIMIT_SLACK
from tests.semantics.world import DAY, NOON, rfc3339

PLANT = """\
parks:
  - name: park
    title: Park (invented)
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: works
        title: Works (invented)
        gateways: [{name: gw}, {name: gw2}]
        channels:
          - {name: energy, gateway: gw, kind: register, unit: kWh, quantity: electricity}
          - {name: power, gateway: gw, kind: rate, unit: kW, quantity: electricity, min: 100, max: 1000}
          - {name: heat, gateway: gw2, kind: level, unit: °C, quantity: temperature, min: -50, max: 1000}
          - {name: diesel, gateway: gw2, kind: event, unit: L, quantity: diesel}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: energy}, factor: vn-grid}
"""
NAMES = ["diesel", "energy", "heat", "power"]
DIESEL, ENERGY, HEAT, POWER = range(4)
MAX_LATE = 45 * DAY


@pytest.fixture(scope="module")
def normaliser(tmp_path_factory: pytest.TempPathFactory) -> Normaliser:
    folder = tmp_path_factory.mktemp("config")
    (folder / "plant.yaml").write_text(PLANT, encoding="utf-8")
    return Normaliser(load(folder, load_catalogue(folder)))


def raw_of(*rows: tuple[int, float, str], time: int = NOON) -> RawReadings:
    """Return readings of one message: channel, value and unit; one of the channel's own unit where that is ""."""
    raw = RawReadings()
    for item, (channel, value, unit) in enumerate(rows):
        raw.message.append(0)
        raw.channel.append(NAMES[channel] if channel >= 0 else "nobody")
        raw.time.append(rfc3339(time))
        raw.value.append(value)
        raw.unit.append(unit)
        raw.item.append(item)
        if not unit:
            raw.own_unit.add(item)
    return raw


def normalised(
    normaliser: Normaliser, raw: RawReadings, received: int = NOON
) -> tuple[Readings, list[int], list[Refusal]]:
    refusals: list[Refusal] = []
    channel = np.array([NAMES.index(name) if name in NAMES else -1 for name in raw.channel], np.int32)
    readings, rows = normaliser.normalise(raw, channel, np.full(len(raw), received), refusals)
    return readings, rows.tolist(), refusals


def codes(refusals: list[Refusal]) -> list[tuple[Code, str]]:
    return [(one.code, one.path) for one in refusals]


# --- units -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "given", "unit", "expected"),
    [
        (ENERGY, 3.0, "kWh", 3.0),
        (ENERGY, 3.0, "MWh", 3000.0),
        (ENERGY, 3.6, "MJ", 1.0),
        (POWER, 0.25, "MW", 250.0),
        (HEAT, 300.0, "K", 26.85),
        (HEAT, 212.0, "°F", 100.0),
        (DIESEL, 2.0, "m3", 2000.0),
    ],
)
def test_a_value_is_brought_into_its_channels_own_unit(
    normaliser: Normaliser, channel: int, given: float, unit: str, expected: float
) -> None:
    readings, rows, refusals = normalised(normaliser, raw_of((channel, given, unit)))

    assert (rows, refusals) == ([0], [])
    assert readings.value.tolist() == pytest.approx([expected], rel=1e-12)


def test_each_reading_of_a_batch_is_converted_by_its_own_unit_and_its_own_channel(
    normaliser: Normaliser,
) -> None:
    """Some in their own unit, some in another, some that say none, and one unit for several channels."""
    readings, rows, refusals = normalised(
        normaliser,
        raw_of(
            (ENERGY, 1.0, "MWh"),
            (POWER, 500.0, ""),
            (HEAT, 273.15, "K"),
            (ENERGY, 7.0, "kWh"),
            (HEAT, 20.0, "°C"),
            (ENERGY, 2.0, "MWh"),
            (HEAT, 5.0, ""),
            (ENERGY, 3.6, "MJ"),
        ),
    )

    assert (rows, refusals) == (list(range(8)), [])
    assert readings.value.tolist() == pytest.approx(
        [1000.0, 500.0, 0.0, 7.0, 20.0, 2000.0, 5.0, 1.0], rel=1e-12
    )
    assert readings.channel.tolist() == [ENERGY, POWER, HEAT, ENERGY, HEAT, ENERGY, HEAT, ENERGY]


def test_a_unit_that_is_no_unit_and_one_of_another_dimension_are_refused_and_the_others_are_not(
    normaliser: Normaliser,
) -> None:
    readings, rows, refusals = normalised(
        normaliser,
        raw_of((ENERGY, 1.0, "bogus"), (ENERGY, 2.0, "kg"), (ENERGY, 3.0, "kWh"), (POWER, 200.0, "kg")),
    )

    assert rows == [2]
    assert readings.value.tolist() == [3.0]
    assert codes(refusals) == [
        (Code.UNIT_UNKNOWN, "readings[0].unit"),
        (Code.DIMENSION, "readings[1].unit"),
        (Code.DIMENSION, "readings[3].unit"),
    ]
    assert [one.detail for one in refusals] == [
        "unknown unit 'bogus'",
        "kg does not convert to kWh",
        "kg does not convert to kW",
    ]


def test_a_unit_is_found_again_and_an_unknown_one_stays_unknown(normaliser: Normaliser) -> None:
    for _ in range(2):
        readings, rows, refusals = normalised(
            normaliser,
            raw_of((ENERGY, 1.0, "GWh"), (ENERGY, 1.0, "GWhh"), (ENERGY, 1.0, "x" * (LONGEST_UNIT + 1))),
        )

        assert rows == [0]
        assert readings.value.tolist() == pytest.approx([1e6], rel=1e-12)
        assert [one.code for one in refusals] == [Code.UNIT_UNKNOWN] * 2


def test_a_flood_of_unit_texts_is_not_remembered(normaliser: Normaliser) -> None:
    """Neither the thousandth text that is no unit, nor a long one, nor one unit twice; what is a unit still is one."""
    flooded = Normaliser(normaliser.plant)
    for _ in range(2):
        flood = [(ENERGY, 1.0, f"bogus{number}") for number in range(_UNKNOWN_UNITS + 10)]
        _, rows, _ = normalised(
            flooded, raw_of(*flood, (ENERGY, 1.0, "x" * (LONGEST_UNIT + 1)), (ENERGY, 1.0, "GWh"))
        )

        assert rows == [len(flood) + 1]
        assert len(flooded._codes) == _UNKNOWN_UNITS + 1
        assert len(flooded._units) == len({channel.unit for channel in normaliser.plant.channels}) + 1
        assert max(map(len, flooded._codes)) <= LONGEST_UNIT

    brief = Normaliser(normaliser.plant)
    normalised(brief, raw_of((ENERGY, 1.0, "x" * LONGEST_UNIT), (ENERGY, 1.0, "x" * (LONGEST_UNIT + 1))))
    assert [text for text in brief._codes if text.startswith("x")] == ["x" * LONGEST_UNIT]


def test_what_conversion_makes_too_large_is_refused_and_what_it_makes_too_small_is_0(
    normaliser: Normaliser,
) -> None:
    readings, rows, refusals = normalised(
        normaliser,
        raw_of(
            (ENERGY, 1e308, "GWh"),
            (ENERGY, SMALLEST / 2, "kWh"),
            (ENERGY, SMALLEST, "kWh"),
            (ENERGY, -0.0, "kWh"),
        ),
    )

    assert codes(refusals) == [(Code.OUT_OF_RANGE, "readings[0].value")]
    assert refusals[0].detail == "1e+308 GWh"
    assert rows == [1, 2, 3]
    assert readings.value.tolist() == [0.0, SMALLEST, 0.0]
    assert not np.signbit(readings.value).any()


# --- channels, times and limits ---------------------------------------------------------------------------------------


def test_a_gateway_knows_its_own_channels_alone(normaliser: Normaliser) -> None:
    assert normaliser.knows("park/works/gw")
    assert not normaliser.knows("park/works/gw3")
    assert normaliser.channels("park/works/gw", [*NAMES, "x"]) == [-1, ENERGY, -1, POWER, -1]
    assert normaliser.channels("park/works/gw2", ["diesel", "heat"]) == [DIESEL, HEAT]
    assert normaliser.channels("park/works/gw3", ["energy"]) == [-1]


def test_a_channel_that_is_not_there_is_the_only_thing_said_of_its_reading(normaliser: Normaliser) -> None:
    raw = raw_of((-1, 1e9, "bogus"), (ENERGY, 1.0, "kWh"))
    raw.time[0] = "never"
    _, rows, refusals = normalised(normaliser, raw)

    assert rows == [1]
    assert codes(refusals) == [(Code.UNMAPPED, "readings[0].channel")]
    assert refusals[0].detail == "no channel 'nobody' of this gateway"


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (NOON - MAX_LATE - 1, Code.TS_OLD),
        (NOON - MAX_LATE, None),
        (NOON, None),
        (NOON + FUTURE, None),
        (NOON + FUTURE + 1, Code.TS_FUTURE),
    ],
)
def test_a_reading_is_neither_older_than_can_be_nor_later_than_two_minutes_after_it_came(
    normaliser: Normaliser, time: int, code: Code | None
) -> None:
    """To the nanosecond; how far ahead a message was is kept, for its gateway's clock is wrong."""
    raw = raw_of((ENERGY, 1.0, "kWh"), time=time)
    _, rows, refusals = normalised(normaliser, raw)

    said = f"{rfc3339(time)} is {'too old' if time < NOON else 'not yet'}"
    assert [(one.code, one.detail) for one in refusals] == ([(code, said)] if code else [])
    assert rows == ([] if code else [0])
    assert raw.ahead == ({0: FUTURE + 1} if code == Code.TS_FUTURE else {})


def test_of_each_message_that_is_ahead_the_farthest_reading_tells_by_how_much(normaliser: Normaliser) -> None:
    raw = raw_of(*[(ENERGY, 1.0, "kWh")] * 5)
    raw.message[:] = [0, 0, 2, 2, 2]
    for row, ahead in enumerate((0, FUTURE + 9, 2 * FUTURE, 3 * FUTURE, FUTURE + 5)):
        raw.time[row] = rfc3339(NOON + ahead)
    normalised(normaliser, raw)

    assert raw.ahead == {0: FUTURE + 9, 2: 3 * FUTURE}


def test_a_stamped_reading_needs_no_text_and_is_told_of_by_its_stamp(normaliser: Normaliser) -> None:
    raw = raw_of((ENERGY, 1.0, "kWh"), (ENERGY, 2.0, "kWh"), (ENERGY, 3.0, "kWh"))
    raw.time[:] = ["", "", "never"]
    raw.stamped = {0: NOON - 5, 1: NOON - MAX_LATE - DAY}
    readings, rows, refusals = normalised(normaliser, raw)

    assert rows == [0]
    assert readings.time.tolist() == [NOON - 5]
    assert [(one.code, one.detail) for one in refusals] == [
        (Code.TS_INVALID, "'never' is no RFC 3339 time with a zone"),
        (Code.TS_OLD, f"{np.datetime64(NOON - MAX_LATE - DAY, 'ns')}Z is too old"),
    ]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (100 * (1 - 2 * LIMIT_SLACK), Code.BELOW_MIN),
        (100 - LIMIT_SLACK * 100, None),
        (100.0, None),
        (1000.0, None),
        (1000 + LIMIT_SLACK * 1000, None),
        (1000 * (1 + 2 * LIMIT_SLACK), Code.RANGE),
    ],
)
def test_a_value_outside_of_the_channels_limits_is_refused_by_more_than_the_slack(
    normaliser: Normaliser, value: float, code: Code | None
) -> None:
    _, rows, refusals = normalised(normaliser, raw_of((POWER, value, "kW")))

    assert codes(refusals) == ([(code, "readings[0].value")] if code else [])
    assert rows == ([] if code else [0])


def test_limits_hold_in_the_channels_unit_and_below_0_too(normaliser: Normaliser) -> None:
    _, rows, refusals = normalised(
        normaliser,
        raw_of(
            (POWER, 0.5, "MW"), (POWER, 5.0, "MW"), (HEAT, -60.0, ""), (ENERGY, -1.0, ""), (HEAT, -50.0, "")
        ),
    )

    assert rows == [0, 4]
    assert [(one.code, one.detail) for one in refusals] == [
        (Code.BELOW_MIN, "-60 °C is outside: min is -50 °C"),
        (
            Code.BELOW_MIN,
            "-1 kWh is outside: min is 0 kWh; say signed: true for the channel where it can be negative",
        ),
        (Code.RANGE, "5000 kW is outside: max is 1000 kW"),
    ]


@pytest.mark.parametrize("quality", Quality)
def test_only_what_counts_is_held_to_the_limits(normaliser: Normaliser, quality: Quality) -> None:
    """A faulty sensor may say anything: it is kept with its quality, and counts for nothing."""
    raw = raw_of((POWER, 1.0, "kW"), (POWER, 2000.0, "kW"))
    raw.quality = {0: quality, 1: quality}
    readings, rows, _ = normalised(normaliser, raw)

    counts = quality in {Quality.GOOD, Quality.UNCERTAIN}
    assert rows == ([] if counts else [0, 1])
    assert readings.quality.tolist() == ([] if counts else [quality] * 2)


def test_what_a_payload_said_beside_its_values_stays_with_their_readings(normaliser: Normaliser) -> None:
    raw = raw_of((-1, 0.0, "kWh"), (ENERGY, 1.0, "kWh"), (ENERGY, 2.0, "kWh"), (ENERGY, 3.0, "kWh"))
    raw.reset, raw.correction, raw.quality = {2}, {3: 7}, {1: Quality.UNCERTAIN}
    readings, rows, _ = normalised(normaliser, raw)

    assert rows == [1, 2, 3]
    assert readings.flags.tolist() == [0, Flag.RESET, 0]
    assert readings.correction.tolist() == [0, 0, 7]
    assert readings.quality.tolist() == [Quality.UNCERTAIN, 0, 0]
    for nothing in (readings.verdict, readings.boot, readings.message):
        assert nothing.tolist() == [0, 0, 0]


def test_of_a_message_so_many_refusals_are_told_in_words_and_all_are_refused(normaliser: Normaliser) -> None:
    """Of each message for itself, whatever the reasons are."""
    raw = raw_of(*[(-1, 0.0, "kWh")] * MAX_REFUSALS, (POWER, 1.0, "kg"), (POWER, 1.0, "kW"), (-1, 0.0, "kWh"))
    raw.message[-1] = 1
    raw.time[0] = "never"
    _, rows, refusals = normalised(normaliser, raw)

    assert rows == []
    assert [one.message for one in refusals].count(0) == MAX_REFUSALS
    assert [(one.message, one.code) for one in refusals if one.message == 1] == [(1, Code.UNMAPPED)]

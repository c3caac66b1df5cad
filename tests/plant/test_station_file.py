"""The station's file: golden case R60a, slots and statuses, what a configuration makes of a feed, and that the reader takes each file back."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.columns import RawReadings
from ingest.formats.decoder import Origin
from ingest.formats.station_text import decoder
from plant.arrays import Readings
from plant.configuration.load import load
from plant.park import Plant
from plant.station.feed import Feed, FeedAddress, FeedLine, same_name
from plant.station.text import station_files
from plant.station.words import STATUS
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_S, Quality
from tests.plant.catalogue import SmallCatalogue

R60A = json.loads((Path(__file__).parents[1] / "cases/programme/R60a.json").read_text(encoding="utf-8"))
NOON = int(datetime(2026, 11, 30, 5, tzinfo=UTC).timestamp()) * NS_PER_S  # 12:00 in Viet Nam
FIVE = 5 * NS_PER_MIN
FEED = Feed(
    name="department",
    park="north",
    facility="mill",
    station="HP_1",
    every=FIVE,
    file="{station}_{time:%Y%m%d%H%M%S}.txt",
    lines=(FeedLine("SO2", 0, "mg/Nm3", 1.0),),
    to=FeedAddress("file", "", 0, "/out"),
)
PARK = """\
parks:
  - name: north
    title: North
    zone: Asia/Ho_Chi_Minh
    facilities:
      - name: mill
        title: Mill
        gateways: [{name: g1}]
        channels:
          - {name: stack/so2, gateway: g1, kind: level, unit: mg/Nm3@25C, quantity: so2}
          - {name: stack/cold, gateway: g1, kind: level, unit: mg/Nm3, quantity: so2}
          - {name: stack/heat, gateway: g1, kind: level, unit: K, quantity: temperature}
          - {name: main, gateway: g1, kind: register, unit: kWh, quantity: electricity}
        feeds:
          - name: department
            station: HP_1
            every: 1h
            channels: {SO2: stack/so2, NOx: stack/cold, Temp: stack/heat}
            delay: 3min
            to: {url: "sftp://gate.example:2222/in/hp", user_env: FEED_USER, password_env: FEED_PASSWORD, host_key: ssh-ed25519 AAAA}
        sources:
          - {name: grid, method: electricity-location, inputs: {energy: main}, factor: grid}
"""


def readings(*rows: tuple[int, float, Quality]) -> Readings:
    """Return readings of channel 0 at seconds after noon."""
    return replace(
        Readings.empty(),
        channel=np.zeros(len(rows), np.int32),
        time=np.array([NOON + second * NS_PER_S for second, _, _ in rows], np.int64),
        value=np.array([value for _, value, _ in rows], np.float64),
        quality=np.array([quality for _, _, quality in rows], np.uint8),
        **{
            name: np.zeros(len(rows), kind)
            for name, kind in (
                ("flags", np.uint8),
                ("verdict", np.uint8),
                ("boot", np.int32),
                ("correction", np.int32),
                ("message", np.int64),
            )
        },
    )


def written(
    *rows: tuple[int, float, Quality], feed: Feed = FEED, slots: int = 1, before: float | None = None
) -> list[list[str]]:
    """Return value and status of the line of each slot, [] where there is no file."""
    starts = NOON + feed.every * np.arange(slots)
    known = {} if before is None else {0: before}
    files = station_files(feed, starts, {0: readings(*rows)} if rows else {}, known)
    return [
        [cells[1], cells[4].strip()] if len(cells := one.decode().split("\t")) == 5 else [] for one in files
    ]


def read_back(feed: Feed, payload: bytes) -> RawReadings:
    """Return what the format station-text reads of a file."""
    raw, refusals = RawReadings(), []
    decode = decoder({"delimiter": feed.delimiter, "decimal": feed.decimal})
    decode(payload, Origin(0, "", NOON), raw, refusals)
    assert not refusals
    return raw


def test_r60a_the_file_is_that_of_the_circular_to_the_byte() -> None:
    told, expected = R60A["inputs"], R60A["expected"]
    slot = int(datetime.fromisoformat(told["slot"]).timestamp()) * NS_PER_S
    quality = {"good": Quality.GOOD, "calibrating": Quality.CALIBRATING}
    lines = tuple(FeedLine(one["symbol"], n, one["unit"], 1.0) for n, one in enumerate(told["readings"]))
    feed = replace(FEED, station=told["station"], lines=lines)
    found = {
        n: readings((0, one["value"], quality[one["quality"]]))
        for n, one in enumerate(told["readings"])
        if one["value"] is not None
    }

    (file,) = station_files(feed, np.array([slot]), found, {})

    assert feed.file_name(slot) == expected["name"]
    assert file == expected["text"].encode()
    assert sha256(file).hexdigest() == expected["sha256"]


def test_a_slot_has_the_mean_of_what_counts_and_the_worst_status() -> None:
    rows = (
        (0, 10.0, Quality.GOOD),
        (60, 20.0, Quality.UNCERTAIN),
        (120, 99.0, Quality.CALIBRATING),
        (299, 99.0, Quality.FAULT),
        (300, 7.0, Quality.CALIBRATING),
        (420, 9.0, Quality.CALIBRATING),
        (600, 5.0, Quality.BAD),
    )

    assert written(*rows, slots=4) == [["15.0", "02"], ["8.0", "01"], ["5.0", "02"], []]
    assert written(*rows, slots=3, feed=replace(FEED, value="last")) == [
        ["20.0", "02"],
        ["9.0", "01"],
        ["5.0", "02"],
    ]


def test_what_is_missing_is_no_line_or_the_last_value_as_a_fault_and_never_0() -> None:
    last = replace(FEED, missing="last-with-02")
    rows = ((300, 12.5, Quality.GOOD),)

    assert written(*rows, slots=3) == [[], ["12.5", "00"], []]
    assert written(*rows, slots=3, feed=last) == [[], ["12.5", "00"], ["12.5", "02"]]
    assert written(*rows, slots=3, feed=last, before=8.0) == [["8.0", "02"], ["12.5", "00"], ["12.5", "02"]]
    assert written(slots=2, feed=last) == [[], []]
    assert written((0, float("nan"), Quality.GOOD)) == [[]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (35.2, "35.2"),
        (12.0, "12.0"),
        (35.23344, "35.233"),
        (-0.0001, "0.0"),
        (1e16, "10000000000000000.0"),
        (30.0, "30.0"),
    ],
)
def test_numbers_have_the_digits_they_need(value: float, text: str) -> None:
    assert written((0, value, Quality.GOOD)) == [[text, "00"]]


def test_slots_begin_with_the_day_of_viet_nam_and_go_by_either_end() -> None:
    day = replace(FEED, every=NS_PER_DAY)

    assert FEED.slot(NOON + FIVE - 1) == NOON
    assert day.slot(NOON) == NOON - 12 * NS_PER_HOUR
    assert replace(FEED, stamp="end").file_name(NOON) == "HP_1_20261130120500.txt"


@pytest.mark.parametrize(
    ("every", "pattern", "is_same"),
    [
        (FIVE, "{time:%Y%m%d%H%M}", False),
        (FIVE, "{time:%Y%m%d%H}", True),
        (NS_PER_HOUR, "{time:%Y%m%d%H}", False),
        (NS_PER_DAY, "{time:%m%d}", True),
        (NS_PER_DAY, "{time:%d}", True),
        (NS_PER_DAY, "{time:%Y-%m-%d}", False),
    ],
)
def test_a_pattern_tells_slots_apart_or_not(every: int, pattern: str, is_same: bool) -> None:
    assert (same_name(replace(FEED, every=every, file=pattern), NOON) is not None) is is_same


@given(
    st.lists(
        st.tuples(
            st.floats(-1e6, 1e6, allow_subnormal=False),
            st.sampled_from([Quality.GOOD, Quality.CALIBRATING, Quality.FAULT]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["\t", ";"]),
    st.sampled_from([".", ","]),
)
def test_the_reader_takes_each_file_back(
    told: list[tuple[float, Quality]], delimiter: str, decimal: str
) -> None:
    lines = tuple(FeedLine(f"S{n},5", n, "%V", 1.0) for n in range(len(told)))
    feed = replace(FEED, lines=lines, delimiter=delimiter, decimal=decimal)
    found = {n: readings((3, value, quality)) for n, (value, quality) in enumerate(told)}

    (file,) = station_files(feed, np.array([NOON]), found, {})
    back = read_back(feed, file)

    assert list(back.channel) == [f"S{n}.5" for n in range(len(told))]
    assert list(back.value) == [pytest.approx(value, abs=5.1e-4) for value, _ in told]
    assert [back.quality.get(n, Quality.GOOD) for n in range(len(told))] == [quality for _, quality in told]
    assert set(back.stamped.values()) == {NOON}
    assert set(back.unit) == {"%"}


def test_a_feed_is_configured_with_words_for_its_units_and_without_secrets_in_its_hash(
    tmp_path: Path,
) -> None:
    (tmp_path / "park.yaml").write_text(PARK, encoding="utf-8")

    def loaded(password: str) -> Plant:
        return load(tmp_path, SmallCatalogue(), {"FEED_USER": "hp", "FEED_PASSWORD": password})

    plant = loaded("pass word")
    (feed,) = plant.feeds
    names = [plant.channels[line.channel].name for line in feed.lines]

    assert names == ["stack/so2", "stack/cold", "stack/heat"]
    assert [line.unit for line in feed.lines] == ["mg/Nm3", "mg/Nm3", "oC"]
    assert [line.scale for line in feed.lines] == [1.0, pytest.approx(273.15 / 298.15), 1.0]
    assert feed.lines[2].offset == pytest.approx(-273.15)
    assert (feed.to.host, feed.to.port, feed.to.folder) == ("gate.example", 2222, "/in/hp")
    assert (feed.to.user, feed.to.password) == ("hp", "pass word")
    assert "pass word" not in repr(plant)
    assert loaded("two").hash == plant.hash
    assert list(STATUS) == ["00", "01", "02"]

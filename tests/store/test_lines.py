"""Lines say exactly what the columns say, and InfluxDB reads them as they were meant."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plant.park import Channel, Plant, Source
from plant.units import unit
from plant.vocabulary import NS_PER_MIN, Kind
from store import blocks
from store.influx import lines
from tests.servers import InfluxDB

FLOAT = re.compile(rb"^-?\d+(\.\d+)?(e[+-]?\d+)?$")
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.text(
    "\\,= \n\r\"'%0AD5C2", min_size=1
)
NASTY = [
    "a,b",
    "a=b",
    "a b",
    " ",
    "a\\",
    "\\",
    "a\\,b",
    "a\nb",
    "\n",
    "a\\nb",
    "%0A",
    "%",
    "%250A",
    "%5C",
    "a'b",
    'a"b',
    "Nhà máy thép, số 1",
    "\u2028",
    "a\\ ",
    "x' OR '1'='1",
    "a,b=c v=1\n",
    "\x00",
    "100%",
]


def test_a_reading_is_a_line() -> None:
    prefix = lines.reading_key("nam-cau-kien", "mill", "mdb1/active_energy", "energy")

    line = lines.reading_lines(
        [prefix],
        np.array([0]),
        np.array([1_700_000_000_000_000_000]),
        np.array([123456.7]),
        np.array([1], np.uint8),
    )

    assert line == (
        b"reading,channel=mdb1/active_energy,facility=mill,park=nam-cau-kien,quantity=energy"
        b" value=123456.7,quality=1.0 1700000000000000000\n"
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(5.0)
@example(-0.0)
@example(1e22)
@example(5e-324)
def test_a_value_is_a_float_that_reads_back_the_same(value: float) -> None:
    """No value may look like an integer, or the shard would take its field for one."""
    line = lines.reading_lines(
        [b"m"], np.array([0]), np.array([1]), np.array([value]), np.array([0], np.uint8)
    )

    text = line.split(b"value=")[1].split(b",")[0]

    assert FLOAT.match(text)
    assert b"." in text or b"e" in text
    assert float(text).hex() == value.hex()


def test_no_readings_are_no_lines() -> None:
    nothing = np.empty(0, np.int64)

    assert lines.reading_lines([], nothing, nothing, nothing.astype(float), nothing.astype(np.uint8)) == b""


def _window(**fields: float) -> Any:
    row = blocks.empty(1)
    for name, value in fields.items():
        row[0, blocks.FIELDS.index(name)] = value
    return row


def _fields(line: bytes) -> dict[str, float]:
    """Return the fields of a line whose tags have no spaces."""
    pairs = (pair.split("=") for pair in line.decode().split(" ")[1].split(","))
    return {name: float(value) for name, value in pairs}


def _emission(row: Any) -> dict[str, float]:
    return _fields(lines.emission_lines([b"emission,source=s"], np.array([0]), np.array([60]), row))


def test_a_known_window_writes_all_its_fields() -> None:
    row = _window(
        co2e_t=1.5, co2_kg=1500.0, co2_biogenic_kg=0.0, ch4_kg=0.25, n2o_kg=0.125, activity=7.0, measured=0.5,
        interpolated=0.25, substituted=0.125, revision=3.0,
    )  # fmt: skip

    assert _emission(row) == {
        "co2e_t": 1.5, "co2_kg": 1500.0, "co2_biogenic_kg": 0.0, "ch4_kg": 0.25, "n2o_kg": 0.125, "activity": 7.0,
        "coverage": 0.875, "substituted": 0.125, "revision": 3.0,
    }  # fmt: skip


def test_gases_that_are_null_are_left_out() -> None:
    """A factor given as CO2e says nothing of the gases."""
    row = _window(co2e_t=1.5, activity=7.0, measured=1.0, revision=1.0)

    assert _emission(row) == {
        "co2e_t": 1.5,
        "activity": 7.0,
        "coverage": 1.0,
        "substituted": 0.0,
        "revision": 1.0,
    }


def test_a_window_that_is_unknown_is_written_with_zeros() -> None:
    """Semantics 5: a number cannot be overwritten with nothing."""
    row = _window(measured=0.5, substituted=0.25, revision=4.0)

    fields = _emission(row)

    assert fields.pop("revision") == 4.0
    assert fields == dict.fromkeys(
        ("co2e_t", "co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg", "activity", "coverage", "substituted"),
        0.0,
    )


def test_every_window_has_its_own_line_whatever_its_fields() -> None:
    """Windows with and without gases, of two sources, in one block."""
    known = _window(
        co2e_t=1.0, co2_kg=2.0, co2_biogenic_kg=0.0, ch4_kg=0.0, n2o_kg=0.0, activity=1.0, measured=1.0
    )
    only_co2e = _window(co2e_t=3.0, activity=1.0, measured=1.0)
    rows = np.concatenate([known, only_co2e, known, blocks.empty(1)])

    block = lines.emission_lines(
        [b"e,source=a", b"e,source=b"], np.array([0, 1, 1, 0]), np.array([1, 2, 3, 4]), rows
    )

    found = {
        (line.split(b" ")[0], line.split(b" ")[-1]): _fields(line)["co2e_t"] for line in block.splitlines()
    }
    assert found == {
        (b"e,source=a", b"1"): 1.0,
        (b"e,source=b", b"2"): 3.0,
        (b"e,source=b", b"3"): 1.0,
        (b"e,source=a", b"4"): 0.0,
    }


@given(texts)
def test_a_tag_value_has_a_way_back(text: str) -> None:
    stored = lines.tag_value(text)

    assert lines.tag_text(stored) == text
    assert not re.search(r"[\\\n\r\x00]", stored)


@pytest.mark.parametrize("text", ["mdb1/active_energy", "Nhà máy thép", "100%", "a,b=c d", "50%/h"])
def test_an_ordinary_name_is_stored_as_it_is(text: str) -> None:
    """Dashboards show what InfluxDB holds."""
    assert lines.tag_value(text) == text


def _plant(channels: tuple[Channel, ...], sources: tuple[Source, ...]) -> Plant:
    return Plant((), (), (), channels, sources, (), (), NS_PER_MIN, "AR5", 0, 0, "hash")


CHANNEL = Channel(
    index=0, park="nck", facility="mill", gateway="gw1", name="mdb 1/energy", kind=Kind.REGISTER, unit=unit("kWh"),
    quantity="active_energy", minimum=0.0, maximum=1e9, max_rate=1e3, max_gap=0, modulus=float("nan"), period=0,
    hold_last=False, counter_in_gateway=False, ratio=1.0, serial="",
)  # fmt: skip
SOURCE = Source(
    index=0, park="nck", facility="mill", name="grid", scope=2, category="electricity", method="electricity-location",
    factor="vn-grid", inputs=(), parameters=(), activity_unit="kWh",
)  # fmt: skip


def test_points_are_named_by_the_numbers_of_state_db() -> None:
    """The number is state.db's, not the plant's index."""
    names = lines.PointNames(
        _plant((CHANNEL,), (SOURCE,)), [(7, "nck", "mill", "mdb 1/energy")], [(9, "nck", "mill", "grid")]
    )

    assert names.reading_prefix(7) == (
        b"reading,channel=mdb\\ 1/energy,facility=mill,park=nck,quantity=active_energy"
    )
    assert names.emission_prefix(9) == (
        b"emission,facility=mill,method=electricity-location,park=nck,scope=2,source=grid"
    )


def test_what_is_no_longer_configured_keeps_its_name() -> None:
    """Its points may still wait in an outbox."""
    names = lines.PointNames(_plant((), ()), [(7, "nck", "mill", "mdb1")], [(9, "nck", "mill", "grid")])

    assert names.reading_prefix(7) == b"reading,channel=mdb1,facility=mill,park=nck"
    assert names.emission_prefix(9) == b"emission,facility=mill,park=nck,source=grid"


@pytest.fixture(scope="module")
def server() -> Iterator[InfluxDB]:
    with InfluxDB() as server:
        yield server


def _write(server: InfluxDB, block: bytes) -> httpx.Response:
    return httpx.post(
        f"{server.url}/api/v2/write",
        params={"bucket": "stackmeter", "precision": "ns"},
        content=block,
        timeout=30,
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(texts, min_size=1, max_size=40, unique=True))
@example(NASTY)
def test_nasty_tag_values_come_back_from_the_real_influxdb(server: InfluxDB, values: list[str]) -> None:
    """Each value is the tag of one point; all points are there, each under its own name and no other."""
    server.query("DROP SERIES FROM nasty")
    keys = [lines.series_key("nasty", {"a": text, "b": "after"}) for text in values]
    block = lines.reading_lines(
        keys,
        np.arange(len(keys)),
        np.arange(len(keys)) + 1,
        np.arange(len(keys), dtype=float),
        np.zeros(len(keys), np.uint8),
    )

    assert _write(server, block).status_code == 204

    groups: list[Any] = server.query("SELECT value FROM nasty GROUP BY a, b")
    found = {lines.tag_text(group["tags"]["a"]): group["values"] for group in groups}
    assert found == {text: [[n + 1, n]] for n, text in enumerate(values)}
    assert {group["tags"]["b"] for group in groups} == {"after"}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=100))
@example([0.1, 1e308, 1.7976931348623157e308, 5e-324, 1e22, 123456789012345680.0, -0.0, 1e-7])
def test_values_come_back_from_the_real_influxdb_exactly(server: InfluxDB, values: list[float]) -> None:
    server.query("DROP SERIES FROM number")
    time = np.arange(len(values)) + 1_700_000_000_000_000_000
    block = lines.reading_lines(
        [b"number"], np.zeros(len(values), int), time, np.array(values), np.zeros(len(values), np.uint8)
    )

    assert _write(server, block).status_code == 204

    groups: list[Any] = server.query("SELECT value FROM number")
    assert [row[0] for row in groups[0]["values"]] == time.tolist()
    assert [float(row[1]) for row in groups[0]["values"]] == values


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_the_real_influxdb(server: InfluxDB, value: float) -> None:
    """`reading_lines` leaves it to the server, where it is seen and counted."""
    block = lines.reading_lines(
        [b"n"], np.array([0]), np.array([1]), np.array([value]), np.array([0], np.uint8)
    )

    assert _write(server, block).status_code == 400

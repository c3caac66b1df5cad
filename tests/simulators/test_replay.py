"""Real-format data become messages, exactly as the mapping says."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from simulators.mapping import Mapping, MappingError, read_mapping
from simulators.message import Fate, Message
from simulators.replay import messages
from simulators.table import ReplayError, Table, read_table
from tests.simulators import oracle

MAPPING = Path(__file__).parents[2] / "config" / "steel-2018" / "mapping.yaml"
PLAIN = """\
time: {column: at, format: "%Y-%m-%d %H:%M", zone: Europe/Berlin}
topic: {park: p, facility: f, gateway: g}
boot: b
columns: {a: {channel: a, unit: kWh, scale: 0.001}, b: {channel: b, unit: m3}}
"""


@pytest.fixture
def mapping() -> Mapping:
    return read_mapping(MAPPING)


@pytest.fixture
def table(steel: Path, mapping: Mapping) -> Table:
    return read_table(steel, mapping)


def plain(tmp_path: Path, csv: str, mapping: str = PLAIN) -> tuple[Mapping, Path]:
    (tmp_path / "mapping.yaml").write_text(mapping)
    (tmp_path / "data.csv").write_text(csv)
    return read_mapping(tmp_path / "mapping.yaml"), tmp_path / "data.csv"


def readings(sent: list[Message]) -> list[tuple[str, str, float]]:
    return [row[:3] for message in sent for row in oracle.flat(json.loads(message.payload))]


def test_every_row_is_a_reading_and_the_sum_is_exact(table, mapping):
    assert (table.rows, len(table.readings)) == (200, 200)
    assert table.sums(mapping.columns) == {
        "Usage_kWh": math.fsum(round(3 + row % 7 / 100, 2) for row in range(200))
    }


def test_local_times_become_utc(table, mapping):
    first = readings(list(messages(table, mapping)))[0]

    assert first == ("usage", "2017-12-31T15:15:00Z", 3.0)


def test_the_row_at_midnight_ends_its_day(table):
    assert set(np.diff(table.readings.time) // 10**9) == {900}


def test_midnight_that_begins_a_day_is_refused_where_it_should_end_one(steel, mapping):
    lines = steel.read_text("utf-8-sig").splitlines()
    steel.write_text("\n".join([lines[0], "01/01/2018 00:00,1,1,1,1", *lines[1:]]), "utf-8-sig")

    with pytest.raises(
        ReplayError, match=r"steel.csv:3: date: '01/01/2018 00:15' is not after the row before"
    ):
        read_table(steel, mapping)


def test_messages_go_to_the_gateways_topic_in_order_and_full(table, mapping):
    sent = list(messages(table, mapping))

    assert {m.topic for m in sent} == {"sm/v1/gwangyang/steel/replay/readings"}
    assert [(m.boot, m.seq, len(m.readings)) for m in sent] == [
        ("steel-2018", 1, 96),
        ("steel-2018", 2, 96),
        ("steel-2018", 3, 8),
    ]


def test_a_shuffle_sends_the_same_readings_in_another_order(table, mapping):
    in_order, shuffled = (
        readings(list(messages(table, mapping))),
        readings(list(messages(table, mapping, shuffle=1))),
    )

    assert sorted(shuffled) == sorted(in_order)
    assert shuffled != in_order


def test_a_shuffle_has_a_sequence_of_its_own_and_breaks_its_order(table, mapping):
    many = Mapping(
        **{name: getattr(mapping, name) for name in Mapping.__slots__} | {"readings_per_message": 2}
    )
    sent = list(messages(table, many, shuffle=1))

    assert {m.boot for m in sent} == {"steel-2018-shuffle-1"}
    assert sorted(m.seq for m in sent) == list(range(1, 101)) != [m.seq for m in sent]


def test_one_seed_gives_the_same_bytes(table, mapping):
    once, again = ([m.payload for m in messages(table, mapping, shuffle=1, duplicates=0.3)] for _ in range(2))

    assert once == again


@pytest.mark.parametrize("shuffle", [None, 1])
def test_a_share_of_the_messages_is_sent_again_behind_the_first(table, mapping, shuffle):
    many = Mapping(
        **{name: getattr(mapping, name) for name in Mapping.__slots__} | {"readings_per_message": 1}
    )
    sent = list(messages(table, many, shuffle=shuffle, duplicates=0.1))
    place = {m.seq: i for i, m in enumerate(sent) if m.fate is Fate.SENT}
    copies = {i: m for i, m in enumerate(sent) if m.fate is Fate.COPY}

    assert (len(place), len(copies)) == (200, 20)
    assert all(place[m.seq] < i and sent[place[m.seq]].payload == m.payload for i, m in copies.items())


def test_a_share_above_one_is_refused(table, mapping):
    with pytest.raises(ValueError, match="duplicates: a share"):
        list(messages(table, mapping, duplicates=1.1))


def test_an_empty_cell_is_no_reading_and_a_scale_multiplies(tmp_path):
    mapping, csv = plain(tmp_path, "at,a,b\n2026-01-01 00:00,5,\n2026-01-01 01:00,,2\n")

    assert readings(list(messages(read_table(csv, mapping), mapping))) == [
        ("a", "2025-12-31T23:00:00Z", 0.005),
        ("b", "2026-01-01T00:00:00Z", 2.0),
    ]


def test_a_file_without_rows_sends_nothing(tmp_path):
    mapping, csv = plain(tmp_path, "at,a,b\n")

    assert list(messages(read_table(csv, mapping), mapping, duplicates=0.5)) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("at,a\n", "data.csv:1: no column 'b' among at, a"),
        ("at,a,b\n2026-01-01 00:00,five,1\n", "data.csv:2: a: 'five' is no number"),
        ("at,a,b\n2026-01-01 00:00,nan,1\n", "data.csv:2: a: 'nan' is not finite"),
        ("at,a,b\n2026-01-01,5,1\n", "data.csv:2: at: time data"),
        ("at,a,b\n2026-01-01 00:00,5\n", "data.csv:2: only 2 cells"),
        ("at,a,b\n2026-01-01 00:00,5,1\n2026-01-01 00:00,5,1\n", "data.csv:3: at: .* stands in two rows"),
        ("at,a,b\n2026-10-25 02:30,5,1\n", "data.csv:2: at: .* once and only once in Europe/Berlin"),
        ("at,a,b\n2026-03-29 02:30,5,1\n", "data.csv:2: at: .* once and only once in Europe/Berlin"),
    ],
)
def test_a_fault_of_the_data_is_told_with_its_line(tmp_path, rows, message):
    mapping, csv = plain(tmp_path, rows)

    with pytest.raises(ReplayError, match=message):
        read_table(csv, mapping)


def test_a_file_that_is_not_there_is_told(tmp_path, mapping):
    with pytest.raises(ReplayError, match="No such file"):
        read_table(tmp_path / "none.csv", mapping)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("boot: b", "boots: b", "boot: missing"),
        ("boot: b", "boot: b\nsped: 1", "sped: unknown key"),
        ("boot: b", "boot: 7", "boot: must be a str, not 7"),
        ("boot: b", "boot: b\nreadings_per_message: 0", "readings_per_message: must be at least 1"),
        ("scale: 0.001", "scale: true", "columns.a.scale: must be a float, not True"),
        ("scale: 0.001", "scael: 1", "columns.a.scael: unknown key"),
        ("zone: Europe/Berlin", "zone: Europe/Berlyn", "time.zone: .*Berlyn"),
        ("zone: Europe/Berlin", 'utc_offset: "9"', "time.utc_offset"),
        (", zone: Europe/Berlin", "", "time: needs either utc_offset or zone"),
        ("topic: {", "topic: [", "mapping.yaml"),
        ("topic: {park: p, facility: f, gateway: g}", "topic: here", "topic: must be a mapping"),
    ],
)
def test_a_fault_of_the_mapping_is_told_with_its_key(tmp_path, old, new, message):
    with pytest.raises(MappingError, match=message):
        plain(tmp_path, "", PLAIN.replace(old, new))

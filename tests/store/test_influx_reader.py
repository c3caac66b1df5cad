"""Totals and series from a real InfluxDB are those of the windows and readings that were written."""

from collections.abc import Iterator

import numpy as np
import pytest

from plant.arrays import Floats
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from store import blocks
from store.influx import lines
from store.influx.reader import InfluxReader, QueryFailed, quoted, quoted_name
from store.influx.sink import InfluxSink
from tests.servers import Answer, InfluxDB, WebhookReceiver

START = 1_700_000_000 // 86400 * NS_PER_DAY - 7 * NS_PER_HOUR  # midnight in Hai Phong
NASTY = "mill, 'no.\\1' = \"x\"\n"
N = len(blocks.AMOUNTS)


@pytest.fixture
def sink(influx: InfluxDB) -> Iterator[InfluxSink]:
    sink = InfluxSink(influx.url, influx.token, influx.org, influx.bucket)
    yield sink
    sink.close()


@pytest.fixture
def reader(influx: InfluxDB) -> Iterator[InfluxReader]:
    reader = InfluxReader(influx.url, influx.token, influx.bucket)
    yield reader
    reader.close()


def _windows(count: int, seed: int) -> Floats:
    """Return known windows with every field."""
    rows = np.random.default_rng(seed).uniform(0.1, 10.0, size=(count, len(blocks.FIELDS)))
    rows[:, blocks.MEASURED], rows[:, blocks.INTERPOLATED], rows[:, blocks.SUBSTITUTED] = 0.5, 0.25, 0.125
    rows[:, blocks.REVISION] = 1.0
    return rows


def _write(sink: InfluxSink, rows: Floats, park: str, facility: str, source: str, start: int = START) -> None:
    key = lines.emission_key(park, facility, source, "2", "electricity-location")
    time = start + np.arange(len(rows)) * NS_PER_MIN
    assert sink.write(lines.emission_lines([key], np.zeros(len(rows), np.int64), time, rows)) == []


def _write_readings(sink: InfluxSink, time: list[int], value: list[float], quality: list[int]) -> None:
    key = lines.reading_key("nck", "mill", "mdb1", "energy")
    columns = np.array(time), np.array(value), np.array(quality, np.uint8)
    assert sink.write(lines.reading_lines([key], np.zeros(len(time), np.int64), *columns)) == []


def test_sums_are_those_of_the_windows_by_source(sink: InfluxSink, reader: InfluxReader) -> None:
    """Names that need every escape come back as they were."""
    one, two = _windows(120, 1), _windows(120, 2)
    _write(sink, one, "nck", NASTY, "grid")
    _write(sink, two, "nck", "foundry", "grid")

    sums = reader.emission_sum(START, START + 2 * NS_PER_HOUR)

    assert sums.sources == [("nck", "foundry", "grid"), ("nck", NASTY, "grid")]
    np.testing.assert_allclose(sums.values, [two[:, :N].sum(axis=0), one[:, :N].sum(axis=0)], rtol=1e-12)
    assert sums.windows.tolist() == [120, 120]
    np.testing.assert_allclose(sums.coverage, [105.0, 105.0])
    np.testing.assert_allclose(sums.substituted, [15.0, 15.0])


def test_a_period_is_half_open(sink: InfluxSink, reader: InfluxReader) -> None:
    rows = _windows(3, 1)
    _write(sink, rows, "nck", "mill", "grid")

    sums = reader.emission_sum(START + NS_PER_MIN, START + 2 * NS_PER_MIN)

    assert sums.values[0].tolist() == rows[1, :N].tolist()


@pytest.mark.parametrize("name", [NASTY, "x' OR '1'='1", "\\", 'a"b', "grid"])
def test_tags_leave_what_has_exactly_that_value(sink: InfluxSink, reader: InfluxReader, name: str) -> None:
    _write(sink, _windows(2, 1), "nck", "mill", name)
    _write(sink, _windows(2, 2), "nck", "mill", "other")

    assert reader.emission_sum(START, START + NS_PER_HOUR, source=name, park="nck").sources == [
        ("nck", "mill", name)
    ]


def test_a_window_that_became_unknown_counts_for_nothing(sink: InfluxSink, reader: InfluxReader) -> None:
    """Its amounts 0 and coverage 0 replace what was there."""
    rows = _windows(3, 1)
    _write(sink, rows, "nck", "mill", "grid")
    rows[1] = blocks.empty(1)[0]
    _write(sink, rows, "nck", "mill", "grid")

    sums = reader.emission_sum(START, START + NS_PER_HOUR)

    np.testing.assert_allclose(sums.values[0], rows[[0, 2], :N].sum(axis=0), rtol=1e-12)
    assert sums.windows.tolist() == [2]


def test_a_source_of_which_nothing_is_known_has_no_sum(sink: InfluxSink, reader: InfluxReader) -> None:
    _write(sink, blocks.empty(3), "nck", "mill", "grid")

    assert reader.emission_sum(START, START + NS_PER_HOUR).sources == []


def test_gases_that_were_never_written_are_unknown(sink: InfluxSink, reader: InfluxReader) -> None:
    """A factor given as CO2e; also after a while of unknown windows, whose zeros of gases stay in InfluxDB."""
    rows = _windows(3, 1)
    rows[:, blocks.CO2_KG : blocks.ACTIVITY] = np.nan
    _write(sink, blocks.empty(2), "nck", "mill", "grid")
    _write(sink, rows, "nck", "mill", "grid")

    sums = reader.emission_sum(START, START + NS_PER_HOUR)
    series = reader.emission_series("co2_kg", np.array([START, START + NS_PER_HOUR]))

    assert np.isnan(sums.values[0]).tolist() == [False, True, True, True, True, False]
    assert np.isnan(series.values).all()


def test_a_series_adds_what_its_steps_hold(sink: InfluxSink, reader: InfluxReader) -> None:
    """Over two sources, with steps of uneven length, as months are, and one without anything."""
    one, two = _windows(180, 1), _windows(180, 2)
    _write(sink, one, "nck", "mill", "grid")
    _write(sink, two, "nck", "foundry", "grid")
    both = one[:, blocks.CO2E_T] + two[:, blocks.CO2E_T]
    edges = START + np.array([0, 60, 180, 240]) * NS_PER_MIN

    series = reader.emission_series("co2e_t", edges, park="nck")

    np.testing.assert_allclose(series.values, [both[:60].sum(), both[60:].sum(), np.nan], rtol=1e-12)
    assert series.count.tolist() == [120, 240, 0]
    np.testing.assert_allclose(series.coverage, [105.0, 210.0, 0.0])


def test_a_series_of_days_begins_at_the_parks_midnight(sink: InfluxSink, reader: InfluxReader) -> None:
    rows = _windows(3 * 1440, 3)
    _write(sink, rows, "nck", "mill", "grid")

    series = reader.emission_series("activity", START + np.arange(4) * NS_PER_DAY)

    expected = rows[:, blocks.ACTIVITY].reshape(3, 1440).sum(axis=1)
    np.testing.assert_allclose(series.values, expected, rtol=1e-12)


def test_a_series_leaves_unknown_windows_out(sink: InfluxSink, reader: InfluxReader) -> None:
    rows = np.concatenate([_windows(1, 1), blocks.empty(1)])
    _write(sink, rows, "nck", "mill", "grid")

    series = reader.emission_series("co2e_t", START + np.arange(3) * NS_PER_MIN)

    np.testing.assert_array_equal(series.values, [rows[0, blocks.CO2E_T], np.nan])
    assert series.coverage.tolist() == [0.875, 0.0]


def test_a_field_that_is_none_is_refused(reader: InfluxReader) -> None:
    with pytest.raises(ValueError, match="not in"):
        reader.emission_series('co2e_t") FROM x; DROP', np.array([0, 1]))


def test_readings_come_back_as_they_were(sink: InfluxSink, reader: InfluxReader) -> None:
    _write_readings(sink, [START + 2, START + 1, START + 3], [2.5, 1.5, 3.0], [2, 0, 1])

    raw = reader.readings(START, START + 3, channel="mdb1")

    assert raw.time.tolist() == [START + 1, START + 2]
    assert raw.value.tolist() == [1.5, 2.5]
    assert raw.quality.tolist() == [0, 2]


def test_a_channel_without_readings_has_none(reader: InfluxReader) -> None:
    raw = reader.readings(START, START + 3, channel="mdb1")

    assert (len(raw.time), len(raw.value), len(raw.quality)) == (0, 0, 0)


def test_a_step_of_readings_is_the_mean_of_those_that_count(sink: InfluxSink, reader: InfluxReader) -> None:
    """Bad, calibrating and faulty ones do not."""
    time = [START, START + 1, START + 2, START + NS_PER_HOUR]
    _write_readings(sink, time, [1.0, 2.0, 1000.0, 7.0], [0, 1, 2, 0])

    steps = reader.reading_series(START + np.arange(4) * NS_PER_HOUR, channel="mdb1")

    np.testing.assert_array_equal(steps.values, [1.5, 7.0, np.nan])
    assert steps.count.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, body=b'{"error":"unauthorized"}'),
        Answer(500),
        Answer(200, body=b"<html>"),
        Answer(200, body=b"[]"),
        Answer(200, body=b'{"results":[]}'),
        Answer(200, body=b'{"results":[{"statement_id":0,"error":"timeout"}]}'),
        Answer(200, body=b'{"results":[{"statement_id":0,"partial":true}]}'),
        Answer(reset=True),
    ],
    ids=["401", "500", "HTML", "a list", "no result", "error inside", "partial", "reset"],
)
def test_no_whole_answer_is_a_failure_and_no_emptiness(
    webhook_receiver: WebhookReceiver, answer: Answer
) -> None:
    webhook_receiver.script(answer)
    reader = InfluxReader(webhook_receiver.url, "a-secret-token", "bucket")

    with pytest.raises(QueryFailed) as caught:
        reader.emission_sum(0, 1)

    assert "a-secret-token" not in str(caught.value)
    reader.close()


def test_a_question_names_database_and_token(webhook_receiver: WebhookReceiver) -> None:
    webhook_receiver.script(Answer(200, body=b'{"results":[{"statement_id":0}]}'))
    reader = InfluxReader(webhook_receiver.url, "a-secret-token", "bucket")

    assert reader.emission_sum(0, 1).sources == []

    asked = webhook_receiver.requests[0]
    assert asked.path == "/query?db=bucket&epoch=ns"
    assert asked.headers["authorization"] == "Token a-secret-token"
    reader.close()


def test_quoting_leaves_no_way_out() -> None:
    assert quoted("a'b\\c\n") == "'a\\'b\\\\c\\n'"
    assert quoted_name('a"b\\c\n') == '"a\\"b\\\\c\\n"'

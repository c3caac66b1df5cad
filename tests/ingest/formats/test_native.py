"""The native format: three forms, what each reading may state, and what is refused of it."""

import json
from typing import Any

import pytest

from ingest.formats import document, native
from ingest.formats.columns import MAX_SHOWN, Envelope, RawReadings, Refusal, path_of
from plant.vocabulary import Code, Quality

NOON = "2026-11-24T05:00:00Z"
READING: dict[str, Any] = {"channel": "mdb1/power", "time": NOON, "value": 20.5, "unit": "kW"}


def decode(message: Any, raw: RawReadings | None = None) -> tuple[Envelope, RawReadings, list[Refusal]]:
    raw, refusals = RawReadings() if raw is None else raw, []
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return native.decode(payload, 3, "gw-1", raw, refusals), raw, refusals


def codes(refusals: list[Refusal]) -> list[tuple[Code, str]]:
    return [(refusal.code, refusal.path) for refusal in refusals]


def batch(*readings: Any, **more: Any) -> dict[str, Any]:
    return {"readings": list(readings), **more}


def columnar(times: Any, **columns: Any) -> dict[str, Any]:
    return {"time": times, "columns": columns}


def test_a_single_reading_is_one_row() -> None:
    envelope, raw, refusals = decode({"boot": "b7", "seq": 1, **READING, "quality": "uncertain"})

    assert envelope == Envelope("b7", 1, 0, 1, decoded=True, refused=0)
    assert raw == RawReadings(
        [3], ["mdb1/power"], [NOON], [20.5], ["kW"], [-1], quality={0: Quality.UNCERTAIN}
    )
    assert refusals == []


def test_a_batch_is_a_row_for_each_reading() -> None:
    envelope, raw, _ = decode(batch(READING, READING | {"value": 21, "reset": True, "correction": 2}))

    assert envelope == Envelope(None, None, 0, 2, decoded=True, refused=0)
    assert (raw.value, raw.item, raw.reset, raw.correction) == ([20.5, 21.0], [0, 1], {1}, {1: 2})


def test_a_columnar_message_is_a_row_for_each_value_that_is_not_null() -> None:
    envelope, raw, _ = decode(
        columnar(
            ["t0", "t1", "t2"],
            a={"unit": "kWh", "values": [1, None, 3], "quality": [None, "bad", "fault"]},
            b={"unit": "%", "values": [4, 5, 6], "reset": [None, True, False], "correction": [0, None, 7]},
        )
    )

    assert envelope.count == 5
    assert raw.channel == ["a", "a", "b", "b", "b"]
    assert raw.time == ["t0", "t2", "t0", "t1", "t2"]
    assert raw.value == [1.0, 3.0, 4.0, 5.0, 6.0]
    assert raw.unit == ["kWh", "kWh", "%", "%", "%"]
    assert (raw.quality, raw.reset, raw.correction) == ({1: Quality.FAULT}, {3}, {4: 7})


def test_messages_of_a_batch_share_the_columns() -> None:
    raw = RawReadings()
    decode(batch(READING, READING), raw)
    envelope, raw, _ = decode({**READING, "quality": "bad", "correction": 1, "reset": True}, raw)

    assert (envelope.first, envelope.count) == (2, 1)
    assert (raw.quality, raw.correction, raw.reset) == ({2: Quality.BAD}, {2: 1}, {2})


@pytest.mark.parametrize(
    ("message", "paths"),
    [
        (READING, [""]),
        (batch(READING, READING), ["readings[0]", "readings[1]"]),
        (
            columnar([NOON, NOON], a={"unit": "t", "values": [None, 1]}),
            ["columns.a.values[1]"],
        ),
    ],
)
def test_a_row_knows_where_it_stands_in_its_payload(message: Any, paths: list[str]) -> None:
    _, raw, _ = decode(message)

    assert [path_of(raw, row) for row in range(len(raw))] == paths


def test_a_batch_without_readings_is_a_message_all_the_same() -> None:
    envelope, raw, refusals = decode({"boot": "b7", "seq": 9, "readings": []})

    assert envelope == Envelope("b7", 9, 0, 0, decoded=True, refused=0)
    assert (len(raw), refusals) == (0, [])


@pytest.mark.parametrize(
    ("change", "code", "key"),
    [
        ({"channel": ""}, Code.BAD_ID, "channel"),
        ({"channel": 7}, Code.TYPE, "channel"),
        ({"channel": "a\u200b"}, Code.BAD_ID, "channel"),
        ({"time": None}, Code.TS_INVALID, "time"),
        ({"time": 1764000000}, Code.TS_INVALID, "time"),
        ({"value": None}, Code.NULL_VALUE, "value"),
        ({"value": "20.5"}, Code.TYPE, "value"),
        ({"value": True}, Code.TYPE, "value"),
        ({"value": 2**53 + 1}, Code.OUT_OF_RANGE, "value"),
        ({"unit": None}, Code.UNIT_MISSING, "unit"),
        ({"unit": 5}, Code.TYPE, "unit"),
        ({"quality": "GOOD"}, Code.QUALITY, "quality"),
        ({"quality": 0}, Code.TYPE, "quality"),
        ({"reset": 1}, Code.TYPE, "reset"),
        ({"correction": 1.0}, Code.TYPE, "correction"),
        ({"correction": True}, Code.TYPE, "correction"),
        ({"correction": 2**31}, Code.OUT_OF_RANGE, "correction"),
    ],
)
def test_a_fault_costs_its_own_reading_only(change: dict[str, Any], code: Code, key: str) -> None:
    envelope, raw, refusals = decode(batch(READING, READING | change, READING))

    assert codes(refusals) == [(code, f"readings[1].{key}")]
    assert (envelope.decoded, envelope.count, envelope.refused) == (True, 2, 1)
    assert raw.item == [0, 2]


@pytest.mark.parametrize("key", ["channel", "time", "value"])
def test_a_reading_lacks_no_key(key: str) -> None:
    part = {name: value for name, value in READING.items() if name != key}

    assert codes(decode(batch(part))[2]) == [(Code.SCHEMA, f"readings[0].{key}")]


@pytest.mark.parametrize("key", ["boot", "seq", "gateway", "quality", "reset", "correction"])
def test_null_in_an_option_is_as_if_it_were_not_there(key: str) -> None:
    assert decode(READING | {key: None})[1:] == decode(READING)[1:]


@pytest.mark.parametrize(
    ("column", "code", "path", "refused"),
    [
        ({"unit": "kWh", "values": [1.0]}, Code.SCHEMA, "columns.x.values", 1),
        ({"unit": "kWh", "values": [1.0, None, 2.0]}, Code.SCHEMA, "columns.x.values", 2),
        ({"unit": "kWh", "values": [1.0, 2.0], "quality": ["bad"]}, Code.SCHEMA, "columns.x.quality", 2),
        ({"unit": "kWh", "values": [1.0, 2.0], "quality": "bad"}, Code.SCHEMA, "columns.x.quality", 2),
        ({"unit": "kWh", "values": [1.0, 2.0], "reset": []}, Code.SCHEMA, "columns.x.reset", 2),
        ({"unit": "kWh", "values": 1.0}, Code.SCHEMA, "columns.x.values", 0),
        ({"unit": "kWh"}, Code.SCHEMA, "columns.x.values", 0),
        ([1.0, 2.0], Code.SCHEMA, "columns.x", 0),
        ({"values": [1.0, None]}, Code.UNIT_MISSING, "columns.x.unit", 1),
        ({"unit": "kWh", "values": [1.0, "2"]}, Code.TYPE, "columns.x.values[1]", 1),
        (
            {"unit": "kWh", "values": [1.0, 2.0], "quality": ["best", None]},
            Code.QUALITY,
            "columns.x.quality[0]",
            1,
        ),
    ],
)
def test_a_fault_in_a_column_leaves_the_others_alone(
    column: Any, code: Code, path: str, refused: int
) -> None:
    envelope, raw, refusals = decode(columnar([NOON, NOON], x=column, y={"unit": "t", "values": [1, 2]}))

    assert codes(refusals) == [(code, path)]
    assert envelope.refused == refused
    assert raw.channel.count("y") == 2


def test_a_time_that_is_no_text_costs_the_readings_of_that_time() -> None:
    envelope, raw, refusals = decode(
        columnar([NOON, 1764000000], x={"unit": "t", "values": [1, 2]}, y={"unit": "t", "values": [3, None]})
    )

    assert codes(refusals) == [(Code.TS_INVALID, "time[1]")]
    assert (raw.value, envelope.refused) == ([1.0, 3.0], 1)


def test_columns_without_times_are_all_refused() -> None:
    envelope, _, refusals = decode({"columns": {"x": {"unit": "t", "values": [1, None, 2]}}})

    assert codes(refusals) == [(Code.SCHEMA, "time")]
    assert envelope.refused == 2


@pytest.mark.parametrize(
    ("said", "boot", "seq", "code"),
    [
        ({"boot": "b7", "seq": 2**63 - 1}, "b7", 2**63 - 1, None),
        ({"boot": "b" * 64, "seq": 1}, "b" * 64, 1, None),
        ({"boot": "b7"}, "b7", None, None),
        ({"seq": 7}, None, None, None),
        ({"boot": "b7", "seq": 0}, "b7", None, Code.SEQ),
        ({"boot": "b7", "seq": 2**63}, "b7", None, Code.SEQ),
        ({"boot": "b7", "seq": "1"}, "b7", None, Code.SEQ),
        ({"seq": -1}, None, None, Code.SEQ),
        ({"boot": "", "seq": 1}, None, None, Code.BAD_ID),
        ({"boot": "b" * 65, "seq": 1}, None, None, Code.BAD_ID),
        ({"boot": "b\u202e7", "seq": 1}, None, None, Code.BAD_ID),
        ({"boot": 7, "seq": 1}, None, None, Code.TYPE),
    ],
)
def test_a_faulty_sequence_costs_no_reading(
    said: dict[str, Any], boot: str | None, seq: int | None, code: Code | None
) -> None:
    envelope, _, refusals = decode(READING | said)

    assert (envelope.boot, envelope.seq, envelope.count, envelope.refused) == (boot, seq, 1, 0)
    assert [refusal.code for refusal in refusals] == ([] if code is None else [code])


@pytest.mark.parametrize("name", ["gw-2", "GW-1", "", 7, ["gw-1"]])
def test_a_message_of_another_gateway_counts_for_nothing(name: Any) -> None:
    """Readings that would count and readings that would not are refused alike, under one code."""
    raw = RawReadings()
    decode({**READING, "quality": "bad"}, raw)
    message = batch(READING | {"quality": "fault"}, READING | {"value": None}, gateway=name, boot="b7", seq=4)
    envelope, raw, refusals = decode(message, raw)

    assert codes(refusals) == [(Code.IDENTITY_MISMATCH, "gateway")]
    assert envelope == Envelope("b7", 4, 1, 0, decoded=True, refused=2)
    assert (len(raw), raw.quality) == (1, {0: Quality.BAD})


def test_a_document_that_is_none_of_the_forms_still_gives_its_number() -> None:
    envelope, _, refusals = decode({"boot": "b7", "seq": 5, "reading": READING})

    assert codes(refusals) == [(Code.SCHEMA, "")]
    assert envelope == Envelope("b7", 5, 0, 0, decoded=True, refused=0)


def test_a_payload_that_cannot_be_read_leaves_no_trace_but_its_refusal() -> None:
    envelope, raw, refusals = decode(b'{"boot": "b7", "seq": 5, "channel": ')

    assert envelope == Envelope(None, None, 0, 0, decoded=False, refused=0)
    assert (len(raw), codes(refusals)) == (0, [(Code.NOT_JSON, "")])


def test_a_failure_of_the_decoder_itself_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes back the rows and refusals of its message, and of no other."""

    def fail_late(item: Any, path: str) -> float:
        if item == 20.5:
            return 20.5
        raise KeyError(path)

    raw = RawReadings()
    decode(READING, raw)
    monkeypatch.setattr("ingest.formats.fields.value", fail_late)
    envelope, raw, refusals = decode(batch({}, READING | {"quality": "bad"}, READING | {"value": "x"}), raw)

    assert codes(refusals) == [(Code.DECODER, "")]
    assert envelope == Envelope(None, None, 1, 0, decoded=False, refused=0)
    assert (len(raw), raw.quality) == (1, {})


def test_a_message_of_faults_notes_the_first_and_counts_all() -> None:
    envelope, _, refusals = decode(batch(*range(5000)))

    assert (envelope.refused, len(refusals)) == (5000, document.MAX_REFUSALS)


def test_a_refusal_is_short_and_has_no_control_characters() -> None:
    """Both texts end in logs and dashboards."""
    name = "x\x1b[31m\r\n\u202e" * 1000
    refusals = [
        *decode(columnar([NOON], **{name: {"unit": "t", "values": [1]}}))[2],
        *decode(READING | {"quality": name})[2],
        *decode(json.dumps({name: 1, "a": 2}).replace('"a"', json.dumps(name)).encode())[2],
        *decode(READING | {"value": "9" * 5000})[2],
    ]

    assert len(refusals) == 4
    for refusal in refusals:
        assert len(refusal.path) <= MAX_SHOWN
        assert len(refusal.detail) <= MAX_SHOWN
        assert (refusal.path + refusal.detail).isprintable()


@pytest.mark.parametrize(
    "more",
    [{"firmware": "1.2"}, {"more": {"a": [1, "x", None]}}, {"site": "Hải Phòng"}, {"time_sent": NOON}],
)
def test_unknown_keys_are_ignored(more: dict[str, Any]) -> None:
    assert decode(READING | more)[1:] == decode(READING)[1:]
    assert decode(batch(READING | more, **more))[1:] == decode(batch(READING))[1:]


def test_a_time_beside_a_batch_is_an_unknown_key() -> None:
    assert decode(batch(READING, time=NOON, unit="kWh"))[1:] == decode(batch(READING))[1:]

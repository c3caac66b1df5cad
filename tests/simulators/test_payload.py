"""The three native payloads."""

import json

import numpy as np
import pytest

from simulators.payload import Form, Point, Readings, encode

MINUTE = 60 * 10**9
POINTS = [Point("mdb/energy", "kWh"), Point("gas", "Nm3")]
BOTH = Readings(
    np.array([0, 0, 1]),
    np.array([0, MINUTE, MINUTE]),
    np.array([1.5, 0.1, 7.0]),
    np.array([False, True, False]),
)


def decoded(form: Form, readings: Readings = BOTH) -> object:
    return json.loads(encode(readings, POINTS, boot="b7", seq=3, form=form))


def test_the_single_form_is_one_reading_with_its_sequence():
    expected = {
        "boot": "b7",
        "seq": 3,
        "channel": "gas",
        "time": "1970-01-01T00:01:00Z",
        "value": 7.0,
        "unit": "Nm3",
    }

    assert decoded(Form.SINGLE, BOTH.take([2])) == expected


def test_the_single_form_refuses_more_than_one_reading():
    with pytest.raises(ValueError, match="one reading, not 3"):
        decoded(Form.SINGLE)


def test_the_readings_form_lists_readings_and_marks_the_reset():
    assert decoded(Form.READINGS) == {
        "boot": "b7",
        "seq": 3,
        "readings": [
            {"channel": "mdb/energy", "time": "1970-01-01T00:00:00Z", "value": 1.5, "unit": "kWh"},
            {
                "channel": "mdb/energy",
                "time": "1970-01-01T00:01:00Z",
                "value": 0.1,
                "unit": "kWh",
                "reset": True,
            },
            {"channel": "gas", "time": "1970-01-01T00:01:00Z", "value": 7.0, "unit": "Nm3"},
        ],
    }


def test_the_columns_form_says_null_where_a_channel_has_no_reading():
    assert decoded(Form.COLUMNS) == {
        "boot": "b7",
        "seq": 3,
        "time": ["1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z"],
        "columns": {
            "mdb/energy": {"unit": "kWh", "values": [1.5, 0.1], "reset": [False, True]},
            "gas": {"unit": "Nm3", "values": [None, 7.0]},
        },
    }


def test_times_between_seconds_keep_their_nanoseconds():
    payload = encode(BOTH.take([2]).shifted(1), POINTS, boot="b", seq=1, form=Form.SINGLE)

    assert json.loads(payload)["time"] == "1970-01-01T00:01:00.000000001Z"


def test_a_number_that_is_not_finite_is_refused():
    readings = Readings.of(0, np.array([0]), np.array([np.inf]))

    with pytest.raises(ValueError, match="JSON"):
        encode(readings, POINTS, boot="b", seq=1, form=Form.SINGLE)

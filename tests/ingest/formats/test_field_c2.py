"""Field, C2: what real devices need of mappings and CSV lines, and what the worst payload makes of it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.decoder import OptionError, decoder_of
from plant.names import Names
from plant.units import conversion, unit
from plant.vocabulary import Code
from tests.ingest.formats.test_formats import NOON, decoded, ns, readings

E = {"value": "e", "unit": "kWh"}


def mapping(reading: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    return {"time": "arrival", **keys, "sections": [{"readings": {"e": reading or E}}]}


def read(options: dict[str, Any], document: Any) -> tuple[list[tuple[Any, ...]], list[tuple[Code, str]]]:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    _, raw, refusals = decoded("mapping", payload, options)
    return [row[1:4] for row in readings(raw)], [(one.code, one.path) for one in refusals]


def time_of(document: dict[str, Any], **keys: Any) -> Any:
    """Return the time of a reading [ns UTC], or the code of its refusal."""
    rows, refusals = read(mapping(**{"time_at": "t", **keys}), {"e": 1, **document})
    return rows[0][0] if rows else refusals[0][0]


@pytest.mark.parametrize(
    ("document", "keys", "expected"),
    [
        ({"d": "01.12.2026", "t": "10:15:00"}, {"time": "%d.%m.%Y %H:%M:%S", "zone": "Asia/Ho_Chi_Minh", "time_at": ["d", "t"]}, "2026-12-01T03:15:00Z"),
        ({"s": 1685005466, "n": 163000001}, {"time": "s+ns", "time_at": ["s", "n"]}, 1685005466163000001),
        ({"s": "1685005466", "n": "250"}, {"time": "s+ms", "time_at": ["s", "n"]}, "2023-05-25T09:04:26.250Z"),
        ({"t": "1685005466.163000001"}, {"time": "s"}, 1685005466163000001),
        ({"t": "9999999999999.5"}, {"time": "s"}, Code.TS_FUTURE),
        ({"s": 1685005466}, {"time": ["s+ns", "s"], "time_at": ["s", "n"]}, "2023-05-25T09:04:26Z"),
        ({"s": 1685005466}, {"time": "s+ns", "time_at": ["s", "n"]}, Code.TS_INVALID),
        ({"t": 1700000000}, {"time": "s", "time_shift": "-60s"}, "2023-11-14T22:12:20Z"),
        ({"t": "2023-11-14T22:13:20Z"}, {"time": "rfc3339", "time_shift": "+15min"}, "2023-11-14T22:28:20Z"),
        ({"t": "2023-11-14T22:13:20"}, {"time": "rfc3339", "time_shift": "+15min"}, Code.TS_NAIVE),
        ({}, {"time": "arrival", "time_shift": "-1h"}, "2026-11-25T04:00:00Z"),
        ({"t": "20261201T0315"}, {"time": "%Y%m%dT%H%M", "zone": "UTC"}, "2026-12-01T03:15:00Z"),
        ({"t": "2026121T0315"}, {"time": "%Y%m%dT%H%M", "zone": "UTC"}, Code.TS_INVALID),
        ({"t": 20261201031500}, {"time": "%Y%m%d%H%M%S", "zone": "UTC"}, "2026-12-01T03:15:00Z"),
        ({"t": 61201031500}, {"time": "%y%m%d%H%M%S", "zone": "UTC"}, "2006-12-01T03:15:00Z"),
        ({"t": 20261201.5}, {"time": "%Y%m%d", "zone": "UTC"}, Code.TS_INVALID),
        ({"t": "01/12/2026 03:15"}, {"time": ["rfc3339", "%d/%m/%Y %H:%M", "ms"], "zone": "UTC"}, "2026-12-01T03:15:00Z"),
        ({"t": 1796094900000}, {"time": ["rfc3339", "%d/%m/%Y %H:%M", "ms"], "zone": "UTC"}, "2026-12-01T03:15:00Z"),
        ({"t": "soon"}, {"time": ["rfc3339", "s"]}, Code.TS_INVALID),
        ({"t": "9999-12-31"}, {"time": "%Y-%m-%d", "zone": "Asia/Ho_Chi_Minh"}, Code.TS_FUTURE),
        ({"t": "0001-01-01"}, {"time": "%Y-%m-%d", "zone": "Asia/Ho_Chi_Minh"}, Code.TS_OLD),
        ({"t": 9_000_000_000}, {"time": "s", "time_shift": "+36500d"}, Code.TS_FUTURE),
        ({"t": "7" * 300}, {"time": "%Y%m%d", "zone": "UTC"}, Code.TS_INVALID),
    ],
)  # fmt: skip
def test_field_c2_a_time_is_read_as_the_device_writes_it(document, keys, expected):
    wanted = ns(expected) if isinstance(expected, str) and not isinstance(expected, Code) else expected
    assert time_of(document, **keys) == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("25.10.2026 02:30", "shows this twice"),
        ("2026-12-01T03:15:00", "with a zone"),
        ("soon", "in none of these ways"),
    ],
)
def test_field_c2_of_several_ways_the_reason_is_told_that_says_most(text, told):
    keys = {"time": ["rfc3339", "%d.%m.%Y %H:%M"], "zone": "Europe/Amsterdam", "time_at": "t"}
    _, _, refusals = decoded("mapping", json.dumps({"e": 1, "t": text}).encode(), mapping(**keys))
    assert told in refusals[0].detail


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"time": "s+min"}, "s+min is no way"),
        ({"time": []}, "is a text, or a list of texts, not []"),
        ({"time": ["s", "arrival"]}, "arrival stands alone"),
        ({"time": "%Y%Q", "zone": "UTC"}, "bad directive"),
        ({"time": "%d%d", "zone": "UTC"}, "stands twice"),
        ({"time": ["s", "%Y"]}, "is needed for a zone"),
        ({"time_shift": "60s", "time": "s"}, "such as +15min or -60s"),
        ({"time": "s", "time_at": []}, "is a text, or a list of texts"),
        ({"time": "s", "time_at": {"a": "b"}}, "is a text, or a list of texts"),
        ({"time": "s", "time_at": ["a", "b[*]"]}, "stands only in each"),
        ({"time_shift": "+40000d", "time": "s"}, "longer than a century"),
        ({"payload": "xml"}, "json"),
        ({"json_at": ["a..b"]}, "is no path"),
        ({"names": {"*/x": "x"}}, "*/x: has 1 *, and x has 0: write as many"),
        ({"names": {"x": "*/x"}}, "x: has no *, and */x has"),
    ],
)
def test_field_c2_a_wrong_key_is_told_with_what_to_write(keys, said):
    with pytest.raises(OptionError) as error:
        decoder_of("mapping", mapping(**{"time_at": "t", **keys}))
    wanted = "zone" if "zone" in said else "time_at" if "time_at" in keys else next(iter(keys))
    assert error.value.key.startswith(wanted)
    assert said.replace("a zone", "a pattern without %z, %Y") in str(error.value), str(error.value)


@pytest.mark.parametrize(
    ("reading", "document", "expected"),
    [
        ({"scale_at": "ct"}, {"e": 12.3, "ct": 40}, 492.0),
        ({"scale_at": ["ct", "pt"], "scale": 0.001}, {"e": 123456, "ct": "40", "pt": 1.1}, 5432.064),
        ({"exponent_at": "x"}, {"e": 12345, "x": -2}, 123.45),
        ({"scale_at": "ct", "offset": 0.5}, {"e": 1, "ct": 2}, 2.5),
        ({"pulses": 600.0}, {"e": 1234567}, 1234567 / 600),
        ({"pulses": 1000.0}, {"e": 1234567}, 1234.567),
        ({"pulses": 75.0, "scale_at": "ct"}, {"e": 7, "ct": 0.1}, 7 * 0.1 / 75),
        ({"scale_at": "ct"}, {"e": 1, "ct": 0}, (Code.OUT_OF_RANGE, "ct")),
        ({"scale_at": "ct"}, {"e": 1}, (Code.SCHEMA, "ct")),
        ({"scale_at": "ct", "optional": True}, {"e": 1, "ct": None}, (Code.SCHEMA, "ct")),
        ({"scale_at": ["ct", "ct"]}, {"e": 1, "ct": 1e308}, (Code.NON_FINITE, "e")),
        ({"scale_at": "ct"}, {"e": 1, "ct": "NaN"}, (Code.TYPE, "ct")),
        ({"scale_at": "ct"}, {"e": 1, "ct": True}, (Code.TYPE, "ct")),
        ({"exponent_at": "x"}, {"e": 1, "x": -32768}, (Code.OUT_OF_RANGE, "x")),
        ({"exponent_at": "x"}, {"e": 1, "x": 0.5}, (Code.OUT_OF_RANGE, "x")),
        ({"scale_at": "ct"}, {"e": "1", "ct": 2}, (Code.TYPE, "e")),
    ],
)
def test_field_c2_a_value_is_multiplied_with_what_stands_beside_it(reading, document, expected):
    rows, refusals = read(mapping({**E, **reading}), document)
    assert (rows[0][1] if rows else refusals[0]) == expected


@given(
    st.floats(-1e9, 1e9, allow_subnormal=False),
    st.floats(0.001, 1e6),
    st.integers(-10, 10),
)
def test_field_c2_a_product_is_the_float_nearest_to_the_exact_one(value, ratio, tens):
    rows, _ = read(mapping({**E, "scale_at": "r", "exponent_at": "x"}), {"e": value, "r": ratio, "x": tens})
    exact = float(Decimal(repr(value)) * Decimal(repr(ratio)).scaleb(tens)) if value else 0.0
    assert rows[0][1] == pytest.approx(exact, rel=2e-16, abs=1e-300)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scale": 1e-320}, "is between"),
        ({"scale": 1e300}, "is between"),
        ({"pulses": 0.0}, "imp/kWh"),
        ({"pulses": -1.0}, "imp/kWh"),
    ],
)
def test_field_c2_a_scale_that_no_meter_has_is_told(wrong, said):
    with pytest.raises(OptionError, match=said):
        decoder_of("mapping", mapping({**E, **wrong}))


CBOR = {"payload": "cbor"}


@pytest.mark.parametrize(
    ("options", "payload", "expected"),
    [
        (mapping(**CBOR), cbor2.dumps({"e": 20.5}), 20.5),
        (mapping({**E, "value": "1[0]"}, **CBOR), cbor2.dumps({1: [20.5]}), 20.5),
        (mapping(payload="msgpack"), msgspec.msgpack.encode({"e": 7}), 7.0),
        (mapping(**CBOR), cbor2.dumps({"e": float("nan")}), (Code.NON_FINITE, "e")),
        (mapping(**CBOR), cbor2.dumps({"e": cbor2.undefined}), (Code.NULL_VALUE, "e")),
        (mapping(**CBOR), cbor2.dumps({"e": 10**100_000}), (Code.OUT_OF_RANGE, "e")),
        (mapping(**CBOR), cbor2.dumps({"e": Decimal("1E+1000000000")}), (Code.TYPE, "e")),
        (mapping(**CBOR, time="s", time_at="t"), cbor2.dumps({"e": 1, "t": Decimal("1E+1000000000")}), (Code.TS_INVALID, "t")),
        (mapping(**CBOR), cbor2.dumps({1: 1, "1": 2}), (Code.DUP_KEY, "")),
        (mapping(**CBOR), b"\xa1\x81\x01\x01", (Code.SCHEMA, "")),
        (mapping(**CBOR), b"", (Code.EMPTY, "")),
        (mapping(**CBOR), b"\x01\x01", (Code.TRAILING, "")),
        (mapping(**CBOR), b"\x81" * 200_000 + b"\x01", (Code.SCHEMA, "")),
        (mapping(payload="msgpack"), b"\x91" * 70 + b"\x01", (Code.TOO_DEEP, "")),
        (mapping(payload="msgpack"), b"\x91" * 200_000 + b"\x01", (Code.SCHEMA, "")),
        (mapping(payload="msgpack"), b"\xdd\xff\xff\xff\xff", (Code.SCHEMA, "")),
    ],
)  # fmt: skip
def test_field_c2_cbor_and_messagepack_are_read_by_a_mapping(options, payload, expected):
    rows, refusals = read(options, payload)
    assert (rows[0][1] if rows else refusals[0]) == expected


def test_field_c2_a_time_and_bytes_of_cbor_are_read_as_they_are():
    moment = datetime(2026, 12, 1, 3, 15, tzinfo=UTC)
    options = mapping({"byte": {"type": "u16be"}, "unit": "kWh"}, time="rfc3339", time_at="t", **CBOR)
    options["sections"][0]["bytes"] = {"at": "d"}
    rows, _ = read(options, cbor2.dumps({"d": b"\x01\x02", "t": moment}))
    assert rows == [(ns("2026-12-01T03:15:00Z"), 258.0, "kWh")]


def test_field_c2_a_document_that_refers_to_itself_is_not_unfolded():
    """Sixty arrays of the same array twice would be 2^60 parts; an array in itself would have no end."""
    folded: Any = [1]
    for _ in range(60):
        folded = [folded, folded]
    endless: list[Any] = []
    endless.append(endless)
    for document in (folded, endless):
        payload = cbor2.dumps(document, value_sharing=True)
        assert read(mapping(**CBOR), payload) == ([], [(Code.SCHEMA, "")])


@pytest.mark.parametrize(
    ("places", "document", "expected"),
    [
        (["p"], {"p": '{"e": 5}'}, 5.0),
        (["p"], {"p": {"e": 5}}, 5.0),
        (["p", "p.q"], {"p": json.dumps({"q": '{"e": 5}'})}, (Code.SCHEMA, "p.e")),
        (["p"], {"p": "5;6"}, (Code.TRAILING, "p")),
        (["p"], {"p": "[" * 70_000}, (Code.TOO_DEEP, "p")),
        (["p"], {"p": '{"e": 1, "e": 2}'}, (Code.DUP_KEY, "p")),
        (["p"], {"p": '{"e": NaN}'}, (Code.NON_FINITE, "p")),
        (["p"], {"p": ""}, (Code.SCHEMA, "p.e")),
    ],
)
def test_field_c2_json_in_a_text_is_read_where_it_stands(places, document, expected):
    rows, refusals = read(mapping({**E, "value": "p.e"}, json_at=places), document)
    assert (rows[0][1] if rows else refusals[0]) == expected


def test_field_c2_json_in_json_in_text_is_opened_from_the_outside_in():
    document = json.dumps(json.dumps({"rows": [json.dumps({"e": n}) for n in range(3)]})).encode()
    options = {
        "time": "arrival",
        "json_at": [".", "rows[*]"],
        "sections": [{"each": "rows[*]", "readings": {"e": E}}],
    }
    assert [row[1] for row in read(options, document)[0]] == [0.0, 1.0, 2.0]


def test_field_c2_texts_that_hold_no_json_are_refused_up_to_what_a_message_may_have():
    options = mapping(json_at=["a[*]"])
    assert read(options, {"e": 1, "a": ["x"] * 3})[0][0][1] == 1.0
    assert read(options, {"e": 1, "a": ["x"] * 60_000}) == ([], [(Code.TOO_LARGE, "")])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Total kWh", "total"),
        ("Meter 3 kWh", "m3/energy"),
        ("Meter 3 kW", "Meter 3 kW"),
        ("Meter a kWh kWh", "ma kWh/energy"),
        ("a.b.c", "a-b-c"),
        ("Meter  kWh", "m/energy"),
        ("MeterkWh", "MeterkWh"),
    ],
)
def test_field_c2_names_may_be_patterns_and_the_first_that_fits_counts(name, expected):
    names = {"Meter * kWh": "m*/energy", "Total kWh": "total", "* kWh": "other/*", "*.*.*": "*-*-*"}
    assert Names.of_texts(names).of(name) == expected


def test_field_c2_no_pattern_makes_a_name_costly():
    """A backtracking matcher would try 256 choose 20 ways."""
    names = Names.of_texts({"*".join("a" * 20) + "*b": "*".join("x" * 20) + "*"})
    assert names.of("a" * 256) == "a" * 256


CSV = """\
Logger 4711;firmware 3
"an open quote
Datum;Uhrzeit;Wirkarbeit mdb1;Wirkleistung mdb1;Status;
01.12.2026;10:15:00;123456,7;85,2;ok;
01.12.2026;10:30:00;---;86,1;ok;
"""
LOGGER: dict[str, Any] = {
    "skip": 2, "header": True, "delimiter": ";", "decimal": ",", "time": "%d.%m.%Y %H:%M:%S", "zone": "Asia/Ho_Chi_Minh",
    "names": {"Datum": "date", "Uhrzeit": "time", "Wirkarbeit *": "*/energy", "Wirkleistung *": "*/power", "Status": "-"},
    "units": {"*/energy": "kWh", "*/power": "kW"}, "no_value": ["---"],
}  # fmt: skip


def test_field_c2_the_csv_of_a_logger_is_read_with_its_own_header():
    _, raw, refusals = decoded("csv-lines", CSV.encode(), LOGGER)
    first, second = ns("2026-12-01T03:15:00Z"), ns("2026-12-01T03:30:00Z")
    assert refusals == []
    assert [row[:4] for row in readings(raw)] == [
        ("mdb1/energy", first, 123456.7, "kWh"),
        ("mdb1/power", first, 85.2, "kW"),
        ("mdb1/power", second, 86.1, "kW"),
    ]


def test_field_c2_a_line_of_its_own_channel_is_renamed_left_out_or_without_a_value():
    options = {"columns": ["time", "-", "channel", "value"], "units": "channel", "names": {"E*": "energy*"}, "only": ["energy*"], "no_value": ["n/a"]}  # fmt: skip
    lines = "\n".join(f"{NOON},x,{name},{value}" for name, value in [("E1", 1), ("E2", "n/a"), ("P1", 3)])
    _, raw, refusals = decoded("csv-lines", lines.encode(), options)
    assert (raw.channel, raw.value, refusals) == (["energy1"], [1.0], [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"skip": -1}, "from 0 to 1000"),
        ({"skip": True}, "from 0 to 1000"),
        ({"columns": ["date", "a"]}, "a date only beside a time"),
        ({"columns": ["time", "a", "a"]}, "stands twice"),
        ({"names": {"*": "x"}}, "write as many"),
        ({"no_value": "---"}, "list of texts"),
        ({"time_shift": "+40000d"}, "longer than a century"),
        ({"time_shift": "60s"}, "with its sign"),
        ({"time": ["rfc3339", "arrival"]}, "stands alone"),
        ({"time": "%d%d", "zone": "UTC"}, "stands twice"),
        ({"time": ["rfc3339", 5]}, "is one of"),
    ],
)
def test_field_c2_a_wrong_option_of_csv_is_told(options, said):
    with pytest.raises(OptionError, match=said.replace("*", ".")):
        decoder_of("csv-lines", {"columns": ["time", "a"], **options})


def test_field_c2_a_header_with_two_of_a_name_names_its_line():
    _, _, refusals = decoded("csv-lines", b"x\ntime,a,a\n", {"header": True, "skip": 1})
    assert [(one.code, one.path) for one in refusals] == [(Code.SCHEMA, "line 2")]


def test_field_c2_currents_charges_and_pulses_are_units():
    assert [conversion(unit(a), unit(b))[0] for a, b in (("mA", "A"), ("mV", "V"), ("mAh", "Ah"))] == [
        0.001
    ] * 3
    assert unit("pulses") == unit("1")

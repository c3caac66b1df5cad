"""Mappings: what they refuse when they are written, laws of reading, and what a hostile payload costs."""

import base64
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.formats.columns import RawReadings, path_of
from ingest.formats.decoder import OptionError, Origin, decoder_of
from ingest.formats.stamps import WAYS
from plant.devices.paths import Word, parse, spelled
from plant.devices.profiles import MappingPart
from plant.vocabulary import Code

NOON = 1_795_582_800 * 10**9
E = {"readings": {"e": {"value": "e", "unit": "kWh"}}}


def read(options, document, words=None):
    raw, refusals = RawReadings(), []
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    envelope = decoder_of("mapping", options)(
        payload, Origin(0, "gw", NOON, False, words or {}), raw, refusals
    )
    return envelope, raw, refusals


def mapping(reading=None, **section):
    readings = {"e": reading or {"value": "e", "unit": "kWh"}}
    return {"time": "arrival", "sections": [{"readings": readings, **section}]}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("em:0.total_act", ("em:0", "total_act")),
        ('["a.b"].c["d e"]', ("a.b", "c", "d e")),
        ("{device}.x[{row}][*]", (Word("device", False), "x", Word("row", True), Word("", True))),
        ("rows[*].v", ("rows", Word("", True), "v")),
        (".", ()),
    ],
)
def test_a_path_is_read_step_by_step(text, steps):
    assert parse(text).steps == steps
    assert not parse(text).from_document
    assert parse("$" if text == "." else f"$.{text}" if text[0] != "[" else f"${text}").from_document


@pytest.mark.parametrize(
    "text", ["", "a..b", "a[", "a[-1]", "a.*", "a b", ".a", "a[01]", "a[{X}]", ".".join("a" * 40)]
)
def test_what_is_no_path_is_told(text):
    with pytest.raises(ValueError, match="path"):
        parse(text)


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(st.characters(codec="utf-8", exclude_characters='"'), min_size=1), st.integers(0, 999)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_where_something_stands_is_a_path_to_it(steps):
    assert parse(spelled(tuple(steps))).steps == tuple(steps)


@pytest.mark.parametrize(
    ("options", "key", "said"),
    [
        ({"time": "arrival"}, "sections", "is required"),
        ({"time": "arrival", "sections": []}, "sections", "at least 1"),
        ({"sections": [E]}, "time", "says how times are written"),
        ({"time": "s", "sections": [E]}, "time_at", "says where the time stands"),
        ({"time": "%H", "time_at": "t", "sections": [E]}, "zone", "is needed for a pattern without %z"),
        ({"time": "s", "time_at": "t", "zone": "Asia/Hanoi", "sections": [E]}, "zone", "there is no time zone Asia/Hanoi"),
        (mapping({"value": "e", "byte": {"type": "u8"}}), "sections[0].readings.e.byte", "exactly one of"),
        (mapping({"byte": {"type": "u8"}}), "sections[0].bytes", "is missing, and e is among them"),
        (mapping({"byte": {"type": "u7"}}), "sections[0].readings.e.byte.type", "such as u16be"),
        (mapping({"byte": {"type": "u8", "tag": "01"}}, bytes={"at": "d"}), "sections[0].bytes", "where the bytes have tags"),
        (mapping({"byte": {"type": "u8", "tag": "02"}}, bytes={"at": "d", "tags": {"01": 1}}), "sections[0].bytes", "is not among tags"),
        (mapping({"byte": {"type": "u8", "tag": "01"}}, bytes={"at": "d", "tags": {"01": 1, "0202": 1}}), "sections[0].bytes.tags", "same number of bytes"),
        (mapping({"value": "e", "scale": 0}), "sections[0].readings.e.scale", "is 0"),
        (mapping({"value": "e", "unit": "kWh", "unit_at": "u"}), "sections[0].readings.e.unit_at", "one of them"),
        (mapping(when={"a[*]": 1}), "sections[0].when", "stands only in each"),
        (mapping(each="a[*"), "sections[0].each", "is no path from '[*'"),
        (mapping({"jmespath": "a["}), "sections[0].readings.e.jmespath", "is no JMESPath"),
        (mapping() | {"units": {"e": "kwh"}}, "units", "e: unknown unit 'kwh' (did you mean kWh?)"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_told_with_its_key_and_what_to_write(options, key, said):
    with pytest.raises(OptionError) as error:
        decoder_of("mapping", options)
    assert (error.value.key.startswith(key), said in str(error.value)) == (True, True), (
        error.value.key,
        str(error.value),
    )


def test_times_are_written_in_every_way_that_formats_know():
    for way in WAYS:
        MappingPart.model_validate({"time": way, "sections": [E]})


def test_words_of_the_topic_name_channels_and_a_missing_one_is_refused():
    options = {"time": "arrival", "sections": [{"readings": {"{device}/e": {"value": "e", "unit": "kWh"}}}]}
    _, raw, _ = read(options, {"e": 1}, {"device": "m1"})
    assert raw.channel == ["m1/e"]
    _, raw, refusals = read(options, {"e": 1})
    assert (raw.channel, refusals[0].code, refusals[0].path) == ([], Code.BAD_ID, "e")


def test_what_a_word_holds_is_not_read_again():
    """A device whose name has braces names nothing but itself."""
    options = {
        "time": "arrival",
        "units": "channel",
        "sections": [{"each": "{a}.{b}", "readings": {"{a}/{b}": {"value": "."}}}],
    }
    _, raw, _ = read(options, {"{b}": {"x": 1}})
    assert raw.channel == ["{b}/x"]


def test_a_later_check_names_the_place_in_the_payload():
    options = mapping(each="rows[*]") | {"time": "s", "time_at": "t"}
    options["sections"][0]["readings"]["e"] = {"value": "v.e", "unit_at": "u"}
    _, raw, _ = read(options, {"rows": [{"v": {"e": 1}, "u": "kWh", "t": 1}]})
    places = [path_of(raw, 0, what) for what in ("", "value", "channel", "unit", "time")]
    assert places == ["rows[0].v.e", "rows[0].v.e", "rows[0].v.e", "rows[0].u", "rows[0].t"]


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_list_is_read_as_its_items_one_by_one(values):
    many = mapping({"value": ".", "unit": "kWh"}, each="v[*]")
    one = mapping({"value": "v", "unit": "kWh"})
    _, raw, _ = read(many, {"v": values})
    assert raw.value == [read(one, {"v": value})[1].value[0] for value in values]


@settings(deadline=None)
@given(st.integers(-(10**9), 10**9), st.integers(1, 6))
def test_a_decimal_scale_gives_the_nearest_number(value, digits):
    """123456 times 0.001 is 123.456 and no neighbour of it, as the display of the meter shows."""
    options = mapping({"value": "e", "unit": "kWh", "scale": float(f"1e-{digits}")})
    assert read(options, {"e": value})[1].value == [float(f"{value}e-{digits}")]


@settings(deadline=None)
@given(st.binary(min_size=8, max_size=8), st.sampled_from(["be", "le"]))
def test_numbers_among_bytes_are_those_of_struct(data, order):
    mark = ">" if order == "be" else "<"
    kinds = {"u16": "H", "s16": "h", "u32": "I", "s32": "i", "u64": "Q", "s64": "q", "f32": "f", "f64": "d"}
    for name, code in kinds.items():
        (expected,) = struct.unpack_from(f"{mark}{code}", data)
        options = mapping({"byte": {"type": f"{name}{order}"}, "unit": "kWh"}, bytes={"at": "d"})
        _, raw, refusals = read(options, {"d": base64.b64encode(data).decode()})
        if refusals:
            assert refusals[0].code in (Code.NON_FINITE, Code.OUT_OF_RANGE)
        else:
            assert raw.value[0] == (expected if abs(expected) >= 2.3e-308 else 0)


EVERYTHING = {
    "time": "rfc3339",
    "time_at": "t",
    "units": "channel",
    "sections": [
        {"each": "{a}[*]", "words": {"w": "w"}, "when": {"t": "present"}, "optional": True,
         "quality": {"at": "q", "values": {"0": "good"}, "otherwise": "bad"},
         "readings": {"{a}/{w}": {"value": "v", "type": "text"}, "h": {"value": "$.h", "type": "hex"}}},
        {"time": "arrival", "bytes": {"at": "d", "tags": {"01": 1, "02": 2}},
         "readings": {"b": {"byte": {"tag": "02", "type": "f32be"}}, "j": {"jmespath": "max_by(x, &y).y"}}},
        {"time": "%Y", "zone": "UTC", "each": "x[{n}].{k}", "readings": {"{n}/{k}": {"value": ".", "scale": 0.1, "unit_at": "u"}}},
    ],
}  # fmt: skip
KEYS = st.sampled_from(["a", "t", "w", "q", "v", "h", "d", "x", "y", "u"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8),
                    st.sampled_from(["2026-11-25T05:00:00Z", "AQE=", "AgEC", "0x1F", "12.5", "2026"]))  # fmt: skip
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=500, deadline=None)
@given(DOCUMENTS)
def test_whatever_a_document_is_a_mapping_reads_it_or_refuses_it(document):
    envelope, raw, refusals = read(EVERYTHING, document)
    assert Code.DECODER not in [one.code for one in refusals], refusals
    assert envelope.count == len(raw)
    assert all(path_of(raw, row, "value") is not None for row in range(len(raw)))


def test_a_payload_costs_what_its_size_is_not_a_power_of_it():
    """Each place of the document is visited once by each `each`: items of arrays in arrays are as many as there are leaves."""
    options = mapping({"value": ".", "unit": "kWh"}, each="[*][*]")
    envelope, raw, _ = read(options, [[1] * 100] * 100)
    assert (envelope.count, len(raw)) == (10_000, 10_000)


def test_beyond_a_hundred_refusals_they_are_only_counted():
    envelope, _, refusals = read(mapping({"value": ".", "unit": "kWh"}, each="[*]"), [None] * 1000)
    assert (envelope.refused, len(refusals)) == (1000, 100)

"""The hot path never says anything else than the slow one."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ingest.formats import document, native, strict
from ingest.formats.columns import Envelope, RawReadings, Refusal
from plant.vocabulary import Code, Quality

Decoded = tuple[Envelope, RawReadings]

names = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["mdb1/power", 'a"b', "a\\b", "Nm³", "°C", "\u200b"]
)
times = st.sampled_from(["2026-11-24T05:00:00Z", "2026-11-24T05:00:00.123+07:00", "yesterday", ""])
values = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, -0.0, 5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 2**53 + 1, 2**64])
)
options: dict[str, st.SearchStrategy[Any]] = {
    "quality": st.sampled_from([None, *(quality.name.lower() for quality in Quality)]),
    "reset": st.sampled_from([None, True, False]),
    "correction": st.sampled_from([None, 0, 1, -5, 2**31 - 1]),
}
unknown = st.dictionaries(
    st.sampled_from(["firmware", "note", "rssi", "time", "unit", "value"]),
    st.none() | st.integers(-5, 5) | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3),
    max_size=2,
)
envelope = st.fixed_dictionaries(
    {},
    optional={
        "boot": st.none() | names,
        "seq": st.none() | st.integers(1, 2**63 - 1),
        "gateway": st.sampled_from([None, "gw-1"]),
    },
)
reading = st.fixed_dictionaries(
    {"channel": names, "time": times, "value": values, "unit": names}, optional=options
)


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(0, 4))

    def column(entries: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(entries, min_size=count, max_size=count)

    body = st.fixed_dictionaries(
        {"unit": names, "values": column(st.none() | values)},
        optional={key: st.none() | column(entry) for key, entry in options.items()},
    )
    return {"time": draw(column(times)), "columns": draw(st.dictionaries(names, body, max_size=3))}


forms = reading | st.fixed_dictionaries({"readings": st.lists(reading, max_size=4)}) | columns()
messages = st.builds(lambda more, said, form: {**more, **said, **form}, unknown, envelope, forms)
known_messages = st.builds(lambda said, form: {**said, **form}, envelope, forms)


@st.composite
def payloads(draw: st.DrawFn, of: st.SearchStrategy[dict[str, Any]] = messages) -> bytes:
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:")]))
    text = json.dumps(draw(of), ensure_ascii=draw(st.booleans()), separators=separators)
    return text.encode("utf-8", "replace")


FRAGMENTS = [
    b'"value":1,',
    b'"seq":2,',
    b'"readings":[],',
    b'"columns":{},',
    b'"channel":"c",',
    b'"more":{"a":1,"a":2},',
    b'"m":"\xff",',
    b'"m":"\\"",',
    b'"gateway":"gw-2",',
    b"1e400",
    b"1e-400",
    b"-",
    b"0",
    b"null",
    b"true",
    b"NaN",
    b"\\u0000",
    b"\\ud800",
    b"\\u0022",
    b"\\",
    b'"',
    b",",
    b"[",
    b"}",
    b"\x00",
    b"\xc3",
    b"9" * 120,
    b"0" * 320,
    b'"m":' + b"[" * 62 + b"]" * 62 + b",",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    payload = draw(payloads())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(payload)))
        end = draw(st.integers(start, min(len(payload), start + 12)) | st.just(start))
        new = draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=3) | st.just(payload[start:end] * 2))
        payload = payload[:start] + new + payload[end:]
    return payload


def hot(payload: bytes) -> Decoded | None:
    raw = RawReadings()
    try:
        return native._hot(payload, 0, "gw-1", raw), raw
    except (ValueError, OverflowError, RecursionError):
        return None


def slow(payload: bytes) -> tuple[Decoded | None, list[Refusal]]:
    raw, refusals = RawReadings(), []
    try:
        return (document.read(strict.parse(payload), 0, "gw-1", raw, refusals), raw), refusals
    except strict.PayloadError as error:
        return None, [Refusal(0, error.code, error.path, error.detail)]


def agree(payload: bytes) -> None:
    quick = hot(payload)
    if quick is not None:
        sure, refusals = slow(payload)
        assert refusals == []
        assert repr(quick) == repr(sure)


@given(payloads())
def test_on_what_a_gateway_may_send_both_paths_agree(payload: bytes) -> None:
    agree(payload)


@given(mutated())
@example(b'{"channel":"c","time":"t","value":1,"unit":"u","value":2}')
@example(b'{"channel":"c","time":"t","value":0.' + b"1" * 400 + b',"unit":"u"}')
@example(b'{"channel":"c","time":"t","value":0.' + b"0" * 300 + b'1e300,"unit":"u"}')
@example(b'{"channel":"c","time":"t","value":1,"unit":"u","m":"\\"","m":2}')
@example(b'{"channel":"c","time":"t","value":1,"unit":"u","m":' + b"[" * 64 + b"]" * 64 + b"}")
@example(b'{"channel":"c","time":"t","value":1,"unit":"u","m":"\xff"}')
@example(b'{"channel":"c","time":"t","value":1,"unit":"u","readings":null}')
def test_on_what_was_damaged_the_hot_path_accepts_nothing_that_the_slow_one_refuses(payload: bytes) -> None:
    agree(payload)


@given(payloads(known_messages))
def test_a_valid_message_takes_the_hot_path(payload: bytes) -> None:
    """Only an escaped quotation mark, or a null where a key could be left out, may cost the slow one."""
    _, refusals = slow(payload)
    if not refusals and b'\\"' not in payload and b"null" not in payload:
        assert hot(payload) is not None


@given(st.binary() | mutated() | payloads())
def test_no_payload_makes_the_decoder_fail(payload: bytes) -> None:
    raw, refusals = RawReadings(), []
    said = native.decode(payload, 0, "gw-1", raw, refusals)

    assert Code.DECODER not in {refusal.code for refusal in refusals}
    assert said.count == len(raw) == len(raw.channel) == len(raw.time) == len(raw.value) == len(raw.unit)
    assert (said.refused == 0 and said.decoded) or refusals


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 30), st.sampled_from("eE"))
def test_a_decimal_is_the_same_float_on_both_paths(value: float, zeros: int, letter: str) -> None:
    """However many digits a gateway prints."""
    text = f"{value:.{zeros + 17}{letter}}"
    agree(b'{"channel":"c","time":"t","value":%s,"unit":"u"}' % text.encode())


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,80})(\.[0-9]{1,90})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
def test_any_spelling_of_a_number_is_the_same_float_on_both_paths(text: str) -> None:
    agree(b'{"channel":"c","time":"t","value":%s,"unit":"u"}' % text.encode())

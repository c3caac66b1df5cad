"""The strict parser: what it names, and that nothing makes it slow or raise anything else."""

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats import strict
from ingest.formats.strict import MAX_NUMBER, UNREPRESENTABLE, PayloadError, parse
from plant.vocabulary import Code

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def code_of(payload: bytes) -> Code:
    with pytest.raises(PayloadError) as caught:
        parse(payload)
    return caught.value.code


@given(documents)
def test_a_good_document_is_read_as_the_standard_parser_reads_it(document: object) -> None:
    payload = json.dumps(document).encode()

    assert repr(parse(payload)) == repr(json.loads(payload))


@given(documents, st.sampled_from([b" ", b"\t\r\n"]))
def test_blanks_around_the_document_mean_nothing(document: object, blank: bytes) -> None:
    payload = json.dumps(document).encode()

    assert repr(parse(blank + payload + blank)) == repr(parse(payload))


@given(st.binary())
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    """No other exception than a refusal leaves the parser."""
    with contextlib.suppress(PayloadError):
        parse(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b'"' * 262_144,
        b'"\\"' * 87_381,
        b'"' + b'\\"' * 131_000 + b"\\",
        b'["' + b"\\" * 262_000,
        b"[" * 262_144,
        b"[]" * 131_072,
        b'{"a":[' * 43_690,
        b"1" * 262_144,
        b"0." + b"1" * 262_142,
        b"1e" + b"9" * 262_142,
        b"1e-" + b"9" * 262_141,
        b"[" + b"1e999999999," * 21_000 + b"1]",
        b'{"a":1,"a":2,' + b",".join(b'"%d":1' % n for n in range(25_000)) + b"}",
        b'"' + b"\\ud800" * 43_000 + b'"',
        b" " * 262_144,
    ],
    ids=lambda payload: repr(payload[:12]),
)
def test_no_payload_of_the_largest_size_takes_long(payload: bytes) -> None:
    """The limit is far above what a linear parser needs and far below what a quadratic one does."""
    started = time.process_time()
    with contextlib.suppress(PayloadError):
        parse(payload)
    assert time.process_time() - started < 1.0


def test_depth_counts_arrays_and_objects_together() -> None:
    parse(b"[" * 63 + b"{}" + b"]" * 63)

    assert code_of(b"[" * 64 + b"{}" + b"]" * 64) is Code.TOO_DEEP


def test_brackets_in_texts_are_no_depth() -> None:
    assert parse(json.dumps(["[{" * 100, '\\"[[' * 100]).encode()) == ["[{" * 100, '\\"[[' * 100]


def test_many_brackets_beside_each_other_are_no_depth() -> None:
    assert parse(b"[" + b"[]," * 1000 + b"[]]") == [[]] * 1001


@pytest.mark.parametrize("text", ["1" * (MAX_NUMBER + 1), "0." + "1" * MAX_NUMBER, "1e" + "9" * MAX_NUMBER])
def test_a_number_too_long_to_read_stands_as_one_that_no_float_holds(text: str) -> None:
    assert parse(text.encode()) == UNREPRESENTABLE


def test_the_longest_number_is_still_read() -> None:
    text = "0." + "1" * (MAX_NUMBER - 2)

    assert parse(text.encode()) == float(text)


def test_twin_keys_are_named() -> None:
    with pytest.raises(PayloadError) as caught:
        parse(b'{"a": 1, "b": {"c": 1, "d": 2, "c": 3}}')

    assert (caught.value.code, caught.value.path) == (Code.DUP_KEY, "c")


def test_both_halves_of_a_surrogate_pair_are_a_character() -> None:
    assert parse(rb'"\ud83d\ude00"') == "\U0001f600"


@pytest.mark.parametrize("payload", [rb'"\ud83d"', rb'{"\ude00": 1}', rb'["\ude00\ud83d"]'])
def test_half_a_surrogate_pair_is_refused(payload: bytes) -> None:
    assert code_of(payload) is Code.BAD_UTF8


def test_a_form_feed_is_no_blank() -> None:
    assert code_of(b"{}\x0c") is Code.TRAILING
    assert code_of(b"\x0c{}") is Code.NOT_JSON


def test_a_fault_says_where_and_what_to_send() -> None:
    with pytest.raises(
        PayloadError, match=r"not_json at the message: .* at character 5; send one JSON object"
    ):
        parse(b'{"a":}')


def test_the_bound_of_a_number_leaves_room_for_every_integer_of_float64() -> None:
    assert len(str(int(1.7976931348623157e308))) + 1 <= strict.MAX_NUMBER

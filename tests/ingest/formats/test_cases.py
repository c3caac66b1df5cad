"""Every case folder, as far as topic, decoder and times alone decide it."""

import re

import numpy as np
import pytest

from ingest.formats import native
from ingest.formats.columns import Envelope, RawReadings, Refusal
from ingest.times import parse_times
from ingest.topics import TopicClass, classify, parse
from plant.vocabulary import Code, Outcome
from tests.ingest.formats.cases import FOLDER, Case, Message, all_cases

CASES = all_cases()
ROWS = {  # of docs/faults.md: what one message shows by itself
    *(f"BM-{n:02}" for n in (5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 29)),
    *(f"BM-{n}" for n in (30, 31, 32, 34, 35, 54, 55)),
    *(f"BT-{n:02}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 11)),
}


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def decoded(message: Message) -> tuple[Envelope, RawReadings, list[Refusal]]:
    raw, refusals = RawReadings(), []
    topic = parse(message.topic)
    name = topic.gateway if topic else "gw-1"
    return native.decode(message.payload, 0, name, raw, refusals), raw, refusals


def test_every_row_has_a_case() -> None:
    assert {case.name[:5] for case in CASES} >= ROWS


@each_case
def test_a_topic_is_judged_as_the_case_says(case: Case) -> None:
    """Only a topic that the contract has reaches the decoder."""
    for message in case.messages:
        refused = message.expected["decided_by"] in ("topic", "broker")
        assert classify(message.topic) is (TopicClass.INVALID if refused else TopicClass.READINGS)


@each_case
def test_a_message_decodes_to_the_codes_of_the_case(case: Case) -> None:
    """What needs the clock, the plant or the state is no fault yet."""
    for message in case.messages:
        if message.expected["decided_by"] != "decoder":
            continue
        envelope, raw, refusals = decoded(message)
        assert [refusal.code for refusal in refusals] == message.expected["codes"], message.payload[:200]
        assert [refusal.path for refusal in refusals[:1]] == [message.expected.get("path")][: len(refusals)]
        assert (envelope.count, envelope.refused) == (
            message.expected["readings"],
            message.expected["refused"],
        )
        assert envelope.count == len(raw)


@each_case
def test_what_the_decoder_cannot_decide_it_lets_pass(case: Case) -> None:
    for message in case.messages:
        if message.expected["decided_by"] not in ("times", "clock", "plant", "state"):
            continue
        envelope, raw, refusals = decoded(message)
        known = message.expected["readings"] + message.expected["refused"]
        assert refusals == []
        assert envelope.decoded
        assert len(raw) == message.expected.get("decoded", known)


@each_case
def test_a_time_is_judged_as_the_case_says(case: Case) -> None:
    for message in case.messages:
        _, raw, _ = decoded(message)
        _, codes = parse_times(raw.time)
        expected = message.expected["codes"] if message.expected["decided_by"] == "times" else []
        assert list(codes.values()) == expected


@each_case
def test_values_and_times_are_those_of_the_case(case: Case) -> None:
    for message in case.messages:
        _, raw, _ = decoded(message)
        if "values" in message.expected:
            assert [repr(value) for value in raw.value] == [
                repr(value) for value in message.expected["values"]
            ]
        if "utc" in message.expected:
            wanted = [np.datetime64(text.removesuffix("Z"), "ns") for text in message.expected["utc"]]
            np.testing.assert_array_equal(parse_times(raw.time)[0].astype("M8[ns]"), wanted)


@each_case
def test_a_sequence_number_is_read_where_it_can_be(case: Case) -> None:
    for message in case.messages:
        if "seq" in message.expected:
            assert decoded(message)[0].seq == message.expected["seq"]


def test_no_two_cases_have_the_same_bytes_on_the_same_topic() -> None:
    """Else the second would be a duplicate of the first in one service."""
    sent = [(message.topic, message.payload) for case in CASES for message in case.messages]

    assert len(set(sent)) == len(sent)


def test_a_case_names_only_outcomes_and_codes_of_the_vocabulary() -> None:
    expected = [message.expected for case in CASES for message in case.messages]

    assert {entry["outcome"] for entry in expected} <= {*Outcome, "not_delivered"}
    assert {code for entry in expected for code in entry["codes"]} <= set(Code)


def test_a_folder_holds_only_the_files_that_the_readme_names() -> None:
    names = {path.name for path in FOLDER.glob("*/*")}

    assert all(re.fullmatch(r"topic\.txt|expected\.yaml|payload(-\d)?\.(json|bin)", name) for name in names)

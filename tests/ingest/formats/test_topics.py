"""Topics: taken exactly as they came, or refused; never tidied up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.topics import MAX_TOPIC, GatewayTopic, TopicClass, classify, parse

names = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="/+#"), min_size=1, max_size=20
)


@given(names, names, names, st.sampled_from(["readings", "status", "ack"]))
def test_a_gateway_topic_gives_its_names_back(park: str, facility: str, gateway: str, leaf: str) -> None:
    topic = parse(f"sm/v1/{park}/{facility}/{gateway}/{leaf}".encode())

    assert topic is not None
    assert (topic.park, topic.facility, topic.gateway) == (park, facility, gateway)
    assert topic.id == f"{park}/{facility}/{gateway}"


@pytest.mark.parametrize(
    ("topic", "use"),
    [
        ("sm/v1/p/f/g/readings", TopicClass.READINGS),
        ("sm/v1/p/f/g/status", TopicClass.STATUS),
        ("sm/v1/p/f/g/ack", TopicClass.OURS),
        ("sm/v1/p/totals", TopicClass.OURS),
        ("sm/v1/totals/totals/totals/readings", TopicClass.READINGS),
        ("sm/v1/p/f/totals", TopicClass.INVALID),
        ("sm/v1/totals", TopicClass.INVALID),
        ("sm/v1/p/readings", TopicClass.INVALID),
        ("sm/v1/p/f/g", TopicClass.INVALID),
        ("sm/v1/p/f/g/Readings", TopicClass.INVALID),
        ("sm/v1/p/f/g/readings/x", TopicClass.INVALID),
        ("sm/v1/p/f/g/readings/", TopicClass.INVALID),
        ("/sm/v1/p/f/g/readings", TopicClass.INVALID),
        ("sm/v1//f/g/readings", TopicClass.INVALID),
        ("sm//v1/p/f/g/readings", TopicClass.INVALID),
        ("sm/v2/p/f/g/readings", TopicClass.INVALID),
        ("SM/v1/p/f/g/readings", TopicClass.INVALID),
        ("sm/v1/p/+/g/readings", TopicClass.INVALID),
        ("sm/v1/p/f/g#/readings", TopicClass.INVALID),
        ("sm/v1/p/f/g\x00/readings", TopicClass.INVALID),
        ("sm/v1/p/f/g\x7f/readings", TopicClass.INVALID),
        ("sm/v1/p/f/g\u200b/readings", TopicClass.INVALID),
        ("sm/v1/p\n/totals", TopicClass.INVALID),
        ("$SYS/broker/uptime", TopicClass.INVALID),
        ("", TopicClass.INVALID),
    ],
)
def test_a_topic_has_one_use(topic: str, use: TopicClass) -> None:
    assert classify(topic.encode()) is use


def test_bytes_that_are_no_utf8_are_no_topic() -> None:
    assert classify(b"sm/v1/p/f/g\xff/readings") is TopicClass.INVALID


def test_the_longest_topic_is_taken_and_one_byte_more_is_not() -> None:
    topic = b"sm/v1/p/f/%s/readings"
    rest = MAX_TOPIC - len(topic % b"")

    assert classify(topic % (b"x" * rest)) is TopicClass.READINGS
    assert classify(topic % (b"x" * (rest + 1))) is TopicClass.INVALID
    assert parse(topic % (b"x" * (rest + 1))) is None


def test_two_spellings_of_one_letter_are_two_gateways() -> None:
    composed, decomposed = parse("sm/v1/p/f/é/status".encode()), parse("sm/v1/p/f/e\u0301/status".encode())

    assert composed != decomposed


def test_our_totals_belong_to_no_gateway() -> None:
    assert parse(b"sm/v1/p/totals") is None


@given(st.binary(max_size=60) | st.text().map(lambda text: ("sm/v1/" + text).encode("utf-8", "replace")))
def test_any_bytes_have_a_use(topic: bytes) -> None:
    use, parsed = classify(topic), parse(topic)

    assert parsed is None or parsed == GatewayTopic(parsed.park, parsed.facility, parsed.gateway, use)

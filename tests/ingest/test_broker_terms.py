"""What a broker states in its CONNACK is obeyed, and what it costs is said."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.mqtt.address import broker
from ingest.mqtt.own_messages import STRIKES
from ingest.mqtt.session import SessionMemory, stored_session
from ingest.mqtt.subscriber import SESSION_S, Subscriber
from tests.fake_broker import FakeBroker, fake_broker
from tests.servers import Mosquitto, wait_until

BOTH = pytest.mark.parametrize("version", ["3.1.1", "5"])


@contextmanager
def subscriber(
    server: FakeBroker | Mosquitto,
    version: str,
    *filters: str,
    memory: SessionMemory | None = None,
    user: str = "",
) -> Iterator[Subscriber]:
    address = broker(server.url.replace("://", f"://{user}"), client_id="stackmeter", version=version)
    one = Subscriber(address, lambda _: None, print, filters or ("sm/v1/#",), memory)
    one._client.reconnect_delay_set(0.05, 0.05)
    one.start()
    try:
        yield one
    finally:
        one.stop()


def publish(one: Subscriber, count: int) -> None:
    for number in range(count):
        one.publish(f"sm/v1/park/plant/g{number}/ack", b"{}")


@pytest.mark.parametrize("most", [1, 2, 10])
def test_field_a1_no_more_is_under_way_than_the_broker_takes(most: int) -> None:
    """HiveMQ's Receive Maximum is 10: it ends the connection of whoever has more unanswered."""
    with fake_broker(properties={"ReceiveMaximum": most}) as server, subscriber(server, "5") as one:
        wait_until(lambda: one.ready, "not subscribed")
        publish(one, 50)
        wait_until(lambda: len(server.published) == 50, f"{len(server.published)} of 50 came")

        assert server.ended_for == []
        assert server.most_under_way <= most
        assert server.connections == 1


@pytest.mark.parametrize(
    ("stated", "cost"),
    [
        ({"MaximumQoS": 0}, "offers QoS 0 only"),
        ({"RetainAvailable": 0}, "keeps no retained messages"),
        ({"SessionExpiryInterval": 15}, f"for 15 s where {SESSION_S} s were asked"),
        ({"WildcardSubscriptionAvailable": 0}, "takes no filter with # or +"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_field_a1_a_limit_is_obeyed_and_its_cost_said(stated: dict[str, int], cost: str) -> None:
    with fake_broker(properties=stated) as server, subscriber(server, "5") as one:
        wait_until(lambda: one.ready, "not subscribed")
        publish(one, 5)
        wait_until(lambda: len(server.published) == 5, "the messages do not come")

        assert server.ended_for == []
        assert any(cost in notice for notice in one.notices())


def test_field_a1_a_message_above_the_brokers_limit_is_not_sent() -> None:
    with fake_broker(properties={"MaximumPacketSize": 200}) as server, subscriber(server, "5") as one:
        wait_until(lambda: one.ready, "not subscribed")

        assert not one.publish("sm/v1/park/totals", b"x" * 200)
        assert one.publish("sm/v1/park/totals", b"x" * 150)
        wait_until(lambda: len(server.published) == 1, "the short one does not come")
        assert server.ended_for == []


def test_field_a1_a_broker_without_terms_costs_nothing() -> None:
    with fake_broker() as server, subscriber(server, "5") as one:
        wait_until(lambda: one.ready, "not subscribed")

        assert one.notices() == []


@BOTH
def test_field_a1_a_broker_that_hangs_up_for_retained_messages_gets_plain_ones(version: str) -> None:
    """By 3.1.1 it has no other way to say so; today it was connected again without end."""
    with fake_broker(ends_for_retained=True) as server, subscriber(server, version) as one:

        def published_plainly() -> bool:
            publish(one, 1)
            return any(not retained for _, _, retained in server.published)

        wait_until(published_plainly, "it goes on being cut")
        wait_until(lambda: one.ready, "not subscribed")
        connections = server.connections
        publish(one, 20)
        wait_until(lambda: sum(not r for _, _, r in server.published) > 20, "plain messages do not come")

        assert server.connections == connections
        assert len(server.ended_for) <= STRIKES + 1, "one may be on its way when it is noticed"
        assert any("when we publish retained messages" in notice for notice in one.notices())


def test_field_a1_a_broker_that_hangs_up_for_any_message_gets_none() -> None:
    with fake_broker(ends_for_any=True) as server, subscriber(server, "3.1.1") as one:

        def silent() -> bool:
            publish(one, 1)
            return not one._own.may_go()

        wait_until(silent, "it goes on publishing")
        wait_until(lambda: one.ready, "not subscribed")
        connections = server.connections
        publish(one, 20)

        assert server.connections == connections
        assert any("whenever we publish" in notice for notice in one.notices())


def test_field_a2_a_session_that_is_gone_when_the_service_starts_again_is_said(tmp_path: Path) -> None:
    """The broker lost its disk while we were away: counted by the process's first connection too."""
    file = tmp_path / "session.json"
    with Mosquitto() as server:
        with subscriber(server, "3.1.1", memory=SessionMemory(file)) as one:
            wait_until(lambda: one.ready, "not subscribed")
            assert one.sessions_lost == 0
        with subscriber(server, "3.1.1", memory=SessionMemory(file)) as one:
            wait_until(lambda: one.ready, "not subscribed")
            assert (one.sessions_lost, one.notices()) == (0, [])
        server.kill()
        (server.folder / "mosquitto.db").unlink()
        server.start()
        with subscriber(server, "3.1.1", memory=SessionMemory(file)) as one:
            wait_until(lambda: one.ready, "not subscribed")

            assert one.sessions_lost == 1
            [notice] = one.notices()
            assert "had no session of ours at" in notice
        again = SessionMemory(file)
        assert again.session is not None
        assert again.session.losses == 1, "the next start says so too"


def test_field_a2_another_broker_or_client_id_is_no_lost_session(tmp_path: Path) -> None:
    memory = SessionMemory(tmp_path / "session.json")

    assert not memory.connected("one:1883", "a", present=False, now=1)
    assert not memory.connected("other:1883", "a", present=False, now=2)
    assert not memory.connected("other:1883", "b", present=False, now=3)
    assert memory.connected("other:1883", "b", present=False, now=4)


@pytest.mark.parametrize("content", [b"", b"{", b'{"broker": 1}', b"\xff\xfe"])
def test_field_a2_a_memory_that_cannot_be_read_is_set_aside(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "session.json"
    file.write_bytes(content)

    assert not SessionMemory(file).connected("one:1883", "a", present=False, now=1)
    assert stored_session(file) is not None


@BOTH
def test_field_a3_a_refused_subscription_is_asked_for_again_by_itself(version: str) -> None:
    with (
        fake_broker(subscribe={"other/#": 0x80}) as server,
        subscriber(server, version, "sm/v1/#", "other/#") as one,
    ):
        wait_until(lambda: "other/#" in one.last_error, "the refusal is not told")
        assert not one.ready
        assert "sm/v1/#" not in one.last_error

        server.manners.subscribe.clear()
        wait_until(lambda: one.tend() or one.ready, "it is not asked for again")

        assert server.connections == 1
        assert server.subscribed.count("sm/v1/#") == 1, "what was granted is not asked for again"
        assert one.last_error == ""


def test_field_a3_the_pause_between_two_questions_grows() -> None:
    with fake_broker(subscribe={"sm/v1/#": 0x80}) as server, subscriber(server, "3.1.1") as one:
        wait_until(lambda: len(server.subscribed) == 1, "not asked")
        wait_until(lambda: one._refused != {}, "the refusal is not told")
        for asked in range(1, 4):
            one._retry_at = time.monotonic() - 1
            one.tend()
            one.tend()
            wait_until(lambda asked=asked: len(server.subscribed) == asked + 1, "not asked again")

        assert one._retry_s >= 8.0


@pytest.mark.parametrize(
    ("version", "code", "told"),
    [
        ("3.1.1", 4, "wrong user or password"),
        ("3.1.1", 5, "this user may not connect"),
        ("3.1.1", 2, "does not take our client id"),
        ("5", 0x86, "wrong user or password"),
        ("5", 0x87, "this user may not connect"),
        ("5", 0x84, "does not speak this version of MQTT"),
        ("5", 0x8A, "banned"),
    ],
)
def test_field_a4_a_refusals_reason_outlives_the_disconnect_that_follows(
    version: str, code: int, told: str
) -> None:
    with fake_broker(connack=code) as server, subscriber(server, version, user="stackmeter:wrong@") as one:
        wait_until(lambda: server.connections > 2, "it does not try again")

        assert told in one.last_error
        assert "wrong@" not in one.last_error


@BOTH
def test_field_a4_a_broker_that_hangs_up_before_it_answers_is_asked_for_its_version(version: str) -> None:
    with fake_broker(hangs_up=True) as server, subscriber(server, version) as one:
        wait_until(lambda: server.connections > 1, "it does not try again")

        assert f"does it speak MQTT {version}" in one.last_error


def test_field_a4_what_the_broker_adds_to_a_reason_is_told() -> None:
    stated = {"ReasonString": "ask Ms Lan", "ServerReference": "b.example:1883"}
    with fake_broker(connack=0x9C, properties=stated) as server, subscriber(server, "5") as one:
        wait_until(lambda: server.connections > 1, "it does not try again")

        assert "(ask Ms Lan; b.example:1883)" in one.last_error


def test_field_a4_three_losses_that_nobody_explains_are_not_blamed_on_a_second_service() -> None:
    with fake_broker() as server, subscriber(server, "3.1.1") as one:
        for _ in range(3):
            wait_until(lambda: one.ready, "not connected")
            server.hang_up()
            wait_until(lambda: not one.ready, "the loss goes unnoticed")
        wait_until(lambda: one.ready, "not connected")

        [notice] = [one for one in one.notices() if "3 times within a minute" in one]
        assert "did not say why" in notice


def test_field_a4_a_session_that_another_client_took_is_told_as_that() -> None:
    """A broker that does not say why it ends a connection, as Mosquitto 2.0.11, lets it be told as what it may be."""
    with Mosquitto() as server, subscriber(server, "5") as one, subscriber(server, "5") as other:
        wait_until(
            lambda: any(
                "takes our session" in notice or "would look like this" in notice
                for each in (one, other)
                for notice in each.notices()
            ),
            "nobody says so",
        )


def test_field_a4_a_broker_that_restarts_is_no_flapping() -> None:
    with Mosquitto() as server, subscriber(server, "3.1.1") as one:
        for _ in range(3):
            wait_until(lambda: one.ready, "not connected")
            server.kill()
            wait_until(lambda: "no broker answers" in one.last_error, "the absence is not told")
            server.start()
        wait_until(lambda: one.ready, "not connected")

        assert one.notices() == []

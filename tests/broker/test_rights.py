"""What each identity may say and hear, and what a broken one can do to the others."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stackmeter.field.access_list import CANARY
from stackmeter.field.identities import SERVICE
from tests.broker.production import G1, G2, WATCHER, Production, RefusedError, hearing
from tests.servers import required, wait_until

SHELLY = "p1/mill/shelly-7"
FOREIGN = (
    f"sm/v1/{G2}/readings",
    f"sm/v1/{G2}/status",
    f"sm/v1/{G1}/ack",
    "sm/v1/p1/totals",
    "meters/shelly-7/a/data",
    "spBv1.0/p1/NDATA/g2",
    CANARY,
    "anything",
)
LARGEST = 5 << 20  # bytes, as max_packet_size says


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Production]:
    required("openssl")
    with Production(tmp_path) as made:
        for name in (G1, G2, SHELLY):
            made.enroll(name, certificate=False)
        made.reload()
        yield made


def test_sm03_a_gateway_writes_under_its_own_name_alone(broker: Production) -> None:
    own = [
        f"sm/v1/{G1}/readings",
        f"sm/v1/{G1}/status",
        "meters/g1/main/data",
        "spBv1.0/p1/NBIRTH/g1",
        "spBv1.0/p1/DDATA/g1/main",
    ]
    with hearing(broker) as heard, broker.with_password(G1) as gateway:
        taken = [gateway.publish(topic) for topic in (*own, *FOREIGN)]

        assert taken == [True] * len(own) + [False] * len(FOREIGN)
        assert [topic for topic, _ in heard()] == own


@pytest.mark.parametrize("wanted", ["#", "+/#", "$SYS/#", "sm/v1/#", f"sm/v1/{G2}/ack", "$share/x/#"])
def test_sm03_a_gateway_hears_nothing_that_is_not_for_it(broker: Production, wanted: str) -> None:
    """Mosquitto grants the subscription and delivers nothing on it; its own ack is the one thing that comes."""
    with broker.with_password(G1) as gateway, broker.inside(WATCHER) as watcher:
        gateway.subscribe(wanted)
        gateway.subscribe(f"sm/v1/{G1}/ack")
        for topic in (f"sm/v1/{G2}/ack", *FOREIGN):
            if topic != f"sm/v1/{G1}/ack":
                watcher.publish(topic)
        watcher.publish(f"sm/v1/{G1}/ack", b"last")
        gateway.wait_for(f"sm/v1/{G1}/ack", b"last")

        assert {topic for topic, _ in gateway.heard} == {f"sm/v1/{G1}/ack"}


def test_sm04_the_service_hears_all_data_and_can_forge_none(broker: Production) -> None:
    mine = [f"sm/v1/{G1}/ack", "sm/v1/p1/totals", "spBv1.0/p1/NCMD/g1", "spBv1.0/STATE/stackmeter", CANARY]
    forged = [
        f"sm/v1/{G1}/readings",
        f"sm/v1/{G1}/status",
        "meters/g1/a/data",
        "spBv1.0/p1/NDATA/g1",
        "spBv1.0/p1/DCMD/g1/a",
        "cmd/g1",
    ]
    with hearing(broker) as heard, broker.inside(SERVICE) as service, broker.with_password(G1) as gateway:
        service.subscribe("sm/v1/#")
        service.subscribe("meters/+/+/data")
        assert [service.publish(topic) for topic in (*mine, *forged)] == [True] * 5 + [False] * 6
        assert [topic for topic, _ in heard()] == mine

        gateway.publish("meters/g1/main/data", b"1")
        gateway.publish(f"sm/v1/{G1}/readings", b"2")
        service.wait_for("meters/g1/main/data", b"1")
        service.wait_for(f"sm/v1/{G1}/readings", b"2")


def test_sm06_what_a_revoked_gateway_left_retained_is_given_to_nobody(broker: Production) -> None:
    topic = f"sm/v1/{G1}/readings"
    with broker.with_password(G1) as gateway:
        assert gateway.publish(topic, b"poison", retain=True)
    with broker.inside(SERVICE) as before:
        before.subscribe("sm/v1/#")
        before.wait_for(topic, b"poison")
    broker.identities.revoke(G1, None)
    broker.write_acl()
    broker.reload()

    with broker.inside(SERVICE) as after, broker.with_password(G2) as other:
        after.subscribe("sm/v1/#")
        other.publish(f"sm/v1/{G2}/readings", b"good")
        after.wait_for(f"sm/v1/{G2}/readings", b"good")

        assert after.heard == [(f"sm/v1/{G2}/readings", b"good")]


def test_sm08_one_gateway_s_flood_and_giant_messages_leave_the_others_their_turn(broker: Production) -> None:
    """A message above the limit ends the connection of who sends it, and is never given to the service."""
    with broker.inside(SERVICE) as service, broker.with_password(G2) as other:
        service.subscribe("sm/v1/#")
        with broker.with_password(G1) as rogue:
            rogue.flood(f"sm/v1/{G1}/readings", [b"%d" % number for number in range(5000)])
            for number in range(20):
                assert other.publish(f"sm/v1/{G2}/readings", b"%d" % number)
            rogue.flood(f"sm/v1/{G1}/readings", [bytes(LARGEST + 1)])
            assert rogue.wait_for_loss()
        for number in range(20):
            service.wait_for(f"sm/v1/{G2}/readings", b"%d" % number)

        assert other.losses + service.losses == []
        assert max(len(payload) for _, payload in service.heard) < 100


def test_sm08_a_listener_takes_so_many_connections_and_no_more(broker: Production) -> None:
    """The service's own has room for twenty. A reload lifts that limit in Mosquitto 2.0, so it is restarted first."""
    broker.restart()

    with ExitStack() as entered:
        for _ in range(20):
            entered.enter_context(broker.inside(WATCHER))
        with pytest.raises(RefusedError):
            entered.enter_context(broker.inside(WATCHER))


@pytest.mark.parametrize("emptied", ["passwords", "acl"])
def test_sm12_an_empty_file_of_users_or_rights_opens_nothing(broker: Production, emptied: str) -> None:
    """Mosquitto 2.0.21 without users lets nobody in; without rights it lets its users do nothing."""
    (broker.identities.path / emptied).write_text("")
    broker.restart()
    try:
        with broker.with_password(G1) as gateway:
            assert emptied == "acl"
            assert not gateway.publish(f"sm/v1/{G1}/readings")
    except RefusedError:
        assert emptied == "passwords"
    wait_until(lambda: broker.process.running, "the broker ended")

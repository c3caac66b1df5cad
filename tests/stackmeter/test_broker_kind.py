"""Which broker it is: by the CONNACKs and topics of those that do not run here, and by what a broken one does."""

import json

import pytest
from typer.testing import CliRunner

from stackmeter.cli import app
from stackmeter.doctor import broker_checks, broker_kind
from stackmeter.doctor.checkup import Case
from stackmeter.doctor.probe import NotLetIn, NotReached, Probe
from stackmeter.field.access_list import CANARY
from stackmeter.settings import load as settings
from tests.broker.production import PARK, configured
from tests.fake_broker import FakeBroker, fake_broker
from tests.servers import Mosquitto, free_port

# As HiveMQ CE 2025.5 and its defaults have it; as EMQX's emqx_channel.erl writes them; as RabbitMQ 4.0.5 was heard to.
HIVEMQ = {"ReceiveMaximum": 10, "TopicAliasMaximum": 5}
EMQX = {
    "RetainAvailable": 1, "MaximumPacketSize": 1048576, "TopicAliasMaximum": 65535, "WildcardSubscriptionAvailable": 1,
    "SubscriptionIdentifierAvailable": 1, "SharedSubscriptionAvailable": 1,
}  # fmt: skip
RABBITMQ = {
    "MaximumQoS": 1,
    "SharedSubscriptionAvailable": 0,
    "TopicAliasMaximum": 16,
    "SessionExpiryInterval": 86400,
}
NO_SPACES = {f"{CANARY} with a space": 0x80}
ALL = ["3.1.1", "5"]


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr("stackmeter.doctor.probe.PATIENCE_S", 1.0)


@pytest.fixture
def config(tmp_path):
    configured(tmp_path / "config")
    return tmp_path / "config"


def case(config, server, version):
    flags = {
        "config": config,
        "state": config.parent / "state",
        "broker": server.url,
        "mqtt_version": version,
    }
    return Case(settings(None, flags), f"http://127.0.0.1:{free_port()}", "t")


@pytest.mark.parametrize(
    ("manners", "versions", "says", "does"),
    [
        ({"properties": HIVEMQ}, ALL, "probably HiveMQ: it takes 10", "<max-queue-size>"),
        ({"properties": EMQX}, ALL, "probably EMQX: it says aloud", "durable_sessions.enable"),
        ({"says": {"$SYS/brokers/+/version": b"5.8.0"}}, ALL, "is EMQX: its $SYS", "mqtt.max_mqueue_len"),
        ({"properties": RABBITMQ}, ALL, "probably RabbitMQ: it takes QoS 1", "mqtt.max_session_expiry"),
        ({"speaks": (3, 4), "most_qos": 1}, ["3.1.1"], "probably RabbitMQ before 3.13", "subscription_ttl"),
        ({"speaks": (3, 4), "subscribe": NO_SPACES}, ["3.1.1"], "probably NATS: it speaks", "ack_wait"),
        (
            {"speaks": (3, 4), "most_qos": 1, "subscribe": NO_SPACES},
            ["3.1.1"],
            "probably NATS: it speaks",
            "ack_wait",
        ),
        ({"says": {"$SYS/broker/version": b"2.7.9"}}, ALL, "is mochi: its $SYS", "storage hook"),
        ({"says": {"$SYS/broker/version": b"another 5"}}, ALL, "'another 5', of which nothing", "30 days"),
        ({"says": {"$SYS/broker/version": b"mosquitto version 2.0.22"}}, ALL, "mosquitto version 2", ""),
        ({"properties": RABBITMQ, "ends_for_filter": "$SYS"}, ALL, "probably RabbitMQ: it", "mqtt.prefetch"),
        ({"ends_for_filter": "$SYS"}, ALL, "does not say what it is, nor show it", "$SYS"),
        ({"properties": {"ReceiveMaximum": 10}}, ALL, "does not say what it is, nor show it", "30 days"),
        ({"speaks": (3, 4)}, ["3.1.1"], "does not say what it is, nor show it", "on disk"),
        (
            {"speaks": (3, 4), "subscribe": {**NO_SPACES, CANARY: 0x80}},
            ["3.1.1"],
            "does not say what it is",
            "$SYS",
        ),
    ],
)
def test_field_a5_a_broker_is_known_by_what_it_says_and_does(config, patience, manners, versions, says, does):
    for version in versions:
        with fake_broker(**manners) as server:
            found = broker_kind.kind(case(config, server, version))

        assert says in found.says
        assert does in found.do
        assert found.level != "fail"


@pytest.mark.parametrize(
    ("old", "new", "level", "says", "does"),
    [
        ("", "", "warn", "spBv1/0 of spBv1.0", "mqtt.sparkplug = true"),
        ("meters/", "a.b/", "fail", "nothing comes by a.b/{gateway}/{device}/data", "without dots"),
        ("name: g2", "name: g.2", "fail", "nothing comes by p1/mill/g.2", "without dots"),
        ("park: p1,", "park: nowhere,", "ok", "probably RabbitMQ", "mqtt.prefetch"),
    ],
)
def test_field_a5_what_rabbitmq_makes_of_a_dot_is_found_in_the_configuration(
    config, patience, old, new, level, says, does
):
    (config / "park.yaml").write_text(PARK.replace(old, new).replace("gateway: g2,", "gateway: g1,"))
    with fake_broker(properties=RABBITMQ) as server:
        found = broker_kind.kind(case(config, server, "5"))

    assert found.level == level
    assert says in found.says
    assert does in found.do


def doctored(config, server: FakeBroker, version="3.1.1"):
    """Return exit code and findings of the broker's checks by name."""
    given = ["doctor", "--json", "--config", str(config), "--state", str(config.parent / "state"),
             "--broker", server.url, "--url", f"http://127.0.0.1:{free_port()}"]  # fmt: skip
    told = CliRunner().invoke(app, given, env={"STACKMETER_MQTT_VERSION": version})
    checks = json.loads(told.stdout)["checks"]
    return told.exit_code, {
        one["check"]: one
        for one in checks
        if one["check"].startswith("broker") and one["check"] != "broker session"
    }


@pytest.mark.parametrize("version", ALL)
def test_field_a5_a_broker_that_takes_messages_and_delivers_none_fails_by_the_canary(
    config, patience, version
):
    with fake_broker() as server:
        code, found = doctored(config, server, version)

    assert code == 1
    assert found["broker canary"]["says"] == f"what we publish on {CANARY} does not come back"
    assert found["broker"]["level"] == "ok"


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize(
    ("manners", "says"),
    [
        ({"grants": False}, "does not answer a subscribe for 1 s"),
        ({"ends_for_filter": CANARY}, "ended the connection when asked for"),
    ],
)
def test_field_a5_a_broker_that_says_nothing_or_goes_away_is_told_as_that_and_not_as_a_missing_right(
    config, patience, manners, says, version
):
    with fake_broker(**manners) as server:
        code, found = doctored(config, server, version)

    assert code == 1
    assert says in found["broker kind"]["says"]
    assert says in found["broker canary"]["says"]
    assert "may not" not in str(found)


def test_field_a5_a_broker_that_acknowledges_nothing_does_not_prove_that_we_cannot_forge(config, patience):
    with fake_broker(answers=False) as server:
        _, found = doctored(config, server, "5")

    assert found["broker rights"]["level"] == "fail"
    assert "does not answer a publish for 1 s" in found["broker rights"]["says"]


@pytest.mark.parametrize("check", [broker_checks.asks_who, broker_checks.nameless_hears_nothing])
def test_field_a5_a_broker_that_goes_away_has_not_refused_the_nameless(config, patience, check):
    """It hangs up before it answered; one that refuses them lets us in still."""
    with fake_broker(hangs_up=True) as server, pytest.raises(NotLetIn):
        check(case(config, server, "5"))


def test_field_a5_what_we_may_not_publish_does_not_prove_that_the_nameless_hear_nothing(config, patience):
    with fake_broker(ends_for_any=True) as server:
        found = broker_checks.nameless_hears_nothing(case(config, server, "5"))

    assert (found.level, found.says) == (
        "warn",
        f"cannot be told: our own user may not publish on {CANARY}",
    )


def test_field_a5_a_broker_that_ends_the_connection_for_a_message_has_refused_it(config, patience):
    with fake_broker(ends_for_any=True) as server:
        _, found = doctored(config, server)

    assert found["broker rights"]["says"] == "our own user cannot publish as a gateway"


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda probe: probe.subscribe(CANARY), id="subscribe"),
        pytest.param(lambda probe: probe.publish(CANARY, b"x"), id="publish"),
        pytest.param(lambda probe: probe.hear(), id="hear"),
    ],
)
def test_field_a5_a_broker_that_is_killed_while_it_is_asked_is_not_there(config, patience, version, ask):
    with Mosquitto() as server, Probe(case(config, server, version).address) as probe:
        server.kill()

        with pytest.raises(NotReached):
            ask(probe)

"""Which broker it is, by what it says and does, and what is to be seen to on each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from paho.mqtt.enums import MQTTProtocolVersion

from ingest.mqtt.address import Broker
from plant.documents.problems import ConfigurationError
from stackmeter.doctor.checkup import Case, CheckResult, Level
from stackmeter.doctor.probe import NotLetIn, NotReached, Probe
from stackmeter.field.access_list import CANARY

SERVES = (2, 0, 11)  # Mosquitto: the oldest that passes the tests of the shipped files
PATCHED = (2, 0, 21)  # the first without a weakness that its change log names; distributions mend older ones
GUIDE = "docs/broker.md"
OTHERS = "docs/brokers.md"
SPARKPLUG = "spBv1.0/"
SAYS_ITS_VERSION = "$SYS/broker/version"
TELLING = (SAYS_ITS_VERSION, "$SYS/brokers/+/version", "$SYS/+/new/subscribes")
ALL_SAID = {
    "RetainAvailable": 1,
    "WildcardSubscriptionAvailable": 1,
    "SubscriptionIdentifierAvailable": 1,
    "SharedSubscriptionAvailable": 1,
}


@dataclass(frozen=True, slots=True)
class Traits:
    """What a broker said and did.

    Attributes
    ----------
    topic, payload
        The first of TELLING that it published, "" where none.
    stated
        The limits of its CONNACK over MQTT 5, None where it does not speak that.
    granted
        The QoS that it granted where 2 was asked for, None where it refused.
    takes_spaces
        Whether it grants a filter with a space in it; asked only of one that does not speak MQTT 5.
    """

    topic: str = ""
    payload: str = ""
    stated: Mapping[str, int] | None = None
    granted: int | None = None
    takes_spaces: bool = True

    def states(self, **values: int) -> bool:
        """Tell whether the CONNACK has all these values, said aloud."""
        return self.stated is not None and values.items() <= self.stated.items()


@dataclass(frozen=True, slots=True)
class BrokerKind:
    """A kind of broker: how it is known, whether that is sure, and what is to be seen to."""

    name: str
    sign: str
    is_shown: Callable[[Traits], bool]
    level: Level
    do: str
    is_sure: bool = False
    makes_slashes: bool = False  # of the dots in a topic


EMQX_ADVICE = (
    "durable_sessions.enable = true, mqtt.max_mqueue_len = infinity and mqtt.session_expiry_interval = 30d: by default what waits"
    f" for us is in memory, 1,000 messages, for 2 hours; see {OTHERS}"
)

KINDS = (
    BrokerKind(
        "mochi",
        "its $SYS topics",
        lambda t: t.topic == SAYS_ITS_VERSION and re.fullmatch(r"\d+\.\d+\.\d+\S*", t.payload) is not None,
        level="warn",
        do=f"unless whoever built it gave it a storage hook, a restart of it loses what waits for us; see {OTHERS}",
        is_sure=True,
    ),
    BrokerKind(
        "EMQX",
        "its $SYS topics",
        lambda t: t.topic.startswith("$SYS/brokers/"),
        level="warn",
        do=EMQX_ADVICE,
        is_sure=True,
    ),
    BrokerKind(
        "Aedes",
        "its $SYS topics",
        lambda t: t.topic.endswith("/new/subscribes"),
        level="warn",
        do="give it a persistence on disk: by itself (in Node-RED too) it is in memory, and a restart of it loses what it acknowledged;"
        f" without one connect gateways of class A only; see {OTHERS}",
        is_sure=True,
    ),
    BrokerKind(
        "RabbitMQ",
        "it takes QoS 1 at most and no shared subscriptions",
        lambda t: t.states(MaximumQoS=1, SharedSubscriptionAvailable=0),
        level="ok",
        do="mqtt.max_session_expiry_interval_seconds = 2592000, or it forgets us after a day, and mqtt.prefetch = 1000;"
        f" retained messages do not come by a filter with # or +; see {OTHERS}",
        makes_slashes=True,
    ),
    BrokerKind(
        "EMQX",
        "it says aloud all that it has",
        lambda t: t.states(**ALL_SAID),
        level="warn",
        do=EMQX_ADVICE,
    ),
    BrokerKind(
        "HiveMQ",
        "it takes 10 messages and 5 topic aliases, as HiveMQ does unless told otherwise",
        lambda t: t.states(ReceiveMaximum=10, TopicAliasMaximum=5),
        level="warn",
        do="raise <max-queue-size> in <queued-messages>: by default 1,000 messages wait for us and the next ones are discarded, which"
        f" cannot be seen from here; see {OTHERS}",
    ),
    BrokerKind(
        "NATS",
        "it speaks MQTT 3.1.1 only, and takes no filter with a space",
        lambda t: t.stated is None and t.granted is not None and not t.takes_spaces,
        level="ok",
        do="ack_wait: 5s in its mqtt block, so that what was under way when we ended comes again so soon and not after 30 s; see"
        f" {OTHERS}",
    ),
    BrokerKind(
        "RabbitMQ before 3.13",
        "it speaks MQTT 3.1.1 only, and grants QoS 1 where 2 is asked for",
        lambda t: t.stated is None and t.granted == 1,
        level="ok",
        do="mqtt.subscription_ttl = 2592000000, or it forgets us after a day, and mqtt.prefetch = 1000; retained messages do not come"
        f" by a filter with # or +; see {OTHERS}",
        makes_slashes=True,
    ),
)
UNKNOWN = (
    "see that it keeps sessions for 30 days and their messages on disk, that no count of waiting messages makes it drop any, and what"
    f" {OTHERS} says of it; if it is Mosquitto, let our user read $SYS/broker/#"
)


def kind(case: Case) -> CheckResult:
    """Which broker it is, whether it has known weaknesses, and what is to be seen to on it."""
    traits = observed(case.address)
    known = shown(traits)
    found = judged(traits)
    return _without_dots(found, _topics(case)) if known and known.makes_slashes else found


def _topics(case: Case) -> list[str]:
    """Return what is named in topics; nothing where the configuration cannot be read, which is told elsewhere."""
    try:
        return [one.id for one in case.plant.gateways] + [one.topic for one in case.plant.subscriptions]
    except ConfigurationError:
        return []


def _without_dots(found: CheckResult, topics: list[str]) -> CheckResult:
    """Return the finding of a broker that makes a slash of each dot in a topic, but of Sparkplug's own if it is told so."""
    dotted = [one for one in topics if "." in one.removeprefix(SPARKPLUG)]
    if dotted:
        return CheckResult(
            "fail",
            f"{found.says}; it makes a slash of each dot in a topic, so that nothing comes by {', '.join(dotted[:3])}",
            f"names and topics without dots; {found.do}",
        )
    if any(one.startswith(SPARKPLUG) for one in topics):
        return CheckResult(
            "warn",
            f"{found.says}; it makes spBv1/0 of spBv1.0 unless it is told otherwise, which cannot be seen from here",
            f"mqtt.sparkplug = true; {found.do}",
        )
    return found


def observed(address: Broker) -> Traits:
    """Ask a broker what tells one kind from another; it publishes nothing."""
    with Probe(address) as probe:
        granted = probe.granted(CANARY, 2)
        stated = probe.stated if address.speaks_5 else _stated(address)
        takes_spaces = stated is not None or probe.subscribe(f"{CANARY} with a space")
        topic, payload = _told(probe, address)
    return Traits(topic, payload.decode(errors="replace"), stated, granted, takes_spaces)


def _told(probe: Probe, address: Broker) -> tuple[str, bytes]:
    """Return what the broker says of itself, and nothing that others publish; it may end the connection of who asks."""
    try:
        for topic in TELLING:
            probe.subscribe(topic)
        while (heard := probe.hear()) is not None:
            if heard[0].startswith("$SYS/"):
                return heard
    except NotReached:
        with Probe(address):
            pass  # it is there still
    return "", b""


def _stated(address: Broker) -> Mapping[str, int] | None:
    """Return what a broker states over MQTT 5, None where it does not speak that."""
    try:
        with Probe(replace(address, version=MQTTProtocolVersion.MQTTv5)) as probe:
            return probe.stated
    except NotLetIn:
        return None


def shown(traits: Traits) -> BrokerKind | None:
    """Return the kind that a broker's traits show."""
    return next((one for one in KINDS if one.is_shown(traits)), None)


def judged(traits: Traits) -> CheckResult:
    """Return what a broker's traits mean."""
    if traits.payload.startswith("mosquitto version "):
        return mosquitto(traits.payload)
    found = shown(traits)
    if found is None and traits.topic == SAYS_ITS_VERSION:
        return CheckResult(
            "warn", f"the broker is {traits.payload!r}, of which nothing is known here", UNKNOWN
        )
    if found is None:
        return CheckResult("warn", "the broker does not say what it is, nor show it", UNKNOWN)
    surely = "the broker is" if found.is_sure else "the broker is probably"
    return CheckResult(found.level, f"{surely} {found.name}: {found.sign}", found.do)


def mosquitto(text: str) -> CheckResult:
    """Return what a version as Mosquitto says it means."""
    match = re.fullmatch(r"mosquitto version (\d+)\.(\d+)\.(\d+)\S*", text)
    if match is None:
        return CheckResult(
            "warn", f"the broker is {text!r}, of which nothing is known here", "see that it is supported"
        )
    found, wanted = tuple(map(int, match.groups())), "upgrade to {}.{}.{} or later".format(*PATCHED)
    if found < SERVES:
        return CheckResult("fail", f"{text} is too old for the shipped files", wanted)
    if found < PATCHED:
        return CheckResult(
            "warn",
            f"{text} has known weaknesses, unless it is a distribution's that mends them under the old number",
            f"keep the distribution's security updates installed, or {wanted}; what it lacks is in {GUIDE}",
        )
    return CheckResult("ok", text)

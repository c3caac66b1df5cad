"""What a broker says of itself when it takes a connection, and what that costs us; in the words of the people who read it."""

from collections.abc import Iterator
from dataclasses import dataclass

from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

UNLIMITED = 65535  # messages under way, where a broker says nothing of them

_LIMITS = (
    "ReceiveMaximum",
    "MaximumPacketSize",
    "MaximumQoS",
    "RetainAvailable",
    "TopicAliasMaximum",
    "WildcardSubscriptionAvailable",
    "SubscriptionIdentifierAvailable",
    "SharedSubscriptionAvailable",
)
_TOLD_BY_NUMBER = {
    0x84: "it does not speak this version of MQTT: set mqtt_version (3.1.1 or 5) to what it speaks",
    0x85: "it does not take our client id: the setting client_id",
    0x86: "wrong user or password: the setting broker, mqtt://user:password@host",
    0x87: "this user may not connect, or not with this client id: give the user the right in the broker",
    0x8A: "we are banned: see the broker's own list",
    0x8C: "it asks for an authentication method that we do not have; user and password, or TLS, are what we speak",
    0x95: "our connect packet is too large for it",
    0x97: "its quota is used up: see what it allows a client",
    0x9C: "it says to use another server",
    0x9D: "it has moved",
    0x9F: "we connect too often for it",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """The limits of a connection; the defaults are those of a broker that states none, and of MQTT 3.1.1.

    Attributes
    ----------
    receive_maximum
        Unanswered QoS 1 messages that we may send.
    packet_size
        The longest packet that we may send, None without a limit. [bytes]
    qos
        The highest QoS.
    retain, wildcards
        Whether retained messages, and filters with # or +, are there.
    session_s
        How long it keeps our session once we are away, None where it keeps it as long as we asked. [s]
    """

    receive_maximum: int = UNLIMITED
    packet_size: int | None = None
    qos: int = 2
    retain: bool = True
    wildcards: bool = True
    session_s: int | None = None

    def costs(self, asked_session_s: int) -> Iterator[str]:
        """Yield what is lost by these terms to a connection that wants its session kept for so long [s], 0 for not at all."""
        if self.qos == 0:
            yield "the broker offers QoS 0 only: what comes while we are away, or while it is busy, is lost"
        if not self.retain:
            yield "the broker keeps no retained messages: a gateway that connects learns only with its next message what we hold"
        if not self.wildcards:
            yield "the broker takes no filter with # or +: name each gateway's topic in `subscriptions`"
        if self.session_s is not None and self.session_s < asked_session_s:
            yield (
                f"the broker keeps our session for {self.session_s} s where {asked_session_s} s were asked: what comes while we are"
                " away longer is lost, but where gateways send it again; raise its limit of the session expiry"
            )


def terms_of(properties: Properties | None) -> Terms:
    """Read the terms of a CONNACK; None, as of MQTT 3.1.1, states none."""
    stated = vars(properties) if properties is not None else {}
    return Terms(
        receive_maximum=stated.get("ReceiveMaximum", UNLIMITED),
        packet_size=stated.get("MaximumPacketSize"),
        qos=stated.get("MaximumQoS", 2),
        retain=bool(stated.get("RetainAvailable", 1)),
        wildcards=bool(stated.get("WildcardSubscriptionAvailable", 1)),
        session_s=stated.get("SessionExpiryInterval"),
    )


def stated_in(properties: Properties | None) -> dict[str, int]:
    """Return the limits that a CONNACK says aloud, by the names of the properties."""
    stated = vars(properties) if properties is not None else {}
    return {name: stated[name] for name in _LIMITS if name in stated}


def refusal(reason: ReasonCode, properties: Properties | None) -> str:
    """Return why a broker refused a connection, and what to do."""
    told = _TOLD_BY_NUMBER.get(reason.value)
    return f"the broker refused the connection: {reason}{_said(properties)}{f': {told}' if told else ''}"


def silence(reason: ReasonCode, *, speaks_5: bool, tls: bool, where: str) -> str:
    """Return what may be wrong where a broker at host:port ends a connection before it answered."""
    return (
        f"the broker ended the connection before it answered ({reason}): does it speak MQTT {'5' if speaks_5 else '3.1.1'} (mqtt_version),"
        f" and {'TLS' if tls else 'MQTT without TLS'}, at {where}?"
    )


def farewell(reason: ReasonCode, properties: Properties | None) -> str:
    """Return how a connection ended, as far as the broker said."""
    return f"disconnected: {reason}{_said(properties)}"


def _said(properties: Properties | None) -> str:
    """Return what a broker added to a reason of its own accord."""
    stated = vars(properties) if properties is not None else {}
    said = [str(stated[name]) for name in ("ReasonString", "ServerReference") if name in stated]
    return f" ({'; '.join(said)})" if said else ""

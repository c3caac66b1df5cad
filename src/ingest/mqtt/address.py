"""Where the broker is, and as whom we connect to it."""

import ssl
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from paho.mqtt.enums import MQTTProtocolVersion

from plant.documents.urls import addresses, checked_url

_VERSIONS = {"3.1.1": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}


class BrokerAddress(ValueError):
    """The broker's URL is not one that we understand."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where and as whom to connect."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None
    version: MQTTProtocolVersion
    client_id: str
    ca: Path | None = None  # certificates that the broker's is checked by; the system's where None
    others: tuple["Broker", ...] = ()  # what it is tried at in turn when this one is lost, as the same client

    @property
    def speaks_5(self) -> bool:
        """Whether we speak MQTT 5 with it, 3.1.1 otherwise."""
        return self.version == MQTTProtocolVersion.MQTTv5

    @property
    def places(self) -> tuple["Broker", ...]:
        """All its addresses, in the order in which they are tried."""
        return (self, *self.others)

    @property
    def where(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"


def broker(urls: str, *, client_id: str, version: str, ca: Path | None = None) -> Broker:
    """Read `mqtt://[user:password@]host[:port]` or `mqtts://…`, or several of these with commas between them.

    Raises
    ------
    BrokerAddress
        It is anything else, or some are to be spoken to with TLS and others without.
    """
    try:
        first, *others = [_one(url, client_id, version, ca) for url in addresses(urls)]
    except ValueError as error:
        raise BrokerAddress(f"the broker's address: {error}") from error
    if any(one.tls != first.tls for one in others):
        raise BrokerAddress("the broker's addresses: write mqtt:// or mqtts:// for all of them, not both")
    if first.tls and ca is not None:
        _check_certificates(ca)
    return replace(first, others=tuple(others))


def _one(url: str, client_id: str, version: str, ca: Path | None) -> Broker:
    parts = checked_url(url, ("mqtt", "mqtts"), path=False)
    tls = parts.scheme == "mqtts"
    user, password = (unquote(x) if x else None for x in (parts.username, parts.password))
    port = parts.port or (8883 if tls else 1883)
    return Broker(str(parts.hostname), port, tls, user, password, _VERSIONS[version], client_id, ca)


def _check_certificates(ca: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(ca))
    except OSError as error:  # whose text names no file
        raise BrokerAddress(
            f"{ca}, the setting broker_ca, holds no certificates that can be read: {error}"
        ) from error

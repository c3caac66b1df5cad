"""What `stackmeter doctor` looks at and what it finds; each check is a function from the case to one finding."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from ingest.mqtt.address import Broker, broker
from ingest.subscriptions import MAX_BIRTH, MAX_PAYLOAD
from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.park import Plant
from plant.topics import SPARKPLUG
from rules.catalogue import load_catalogue
from stackmeter.settings import Settings

Level = Literal["ok", "warn", "fail"]
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found: `says` is what it means, `do` what to do about it, "" where nothing."""

    level: Level
    says: str
    do: str = ""


@dataclass(frozen=True)
class Case:
    """What is looked at."""

    settings: Settings
    api_url: str
    token: str

    @cached_property
    def plant(self) -> Plant:
        """The configuration; raises ConfigurationError."""
        config = self.settings.config
        return load(config, load_catalogue(config), AnySecret())

    @property
    def largest_message(self) -> int:
        """Bytes of the largest message that the service takes; raises ConfigurationError."""
        hosts = any(one.format == SPARKPLUG for one in self.plant.subscriptions)
        return MAX_BIRTH if hosts else MAX_PAYLOAD

    @cached_property
    def address(self) -> Broker:
        """Where the broker is; raises BrokerAddress."""
        given = self.settings
        return broker(given.broker, client_id=given.client_id, version=given.mqtt_version, ca=given.broker_ca)

    @property
    def broker_is_here(self) -> bool:
        """Whether all of the broker's addresses are this machine's own."""
        return all(place.host in LOOPBACK for place in self.address.places)

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.settings.state

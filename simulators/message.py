"""A message of a gateway, made but not yet sent."""

from dataclasses import dataclass
from enum import StrEnum

from simulators.payload import Readings


@dataclass(frozen=True, slots=True)
class Address:
    """A gateway's place in the topic tree."""

    park: str
    facility: str
    gateway: str

    def topic(self, leaf: str) -> str:
        """Return the gateway's topic of that last level: readings, status or ack."""
        return f"sm/v1/{self.park}/{self.facility}/{self.gateway}/{leaf}"

    def __str__(self) -> str:
        return f"{self.park}/{self.facility}/{self.gateway}"


class Fate(StrEnum):
    """What becomes of a message: sent, the same bytes sent once more, or lost in its gateway for ever."""

    SENT = "sent"
    COPY = "copy"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who sends it, its number, its bytes, and what is in them; `due` is when it is sent [ns UTC]."""

    address: Address
    boot: str
    seq: int
    due: int
    payload: bytes
    readings: Readings
    fate: Fate = Fate.SENT

    @property
    def topic(self) -> str:
        """Where it is published."""
        return self.address.topic("readings")

"""The shape of an exchange: who sends what to whom, by which channels, and what it is said to avoid."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from plant.commitments import ExchangeType
from plant.documents.fields import ChannelName, Evidence, Fault, Name, Part, Positive, Symbol, Text


class ExchangeSidePart(Part):
    """One side of an exchange: a facility, and its channels of what goes over."""

    facility: Text
    """The facility, or park/facility."""
    channels: Annotated[list[ChannelName], Field(min_length=1)]
    """Its channels of the amount, meters or entered; of several the sum counts."""

    def faults(self) -> Iterator[Fault]:
        """Yield a channel that stands twice."""
        if len(set(self.channels)) < len(self.channels):
            yield "channels", "has a channel twice"


class AvoidsPart(Part):
    """The reference case of an exchange: the primary material or fuel that would have been used without it."""

    reference: Text
    """What would have been used, such as clinker of a kiln or coal."""
    amount: Positive
    """How much of it one unit received takes the place of [unit per unit received]."""
    unit: Symbol
    """The unit of that amount."""
    co2e: Annotated[float, Field(ge=0)]
    """What it would have emitted [kg CO2e per unit of it]."""
    source: Evidence
    """Where both numbers come from."""


class ExchangePart(Part):
    """What one facility gives to another, by the meters of both."""

    name: Name
    """Unique among the exchanges of its park."""
    title: Text | None = None
    """What people call it; its name where left out."""
    type: ExchangeType
    """One of the five types of Form B.4: input-output, shared-infrastructure, services, inter-park, other."""
    sent: ExchangeSidePart = Field(alias="from")
    """Who gives, and the channels of what was sent."""
    received: ExchangeSidePart = Field(alias="to")
    """Who takes, and the channels of what was received."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """The share of what was sent by which both sides may differ, more or less."""
    avoids: AvoidsPart | None = None
    """What it avoids, as a statement apart from every inventory."""

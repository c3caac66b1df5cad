"""The shape of a place's indicators: which channels tell of its water, its waste, and its firms and land."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from plant.documents.fields import ChannelName, Fault, Part, Text

Treatment = Literal[
    "reuse", "recycling", "composting", "energy", "incineration", "landfill", "hazardous"
]  # as papers tell it
Channels = list[ChannelName]


class WaterPart(Part):
    """Channels of water; of several the sum counts."""

    fresh: Channels = Field(default_factory=list)
    """Fresh water that is taken in."""
    inflow: Channels = Field(default_factory=list)
    """Wastewater that enters the treatment."""
    reused: Annotated[Channels, Field(min_length=1)]
    """Treated wastewater that is used again."""

    def faults(self) -> Iterator[Fault]:
        """Yield water that nothing can be a share of, and a channel that stands twice."""
        if not self.fresh and not self.inflow:
            yield "reused", "is a share of something: give inflow, fresh or both"
        for name in ("fresh", "inflow", "reused"):
            if len(set(given := getattr(self, name))) < len(given):
                yield name, "has a channel twice"


class WaterLoadPart(Part):
    """Channels of what wastewater carries, masses of COD such as flow times its concentration; of several the sum counts."""

    cod_in: Channels = Field(default_factory=list)
    """COD that enters the treatment."""
    cod_out: Annotated[Channels, Field(min_length=1)]
    """COD that leaves it."""

    def faults(self) -> Iterator[Fault]:
        """Yield a channel that stands twice."""
        for name in ("cod_in", "cod_out"):
            if len(set(given := getattr(self, name))) < len(given):
                yield name, "has a channel twice"


class WasteStreamPart(Part):
    """A stream of waste, and what becomes of it."""

    channel: ChannelName
    """The channel of its amount, a mass."""
    stream: Text
    """Which stream it is, such as sludge or scrap."""
    treatment: Treatment
    """What becomes of it: reuse, recycling, composting, energy, incineration, landfill, hazardous."""


class EcoParkPart(Part):
    """Channels of kind level that people enter: what is true of the park from a day on."""

    firms: ChannelName | None = None
    """How many firms there are [1]."""
    firms_recp: ChannelName | None = None
    """How many of them use resources more efficiently and produce cleaner [1]."""
    links: ChannelName | None = None
    """How many links of industrial symbiosis there are [1]."""
    firms_in_links: ChannelName | None = None
    """How many firms are in them [1]."""
    land: ChannelName | None = None
    """All land, an area."""
    green_and_infrastructure: ChannelName | None = None
    """Of it, trees, roads, technical and social infrastructure, an area."""


class IndicatorsPart(Part):
    """What a place is told by beside tonnes. A park names channels as facility/channel."""

    water: WaterPart | None = None
    """Its reuse and circulation of water."""
    load: WaterLoadPart | None = None
    """Its wastewater's load."""
    waste: list[WasteStreamPart] = Field(default_factory=list)
    """Its waste by stream and treatment."""
    eco_park: EcoParkPart | None = None
    """Parks: what the criteria of an eco-park ask."""

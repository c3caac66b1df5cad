"""Puts together the indicators of parks and facilities: which channels they are made of, in which units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plant.alert_rules.alerts import Site
from plant.commitments import Indicators, Quantity, WasteStream
from plant.configuration.model import FacilityPart, ParkPart
from plant.configuration.virtuals import is_level, window_unit
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.indicators.indicator_model import EcoParkPart, IndicatorsPart, WaterLoadPart, WaterPart
from plant.park import Channel, Virtual
from plant.units import DimensionError, conversion, unit

WATER, LOAD, WASTE, AREA, COUNT = "m3", "kg", "t", "m2", "1"
FACTS = {
    "firms": COUNT,
    "firms_recp": COUNT,
    "links": COUNT,
    "firms_in_links": COUNT,
    "land": AREA,
    "green_and_infrastructure": AREA,
}


@dataclass(frozen=True, slots=True)
class IndicatorMaker:
    """Makes indicators; a park's have facility "" and name their channels with the facility."""

    channels: Sequence[Channel | Virtual]
    findings: Findings

    def indicators(
        self, parks: Sequence[Placed[ParkPart]], facilities: Mapping[Site, Placed[FacilityPart]]
    ) -> tuple[Indicators, ...]:
        """Return the indicators of places that have some; mistakes go to the findings."""
        places: list[tuple[Site, Placed[ParkPart] | Placed[FacilityPart]]] = [
            ((part.value.name, ""), part) for part in parks
        ]
        places += facilities.items()
        made = [
            self._made(site, part, part.value.indicators) for site, part in places if part.value.indicators
        ]
        return tuple(sorted(made, key=lambda one: (one.park, one.facility)))

    def _made(
        self, site: Site, part: Placed[ParkPart] | Placed[FacilityPart], written: IndicatorsPart
    ) -> Indicators:
        if site[1] and written.eco_park:
            self.findings.refuse(part, "is for a park", "indicators", "eco_park")
        known = self._known(site)
        streams = [(place, one) for place, one in enumerate(written.waste) if one.model_fields_set]
        waste = [
            WasteStream(found, one.stream, one.treatment)
            for place, one in streams
            if (found := self._quantity(part, known, one.channel, WASTE, "waste", place, "channel"))
        ]
        seen: set[str] = set()
        for place, one in streams:
            if one.channel in seen:
                message = f"{one.channel} is a stream already"
                self.findings.refuse(part, message, "indicators", "waste", place, "channel")
            seen.add(one.channel)
        return Indicators(
            *site,
            water=self._sums(part, known, written.water, "water", WATER) if written.water else None,
            load=self._sums(part, known, written.load, "load", LOAD) if written.load else None,
            waste=tuple(waste),
            facts=self._facts(part, known, written.eco_park) if written.eco_park else None,
        )

    def _known(self, site: Site) -> Mapping[str, Channel | Virtual]:
        """Return the channels that a place may name, by the names it gives them."""
        park, facility = site
        if facility:
            return {one.name: one for one in self.channels if (one.park, one.facility) == site}
        return {f"{one.facility}/{one.name}": one for one in self.channels if one.park == park}

    def _sums(
        self,
        part: Placed[ParkPart] | Placed[FacilityPart],
        known: Mapping[str, Channel | Virtual],
        written: WaterPart | WaterLoadPart,
        which: str,
        of: str,
    ) -> Mapping[str, tuple[Quantity, ...]]:
        return {
            key: tuple(
                found
                for place, name in enumerate(getattr(written, key))
                if (found := self._quantity(part, known, name, of, which, key, place))
            )
            for key in type(written).model_fields
        }

    def _facts(
        self,
        part: Placed[ParkPart] | Placed[FacilityPart],
        known: Mapping[str, Channel | Virtual],
        written: EcoParkPart,
    ) -> Mapping[str, Quantity]:
        found = {
            key: self._quantity(part, known, name, of, "eco_park", key)
            for key, of in FACTS.items()
            if (name := getattr(written, key)) is not None
        }
        return {key: one for key, one in found.items() if one}

    def _quantity(
        self,
        part: Placed[ParkPart] | Placed[FacilityPart],
        known: Mapping[str, Channel | Virtual],
        name: str,
        of: str,
        *key: str | int,
    ) -> Quantity | None:
        """Return a channel in a unit, None where it leads nowhere; facts of an eco-park are levels, all else amounts."""
        channel = known.get(name)
        if channel is None:
            self.findings.unknown(part, "channel", name, known, "indicators", *key)
            return None
        wants_level = of in (AREA, COUNT)
        if is_level(channel) != wants_level:
            what = "an amount; this is true from a day on: a level" if wants_level else "a level, no amount"
            self.findings.refuse(part, f"{name} is {what}", "indicators", *key)
            return None
        try:
            scale, offset = conversion(window_unit(channel), unit(of))
        except DimensionError as error:
            self.findings.refuse(part, f"{name} does not fit: {error}", "indicators", *key)
            return None
        return Quantity(channel.index, name, of, scale, offset)

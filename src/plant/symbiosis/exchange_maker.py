"""Puts together exchanges between facilities: the channels of both sides in one unit, and that each tonne is sold once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from plant.alert_rules.alerts import Site
from plant.commitments import Exchange, ExchangeSide, Quantity, ReferenceCase
from plant.configuration.model import ParkPart
from plant.configuration.virtuals import is_level, window_unit
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Channel, Source, Virtual
from plant.symbiosis.exchange_model import ExchangePart
from plant.units import DimensionError, Unit, conversion

SideKey = Literal["from", "to"]
Made = tuple[Placed[ExchangePart], Exchange]


@dataclass(frozen=True, slots=True)
class ExchangeMaker:
    """Makes the exchanges of parks; channels are by site and name."""

    channels: Mapping[Site, Mapping[str, Channel]]
    virtuals: Sequence[Virtual]
    sources: Sequence[Source]
    findings: Findings

    def exchanges(self, parks: Iterable[Placed[ParkPart]]) -> tuple[Exchange, ...]:
        """Return the exchanges by park and name; mistakes go to the findings."""
        made = [
            (part, one)
            for park in parks
            for part in park.parts("exchanges", park.value.exchanges)
            if self.findings.is_first_name(part, "exchange", park.value.name)
            and (one := self._exchange(park.value.name, part))
        ]
        self._find_circles(made)
        for part, one in made:
            self._find_other_sellers(part, one)
        return tuple(sorted((one for _, one in made), key=lambda one: (one.park, one.name)))

    def _exchange(self, park: str, part: Placed[ExchangePart]) -> Exchange | None:
        """Return an exchange, None where a side of it leads nowhere."""
        sites = self._site(park, part, "from"), self._site(park, part, "to")
        if sites[0] is None or sites[1] is None:
            return None
        if sites[0] == sites[1]:
            self.findings.refuse(part, "is the facility that sends: an exchange has two", "to", "facility")
            return None
        found = list(self._channels(part, "from", sites[0])), list(self._channels(part, "to", sites[1]))
        if not found[0] or not found[1]:
            return None
        unit = window_unit(found[0][0][1])
        written = part.value
        return Exchange(
            park=park,
            name=written.name,
            title=written.title or written.name,
            type=written.type,
            unit=unit.symbol,
            sent=ExchangeSide(*sites[0], tuple(self._in_unit(part, "from", found[0], unit))),
            received=ExchangeSide(*sites[1], tuple(self._in_unit(part, "to", found[1], unit))),
            tolerance=written.tolerance,
            avoided=ReferenceCase(**written.avoids.model_dump()) if written.avoids else None,
        )

    def _site(self, park: str, part: Placed[ExchangePart], side: SideKey) -> Site | None:
        written = part.value.sent if side == "from" else part.value.received
        of, _, facility = written.facility.rpartition("/")
        site = (of or park, facility)
        if site in self.channels:
            return site
        known = [name if at == park else f"{at}/{name}" for at, name in self.channels]
        self.findings.unknown(part, "facility", written.facility, known, side, "facility")
        return None

    def _channels(
        self, part: Placed[ExchangePart], side: SideKey, site: Site
    ) -> Iterator[tuple[int, Channel]]:
        """Yield the channels of a side that can be used, each with its place in the list."""
        written = part.value.sent if side == "from" else part.value.received
        known = self.channels[site]
        for place, name in enumerate(written.channels):
            channel = known.get(name)
            below = (side, "channels", place)
            if channel is None:
                self.findings.unknown(part, "channel", name, known, *below)
            elif is_level(channel):
                self.findings.refuse(part, f"channel {name} is a level; an exchange is of amounts", *below)
            elif self.findings.is_only(
                part,
                f"channel {name} is in an exchange already: what goes over does so once",
                ("exchange", side, *site, name),
                *below,
            ):
                yield place, channel

    def _in_unit(
        self, part: Placed[ExchangePart], side: SideKey, found: list[tuple[int, Channel]], unit: Unit
    ) -> Iterator[Quantity]:
        for place, channel in found:
            try:
                scale, _ = conversion(window_unit(channel), unit)
            except DimensionError as error:
                message = f"channel {channel.name} does not fit what is sent: {error}"
                self.findings.refuse(part, message, side, "channels", place)
                continue
            yield Quantity(channel.index, channel.name, unit.symbol, scale)

    def _find_circles(self, made: Iterable[Made]) -> None:
        """Refuse each exchange by which something comes back to where it was sent from."""
        by_index = {one.index: one for channels in self.channels.values() for one in channels.values()}
        ways: dict[str, dict[Site, list[Site]]] = {}
        for part, one in made:
            for quantity in sorted({by_index[sent.channel].quantity for sent in one.sent.channels}):
                way = ways.setdefault(quantity, {})
                back = _way(way, one.received.site, one.sent.site)
                if back:
                    circle = " to ".join("/".join(site) for site in (one.sent.site, *back))
                    message = f"{quantity} goes in a circle, {circle}: what comes back would count again; send what is left after it"
                    self.findings.refuse(part, message, "to")
                else:
                    way.setdefault(one.sent.site, []).append(one.received.site)

    def _find_other_sellers(self, part: Placed[ExchangePart], exchange: Exchange) -> None:
        """Refuse a source that takes what is received as sold by another; doubt one that says nobody sold it."""
        seller = "/".join(exchange.sent.site)
        sells = any(
            (one.park, one.facility) == exchange.sent.site and not one.sold_by for one in self.sources
        )
        received = {one.channel for one in exchange.received.channels}
        below = {one.index: one.channels for one in self.virtuals}
        for source in self.sources:
            taken = {channel for one in source.inputs for channel in below.get(one.channel, (one.channel,))}
            if not taken & received:
                continue
            if source.sold_by and source.sold_by != seller:
                message = f"source {source.id} takes it as sold by {source.sold_by}, here it is from {seller}: a tonne has one seller"
                self.findings.refuse(part, message, "from", "facility")
            elif source.scope == BOUGHT and not source.sold_by and sells:
                message = (
                    f"source {source.id} takes it without sold_by: {seller}: a sum over both counts it twice"
                )
                self.findings.doubt(part, message, "to", "channels")


BOUGHT = 2  # the scope of purchased energy


def _way(ways: Mapping[Site, Sequence[Site]], start: Site, end: Site) -> list[Site]:
    """Return the sites of a way from one to another, both among them; nothing where there is none."""
    before: dict[Site, Site | None] = {start: None}
    left = [start]
    while left:
        site = left.pop()
        for following in ways.get(site, ()):
            if following not in before:
                before[following] = site
                left.append(following)
    found: list[Site] = []
    at: Site | None = end if end in before else None
    while at is not None:
        found.append(at)
        at = before[at]
    return found[::-1]

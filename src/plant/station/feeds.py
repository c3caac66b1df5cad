"""Puts together the feeds of parks and facilities: the channels behind their symbols, the words of their units, their addresses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Channel
from plant.station.feed import Feed, FeedAddress, FeedLine, same_name
from plant.station.feed_model import FeedPart
from plant.station.words import word_of
from plant.units import UnknownUnit, unit
from plant.vocabulary import Kind

Site = tuple[str, str]  # park and facility, "" where it is the park's
_KINDS = (Kind.LEVEL, Kind.RATE)
_AROUND = 1_767_200_400 * 10**9  # ns UTC: 2026-01-01 of Viet Nam; names are compared from there on


@dataclass(frozen=True, slots=True)
class FeedMaker:
    """Makes feeds; channels are by site and name."""

    channels: Mapping[Site, Mapping[str, Channel]]
    directory: Path
    environment: Mapping[str, str]
    findings: Findings

    def feeds(self, parts: Iterable[tuple[Site, Placed[FeedPart]]]) -> tuple[Feed, ...]:
        """Return the feeds that can be used, by name; mistakes go to the findings."""
        made = [self._feed(site, part) for site, part in parts if self.findings.is_first_name(part, "feed")]
        return tuple(sorted(made, key=lambda one: one.name))

    def _feed(self, site: Site, part: Placed[FeedPart]) -> Feed:
        written = part.value
        park, facility = site
        made = Feed(
            name=written.name,
            park=park,
            facility=facility,
            station=written.station,
            every=written.every,
            file=written.file,
            lines=tuple(self._lines(site, part)),
            to=self._address(part),
            value=written.value,
            stamp=written.stamp,
            missing=written.missing,
            delay=written.delay,
            behind_after=written.behind_after,
            temporary=written.temporary,
            delimiter=written.delimiter,
            decimal=written.decimal,
            digits=written.digits,
        )
        self._check_names(part, made)
        return made

    def _lines(self, site: Site, part: Placed[FeedPart]) -> Iterator[FeedLine]:
        known = dict(self._known(site))
        for symbol, name in part.value.channels.items():
            channel = known.get(name)
            if channel is None:
                self.findings.unknown(part, "channel", name, known, "channels", symbol)
            elif channel.kind not in _KINDS:
                message = f"channel {name} is of kind {channel.kind}; a line tells a level or a rate"
                self.findings.refuse(part, message, "channels", symbol)
            else:
                yield from self._line(part, symbol, channel)

    def _line(self, part: Placed[FeedPart], symbol: str, channel: Channel) -> Iterator[FeedLine]:
        try:
            for word in part.value.units.values():
                unit(word)
        except UnknownUnit as error:
            self.findings.refuse(part, str(error), "units")
            return
        found = word_of(channel.unit, part.value.units)
        if found is None:
            message = f"the format has no word for {channel.unit.symbol}, the unit of channel {channel.name}: name one under units"
            self.findings.refuse(part, message, "channels", symbol)
            return
        yield FeedLine(symbol, channel.index, *found)

    def _known(self, site: Site) -> Iterator[tuple[str, Channel]]:
        """Yield the channels that a feed may name, by the names it gives them."""
        park, facility = site
        if facility:
            yield from self.channels[site].items()
            return
        for (of, name), channels in self.channels.items():
            if of == park:
                yield from ((f"{name}/{channel}", one) for channel, one in channels.items())

    def _check_names(self, part: Placed[FeedPart], feed: Feed) -> None:
        """Refuse a pattern that is none, and one that gives two slots, or two feeds of one address, one name."""
        same = same_name(feed, _AROUND)
        if not set(feed.file_name(feed.slot(_AROUND))).isdisjoint("/\\ \0\r\n\t"):
            self.findings.refuse(part, "makes names with / or a space in them", "file")
        elif same is not None:
            first, second = (f"{one:%Y-%m-%d %H:%M}" for one in same)
            message = f"gives the slots of {first} and {second} one name: let {{time:…}} tell them apart"
            self.findings.refuse(part, message, "file")
        message = "would write files of the same names to the same place as another feed"
        self.findings.is_only(part, message, ("feed file", feed.to.shown, feed.station, feed.file), "file")

    def _address(self, part: Placed[FeedPart]) -> FeedAddress:
        to, parts = part.value.to, urlsplit(part.value.to.url)
        if to.ca and not (self.directory / to.ca).is_file():
            self.findings.refuse(part, f"there is no file {to.ca}", "to", "ca")
        return FeedAddress(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port or 0,
            folder=unquote(parts.path) or "/",
            user=self._secret(part, "user_env", to.user_env),
            password=self._secret(part, "password_env", to.password_env),
            host_key=to.host_key or "",
            authority=str(self.directory / to.ca) if to.ca else "",
        )

    def _secret(self, part: Placed[FeedPart], key: str, name: str | None) -> str:
        if name is None:
            return ""
        if name not in self.environment:
            self.findings.refuse(part, "the environment has no variable of that name", "to", key)
            return ""
        value = self.environment[name]
        if not value or any(c in value for c in "\0\r\n"):
            self.findings.refuse(part, "the variable is empty, or has a line end in it", "to", key)
        return value

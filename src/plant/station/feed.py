"""A feed as the rest of the code sees it: which file is made of which slot of time, and where it is delivered."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from plant.station.words import ZONE
from plant.vocabulary import NS_PER_DAY, NS_PER_HOUR, NS_PER_S


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A line of the file: the mean, or the last, of what a channel read, in the file's word for its unit."""

    symbol: str
    channel: int  # an index of the plant
    unit: str  # the file's word
    scale: float  # number in the file = value * scale + offset
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """Where files go: a folder, or a server and a folder there. Its secrets never leave this object's use."""

    scheme: str  # file, ftp, ftps or sftp
    host: str  # "" for a folder of this machine
    port: int  # 0: the scheme's own
    folder: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    host_key: str = ""  # sftp: the only key that the server may have, `ssh-ed25519 AAAA…`
    authority: str = ""  # ftps: a file of certificates that vouch for the server; "": those of the system

    @property
    def shown(self) -> str:
        """The address without a secret."""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.host}{port}{self.folder}"


@dataclass(frozen=True, slots=True)
class Feed:
    """A file for an authority in each slot of time."""

    name: str
    park: str
    facility: str  # "" where it is the park's
    station: str
    every: int  # ns, the length of a slot; divides the day
    file: str  # the pattern of names, with {station} and {time:FORMAT}
    lines: tuple[FeedLine, ...]
    to: FeedAddress
    value: Literal["mean", "last"] = "mean"
    stamp: Literal["start", "end"] = "start"  # of the slot: its time in the file and in its name
    missing: Literal["omit", "last-with-02"] = "omit"
    delay: int = 60 * NS_PER_S  # ns after the end of a slot at which its file is frozen
    behind_after: int = NS_PER_HOUR  # ns that the oldest undelivered slot may be due before on-call is told
    temporary: str = ".part"  # behind the name while a file is written; "": it is written under its name
    delimiter: str = "\t"
    decimal: str = "."
    digits: int = 3  # behind the decimal sign, at most

    def slot(self, time: int) -> int:
        """Return the start of the slot that a time is in [ns UTC]; slots begin with the day of Viet Nam."""
        offset = _utc_offset(time)
        return (time + offset) // self.every * self.every - offset

    def file_name(self, slot: int) -> str:
        """Return the name of a slot's file."""
        return self.file.format(station=self.station, time=self.stamped(slot))

    def stamped(self, slot: int) -> datetime:
        """Return the time that a slot goes by, by the clock of Viet Nam."""
        at = slot + (self.every if self.stamp == "end" else 0)
        return datetime.fromtimestamp(at // NS_PER_S, ZONE)


def _utc_offset(time: int) -> int:
    offset = datetime.fromtimestamp(time // NS_PER_S, ZONE).utcoffset()
    assert offset is not None  # noqa: S101  the zone has one at any time
    return round(offset.total_seconds()) * NS_PER_S


def same_name(feed: Feed, around: int) -> tuple[datetime, datetime] | None:
    """Return two slots of which the pattern makes one name, None where it tells those of two days, of a year's days and of ten years apart.

    `around` is a time [ns UTC] from which it looks.
    """
    first = feed.slot(around)
    per_day = NS_PER_DAY // feed.every
    days = [*range(370), *(365 * year for year in range(2, 11))]
    slots = dict.fromkeys(
        [first + place * feed.every for place in range(2 * per_day)]
        + [first + day * NS_PER_DAY for day in days]
    )
    seen: dict[str, int] = {}
    for slot in slots:
        if (before := seen.setdefault(feed.file_name(slot), slot)) != slot:
            return feed.stamped(before), feed.stamped(slot)
    return None

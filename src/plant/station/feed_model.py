"""The shape of a feed, as people write it."""

from collections.abc import Iterator
from string import Formatter
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from plant.documents.fields import ChannelName, Duration, Fault, Name, Part, Text
from plant.station.words import symbol_name
from plant.vocabulary import NS_PER_DAY, NS_PER_MIN

EnvironmentKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SCHEMES = ("file", "ftp", "ftps", "sftp")


def _address(url: str) -> str:
    """Return a URL of a folder, here or at a server, without credentials."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("is not file:///folder, ftp://, ftps:// or sftp:// with a host and a folder")
    if parts.username is not None or parts.password is not None:
        raise ValueError("has credentials in it; name their variables in user_env and password_env")
    if bool(parts.hostname) == (parts.scheme == "file"):
        raise ValueError("is not file:///folder, ftp://, ftps:// or sftp:// with a host and a folder")
    if parts.query or parts.fragment or any(c in unquote(parts.path) for c in "\0\r\n"):
        raise ValueError("is a folder: it has no ?, no # and no line end")
    if parts.port == 0:
        raise ValueError("has no port 0")
    return url


def _pattern(text: str) -> str:
    """Return a pattern of file names in which nothing but {station} and {time:FORMAT} stands for something."""
    try:
        found = [(name, spec, sign) for _, name, spec, sign in Formatter().parse(text) if name is not None]
    except ValueError:
        found = [("", "", "")]
    known = {("station", "", None): "station", ("time", "", None): "time"}
    if any((name, spec if name == "station" else "", sign) not in known for name, spec, sign in found):
        raise ValueError("is no pattern: {station} and {time:FORMAT} stand for something, no other {…}")
    return text


class FeedTargetPart(Part):
    """Where a feed's files are delivered."""

    url: Annotated[
        str, StringConstraints(max_length=2048, pattern=r"^[\x21-\x7e]+$"), AfterValidator(_address)
    ]
    """The folder: file:///srv/out of this machine, or ftp://host/in, ftps://host/in, sftp://host/in, where the path begins at the server's root."""
    user_env: EnvironmentKey | None = None
    """The environment variable that holds the user; for servers."""
    password_env: EnvironmentKey | None = None
    """The environment variable that holds the password; for servers."""
    host_key: Annotated[
        str | None,
        StringConstraints(
            pattern=r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}$"
        ),
    ] = None
    """sftp: the server's key, as ssh-keyscan prints it behind the host: ssh-ed25519 AAAA…; a server with another one gets nothing."""
    ca: Text | None = None
    """ftps: a file of PEM certificates that vouch for the server; those of the system where left out."""

    def faults(self) -> Iterator[Fault]:
        """Yield what the scheme lacks or has no use for."""
        scheme = urlsplit(self.url).scheme
        for name in ("user_env", "password_env"):
            if (getattr(self, name) is None) != (scheme == "file"):
                yield name, "is for servers" if scheme == "file" else f"is required for {scheme}"
        if (self.host_key is None) == (scheme == "sftp"):
            yield "host_key", "is required for sftp" if scheme == "sftp" else "is for sftp"
        if self.ca is not None and scheme != "ftps":
            yield "ca", "is for ftps"


class FeedPart(Part):
    """A file for an authority in each slot of time, frozen when it is made and delivered in order until taken."""

    name: Name
    """Unique among all feeds."""
    format: Literal["station-text"] = "station-text"
    """The text file of Circular 10/2021: symbol, value, unit, time, status."""
    station: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """The code by which the authority knows the station."""
    every: Duration = Field(default="5min", validate_default=True)
    """The length of a slot: 1min to 1d, and divides a day."""
    file: Annotated[
        str,
        StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9{][A-Za-z0-9_.%{}:+-]*$"),
        AfterValidator(_pattern),
    ] = "{station}_{time:%Y%m%d%H%M%S}.txt"
    """How files are named: {station} and {time:FORMAT} stand for what they say."""
    channels: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.,-]{0,31}$")], ChannelName],
        Field(min_length=1, max_length=200),
    ]
    """The symbols of the file in its order, each with its channel; a park's feed names channels with their facility."""
    value: Literal["mean", "last"] = "mean"
    """What a line tells of a slot's counting readings."""
    stamp: Literal["start", "end"] = "start"
    """Which end of a slot is its time, in the file and in its name."""
    missing: Literal["omit", "last-with-02"] = "omit"
    """What stands for a channel that was not read in a slot: no line, or its last counting value as a fault."""
    delay: Annotated[Duration, Field(ge=0, le=NS_PER_DAY)] = Field(default="1min", validate_default=True)
    """How long after a slot's end its file is frozen; what comes later changes no file."""
    behind_after: Annotated[Duration, Field(ge=NS_PER_MIN, le=30 * NS_PER_DAY)] = Field(
        default="1h", validate_default=True
    )
    """How long the oldest slot that was not delivered may be due before on-call is told."""
    temporary: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]{1,16})?$")] = ".part"
    """What stands behind the name while a file is written, before it is renamed; "" writes it under its name, for servers that forbid to rename."""
    delimiter: Literal["\t", ";", ","] = "\t"
    """What stands between fields."""
    decimal: Literal[".", ","] = "."
    """The decimal sign."""
    digits: Annotated[int, Field(ge=1, le=9)] = 3
    """Digits behind the decimal sign, at most."""
    units: dict[Annotated[str, StringConstraints(pattern=r"^[!-~]{1,16}$")], Text] = Field(
        default_factory=dict
    )
    """What words for units mean besides those of the circular, such as {"-": pH}."""
    to: FeedTargetPart
    """Where files are delivered."""

    def faults(self) -> Iterator[Fault]:
        """Yield slots that do not fill a day, and symbols or signs that could not be told apart by who reads the file."""
        if not NS_PER_MIN <= self.every <= NS_PER_DAY or NS_PER_DAY % self.every:
            yield "every", "is between 1min and 1d and divides a day, such as 5min"
        first: dict[str, str] = {}
        for symbol in self.channels:
            if (other := first.setdefault(symbol_name(symbol), symbol)) != symbol:
                yield (
                    "channels",
                    f"{other} and {symbol} are one symbol to who reads the file; each has one channel",
                )
        if self.delimiter == self.decimal:
            yield "decimal", "is not the delimiter too"
        if any(self.delimiter in word for word in (*self.channels, *self.units)):
            yield "delimiter", "stands in a symbol or a unit's word; take another one"

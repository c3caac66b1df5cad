"""How a payload writes its times, as a subscription says it: nothing is guessed, neither a unit nor a zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ingest.formats.decoder import Origin
from ingest.formats.fields import told
from ingest.formats.rows import NS, arrival, instant
from ingest.formats.strict import PayloadError
from plant.vocabulary import Code

ARRIVAL, RFC3339 = "arrival", "rfc3339"
WAYS = (RFC3339, ARRIVAL, *NS)  # and any pattern of strptime
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_USUAL = 64  # characters; only such texts are remembered, so that a payload cannot fill the memory


@dataclass(frozen=True, slots=True)
class Stamps:
    """`way` is rfc3339, arrival, a unit of numbers since 1970 (s, ms, us, ns), or a pattern of strptime.

    `zone` is that of a pattern without one, None where the pattern has its own.
    """

    way: str
    zone: ZoneInfo | None

    def of(self, given: Any, origin: Origin, path: str) -> int | str:
        """Return a time as ns UTC, or as RFC 3339 text that is not read yet.

        Raises
        ------
        PayloadError
            It is not written as agreed, it is no instant of its zone or two of them, or a retained message is to be
            dated by its arrival.
        """
        if self.way == ARRIVAL:
            return arrival(origin, path)
        if given is None or given == "":
            raise PayloadError(Code.TS_INVALID, path, "there is no time")
        if self.way in NS:
            return instant(_number(given, path), self.way, path)
        if not isinstance(given, str):
            raise PayloadError(Code.TS_INVALID, path, f"{told(given)} is no text")
        return given if self.way == RFC3339 else self._read(given, path)

    def _read(self, text: str, path: str) -> int:
        try:
            read = _remembered if len(text) <= _USUAL else _by_pattern
            return read(text, self.way, self.zone)
        except PayloadError as error:
            raise PayloadError(error.code, path, error.detail) from error


def _by_pattern(text: str, pattern: str, zone: ZoneInfo | None) -> int:
    """Return a time that is written by a pattern of strptime as ns UTC."""
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007  the zone follows
    except ValueError as error:
        raise PayloadError(Code.TS_INVALID, "", f"{text[:40]!r} is not written like {pattern}") from error
    if moment.tzinfo is None:
        moment = _placed(moment, zone)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


_remembered = lru_cache(maxsize=4096)(_by_pattern)  # the readings of a message often have one time


def _placed(moment: datetime, zone: ZoneInfo | None) -> datetime:
    """Return a time of a zone's clock; one that the clock shows twice or never is refused."""
    if zone is None:
        raise PayloadError(Code.TS_NAIVE, "", "has no zone; say which with the option zone")
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise PayloadError(Code.TS_INVALID, "", f"the clock of {zone.key} shows this twice or never")
    return first


def _number(given: Any, path: str) -> int | float:
    """Return a number, also one that is written as text."""
    if not isinstance(given, str):
        return given  # type: ignore[no-any-return]  # `instant` refuses what is none
    try:
        return (
            int(given)
            if given.lstrip("-").isdecimal() and given.isascii() and len(given) <= 20
            else float(given[:40])
        )
    except ValueError as error:
        raise PayloadError(Code.TS_INVALID, path, f"{given[:40]!r} is no number") from error
